#!/usr/bin/env python3
"""The rules of style that a machine can see.

- A file of more than 600 lines says in its first comment why ("... because ...").
- A header opens with a comment that says what the thing is, and has #pragma once.
- No tabs, no trailing blanks, no `using namespace` in a header, no sleep in a test.
"""

import pathlib
import re
import sys

FOLDERS = ("include", "src", "apps", "sim", "bench", "fuzz", "examples", "tests")
LINES_MAX = 600
SLEEP = re.compile(r"\b(sleep_for|sleep_until|usleep|nanosleep)\s*\(")


def first_comment(lines):
    taken = []
    for line in lines:
        if line.startswith("//"):
            taken.append(line.lstrip("/ "))
        elif taken or line.strip():
            break
    return " ".join(taken)


def complaints_of(path, name):
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    header = path.suffix == ".hpp"
    comment = first_comment(lines)
    if len(lines) > LINES_MAX and "because" not in comment:
        yield 1, f"{len(lines)} lines, and the first comment does not say why (\"... because ...\")"
    if header and not comment:
        yield 1, "a header opens with a comment: what the thing is, its thread rule, its invariants"
    if header and not any(line.startswith("#pragma once") for line in lines):
        yield 1, "no #pragma once"
    for number, line in enumerate(lines, 1):
        if line != line.rstrip():
            yield number, "blanks at the end of the line"
        if "\t" in line:
            yield number, "a tab"
        if header and re.match(r"\s*using namespace\b(?!.*_literals;)", line):
            yield number, "using namespace in a header"
        if path.name.endswith("_test.cpp") and SLEEP.search(line) and "// not a wait:" not in line:
            yield number, "a test waits for a condition, it does not sleep (a sleep that is no wait says so: " \
                          "`// not a wait: why`)"


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent).resolve()
    found = []
    count = 0
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*.[ch]pp")):
            count += 1
            name = path.relative_to(root)
            found += [f"{name}:{line}: {text}" for line, text in complaints_of(path, name)]
    if not count:
        print(f"{root}: no source file here")
        return 1
    print("\n".join(found) or f"{count} files keep the rules")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
