"""Starting programs so that none is left behind, whatever happens to the test.

Each program gets the mark BROOD_TEST_RUN in its environment, which its children inherit: what still carries
the mark at the end of a test is a leftover, even if it has become a daemon. Programs die with this process
(PR_SET_PDEATHSIG, through util-linux's setpriv), so that a test killed by its time-out leaves nothing.
"""

import atexit
import concurrent.futures
import os
import signal
import subprocess
import time
import uuid

MARK = "BROOD_TEST_RUN"

# The death signal follows the thread that started a program: one thread starts them all and lives as long
# as this process.
_spawner = concurrent.futures.ThreadPoolExecutor(1, "spawner")
_running = []


class Timeout(AssertionError):
    """A condition did not come true within its bound."""


def wait_for(condition, seconds, what, pause=0.02):
    """Calls `condition` until it returns something true, which is returned; Timeout after `seconds`."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise Timeout(f"not within {seconds:g} s: {what() if callable(what) else what}")
        time.sleep(pause)


def new_mark():
    return uuid.uuid4().hex


def spawn(arguments, mark, environment=None, stdout=None, stderr=None, stdin=None, cwd=None, survive=False):
    """A program in a session of its own. survive: it is not killed with this process."""
    full = dict(os.environ, **(environment or {}))
    full[MARK] = mark
    command = [str(argument) for argument in arguments]
    if not survive:
        command = ["setpriv", "--pdeathsig", "KILL", "--", *command]

    def start():
        return subprocess.Popen(command, env=full, stdout=stdout, stderr=stderr, cwd=cwd,
                                stdin=stdin if stdin is not None else subprocess.DEVNULL,
                                start_new_session=True)

    process = _spawner.submit(start).result()
    _running.append(process)
    return process


def kill(process, signum=signal.SIGKILL):
    """A signal to one process that this module started; nothing if it is gone."""
    if process.poll() is None:
        try:
            process.send_signal(signum)
        except ProcessLookupError:
            pass


def reap(process, seconds=10.0):
    """Kills it if it runs, and waits."""
    if process.poll() is None:
        kill(process, signal.SIGCONT)
        kill(process)
    process.wait(seconds)
    if process.stdin:
        process.stdin.close()
    if process in _running:
        _running.remove(process)


def _environment_has(pid, needle):
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            return needle in file.read().split(b"\0")
    except OSError:
        return False


def _state(pid):
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rsplit(b")", 1)[1].split()[0].decode()
    except (OSError, IndexError):
        return "X"


def command_line(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return "?"


def marked(mark):
    """The living processes that carry the mark: {pid: command line}."""
    needle = f"{MARK}={mark}".encode()
    found = {}
    for name in os.listdir("/proc"):
        if name.isdigit() and int(name) != os.getpid() and _environment_has(name, needle):
            if _state(name) not in ("Z", "X"):
                found[int(name)] = command_line(name)
    return found


def with_environment(key, value, mark):
    """The living marked processes whose environment has key=value."""
    needle = f"{key}={value}".encode()
    return [pid for pid in marked(mark) if _environment_has(pid, needle)]


def kill_marked(mark):
    """Last resort at the end of a test: kills what carries the mark, by pid, until none is left."""
    for _ in range(100):
        left = marked(mark)
        if not left:
            return
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                pass
        time.sleep(0.02)


@atexit.register
def _end():
    for process in list(_running):
        if process.poll() is None:
            kill(process, signal.SIGCONT)
            kill(process)
