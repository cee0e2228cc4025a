#!/usr/bin/env python3
"""Makes one program of the C++ of a page of the guide, so that what the page shows compiles, runs and is true.

usage: guide_program.py PAGE.md OUT.cpp

Fenced blocks that begin with ```cpp are taken in order. One whose first line declares something (a struct, a class, a
function, an include) stays as it is; all others are run, one after the other, in one function where `node` is a
brood::Node and `bank` a brood::Supervisor; the page has a function register_workers(brood::Node&). A statement that
ends with `// ... == ...` is checked: the program ends with 1 where it is not so. Blocks that begin with ```c++ are only shown."""

import pathlib
import re
import sys

BLOCK = re.compile(r"^```cpp\n(.*?)^```", re.MULTILINE | re.DOTALL)
DECLARES = re.compile(r"\s*(#include|struct|class|template|constexpr|namespace|using|enum|inline)\b")
CHECKED = re.compile(r";\s*//\s*(\S.* == .+?)\s*$")

HEAD = """// Made of {page} by tools/guide_program.py.
#include <brood/brood.hpp>
#include <chrono>
#include <iostream>
#include <string>
#include <vector>

namespace {{
int failed = 0;
template <typename T>
void check(const T& is_so, const char* what) {{
  if (is_so) return;
  ++failed;
  std::cerr << "{page}: not so: " << what << "\\n";
}}
}}  // namespace
using namespace std::chrono_literals;
"""


def quoted(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def body_of(code):
    lines = []
    for line in code.splitlines():
        found = CHECKED.search(line)
        lines.append(line)
        if found:
            lines.append(f"check({found[1]}, {quoted(found[1])});")
    return "\n".join(lines)


def main():
    page, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    text = page.read_text(encoding="utf-8")
    declared, run = [], []
    for found in BLOCK.finditer(text):
        line = text.count("\n", 0, found.start()) + 2
        place = f'#line {line} "{page.name}"\n'
        if DECLARES.match(found[1]):
            declared.append(place + found[1])
        else:
            run.append(place + body_of(found[1]))
    if not declared or not run:
        sys.exit(f"{page}: no C++ to run")
    program = HEAD.format(page=page.name) + "\n".join(declared)
    program += """
int main() {
  brood::Node node({});
  register_workers(node);
  brood::Supervisor bank(node, {.name = "bank"});
"""
    program += "\n".join(run) + "\n  return failed == 0 ? 0 : 1;\n}\n"
    if not out.is_file() or out.read_text(encoding="utf-8") != program:
        out.write_text(program, encoding="utf-8")


if __name__ == "__main__":
    main()
