"""One operation of a recorded function, some of whose operands carry an additional axis."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule._src.core.primitive import Primitive


@dataclass(frozen=True, eq=False)
class MappedCall:
    """An operation to be done for all positions along the mapped axis, which is the last axis.

    As the last axis it does not disturb broadcasting, the other axes keep their numbers, and it is
    contiguous in memory for compiled loops.

    Attributes
    ----------
    primitive : Primitive
    operands : tuple
    mapped : tuple of bool
        True for each operand that carries the mapped axis.
    params : dict
    shape : tuple of int
        Shape of the result without the mapped axis.
    dtype : numpy.dtype
        Dtype of the result.
    size : int
        Size of the mapped axis.
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
        """The number of axes of each operand, without the mapped axis."""
        pairs = zip(self.operands, self.mapped, strict=True)
        return tuple(np.ndim(x) - mapped for x, mapped in pairs)

    @property
    def full_shape(self) -> tuple[int, ...]:
        """The shape of the result, including the mapped axis."""
        return (*self.shape, self.size)

    def aligned(self) -> list[Any]:
        """Return the operands; arrays without the mapped axis get one of size 1."""
        pairs = zip(self.operands, self.mapped, strict=True)
        return [x if mapped or not np.ndim(x) else _with_axis(x) for x, mapped in pairs]

    def apply(self, *operands: Any, **params: Any) -> Any:
        """Apply the operation to these operands; ``params`` replace those of the call."""
        return self.primitive(*operands, **{**self.params, **params})


Rule = Callable[[MappedCall], Any]


def _with_axis(x: Any) -> Any:
    return np.expand_dims(x, -1)


def spread(x: Any, size: int) -> Any:
    """Return an array repeated along a new last axis."""
    return np.broadcast_to(_with_axis(x), (*np.shape(x), size))


def moved(x: Any, source: int, target: int) -> Any:
    """Return an array with one axis at another position."""
    rank = np.ndim(x)
    return x if source % rank == target % rank else np.moveaxis(x, source, target)


def one_by_one(call: MappedCall) -> Any:
    """Apply the operation to one position after another: for operations without a rule."""
    if not call.size:
        return np.zeros(call.full_shape, call.dtype)

    def at(i: int) -> Any:
        pairs = zip(call.operands, call.mapped, strict=True)
        return call.apply(*(x[..., i] if mapped else x for x, mapped in pairs))

    return np.stack([at(i) for i in range(call.size)], axis=-1)
