#!/usr/bin/env bash
# Installs the packages of a folder in a fresh bookworm (debootstrap, chroot), runs two nodes with a program kept
# alive across both, builds a program on the library, removes everything and looks for what is left.
#
# usage: check_packages.sh FOLDER    (as root; needs the network for debootstrap, a minute or two)
set -euo pipefail

((EUID == 0)) || { echo 'error: a chroot needs root' >&2; exit 1; }
# What it mounts and starts is its own, and goes with it.
[[ -n ${BROOD_APART:-} ]] ||
  BROOD_APART=1 exec unshare --mount --propagation private --pid --fork --kill-child "$BASH" "$0" "$@"
debs=$(cd "$1" && pwd)
source=$(cd "$(dirname "$0")/.." && pwd)
base=${BROOD_CHROOT_BASE:-}
root=$(mktemp -d)
chmod 0755 "$root"  # as / of the chroot it is passed through by every user
declare -A nodes=()  # their process ids
say() { printf '    %s\n' "$*"; }
clean() {
  ((${#nodes[@]} == 0)) || kill -9 "${nodes[@]}" 2>/dev/null || true
  umount -l "$root/proc" "$root/dev" 2>/dev/null || true
  rm -rf --one-file-system "$root"
}
trap clean EXIT
clean_env=(PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C)
inside() { chroot "$root" env -i "${clean_env[@]}" "$@"; }
must() { "$@" || { echo "error: $*" >&2; exit 1; }; }

if [[ -n $base ]]; then cp -a "$base/." "$root"; else
  debootstrap --variant=minbase bookworm "$root" "${BROOD_DEBIAN_MIRROR:-http://deb.debian.org/debian}" > "$debs/debootstrap.log" 2>&1 ||
    { tail -5 "$debs/debootstrap.log" >&2; echo 'error: debootstrap failed' >&2; exit 1; }
fi
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
cp /etc/resolv.conf "$root/etc/resolv.conf" 2>/dev/null || true
for file in /etc/apt/apt.conf.d/*proxy*; do [[ -e $file ]] && cp "$file" "$root/etc/apt/apt.conf.d/"; done
mkdir -p "$root/debs"
cp "$debs"/*.deb "$root/debs/"

say 'installing'
inside apt-get update -q > "$debs/apt.log" 2>&1
inside sh -c 'DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends /debs/*.deb procps g++ cmake make pkg-config' \
  >> "$debs/apt.log" 2>&1 || { tail -20 "$debs/apt.log" >&2; exit 1; }
must inside getent passwd brood > /dev/null
must inside brood --version

say 'two nodes, a program kept alive across both'
for n in 1 2; do
  cat > "$root/etc/brood/n$n.toml" <<TOML
[node]
name = "n$n@127.0.0.1:1910$n"
cookie = "package-test"
epmd = false
join = ["n1@127.0.0.1:19101", "n2@127.0.0.1:19102"]
[[supervisor.web.child]]
id = "sleeper"
exec = ["sleep", "100000"]
TOML
  inside chown root:brood "/etc/brood/n$n.toml"
  inside chmod 0640 "/etc/brood/n$n.toml"
done
start() {
  # With exec all the way it is the node's own id.
  (exec chroot "$root" env -i "${clean_env[@]}" setpriv --reuid=brood --regid=brood --init-groups \
    brood node --config "/etc/brood/n$1.toml") > "$debs/n$1.log" 2>&1 &
  nodes[$1]=$!
}
ask() { inside env BROOD_COOKIE=package-test brood --node "$1" "${@:2}"; }
n1=n1@127.0.0.1:19101 n2=n2@127.0.0.1:19102
start 1
start 2
within() {
  local until=$((SECONDS + 30))
  until "$@" > "$debs/last" 2>&1; do
    ((SECONDS < until)) || { cat "$debs/last" "$debs"/n?.log >&2; echo "error: not within 30 s: $*" >&2; exit 1; }
    sleep 0.2
  done
}
two_are_up() { [[ $(ask "$n1" nodes -q | wc -l) == 2 ]]; }
within two_are_up
within ask "$n1" wait sleeper
host() { ask "$1" where sleeper --json | grep -o '"runs_on":"[^"]*"' | cut -d'"' -f4; }
on=$(host "$n1")
say "sleeper runs on $on: kill -9 of that node"
kill -9 "${nodes[${on:1:1}]}"
other=$n1
[[ $on == n1@* ]] && other=$n2
moved() { local now; now=$(host "$other") && [[ -n $now && $now != "$on" ]]; }
within moved
within ask "$other" wait sleeper
start "${on:1:1}"
within two_are_up
# It may be on its way back to the node that has come again.
runs() { on=$(host "$other") && [[ -n $on ]]; }
within runs
say "sleeper runs on $on: drain"
within ask "$on:1910${on:1:1}" drain
other=$n1
[[ $on == n1@* ]] && other=$n2
within moved
say "sleeper runs on $(host "$other")"
kill -TERM "${nodes[@]}"
gone() { ! kill -0 "${nodes[@]}"; }
within gone
nodes=()

say 'a program on the library, by CMake and by pkg-config'
mkdir -p "$root/consumer"
cp "$source/tests/consumers/installed/CMakeLists.txt" "$source/examples/bank/bank.cpp" "$root/consumer/"
inside cmake -S /consumer -B /consumer/build -DBANK=/consumer/bank.cpp > "$debs/consumer.log" 2>&1
inside cmake --build /consumer/build >> "$debs/consumer.log" 2>&1
inside /consumer/build/bank | grep -q 'alice: 125 cents'
inside sh -c 'g++ -std=c++20 -o /consumer/static /consumer/bank.cpp $(pkg-config --cflags brood) -Wl,-Bstatic -lbrood -Wl,-Bdynamic $(pkg-config --static --libs brood | sed s/-lbrood//)'
inside /consumer/static | grep -q 'alice: 125 cents'

say 'removed, without remains'
rm "$root"/etc/brood/n[12].toml  # the operator's own, and theirs to remove
inside apt-get purge -y -q brood libbrood0 libbrood-dev >> "$debs/apt.log" 2>&1
left=$(inside sh -c 'find / -xdev \( -path /proc -o -path /debs -o -path /consumer -o -path /dev -o -path /var/log/apt -o -path /var/cache \) -prune -o -name "*brood*" -print')
[[ -z $left ]] || { printf 'error: left behind:\n%s\n' "$left" >&2; exit 1; }
say 'all is well'
