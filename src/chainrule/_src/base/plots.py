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

__all__ = [
    "COLOURS", "agreement", "curves", "finish", "gradient_rows", "graph", "heat_map", "image",
    "new_axes", "panels", "prediction", "to_svg", "weight_images",
]  # fmt: skip

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
    """Return ``ax``, or the axes of a new pyplot figure.

    Parameters
    ----------
    ax : Axes or None
    size : (float, float), default (6, 4)
        Width and height of a new figure in inches.

    Returns
    -------
    Axes

    Raises
    ------
    MissingDependencyError
        If matplotlib is needed and not installed.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> ax = Figure().subplots()
    >>> new_axes(ax) is ax
    True
    """
    if ax is not None:
        return ax
    with needs(*PLOTS):
        import matplotlib.pyplot as plt

    return _only_axes(plt.figure(figsize=size))


def _only_axes(figure: Figure) -> Axes:
    # Margins in inches that fit all labels; matplotlib's layout engines would draw all text twice.
    width, height = figure.get_size_inches()
    x, y = 0.85, 0.6
    return figure.add_axes((x / width, y / height, 1 - (x + 0.2) / width, 1 - (y + 0.4) / height))


def panels(
    ax: Axes, rows: int, columns: int, *, gaps: tuple[float, float], widths: Any = None
) -> list[Axes]:
    """Split axes into a grid of axes, row by row.

    Parameters
    ----------
    ax : Axes
        The axes, whose own box is hidden.
    rows, columns : int
    gaps : (float, float)
        Gaps between the rows and between the columns, as fractions of the height and the width.
    widths : sequence of float, optional
        Relative widths of the columns; by default equal.

    Returns
    -------
    list of Axes

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> len(panels(Figure().subplots(), 2, 3, gaps=(0.1, 0.1)))
    6
    """
    ax.set_axis_off()
    shares = np.ones(columns) if widths is None else np.asarray(widths, dtype=float)
    across = shares / shares.sum() * (1 - gaps[1] * (columns - 1))
    starts = np.cumsum(across) - across + gaps[1] * np.arange(columns)
    height = (1 - gaps[0] * (rows - 1)) / rows
    bottoms = [1 - height - row * (height + gaps[0]) for row in range(rows)]
    return [
        ax.inset_axes((start, bottom, width, height))
        for bottom in bottoms
        for start, width in zip(starts, across, strict=True)
    ]


def image(pixels: Array, title: str = "", ax: Axes | None = None, **style: Any) -> Axes:
    """Show an image, black ink on white by default.

    Parameters
    ----------
    pixels : ndarray, shape (h, w) or (h, w, c)
    title : str, optional
    ax : Axes, optional
        By default the axes of a new figure.
    **style
        Arguments of ``Axes.imshow``, such as ``cmap``.

    Returns
    -------
    Axes

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> ax = image(np.eye(8), "a line", Figure().subplots())
    >>> ax.images[0].get_array().shape, ax.get_title()
    ((8, 8), 'a line')
    """
    ax = new_axes(ax, (3, 3))
    ax.imshow(pixels, **{"cmap": "gray_r", "interpolation": "nearest", **style})
    ax.set_xticks([])
    ax.set_yticks([])
    ax.set_title(title)
    return ax


def weight_images(W: Array, titles: Sequence[str], ax: Axes | None = None) -> Axes:
    """Show each column of a matrix as an 8 × 8 image: blue < 0 < red.

    Parameters
    ----------
    W : ndarray, shape (64, h)
        Weights from the pixels of a digit to ``h`` units.
    titles : sequence of str
        A title for each image.
    ax : Axes, optional
        By default the axes of a new figure.

    Returns
    -------
    Axes

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> ax = weight_images(np.eye(64)[:, :2], ["unit 0", "unit 1"], Figure().subplots())
    >>> [panel.get_title() for panel in ax.child_axes[0].child_axes]
    ['unit 0', 'unit 1']
    """
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
    """Draw named lines, with a legend if there are several.

    Parameters
    ----------
    lines : mapping of str to (array_like, array_like)
        The x and the y of each line by its name.
    title, xlabel, ylabel : str, optional
    ax : Axes, optional
        By default the axes of a new figure.
    marker : str, optional
        Matplotlib's marker of the points.
    **scales
        Arguments of ``Axes.set``: ``xscale``, ``ylim`` and so on.

    Returns
    -------
    Axes

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> lines = {"training": ([1, 2], [0.9, 0.5]), "validation": ([1, 2], [0.9, 0.7])}
    >>> ax = curves(lines, xlabel="epoch", ax=Figure().subplots())
    >>> [line.get_label() for line in ax.lines]
    ['training', 'validation']
    """
    ax = new_axes(ax)
    for (label, (x, y)), colour in zip(lines.items(), cycle(COLOURS), strict=False):
        ax.plot(x, y, label=label, color=colour, marker=marker, markersize=4, linewidth=1.8)
    finish(ax, title=title, xlabel=xlabel, ylabel=ylabel, **scales)
    if len(lines) > 1:
        ax.legend(frameon=False)
    return ax


def prediction(pixels: Array, label: int, probabilities: Array, ax: Axes | None = None) -> Axes:
    """Show an image beside the true class and the predicted probabilities.

    Parameters
    ----------
    pixels : ndarray, shape (h, w)
    label : int
        The true class.
    probabilities : ndarray, shape (k,)
    ax : Axes, optional
        By default the axes of a new figure.

    Returns
    -------
    Axes

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> ax = prediction(np.eye(8), 1, np.array([0.3, 0.7]), Figure().subplots())
    >>> [panel.get_title() for panel in ax.child_axes]
    ['true label: 1', 'predicted: 1']
    """
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
    """Draw a table of numbers as colours, with each number in its cell.

    Parameters
    ----------
    values : ndarray, shape (n, m)
    rows, columns : sequence
        Names of the rows and of the columns.
    title, xlabel, ylabel : str, optional
    write : callable, optional
        Function of a number that returns the text in its cell; by default two decimals.
    cmap : str, default "viridis"
        Matplotlib's name of the colours.
    around_zero : bool, default False
        If true, the middle colour is that of 0.
    mark : (int, int), optional
        Row and column of a cell that is framed.
    ax : Axes, optional
        By default the axes of a new figure.

    Returns
    -------
    Axes

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> values = np.array([[0.125, 2.0]])
    >>> ax = heat_map(values, ["a"], ["b", "c"], write="{:.3g}".format, ax=Figure().subplots())
    >>> [text.get_text() for text in ax.texts]
    ['0.125', '2']
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

    Returns
    -------
    Figure

    Raises
    ------
    MissingDependencyError
        If matplotlib is not installed.

    Examples
    --------
    >>> figure = gradient_rows({"W": (np.ones((2, 2)), np.eye(2))})
    >>> [ax.get_title() for ax in figure.axes]
    ['W by hand', 'right', 'difference']
    >>> import matplotlib.pyplot as plt
    >>> plt.close(figure)
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
    """Plot the entries of one gradient against another's: equal entries lie on the diagonal.

    Parameters
    ----------
    pairs : mapping of str to (ndarray, ndarray)
        Two gradients of the same shape by the name of the parameter.
    xlabel, ylabel : str
    ax : Axes, optional
        By default the axes of a new figure.

    Returns
    -------
    Axes

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> pairs = {"W": (np.array([1.0, 2.0]), np.array([1.0, 2.5]))}
    >>> ax = agreement(pairs, "by hand", "right", Figure().subplots())
    >>> ax.lines[1].get_ydata()
    array([1. , 2.5])
    """
    ax = new_axes(ax, (5, 4.5))
    largest = max(float(np.nanmax(np.abs(x))) for x, _ in pairs.values())
    ax.plot([-largest, largest], [-largest, largest], color=GREY, linewidth=1)
    for (name, (x, y)), colour in zip(pairs.items(), cycle(COLOURS), strict=False):
        ax.plot(np.ravel(x), np.ravel(y), ".", label=name, color=colour, markersize=5)
    finish(ax, xlabel=xlabel, ylabel=ylabel)
    ax.legend(frameon=False, title="one dot an entry of")
    return ax


def graph(labels: Sequence[str], edges: Sequence[tuple[int, int]], ax: Axes | None = None) -> Axes:
    """Draw an acyclic graph from left to right.

    Parameters
    ----------
    labels : sequence of str
        The texts of the nodes.
    edges : sequence of (int, int)
        Arrows, as pairs of positions in ``labels``.
    ax : Axes, optional
        By default the axes of a new figure.

    Returns
    -------
    Axes

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> ax = graph(["X", "W", "X @ W"], [(0, 2), (1, 2)], Figure().subplots())
    >>> [text.get_text() for text in ax.texts if text.get_text()]
    ['X', 'W', 'X @ W']
    """
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
    """Set titles and scales; add a light grid, remove the box, write powers of ten as numbers.

    Parameters
    ----------
    ax : Axes
    **labels
        Arguments of ``Axes.set``: ``title``, ``xlabel``, ``yscale`` and so on; ``""`` is ignored.

    Returns
    -------
    Axes

    Raises
    ------
    MissingDependencyError
        If matplotlib is not installed.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> ax = finish(Figure().subplots(), xlabel="epoch", yscale="log")
    >>> ax.get_xlabel(), ax.get_yscale()
    ('epoch', 'log')
    """
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

    Returns
    -------
    Html
        Text that a notebook or template shows as a picture.

    Raises
    ------
    MissingDependencyError
        If matplotlib is not installed.

    Examples
    --------
    >>> svg = to_svg(lambda ax: ax.plot([1, 2], [1, 4]), (2, 1), "squares")
    >>> svg[:4], 'id="squares-' in svg
    ('<svg', True)
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
