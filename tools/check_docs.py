#!/usr/bin/env python3
"""What the documents name is there: links, paths of this tree in `code`, `Class::member` of its C++, and, in
docs/features.md, the tests: `Suite.Name`, `name_test.py: test` and `Guide.test_page`.

A drawing of a house that was rebuilt sends a newcomer to rooms that are no more. Words in fenced blocks are not looked
at, and neither is the change log, which tells of what was."""

import pathlib
import re
import sys

ROOTS = ("src", "include", "sim", "apps", "tests", "tools", "docs", "examples", "fuzz", "bench", "cmake")
FENCED = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
CODE = re.compile(r"`([^`\n]+)`")
PATH = re.compile(rf"^({'|'.join(ROOTS)})/[\w./-]*$")
MEMBER = re.compile(r"^([A-Z]\w+)::(\w+)(\(\))?$")
DECLARED = re.compile(r"\b(?:class|struct|enum class)\s+([A-Z]\w+)\b")


TEST = re.compile(r"^([A-Z]\w+)\.([A-Z]\w+)$")
GUIDE = re.compile(r"^Guide\.test_(\w+)$")
SCENARIO = re.compile(r"^(\w+_test\.py): (\w+)$")
DEFINED = re.compile(r"^TEST(?:_F|_P)?\((\w+),\s*(\w+)\)", re.MULTILINE)


def documents(root):
    yield from (path for path in (root / "README.md", root / "SECURITY.md") if path.is_file())
    yield from sorted((root / "docs").rglob("*.md"))


def words_by_class(root):
    """For each class, the words of all files that declare it or define members of it."""
    words = {}
    for folder in ("include", "src", "sim", "apps"):
        for path in (root / folder).rglob("*.[ch]pp"):
            text = path.read_text(encoding="utf-8", errors="replace")
            seen = set(re.findall(r"\w+", text))
            for name in {*DECLARED.findall(text), *re.findall(r"\b([A-Z]\w+)::", text)}:
                words.setdefault(name, set()).update(seen)
    return words


def anchors(path):
    """As GitHub makes them of headings."""
    for line in FENCED.sub("", path.read_text(encoding="utf-8")).splitlines():
        if line.startswith("#"):
            title = re.sub(r"[^\w\- ]", "", line.lstrip("# ").lower())
            yield title.replace(" ", "-")


def complaints_of(root, path, classes):
    def blank(found):
        return re.sub(r"[^\n]", " ", found.group())

    text = FENCED.sub(blank, path.read_text(encoding="utf-8"))
    for number, line in enumerate(text.splitlines(), 1):
        for target in LINK.findall(CODE.sub("", line)):
            if re.match(r"^[a-z]+:", target):
                continue
            name, _, anchor = target.partition("#")
            there = (path.parent / name) if name else path
            if not there.exists():
                yield number, f"links to {target}, which is not there"
            elif anchor and there.suffix == ".md" and anchor not in anchors(there):
                yield number, f"links to {target}, but there is no such heading"
        for code in CODE.findall(line):
            if PATH.match(code) and not (root / code).exists():
                yield number, f"names {code}, which is not there"
            member = MEMBER.match(code)
            if not member:
                continue
            if member[1] not in classes:
                yield number, f"names {code}, but there is no class {member[1]}"
            elif member[2] not in classes[member[1]]:
                yield number, f"names {code}, but nothing of {member[1]} is called {member[2]}"


def complaints_of_features(root, path):
    """Of tests that are named and are not there."""
    tests = {f"{suite}.{name}" for folder in ("src", "sim", "apps") for file in (root / folder).rglob("*_test.cpp")
             for suite, name in DEFINED.findall(file.read_text(encoding="utf-8"))}
    scenarios = {file.name: set(re.findall(r"def test_(\w+)", file.read_text(encoding="utf-8")))
                 for file in (root / "tests/scenarios").glob("*_test.py")}
    # tests/scenarios/guide_test.py has a test for each page.
    pages = {re.sub(r"\W", "_", page.stem) for page in (root / "docs/guide").glob("*.md")}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        for code in CODE.findall(line):
            page = GUIDE.match(code)
            if (TEST.match(code) and code not in tests) or (page and page[1] not in pages):
                yield number, f"names the test {code}, which is not there"
            scenario = SCENARIO.match(code)
            if scenario and scenario[2] not in scenarios.get(scenario[1], ()):
                yield number, f"names the test {code}, which is not there"


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent).resolve()
    classes = words_by_class(root)
    found = [f"{path.relative_to(root)}:{line}: {text}" for path in documents(root)
             for line, text in complaints_of(root, path, classes)]
    features = root / "docs/features.md"
    if features.is_file():
        found += [f"docs/features.md:{line}: {text}" for line, text in complaints_of_features(root, features)]
    print("\n".join(found) or "what the documents name is there")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
