#!/usr/bin/env python3
"""Draws docs/scale.svg from the lines of brood-scale in docs/scale.jsonl.

  build/release/bin/brood-scale --nodes 100 >> docs/scale.jsonl; tools/scale_plot.py
"""

import json
import math
import pathlib

DOCS = pathlib.Path(__file__).resolve().parent.parent / "docs"
COLOURS = {"pubsub": "#b4461e", "gossip": "#1e6fb4"}
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 330, 250, 52, 12, 34, 40


def ticks(low, high):
    """1, 3, 10, ... that enclose both; in logarithms."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    return [10 ** e for e in range(first, last + 1)]


def number(value):
    return f"{value:,.0f}" if value >= 1 else f"{value:g}"


class Plot:
    def __init__(self, title, unit, series):
        self.title, self.unit = title, unit
        self.series = {name: [(x, y) for x, y in points if y > 0] for name, points in series.items()}
        points = [point for line in self.series.values() for point in line]
        self.x_ticks = sorted({x for x, _ in points})
        self.y_ticks = ticks(min(y for _, y in points), max(y for _, y in points))
        self.x_range = (math.log10(self.x_ticks[0]), math.log10(self.x_ticks[-1]))
        self.y_range = (math.log10(self.y_ticks[0]), math.log10(self.y_ticks[-1]))

    def x(self, value):
        low, high = self.x_range
        return LEFT + (math.log10(value) - low) / ((high - low) or 1) * (WIDTH - LEFT - RIGHT)

    def y(self, value):
        low, high = self.y_range
        return HEIGHT - BOTTOM - (math.log10(value) - low) / ((high - low) or 1) * (HEIGHT - TOP - BOTTOM)

    def svg(self, at):
        out = [f'<g transform="translate({at},0)">',
               f'<text x="{LEFT}" y="18" font-weight="bold">{self.title}</text>']
        for tick in self.y_ticks:
            y = self.y(tick)
            out.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>'
                       f'<text x="{LEFT - 5}" y="{y + 4:.1f}" text-anchor="end">{number(tick)}</text>')
        for tick in self.x_ticks:
            x = self.x(tick)
            out.append(f'<path d="M{x:.1f} {TOP}V{HEIGHT - BOTTOM}" stroke="#eee"/>'
                       f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 15}" text-anchor="middle">{number(tick)}</text>')
        out.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 6}" text-anchor="middle">nodes</text>'
                   f'<text x="{LEFT - 5}" y="{TOP - 4}" text-anchor="end">{self.unit}</text>')
        for name, line in self.series.items():
            if not line:
                continue
            path = "L".join(f"{self.x(x):.1f} {self.y(y):.1f}" for x, y in sorted(line))
            colour = COLOURS[name]
            out.append(f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
            out.extend(f'<circle cx="{self.x(x):.1f}" cy="{self.y(y):.1f}" r="3" fill="{colour}"/>' for x, y in line)
        return "\n".join([*out, "</g>"])


def main():
    lines = [json.loads(line) for line in (DOCS / "scale.jsonl").read_text().splitlines()]

    def series(phase, field):
        return {name: [(line["nodes"], line[phase][field]) for line in lines if line["synchronisation"] == name]
                for name in COLOURS}

    plots = [Plot("one change: messages, the busiest node", "", series("change", "most")),
             Plot("one change: all agree after", "s", series("change", "seconds")),
             Plot("10 % lost: messages a node", "", series("loss", "mean")),
             Plot("10 % lost: all agree after", "s", series("loss", "seconds"))]
    width = WIDTH * len(plots)
    legend = "".join(f'<rect x="{LEFT + 90 * i}" y="{HEIGHT + 6}" width="12" height="12" fill="{colour}"/>'
                     f'<text x="{LEFT + 90 * i + 18}" y="{HEIGHT + 16}">{name}</text>'
                     for i, (name, colour) in enumerate(COLOURS.items()))
    (DOCS / "scale.svg").write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {HEIGHT + 26}" width="{width}" '
        f'font-family="sans-serif" font-size="11">\n<rect width="100%" height="100%" fill="white"/>\n'
        + "\n".join(plot.svg(WIDTH * i) for i, plot in enumerate(plots)) + f"\n{legend}\n</svg>\n")


if __name__ == "__main__":
    main()
