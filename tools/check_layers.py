#!/usr/bin/env python3
"""Refuses an include that goes up or sideways, an impure header in a pure layer, and a public header that
leans on anything but public ones; inside the core, an include of a part that is not below. The tables are in
tools/layers.py."""

import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import layers  # noqa: E402

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')

# Headers that a pure layer has no business with. <chrono> is fine: durations are values.
IMPURE = re.compile(
    r"^(thread|mutex|shared_mutex|condition_variable|future|semaphore|latch|barrier|stop_token|random|fstream|"
    r"iostream|filesystem|ctime|time\.h|unistd\.h|pthread\.h|fcntl\.h|poll\.h|netdb\.h|signal\.h|csignal|"
    r"sys/.*|net/.*|netinet/.*|arpa/.*|boost/asio.*|boost/process.*|boost/thread.*|boost/random.*|"
    r"boost/filesystem.*|spdlog/.*|toml\+\+/.*|CLI/.*)$")


def includes(path):
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
        found = INCLUDE.match(line)
        if found:
            yield number, found.group(1) == '"', found.group(2)


def exists_beside(root, path, name):
    return any((base / name).is_file() for base in (path.parent, root, root / "apps"))


class Checker:
    def __init__(self, root):
        self.root = root
        self.complaints = []
        self.exceptions = set(layers.CORE_EXCEPTIONS)

    def complain(self, path, line, text):
        self.complaints.append(f"{path.relative_to(self.root)}:{line}: {text}")

    def public(self, path, line, name, seen, who):
        """An include of <brood/name> by something that sees the layers `seen`."""
        owner = layers.public_owner(name)
        if owner is None:
            self.complain(path, line, f"<brood/{name}> is in no layer: give it one in tools/layers.py")
        elif owner not in seen:
            self.complain(path, line, f"{who} may not include <brood/{name}>: it belongs to {owner}, which is "
                                      f"not below {who}")

    def core_include(self, path, line, name):
        """An include of "core/..." by a file of the core."""
        own = str(path.relative_to(self.root / "src"))
        part = layers.core_part(own)
        target = layers.core_part(name)
        if part is None:
            self.complain(path, line, f"{path.parent.name} is no part of the core: give it a line in CORE_PARTS of "
                                      f"tools/layers.py")
        elif target is None:
            self.complain(path, line, f"{name} is in no part of the core: see CORE_PARTS in tools/layers.py")
        elif path.name.endswith(("_test.cpp", "testing.hpp")) and name in layers.CORE_TEST_SUPPORT:
            return
        elif target != part and target not in layers.CORE_PARTS[part]:
            edge = (own.removeprefix("core/"), name.removeprefix("core/"))
            if edge in layers.CORE_EXCEPTIONS:
                self.exceptions.discard(edge)
                return
            below = ", ".join(layers.CORE_PARTS[part]) or "no other part"
            self.complain(path, line, f"{part} of the core may not include {name}: it sees {below}. Let it read "
                                      f"through an interface of its own, or tell by a note (core/base/notes.hpp)")

    def core_exceptions(self):
        """An exception that is not made use of any more hides the next one."""
        for includer, included in sorted(self.exceptions):
            path = self.root / "src" / "core" / includer
            if path.is_file():
                self.complain(path, 1, f"does not include {included} any more: take that line out of "
                                       f"CORE_EXCEPTIONS in tools/layers.py")

    def layer_file(self, path, layer):
        seen = layers.visible(layer)
        for line, quoted, name in includes(path):
            if name.endswith(".cpp"):
                self.complain(path, line, f"{name}: a source file is not included")
            elif not quoted:
                if name.startswith("brood/"):
                    self.public(path, line, name[len("brood/"):], seen, layer)
                elif layer in layers.PURE and not path.name.endswith(("_test.cpp", "_test_support.hpp")) and IMPURE.match(name):
                    self.complain(path, line, f"{layer} is pure: it may not include <{name}>")
            else:
                target = name.split("/")[0]
                if "/" not in name or target not in layers.BELOW:
                    self.complain(path, line, f'"{name}": write "LAYER/file.hpp", or <brood/file.hpp>')
                elif target not in seen:
                    self.complain(path, line, f"{layer} may not include {name}: {target} is not below it")
                elif layer == "core" and target == "core":
                    self.core_include(path, line, name)

    def public_file(self, path):
        own = str(path.relative_to(self.root / "include" / "brood"))
        owner = layers.public_owner(own)
        if owner is None:
            self.complain(path, 1, f"<brood/{own}> is in no layer: give it one in tools/layers.py")
            return
        for line, quoted, name in includes(path):
            if quoted:
                self.complain(path, line, f'a public header includes only public ones, as <brood/...>: "{name}"')
            elif name.startswith("brood/"):
                self.public(path, line, name[len("brood/"):], layers.visible(owner), owner)

    def folder_file(self, path, folder):
        allowed = layers.FOLDERS[folder]
        for line, quoted, name in includes(path):
            if not quoted:
                continue
            target = name.split("/")[0]
            if target in layers.BELOW and "/" in name and not (path.parent / name).is_file():
                if target not in allowed:
                    self.complain(path, line, f"{folder} may not include {name}: it may use "
                                              f"{', '.join(allowed) or 'only <brood/...>'}")
            elif not exists_beside(self.root, path, name):
                self.complain(path, line, f'"{name}" is not found beside this file or from the root')

    def run(self):
        for layer in layers.BELOW:
            folder = self.root / ("sim" if layer == "sim" else f"src/{layer}")
            for path in sorted(folder.rglob("*.[ch]pp")) if folder.is_dir() else []:
                self.layer_file(path, layer)
        self.core_exceptions()
        for path in sorted((self.root / "include" / "brood").rglob("*.hpp")):
            self.public_file(path)
        for folder in layers.FOLDERS:
            for path in sorted((self.root / folder).rglob("*.[ch]pp")):
                self.folder_file(path, folder)
        for path in sorted((self.root / "src").glob("*")):
            if path.is_dir() and path.name not in layers.BELOW and any(path.rglob("*.[ch]pp")):
                self.complain(path, 1, f"{path.name} is no layer of tools/layers.py")
        return self.complaints


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent).resolve()
    if not (root / "src").is_dir():
        print(f"{root}: no folder src here", file=sys.stderr)
        return 2
    complaints = Checker(root).run()
    print("\n".join(complaints) or "every include goes down")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
