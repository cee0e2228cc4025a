"""Cluster: some `brood node` programs on loopback, with an EPMD, a cookie and a folder of their own.

Everything ends with close(), which tells what should not be there: a process, a sanitizer's report. Nodes are named by short names
(n1, n2, ...); full() gives n1@127.0.0.1. What is done to a node is told to the witness first.
"""

import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from . import ports, processes, sanitizers, tls as certificates, toml
from .witness import Witness

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SERVER = ROOT / "tests" / "harness" / "server.py"

# Bounds are multiplied with it: sanitizers and valgrind are slow.
SLOW = float(os.environ.get("BROOD_TEST_SLOW", "1"))


def binary_folder():
    return pathlib.Path(os.environ.get("BROOD_BIN_DIR", ROOT / "build" / "release" / "bin")).resolve()


def brood_binary():
    return binary_folder() / "brood"


def chaos_library():
    """The plug-in with the test workers."""
    name = os.environ.get("BROOD_CHAOS_LIB")
    if name:
        return pathlib.Path(name)
    for folder in (binary_folder(), binary_folder().parent / "lib", binary_folder().parent / "tests" / "plugins"):
        if (folder / "libchaos_workers.so").exists():
            return folder / "libchaos_workers.so"
    return binary_folder() / "libchaos_workers.so"


class Answer:
    """What a command of the command line printed and how it ended."""

    def __init__(self, arguments, status, out, err):
        self.arguments, self.status, self.out, self.err = arguments, status, out, err

    @property
    def json(self):
        try:
            return json.loads(self.out)
        except ValueError as error:
            raise AssertionError(f"not one JSON document: {self}") from error

    def __str__(self):
        return f"brood {' '.join(self.arguments)}: status {self.status}\n{self.out[-2000:]}{self.err[-2000:]}"


class Cluster:
    def __init__(self, names=("n1", "n2", "n3"), supervisors=None, node=None, chaos=True, own_epmd=True,
                 erlang_cookie="brood-test-cookie", wrapper=(), faults=False, tls=False,
                 witness="127.0.0.1"):
        """witness: the address at which it listens. faults: nodes are made to crash, and sanitizers must let them. tls: everybody speaks it, with a
        certificate of his own from self.authority."""
        self.folder = tempfile.mkdtemp(prefix="brood-test-")
        self.mark = processes.new_mark()
        self.cookie = erlang_cookie
        self.witness = Witness(witness)
        self.epmd_port = ports.free_port()
        self.environment = {"ERL_EPMD_PORT": str(self.epmd_port), "ERL_EPMD_ADDRESS": "127.0.0.1",
                            "HOME": self.folder, "BROOD_NODE": "", "LC_ALL": "C.UTF-8",
                            **sanitizers.environment(self.folder)}
        if faults:
            self.environment = sanitizers.let_faults_pass(self.environment)
        self.names = list(names)
        self.node_options = dict(node or {})
        self.supervisors = supervisors if supervisors is not None else {"web": ({}, [])}
        self.wrapper = list(wrapper)
        self._chaos = chaos
        self._processes = {}
        self._paused = set()
        self._leaving = set()
        self._starts = {}
        self._closed = False
        self._epmd = None
        self._erlang = []
        self.cookie_file = self.write("cookie", self.cookie, 0o400)
        self.authority = certificates.Authority(self.path("tls")) if tls else None
        if tls:
            for name in [*self.names, "cli", "erlang"]:
                self.authority.issue(name)
            self.environment.update(self.authority.environment("cli"))
        if own_epmd:
            self.start_epmd()

    # Files.

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text, mode=0o600):
        path = self.path(name)
        if os.path.exists(path):
            os.chmod(path, 0o600)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, mode)
        return path

    def full(self, name):
        return name if "@" in name else f"{name}@127.0.0.1"

    def fleet_text(self, name, supervisors=None, node=None):
        table = {"name": self.full(name), "cookie_file": self.cookie_file,
                 "join": [self.full(other) for other in self.names if other != name]}
        if self._chaos and chaos_library().exists():
            table["worker_libs"] = [str(chaos_library())]
        if self.authority:
            table["tls"] = self.authority.files(name)
        table.update(self.node_options)
        table.update(node or {})
        return toml.fleet({key: item for key, item in table.items() if item is not None},
                          self.supervisors if supervisors is None else supervisors)

    # Programs.

    def prefix(self, name):
        """The first words of the command that starts a node's program."""
        return self.wrapper

    def start_epmd(self):
        self._epmd = processes.spawn(["epmd", "-port", self.epmd_port, "-address", "127.0.0.1",
                                      "-relaxed_command_check"], self.mark, self.environment,
                                     stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

        def answers():
            return subprocess.run(["epmd", "-port", str(self.epmd_port), "-names"], capture_output=True,
                                  env=dict(os.environ, **self.environment), check=False).returncode == 0
        processes.wait_for(answers, 10 * SLOW, "epmd answers")

    def stop_epmd(self):
        processes.reap(self._epmd)
        self._epmd = None

    def launch(self, name, arguments=None, environment=None, config=None, stderr=None):
        """Starts the program of a node without waiting for it. stderr: instead of the file that log() reads."""
        if config is None:
            config = self.write(f"{name}.toml", self.fleet_text(name))
        self._leaving.discard(name)
        number = self._starts[name] = self._starts.get(name, 0) + 1
        with open(self.path(f"{name}.{number}.out"), "wb") as out, \
                open(self.path(f"{name}.{number}.log"), "wb") as log:
            command = [*self.prefix(name), brood_binary(), "node"]
            command += arguments if arguments is not None else ["--config", config]
            self._processes[name] = processes.spawn(
                command, self.mark, dict(self.environment, **(environment or {})), stdout=out,
                stderr=log if stderr is None else stderr, cwd=self.folder)
        return self._processes[name]

    def start(self, *names, seconds=30):
        """Starts nodes (default: all) and waits until each says that it is up."""
        names = names or self.names
        for name in names:
            self.launch(name)
        for name in names:
            self.wait_up(name, seconds)

    def wait_up(self, name, seconds=30):
        def up():
            if self._processes[name].poll() is not None:
                raise AssertionError(f"node {name} ended with {self._processes[name].returncode}:\n"
                                     + self.log(name))
            return "is up" in self.out(name)
        processes.wait_for(up, seconds * SLOW, lambda: f"node {name} is up:\n{self.log(name)}")

    def process(self, name):
        return self._processes[name]

    def alive(self, name):
        return name in self._processes and self._processes[name].poll() is None

    def up_names(self):
        return [name for name in self.names
                if self.alive(name) and name not in self._paused and name not in self._leaving]

    def kill(self, name):
        """kill -9."""
        self.witness.killed(self.full(name))
        processes.kill(self._processes[name])
        self._processes[name].wait(10)
        self._paused.discard(name)

    def pause(self, name):
        self.witness.paused(self.full(name))
        self._processes[name].send_signal(signal.SIGSTOP)
        self._paused.add(name)

    def resume(self, name):
        self._processes[name].send_signal(signal.SIGCONT)
        self.witness.resumed(self.full(name))
        self._paused.discard(name)

    def begin_leave(self, name):
        """SIGTERM, without waiting."""
        self._leaving.add(name)
        self._processes[name].send_signal(signal.SIGTERM)

    def leave(self, name, seconds=30):
        """SIGTERM: the node hands over and ends. Its exit status."""
        self.begin_leave(name)
        return self.wait_left(name, seconds)

    def wait_left(self, name, seconds=30):
        try:
            return self._processes[name].wait(seconds * SLOW)
        except subprocess.TimeoutExpired:
            raise processes.Timeout(f"node {name} did not leave within {seconds} s:\n{self.log(name)}") from None

    # What nodes printed.

    def _last(self, name, kind):
        try:
            with open(self.path(f"{name}.{self._starts[name]}.{kind}"), errors="replace") as file:
                return file.read()
        except (OSError, KeyError):
            return ""

    def out(self, name):
        return self._last(name, "out")

    def log(self, name):
        return self._last(name, "log")

    def logs_text(self, lines=40):
        text = []
        for name in sorted(self._starts):
            for number in range(max(1, self._starts[name] - 1), self._starts[name] + 1):
                try:
                    with open(self.path(f"{name}.{number}.log"), errors="replace") as file:
                        tail = file.read().splitlines()[-lines:]
                except OSError:
                    continue
                text.append(f"--- {name}, start {number}, last {len(tail)} lines of its log")
                text += tail
        return "\n".join(text)

    # The command line.

    def brood(self, *arguments, node=None, status=0, timeout=60, environment=None, cookie=True, input=None):
        """Runs `brood ARGUMENTS` against a node. status: what it must end with; None: anything."""
        command = [str(argument) for argument in arguments]
        extra = []
        if node is not None:
            extra += ["--node", self.full(node)]
        if cookie:
            extra += ["--cookie-file", self.cookie_file]
        at = command.index("--") if "--" in command else len(command)
        command[at:at] = extra
        full = dict(os.environ, **self.environment)
        full.update(environment or {})
        full[processes.MARK] = self.mark
        run = subprocess.run([str(brood_binary()), *command], capture_output=True, text=True, errors="replace",
                             env=full, timeout=timeout * SLOW, check=False, cwd=self.folder, input=input,
                             stdin=subprocess.DEVNULL if input is None else None)
        sanitizers.keep(self.folder, run.stderr)
        answer = Answer(command, run.returncode, run.stdout, run.stderr)
        if status is not None and run.returncode != status:
            raise AssertionError(f"status {status} expected: {answer}")
        return answer

    def ps(self, node, *arguments):
        return self.brood("ps", "--json", *arguments, node=node).json

    def nodes(self, node):
        return self.brood("nodes", "--json", node=node).json

    def erlang(self, name="driver", hidden=True):
        """A stock Erlang node in this cluster; ended with it."""
        from .erlang import ErlangNode
        node = ErlangNode(self, name, hidden)
        self._erlang.append(node)
        return node

    # Conditions.

    @staticmethod
    def _running_on(child):
        return [instance["node"] for instance in child["instances"] if instance["phase"] in ("running", "stuck")]

    def placed(self, node):
        """id -> list of nodes with a running instance, as that node's tables have it."""
        return {child["id"]: self._running_on(child) for child in self.ps(node)}

    def wait_members(self, names=None, seconds=20):
        """Every named node sees exactly these as up."""
        names = names or self.up_names()
        wanted = sorted(self.full(name) for name in names)
        seen = {}

        def agreed():
            for name in names:
                answer = self.brood("nodes", "--json", node=name, status=None)
                if answer.status:
                    seen[name] = str(answer)
                    return False
                seen[name] = sorted(node["name"] for node in answer.json if node["up"])
                if seen[name] != wanted:
                    return False
            return True
        processes.wait_for(agreed, seconds * SLOW, lambda: f"all see {wanted}: {seen}", 0.05)

    def wait_placed(self, ids, names=None, seconds=30):
        """Every named node's table has exactly one running instance of each id, on a node that is up, and no
        other ids. Returns id -> node."""
        names = names or self.up_names()
        allowed = {self.full(name) for name in self.up_names()}
        ids = set(ids)
        last = {}

        def settled():
            tables = []
            for name in names:
                try:
                    rows = {child["id"]: child for child in self.ps(name)}
                except AssertionError as error:
                    last["why"] = f"{name}: {error}"
                    return None
                table = {name_: self._running_on(child) for name_, child in rows.items()}
                if set(table) != ids:
                    last["why"] = f"{name} lacks {sorted(ids - set(table))[:5]}, has " \
                                  f"{sorted(set(table) - ids)[:5]} too many"
                    return None
                odd = {name_: rows[name_] for name_, nodes in table.items()
                       if len(nodes) != 1 or nodes[0] not in allowed}
                if odd:
                    last["why"] = f"{name}: {dict(list(odd.items())[:5])} ({len(odd)} in all)"
                    return None
                tables.append(table)
            if any(table != tables[0] for table in tables):
                last["why"] = "the nodes' tables differ"
                return None
            return ({name: nodes[0] for name, nodes in tables[0].items()},)
        # A tuple: also a table without any child is an answer.
        return processes.wait_for(settled, seconds * SLOW, lambda: f"each child on one node: {last.get('why')}",
                                  0.05)[0]

    def wait_witnessed(self, ids, seconds=30):
        """The witness sees exactly one running instance of each of these ids, and none of any other."""
        ids = set(ids)
        last = {}

        def settled():
            counts = self.witness.counts()
            odd = {name: counts.get(name, 0) for name in ids if counts.get(name, 0) != 1}
            odd.update({name: count for name, count in counts.items() if name not in ids and count
                        and not name.endswith("/daemon")})
            last["odd"] = odd
            return not odd
        processes.wait_for(settled, seconds * SLOW,
                           lambda: f"one witnessed instance of each: {dict(list(last['odd'].items())[:5])} "
                                   f"({len(last['odd'])} in all)")

    # The end.

    def _leave_all(self):
        """Sanitizers look for leaks, and at the races of an end, in programs that end by themselves: all that
        still runs is told to, and told again to hurry."""
        running = [name for name in self._processes if self.alive(name)]
        for name in running:
            self._processes[name].send_signal(signal.SIGCONT)
        for _ in range(2):
            for name in running:
                processes.kill(self._processes[name], signal.SIGTERM)
            try:
                processes.wait_for(lambda: not any(self.alive(name) for name in running), 5 * SLOW, "all have left")
            except processes.Timeout:
                slow = [name for name in running if self.alive(name)]
                print(f"    not left yet: {slow}", file=sys.stderr, flush=True)

    def close(self):
        """Ends everything. Returns what should not be there: what was left running, by process id, and the
        reports of sanitizers, by file."""
        if self._closed:
            return {}
        self._closed = True
        left = {}
        try:
            for node in self._erlang:
                node.close()
            if sanitizers.BUILT_IN:
                self._leave_all()
            for process in self._processes.values():
                processes.reap(process)
            if self._epmd:
                self.stop_epmd()
            # Shims see the closed pipe and end what they hold: everything must be gone soon.
            end = time.monotonic() + 10 * SLOW
            while time.monotonic() < end:
                left = processes.marked(self.mark)
                if not left:
                    break
                time.sleep(0.02)
            found = sanitizers.reports(self.folder)
            for file, text in found.items():
                print(f"--- {file}\n{text}", file=sys.stderr, flush=True)
            left.update({file: text.splitlines()[:3] for file, text in found.items()})
        finally:
            processes.kill_marked(self.mark)
            self.witness.close()
            if not os.environ.get("BROOD_TEST_KEEP"):
                shutil.rmtree(self.folder, ignore_errors=True)
        return left


def seed_of_the_day():
    """The seed of this run's random choices: given, or new; printed by whoever uses it."""
    return int(os.environ.get("BROOD_TEST_SEED", random.SystemRandom().randrange(1 << 32)))
