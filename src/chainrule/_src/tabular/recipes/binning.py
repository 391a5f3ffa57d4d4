"""Choose the features that get shares of bins, and the number of bins."""

from __future__ import annotations

from itertools import groupby

from chainrule._src.base.arrays import Array
from chainrule._src.nn import layers

BINS = 8  # of a feature, at most
WIDTH = 512  # features with all their bins, at most; more columns get fewer bins
ROWS = 10_000  # whose quantiles are taken, at most


def binned(X: Array) -> list[layers.Layer]:
    """Return a list with the layer that adds shares of bins; empty if no feature gets any.

    Features of up to two values, such as those of categories, get none.
    """
    bins = min(BINS, WIDTH // X.shape[1] - 1)
    if bins < 2:
        return []
    rows = X[:: -(-len(X) // ROWS)]
    has_bins = layers.PiecewiseLinear(bins).statistics_of(rows)[1].any(axis=1)
    if not has_bins.any():
        return []
    parts: list[layers.Layer] = []
    widths: list[int] = []
    for is_binned, group in groupby(has_bins.tolist()):
        start, width = sum(widths), len(list(group))
        part: layers.Layer = layers.Identity()
        if is_binned:
            part = layers.PiecewiseLinear(bins)
            part.adapt(rows[:, start : start + width])
        parts.append(part)
        widths.append(width)
    return parts if len(parts) == 1 else [layers.ByColumns(parts, widths, name="columns")]
