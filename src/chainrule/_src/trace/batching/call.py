"""One operation of a recorded function, with operands some of which carry an axis more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule._src.core.primitive import Primitive


@dataclass(frozen=True, eq=False)
class MappedCall:
    """An operation to be done for every place along the mapped axis, which operands carry last.

    Last, because then arrays of fewer axes broadcast as they do without it, axes keep their
    numbers, and what a compiled loop runs along lies in one piece.

    Attributes
    ----------
    primitive : Primitive
    operands : tuple
    mapped : tuple of bool
        Which operands carry the axis.
    params : dict
    shape : tuple of int
        Of the result for one place.
    dtype : numpy.dtype
        Of the result.
    size : int
        Of the mapped axis.
    """

    primitive: Primitive
    operands: tuple[Any, ...]
    mapped: tuple[bool, ...]
    params: dict[str, Any]
    shape: tuple[int, ...]
    dtype: Any
    size: int

    @property
    def ranks(self) -> tuple[int, ...]:
        """The numbers of axes that the operands have for one place."""
        pairs = zip(self.operands, self.mapped, strict=True)
        return tuple(np.ndim(x) - mapped for x, mapped in pairs)

    @property
    def whole(self) -> tuple[int, ...]:
        """The shape of the result, mapped axis included."""
        return (*self.shape, self.size)

    def aligned(self) -> list[Any]:
        """Return the operands, those without the axis with one of size 1 unless a number."""
        pairs = zip(self.operands, self.mapped, strict=True)
        return [x if mapped or not np.ndim(x) else _with_axis(x) for x, mapped in pairs]

    def done(self, *operands: Any, **params: Any) -> Any:
        """Apply the operation to these operands, with other parameters where they are given."""
        return self.primitive(*operands, **{**self.params, **params})


Rule = Callable[[MappedCall], Any]


def _with_axis(x: Any) -> Any:
    return np.expand_dims(x, -1)


def spread(x: Any, size: int) -> Any:
    """Return an array repeated along a last axis."""
    return np.broadcast_to(_with_axis(x), (*np.shape(x), size))


def moved(x: Any, source: int, target: int) -> Any:
    """Return an array with one axis elsewhere; itself if it is there already."""
    rank = np.ndim(x)
    return x if source % rank == target % rank else np.moveaxis(x, source, target)


def one_by_one(call: MappedCall) -> Any:
    """Do the operation for one place after another: the road where there is no rule."""
    if not call.size:
        return np.zeros(call.whole, call.dtype)

    def at(i: int) -> Any:
        pairs = zip(call.operands, call.mapped, strict=True)
        return call.done(*(x[..., i] if mapped else x for x, mapped in pairs))

    return np.stack([at(i) for i in range(call.size)], axis=-1)
