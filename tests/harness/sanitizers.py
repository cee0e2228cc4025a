"""What sanitizers have to say of the programs that a test starts; nothing in a build without one.

The report of a node would end in a log that nobody reads, and its end would pass for a crash that the test had
in mind; a shim's output goes nowhere at all. So reports go to files of the test's folder, where they are found
at its end, whatever else went well.
"""

import os
import pathlib

VARIABLES = ("ASAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS")
# The programs under test are built with one.
BUILT_IN = bool(os.environ.get("BROOD_TEST_SANITIZE"))
PREFIX = "sanitizer-report"
# g++'s undefined-behaviour sanitizer does not write to those files but to stderr, always.
WORDS = "runtime error: "


def environment(folder):
    """For programs whose reports are wanted in `folder`."""
    return {name: ":".join(filter(None, (os.environ.get(name), f"log_path={folder}/{PREFIX}")))
            for name in VARIABLES}


def let_faults_pass(options):
    """The options above for programs that are made to crash: a fault is theirs then, not a report."""
    return {name: f"{value}:handle_segv=0" if name in VARIABLES else value for name, value in options.items()}


def keep(folder, text):
    """What a program wrote to stderr; kept in `folder` if there is a report in it."""
    if WORDS in text:
        with open(os.path.join(folder, PREFIX + ".stderr"), "a", encoding="utf-8") as file:
            file.write(text)


def reports(folder):
    """The reports in `folder`, by file: the sanitizers' own, and what is in the logs of nodes."""
    texts = {}
    for path in sorted(pathlib.Path(folder).iterdir()):
        if path.name.startswith(PREFIX):
            texts[path.name] = path.read_text(errors="replace")
        elif path.suffix == ".log" and path.is_file():
            lines = path.read_text(errors="replace").splitlines()
            at = next((number for number, line in enumerate(lines) if WORDS in line), None)
            if at is not None:
                texts[path.name] = "\n".join(lines[at:at + 60])
    return texts
