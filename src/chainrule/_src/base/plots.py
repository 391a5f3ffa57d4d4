"""Figures. Every function draws on the given or on new axes, and returns the axes."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping, Sequence
from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from chainrule._src.base.arrays import Array
from chainrule._src.base.escaping import Html
from chainrule._src.base.extras import needs

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Draw = Callable[["Axes"], Any]

# Mid-tones: legible on white and on dark pages, and distinguishable by colour-blind readers.
BLUE, ORANGE, GREEN, PINK, GOLD, GREY = (
    "#3b82c4", "#e0762f", "#2f9e78", "#c4609f", "#b58f10", "#8a8f98",
)  # fmt: skip
COLOURS = (BLUE, ORANGE, GREEN, PINK, GOLD, GREY)
PLOTS = "drawing", "tables", "matplotlib"  # what it needs
_INK = "#010203"  # stands for the page's own text colour, see `to_svg`


def new_axes(ax: Axes | None, size: tuple[float, float] = (6, 4)) -> Axes:
    """Return ``ax``, or the axes of a new pyplot figure of ``size`` inches."""
    if ax is not None:
        return ax
    with needs(*PLOTS):
        import matplotlib.pyplot as plt

    return _only_axes(plt.figure(figsize=size))


def _only_axes(figure: Figure) -> Axes:
    # Margins in inches that fit all labels; matplotlib's layout engines would draw all text twice.
    width, height = figure.get_size_inches()
    left, right, bottom, top = 0.85, 0.2, 0.6, 0.4
    return figure.add_axes(
        (left / width, bottom / height, 1 - (left + right) / width, 1 - (bottom + top) / height)
    )


def panels(
    ax: Axes, rows: int, columns: int, *, gaps: tuple[float, float], widths: Any = None
) -> list[Axes]:
    """Split ``ax`` into a grid of axes, row by row.

    ``gaps`` are the gaps between the axes, as fractions of the height and the width of ``ax``;
    ``widths`` are the relative widths of the columns.
    """
    ax.set_axis_off()
    shares = np.ones(columns) if widths is None else np.asarray(widths, dtype=float)
    across = shares / shares.sum() * (1 - gaps[1] * (columns - 1))
    lefts = np.cumsum(across) - across + gaps[1] * np.arange(columns)
    height = (1 - gaps[0] * (rows - 1)) / rows
    bottoms = [1 - height - row * (height + gaps[0]) for row in range(rows)]
    return [
        ax.inset_axes((left, bottom, width, height))
        for bottom in bottoms
        for left, width in zip(lefts, across, strict=True)
    ]


def image(pixels: Array, title: str = "", ax: Axes | None = None, **style: Any) -> Axes:
    """Show an image, black ink on white unless ``style`` says otherwise."""
    ax = new_axes(ax, (3, 3))
    ax.imshow(pixels, **{"cmap": "gray_r", "interpolation": "nearest", **style})
    ax.set_xticks([])
    ax.set_yticks([])
    ax.set_title(title)
    return ax


def weight_images(W: Array, titles: Sequence[str], ax: Axes | None = None) -> Axes:
    """Show each column of ``W``, shape (64, h), as an 8 × 8 image: blue < 0 < red."""
    ax = new_axes(ax, (9, 4))
    columns = min(5, W.shape[1])
    rows = -(-W.shape[1] // columns)
    largest = float(np.abs(W).max()) or 1.0
    ax.set_axis_off()
    grid = panels(ax.inset_axes((0, 0, 0.9, 1)), rows, columns, gaps=(0.16, 0.02))
    for weights, title, panel in zip(W.T, titles, grid, strict=False):
        image(weights.reshape(8, 8), title, panel, cmap="RdBu_r", vmin=-largest, vmax=largest)
    for panel in grid[W.shape[1] :]:
        panel.set_axis_off()
    figure = ax.get_figure(root=True)
    assert figure is not None
    figure.colorbar(grid[0].images[0], cax=ax.inset_axes((0.93, 0.1, 0.02, 0.8)), label="weight")
    return ax


def curves(
    lines: Mapping[str, tuple[ArrayLike, ArrayLike]],
    *,
    title: str = "",
    xlabel: str = "",
    ylabel: str = "",
    ax: Axes | None = None,
    marker: str = "",
    **scales: Any,
) -> Axes:
    """Draw named lines; ``scales`` are passed to ``Axes.set`` (``xscale``, ``ylim``, …)."""
    ax = new_axes(ax)
    for (label, (x, y)), colour in zip(lines.items(), cycle(COLOURS), strict=False):
        ax.plot(x, y, label=label, color=colour, marker=marker, markersize=4, linewidth=1.8)
    finish(ax, title=title, xlabel=xlabel, ylabel=ylabel, **scales)
    if len(lines) > 1:
        ax.legend(frameon=False)
    return ax


def prediction(pixels: Array, label: int, probabilities: Array, ax: Axes | None = None) -> Axes:
    """Show an image beside the true class and the predicted probabilities."""
    ax = new_axes(ax, (8, 3.2))
    left, right = panels(ax, 1, 2, gaps=(0, 0.12), widths=[1, 1.9])
    image(pixels, f"true label: {label}", left)
    classes = np.arange(len(probabilities))
    right.bar(classes - 0.2, classes == label, 0.4, label="true", color=BLUE)
    right.bar(classes + 0.2, probabilities, 0.4, label="predicted", color=ORANGE)
    right.set_xticks(classes)
    finish(
        right,
        title=f"predicted: {int(np.argmax(probabilities))}",
        xlabel="digit class",
        ylabel="probability",
        ylim=(0, 1.05),
    )
    right.legend(frameon=False)
    return ax


def heat_map(
    values: Array,
    rows: Sequence[Any],
    columns: Sequence[Any],
    *,
    title: str = "",
    xlabel: str = "",
    ylabel: str = "",
    write: Callable[[Any], str] = "{:.2f}".format,
    cmap: str = "viridis",
    around_zero: bool = False,
    mark: tuple[int, int] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw a table of numbers as colours, each written into its cell by ``write``.

    The cell ``mark``, a row and a column, is framed.
    """
    ax = new_axes(ax, (6.5, 4.5))
    picture = ax.imshow(values, cmap=cmap, aspect="auto")
    if around_zero:
        picture.set_clim(-np.abs(values).max(), np.abs(values).max())
    for (i, j), value in np.ndenumerate(values):
        red, green, blue, _ = picture.cmap(picture.norm(value))
        bright = 0.299 * red + 0.587 * green + 0.114 * blue > 0.5
        colour = "black" if bright else "white"
        ax.text(j, i, write(value), ha="center", va="center", color=colour, fontsize=8)
    if mark is not None:
        with needs(*PLOTS):
            from matplotlib.patches import Rectangle

        corner = (mark[1] - 0.5, mark[0] - 0.5)
        ax.add_patch(Rectangle(corner, 1, 1, fill=False, edgecolor=ORANGE, linewidth=3))
    ax.set_xticks(range(len(columns)), [str(column) for column in columns])
    ax.set_yticks(range(len(rows)), [str(row) for row in rows])
    ax.set(title=title, xlabel=xlabel, ylabel=ylabel)
    return ax


def gradient_rows(rows: Mapping[str, tuple[Any, Any]]) -> Figure:
    """Draw gradients computed by hand, the correct gradients and the differences.

    The figure has one row for each name.

    Parameters
    ----------
    rows : mapping of str to (ndarray or None, ndarray)
        The gradient by hand and the correct one. No difference is drawn if the first is missing or
        has another shape.
    """
    with needs(*PLOTS):
        import matplotlib.pyplot as plt

    figure, grid = plt.subplots(len(rows), 3, figsize=(9, 2.4 * len(rows)), squeeze=False)
    for axes, (name, (by_hand, right)) in zip(grid, rows.items(), strict=True):
        right = np.asarray(right, float)
        same = by_hand is not None and np.shape(by_hand) == right.shape
        manual = None if by_hand is None else np.asarray(by_hand, float)
        top = np.nanmax(np.abs(right)) or 1.0
        images = (manual, right, manual - right if same and manual is not None else None)
        titles = (f"{name} by hand", "right", "difference")
        for ax, values, title in zip(axes, images, titles, strict=True):
            ax.set_title(title, fontsize="medium")
            ax.set_xticks([])
            ax.set_yticks([])
            if values is None:
                ax.text(0.5, 0.5, "missing" if manual is None else "another shape",
                        ha="center", va="center", transform=ax.transAxes)  # fmt: skip
                continue
            flat = np.atleast_2d(values.reshape(-1, values.shape[-1]) if values.ndim else values)
            ax.imshow(flat, cmap="RdBu_r", vmin=-top, vmax=top, aspect="auto")
    figure.tight_layout()
    return figure


def agreement(
    pairs: Mapping[str, tuple[Array, Any]], xlabel: str, ylabel: str, ax: Axes | None = None
) -> Axes:
    """Plot the entries of one gradient against another's: equal entries lie on the diagonal."""
    ax = new_axes(ax, (5, 4.5))
    largest = max(float(np.nanmax(np.abs(x))) for x, _ in pairs.values())
    ax.plot([-largest, largest], [-largest, largest], color=GREY, linewidth=1)
    for (name, (x, y)), colour in zip(pairs.items(), cycle(COLOURS), strict=False):
        ax.plot(np.ravel(x), np.ravel(y), ".", label=name, color=colour, markersize=5)
    finish(ax, xlabel=xlabel, ylabel=ylabel)
    ax.legend(frameon=False, title="one dot an entry of")
    return ax


def graph(labels: Sequence[str], edges: Sequence[tuple[int, int]], ax: Axes | None = None) -> Axes:
    """Draw an acyclic graph from left to right; ``edges`` are pairs of positions in ``labels``."""
    ax = new_axes(ax, (9, 4.2))
    ax.set_axis_off()
    after: dict[int, list[int]] = {i: [b for a, b in edges if a == i] for i in range(len(labels))}
    depth = dict.fromkeys(range(len(labels)), 0)
    for a, b in sorted(edges, key=lambda edge: edge[1]):
        depth[b] = max(depth[b], depth[a] + 1)
    for i in sorted(after, reverse=True):  # inputs are drawn right before their first use
        if not any(b == i for _, b in edges) and after[i]:
            depth[i] = min(depth[b] for b in after[i]) - 1
    columns: dict[int, list[int]] = {}
    for i, column in depth.items():
        columns.setdefault(column, []).append(i)
    positions = {
        i: (column, (row + 0.5 * (column % 2)) - len(nodes) / 2)
        for column, nodes in columns.items()
        for row, i in enumerate(nodes)
    }
    boxes = []
    for i, label in enumerate(labels):
        colour = BLUE if any(b == i for _, b in edges) else ORANGE
        box = {"boxstyle": "round,pad=0.4", "edgecolor": colour, "facecolor": "none"}
        text = ax.text(*positions[i], label, ha="center", va="center", fontsize=8, bbox=box)
        boxes.append(text.get_bbox_patch())
    for a, b in edges:  # drawn after the boxes, because arrows end at their borders
        ends = {"patchA": boxes[a], "patchB": boxes[b], "shrinkA": 2, "shrinkB": 2}
        arrow = {"arrowstyle": "->", "color": GREY, **ends}
        ax.annotate("", positions[b], positions[a], arrowprops=arrow)
    ys = [y for _, y in positions.values()]
    ax.set_xlim(-0.6, max(columns) + 0.6)
    ax.set_ylim(min(ys) - 0.8, max(ys) + 0.6)
    return ax


def finish(ax: Axes, **labels: Any) -> Axes:
    """Set titles and scales; add a light grid, remove the box, write powers of ten as numbers."""
    with needs(*PLOTS):
        from matplotlib.ticker import MaxNLocator

    ax.set(**{name: value for name, value in labels.items() if value != ""})
    for axis in (ax.xaxis, ax.yaxis):
        if axis.get_scale() == "log":
            axis.set_major_formatter("{x:g}")
            axis.set_minor_formatter("")
    if ax.get_xlabel() in ("epoch", "update"):
        ax.xaxis.set_major_locator(MaxNLocator(6, integer=True, steps=[1, 2, 2.5, 5, 10]))
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(alpha=0.25)
    ax.set_axisbelow(True)
    return ax


def to_svg(draw: Draw, size: tuple[float, float], prefix: str) -> Html:
    """Return an inline ``<svg>`` of a figure whose text has the text colour of its page.

    Parameters
    ----------
    draw : callable
        Draws on the axes that it is called with.
    size : (width, height)
        Inches, at 96 CSS pixels each.
    prefix : str
        Prefix of every id, so that several pictures can be on one page.
    """
    with needs(*PLOTS):
        import matplotlib
        from matplotlib.figure import Figure

    coloured = ("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color")
    style: dict[Any, Any] = {**dict.fromkeys(coloured, _INK), "svg.hashsalt": "chainrule"}
    with matplotlib.rc_context(style):
        figure = Figure(figsize=size)
        draw(_only_axes(figure))
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :].replace(_INK, "currentColor")
    return Html(re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{prefix}-", svg))
