"""A stock Erlang node to talk to brood nodes with, driven from Python."""

import base64
import itertools
import os
import pathlib
import shutil
import subprocess
import threading

from . import etf, processes
from .cluster import SLOW

HERE = pathlib.Path(__file__).resolve().parent


class ErlangError(AssertionError):
    """The expression failed in Erlang."""


class ErlangNode:
    """`erl -noshell`, hidden, with the driver loaded. eval() takes Erlang syntax and returns Python values."""

    def __init__(self, cluster, name="driver", hidden=True, host="127.0.0.1", wrapper=(), arguments=None):
        """wrapper: what runs it, as a command's first words. arguments: instead of the ones that keep it from
        closing connections of its own accord."""
        self.name = f"{name}@{host}"
        self._folder = pathlib.Path(cluster.folder) / f"erlang-{name}"
        self._folder.mkdir()
        # The cookie is where Erlang looks for it, not on the command line where all can read it.
        cookie = self._folder / ".erlang.cookie"
        cookie.write_text(cluster.cookie)
        cookie.chmod(0o400)
        subprocess.run(["erlc", "-o", str(self._folder), *map(str, HERE.glob("*.erl"))], check=True)
        self._errors = open(self._folder / "stderr", "wb")
        if arguments is None:
            arguments = ["-kernel", "prevent_overlapping_partitions", "false"]
        secure = cluster.authority.erlang_arguments("erlang") if cluster.authority else []
        command = [*wrapper, "erl", *secure, "-noshell", "-name", self.name, "-pa", str(self._folder), *arguments,
                   *(["-hidden"] if hidden else []), "-s", "brood_driver", "main"]
        self._process = processes.spawn(
            command, cluster.mark, environment=dict(cluster.environment, HOME=str(self._folder)),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors)
        self._ids = itertools.count(1)
        self._lock = threading.Lock()
        self._waiting = {}
        self._ready = threading.Event()
        self._ended = False
        threading.Thread(target=self._read, daemon=True).start()
        if not self._ready.wait(20 * SLOW):
            raise ErlangError("the Erlang node did not start: " + self.errors())

    @property
    def process(self):
        return self._process

    def errors(self):
        return (self._folder / "stderr").read_text(errors="replace")[-2000:]

    def _read(self):
        for raw in self._process.stdout:
            line = raw.decode("latin-1").strip()
            if line == "ready":
                self._ready.set()
                continue
            parts = line.split(" ")
            if len(parts) != 3 or not parts[0].isdigit():
                continue  # something that Erlang prints by itself
            with self._lock:
                slot = self._waiting.pop(int(parts[0]), None)
            if slot:
                slot.set(parts[1], base64.b64decode(parts[2]))
        self._ended = True
        with self._lock:
            for slot in self._waiting.values():
                slot.set("error", None)

    def submit(self, expression):
        """Begins an evaluation; wait() on what this returns."""
        slot = _Slot(expression)
        with self._lock:
            number = next(self._ids)
            self._waiting[number] = slot
            self._process.stdin.write(f"{number} {expression}.\n".encode("latin-1"))
            self._process.stdin.flush()
        return slot

    def eval(self, expression, timeout=60):
        return self.submit(expression).wait(timeout)

    def request(self, node, request, timeout=30):
        """gen_server:call({brood, node}, request): a Python value (etf.text) or Erlang syntax as str starting
        with '{'. {exit, Reason} where the call exits."""
        text = request if isinstance(request, str) else etf.text(request)
        return self.eval(f"brood_driver:request('{node}', {text}, {int(timeout * SLOW * 1000)})", timeout + 10)

    def close(self):
        try:
            self._process.stdin.close()
        except OSError:
            pass
        try:
            self._process.wait(3)
        except subprocess.TimeoutExpired:
            pass
        processes.reap(self._process)
        self._process.stdout.close()
        self._errors.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    @staticmethod
    def available():
        return shutil.which("erl") is not None and shutil.which("erlc") is not None


class _Slot:
    def __init__(self, expression):
        self._expression = expression
        self._event = threading.Event()
        self._kind = self._data = None

    def set(self, kind, data):
        self._kind, self._data = kind, data
        self._event.set()

    def done(self):
        return self._event.is_set()

    def wait(self, timeout=60):
        if not self._event.wait(timeout * SLOW):
            raise processes.Timeout(f"Erlang did not answer within {timeout} s: {self._expression[:300]}")
        if self._data is None:
            raise ErlangError("the Erlang node ended during " + self._expression[:300])
        value = etf.decode(self._data)
        if self._kind != "ok":
            raise ErlangError(f"{self._expression[:300]}\n  {value!r}")
        return value


if os.environ.get("BROOD_TEST_DEBUG_ERLANG"):
    print("Erlang driver:", HERE)
