"""``np.r_`` and ``np.c_`` of tensors."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import numpy as np

from chainrule._src.base.errors import TraceError
from chainrule._src.core.elementwise import of_dtype
from chainrule._src.core.weak import common_dtype
from chainrule._src.ops.fillable import fillable, holds_tensor, values_in
from chainrule._src.ops.joining import stacked


class JoinedAlong:
    """``np.r_`` or ``np.c_``, which may join tensors.

    Parameters
    ----------
    plain : object
        NumPy's object.
    directive : str
        The axis to join along, the least number of axes, and the place of the axes of an array that
        has fewer: NumPy's own string, for instance ``"-1,2,0"``.
    is_recorded : callable
        Function of the calling frame: is its code recorded?
    """

    def __init__(
        self, plain: Any, directive: str, is_recorded: Callable[[FrameType], bool]
    ) -> None:
        self.plain, self.directive, self.is_recorded = plain, directive, is_recorded

    def __len__(self) -> int:
        return 0

    def __getitem__(self, index: Any) -> Any:
        if not self.is_recorded(sys._getframe(1)):
            return self.plain[index]
        parts = values_in(index)
        if not holds_tensor(parts):
            return fillable(self.plain[parts])
        return joined(parts if isinstance(parts, tuple) else (parts,), self.directive)


def joined(parts: tuple[Any, ...], directive: str) -> Any:
    """Join the parts along an axis, as ``np.r_`` does."""
    if isinstance(parts[0], str):
        directive, *parts = parts  # type: ignore[assignment]
    if directive in ("r", "c"):
        raise TraceError(f"np.r_[{directive!r}, ...] makes a matrix: leave {directive!r} away")
    numbers = [int(number) for number in directive.split(",")]
    axis, least, start = numbers + [0, 1, -1][len(numbers) :]
    values = [np.r_[part] if isinstance(part, slice) else stacked(part) for part in parts]
    rows = [_with_axes(value, least, start) for value in values]
    return of_dtype(np.concatenate(rows, axis=axis), common_dtype(*values))


def _with_axes(array: Any, least: int, start: int) -> Any:
    """Return an array with at least this number of axes; its axes start at ``start``."""
    missing = least - np.ndim(array)
    if missing <= 0:
        return array if np.ndim(array) else np.reshape(array, (1,))
    before = start if start >= 0 else start + missing + 1
    ones = (1,) * least
    return np.reshape(array, (*ones[:before], *np.shape(array), *ones[before:missing]))
