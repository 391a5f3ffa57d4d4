"""Assignments to the entries that a mask picks, as choices for every entry.

The shape of ``x[mask]`` depends on the values of the mask, so a program cannot hold it. An
expression of picked entries becomes the same expression of all entries: ``m[m < 0] *= 0.1`` is
``m = np.where(m < 0, m * 0.1, m)``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule._src.core.backward import passing
from chainrule._src.core.kernel import Elementwise
from chainrule._src.core.tensor import Tensor
from chainrule._src.ops.index import GETITEM, SLOT


def mask_of(index: Any, shape: tuple[int, ...]) -> Any:
    """Return an index that is a single mask, else None."""
    mask = index[0] if isinstance(index, tuple) and len(index) == 1 else index
    if not isinstance(mask, Tensor | np.ndarray) or mask.dtype.kind != "b" or not mask.ndim:
        return None
    return mask if mask.shape == shape[: mask.ndim] else None


# Operations without infinite values or slopes: they may be computed for entries not picked.
_EVERYWHERE = {
    "add", "subtract", "multiply", "negative", "absolute", "maximum", "minimum", "clip_low",
    "clip_high", "tanh", "sigmoid", "relu", "sin", "cos", "sign", "where", "astype",
}  # fmt: skip


def chosen(x: Any, mask: Any, value: Any) -> Any:
    """Return ``x`` after ``x[mask] = value`` as a choice for every entry, or None."""
    trailing = np.ndim(x) - mask.ndim
    wide = np.reshape(mask, (*mask.shape, *(1,) * trailing)) if trailing else mask
    everywhere = value
    if np.ndim(value) > trailing:
        was, passing.backward = passing.backward, True  # the operands are nodes
        try:
            everywhere = _unpicked(value, mask, wide)
        finally:
            passing.backward = was
    return None if everywhere is None else np.where(wide, everywhere, x)


def _unpicked(value: Any, mask: Any, wide: Any, safe: bool = True) -> Any:
    """Return an expression of picked entries as one of all entries, or None."""
    if np.shape(value) == ():
        return value
    if type(value) is not Tensor or value.primitive is None:
        return None
    operands = [*value.operands]
    for i, parent in value.parents:
        operands[i] = parent
    if value.primitive is GETITEM:
        x, *arrays = operands
        if value.params["index"] != (SLOT,) or not _is_same(arrays[0], mask):
            return None
        return x if safe else np.where(wide, x, 1)
    if not isinstance(value.primitive.kernel, Elementwise):
        return None
    safe = safe and value.primitive.name in _EVERYWHERE
    parts = [_unpicked(operand, mask, wide, safe) for operand in operands]
    if any(part is None for part in parts):
        return None
    return value.primitive(*parts, **value.params)


def _is_same(one: Any, other: Any) -> bool:
    """Return true if two nodes are computed alike from the same tensors."""
    if type(one) is not Tensor or type(other) is not Tensor:
        return type(one) is type(other) and np.array_equal(one, other)
    if one.order == other.order or one.value is other.value:
        return True
    if one.primitive is None or one.primitive is not other.primitive or one.params != other.params:
        return False
    return len(one.operands) == len(other.operands) and all(
        a is b or _is_same(a, b) for a, b in zip(one.operands, other.operands, strict=True)
    )
