"""Tables and plots of what was measured. Pure functions; see Measured."""

import statistics

COLOURS = {"brood": "#b4461e", "OTP": "#1e6fb4"}


class Measured:
    """Contender -> row -> the value of each repetition, and what failed."""

    def __init__(self):
        self.values = {}
        self.failures = {}

    def add(self, contender, key, value):
        self.values.setdefault(contender, {}).setdefault(key, []).append(value)

    def fail(self, contender, run, words):
        self.failures.setdefault(contender, {}).setdefault(run, []).append(words)

    def of(self, contender, key):
        return self.values.get(contender, {}).get(key, [])


def figure(value, unit):
    if unit == "s":
        for size, name in ((1, "s"), (1e-3, "ms"), (1e-6, "us")):
            if abs(value) >= size:
                return f"{value / size:.3g} {name}"
        return f"{value * 1e9:.3g} ns"
    if unit == "/s":
        return f"{value:,.0f}/s"
    if unit == "B/s":
        return f"{value / 1e6:,.0f} MB/s"
    if unit == "B":
        return f"{value / 1000:.2f} kB"
    return f"{value:.3g}"


def cell(values, unit):
    """The median, and in brackets the least and the most."""
    if not values:
        return "-"
    middle = figure(statistics.median(values), unit)
    if len(values) == 1 or min(values) == max(values):
        return middle
    return f"{middle} ({figure(min(values), unit)} to {figure(max(values), unit)})"


def ratio(row, ours, theirs):
    """How many times better ours is."""
    if not ours or not theirs:
        return None
    one, other = statistics.median(ours), statistics.median(theirs)
    if row.more_is_better:
        one, other = other, one
    return other / one if one else None


def ratio_text(value):
    return "-" if value is None else f"{value:.2f}" if value < 10 else f"{value:.0f}"


def table(rows, measured):
    """Markdown: ours beside OTP's, and beside CAF's where that was measured."""
    beside = [("OTP", "ratio")] + [("CAF", "ratio to CAF")] * bool(measured.values.get("CAF"))
    titles = ["what", "brood", *(title for name, by in beside for title in (f"{name}, same run", by)), "aim",
              "best of the others, measured elsewhere"]
    out = ["| " + " | ".join(titles) + " |", "|" + "---|" * len(titles)]
    for row in rows:
        ours = measured.of("brood", row.key)
        cells = [row.title, cell(ours, row.unit)]
        for name, _ in beside:
            theirs = measured.of(name, row.key)
            cells += [cell(theirs, row.unit), ratio_text(ratio(row, ours, theirs))]
        out.append("| " + " | ".join([*cells, row.aim or "-", row.others or "-"]) + " |")
    return "\n".join(out)


def apart(one, other):
    """No value of one is among those of the other; of fewer than three that says nothing."""
    return min(len(one), len(other)) >= 3 and (max(one) < min(other) or max(other) < min(one))


def comparison(rows, measured, before):
    out = [f"| what | {before} | this tree | times better | |", "|---|---|---|---|---|"]
    for row in rows:
        old, new = measured.of(before, row.key), measured.of("brood", row.key)
        mark = "all runs apart" if apart(old, new) else ""
        out.append(f"| {row.title} | {cell(old, row.unit)} | {cell(new, row.unit)} | "
                   f"{ratio_text(ratio(row, new, old))} | {mark} |")
    return "\n".join(out)


def aligned(markdown):
    """A Markdown table for a terminal."""
    lines = [[part.strip() for part in line.strip("|").split("|")] for line in markdown.splitlines()]
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    lines[1] = ["-" * width for width in widths]
    return "\n".join("  ".join(part.ljust(width) for part, width in zip(line, widths)).rstrip() for line in lines)
