#!/usr/bin/env python3
"""What failed inside the programs of tests, with what it said last: failed_tests.py LOG

LOG is what ctest keeps of its last run (Testing/Temporary/LastTest.log). A program of tests prints
some thousand lines, and a log that is shortened in its middle loses the one that matters; this is
printed at the end, where it is kept.
"""
import re
import sys

# How a test begins and how one that failed ends: GoogleTest's words, then those of Python's unittest.
BEGIN = re.compile(r"\[ RUN      \] ")
END = re.compile(r"\[  FAILED  \] \S+ \(\d+ ms\)$")
PYTHON = re.compile(r"(FAIL|ERROR): \S+ \(")
PROGRAM = re.compile(r"\d+/\d+ Testing: (\S+)")
CRASH = re.compile(r"(==\d+==ERROR|WARNING: ThreadSanitizer|terminate called|.* runtime error: )")
LINES = 40


def main(path):
    program, said = "", []
    with open(path, encoding="utf-8", errors="replace") as log:
        lines = [line.rstrip("\n") for line in log]
    for number, line in enumerate(lines):
        if match := PROGRAM.match(line):
            program, said = match.group(1), []
        elif BEGIN.match(line):
            said = []
        said.append(line)
        if END.match(line):
            print(f"in {program}:", *said[-LINES:], sep="\n")
        elif PYTHON.match(line) or CRASH.match(line):
            print(f"in {program}:", *lines[number : number + LINES], sep="\n")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
