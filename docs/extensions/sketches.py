"""Pictures of exercises, as SVG: functions of values that the code of an exercise computed."""

from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any

import numpy as np

WIDTH, HEIGHT, EDGE = 370, 170, 60
ONE, TWO, TEXT = "--live-one", "--live-two", "--pst-color-text-base"
MUTED = "--pst-color-text-muted"


def curve(
    f: Callable[[Any], Any],
    low: float,
    high: float,
    at: float | None = None,
    slope: float | None = None,
    path: Sequence[float] = (),
    name: str = "",
) -> str:
    """Draw a function; its tangent at a point; and the points that a descent goes through."""
    grid = np.linspace(low, high, 121)
    values = np.array([float(f(x)) for x in grid])
    plot = _Plot((low, high), (float(values.min()), float(values.max())))
    parts = [plot.frame(), plot.line(grid, values, ONE)]
    if at is not None:
        if slope is not None:
            parts.append(
                plot.line(np.array([low, high]), f(at) + slope * (np.array([low, high]) - at), TWO)
            )
        parts.append(plot.dot(at, float(f(at)), TWO))
    if len(path):
        xs = np.clip(path, low, high)
        ys = np.array([float(f(x)) for x in xs])
        parts.append(
            plot.line(xs, ys, TWO)
            + "".join(plot.dot(x, y, TWO) for x, y in zip(xs, ys, strict=True))
        )
    return _svg([*parts, _text(EDGE + 6, 14, name, ONE)])


def bars(**groups: Any) -> str:
    """Draw vectors as groups of bars with their numbers."""
    vectors = {name: np.atleast_1d(np.asarray(values, float)) for name, values in groups.items()}
    low = min(0.0, *(v.min() for v in vectors.values()))
    high = max(0.0, *(v.max() for v in vectors.values()))
    plot = _Plot((0, 1), (low, high))
    step = min(46, (WIDTH - 24) / (sum(map(len, vectors.values())) + len(vectors) - 1))
    parts, left = [], 12.0
    for (name, vector), colour in zip(vectors.items(), (ONE, TWO, TEXT, ONE, TWO), strict=False):
        parts.append(_text(left, HEIGHT - 28, name, colour))
        for value in vector:
            top, bottom = plot.y(max(value, 0)), plot.y(min(value, 0))
            parts.append(_bar(left, top, step - 4, max(bottom - top, 1), colour))
            parts.append(
                _text(
                    left + step / 2 - 2,
                    (top if value >= 0 else bottom + 14) - 3,
                    f"{value:.3g}",
                    TEXT,
                    "middle",
                )
            )
            left += step
        left += max(step, 8 * len(name) - step * len(vector) + 12)
    return _svg(parts)


def tables(**arrays: Any) -> str:
    """Draw arrays as tables of their numbers, coloured by size and sign."""
    parts, left, height = [], 4.0, 0.0
    for name, values in arrays.items():
        table = np.atleast_2d(np.asarray(values, float))
        scale = np.abs(table).max() or 1
        parts.append(_text(left, 14, f"{name}: {np.shape(values)}", TEXT))
        for (row, column), value in np.ndenumerate(table):
            x, y = left + 48 * column, 22 + 28 * row
            parts.append(_bar(x, y, 46, 26, ONE if value >= 0 else TWO, 0.35 * abs(value) / scale))
            parts.append(_text(x + 23, y + 18, f"{value:.3g}", TEXT, "middle"))
        left += max(48 * table.shape[1], 8 * len(f"{name}: {np.shape(values)}")) + 18
        height = max(height, 28 + 28 * table.shape[0])
    return _svg(parts, left, height)


def lines(x: Any = None, logarithmic: bool = False, **series: Any) -> str:
    """Draw series of numbers, for example the losses of several trainings."""
    numbers = {name: np.asarray(values, float) for name, values in series.items()}
    if logarithmic:
        numbers = {name: np.log10(values) for name, values in numbers.items()}
    every = np.concatenate([*numbers.values()])
    across = np.arange(max(map(len, numbers.values()))) if x is None else np.asarray(x, float)
    plot = _Plot((across.min(), across.max()), (every.min(), every.max()), logarithmic)
    parts = [plot.frame()]
    for i, ((name, values), colour) in enumerate(
        zip(numbers.items(), (ONE, TWO, TEXT), strict=False)
    ):
        parts.append(plot.line(across[: len(values)], values, colour, dashed=i == 1))
        parts.append(_text(WIDTH - 8, 16 + 16 * i, name, colour, "end"))
    return _svg(parts)


def steps(values: Mapping[str, float], edges: Sequence[tuple[str, str, str]]) -> str:
    """Draw a small graph of computations: values by name, and edges with their derivatives."""
    depth: dict[str, int] = {}
    for name in values:
        depth[name] = 1 + max([depth[a] for a, b, _ in edges if b == name], default=-1)
    levels = [
        [name for name in values if depth[name] == level]
        for level in range(max(depth.values()) + 1)
    ]
    height = 60.0 * max(map(len, levels))
    places = {
        name: (
            54 + level * (WIDTH - 108) / max(len(levels) - 1, 1),
            (i + 0.5) * height / len(names),
        )
        for level, names in enumerate(levels)
        for i, name in enumerate(names)
    }
    parts, labels = [], []
    for a, b, text in edges:
        (x0, y0), (x1, y1) = places[a], places[b]
        parts.append(
            f'<line x1="{x0:.0f}" y1="{y0:.0f}" x2="{x1:.0f}" y2="{y1:.0f}" '
            f'style="stroke:var({MUTED});stroke-width:2"/>'
        )
        labels.append(_text(0.66 * x0 + 0.34 * x1, 0.66 * y0 + 0.34 * y1 - 5, text, TWO, "middle"))
    for name, (x, y) in places.items():
        shown = f"{name} = {values[name]:.4g}"
        half = 4 * len(shown) + 6
        parts.append(
            f'<rect x="{x - half:.0f}" y="{y - 13:.0f}" width="{2 * half}" height="26" rx="6" '
            f'style="fill:var(--pst-color-surface);stroke:var({ONE})"/>'
            + _text(x, y + 5, shown, TEXT, "middle")
        )
    return _svg(parts + labels, height=height)


class _Plot:
    """Places of numbers in a picture."""

    def __init__(
        self, across: tuple[float, float], up: tuple[float, float], logarithmic: bool = False
    ) -> None:
        room = 0.08 * (up[1] - up[0] or 1)
        self.across, self.range, self.logarithmic = across, up, logarithmic
        self.up = (up[0] - room, up[1] + room)

    def x(self, value: Any) -> Any:
        low, high = self.across
        return EDGE + (value - low) / (high - low) * (WIDTH - EDGE - 8)

    def y(self, value: Any) -> Any:
        low, high = self.up
        return HEIGHT - 48 - (value - low) / (high - low) * (HEIGHT - 56)

    def frame(self) -> str:
        left, right, bottom = self.x(self.across[0]), self.x(self.across[1]), self.y(self.up[0])
        corner = f"M{left:.1f} 4V{bottom:.1f}H{right:.1f}"
        axis = f'<path d="{corner}" style="fill:none;stroke:var({MUTED})"/>'
        across = [
            _text(left, HEIGHT - 30, f"{self.across[0]:g}", TEXT),
            _text(right, HEIGHT - 30, f"{self.across[1]:g}", TEXT, "end"),
        ]
        up = [
            _text(
                left - 6,
                self.y(value) + 5,
                f"{10**value if self.logarithmic else value + 0.0:.2g}",
                TEXT,
                "end",
            )
            for value in np.round(self.range, 9)
        ]
        return "".join([axis, *across, *up])

    def line(self, x: Any, y: Any, colour: str, dashed: bool = False) -> str:
        points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(self.x(x), self.y(y), strict=True))
        dash = ";stroke-dasharray:6 4" if dashed else ""
        style = f"fill:none;stroke:var({colour});stroke-width:2{dash}"
        return f'<polyline points="{points}" style="{style}"/>'

    def dot(self, x: float, y: float, colour: str) -> str:
        return (
            f'<circle cx="{self.x(x):.1f}" cy="{self.y(y):.1f}" r="4" style="fill:var({colour})"/>'
        )


def _bar(
    x: float, y: float, width: float, height: float, colour: str, opacity: float = 0.85
) -> str:
    size = f'x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"'
    return f'<rect {size} style="fill:var({colour});fill-opacity:{opacity:.2f}"/>'


def _text(x: float, y: float, text: str, colour: str, anchor: str = "start") -> str:
    style = f"fill:var({colour});font-size:13px;text-anchor:{anchor}"
    return f'<text x="{x:.1f}" y="{y:.1f}" style="{style}">{escape(text)}</text>'


def _svg(parts: Sequence[str], width: float = WIDTH, height: float = HEIGHT - 18) -> str:
    size = f'viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}"'
    return f'<svg class="picture" role="img" aria-label="ALT" {size}>{"".join(parts)}</svg>'
