"""How many instructions the hot paths take, counted by callgrind: a file that does not change from run to run, so that
a change which makes one of them longer shows as a difference of it."""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import contenders

PROGRAM = contenders.binary_folder() / "instructions"

PATHS = {
    "look_up": "an id looked up among 1,000: `Supervisor::whereis()`",
    "local_call_by_id": "a call by id to a child of this node: the caller's part, until it is in the mailbox",
    "local_call": "a call by pid within a node, asynchronous: all of it, on one scheduler thread",
    "message_out": "a call written for another node: header, control message, request",
    "message_in": "the same read: frame, control message, the request as a term that stands alone",
    "start_child": "a start: the steps of the cores of both of two nodes, until it is acknowledged",
    "take_change": "the part of it of the node that only learns of it",
    "delta_encode": "the change that it is told, written",
    "delta_decode": "the same read",
    "place": "the node of a child among ten",
    "term_encode": "a term of some ten parts, written",
    "term_decode": "the same read",
    "struct_encode": "a struct of two fields, written",
    "struct_decode": "the same read",
    "timer": "a timer set and cancelled",
}


def counted():
    """Path -> instructions each."""
    with tempfile.TemporaryDirectory(prefix="brood-bench-") as folder:
        run = subprocess.run(["valgrind", "--tool=callgrind", "--collect-atstart=no", "--combine-dumps=no",
                              f"--callgrind-out-file={folder}/out", PROGRAM], check=True, stdout=subprocess.PIPE,
                             stderr=subprocess.DEVNULL, text=True)
        found = {}
        for number, line in enumerate(run.stdout.splitlines(), 1):
            path, times = line.split()
            text = pathlib.Path(folder, f"out.{number}").read_text(errors="replace")
            found[path] = int(re.search(r"^totals: (\d+)$", text, re.MULTILINE).group(1)) / int(times)
    return found


# What other threads do meanwhile shows in their last digits.
THREADED = ("local_call", "local_call_by_id")


def rounded(path, value):
    digits = max(0, len(str(int(value))) - (2 if path in THREADED else 3))
    return int(round(value, -digits))


def page(found, compiler):
    rows = "\n".join(f"| {words} | {rounded(name, found[name]):,} |" for name, words in PATHS.items())
    return f"""# Instructions of the hot paths

Written by `./dev bench --instructions`: instructions each, counted by callgrind, rounded to three digits (two where
threads are in play). Commit it with what changes it. The paths are in `bench/instructions.cpp`; compiled by
{compiler}.

| path | instructions |
|---|---|
{rows}
"""


def write(path, compiler):
    if not shutil.which("valgrind"):
        sys.exit("bench: there is no valgrind; ./dev setup installs it")
    found = counted()
    missing = [name for name in PATHS if not found.get(name)]
    if missing:
        sys.exit(f"bench: not counted: {' '.join(missing)}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page(found, compiler))
    print(page(found, compiler))
    return 0
