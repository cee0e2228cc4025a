#!/usr/bin/env python3
"""clang-tidy over the project's sources, in bounded time.

Without arguments: the files that differ from the last commit; --all: every source file; or the files named.
Headers are looked at through the files that include them. Runs against a compile database of its own
(build/tidy, without precompiled headers, which clang cannot read from g++). Files that were not looked at
within the time count as complaints: they are not known to be clean.

Nearly all the time goes to the headers of others, so --all takes a folder's files together, as one file that
includes them, in a tenth of the time. Files that do not compile with the others (two use one name for things
of their own) are looked at alone. misc-unused-using-decls sees only files that are looked at alone.
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BATCH = 12
# Tests are not on anybody's hot path, and each is a program of its own.
NOT_OF_TESTS = ("google-build-using-namespace", "performance-unnecessary-value-param", "performance-no-automatic-move")
OURS = f"{ROOT}/.*\\.[ch]pp$"
# Programs that are built only where a library is that brood does without: elsewhere clang could not read them.
OPTIONAL = ("bench/caf/",)
FOLDERS = ("src", "apps", "sim", "examples", "bench", "fuzz", "tests")


def changed_files():
    lines = subprocess.run(
        ["git", "status", "--porcelain", "--untracked-files=all"],
        cwd=ROOT, capture_output=True, text=True, check=False).stdout.splitlines()
    names = [line[3:].split(" -> ")[-1].strip('"') for line in lines]
    last = subprocess.run(["git", "diff", "--name-only", "HEAD~1", "HEAD"], cwd=ROOT,
                          capture_output=True, text=True, check=False).stdout.splitlines()
    return sorted({name for name in names + last if (ROOT / name).is_file()})


def all_files():
    return sorted(str(path.relative_to(ROOT)) for folder in FOLDERS for path in (ROOT / folder).rglob("*.cpp"))


def configure(build):
    if (build / "compile_commands.json").exists():
        return
    subprocess.run(["cmake", "-G", "Ninja", "-S", str(ROOT), "-B", str(build), "-DBROOD_PCH=OFF",
                    "-DBROOD_BENCH=ON", "-DCMAKE_BUILD_TYPE=Debug"], check=True, stdout=subprocess.DEVNULL)


def is_test(name):
    return name.endswith("_test.cpp") or name.startswith("tests/")


def checks(name, without=()):
    left_out = [*without, *(NOT_OF_TESTS if is_test(name) else ())]
    return "--checks=" + ",".join(f"-{check}" for check in left_out)


def tidy(build, name):
    """The file's name, whether it is clean, and the complaints."""
    run = subprocess.run(["clang-tidy-14", "--quiet", checks(name), "-p", str(build), name], cwd=ROOT,
                         capture_output=True, text=True, check=False)
    return name, run.returncode == 0, run.stdout.strip()


def flags_of(build):
    """Of each file, as the compile database has them; without the compiler, output and input."""
    table = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        words = shlex.split(entry["command"])
        words = words[words.index(next(word for word in words if word.startswith("-"))):words.index("-o")]
        table.setdefault(os.path.relpath(entry["file"], ROOT), words)
    return table


def batches(names, flags):
    """Files that are compiled alike, by folder, tests apart; at most BATCH each. Where a folder has rules of its
    own clang-tidy must see the file itself."""
    alike = {}
    for name in names:
        if (ROOT / name).with_name(".clang-tidy").exists():
            alike[name] = [name]
            continue
        key = (os.path.dirname(name), is_test(name), tuple(flags.get(name, [name])))
        alike.setdefault(key, []).append(name)
    return [group[at:at + BATCH] for group in alike.values() for at in range(0, len(group), BATCH)]


def tidy_batch(build, names, flags):
    """A list of what tidy() returns, for all of them as one or for each."""
    if len(names) == 1 or names[0] not in flags:
        return [tidy(build, name) for name in names]
    folder = build / "batch"
    folder.mkdir(exist_ok=True)
    source = folder / (names[0].replace("/", "-") + f"-{len(names)}.cpp")
    source.write_text("".join(f'#include "{ROOT / name}"\n' for name in names))
    run = subprocess.run(
        ["clang-tidy-14", "--quiet", checks(names[0], ["bugprone-suspicious-include"]), f"--header-filter={OURS}", str(source),
         "--", *flags[names[0]]], cwd=ROOT, capture_output=True, text=True, check=False)
    clashes = re.findall(r"^(/\S+?):\d+:\d+: error: .*clang-diagnostic", run.stdout, re.MULTILINE)
    if clashes:
        alone = {os.path.relpath(path, ROOT) for path in clashes} & set(names)
        rest = [name for name in names if name not in alone] if alone else []
        results = [tidy(build, name) for name in names if name not in rest]
        return results + (tidy_batch(build, rest, flags) if rest else [])
    return [(f"{names[0]} and {len(names) - 1} more", run.returncode == 0, run.stdout.strip())]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--all", action="store_true", help="every file, not only the changed ones")
    parser.add_argument("--seconds", type=int, default=7200, help="give up after that long (default 7200)")
    parser.add_argument("files", nargs="*", help="only these")
    arguments = parser.parse_args()

    names = arguments.files or (all_files() if arguments.all else [
        name for name in changed_files() if name.endswith(".cpp") and name.split("/")[0] in FOLDERS])
    if not names:
        print("    no changed source file")
        return 0
    build = ROOT / "build" / "tidy"
    configure(build)
    flags = flags_of(build)
    names = [name for name in names if name in flags or not name.startswith(OPTIONAL)]
    print(f"    {len(names)} files", flush=True)
    begin = time.monotonic()
    deadline = begin + arguments.seconds
    groups = batches(names, flags) if arguments.all else [[name] for name in names]
    bad = skipped = ended = 0
    with concurrent.futures.ThreadPoolExecutor(int(os.environ.get("BROOD_JOBS") or os.cpu_count())) as pool:
        waiting = {pool.submit(lambda g: tidy_batch(build, g, flags) if time.monotonic() < deadline else None, group):
                   group for group in groups}
        for done in concurrent.futures.as_completed(waiting):
            group, results = waiting[done], done.result()
            ended += len(group)
            if results is None:
                skipped += len(group)
            for name, clean, text in results or []:
                if not clean:
                    bad += 1
                    print(f"{name}:\n{text}", flush=True)
            print(f"    {ended} of {len(names)} files, {time.monotonic() - begin:.0f} s: {group[0]}", flush=True)
    if skipped:
        print(f"    time is up: {skipped} files were not looked at (--seconds)")
    return 1 if bad or skipped else 0


if __name__ == "__main__":
    sys.exit(main())
