"""Plots as SVG, without a library: lines over logarithmic axes."""

import math

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 330, 250, 56, 30, 34, 40


def ticks(low, high):
    """1, 10, 100, ... that enclose both."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    return [10 ** e for e in range(first, last + 1)]


def number(value):
    return f"{value:,.0f}" if value >= 1 else f"{value:g}"


class Plot:
    """series: name -> [(x, y)], of which those above zero are drawn."""

    def __init__(self, title, unit, series, x_title, colours):
        self.title, self.unit, self.x_title, self.colours = title, unit, x_title, colours
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

    def svg(self, right, down):
        out = [f'<g transform="translate({right},{down})">',
               f'<text x="{LEFT}" y="18" font-weight="bold">{self.title}{", " + self.unit if self.unit else ""}</text>']
        for tick in self.y_ticks:
            y = self.y(tick)
            out.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>'
                       f'<text x="{LEFT - 5}" y="{y + 4:.1f}" text-anchor="end">{number(tick)}</text>')
        for tick in self.x_ticks:
            x = self.x(tick)
            out.append(f'<path d="M{x:.1f} {TOP}V{HEIGHT - BOTTOM}" stroke="#eee"/>'
                       f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 15}" text-anchor="middle">{number(tick)}</text>')
        out.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 6}" text-anchor="middle">{self.x_title}</text>')
        for name, line in self.series.items():
            if not line:
                continue
            path = "L".join(f"{self.x(x):.1f} {self.y(y):.1f}" for x, y in sorted(line))
            colour = self.colours[name]
            out.append(f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
            out.extend(f'<circle cx="{self.x(x):.1f}" cy="{self.y(y):.1f}" r="3" fill="{colour}"/>' for x, y in line)
        return "\n".join([*out, "</g>"])


def page(rows, colours):
    """An SVG of rows of plots, with the legend below."""
    width, height = WIDTH * max(map(len, rows)), HEIGHT * len(rows)
    legend = "".join(f'<rect x="{LEFT + 90 * i}" y="{height + 6}" width="12" height="12" fill="{colour}"/>'
                     f'<text x="{LEFT + 90 * i + 18}" y="{height + 16}">{name}</text>'
                     for i, (name, colour) in enumerate(colours.items()))
    drawn = "\n".join(plot.svg(WIDTH * column, HEIGHT * row) for row, plots in enumerate(rows)
                      for column, plot in enumerate(plots))
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height + 26}" width="{width}" '
            f'font-family="sans-serif" font-size="11">\n<rect width="100%" height="100%" fill="white"/>\n'
            f"{drawn}\n{legend}\n</svg>\n")
