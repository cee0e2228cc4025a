#!/usr/bin/env python3
"""The fenced blocks of the guide's pages, as its tests run them (tests/scenarios/guide_test.py, tools/guide_program.py).

usage: guide_blocks.py [PAGE.md...]      lists the blocks, and what is wrong with how they are marked

Every block has a language. What a reader does not need to see stands in comments of HTML, which no renderer shows:

  <!-- not run: WHY -->      above a block: it is not run; C++ is compiled all the same
  <!-- shown: WHY -->        above a block: nothing at all is done with it
  <!-- background -->        above a block of shell: its commands go on while the rest of the page runs; the next
                             block waits for what their output says last, a line that ends with `is up`
  <!-- file: NAME -->        above a block: it is also written to that file, in the folder where the page's commands run
  <!-- LANGUAGE              a block that is run but not seen: what the next ones take for granted
  ...
  -->
  <!-- alone -->             anywhere in a page: no cluster runs for it but what it starts itself"""

import pathlib
import re
import sys

GUIDE = pathlib.Path(__file__).resolve().parent.parent / "docs" / "guide"
# `text` is for what is no code: drawings, logs, messages.
LANGUAGES = ("cpp", "c", "sh", "console", "toml", "elixir", "erlang", "json", "text")

FENCE = re.compile(r"^( *)```(\S*)\s*$")
MARK = re.compile(r"^ *<!-- *(not run|shown|background|file|alone)(?:: *(.*?))? *--> *$")
HIDDEN = re.compile(r"^<!-- *(cpp|sh|toml|elixir|erlang) *$")


class Block:
    def __init__(self, page, line, language, text, marks, hidden=False):
        self.page, self.line, self.language, self.text = page, line, language, text
        self.marks, self.hidden = marks, hidden

    @property
    def shown_only(self):
        return "shown" in self.marks

    @property
    def runs(self):
        return not self.shown_only and "not run" not in self.marks

    @property
    def place(self):
        return f"docs/guide/{self.page}:{self.line}"


class Page:
    """`blocks` in their order; `wrong`: (line, what)."""

    def __init__(self, path):
        self.name = path.name
        self.blocks, self.wrong, self.alone = [], [], False
        marks, start, indent, language, lines, hidden = {}, None, "", "", [], False
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if start is not None:
                if line.strip() == ("-->" if hidden else "```"):
                    self._add(start, language, lines, marks, hidden)
                    marks, start = {}, None
                else:
                    lines.append(line[len(indent):] if line.startswith(indent) else line.lstrip())
                continue
            fence, mark, secret = FENCE.match(line), MARK.match(line), HIDDEN.match(line)
            if fence or secret:
                start, lines, hidden = number, [], bool(secret)
                indent = fence[1] if fence else ""
                language = fence[2] if fence else secret[1]
            elif mark and mark[1] == "alone":
                self.alone = True
            elif mark:
                marks[mark[1]] = mark[2] or ""
                if mark[1] in ("not run", "shown", "file") and not mark[2]:
                    self.wrong.append((number, f"`{mark[1]}` says nothing behind its colon"))
            elif line.strip().startswith("<!--"):
                self.wrong.append((number, f"no comment that is known: {line.strip()}"))
            elif line.strip() and marks:
                self.wrong.append((number, f"{', '.join(marks)}: no block follows at once"))
                marks = {}
        if start is not None:
            self.wrong.append((start, "this block has no end"))

    def _add(self, line, language, lines, marks, hidden):
        if language not in LANGUAGES:
            self.wrong.append((line, f"a block of `{language}`; there are {', '.join(LANGUAGES)}"))
        if language == "c" and "shown" not in marks:
            self.wrong.append((line, "a block of C is not compiled; say by `shown` where it is"))
        self.blocks.append(Block(self.name, line, language, "\n".join(lines) + "\n", marks, hidden))


def pages(folder=GUIDE):
    return [Page(path) for path in sorted(folder.glob("*.md"))]


def main():
    chosen = [Page(pathlib.Path(name)) for name in sys.argv[1:]] or pages()
    for page in chosen:
        for block in page.blocks:
            how = "hidden" if block.hidden else ", ".join(f"{key}: {why}" for key, why in block.marks.items())
            print(f"{block.place}: {block.language}{f' ({how})' if how else ''}")
    wrong = [f"docs/guide/{page.name}:{line}: {what}" for page in chosen for line, what in page.wrong]
    print("\n".join(wrong), file=sys.stderr, end="\n" if wrong else "")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
