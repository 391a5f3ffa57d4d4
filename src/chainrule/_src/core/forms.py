"""Results whose numbers do not matter: their shape and dtype, with less work."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

SMALL = 4096  # entries that are computed as fast as left out


def of_first_entries(value: Callable[..., Any]) -> Callable[..., Any]:
    """Return the form of an elementwise operation: its first entry everywhere.

    Masks and whole numbers are computed, since they may be indices, unless they are the same
    everywhere.
    """

    def form(*operands: Any, **params: Any) -> Any:
        entry = None if small(operands) else value(*map(first_entry, operands), **params)
        if entry is None or not (entry.dtype.kind == "f" or all(map(is_uniform, operands))):
            return value(*operands, **params)
        return np.broadcast_to(entry, np.broadcast_shapes(*map(np.shape, operands)))

    return form


def small(operands: Sequence[Any]) -> bool:
    """Whether a result takes no longer than its form."""
    return max([getattr(x, "size", 1) for x in operands], default=0) <= SMALL


def first_entry(x: Any) -> Any:
    """Return the first entry along every axis, which stays."""
    return x[(slice(0, 1),) * x.ndim] if isinstance(x, np.ndarray) else x


def is_uniform(x: Any) -> bool:
    """Whether all entries are the same one, as in a form."""
    if not isinstance(x, np.ndarray):
        return True
    return not any(step and size > 1 for size, step in zip(x.shape, x.strides, strict=True))
