#!/usr/bin/env python3
"""The main job, shown: three nodes keep the servers and workers of examples/fleet.toml alive while one of
the nodes is killed and comes back. Ends with status 0 only if all of it held.

usage: demo.py --bin FOLDER [--stay | --stop] [--fleet FILE]
"""

import argparse
import collections
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import tomllib

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))
from harness import ports, processes, sanitizers  # noqa: E402

NODES = ("n1@127.0.0.1", "n2@127.0.0.1", "n3@127.0.0.1")
STATE = ROOT / "build" / "demo"
COLOUR = sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def paint(text, code):
    return f"\x1b[{code}m{text}\x1b[0m" if COLOUR else text


def good(text):
    return paint(text, "32")


def title(text):
    print("\n" + paint(text, "1"), flush=True)


def say(text=""):
    print("  " + text, flush=True)


class Failed(Exception):
    """The demo showed something that must not be; its words say what."""


def milliseconds(seconds):
    return f"{seconds * 1000:.0f} ms" if seconds < 10 else f"{seconds:.1f} s"


class Fleet:
    """What examples/fleet.toml says: the ids, and where each server listens (its monitor knows)."""

    def __init__(self, path):
        with open(path, "rb") as file:
            table = tomllib.load(file)
        self.path = path
        self.ids, self.programs, self.watched = [], {}, {}
        for supervisor in table["supervisor"].values():
            for child in supervisor.get("child", []):
                # One entry may stand for many ({n} in its id); how many is enough here.
                self.ids += [child["id"]] * child.get("count", 1)
                if "exec" in child:
                    self.programs[child["id"]] = child["exec"]
                if child.get("worker") == "tcp_monitor":
                    self.watched[child["id"]] = (child["args"]["host"], child["args"]["port"])
        self.count = len(self.ids)
        self.servers = {}   # id of the program -> (host, port)
        self.files = {}     # (host, port) -> (path to ask for, what must come)
        for name, words in self.programs.items():
            for address in self.watched.values():
                if str(address[1]) in " ".join(words):
                    self.servers[name] = address
                    self.files[address] = a_file(words[-1])


def a_file(folder):
    """A small file under the folder that a server serves: (its path there, its bytes)."""
    for where, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = os.path.join(where, name)
            if os.path.isfile(path) and 0 < os.path.getsize(path) < 50000:
                with open(path, "rb") as file:
                    return "/" + os.path.relpath(path, folder), file.read()
    return "/", b""


def answers(address, wanted, seconds=1.0):
    """Asks a server for a file: (status line, bytes of its answer's body) if it is the right one, else None."""
    path, content = wanted
    try:
        with socket.create_connection(address, seconds) as link:
            link.settimeout(seconds)
            link.sendall(f"GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode())
            reply = b""
            while piece := link.recv(65536):
                reply += piece
    except OSError:
        return None
    head, _, body = reply.partition(b"\r\n\r\n")
    status = head.split(b"\r\n")[0].decode(errors="replace")
    return (status, len(body)) if " 200 " in status + " " and body == content else None


class Watch(threading.Thread):
    """Asks every server again and again and knows how long each did not answer."""

    def __init__(self, fleet):
        super().__init__(daemon=True)
        self.servers, self.files = fleet.servers, fleet.files
        self.away = collections.defaultdict(float)
        self._down_since = {}
        self._end = threading.Event()

    def run(self):
        while not self._end.wait(0.01):
            for name, address in self.servers.items():
                before = time.monotonic()
                if answers(address, self.files[address], 0.5):
                    since = self._down_since.pop(name, None)
                    if since is not None:
                        self.away[name] = max(self.away[name], time.monotonic() - since)
                else:
                    self._down_since.setdefault(name, before)

    def result(self):
        """name -> longest outage so far; begins anew."""
        found, self.away = dict(self.away), collections.defaultdict(float)
        return found

    def still_down(self):
        return list(self._down_since)

    def end(self):
        self._end.set()
        self.join(10)


class Demo:
    def __init__(self, arguments):
        self.bin = pathlib.Path(arguments.bin).resolve()
        self.stay = arguments.stay
        self.fleet = Fleet(arguments.fleet)
        self.mark = processes.new_mark()
        self.running = {}
        self.logs = {}
        self.epmd = None
        self.watch = None
        if self.stay:
            STATE.mkdir(parents=True, exist_ok=True)
            self.folder = STATE
        else:
            self.folder = pathlib.Path(tempfile.mkdtemp(prefix="brood-demo-"))
        self.cookie = self.folder / "cookie"
        # A cluster of its own: its EPMD and its cookie are nobody else's.
        self.environment = {"ERL_EPMD_PORT": str(ports.free_port()), "ERL_EPMD_ADDRESS": "127.0.0.1",
                            **sanitizers.environment(self.folder)}

    # Programs.

    def write_cookie(self):
        self.cookie.unlink(missing_ok=True)
        self.cookie.touch(0o600)
        self.cookie.write_text(processes.new_mark())
        self.cookie.chmod(0o400)

    def start_epmd(self):
        port = self.environment["ERL_EPMD_PORT"]
        self.epmd = processes.spawn(["epmd", "-port", port, "-address", "127.0.0.1"], self.mark,
                                    self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                    survive=self.stay)
        processes.wait_for(lambda: self.port_open(("127.0.0.1", int(port))), 10, "epmd listens")

    @staticmethod
    def port_open(address):
        try:
            socket.create_connection(address, 1).close()
            return True
        except OSError:
            return False

    def start(self, name):
        short = name.split("@")[0]
        log = self.folder / f"{short}.log"
        out = self.folder / f"{short}.out"
        with open(log, "ab") as log_file, open(out, "wb") as out_file:
            self.running[name] = processes.spawn(
                [self.bin / "brood", "node", "--config", self.fleet.path, "--name", name,
                 "--cookie-file", self.cookie],
                self.mark, self.environment, stdout=out_file, stderr=log_file, survive=self.stay)
        self.logs[name] = log
        return out

    def wait_up(self, name, out):
        def up():
            if self.running[name].poll() is not None:
                raise Failed(f"node {name} ended with status {self.running[name].returncode}")
            return "is up" in out.read_text(errors="replace")
        processes.wait_for(up, 30, f"node {name} is up")

    def brood(self, *words, node=NODES[0]):
        run = subprocess.run(
            [str(self.bin / "brood"), *words, "--node", node, "--cookie-file", str(self.cookie)],
            capture_output=True, text=True, timeout=30, check=False,
            env=dict(os.environ, **self.environment))
        if run.returncode != 0:
            raise Failed(f"brood {' '.join(words)} on {node}: {run.stdout}{run.stderr}")
        return run.stdout

    # What the cluster says.

    def ps(self, node, *words):
        return json.loads(self.brood("ps", "--json", *words, node=node))

    def up(self):
        return [name for name in NODES if name in self.running and self.running[name].poll() is None]

    def placement(self, node):
        """id -> (node, uptime) where each child has one running instance; None if it is not so."""
        table = {}
        for child in self.ps(node):
            running = [i for i in child["instances"] if i["phase"] == "running"]
            if len(running) != 1 or len(child["instances"]) != 1:
                return None
            table[child["id"]] = (running[0]["node"], running[0]["uptime_s"])
        return table if len(table) == self.fleet.count else None

    def settled(self, nodes, seconds=30, wanted=None):
        """Waits until these nodes agree where everything is. id -> node."""
        last = {}

        def look():
            tables = []
            for node in nodes:
                table = self.placement(node)
                if table is None:
                    return None
                tables.append({name: where for name, (where, _) in table.items()})
            last["table"] = tables[0]
            same = all(table == tables[0] for table in tables)
            return tables[0] if same and (wanted is None or wanted(tables[0])) else None
        return processes.wait_for(look, seconds, f"{self.fleet.count} children run once each", 0.03)

    def watch_moves(self, node, moved, since, done):
        """Polls until done(table); id -> how long each of `moved` was away since `since`."""
        away = {}

        def look():
            now = time.monotonic()
            children = self.ps(node)
            seen = time.monotonic()
            whole = True
            for child in children:
                running = [i for i in child["instances"] if i["phase"] == "running"]
                if len(running) != 1:
                    whole = False
                elif child["id"] in moved and child["id"] not in away and done(child["id"], running[0]["node"]):
                    uptime = running[0]["uptime_s"]
                    # Whole seconds say too little: then the moment counts at which it was seen.
                    started = seen - uptime if isinstance(uptime, float) else now
                    away[child["id"]] = max(0.0, started - since)
            return whole and set(away) >= moved
        processes.wait_for(look, 30, "what must move has moved", 0.02)
        return away

    # What is shown.

    def table(self, placed):
        short = [name.split("@")[0] for name in NODES]
        single = sorted(name for name in placed if name in self.fleet.programs or name in self.fleet.watched)
        width = max([len(name) for name in single] + [20])
        say(f"{'':{width}}  " + "  ".join(f"{name:>5}" for name in short))
        for name in single:
            marks = "  ".join(f"{'*' if placed[name] == node else '.':>5}" for node in NODES)
            say(f"{name:{width}}  {marks}")
        others = [node for name, node in placed.items() if name not in single]
        counts = collections.Counter(others)
        say(f"{f'{len(others)} other workers':{width}}  " + "  ".join(f"{counts[node]:>5}" for node in NODES))
        total = collections.Counter(placed.values())
        say(paint(f"{'all':{width}}  " + "  ".join(f"{total[node]:>5}" for node in NODES), "1"))

    def show_moves(self, before, after, away, outages):
        moved = sorted(name for name in after if before.get(name) != after[name])
        for name in moved:
            if name in self.fleet.programs or name in self.fleet.watched:
                outage = f"did not answer for {milliseconds(outages[name])}" if outages.get(name) else \
                    f"away for {milliseconds(away[name])}" if name in away else ""
                say(f"{name}: {before[name].split('@')[0]} -> {after[name].split('@')[0]}  {outage}")
        times = sorted(away.values())
        if times:
            say(f"{len(moved)} children moved; away for {milliseconds(times[0])} at least, "
                f"{milliseconds(times[len(times) // 2])} in the middle, {milliseconds(times[-1])} at most")
        return moved

    def check(self):
        """By requests and by counting: every server answers, every child runs exactly once."""
        self.settled(self.up())
        for name, address in self.fleet.servers.items():
            wanted = self.fleet.files[address]
            status, size = processes.wait_for(lambda a=address, w=wanted: answers(a, w), 10,
                                              f"{name} answers on port {address[1]}")
            say(f"{name}: GET http://{address[0]}:{address[1]}{wanted[0]}: {status}, the right {size} bytes")
        local = collections.Counter(child["id"] for node in self.up() for child in self.ps(node, "--local"))
        if len(local) != self.fleet.count or set(local.values()) != {1}:
            odd = [f"{name} {count} times" for name, count in local.items() if count != 1]
            raise Failed(f"not each child exactly once: {len(local)} of {self.fleet.count}; {odd[:5]}")
        say(f"{len(local)} children, asked of the node that runs them: each " + good("exactly once"))
        os_pids = {child["id"]: child["instances"][0]["os_pid"] for child in self.ps(self.up()[0])}
        for name in self.fleet.programs:
            pids = processes.with_environment("BROOD_CHILD", name, self.mark)
            same = [pid for pid in pids if processes.command_line(pid) == processes.command_line(os_pids[name])
                    and os.getpgid(pid) == pid]
            if same != [os_pids[name]]:
                raise Failed(f"{name}: process {os_pids[name]} should be the only one, there are {same}")
        say(f"{len(self.fleet.programs)} programs, counted among the processes of this machine: each "
            + good("exactly once"))

    # The acts.

    def prepare(self):
        for program in (self.bin / "brood", self.bin / "brood-shim"):
            if not program.exists():
                raise Failed(f"no program {program}: ./dev build makes it")
        if len(self.fleet.servers) < 3:
            raise Failed(f"{self.fleet.path}: at least three servers with a monitor each are expected")
        for name, address in self.fleet.servers.items():
            if self.port_open(address):
                raise Failed(f"something listens on port {address[1]} already, where {name} should: end it "
                             "first (a demo that stayed: ./dev demo --stop)")
        self.write_cookie()
        self.start_epmd()

    def act(self):
        started = time.monotonic()
        title("Three nodes with one fleet file")
        outs = {name: self.start(name) for name in NODES}
        for name, out in outs.items():
            self.wait_up(name, out)
        first = self.settled(NODES)
        say(f"{self.fleet.count} children of {os.path.relpath(self.fleet.path, ROOT)} run, after "
            f"{milliseconds(time.monotonic() - started)}")
        self.table(first)
        processes.wait_for(lambda: all(answers(a, self.fleet.files[a]) for a in self.fleet.servers.values()), 15,
                           "all servers answer")
        self.watch = Watch(self.fleet)
        self.watch.start()

        # The node with the most servers is the one to lose.
        servers = collections.Counter(first[name] for name in self.fleet.servers)
        victim = max(NODES, key=lambda name: (servers[name], name))
        survivors = [name for name in NODES if name != victim]
        title(f"kill -9 of {victim}")
        moved = {name for name, node in first.items() if node == victim}
        since = time.monotonic()
        processes.kill(self.running[victim])
        away = self.watch_moves(survivors[0], moved, since, lambda name, node: node != victim)
        second = self.settled(survivors)
        processes.wait_for(lambda: not self.watch.still_down(), 10, "the servers answer again")
        self.show_moves(first, second, away, self.watch.result())
        others = [name for name in second if first[name] != second[name] and first[name] != victim]
        if others:
            raise Failed(f"these had no reason to move: {others[:5]}")
        say("nothing else moved")
        self.running[victim].wait(10)
        self.table(second)

        title(f"{victim} starts again")
        since = time.monotonic()
        out = self.start(victim)
        self.wait_up(victim, out)
        third = self.settled(NODES, wanted=lambda table: table == first)
        back = {name for name in third if second[name] != third[name]}
        say(f"back where they belong, {milliseconds(time.monotonic() - since)} after its start")
        processes.wait_for(lambda: not self.watch.still_down(), 10, "the servers answer again")
        self.show_moves(second, third, {}, self.watch.result())
        say(f"{len(back)} children moved back, those that were moved away before and no other")
        self.table(third)

        title("Is it so? Asked by requests and by counting")
        self.check()
        self.watch.end()
        return time.monotonic() - started

    def end(self):
        """Ends all that was started; what is left then, running or of sanitizers' reports."""
        if self.watch:
            self.watch.end()
        for process in self.running.values():
            processes.kill(process, signal.SIGCONT)
            processes.kill(process, signal.SIGTERM)
        deadline = time.monotonic() + 15
        for process in self.running.values():
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                pass
            processes.reap(process)
        if self.epmd:
            processes.reap(self.epmd)
        left = {}
        end = time.monotonic() + 10
        while time.monotonic() < end:
            left = processes.marked(self.mark)
            if not left:
                break
            time.sleep(0.02)
        processes.kill_marked(self.mark)
        if not self.stay:
            for file, text in sanitizers.reports(self.folder).items():
                print(f"--- {file}\n{text}", file=sys.stderr)
                left[file] = text.splitlines()[:3]
            for path in self.folder.iterdir():
                path.unlink()
            self.folder.rmdir()
        return left

    def show_logs(self):
        for name, log in self.logs.items():
            tail = log.read_text(errors="replace").splitlines()[-30:]
            print(f"--- the log of {name}, last {len(tail)} lines", file=sys.stderr)
            print("\n".join(tail), file=sys.stderr)

    def remain(self):
        (STATE / "mark").write_text(self.mark)
        program = os.path.relpath(self.bin / "brood", os.getcwd())
        title("The cluster stays up. To talk to it:")
        for line in (f"export ERL_EPMD_PORT={self.environment['ERL_EPMD_PORT']} BROOD_NODE={NODES[0]} "
                     f"BROOD_COOKIE_FILE={os.path.relpath(self.cookie, os.getcwd())}",
                     f"{program} nodes",
                     f"{program} ps",
                     f"{program} call {next(iter(self.fleet.watched), 'ID')} status",
                     f"{program} logs {next(iter(self.fleet.servers))}",
                     f"{program} start mine --worker counter",
                     f"{program} call mine '{{add, 5}}'",
                     f"{program} drain {NODES[1]} --node {NODES[1]}"):
            say("  " + line)
        say(f"logs: {os.path.relpath(STATE)}/n1.log, n2.log, n3.log; to end it: ./dev demo --stop")


def stop_staying():
    try:
        mark = (STATE / "mark").read_text().strip()
    except OSError:
        print("no demo stays up here")
        return 0
    count = len(processes.marked(mark))
    processes.kill_marked(mark)
    (STATE / "mark").unlink()
    print(f"ended: {count} processes")
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", default=ROOT / "build" / "release" / "bin", help="the folder of the programs")
    parser.add_argument("--fleet", type=pathlib.Path, default=ROOT / "examples" / "fleet.toml")
    parser.add_argument("--stay", action="store_true", help="leave the cluster up")
    parser.add_argument("--stop", action="store_true", help="end a cluster that stayed")
    arguments = parser.parse_args()
    if arguments.stop:
        return stop_staying()

    def interrupted(signum, _frame):
        raise KeyboardInterrupt(signum)
    signal.signal(signal.SIGTERM, interrupted)
    demo = Demo(arguments)
    try:
        demo.prepare()
        seconds = demo.act()
    except (Failed, AssertionError, KeyboardInterrupt, OSError, subprocess.SubprocessError) as error:
        demo.show_logs()
        demo.stay = False
        demo.end()
        print(paint(f"\nthe demo failed: {error or type(error).__name__}", "31"), file=sys.stderr)
        return 1
    if arguments.stay:
        demo.remain()
        # Not through atexit: what stays must stay.
        sys.stdout.flush()
        os._exit(0)
    left = demo.end()
    if left:
        print(f"the demo failed: left behind: {left}", file=sys.stderr)
        return 1
    title(good("It held.") + f" {seconds:.1f} s; every process that was started is gone")
    return 0


if __name__ == "__main__":
    sys.exit(main())
