"""Intervals that hold a share of the true values: conformalized quantile regression.

A network predicts the median and both ends, which are widened by what rows that it has not seen ask
for: so many of new rows of the same kind lie within, on average, whatever the network. Romano,
Patterson, Candès, *Conformalized Quantile Regression*, 2019.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.base.errors import OptionError
from chainrule._src.data.preprocessing import Target, split_rows
from chainrule._src.data.tables import TrainingData
from chainrule._src.nn.losses import Pinball


def interval_loss(target: Target) -> Pinball:
    """Return the loss of the median and of both ends."""
    tail = (1 - target.interval) / 2
    return Pinball((0.5, tail, 1 - tail))


def set_apart(
    data: TrainingData, share: float, watched: bool, seed: int | None
) -> tuple[TrainingData, Array, Array]:
    """Return data to train on, and rows kept aside to widen intervals by: features and targets.

    Parameters
    ----------
    data : TrainingData
    share : float
        Of the true values, that intervals are to hold.
    watched : bool
        Whether training looks at rows kept aside, which then are half of them.
    seed : int

    Raises
    ------
    OptionError
        If they are too few.
    """
    X, y = data.X_val, data.y_val
    held = np.ones(len(y), dtype=bool)
    if watched and len(y) > 1:
        held = split_rows(len(y), 0.5, seed)
    needed = math.ceil(share / (1 - share) - 1e-9)
    if held.sum() < needed:
        half = f", of which half, {held.sum():,}, are free to set intervals by" * watched
        raise OptionError(
            "interval",
            f"{share:g} needs {needed:,} rows to set intervals by, and {len(y):,} are kept "
            f"aside{half}; keep more aside (--validation), or ask for a smaller share",
        )
    rest = replace(data, X_val=X[~held], y_val=y[~held]) if watched else data
    return rest, X[held], y[held]


def widening(target: Target, output: Array, y: Array) -> float:
    r"""Return by how much ends must be widened, of outputs and targets that training has not seen.

    The :math:`\lceil s (n + 1) \rceil`-th smallest of
    :math:`\max(\text{low}_i - y_i, y_i - \text{high}_i)`.
    """
    beyond = np.sort(np.maximum(output[:, 1] - y, y - output[:, 2]).astype(np.float64))
    rank = math.ceil(target.interval * (len(y) + 1) - 1e-9)  # of n + 1: the new one counts
    return float(beyond[min(rank, len(y)) - 1])
