#!/usr/bin/env python3
"""Mechanical mutants of src/core: is what the core does looked at by any test?

A mutant is one small change of one source file: a comparison turned, a statement left out, a constant changed, a
condition negated, and / or, + / -, min / max. Each is compiled in a tree and build folder of its own (build/mutants)
and run against core_test, seeds of brood-sim and sim_test, in this order, each with a limit of time. One that nothing
notices survives; its difference is printed. Which mutants there are follows from the sources and --seed alone.

  tools/mutants.py --count 100                  100 mutants; goes on where it was stopped (build/mutants/results.jsonl)
  tools/mutants.py --count 20 --only rows/      of those files only
  tools/mutants.py --list                       prints the mutants and does nothing
  tools/mutants.py --apply 17                   prints mutant 17 as a difference

Exit status: 0 at least --share of them were caught, 1 fewer were, 2 the sources as they are do not pass.
"""

import argparse
import dataclasses
import difflib
import json
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
CORE = pathlib.Path("src/core")
WORK = ROOT / "build" / "mutants"
TREE = WORK / "tree"
OUT = WORK / "out"
RESULTS = WORK / "results.jsonl"
COPIED = ["CMakeLists.txt", "cmake", "include", "src", "sim", "apps", "tests", "examples", "fuzz", "bench", "tools",
          "VERSION", "LICENSE"]
TARGETS = ["core_test", "brood-sim", "sim_test"]

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

    def difference(self):
        return "".join(f"{sign}{text.strip()}\n" for sign, text in (("- ", self.before), ("+ ", self.after)))


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
    if ".reserve(" in code or "shrink_to_fit" in code or code.lstrip().startswith(("#", "template", "static_assert", "BROOD_CHECK", "s.log", "using ", "requires")):
        return
    def mutant(kind, after):
        return Mutant(file, number, kind, line, after)
    for kind, old, new in SWAPS:
        at = code.find(old)
        while at >= 0:
            whole = old.strip()
            word = whole in ("true", "false")
            fine = not word or not re.match(r"\w", code[at - 1: at]) and not re.match(r"\w", code[at + len(whole): at + len(whole) + 1])
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


def all_mutants(only):
    found = []
    for path in sorted((ROOT / CORE).rglob("*.cpp")):
        file = str(path.relative_to(ROOT))
        if path.name.endswith("_test.cpp") or (only and only not in file):
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


# ---- building and running ------------------------------------------------------------------------------------------

def run(command, limit, cwd=ROOT, quiet=True):
    """(status, output, seconds); status None: it took too long."""
    since = time.monotonic()
    process = subprocess.Popen([str(part) for part in command], cwd=cwd, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True, errors="replace", start_new_session=True)
    try:
        out, _ = process.communicate(timeout=limit)
        status = process.returncode
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        out, _ = process.communicate()
        status = None
    if not quiet:
        print(out, end="")
    return status, out, time.monotonic() - since


def prepare(jobs):
    """A copy of the sources and a build folder for it; both are kept for the next run."""
    WORK.mkdir(parents=True, exist_ok=True)
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            copy_newer(source, TREE / name)
        elif source.exists():
            TREE.mkdir(exist_ok=True)
            copy_file(source, TREE / name)
    if not (OUT / "build.ninja").exists():
        status, out, _ = run(["cmake", "-S", TREE, "-B", OUT, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=", "-DCMAKE_CXX_FLAGS=-O1",
                              "-DBROOD_UNITY=OFF", "-DBROOD_TESTS=ON", "-DBROOD_BENCH=OFF"], 600)
        if status != 0:
            sys.exit(f"cmake failed:\n{out}")
    status, out, took = run(["ninja", "-C", OUT, f"-j{jobs}", *TARGETS], 7200)
    if status != 0:
        sys.exit(f"the sources as they are do not build:\n{out[-4000:]}")
    print(f"built in {took:.0f} s")


def copy_file(source, to):
    if not to.exists() or to.read_bytes() != source.read_bytes():
        shutil.copyfile(source, to)


def copy_newer(source, to):
    wanted = set()
    for path in source.rglob("*"):
        if "__pycache__" in path.parts:
            continue
        inside = path.relative_to(source)
        wanted.add(inside)
        if path.is_dir():
            (to / inside).mkdir(parents=True, exist_ok=True)
        else:
            (to / inside).parent.mkdir(parents=True, exist_ok=True)
            copy_file(path, to / inside)
    for path in list(to.rglob("*")):
        if path.is_file() and path.relative_to(to) not in wanted:
            path.unlink()


def checks(arguments):
    binary = OUT / "bin"
    return [("core_test", [binary / "core_test", "--gtest_brief=1", "--gtest_fail_fast"]),
            ("seeds", [binary / "brood-sim", "--seeds", arguments.seeds, "--minutes", "1", "--lines", "0"]),
            ("sim_test", [binary / "sim_test", "--gtest_brief=1", "--gtest_fail_fast"])]


def what_fails(arguments, limits):
    """(check, words) of the first that notices something; None."""
    for name, command in checks(arguments):
        if name in arguments.skip:
            continue
        status, out, took = run(command, limits[name])
        if status is None:
            return name, f"did not end within {limits[name]:.0f} s"
        if status != 0:
            told = re.search(r"\[  FAILED  \] ([\w./]+)|rule '(\w+)' is broken|CHECK.*", out)
            return name, (told.group(0) if told else f"status {status}")[:120]
        limits.setdefault("took", {})[name] = took
    return None


def measure(arguments):
    limits = {name: 1200 for name, _ in checks(arguments)}
    failed = what_fails(arguments, limits)
    if failed:
        print(f"the sources as they are do not pass: {failed}")
        sys.exit(2)
    took = limits["took"]
    print("as they are: " + ", ".join(f"{name} {seconds:.0f} s" for name, seconds in took.items()))
    return {name: 30 + arguments.patience * seconds for name, seconds in took.items()}


def try_mutant(mutant, arguments, limits):
    target = TREE / mutant.file
    lines = target.read_text().splitlines(keepends=True)
    original = "".join(lines)
    lines[mutant.line - 1] = mutant.after + "\n"
    try:
        target.write_text("".join(lines))
        status, _, _ = run(["ninja", "-C", OUT, f"-j{arguments.jobs}", *TARGETS], 1800)
        if status != 0:
            return "no program", ""
        failed = what_fails(arguments, dict(limits))
        return ("caught", f"{failed[0]}: {failed[1]}") if failed else ("survived", "")
    finally:
        target.write_text(original)


def read_results():
    if not RESULTS.exists():
        return {}
    results = {}
    for line in RESULTS.read_text().splitlines():
        entry = json.loads(line)
        results[(entry["file"], entry["before"], entry["after"])] = entry
    return results


def report(tried, share):
    counted = [entry for entry in tried if entry["verdict"] != "no program"]
    caught = [entry for entry in counted if entry["verdict"] == "caught"]
    for entry in counted:
        if entry["verdict"] == "survived":
            print(f"\nSURVIVED {entry['file']}:{entry['line']} ({entry['kind']})\n- {entry['before'].strip()}"
                  f"\n+ {entry['after'].strip()}")
    by = {}
    for entry in caught:
        by[entry["words"].split(":")[0]] = by.get(entry["words"].split(":")[0], 0) + 1
    print(f"\n{len(counted)} mutants, {len(caught)} caught ({', '.join(f'{name} {n}' for name, n in sorted(by.items()))}), "
          f"{len(counted) - len(caught)} survived; {len(tried) - len(counted)} changes were no program")
    return 0 if len(caught) >= share * len(counted) else 1


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=100, help="mutants that compile")
    parser.add_argument("--seed", type=int, default=1, help="which ones")
    parser.add_argument("--only", default="", help="only files whose path has this in it")
    parser.add_argument("--seeds", type=int, default=300, help="of brood-sim, for each mutant")
    parser.add_argument("--skip", action="append", default=[], choices=["seeds", "sim_test"])
    parser.add_argument("--patience", type=float, default=6, help="a check may take so many times as long as without a mutant")
    parser.add_argument("--minutes", type=float, default=0, help="begin no mutant after this time; 0: no such bound")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--share", type=float, default=0.9, help="of the mutants, how many must be caught")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--apply", type=int)
    arguments = parser.parse_args()
    os.nice(19)
    chosen = choose(arguments.seed, arguments.only)
    if arguments.list or arguments.apply is not None:
        for number, mutant in enumerate(chosen[: arguments.count], 1):
            if arguments.list:
                print(f"{number} {mutant.file}:{mutant.line} {mutant.kind}\n{mutant.difference()}", end="")
            elif number == arguments.apply:
                before = (ROOT / mutant.file).read_text().splitlines(keepends=True)
                after = list(before)
                after[mutant.line - 1] = mutant.after + "\n"
                sys.stdout.writelines(difflib.unified_diff(before, after, f"a/{mutant.file}", f"b/{mutant.file}"))
        return 0
    end = time.monotonic() + arguments.minutes * 60 if arguments.minutes else float("inf")
    prepare(arguments.jobs)
    limits = measure(arguments)
    known = read_results()
    tried = []
    for mutant in chosen:
        if sum(entry["verdict"] != "no program" for entry in tried) >= arguments.count or time.monotonic() > end:
            break
        entry = known.get((mutant.file, mutant.before, mutant.after))
        if entry is None or entry["verdict"] == "survived":  # a new test may catch it
            since = time.monotonic()
            verdict, words = try_mutant(mutant, arguments, limits)
            entry = {**dataclasses.asdict(mutant), "verdict": verdict, "words": words}
            with RESULTS.open("a") as results:
                results.write(json.dumps(entry) + "\n")
            print(f"{verdict:10} {mutant.file}:{mutant.line} {mutant.kind}: {mutant.after.strip()[:70]}  {words} "
                  f"({time.monotonic() - since:.0f} s)", flush=True)
        tried.append(entry)
    return report(tried, arguments.share)


if __name__ == "__main__":
    sys.exit(main())
