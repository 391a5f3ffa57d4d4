"""Axes as NumPy's functions accept them, converted to numbers counted from the first axis."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np


def axis_of(axis: Any, a: Any) -> int:
    """Return an axis counted from the first; raise NumPy's error if the array has no such axis."""
    return np.lib.array_utils.normalize_axis_index(operator.index(axis), np.ndim(a))


def axes_of(axis: Any, ndim: int) -> tuple[int, ...]:
    """Return axes counted from the first, for a reduction or a move; None means all axes."""
    if axis is None or ndim == 0:  # NumPy reduces a number along axis 0 and -1
        return tuple(range(ndim))
    if isinstance(axis, int):
        return (axis % ndim,)
    return tuple(a % ndim for a in (axis if isinstance(axis, tuple | list) else (axis,)))
