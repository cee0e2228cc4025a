"""Who is measured: brood as it is here, OTP, CAF, brood of another revision. One measures a run once and tells its figures."""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests"))
from harness import ports, processes  # noqa: E402
from harness.cluster import binary_folder  # noqa: E402

LINE = re.compile(r"^(\w+) (-?[\d.]+(?:e[-+]?\d+)?)$")


def words_of(*command):
    """What it prints; nothing where it cannot."""
    try:
        return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                              check=True, cwd=ROOT).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


class Failed(Exception):
    """A run ended badly; its words say how."""


class Ground:
    """What all of them stand on: an EPMD of their own, a folder; nothing of it is left behind."""

    def __init__(self, spinner=False):
        self.mark = processes.new_mark()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="brood-bench-"))
        self.environment = {"ERL_EPMD_PORT": str(ports.free_port()), "ERL_EPMD_ADDRESS": "127.0.0.1",
                            "HOME": str(self.folder), "LC_ALL": "C.UTF-8"}
        self.epmd = processes.spawn(["epmd", "-port", self.environment["ERL_EPMD_PORT"], "-address", "127.0.0.1"],
                                    self.mark, self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.spinners = [processes.spawn(["taskset", "-c", str(core), "chrt", "--idle", "0", "sh", "-c",
                                          "while :; do :; done"], self.mark)
                         for core in sorted(os.sched_getaffinity(0))] if spinner else []

    def figures(self, command, seconds):
        with open(self.folder / "errors", "wb") as errors:
            process = processes.spawn(command, self.mark, self.environment, stdout=subprocess.PIPE, stderr=errors)
        try:
            out, _ = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            processes.kill(process, signal.SIGKILL)
            process.communicate()
            raise Failed(f"not done within {seconds} s") from None
        finally:
            processes.reap(process)
        if process.returncode:
            raise Failed(self.words_of(command) or f"status {process.returncode}")
        found = (LINE.match(line) for line in out.decode(errors="replace").splitlines())
        return {match.group(1): float(match.group(2)) for match in found if match}

    def words_of(self, command):
        """The programs say `GROUP: what went wrong`, between lines of their logs."""
        lines = (self.folder / "errors").read_text(errors="replace").strip().splitlines()
        said = [line for line in lines if line.partition(":")[0] in command]
        return (said or lines or [""])[-1][:300]

    def close(self):
        for process in (*self.spinners, self.epmd):
            processes.reap(process)
        processes.kill_marked(self.mark)
        shutil.rmtree(self.folder, ignore_errors=True)


class Brood:
    def __init__(self, name="brood", programs=None):
        self.name = name
        self.program = (programs or binary_folder()) / "cluster_bench"

    def measures(self, run):
        return True

    def command(self, run, children, seconds, scale):
        return [self.program, run.measures, children, seconds, scale]


class Otp:
    name = "OTP"
    # Where its own supervisor needs many minutes.
    children_max = 200_000

    def __init__(self, folder):
        sources = sorted((ROOT / "bench" / "otp").glob("*.erl"))
        subprocess.run(["erlc", "-o", folder, *sources], check=True)
        self.folder = folder

    @staticmethod
    def available():
        return bool(shutil.which("erl") and shutil.which("erlc"))

    @staticmethod
    def version():
        return words_of("erl", "-noinput", "-eval", "io:put_chars(erlang:system_info(otp_release)), halt().")

    def measures(self, run):
        return run.otp and run.children <= self.children_max

    def command(self, run, children, seconds, scale):
        return ["erl", "-noinput", "-name", "b1@127.0.0.1", "-setcookie", "brood-bench", "+P", "4000000",
                "-kernel", "prevent_overlapping_partitions", "false", "-pa", self.folder,
                "-s", "otp_bench", "main", run.measures, children, seconds, scale]


class Caf:
    name = "CAF"
    program = binary_folder() / "bench_caf"

    @classmethod
    def available(cls):
        """Where libcaf-dev was there when the build was configured."""
        return cls.program.exists()

    @classmethod
    def version(cls):
        return words_of(cls.program, "version")

    def measures(self, run):
        return run.caf

    def command(self, run, children, seconds, scale):
        return [self.program, run.measures, children, seconds, scale]


def revision(name):
    """Brood of another revision, built in a worktree under build/compare, measured by the programs of this tree."""
    commit = subprocess.run(["git", "-C", ROOT, "rev-parse", "--short", f"{name}^{{commit}}"], check=True,
                            stdout=subprocess.PIPE, text=True).stdout.strip()
    tree = ROOT / "build" / "compare" / commit
    if not tree.exists():
        subprocess.run(["git", "-C", ROOT, "worktree", "prune"], check=True)
        subprocess.run(["git", "-C", ROOT, "worktree", "add", "--quiet", "--detach", tree, commit], check=True)
    shutil.rmtree(tree / "bench")
    shutil.copytree(ROOT / "bench", tree / "bench")
    jobs = os.environ.get("BROOD_JOBS", str(os.cpu_count()))
    if not (tree / "build" / "release" / "build.ninja").exists():
        subprocess.run(["cmake", "--preset", "release"], cwd=tree, check=True, stdout=subprocess.DEVNULL)
    built = subprocess.run(["ninja", "-C", "build/release", "-j", jobs, "cluster_bench"], cwd=tree, check=False)
    if built.returncode:
        raise Failed(f"{name} does not build with this tree's bench/: it may be of before what that uses "
                     f"(remove the worktree with: git worktree remove --force {tree})")
    return Brood(commit, tree / "build" / "release" / "bin")
