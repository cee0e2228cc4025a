#!/usr/bin/env python3
"""clang-tidy over the project's sources, in bounded time.

Without arguments: the files that differ from the last commit; --all: every source file; or the files named.
Headers are looked at through the files that include them. Runs against a compile database of its own
(build/tidy, without precompiled headers, which clang cannot read from g++). Files that were not looked at
within the time count as complaints: they are not known to be clean.
"""

import argparse
import concurrent.futures
import os
import pathlib
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
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


def tidy(build, name):
    run = subprocess.run(["clang-tidy-14", "--quiet", "-p", str(build), name], cwd=ROOT,
                         capture_output=True, text=True, check=False)
    return name, run.returncode, run.stdout.strip()


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
    print(f"    {len(names)} files", flush=True)
    begin = time.monotonic()
    deadline = begin + arguments.seconds
    bad = skipped = ended = 0
    with concurrent.futures.ThreadPoolExecutor(int(os.environ.get("BROOD_JOBS") or os.cpu_count())) as pool:
        waiting = {pool.submit(lambda n: tidy(build, n) if time.monotonic() < deadline else (n, None, ""), name)
                   for name in names}
        for done in concurrent.futures.as_completed(waiting):
            name, status, text = done.result()
            ended += 1
            if status is None:
                skipped += 1
            elif status != 0:
                bad += 1
                print(f"{name}:\n{text}", flush=True)
            if ended % 20 == 0 or ended == len(names):
                print(f"    {ended} of {len(names)} files, {time.monotonic() - begin:.0f} s", flush=True)
    if skipped:
        print(f"    time is up: {skipped} files were not looked at (--seconds)")
    return 1 if bad or skipped else 0


if __name__ == "__main__":
    sys.exit(main())
