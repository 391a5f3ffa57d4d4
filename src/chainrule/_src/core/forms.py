"""Forms: arrays with the shape and dtype of a result, computed without its numbers.

A supporting module of `primitive`; `recording` uses forms to record faster.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

SMALL = 4096  # entries; computing fewer is as fast as computing a form


def of_first_entries(value: Callable[..., Any]) -> Callable[..., Any]:
    """Return the form of an elementwise operation: the result's first entry, repeated.

    Masks and whole numbers are computed, since they may be used as indices, unless all entries are
    equal.
    """

    def form(*operands: Any, **params: Any) -> Any:
        entry = None if small(operands) else value(*map(first_entry, operands), **params)
        if entry is None or not (entry.dtype.kind == "f" or all(map(is_uniform, operands))):
            return value(*operands, **params)
        return np.broadcast_to(entry, np.broadcast_shapes(*map(np.shape, operands)))

    return form


def small(operands: Sequence[Any]) -> bool:
    """Return true if computing the result is as cheap as computing its form."""
    return max([getattr(x, "size", 1) for x in operands], default=0) <= SMALL


def first_entry(x: Any) -> Any:
    """Return the first entry along every axis; the axes remain, with size 1."""
    return x[(slice(0, 1),) * x.ndim] if isinstance(x, np.ndarray) else x


def is_uniform(x: Any) -> bool:
    """Return true if all entries are one entry in memory, repeated, as in a form."""
    if not isinstance(x, np.ndarray):
        return True
    return not any(step and size > 1 for size, step in zip(x.shape, x.strides, strict=True))
