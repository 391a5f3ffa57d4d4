"""What a sweep says, as pictures: each function draws on the axes it is given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule import plots
from chainrule.sweeps.dimensions import Choices, Dimension, Log
from chainrule.validation import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LINES = 400  # in parallel coordinates: the best, and others drawn evenly
BINS = 8  # of numbers in a heat map
TICKS = 5

Dimensions = Mapping[str, Dimension]
Shares = Mapping[str, Array]  # of each setting how far up the members are, in [0, 1]


def best_so_far(scores: Array, higher: bool, monitor: str, ax: Axes) -> Axes:
    """Draw the scores of members in their order, and the best until each."""
    told = np.flatnonzero(np.isfinite(scores))
    if not len(told):
        return plots.finish(ax, xlabel="model", ylabel=monitor)
    best = (np.maximum if higher else np.minimum).accumulate(scores[told])
    ax.plot(told + 1, scores[told], ".", color=plots.GREY, alpha=0.4, markersize=4)
    ax.plot(told + 1, best, color=plots.BLUE, linewidth=2, drawstyle="steps-post")
    _bounded(ax, scores[told], higher)
    return plots.finish(ax, xlabel="model", ylabel=monitor)


def slices(
    shares: Shares, scores: Array, dimensions: Dimensions, higher: bool, monitor: str, ax: Axes
) -> Axes:
    """Draw the score over each setting."""
    told = np.isfinite(scores)
    for first, (own, (name, dimension)) in enumerate(
        zip(plots.panels(ax, 1, len(dimensions), gaps=(0, 0.06)), dimensions.items(), strict=True)
    ):
        at = shares[name][told]
        if isinstance(dimension, Choices):  # apart, so that they can be told
            step = 1 / max(len(dimension.values) - 1, 1)
            at = at + np.random.default_rng(0).uniform(-0.15, 0.15, len(at)) * step
        own.plot(at, scores[told], ".", color=plots.BLUE, alpha=0.35, markersize=4)
        _ticks(own.xaxis, dimension)
        own.tick_params(axis="x", labelrotation=30, labelsize=8)
        _bounded(own, scores[told], higher)
        plots.finish(own, xlabel=name, ylabel="" if first else monitor)
        if first:
            own.set_yticklabels([])
    return ax


def coordinates(
    shares: Shares, scores: Array, dimensions: Dimensions, higher: bool, monitor: str, ax: Axes
) -> Axes:
    """Draw each member as a line through its settings, the better the darker."""
    order = np.argsort(-scores if higher else scores)
    order = order[np.isfinite(scores[order])]
    if len(order) > LINES:
        rest = order[LINES // 2 :]
        order = np.append(order[: LINES // 2], rest[:: max(1, 2 * len(rest) // LINES)])
    names = list(dimensions)
    for rank, member in reversed(list(enumerate(order))):
        good = 1 - rank / max(len(order) - 1, 1)
        line = [shares[name][member] for name in names]
        first = rank < max(1, len(order) // 20)
        ax.plot(
            range(len(names)), line, color=plots.ORANGE if first else plots.BLUE,
            alpha=0.8 if first else 0.05 + 0.25 * good**2, linewidth=1.6 if first else 1,
        )  # fmt: skip
    for at, name in enumerate(names):
        ax.axvline(at, color=plots.GREY, linewidth=0.8)
        for share, text in _labels(dimensions[name]):
            ax.text(at, share, f" {text}", fontsize=8, va="center")
    ax.set_xticks(range(len(names)), names)
    ax.set_yticks([])
    ax.set(xlim=(-0.1, len(names) - 0.6), title=f"orange: the best twentieth, by {monitor}")
    ax.spines[:].set_visible(False)
    return ax


def map_of(
    names: Sequence[str], shares: Shares, scores: Array, dimensions: Dimensions, higher: bool,
    monitor: str, ax: Axes,
) -> Axes:  # fmt: skip
    """Draw the best score for each pair of values of two settings."""
    binned = [_binned(dimensions[name], shares[name]) for name in names]
    (down, rows), (across, columns) = binned
    values = np.full((len(rows), len(columns)), np.nan)
    better = np.fmax if higher else np.fmin
    better.at(values, (down, across), scores)
    best = np.nanmax(scores) if higher else np.nanmin(scores)
    where = tuple(int(i) for i in np.argwhere(values == best)[0])
    return plots.heat_map(
        values, rows, columns, title=f"best {monitor}", xlabel=names[1], ylabel=names[0],
        write=lambda value: "" if np.isnan(value) else f"{value:.3g}", ax=ax,
        mark=(where[0], where[1]), cmap="viridis" if higher else "viridis_r",
    )  # fmt: skip


def bars(importance: Mapping[str, float], ax: Axes) -> Axes:
    """Draw how much of the score rests on each setting."""
    names = sorted(importance, key=lambda name: importance[name])
    ax.barh(names, [importance[name] for name in names], color=plots.BLUE, height=0.6)
    return plots.finish(ax, xlabel="importance")


def _bounded(ax: Axes, scores: Array, higher: bool) -> None:
    """Leave out what is far worse than most, so that differences between the good can be seen."""
    low, high = np.quantile(scores, [0.0, 1.0])
    spread = np.quantile(scores, 0.9) - np.quantile(scores, 0.1)
    if higher:
        low = max(low, np.quantile(scores, 0.1) - spread)
    else:
        high = min(high, np.quantile(scores, 0.9) + spread)
    margin = 0.05 * (high - low) or 0.01
    ax.set_ylim(low - margin, high + margin)


def _labels(dimension: Dimension) -> list[tuple[float, str]]:
    """Return places along an axis and what they are called."""
    if isinstance(dimension, Choices):
        count = len(dimension.values)
        shown = range(0, count, -(-count // (2 * TICKS)))
        return [(i / max(count - 1, 1), str(dimension.values[i])) for i in shown]
    ends = dimension.places(np.linspace(0, 1 - 1e-9, TICKS))
    if isinstance(dimension, Log):
        decades = 10.0 ** np.arange(np.ceil(np.log10(ends[0])), np.log10(ends[-1]) + 1e-9)
        ends = decades if len(decades) > 1 else ends
    return [(float(dimension.share(np.asarray(end))), f"{end:.3g}") for end in ends]


def _ticks(axis: Any, dimension: Dimension) -> None:
    places, texts = zip(*_labels(dimension), strict=True)
    axis.set_ticks(places, texts)


def _binned(dimension: Dimension, shares: Array) -> tuple[Array, list[str]]:
    """Return which bin each member is in, and what the bins are called."""
    if isinstance(dimension, Choices):
        count = len(dimension.values)
        return np.rint(shares * max(count - 1, 1)).astype(int), [str(v) for v in dimension.values]
    found = np.minimum((shares * BINS).astype(int), BINS - 1)
    middles = dimension.places((np.arange(BINS) + 0.5) / BINS)
    return found, [f"{middle:.2g}" for middle in middles]
