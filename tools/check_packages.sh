#!/usr/bin/env bash
# Installs the packages of a folder in two fresh bookworms (debootstrap, chroot), runs a node in each with a program
# kept alive across both, builds a program on the library, removes everything and looks for what is left.
#
# usage: check_packages.sh FOLDER    (as root; needs the network for debootstrap, some minutes)
set -euo pipefail

((EUID == 0)) || { echo 'error: a chroot needs root' >&2; exit 1; }
# What it mounts and starts is its own, and goes with it.
[[ -n ${BROOD_APART:-} ]] ||
  BROOD_APART=1 exec unshare --mount --propagation private --pid --fork --kill-child "$BASH" "$0" "$@"
debs=$(cd "$1" && pwd)
source=$(cd "$(dirname "$0")/.." && pwd)
base=${BROOD_CHROOT_BASE:-}
work=$(mktemp -d)
one=$work/one two=$work/two
declare -A nodes=()  # their process ids
say() { printf '    %s\n' "$*"; }
clean() {
  ((${#nodes[@]} == 0)) || kill -9 "${nodes[@]}" 2>/dev/null || true
  umount -l "$work"/*/proc "$work"/*/dev 2>/dev/null || true
  rm -rf --one-file-system "$work"
}
trap clean EXIT
clean_env=(PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C DEBIAN_FRONTEND=noninteractive)
inside() { chroot "$1" env -i "${clean_env[@]}" "${@:2}"; }
must() { "$@" || { echo "error: $*" >&2; exit 1; }; }
apt() {
  inside "$1" apt-get -y -q "${@:2}" >> "$debs/apt.log" 2>&1 || { tail -20 "$debs/apt.log" >&2; exit 1; }
}
mounted() {
  mount -t proc proc "$1/proc"
  mount --rbind /dev "$1/dev"
}

if [[ -n $base ]]; then cp -a "$base" "$one"; else
  debootstrap --variant=minbase bookworm "$one" "${BROOD_DEBIAN_MIRROR:-http://deb.debian.org/debian}" > "$debs/debootstrap.log" 2>&1 ||
    { tail -5 "$debs/debootstrap.log" >&2; echo 'error: debootstrap failed' >&2; exit 1; }
fi
chmod 0755 "$work" "$one"  # as / of the chroot it is passed through by every user
cp /etc/resolv.conf "$one/etc/resolv.conf" 2>/dev/null || true
for file in /etc/apt/apt.conf.d/*proxy*; do [[ -e $file ]] && cp "$file" "$one/etc/apt/apt.conf.d/"; done
mkdir -p "$one/debs"
cp "$debs"/*.deb "$one/debs/"
cp -a "$one" "$two"
: > "$debs/apt.log"

for root in "$one" "$two"; do
  say "installing in chroot ${root##*/}"
  mounted "$root"
  apt "$root" update
  inside "$root" sh -c 'apt-get install -y -q --no-install-recommends /debs/brood_*.deb /debs/libbrood0_*.deb' \
    >> "$debs/apt.log" 2>&1 || { tail -20 "$debs/apt.log" >&2; exit 1; }
  must inside "$root" getent passwd brood > /dev/null
  must inside "$root" brood --version
done

say 'a node in each, a program kept alive across both'
roots=([1]=$one [2]=$two)
for n in 1 2; do
  file=${roots[n]}/etc/brood/n$n.toml
  cat > "$file" <<TOML
[node]
name = "n$n@127.0.0.1:1910$n"
cookie = "package-test"
epmd = false
join = ["n1@127.0.0.1:19101", "n2@127.0.0.1:19102"]
[[supervisor.web.child]]
id = "sleeper"
exec = ["sleep", "100000"]
TOML
  inside "${roots[n]}" chown root:brood "/etc/brood/n$n.toml"
  chmod 0640 "$file"
done
start() {
  # With exec all the way it is the node's own id.
  (exec chroot "${roots[$1]}" env -i "${clean_env[@]}" setpriv --reuid=brood --regid=brood --init-groups \
    brood node --config "/etc/brood/n$1.toml") > "$debs/n$1.log" 2>&1 &
  nodes[$1]=$!
}
ask() { inside "$one" env BROOD_COOKIE=package-test brood --node "$1" "${@:2}"; }
n1=n1@127.0.0.1:19101 n2=n2@127.0.0.1:19102
start 1
start 2
within() {
  local until=$((SECONDS + 60))
  until "$@" > "$debs/last" 2>&1; do
    ((SECONDS < until)) || { cat "$debs/last" "$debs"/n?.log >&2; echo "error: not within a minute: $*" >&2; exit 1; }
    sleep 0.2
  done
}
two_are_up() { [[ $(ask "$n1" nodes -q | wc -l) == 2 ]]; }
within two_are_up
within ask "$n1" wait sleeper
host() { ask "$1" where sleeper --json | grep -o '"runs_on":"[^"]*"' | cut -d'"' -f4; }
on=$(host "$n1")
ask "$n1" ps
say "sleeper runs on $on: kill -9 of that node"
kill -9 "${nodes[${on:1:1}]}"
wait "${nodes[${on:1:1}]}" 2>/dev/null || true
other=$n1
[[ $on == n1@* ]] && other=$n2
moved() { local now; now=$(host "$other") && [[ -n $now && $now != "$on" ]]; }
within moved
within ask "$other" wait sleeper
ask "$other" ps
start "${on:1:1}"
within two_are_up
# It may be on its way back to the node that has come again.
runs() { on=$(host "$other") && [[ -n $on ]]; }
within runs
say "sleeper runs on $on: drain of that node"
within ask "$on:1910${on:1:1}" drain
other=$n1
[[ $on == n1@* ]] && other=$n2
within moved
ask "$other" ps
kill -TERM "${nodes[@]}"
gone() { ! kill -0 "${nodes[@]}"; }
within gone
nodes=()

say 'a program on the library, by CMake and by pkg-config'
inside "$one" sh -c 'apt-get install -y -q --no-install-recommends /debs/libbrood-dev_*.deb g++ cmake make pkg-config' \
  >> "$debs/apt.log" 2>&1 || { tail -20 "$debs/apt.log" >&2; exit 1; }
mkdir -p "$one/consumer"
cp "$source/tests/consumers/installed/CMakeLists.txt" "$source/examples/bank/bank.cpp" "$one/consumer/"
inside "$one" cmake -S /consumer -B /consumer/build -DBANK=/consumer/bank.cpp > "$debs/consumer.log" 2>&1
inside "$one" cmake --build /consumer/build >> "$debs/consumer.log" 2>&1
must inside "$one" /consumer/build/bank | grep 'alice: 125 cents'
inside "$one" sh -c 'g++ -std=c++20 -o /consumer/static /consumer/bank.cpp $(pkg-config --cflags --libs brood-static)'
must inside "$one" /consumer/static | grep 'alice: 125 cents'

for root in "$one" "$two"; do
  say "removed from chroot ${root##*/}, without remains"
  rm "$root"/etc/brood/n?.toml  # the operator's own, and theirs to remove
  [[ $root == "$two" ]] || apt "$root" purge libbrood-dev
  apt "$root" purge brood libbrood0
  left=$(inside "$root" sh -c 'find / -xdev \( -path /proc -o -path /debs -o -path /consumer -o -path /dev -o -path /var/log/apt -o -path /var/cache \) -prune -o -name "*brood*" -print')
  [[ -z $left ]] || { printf 'error: left behind:\n%s\n' "$left" >&2; exit 1; }
done
say 'all is well'
