#!/usr/bin/env python3
"""Mechanical mutants of src/core: is what the core does looked at by any test?

A mutant is one small change of one source file: a comparison turned, a statement left out, a constant changed, a
condition negated, and / or, + / -, min / max. The mutated file alone is compiled, and linked with the objects of all
other sources of the core, each compiled by itself once, and the rest of the release build (./dev build, first).
Then core_test runs (the tests beside the source first, and the first failure ends it), and, where that notices nothing,
seeds of brood-sim; each with a limit of time. A mutant that nothing notices survives. Which mutants there are, and which
are tried, follows from the sources, --sample and --seed alone.

  tools/mutants.py --sample 100 --seed 1        100 mutants by that chance; goes on where it was stopped
  tools/mutants.py --sample 20 --only rows/     of those files only
  tools/mutants.py --list                       prints the mutants and does nothing
  tools/mutants.py --summary                    of what was tried so far (build/mutants/results.jsonl)

Of a seed that is broken without any mutant nothing is asked. Exit status: 0 all that was asked for was tried, 2 the
sources as they are do not pass core_test.
"""

import argparse
import concurrent.futures
import dataclasses
import json
import os
import pathlib
import random
import re
import shlex
import signal
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
CORE = pathlib.Path("src/core")
BUILD = ROOT / "build" / "release"
WORK = ROOT / "build" / "mutants"
RESULTS = WORK / "results.jsonl"
OBJECTS = WORK / "objects"

# What is changed into what, each once where it stands. Spaces keep templates and references out.
SWAPS = [
    ("turned", " < ", " <= "), ("turned", " <= ", " < "), ("turned", " > ", " >= "), ("turned", " >= ", " > "),
    ("turned", " == ", " != "), ("turned", " != ", " == "),
    ("and/or", " && ", " || "), ("and/or", " || ", " && "),
    ("sum", " + ", " - "), ("sum", " - ", " + "),
    ("least/most", "std::min(", "std::max("), ("least/most", "std::max(", "std::min("),
    ("all/any", "std::any_of(", "std::all_of("), ("all/any", "std::all_of(", "std::any_of("),
    ("bool", "true", "false"), ("bool", "false", "true"),
]
LEFT_ALONE = ("#", "template", "static_assert", "BROOD_CHECK", "s.log", "using ", "requires")
STATEMENT = re.compile(r"^\s+(?!return\b|const\b|auto\b|using\b|static\b|struct\b|class\b|else\b|break\b|case\b)"
                       r"(\(void\))?[\w:.>\[\]()*+-]+(\(.*\)|\s*[-+|]?=\s.*|\+\+|--)?;\s*$")
RETURN = re.compile(r"^\s+(if \(.*\) )?(return|continue);\s*$")
NUMBER = re.compile(r"(?<![\w.'\"{])(\d+)(?![\w.'\"])")
CONDITION = re.compile(r"^(\s*(?:\} else )?(?:if|while) \()(.*)(\)(?: \{| .*;)?)$")


@dataclasses.dataclass(frozen=True)
class Mutant:
    file: str
    line: int  # from 1
    kind: str
    before: str
    after: str

    def words(self):
        return f"{self.file}:{self.line} ({self.kind})\n- {self.before.strip()}\n+ {self.after.strip()}"


def code_of(line):
    """The line with texts and comments blanked, of the same length."""
    out, text, i = [], None, 0
    while i < len(line):
        if text is None and line.startswith("//", i):
            out.append(" " * (len(line) - i))
            break
        char = line[i]
        if text is None and char in "\"'" and not (char == "'" and i > 0 and line[i - 1].isalnum()):
            text = char
        elif text is not None and char == "\\":
            out.append("  ")
            i += 2
            continue
        elif char == text:
            text = None
        out.append(" " if text is not None or char in "\"'" else char)
        i += 1
    return "".join(out)[: len(line)]


def balanced(text):
    depth = 0
    for char in text:
        depth += (char == "(") - (char == ")")
        if depth < 0:
            return False
    return depth == 0


def mutants_of_line(file, number, line):
    code = code_of(line)
    if ".reserve(" in code or "shrink_to_fit" in code or code.lstrip().startswith(LEFT_ALONE):
        return
    def mutant(kind, after):
        return Mutant(file, number, kind, line, after)
    for kind, old, new in SWAPS:
        at = code.find(old)
        while at >= 0:
            whole = old.strip()
            word = whole in ("true", "false")
            around = code[at - 1: at] + code[at + len(whole): at + len(whole) + 1]
            fine = not word or not re.search(r"\w", around)
            # A reference to an rvalue, or a template's list of arguments.
            if old == " && " and code[:at].rstrip().endswith(("auto", ">", "T")):
                fine = False
            if fine:
                yield mutant(kind, line[:at] + new + line[at + len(old):])
            at = code.find(old, at + len(old))
    for found in NUMBER.finditer(code):
        value = int(found.group(1))
        after = {0: 1, 1: 2}.get(value, value + 1)
        if not re.search(r"array<|static_cast<|U\b|std::get<|e7\b", code[max(0, found.start() - 12): found.end() + 2]):
            yield mutant("constant", line[: found.start()] + str(after) + line[found.end():])
    condition = CONDITION.match(code)
    if condition and balanced(condition.group(2)) and ";" not in condition.group(2):
        start, end = condition.span(2)
        yield mutant("negated", f"{line[:start]}!({line[start:end]}){line[end:]}")
    if STATEMENT.match(code) and balanced(code) and not re.match(r"^\s+[\w:<>,*& ]+ \w+(\(.*\))?;", code):
        yield mutant("left out", re.match(r"^\s*", line).group(0) + ";  // " + line.strip())
    elif RETURN.match(code):
        yield mutant("left out", re.match(r"^\s*", line).group(0) + ";  // " + line.strip())


def sources():
    return sorted(path for path in (ROOT / CORE).rglob("*.cpp")
                  if not path.name.endswith("_test.cpp") and not path.name.endswith("testing.cpp"))


def object_of(source):
    return OBJECTS / (str(source.relative_to(ROOT / CORE)).replace("/", "+") + ".o")


def all_mutants(only):
    found = []
    for path in sources():
        file = str(path.relative_to(ROOT))
        if only and only not in file:
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            found.extend(mutants_of_line(file, number, line))
    return found


def choose(seed, only):
    """All mutants in the order in which they are tried: kinds and files take turns by chance, each line once."""
    mutants = all_mutants(only)
    random.Random(seed).shuffle(mutants)
    lines, chosen = set(), []
    for mutant in mutants:
        if (mutant.file, mutant.line) not in lines:
            lines.add((mutant.file, mutant.line))
            chosen.append(mutant)
    return chosen


# ---- building ------------------------------------------------------------------------------------------------------

class Failed(Exception):
    """Words of a compiler or linker."""


def call(command, limit=600):
    run = subprocess.run([str(part) for part in command], cwd=BUILD, capture_output=True, text=True, errors="replace",
                         timeout=limit, check=False)
    if run.returncode:
        raise Failed(run.stdout + run.stderr)


class Builder:
    """Compiles a source of the core alone, and links programs with it in its own object's place. The core's archive is of no
    use for that: several sources are one object there, in which functions of one call those of another directly."""

    def __init__(self):
        if not (BUILD / "build.ninja").exists():
            sys.exit("there is no release build: ./dev build")
        command = next((one["command"] for one in json.loads((BUILD / "compile_commands.json").read_text())
                        if "/brood_core.dir/" in one["command"]), None)
        if command is None:
            sys.exit("no source of the core is in compile_commands.json")
        # Warnings are no errors: a mutant may leave an argument or a function without use.
        words = [word for word in shlex.split(command)
                 if word not in ("-O2", "-g1", "-fpch-preprocess", "-Winvalid-pch", "-Werror")]
        words = words[next(i for i, word in enumerate(words) if word.endswith("c++")):words.index("-o")]
        if "-include" in words:  # a header that is precompiled with other options is of no use
            at = words.index("-include")
            header = pathlib.Path(words[at + 1])
            own = WORK / "pch.hxx"
            words[at:at + 2] = []
            self.flags = [*words, "-O1", "-w"]
            made = WORK / "pch.hxx.gch"
            if not made.exists() or own.read_bytes() != header.read_bytes():
                own.write_bytes(header.read_bytes())
                call([*self.flags, "-x", "c++-header", own, "-o", made])
            self.flags += ["-include", str(own)]
        else:
            self.flags = [*words, "-O1", "-w"]

    def compile(self, source, to, named=None):
        """named: the path that the source stands for, where it includes its neighbours."""
        call([*self.flags, "-I", (named or source).parent, "-o", to, "-c", source], 300)

    def compile_all(self, jobs):
        """Each source by itself, where it is not older than anything that it may include."""
        newest = max(path.stat().st_mtime for folder in ("include", "src") for path in (ROOT / folder).rglob("*.hpp"))
        OBJECTS.mkdir(exist_ok=True)
        late = [source for source in sources() if not object_of(source).exists()
                or object_of(source).stat().st_mtime < max(newest, source.stat().st_mtime)]
        with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
            list(pool.map(lambda source: self.compile(source, object_of(source)), late))

    def link(self, program, to, mutated, source):
        told = subprocess.run(["ninja", "-t", "commands", program], cwd=BUILD, capture_output=True, text=True,
                              check=True)
        words = shlex.split(told.stdout.splitlines()[-1].removeprefix(": && ").removesuffix(" && :"))
        words[words.index("-o") + 1] = str(to)
        at = words.index("libbrood_core.a")
        words[at:at + 1] = [str(mutated), *(str(object_of(other)) for other in sources() if other != source)]
        call([*words, "-fuse-ld=gold", "-Wl,--strip-debug"], 300)


# ---- running -------------------------------------------------------------------------------------------------------

def run(command, limit, stop_at=None):
    """(status, lines); status None: it took too long, or a line was one to stop at."""
    process = subprocess.Popen([str(part) for part in command], cwd=BUILD, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True, errors="replace", start_new_session=True)
    timer = threading.Timer(limit, lambda: os.killpg(process.pid, signal.SIGKILL))
    timer.start()
    lines = []
    try:
        for line in process.stdout:
            lines.append(line.rstrip("\n"))
            if stop_at and stop_at(lines[-1]):
                os.killpg(process.pid, signal.SIGKILL)
                break
        process.wait()
    finally:
        timer.cancel()
    return (None if process.returncode == -signal.SIGKILL else process.returncode), lines


def suites_beside(source):
    """A filter for the tests in the folder of that source."""
    found = set()
    for path in source.parent.glob("*_test.cpp"):
        found |= set(re.findall(r"^TEST(?:_[FP])?\((\w+),", path.read_text(), re.MULTILINE))
    return ":".join(f"*{name}.*" for name in sorted(found))


def core_test(program, limit, source=None):
    """Words, if it notices something. Tests beside the source go first: mostly it is one of them."""
    beside = suites_beside(source) if source else ""
    for tests in ([beside, f"*-{beside}"] if beside else ["*"]):
        status, lines = run([program, "--gtest_brief=1", "--gtest_fail_fast", f"--gtest_filter={tests}"], limit)
        if status != 0:
            break
    else:
        return None
    if status is None:
        return f"core_test: did not end within {limit:.0f} s"
    told = re.search(r"\[  FAILED  \] ([\w./]+)|CHECK.*", "\n".join(lines))
    return f"core_test: {told.group(0).removeprefix('[  FAILED  ] ') if told else f'status {status}'}"[:120]


SEED = re.compile(r"^seed (\d+) (\w+) nodes=")


def seeds(program, arguments, limit, broken_before=frozenset()):
    """(words, if it notices something; the seeds that are broken)."""
    broken = []

    def is_new(line):
        found = SEED.match(line)
        if found and found.group(2) != "ok":
            broken.append(int(found.group(1)))
            return broken_before is not None and broken[-1] not in broken_before
        return False

    status, lines = run([program, "--seeds", arguments.seeds, "--minutes", arguments.minutes, "--each", "--keep-going",
                         "--lines", "1"], limit, is_new)
    fresh = [seed for seed in broken if seed not in (broken_before or ())]
    if fresh:
        found = next(line for line in lines if line.startswith(f"seed {fresh[0]} "))
        return f"brood-sim: seed {fresh[0]}: {SEED.match(found).group(2)}", broken
    if status is None:
        return f"brood-sim: did not end within {limit:.0f} s", broken
    if status not in (0, 1):
        return f"brood-sim: status {status}", broken
    return None, broken


class Trial:
    def __init__(self, builder, arguments):
        self.builder, self.arguments = builder, arguments

    def measure(self):
        """How long the checks take without a mutant, and which seeds say nothing."""
        since = time.monotonic()
        if failed := core_test(BUILD / "bin" / "core_test", 1200):
            print(f"the sources as they are do not pass: {failed}")
            sys.exit(2)
        self.test_limit = 10 + self.arguments.patience * (time.monotonic() - since)
        since = time.monotonic()
        _, broken = seeds(BUILD / "bin" / "brood-sim", self.arguments, 3600, None)
        self.broken = frozenset(broken)
        self.seeds_limit = 10 + self.arguments.patience * (time.monotonic() - since)
        print(f"as they are: core_test may take {self.test_limit:.0f} s, the seeds {self.seeds_limit:.0f} s"
              + (f"; broken already: {sorted(self.broken)}" if self.broken else ""), flush=True)

    def judge(self, mutant):
        """(verdict, words)."""
        folder = WORK / f"at-{threading.get_ident()}"
        folder.mkdir(exist_ok=True)
        source = ROOT / mutant.file
        lines = source.read_text().splitlines(keepends=True)
        lines[mutant.line - 1] = mutant.after + "\n"
        changed = folder / source.name
        changed.write_text("".join(lines))
        mutated = folder / "mutated.o"
        try:
            self.builder.compile(changed, mutated, source)
            self.builder.link("core_test", folder / "core_test", mutated, source)
        except (Failed, subprocess.TimeoutExpired):
            return "no program", ""
        if words := core_test(folder / "core_test", self.test_limit, source):
            return "caught", words
        self.builder.link("brood-sim", folder / "brood-sim", mutated, source)
        words, _ = seeds(folder / "brood-sim", self.arguments, self.seeds_limit, self.broken)
        return ("caught", words) if words else ("survived", "")


# ---- what is known -------------------------------------------------------------------------------------------------

def read_results():
    if not RESULTS.exists():
        return {}
    return {(entry["file"], entry["before"], entry["after"]): entry
            for entry in map(json.loads, RESULTS.read_text().splitlines())}


def summary(tried):
    counted = [entry for entry in tried if entry["verdict"] != "no program"]
    survived = [entry for entry in counted if entry["verdict"] == "survived"]
    for entry in sorted(survived, key=lambda one: (one["file"], one["line"])):
        print(f"\nSURVIVED {Mutant(**{field.name: entry[field.name] for field in dataclasses.fields(Mutant)}).words()}")
    by = {}
    for entry in counted:
        if entry["verdict"] == "caught":
            name = entry["words"].split(":")[0]
            by[name] = by.get(name, 0) + 1
    print(f"\n{len(counted)} mutants: " + ", ".join(f"{count} caught by {name}" for name, count in sorted(by.items()))
          + f", {len(survived)} survived; {len(tried) - len(counted)} changes were no program")


def try_all(chosen, arguments):
    WORK.mkdir(parents=True, exist_ok=True)
    builder = Builder()
    call(["ninja", f"-j{arguments.jobs}", "core_test", "brood-sim"], 7200)
    builder.compile_all(arguments.jobs)
    trial = Trial(builder, arguments)
    trial.measure()
    known = read_results()
    end = time.monotonic() + arguments.stop_after * 60 if arguments.stop_after else float("inf")
    writing = threading.Lock()

    def one(mutant):
        entry = known.get((mutant.file, mutant.before, mutant.after))
        again = entry is None or (arguments.again and entry["verdict"] == "survived")
        if not again or time.monotonic() > end:
            return entry
        since = time.monotonic()
        verdict, words = trial.judge(mutant)
        took = time.monotonic() - since
        entry = {**dataclasses.asdict(mutant), "verdict": verdict, "words": words, "seconds": round(took, 1)}
        with writing:
            with RESULTS.open("a") as results:
                results.write(json.dumps(entry) + "\n")
            print(f"{verdict:10} {mutant.file}:{mutant.line} {mutant.kind}: {mutant.after.strip()[:70]}  {words} "
                  f"({took:.0f} s)", flush=True)
        return entry

    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        return [entry for entry in pool.map(one, chosen) if entry]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sample", type=int, default=100, metavar="N", help="mutants to try")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="which ones")
    parser.add_argument("--only", default="", metavar="PART", help="only files whose path has this in it")
    parser.add_argument("--seeds", type=int, default=60, help="of brood-sim, for each mutant")
    parser.add_argument("--minutes", type=float, default=0.5, help="with faults, of each seed")
    parser.add_argument("--patience", type=float, default=4,
                        help="a check may take so many times as long as without a mutant")
    parser.add_argument("--stop-after", type=float, default=0, metavar="MINUTES", help="begin no mutant then; 0: never")
    parser.add_argument("--jobs", type=int, default=2, help="mutants at once")
    parser.add_argument("--nice", type=int, default=19, help="how far behind other programs")
    parser.add_argument("--again", action="store_true", help="try those anew that survived: a new test may catch them")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--summary", action="store_true")
    arguments = parser.parse_args()
    os.nice(arguments.nice)
    chosen = choose(arguments.seed, arguments.only)[: arguments.sample]
    if arguments.list:
        print("\n".join(mutant.words() for mutant in chosen))
    else:
        summary(list(read_results().values()) if arguments.summary else try_all(chosen, arguments))
    return 0


if __name__ == "__main__":
    sys.exit(main())
