#!/usr/bin/env python3
"""What very many nodes cost: measures it, and writes docs/scale.svg and the tables of docs/scale.md.

  tools/scale_plot.py               from what was measured (docs/scale.jsonl, a line of brood-scale for each run)
  tools/scale_plot.py --measure     measures anew first, with build/release/bin/brood-scale; takes some ten minutes
  tools/scale_plot.py --measure 1000:300    this size instead (nodes:children, one or more); others stay as they are

A run that takes more than an hour of a processor or 20 GiB is ended, and the tables say so.
"""

import argparse
import json
import pathlib
import resource
import signal
import subprocess

import plot

ROOT = pathlib.Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
PROGRAM = ROOT / "build" / "release" / "bin" / "brood-scale"
SECONDS_MAX, BYTES_MAX = 3600, 20 << 30
# Nodes and children. Each node holds the rows of all children, so many of both are more than one machine has.
SIZES = [(10, 1000), (50, 1000), (100, 1000), (200, 1000), (300, 1000), (10, 100_000)]
COLOURS = {"pubsub": "#b4461e", "gossip": "#1e6fb4"}


# ---- measuring -----------------------------------------------------------------------------------------------------

def measured(nodes, children, synchronisation):
    def bounded():
        resource.setrlimit(resource.RLIMIT_AS, (BYTES_MAX, BYTES_MAX))
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS_MAX, SECONDS_MAX))

    line = {"nodes": nodes, "children": children, "synchronisation": synchronisation}
    command = [PROGRAM, "--nodes", str(nodes), "--children", str(children), "--synchronisation", synchronisation]
    print(" ".join(map(str, command[1:])), flush=True)
    run = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False, preexec_fn=bounded)
    if run.returncode in (-signal.SIGXCPU, -signal.SIGKILL):
        return {**line, "failed": "more than an hour of a processor"}
    return json.loads(run.stdout) if run.returncode == 0 else {**line, "failed": "more than 20 GiB"}


def measure(sizes):
    """Each line as soon as it is there; what was measured of other sizes stays."""
    for nodes, children in sizes:
        for name in COLOURS:
            line = measured(nodes, children, name)
            kept = [one for one in lines_measured() if key(one) != (nodes, children, name)]
            (DOCS / "scale.jsonl").write_text("".join(json.dumps(one) + "\n" for one in sorted([*kept, line], key=key)))


def key(line):
    return line["nodes"], line["children"], line["synchronisation"]


def lines_measured():
    return [json.loads(line) for line in (DOCS / "scale.jsonl").read_text().splitlines()]


# ---- the page ------------------------------------------------------------------------------------------------------

def figure(value):
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}" if value >= 1 else f"{value:.2f}"


def bytes_text(value):
    for unit, size in (("MiB", 2**20), ("KiB", 2**10)):
        if value >= size:
            return f"{value / size:.1f} {unit}"
    return f"{value:.0f} B"


def time_text(seconds):
    return "did not" if seconds < 0 else f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def a_second(run, what):
    return run["rest"][what] / run["rest"]["seconds"]


ROWS = [
    ("at rest: messages a second", lambda run: figure(a_second(run, "mean"))),
    ("at rest: bytes a second", lambda run: bytes_text(a_second(run, "bytes"))),
    ("one more child: all agree after", lambda run: time_text(run["change"]["seconds"])),
    ("messages of the busiest node", lambda run: figure(run["change"]["most"])),
    ("bytes, the mean node", lambda run: bytes_text(run["change"]["bytes"])),
    ("one more node: all agree after", lambda run: time_text(run["join"]["seconds"])),
    ("messages, the mean node", lambda run: figure(run["join"]["mean"])),
    ("bytes, the mean node", lambda run: bytes_text(run["join"]["bytes"])),
    ("10 % lost: all agree after", lambda run: time_text(run["loss"]["seconds"])),
    ("messages, the mean node", lambda run: figure(run["loss"]["mean"])),
    ("bytes, the mean node", lambda run: bytes_text(run["loss"]["bytes"])),
    ("memory of a node without children", lambda run: bytes_text(run["empty_kib"] * 1024)),
    ("memory of a node for each child", lambda run: bytes_text(run["child_bytes"])),
]


def table(runs):
    head = "| | " + " | ".join(f"{run['nodes']:,} nodes, {run['children']:,} children" for run in runs) + " |"
    rows = ["| " + " | ".join([name, *("-" if "failed" in run else of(run) for run in runs)]) + " |"
            for name, of in ROWS]
    failed = [f"{run['nodes']:,} nodes with {run['children']:,} children took {run['failed']}." for run in runs
              if "failed" in run]
    return "\n".join([head, "|---" * (len(runs) + 1) + "|", *rows, *([""] if failed else []), *failed])


def tables(lines):
    order = sorted(lines, key=lambda line: (is_large(line), line["nodes"]))
    return "\n\n".join(f"**{name}**\n\n{table([line for line in order if line['synchronisation'] == name])}"
                       for name in COLOURS)


def is_large(line):
    return line["children"] >= 10_000


def write_page(lines):
    page = DOCS / "scale.md"
    begin, end = "<!-- tables: tools/scale_plot.py -->", "<!-- end of tables -->"
    text = page.read_text()
    before, rest = text.split(begin)
    page.write_text(f"{before}{begin}\n{tables(lines)}\n{end}{rest.split(end)[1]}")


def draw(lines):
    drawn = [line for line in lines if "failed" not in line and not is_large(line)]

    def series(of):
        return {name: [(line["nodes"], of(line)) for line in drawn if line["synchronisation"] == name]
                for name in COLOURS}

    def over_nodes(title, unit, of):
        return plot.Plot(title, unit, series(of), "nodes", COLOURS)

    rows = [[over_nodes("at rest: messages a second, a node", "", lambda run: a_second(run, "mean")),
             over_nodes("at rest: bytes a second, a node", "B", lambda run: a_second(run, "bytes")),
             over_nodes("a node without children", "KiB", lambda run: run["empty_kib"]),
             over_nodes("one more node: messages, the mean node", "", lambda run: run["join"]["mean"])],
            [over_nodes("one change: messages, the busiest node", "", lambda run: run["change"]["most"]),
             over_nodes("one change: all agree after", "ms", lambda run: run["change"]["seconds"] * 1000),
             over_nodes("10 % lost: messages, the mean node", "", lambda run: run["loss"]["mean"]),
             over_nodes("10 % lost: all agree after", "ms", lambda run: run["loss"]["seconds"] * 1000)]]
    (DOCS / "scale.svg").write_text(plot.page(rows, COLOURS))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--measure", nargs="*", metavar="NODES:CHILDREN")
    wanted = parser.parse_args().measure
    if wanted is not None:
        measure([tuple(map(int, size.split(":"))) for size in wanted] or SIZES)
    lines = lines_measured()
    draw(lines)
    write_page(lines)


if __name__ == "__main__":
    main()
