"""What training takes in scikit-learn's own loop, by sizes alone: where compiling pays."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from chainrule._src.compile.running.account import expected_seconds

# Seconds on a machine of 2024 of an epoch, of an update's calls for a layer, of an operation.
EPOCH, LAYER, OPERATION = 2e-4, 8e-5, 5e-11
# Seconds: what takes less in scikit-learn's own loop stays there, in all or in this call.
SHORT, CALL = 0.18, 0.005


def is_short(model: Any, rows: int, sizes: list[int], incremental: bool) -> bool:
    """Whether scikit-learn's loop ends before a kernel could be compiled.

    ``sizes`` are those of the layers. The fits of one structure in this process are added up; but
    not those of L-BFGS, whose line searches make last bits that differ into other weights.
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
    """Return how many samples an update takes."""
    if model.solver == "lbfgs":
        return rows
    if model.batch_size == "auto":
        return min(200, rows)
    return int(np.clip(model.batch_size, 1, rows))
