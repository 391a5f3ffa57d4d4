"""Plots of a sweep. Each function draws on the given axes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from chainrule._src.base import plots
from chainrule._src.base.arrays import Array
from chainrule._src.base.errors import DataError
from chainrule._src.sweeps.dimensions import Choice, Dimension, LogUniform

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LINES = 400  # in parallel coordinates: the best ones, and an even selection of the others
BINS = 8  # of numbers in a heat map
TICKS = 5


class Points(NamedTuple):
    """The members of a sweep as points.

    Attributes
    ----------
    dimensions : dict of str to Dimension
        The settings that vary.
    shares : ndarray, shape (members, dimensions)
        Each member's settings, scaled to [0, 1].
    scores : ndarray
        Scores; NaN for a member without a score.
    monitor : str
    higher : bool
        True if a higher score is better.
    importance : dict of str to float
        Importance of the settings, as far as it is known.
    second : tuple, optional
        The name of the second of several monitored scores, these scores, and a mask of the members
        in the Pareto front of all monitored scores.
    """

    dimensions: Mapping[str, Dimension]
    shares: Array
    scores: Array
    monitor: str
    higher: bool
    importance: Mapping[str, float]
    second: tuple[str, Array, Array] | None = None


def best(points: Points, ax: Axes) -> Axes:
    """Draw the members' scores in the order of their numbers, and the best score so far."""
    scored = np.flatnonzero(np.isfinite(points.scores))
    scores = points.scores[scored]
    so_far = (np.maximum if points.higher else np.minimum).accumulate(scores)
    ax.plot(scored + 1, scores, ".", color=plots.GREY, alpha=0.4, markersize=4)
    ax.plot(scored + 1, so_far, color=plots.BLUE, linewidth=2, drawstyle="steps-post")
    _bounded(ax, points)
    return plots.finish(ax, xlabel="model", ylabel=points.monitor)


def settings(points: Points, ax: Axes) -> Axes:
    """Draw the score against each setting."""
    grid = plots.panels(ax, 1, len(points.dimensions), gaps=(0, 0.06))
    for at, (panel, (name, dimension)) in enumerate(
        zip(grid, points.dimensions.items(), strict=True)
    ):
        across = points.shares[:, at]
        if isinstance(dimension, Choice):  # jitter, so that points do not overlap
            step = 1 / max(len(dimension.values) - 1, 1)
            across = across + np.random.default_rng(0).uniform(-0.15, 0.15, len(across)) * step
        panel.plot(across, points.scores, ".", color=plots.BLUE, alpha=0.35, markersize=4)
        places, texts = zip(*_labels(dimension), strict=True)
        panel.set_xticks(places, texts)
        panel.tick_params(axis="x", labelrotation=30, labelsize=8)
        _bounded(panel, points)
        plots.finish(panel, xlabel=name, ylabel="" if at else points.monitor)
        if at:
            panel.tick_params(labelleft=False)
    return ax


def parallel(points: Points, ax: Axes) -> Axes:
    """Draw parallel coordinates: each member is a line, darker for better scores."""
    order = np.argsort(-points.scores if points.higher else points.scores, kind="stable")
    order = order[np.isfinite(points.scores[order])]
    first = max(1, len(order) // 20)
    if len(order) > LINES:
        others = order[LINES // 2 :]
        order = np.append(order[: LINES // 2], others[:: max(1, 2 * len(others) // LINES)])
    names = list(points.dimensions)
    for rank, member in reversed(list(enumerate(order))):
        good = 1 - rank / max(len(order) - 1, 1)
        ahead = rank < first
        ax.plot(
            range(len(names)), points.shares[member],
            color=plots.ORANGE if ahead else plots.BLUE,
            alpha=0.8 if ahead else 0.05 + 0.25 * good**2, linewidth=1.6 if ahead else 1,
        )  # fmt: skip
    for at, dimension in enumerate(points.dimensions.values()):
        ax.axvline(at, color=plots.GREY, linewidth=0.8)
        for share, text in _labels(dimension):
            ax.text(at, share, f" {text}", fontsize=8, va="center")
    ax.set_xticks(range(len(names)), names)
    ax.set_yticks([])
    ax.set(xlim=(-0.1, len(names) - 0.6), title=f"orange: the best twentieth, by {points.monitor}")
    ax.spines[:].set_visible(False)
    return ax


def heat(points: Points, ax: Axes) -> Axes:
    """Draw the best score for each pair of values of the two most important settings."""
    names = [*points.importance, *(n for n in points.dimensions if n not in points.importance)][:2]
    if len(names) < 2:
        raise DataError("sweep: a map needs two settings that vary")
    (down, rows), (across, columns) = (_binned(points, name) for name in names)
    values = np.full((len(rows), len(columns)), np.nan)
    (np.fmax if points.higher else np.fmin).at(values, (down, across), points.scores)
    top = np.nanmax(values) if points.higher else np.nanmin(values)
    row, column = (int(i) for i in np.argwhere(values == top)[0])
    return plots.heat_map(
        values, rows, columns, title=f"best {points.monitor}", xlabel=names[1], ylabel=names[0],
        write=lambda value: "" if np.isnan(value) else f"{value:.3g}", ax=ax, mark=(row, column),
        cmap="viridis" if points.higher else "viridis_r",
    )  # fmt: skip


def importance(points: Points, ax: Axes) -> Axes:
    """Draw the importance of each setting."""
    names = list(points.importance)[::-1]
    ax.barh(names, [points.importance[name] for name in names], color=plots.BLUE, height=0.6)
    return plots.finish(ax, xlabel="share of what the score hangs on")


def front(points: Points, ax: Axes) -> Axes:
    """Draw the first two monitored scores against each other, and the Pareto front of all."""
    assert points.second is not None
    name, across, is_in_front = points.second
    for members, color in (~is_in_front, plots.GREY), (is_in_front, plots.ORANGE):
        ax.plot(across[members], points.scores[members], ".", color=color, markersize=6)
    return plots.finish(ax, xlabel=name, ylabel=points.monitor)


KINDS: Mapping[str, Callable[[Points, Axes], Axes]] = {
    "settings": settings, "best": best, "parallel": parallel, "map": heat,
    "importance": importance, "front": front,
}  # fmt: skip


def size(kind: str, points: Points) -> tuple[float, float]:
    """Return width and height of a picture in inches."""
    count = len(points.dimensions)
    sizes = {
        "settings": (max(2.3 * count, 4), 3.2), "parallel": (max(1.9 * count, 5), 4),
        "importance": (5, 0.9 + 0.35 * count), "map": (6.5, 4),
    }  # fmt: skip
    return sizes.get(kind, (6, 3.2))


def _bounded(ax: Axes, points: Points) -> None:
    """Limit the y-axis to exclude outliers with bad scores."""
    scores, higher = points.scores[np.isfinite(points.scores)], points.higher
    if not len(scores):
        return
    low, high = np.quantile(scores, [0.0, 1.0])
    spread = np.quantile(scores, 0.9) - np.quantile(scores, 0.1)
    if higher:
        low = max(low, np.quantile(scores, 0.1) - spread)
    else:
        high = min(high, np.quantile(scores, 0.9) + spread)
    margin = 0.05 * (high - low) or 0.01
    ax.set_ylim(low - margin, high + margin)


def _labels(dimension: Dimension) -> list[tuple[float, str]]:
    """Return positions along an axis in [0, 1], and their labels."""
    if isinstance(dimension, Choice):
        count = len(dimension.values)
        indices = range(0, count, -(-count // (2 * TICKS)))
        return [(i / max(count - 1, 1), str(dimension.values[i])) for i in indices]
    ends = dimension.places(np.linspace(0, 1 - 1e-9, TICKS))
    if isinstance(dimension, LogUniform):
        decades = 10.0 ** np.arange(np.ceil(np.log10(ends[0])), np.log10(ends[-1]) + 1e-9)
        ends = decades if len(decades) > 1 else ends
    return [(float(dimension.share(np.asarray(end))), f"{end:.3g}") for end in ends]


def _binned(points: Points, name: str) -> tuple[Array, list[str]]:
    """Return each member's bin, and the labels of the bins."""
    dimension = points.dimensions[name]
    shares = points.shares[:, list(points.dimensions).index(name)]
    if isinstance(dimension, Choice):
        names = [str(value) for value in dimension.values]
        return np.rint(shares * max(len(names) - 1, 1)).astype(int), names
    middles = dimension.places((np.arange(BINS) + 0.5) / BINS)
    return np.minimum((shares * BINS).astype(int), BINS - 1), [f"{each:.2g}" for each in middles]
