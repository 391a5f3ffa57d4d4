"""Intervals that contain a given share of true values: conformalized quantile regression.

A network predicts the median and both ends. The ends are then widened by an amount that is computed
from calibration rows, which the network has not seen. On average over new rows of the same
distribution, the intervals contain that share for any network. Romano, Patterson, Candès,
*Conformalized Quantile Regression*, 2019.
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
    """Return the pinball loss of the median and of both ends."""
    tail = (1 - target.interval) / 2
    return Pinball((0.5, tail, 1 - tail))


def set_apart(
    data: TrainingData, share: float, watched: bool, seed: int | None
) -> tuple[TrainingData, Array, Array]:
    """Split off the calibration rows: return the remaining data, their features and targets.

    Parameters
    ----------
    data : TrainingData
    share : float
        Share of the true values that intervals must contain.
    watched : bool
        If true, training needs hold-out rows for the choice of the epoch. Only the other half of
        the hold-out is then used for calibration.
    seed : int

    Raises
    ------
    OptionError
        If there are too few calibration rows.
    """
    X, y = data.X_val, data.y_val
    is_calibration = np.ones(len(y), dtype=bool)
    if watched and len(y) > 1:
        is_calibration = split_rows(len(y), 0.5, seed)
    needed = math.ceil(share / (1 - share) - 1e-9)
    if is_calibration.sum() < needed:
        half = f", of which half, {is_calibration.sum():,}, are free to set intervals by" * watched
        raise OptionError(
            "interval",
            f"{share:g} needs {needed:,} rows to set intervals by, and {len(y):,} are kept "
            f"aside{half}; keep more aside (--validation), or ask for a smaller share",
        )
    remaining = (
        replace(data, X_val=X[~is_calibration], y_val=y[~is_calibration]) if watched else data
    )
    return remaining, X[is_calibration], y[is_calibration]


def widening(target: Target, output: Array, y: Array) -> float:
    r"""Return the distance by which ends must be widened, from outputs and targets of new rows.

    The :math:`\lceil s (n + 1) \rceil`-th smallest of
    :math:`\max(\text{low}_i - y_i, y_i - \text{high}_i)`.
    """
    beyond = np.sort(np.maximum(output[:, 1] - y, y - output[:, 2]).astype(np.float64))
    rank = math.ceil(target.interval * (len(y) + 1) - 1e-9)  # n + 1 counts the row to be predicted
    return float(beyond[min(rank, len(y)) - 1])
