#!/usr/bin/env python3
"""Measures brood beside OTP, and CAF where it is there, on this machine, in one run. `./dev bench` builds first and then
calls this.

All groups: writes bench/RESULTS.md, bench/results.json and docs/bench.svg, in under 20 minutes. Some groups: prints
their tables and writes nothing. bench/README.md says how to read them.
"""

import argparse
import datetime
import json
import os
import pathlib
import platform
import re
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import plot  # noqa: E402

import contenders  # noqa: E402
import instructions  # noqa: E402
import report  # noqa: E402
from rows import CURVES, ROWS, RUNS, derived  # noqa: E402

ROOT = contenders.ROOT
# Of one run of one contender; a million children take their time.
RUN_SECONDS, RUN_SECONDS_FULL = 300, 1800


def arguments():
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("groups", nargs="*", metavar="GROUP", help="only these; --list shows them")
    parser.add_argument("--list", action="store_true", help="the groups and what each measures")
    parser.add_argument("--repeat", type=int, default=5, metavar="N", help="how often each is measured (default: 5)")
    parser.add_argument("--full", action="store_true", help="also 1,000,000 children, once (8 GB of memory, some ten minutes more)")
    parser.add_argument("--alone", action="store_true", help="without OTP and CAF")
    parser.add_argument("--spinner", action="store_true",
                        help="keep each core awake by a loop that runs when nothing else does")
    parser.add_argument("--compare", metavar="REV", help="beside brood of that revision, in place of OTP and CAF")
    parser.add_argument("--instructions", action="store_true",
                        help="count instructions of the hot paths instead, and write bench/INSTRUCTIONS.md")
    parser.add_argument("--smoke", action="store_true",
                        help="the smallest sizes, once, for a test of the measure itself; the figures mean nothing")
    parser.add_argument("--out", type=pathlib.Path, metavar="FOLDER", help="write what is written there")
    parser.add_argument("--draw", action="store_true", help="draw docs/bench.svg anew from bench/results.json")
    return parser.parse_args()


def selected(wanted):
    groups = list(dict.fromkeys(run.belongs for run in RUNS))
    for name in wanted.groups:
        if name not in groups:
            sys.exit(f"bench: no group '{name}'; there are: {' '.join(groups)} (and micro: ./dev bench micro)")
    runs = [run for run in RUNS if (not wanted.groups or run.belongs in wanted.groups) and (wanted.full or not run.full)]
    if wanted.smoke:
        runs = list({run.measures: run for run in reversed(runs)}.values())[::-1]
    return runs


def size(run, wanted):
    """children, seconds of calls, scale of counts."""
    return (min(run.children, 200), 0.05, 0.01) if wanted.smoke else (run.children, 0.5, 1)


def times(run, wanted):
    """A run with a million takes minutes, so it is measured once."""
    return 1 if wanted.smoke or run.full else wanted.repeat


def alike_in_smoke(run):
    """With the smallest sizes all runs that measure the same are one."""
    return [other for other in RUNS if other.measures == run.measures]


def measure(runs, who, wanted, ground):
    """All contenders in turn within each repetition, so that what else the machine does meets all of them."""
    measured = report.Measured()
    for run in runs:
        children, seconds, scale = size(run, wanted)
        began = time.monotonic()
        for _ in range(times(run, wanted)):
            for one in who:
                if not one.measures(run):
                    continue
                command = [str(word) for word in one.command(run, children, seconds, scale)]
                try:
                    figures = ground.figures(command, RUN_SECONDS_FULL if run.full else RUN_SECONDS)
                except contenders.Failed as failed:
                    measured.fail(one.name, run.name, str(failed))
                    print(f"    {one.name}, {run.name}: {failed}", file=sys.stderr, flush=True)
                    continue
                for name, value in (*figures.items(), *derived(figures)):
                    for alike in (alike_in_smoke(run) if wanted.smoke else [run]):
                        measured.add(one.name, f"{alike.name}.{name}", value)
        print(f"    {run.name}: {run.what}; {time.monotonic() - began:.0f} s", flush=True)
    return measured


def cached(name):
    path = ROOT / "build" / "release" / "CMakeCache.txt"
    found = re.search(rf"^{name}:\w+=(.*)$", path.read_text(), re.MULTILINE) if path.exists() else None
    return found.group(1) if found else ""


def circumstances(wanted, versions):
    """versions: of those beside whom it is measured."""
    model = re.search(r"^model name\s*: (.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    memory = re.search(r"^MemTotal:\s+(\d+)", pathlib.Path("/proc/meminfo").read_text())
    changed = " with changes" if contenders.words_of("git", "status", "--porcelain", "--untracked-files=no") else ""
    return {"date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
            "processor": f"{model.group(1) if model else platform.machine()}, {len(os.sched_getaffinity(0))} cores",
            "memory": f"{int(memory.group(1)) / 2**20:.1f} GiB" if memory else "?",
            "kernel": platform.release(),
            "compiler": contenders.words_of(cached("CMAKE_CXX_COMPILER") or "c++", "--version").split("\n")[0],
            "build": cached("CMAKE_BUILD_TYPE"),
            "brood": contenders.words_of("git", "rev-parse", "--short", "HEAD") + changed,
            "OTP": versions.get("OTP", "not measured"),
            "CAF": versions.get("CAF", "not measured"),
            "cores": "kept awake by a spinner on each" if wanted.spinner else "left to sleep when idle",
            "load before": f"{os.getloadavg()[0]:.2f}"}


def shown_rows(measured):
    keys = {key for values in measured.values.values() for key in values}
    return [row for row in ROWS if row.key in keys]


def results_page(measured, facts, took, repeat, full):
    said = "\n".join(f"- {name}: {value}" for name, value in facts.items())
    failed = [f"- {who}, {run}: {words[0]} ({len(words)} of {repeat} times)"
              for who, runs in measured.failures.items() for run, words in runs.items()]
    once = "; 1,000,000 children once" if full else ""
    failures = "\n## What failed\n" + "\n".join(failed) + "\n" if failed else ""
    in_turn, to_caf = "brood and OTP", ""
    if measured.values.get("CAF"):
        in_turn, to_caf = "brood, OTP and CAF", ", *ratio to CAF* than CAF"
    return f"""# What brood costs, beside OTP

Written by `./dev bench`; [README.md](README.md) says what each row is and how to read it. Each was measured {repeat}
times, {in_turn} in turn, in {took / 60:.0f} minutes: the median, and in brackets the least and the most{once}. *ratio*: how
many times better brood is than OTP in this run{to_caf}. *aim* and *best of the others* are given figures of the issue "Speed",
measured elsewhere on a machine of the same kind.

{said}

{report.table(shown_rows(measured), measured)}
{failures}"""


def curves(values):
    """The plots; values: contender -> row -> values."""
    def series(name, of):
        found = {}
        for who in report.COLOURS:
            points = []
            for run in RUNS:
                taken = values.get(who, {}).get(f"{run.name}.{name}", []) if run.measures == "life" else []
                if taken:
                    points.append((run.children, of(sorted(taken)[len(taken) // 2], run.children)))
            if points:
                found[who] = points
        return found

    plots = [plot.Plot(title, unit, found, "children", report.COLOURS) for name, title, unit, of in CURVES
             if (found := series(name, of))]
    return plot.page([plots[:3], plots[3:]], report.COLOURS) if len(plots) > 3 else None


def write(measured, facts, took, wanted):
    folder = wanted.out or ROOT / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "RESULTS.md").write_text(results_page(measured, facts, took, wanted.repeat, wanted.full))
    (folder / "results.json").write_text(json.dumps({"facts": facts, "seconds": round(took), "values": measured.values,
                                                     "failures": measured.failures}, indent=1) + "\n")
    print(f"==> {folder / 'RESULTS.md'}, {folder / 'results.json'}")
    draw(folder, wanted)


def draw(folder, wanted):
    values = json.loads((folder / "results.json").read_text())["values"]
    drawn = curves(values)
    if drawn:
        path = (wanted.out or ROOT / "docs") / "bench.svg"
        path.write_text(drawn)
        print(f"==> {path}")


def main():
    wanted = arguments()
    if wanted.list:
        for name in dict.fromkeys(run.belongs for run in RUNS):
            print(f"{name:<10} {'; '.join(run.what for run in RUNS if run.belongs == name and not run.full)}")
        print("micro      Google Benchmark of processes and mailboxes, and node_bench: two nodes below the supervisor")
        return 0
    if wanted.instructions:
        compiler = circumstances(wanted, {})["compiler"]
        return instructions.write((wanted.out or ROOT / "bench") / "INSTRUCTIONS.md", compiler)
    if wanted.draw:
        draw(wanted.out or ROOT / "bench", wanted)
        return 0
    runs = selected(wanted)
    before = contenders.revision(wanted.compare) if wanted.compare else None
    began = time.monotonic()
    ground = contenders.Ground(wanted.spinner)
    try:
        who = [contenders.Brood()]
        if before:
            who.append(before)
        elif not wanted.alone:
            if contenders.Otp.available():
                who.append(contenders.Otp(ground.folder))
            if contenders.Caf.available():
                who.append(contenders.Caf())
        facts = circumstances(wanted, {} if before else {one.name: one.version() for one in who[1:]})
        measured = measure(runs, who, wanted, ground)
    finally:
        ground.close()
    took = time.monotonic() - began
    if before:
        print(report.aligned(report.comparison(shown_rows(measured), measured, before.name)))
    else:
        print(report.aligned(report.table(shown_rows(measured), measured)))
        if (not wanted.groups and not wanted.smoke) or wanted.out:
            write(measured, facts, took, wanted)
    print(f"    measured in {took:.0f} s")
    return 1 if measured.failures.get("brood") else 0


if __name__ == "__main__":
    sys.exit(main())
