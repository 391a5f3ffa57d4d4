"""Estimate the time of scikit-learn's own loop from sizes alone, to decide about compiling."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from chainrule._src.compile.running.account import expected_seconds

# Seconds on a machine of 2024 per epoch, per update and layer for the calls, per operation.
EPOCH, LAYER, OPERATION = 2e-4, 8e-5, 5e-11
# Seconds: training that takes less, in all calls or in this call, stays in scikit-learn's loop.
SHORT, CALL = 0.18, 0.005


def is_short(model: Any, rows: int, sizes: list[int], incremental: bool) -> bool:
    """Return true if scikit-learn's loop ends before a kernel could be compiled.

    ``sizes`` are the sizes of the layers. The expected times of all fits of one structure in this
    process are added up. L-BFGS is an exception: its line searches amplify rounding errors, so its
    engine must not depend on earlier fits.
    """
    size = batch_size(model, rows)
    updates, epochs = -(-rows // size), 1 if incremental else model.max_iter
    operations = 6 * size * sum(a * b for a, b in pairwise(sizes))
    epoch = EPOCH + updates * (LAYER * (len(sizes) - 1) + operations * OPERATION)
    structure = ("MLP", *sizes, size, model.activation, model.solver)
    seconds = epochs * epoch
    expected = seconds if model.solver == "lbfgs" else expected_seconds(structure, seconds)
    return seconds < CALL or expected < SHORT


def batch_size(model: Any, rows: int) -> int:
    """Return the number of samples of an update."""
    if model.solver == "lbfgs":
        return rows
    if model.batch_size == "auto":
        return min(200, rows)
    return int(np.clip(model.batch_size, 1, rows))
