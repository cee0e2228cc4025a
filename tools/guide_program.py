#!/usr/bin/env python3
"""Makes one program of the C++ of pages of the guide, so that what they show compiles, runs and is true.

usage: guide_program.py OUT.cpp PAGE.md...

The blocks of C++ of a page (tools/guide_blocks.py) are taken in order. One whose first line declares something (a
struct, a class, a function, an include) stays as it is; all others are run, one after the other, in one function where
`node` is a brood::Node that is a cluster of its own. What is declared, and what is run, of one page is not seen by
another. A statement that ends with `// ... == ...` is checked: the program ends with 1 where it is not so. Blocks that
are marked `not run` are compiled; those marked `shown` are not."""

import pathlib
import re
import sys

import guide_blocks

DECLARES = re.compile(r"\s*(//.*\n|\s)*(struct|class|template|constexpr|namespace|using|enum|inline|static|int main|BROOD_\w+)\b")
CHECKED = re.compile(r";\s*//\s*(\S.* == .+?)\s*$")
INCLUDE = re.compile(r"^ *#include +<.*>.*\n", re.MULTILINE)

HEAD = """// Made of the pages of docs/guide by tools/guide_program.py.
{includes}
namespace {{
int failed = 0;
template <typename T>
void check(const T& is_so, const char* page, int line, const char* what) {{
  if (is_so) return;
  ++failed;
  std::cerr << page << ":" << line << ": not so: " << what << "\\n";
}}
}}  // namespace
using namespace std::chrono_literals;
using namespace std::string_literals;
"""


def quoted(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def body_of(code, name, first):
    lines = []
    for number, line in enumerate(code.splitlines(), first):
        found = CHECKED.search(line)
        lines.append(line)
        if found:
            lines.append(f'check({found[1]}, "docs/guide/{name}", {number}, {quoted(found[1])});\n'
                         f'#line {number + 1} "docs/guide/{name}"')
    return "\n".join(lines)


def code_of(page, includes):
    """The namespace of a page; none where it has no C++."""
    declared, run = [], []
    for block in page.blocks:
        if block.language != "cpp" or block.shown_only:
            continue
        includes.update(line.strip() for line in INCLUDE.findall(block.text))
        code = INCLUDE.sub("\n", block.text)
        place = f'#line {block.line + 1} "docs/guide/{page.name}"\n'
        if DECLARES.match(code):
            declared.append(place + code)
        elif block.runs:
            run.append(place + body_of(code, page.name, block.line + 1))
        else:
            run.append(f"if (never) {{\n{place}{body_of(code, page.name, block.line + 1)}\n}}")
    if not declared and not run:
        return None
    name = "page_" + re.sub(r"\W", "_", page.name.removesuffix(".md"))
    body = "\n".join(run)
    return name, f"""namespace {name} {{
{chr(10).join(declared)}
void run() {{
  brood::Node node({{}});
  [[maybe_unused]] volatile bool never = false;
{body}
}}
}}  // namespace {name}
"""


def main():
    out = pathlib.Path(sys.argv[1])
    includes = {f"#include <{name}>" for name in ("brood/brood.hpp", "chrono", "iostream", "map", "memory", "optional",
                                                  "string", "thread", "vector")}
    codes = [code for code in (code_of(guide_blocks.Page(pathlib.Path(name)), includes) for name in sys.argv[2:]) if code]
    if not codes:
        sys.exit("no C++ to run")
    program = HEAD.format(includes="\n".join(sorted(includes))) + "\n".join(code for _, code in codes)
    program += "\nint main() {\n" + "".join(f"  {name}::run();\n" for name, _ in codes)
    program += "  return failed == 0 ? 0 : 1;\n}\n"
    if not out.is_file() or out.read_text(encoding="utf-8") != program:
        out.write_text(program, encoding="utf-8")


if __name__ == "__main__":
    main()
