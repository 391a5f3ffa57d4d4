"""Indexing. An index may contain integer tensors; in the gradient, repeated indices add up."""

from __future__ import annotations

import operator
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import islice
from typing import Any

import numpy as np

from chainrule._src.base.errors import OutOfRangeError, ShapeError
from chainrule._src.core.kernel import Checked, Gather, Replacement, Scatter
from chainrule._src.core.primitive import (
    NUMPY,
    EachOperand,
    Family,
    JointRule,
    Primitive,
    Traced,
    unbroadcast,
)
from chainrule._src.core.weak import common_dtype
from chainrule._src.ops.axes import axis_of

INDEX = Family()


class ArraySlot:
    """Placeholder for an index array in an index."""

    def __repr__(self) -> str:
        return "_"


SLOT = ArraySlot()


_others = ContextVar("_others", default=False)


@contextmanager
def other_masks() -> Iterator[None]:
    """Within this context, each mask picks one entry more or fewer than it should.

    A recording made here shows whether results depend on the number of picked entries.
    """
    token = _others.set(True)
    try:
        yield
    finally:
        _others.reset(token)


def _fill(index: tuple[Any, ...], arrays: tuple[Any, ...]) -> tuple[Any, ...]:
    following = map(_other, arrays) if _others.get() else iter(arrays)
    return tuple(next(following) if part is SLOT else part for part in index)


def _other(array: Any) -> Any:
    if np.asarray(array).dtype.kind != "b" or not np.size(array):
        return array
    other = np.array(array)
    other.flat[0] ^= True
    return other


def _getitem(x: Any, *arrays: Any, index: tuple[Any, ...]) -> Any:
    try:
        return np.asarray(x)[_fill(index, arrays)]
    except IndexError as error:
        raise _with_row(error, np.ndim(x), arrays, index) from error


def _with_row(error: IndexError, rank: int, arrays: Any, index: tuple[Any, ...]) -> IndexError:
    """Return NumPy's error for an index out of range, extended by the row of that index."""
    match = re.match(r"index (-?\d+) is out of bounds for axis (\d+)", str(error))
    if match is None:
        return error
    parts = [part for part in index if part is not None]
    behind = parts.index(Ellipsis) if Ellipsis in parts else len(parts)
    axes = [i if i < behind else i - len(parts) + rank for i in range(len(parts))]
    slots = [axis for axis, part in zip(axes, parts, strict=True) if part is SLOT]
    of_axis = dict(zip(slots, arrays, strict=True))
    rows = np.argwhere(np.atleast_1d(of_axis.get(int(match[2]), ())) == int(match[1]))
    return OutOfRangeError(str(error), int(rows[0][0])) if len(rows) else error


def _in_range(x: Any, size: int, what: str) -> Any:
    x = np.asarray(x)
    bad = (x < 0) | (x >= size) | (x != np.floor(x))
    if bad.any():
        row = int(np.argwhere(bad)[0][0]) if x.ndim else None
        raise OutOfRangeError(
            f"{what} must be whole numbers from 0 to {size - 1}, received {x[bad].flat[0]}", row
        )
    return x


IN_RANGE = INDEX.add("in_range", _in_range, None, "_0", kernel=Checked())


def _scatter(g: Any, *arrays: Any, index: tuple[Any, ...], shape: Any, dtype: Any) -> Any:
    out = np.zeros(shape, dtype)
    if not arrays:
        out[index] = g
        return out
    try:
        np.add.at(out, _fill(index, arrays), g)
    except IndexError as error:
        raise _with_row(error, out.ndim, arrays, index) from error
    return out


def _scatter_form(g: Any, *arrays: Any, index: tuple[Any, ...], shape: Any, dtype: Any) -> Any:
    if arrays:  # an index may be out of range
        return _scatter(g, *arrays, index=index, shape=shape, dtype=dtype)
    return np.broadcast_to(np.zeros((), dtype), shape)


def _getitem_rule(position: int, g: Any, y: Any, x: Any, *arrays: Any, index: Any) -> Any:
    return (
        SCATTER(g, *arrays, index=index, shape=x.shape, dtype=g.dtype.type)
        if position == 0
        else None
    )


def _scatter_rule(position: int, g: Any, y: Any, x: Any, *arrays: Any, index: Any, **_: Any) -> Any:
    return GETITEM(g, *arrays, index=index) if position == 0 else None


def _written(index: tuple[Any, ...], first: int) -> str:
    """Return the text of an index between brackets; arrays are operands from ``first`` on."""
    parts, operand = [], first
    for part in index:
        if part is SLOT:
            parts.append(f"_{operand}")
            operand += 1
        elif isinstance(part, slice):
            ends = ["" if end is None else str(end) for end in (part.start, part.stop)]
            parts.append(":".join(ends if part.step is None else [*ends, str(part.step)]))
        else:
            parts.append({None: "None", Ellipsis: "..."}.get(part, str(part)))
    return ", ".join(parts) or "()"


GETITEM = INDEX.add(
    "getitem",
    _getitem,
    EachOperand(_getitem_rule),
    lambda shapes, index: f"_0[{_written(index, 1)}]",
    kernel=Gather(),
    view=lambda base, part, index: ASSIGN(base, part, indices=(index,)),
)
SCATTER = INDEX.add(
    "scatter",
    _scatter,
    EachOperand(_scatter_rule),
    lambda shapes, index, shape, dtype: (
        f"_y = np.zeros(shape{'' if dtype is np.float64 else ', dtype'})\n"
        + (
            f"np.add.at(_y, np.s_[{_written(index, 1)}], _0)"
            if SLOT in index
            else f"_y[{_written(index, 1)}] = _0"
        )
    ),
    broadcasts=1,
    kernel=Scatter(),
    form=_scatter_form,
)


def assignments(
    indices: Sequence[tuple[Any, ...]], operands: Sequence[Any]
) -> Iterator[tuple[tuple[Any, ...], Any, list[Any]]]:
    """Yield the index, the value and the index arrays of each assignment of `ASSIGN`.

    ``operands`` are the values and all index arrays, or something else in their places.
    """
    arrays = iter(operands[len(indices) :])
    for index, value in zip(indices, operands, strict=False):
        yield index, value, list(islice(arrays, index.count(SLOT)))


def _assign(x: Any, *operands: Any, indices: tuple[Any, ...]) -> Any:
    out = np.array(x)
    for index, value, picked_by in assignments(indices, operands):
        try:
            out[_fill(index, tuple(picked_by))] = value
        except IndexError as error:
            raise _with_row(error, out.ndim, picked_by, index) from error
    return out


def _assign_rule(
    g: Any, y: Any, positions: tuple[int, ...], x: Any, *operands: Any, indices: Any
) -> dict[int, Any]:
    needed, shares = set(positions), {}
    if 0 in needed:
        zeros = (0,) * len(indices)
        shares[0] = ASSIGN(g, *zeros, *operands[len(indices) :], indices=indices)
    for position, (index, value, picked_by) in enumerate(assignments(indices, operands), 1):
        if position not in needed:
            continue
        part = GETITEM(g, *picked_by, index=index)
        if not are_distinct(picked_by):  # of values for one entry the last one stays
            turn = np.arange(part.size).reshape(part.shape)
            last = ASSIGN(np.zeros(np.shape(x), int), turn, *picked_by, indices=(index,))
            part = np.where(GETITEM(last, *picked_by, index=index) == turn, part, 0)
        shares[position] = unbroadcast(part, value)
    return shares


def are_distinct(arrays: Any) -> bool:
    """Return true if it is known of index arrays that they pick no entry twice."""
    if not arrays or any(array.dtype.kind == "b" for array in arrays):
        return True
    shape = np.broadcast_shapes(*map(np.shape, arrays))
    candidates = [
        array for array in arrays if isinstance(array, np.ndarray) and array.shape == shape
    ]
    return any((array >= 0).all() and len(np.unique(array)) == array.size for array in candidates)


def _assign_text(shapes: Any, indices: Any) -> str:
    lines, first = ["_y = _0.copy()"], 1 + len(indices)
    for number, index in enumerate(indices, 1):
        lines.append(f"_y[{_written(index, first)}] = _{number}")
        first += index.count(SLOT)
    return "\n".join(lines)


ASSIGN: Primitive = INDEX.add(
    "assign",
    _assign,
    JointRule(_assign_rule),
    _assign_text,
    kernel=Replacement(),
    form=lambda x, *operands, indices: np.broadcast_to(np.zeros((), x.dtype), np.shape(x)),
)


def _as_index(part: Any) -> Any:
    array = np.asarray(part)
    return array if array.size else array.astype(np.intp)


def getitem(x: Any, index: Any) -> Any:
    """Return ``x[index]``, recorded with the index's arrays and tensors as operands."""
    fixed, arrays = parsed(index, np.shape(x))
    return GETITEM(x, *arrays, index=fixed)


def parsed(index: Any, shape: Any) -> tuple[tuple[Any, ...], list[Any]]:
    """Return an index with slots for its arrays and tensors, and the arrays and tensors."""
    fixed: list[Any] = []
    arrays: list[Any] = []
    axes = list(shape)  # axes not indexed so far; not known after an ellipsis
    for part in index if isinstance(index, tuple) else (index,):
        if part is None or part is Ellipsis or isinstance(part, slice):
            fixed.append(part)
            axes = [] if part is Ellipsis else axes[part is not None :]
        elif isinstance(part, int | np.integer | np.bool_):
            fixed.append(bool(part) if isinstance(part, bool | np.bool_) else int(part))
            axes = axes[not isinstance(part, bool | np.bool_) :]
        else:  # an array, a tensor, or any sequence that NumPy takes for an array
            array: Any = part if isinstance(part, Traced | np.ndarray) else _as_index(part)
            places = _places(array, axes)
            fixed += [SLOT] * len(places)
            arrays += places
            axes = axes[np.ndim(array) if array.dtype.kind == "b" else 1 :]
    return tuple(fixed), arrays


NUMPY[operator.getitem] = getitem


def _places(array: Any, axes: list[int]) -> tuple[Any, ...]:
    """Return a known mask that fits as integer index arrays; other arrays unchanged."""
    if not isinstance(array, np.ndarray) or array.dtype.kind != "b" or not array.ndim:
        return (array,)
    return np.nonzero(array) if list(array.shape) == axes[: array.ndim] else (array,)


@INDEX.implements(np.take)
def _take(a: Any, indices: Any, axis: int | None = None) -> Any:
    if axis is None or np.ndim(a) == 0:
        a, axis = np.ravel(a), axis or 0
    indices = indices if isinstance(indices, Traced) else np.asarray(indices)
    if indices.dtype.kind == "b":  # np.take uses booleans as positions, not as a mask
        indices = indices.astype(np.intp)
    before = (slice(None),) * axis_of(axis, a)
    return GETITEM(a, indices, index=(*before, SLOT))


@INDEX.implements(np.take_along_axis)
def _take_along_axis(arr: Any, indices: Any, axis: int | None = -1) -> Any:
    if axis is None:
        arr, axis = np.ravel(arr), 0
    if common_dtype(indices).kind == "b":
        raise IndexError("`indices` must be an integer array")
    sizes = np.shape(arr)
    grids: list[Any] = list(np.ogrid[tuple(slice(size) for size in sizes)])
    grids[axis_of(axis, arr)] = indices
    return GETITEM(arr, *grids, index=(SLOT,) * len(sizes))


@INDEX.implements(np.diagonal)
def _diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    a = np.moveaxis(a, (axis1, axis2), (-2, -1))
    rows, columns = np.shape(a)[-2:]
    i = np.arange(
        max(0, -offset), max(0, -offset) + len(np.diagonal(np.empty((rows, columns)), offset))
    )
    return GETITEM(a, i, i + offset, index=(Ellipsis, SLOT, SLOT))


@INDEX.implements(np.diag)
def _diag(v: Any, k: int = 0) -> Any:
    if np.ndim(v) == 2:
        return _diagonal(v, k)
    if np.ndim(v) != 1:
        raise ShapeError(f"np.diag takes a vector or a matrix, received shape {np.shape(v)}")
    size = np.shape(v)[0] + abs(k)
    i = np.arange(np.shape(v)[0])
    return SCATTER(
        v, i + max(0, -k), i + max(0, k), index=(SLOT, SLOT), shape=(size, size), dtype=v.dtype.type
    )


@INDEX.implements(np.trace)
def _trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    return np.sum(_diagonal(a, offset, axis1, axis2), axis=-1)


@INDEX.implements(np.linalg.diagonal)
def _last_diagonal(x: Any, *, offset: int = 0) -> Any:
    return _diagonal(x, offset, -2, -1)


@INDEX.implements(np.linalg.trace)
def _last_trace(x: Any, *, offset: int = 0) -> Any:
    return _trace(x, offset, -2, -1)
