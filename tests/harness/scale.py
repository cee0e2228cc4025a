"""ScaleCluster: nodes of tests/programs/scale_node, driven by lines, for tests of many children and many nodes."""

import collections
import json
import subprocess
import threading

from . import processes
from .cluster import SLOW, Cluster, binary_folder


class Slot:
    """An answer that is to come."""

    def __init__(self, command):
        self._command = command
        self._come = threading.Event()
        self._text = None

    def set(self, text):
        self._text = text
        self._come.set()

    def done(self):
        return self._come.is_set()

    def wait(self, timeout=60):
        if not self._come.wait(timeout * SLOW):
            raise processes.Timeout(f"no answer within {timeout} s: {self._command}")
        if self._text is None:
            raise AssertionError(f"the node ended during: {self._command}")
        answer = json.loads(self._text)
        if isinstance(answer, dict) and "error" in answer:
            raise AssertionError(f"{self._command}: {answer['error']}")
        return answer


class ScaleNode:
    """One start of the program."""

    def __init__(self, process):
        self.process = process
        self.connections = []  # "up NODE", "down NODE REASON", as they came
        self._numbers = iter(range(1, 1 << 30))
        self._lock = threading.Lock()
        self._waiting = {}
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for raw in self.process.stdout:
            first, _, rest = raw.decode(errors="replace").rstrip("\n").partition(" ")
            if first == "!":
                self.connections.append(rest)
            elif first.isdigit():
                with self._lock:
                    slot = self._waiting.pop(int(first), None)
                if slot:
                    slot.set(rest)
        self.process.stdout.close()
        with self._lock:
            left, self._waiting = self._waiting, {}
        for slot in left.values():
            slot.set(None)

    def submit(self, command):
        slot = Slot(command)
        with self._lock:
            number = next(self._numbers)
            self._waiting[number] = slot
            self.process.stdin.write(f"{number} {command}\n".encode())
            self.process.stdin.flush()
        return slot

    def ask(self, command, timeout=60):
        return self.submit(command).wait(timeout)

    def stats(self):
        answer = self.ask("ask {stats, web}")
        assert answer[0] == "ok", answer
        return answer[1]

    def running(self):
        return self.ask("running")["running"]

    def status(self, field):
        """A number of /proc/PID/status: VmRSS in KiB, Threads."""
        with open(f"/proc/{self.process.pid}/status", encoding="utf-8") as file:
            return next(int(line.split()[1]) for line in file if line.startswith(field + ":"))

    def resident(self):
        """Bytes of main memory."""
        return self.status("VmRSS") * 1024

    def lost(self):
        return [line for line in self.connections if line.startswith("down")]


class ScaleCluster(Cluster):
    """expect: of each supervisor; seeds: the nodes that all others begin with, default all; threads: of each
    node's scheduler, 0 as many as there are processors."""

    def __init__(self, names, expect=None, seeds=None, threads=0, tick_ms=8000, migration=None, fixed=False):
        super().__init__(names)
        if migration:
            self.environment["SCALE_MIGRATION"] = migration
        if fixed:
            self.environment["SCALE_FIXED"] = "1"
        self.expect = len(self.names) if expect is None else expect
        self.seeds = list(seeds or names)
        self.threads = threads
        self.tick_ms = int(tick_ms * SLOW)
        self.nodes_of = {}

    def launch(self, name):
        number = self._starts[name] = self._starts.get(name, 0) + 1
        seeds = [self.full(seed) for seed in self.seeds if seed != name]
        with open(self.path(f"{name}.{number}.log"), "wb") as log:
            process = processes.spawn(
                [*self.prefix(name), binary_folder() / "scale_node", self.full(name), self.cookie_file, self.tick_ms,
                 self.expect, self.threads, *seeds],
                self.mark, self.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log)
        self._processes[name] = process
        self.nodes_of[name] = ScaleNode(process)

    def wait_up(self, name, seconds=60):
        self.nodes_of[name].ask(f"wait_up {int(seconds * SLOW * 1000)}", seconds + 5)

    def kill(self, name):
        processes.kill(self._processes[name])

    def leave(self, name, seconds=60):
        """Its input ends: it hands over what it has and ends in good order. Its exit status."""
        process = self._processes[name]
        process.stdin.close()
        return process.wait(seconds * SLOW)

    def wait_killed(self, name):
        self._processes[name].wait(30)
        self._processes[name].stdin.close()

    def node(self, name):
        return self.nodes_of[name]

    def up(self):
        return {name: self.nodes_of[name] for name in self.names if self.alive(name)}

    def ask_all(self, command, names=None):
        """Name -> answer, of all that are up, asked at the same time."""
        asked = {name: self.nodes_of[name].submit(command) for name in names or self.up()}
        return {name: slot.wait() for name, slot in asked.items()}

    def wait_members(self, names=None, seconds=20):
        """Every named node sees exactly these as up, in one view that all of them have confirmed."""
        names = names or list(self.up())
        odd = {}

        def agreed():
            odd.clear()
            views = {name: answer[1]["view"] if answer[0] == "ok" else {"hash": answer, "up": 0, "confirmed": False}
                     for name, answer in self.ask_all("ask {stats, web}", names).items()}
            common = collections.Counter(str(view["hash"]) for view in views.values()).most_common(1)[0][0]
            odd.update({name: view for name, view in views.items() if view["up"] != len(names)
                        or not view["confirmed"] or str(view["hash"]) != common})
            return not odd
        processes.wait_for(agreed, seconds * SLOW, lambda: f"one view of {len(names)} nodes; {len(odd)} of them have "
                                                           f"another: {dict(list(odd.items())[:5])}", 0.05)

    def fences(self):
        """The lines of all logs that say that a node held its handlers back."""
        return self.log_lines("fenced: ")

    def log_lines(self, text):
        found = []
        for name in self._starts:
            for number in range(1, self._starts[name] + 1):
                with open(self.path(f"{name}.{number}.log"), errors="replace") as file:
                    found += [f"{name}: {line.strip()}" for line in file if text in line]
        return found
