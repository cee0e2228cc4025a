#!/usr/bin/env python3
"""Programs that are wrong do not compile, and the compiler says why in brood's words and few lines.

usage: compile_errors_test.py [--compiler CXX]...   (default: g++ and clang++, of which there must be one)

Each file of compile_errors/ is one such program. Its first line is `// WORDS`, which have to be in the first error; where
they are none of brood's own words, in what is said of that error. There may be no other error, and all that is told takes
less than ten lines."""

import argparse
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
LINES_MAX = 9


def complaint_of(compiler, path):
    words = path.read_text(encoding="utf-8").splitlines()[0].removeprefix("// ")
    run = subprocess.run([compiler, "-std=c++20", "-fsyntax-only", "-I", str(HERE.parent / "include"), str(path)],
                         capture_output=True, text=True, check=False)
    lines = run.stderr.splitlines()
    if run.returncode == 0:
        return "compiles"
    errors = [number for number, line in enumerate(lines) if re.search(r"\berror: ", line)]
    if not errors:
        return "fails without an error"
    if words not in (lines[errors[0]] if words.startswith("brood: ") else run.stderr):
        return f"the first error does not say `{words}`:\n  " + "\n  ".join(lines[:20])
    if len(errors) > 1:
        return "more errors follow:\n  " + "\n  ".join(lines[number] for number in errors)
    # From where it was asked for, down to the last note. Lines that only say who includes whom, or how many errors
    # there were, are not counted.
    told = [line for line in lines if not re.match(r"\s*(In file included )?from .*:\d+", line) and
            not line.startswith("In file included") and not re.fullmatch(r"\d+ errors? generated\.", line)]
    if len(told) > LINES_MAX:
        return f"takes {len(told)} lines:\n  " + "\n  ".join(told)
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--compiler", action="append")
    compilers = parser.parse_args().compiler or [name for name in ("g++", "clang++") if shutil.which(name)]
    work = [(compiler, path) for compiler in compilers for path in sorted((HERE / "compile_errors").glob("*.cpp"))]
    if not work:
        sys.exit("there is nothing wrong here")
    status = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for (compiler, path), complaint in zip(work, pool.map(lambda each: complaint_of(*each), work)):
            print(f"{compiler}, {path.stem}: {complaint or 'is refused in words'}")
            status |= complaint is not None
    return status


if __name__ == "__main__":
    sys.exit(main())
