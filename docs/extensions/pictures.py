"""Small pictures as SVG inside a page, in the page's own colours."""

from collections.abc import Callable
from typing import Any

import numpy as np

import chainrule as cr

WIDTH, HEIGHT, LEGEND = 340, 220, 44


def curves(f: Callable[[Any], Any], x: Any, call: str) -> str:
    """Return a picture of a function of one number, and of its slope."""
    low, high = min(x.min() - 1, -x.max()), x.max() + 1
    grid = np.linspace(low, high, 161)
    with np.errstate(all="ignore"):
        values = f(grid)
        slopes = np.where(np.isfinite(values), cr.grad(lambda x: np.sum(f(x)))(grid), np.nan)
    lines = [values, slopes]
    inside = [line[np.isfinite(line)] for line in lines]
    lowest, highest = min(map(np.min, inside)), max(map(np.max, inside))
    bottom, top = np.clip(lowest, -4, 4) - 0.2, np.clip(highest, -4, 4) + 0.2
    drawn = [
        _path(grid, line, (low, high), (bottom, top), colour)
        for line, colour in zip(lines, ("--live-one", "--live-two"), strict=True)
    ]
    axes = _path(
        np.array([low, high]), np.zeros(2), (low, high), (bottom, top), "--pst-color-border"
    )
    axes += _path(
        np.zeros(2), np.array([bottom, top]), (low, high), (bottom, top), "--pst-color-border"
    )
    legend = _text(12, 18, call, "--live-one") + _text(12, 36, "its slope, dashed", "--live-two")
    size = f'width="{WIDTH}" height="{HEIGHT}"'  # what leaves it is not seen
    plot = f'<svg y="{LEGEND}" {size}>{axes}{"".join(drawn)}</svg>'
    title = f"{call} and its slope for x from {low:g} to {high:g}"
    return _svg(WIDTH, HEIGHT + LEGEND, title, legend + plot)


def influence(f: Callable[..., Any], arrays: dict[str, Any], call: str) -> str:
    """Return a picture of the Jacobians: slopes of the result's entries by those of an operand."""
    blocks, left = [], 0
    for i, name in enumerate(arrays):
        jacobian = np.asarray(cr.jacobian(f, argnums=i)(*arrays.values()))
        table = jacobian.reshape(-1, arrays[name].size)
        side = min(24, 300 / max(table.shape))
        scale = np.abs(table).max() or 1
        blocks.append(_frame(left, 26, side * table.shape[1], side * table.shape[0]))
        for row, column in np.argwhere(table):
            slope = table[row, column]
            colour = "--live-one" if slope >= 0 else "--live-two"
            blocks.append(
                f'<rect x="{left + column * side:.1f}" y="{26 + row * side:.1f}" '
                f'width="{side - 1:.1f}" height="{side - 1:.1f}" '
                f'style="fill:var({colour});fill-opacity:{max(0.1, abs(slope) / scale):.2f}"/>'
            )
        blocks.append(_text(left, 16, f"by {name}", "--pst-color-text-base"))
        left += table.shape[1] * side + 30
        height = 26 + table.shape[0] * side
    return _svg(
        left,
        height + 4,
        f"The Jacobian of {call}: rows are entries of the result, columns of the operands",
        "".join(blocks),
    )


def _frame(x: float, y: float, width: float, height: float) -> str:
    size = f'x="{x:.0f}" y="{y:.0f}" width="{width:.0f}" height="{height:.0f}"'
    return f'<rect {size} style="fill:none;stroke:var(--pst-color-border)"/>'


def _path(x: Any, y: Any, across: tuple[float, float], up: tuple[float, float], colour: str) -> str:
    px = (x - across[0]) / (across[1] - across[0]) * WIDTH
    py = HEIGHT - (y - up[0]) / (up[1] - up[0]) * HEIGHT
    points, pen = [], "M"
    for a, b in zip(px, py, strict=True):
        if not np.isfinite(b) or not -50 <= b <= HEIGHT + 50:
            pen = "M"
            continue
        points.append(f"{pen}{a:.1f} {b:.1f}")
        pen = "L"
    dashes = ";stroke-dasharray:6 4" * (colour == "--live-two")
    style = f"fill:none;stroke:var({colour});stroke-width:2{dashes}"
    return f'<path d="{"".join(points)}" style="{style}"/>'


def _text(x: float, y: float, text: str, colour: str) -> str:
    escaped = text.replace("&", "&amp;").replace("<", "&lt;")
    return (
        f'<text x="{x:.0f}" y="{y:.0f}" style="fill:var({colour});font-size:13px">{escaped}</text>'
    )


def _svg(width: float, height: float, title: str, content: str) -> str:
    label = title.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    return (
        f'```{{raw}} html\n<svg class="picture" role="img" aria-label="{label}" '
        f'viewBox="0 0 {width:.0f} {height:.0f}" '
        f'width="{width:.0f}">{content}</svg>\n<p class="picture-caption">{label}.</p>\n```'
    )
