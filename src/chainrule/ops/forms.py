"""Results whose numbers do not matter: their shape and dtype, with less work."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

SMALL = 4096  # entries that are computed as fast as left out


def of_first_entries(value: Callable[..., Any]) -> Callable[..., Any]:
    """Return the form of an elementwise operation: its first entry everywhere.

    Masks and whole numbers are computed, since they may be indices.
    """

    def form(*operands: Any, **params: Any) -> Any:
        entry = None if small(operands) else value(*map(first_entry, operands), **params)
        if entry is None or entry.dtype.kind != "f":
            return value(*operands, **params)
        return np.broadcast_to(entry, np.broadcast_shapes(*map(np.shape, operands)))

    return form


def small(operands: Sequence[Any]) -> bool:
    """Whether a result takes no longer than its form."""
    return max([getattr(x, "size", 1) for x in operands], default=0) <= SMALL


def first_entry(x: Any) -> Any:
    """Return the first entry along every axis, which stays."""
    return x[(slice(0, 1),) * x.ndim] if isinstance(x, np.ndarray) else x
