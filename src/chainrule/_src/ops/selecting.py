"""Functions that choose entries, or insert and delete entries."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from chainrule._src.base.errors import DataError, ShapeError
from chainrule._src.core.elementwise import STOP_GRADIENT, of_dtype
from chainrule._src.core.primitive import Family, Traced
from chainrule._src.core.weak import common_dtype
from chainrule._src.ops.axes import axis_of
from chainrule._src.ops.joining import as_array, stacked

SELECTING = Family()


def part(a: Any, axis: int, start: Any, stop: Any, step: int | None = None) -> Any:
    """Return the entries of a slice along an axis."""
    return a[(*(slice(None),) * axis_of(axis, a), slice(start, stop, step))]


@SELECTING.implements(np.select)
def _select(condlist: Sequence[Any], choicelist: Sequence[Any], default: Any = 0) -> Any:
    if len(condlist) != len(choicelist) or not condlist:
        raise ShapeError(
            "np.select takes as many conditions as choices, at least one, received "
            f"{len(condlist)} and {len(choicelist)}"
        )
    chosen, dtype = default, common_dtype(*choicelist, default)
    for condition, choice in list(zip(condlist, choicelist, strict=True))[::-1]:
        chosen = of_dtype(np.where(condition, choice, chosen), dtype)
    return chosen


@SELECTING.implements(np.choose)
def _choose(a: Any, choices: Any, mode: str = "raise") -> Any:
    a, choices = stacked(a), list(choices)
    if mode == "wrap":
        a = a % len(choices)
    elif (
        mode == "raise" and not isinstance(a, Traced) and not ((a >= 0) & (a < len(choices))).all()
    ):
        raise DataError(f"np.choose: expected numbers of choices from 0 to {len(choices) - 1}")
    chosen, dtype = choices[-1], common_dtype(*choices)
    for number in range(len(choices) - 2, -1, -1):
        chosen = np.where(a <= number, choices[number], chosen)
    shape = np.broadcast_shapes(np.shape(a), *map(np.shape, choices))
    return of_dtype(np.broadcast_to(chosen, shape), dtype)


@SELECTING.implements(np.piecewise)
def _piecewise(x: Any, condlist: Any, funclist: Sequence[Any], *args: Any, **kw: Any) -> Any:
    if np.isscalar(condlist) or (np.ndim(condlist[0]) == 0 and np.ndim(x)):
        condlist = [condlist]
    conditions = [np.broadcast_to(stacked(c), np.shape(x)) for c in condlist]
    if len(funclist) == len(conditions) + 1:
        any_condition = conditions[0]
        for condition in conditions[1:]:
            any_condition = any_condition | condition
        conditions.append(~any_condition)
    if len(funclist) != len(conditions):
        raise ShapeError(
            f"np.piecewise takes {len(conditions)} or {len(conditions) + 1} functions for "
            f"{len(conditions)} conditions, received {len(funclist)}"
        )
    y: Any = np.zeros_like(x)
    for condition, function in zip(conditions, funclist, strict=True):
        piece = function
        if callable(function):
            piece = function(_only_where(condition, x), *args, **kw)
        y = np.where(condition, of_dtype(as_array(piece), x.dtype), y)
    return y


def _only_where(condition: Any, x: Any) -> Any:
    """Return the array with one of the chosen entries in place of those that are not chosen.

    If none is chosen, it is 1. A function of the result is not called outside its domain.
    """
    chosen = np.append(np.ravel(condition), np.ones(1, bool))
    entries = np.append(np.ravel(STOP_GRADIENT(x)), np.ones(1, x.dtype))
    return np.where(condition, x, entries[np.argmax(chosen)])


@SELECTING.implements(np.compress)
def _compress(condition: Any, a: Any, axis: int | None = None) -> Any:
    a, axis = (np.ravel(a), 0) if axis is None else (stacked(a), axis)
    chosen = stacked(condition) != 0
    if isinstance(chosen, Traced):
        return a[(*(slice(None),) * axis_of(axis, a), chosen)]
    return np.take(a, np.flatnonzero(chosen), axis=axis)


@SELECTING.implements(np.extract)
def _extract(condition: Any, arr: Any) -> Any:
    return np.compress(np.ravel(condition), np.ravel(arr))


@SELECTING.implements(np.delete)
def _delete(arr: Any, obj: Any, axis: int | None = None) -> Any:
    arr, axis = (np.ravel(arr), 0) if axis is None else (arr, axis_of(axis, arr))
    size = np.shape(arr)[axis]
    others = np.delete(np.arange(size), obj)
    if np.ndim(obj) or isinstance(obj, slice):
        return np.take(arr, others, axis=axis)
    row = size - 1 if len(others) == size else int(obj) % size
    return np.concatenate([part(arr, axis, None, row), part(arr, axis, row + 1, None)], axis=axis)


@SELECTING.implements(np.insert)
def _insert(arr: Any, obj: Any, values: Any, axis: int | None = None) -> Any:
    arr, axis = (np.ravel(arr), 0) if axis is None else (arr, axis_of(axis, arr))
    size, rank = np.shape(arr)[axis], np.ndim(arr)
    values = of_dtype(as_array(values), arr.dtype)
    values = np.reshape(values, (1,) * (rank - np.ndim(values)) + np.shape(values))
    rows = np.arange(size)[obj] if isinstance(obj, slice) else np.asarray(obj)
    rows = np.flatnonzero(rows) if rows.dtype.kind == "b" and rows.ndim else rows
    if rows.size == 1:
        values = values if rows.ndim else np.moveaxis(values, 0, axis)
        count = np.shape(values)[axis]
    else:
        count = rows.size
    shape = (*np.shape(arr)[:axis], count, *np.shape(arr)[axis + 1 :])
    values = np.broadcast_to(values, shape)
    if rows.size == 1:
        np.insert(np.arange(size), rows.item(), 0)  # refuses a place outside the array
        row = rows.item() + size * (rows.item() < 0)
        pieces = [part(arr, axis, None, row), values, part(arr, axis, row, None)]
        return np.concatenate(pieces, axis=axis)
    order = np.insert(np.arange(size), rows.astype(int), size + np.arange(count))
    return np.take(np.concatenate([arr, values], axis=axis), order, axis=axis)


@SELECTING.implements(np.resize)
def _resize(a: Any, new_shape: Any) -> Any:
    shape = (new_shape,) if np.ndim(new_shape) == 0 else tuple(new_shape)
    entries = np.ravel(a)
    if not np.size(entries):
        return np.zeros(shape, entries.dtype)
    return np.reshape(np.take(entries, np.arange(math.prod(shape)) % np.size(entries)), shape)


@SELECTING.implements(np.diagflat)
def _diagflat(v: Any, k: int = 0) -> Any:
    return np.diag(np.ravel(v), k)


@SELECTING.implements(np.apply_along_axis)
def _apply_along_axis(
    func1d: Callable[..., Any], axis: int, arr: Any, *args: Any, **kwargs: Any
) -> Any:
    axis = axis_of(axis, arr)
    rows = np.moveaxis(arr, axis, -1)
    free = np.shape(rows)[:-1]
    results = [func1d(rows[position], *args, **kwargs) for position in np.ndindex(free)]
    result = np.stack([as_array(x) for x in results])
    result = np.reshape(result, (*free, *np.shape(result)[1:]))
    extra = np.ndim(result) - len(free)
    ends = range(len(free), len(free) + extra)
    return np.moveaxis(result, tuple(ends), tuple(range(axis, axis + extra)))


@SELECTING.implements(np.apply_over_axes)
def _apply_over_axes(func: Callable[..., Any], a: Any, axes: Any) -> Any:
    for axis in np.atleast_1d(axes).tolist():
        axis += np.ndim(a) * (axis < 0)
        result = func(a, axis)
        a = result if np.ndim(result) == np.ndim(a) else np.expand_dims(result, axis)
    return a


@SELECTING.implements(np.fft.fftshift)
def _fftshift(x: Any, axes: Any = None) -> Any:
    return _shifted(x, axes, 1)


@SELECTING.implements(np.fft.ifftshift)
def _ifftshift(x: Any, axes: Any = None) -> Any:
    return _shifted(x, axes, -1)


def _shifted(x: Any, axes: Any, sign: int) -> Any:
    """Return the array with its halves exchanged along each of the axes."""
    places = range(np.ndim(x)) if axes is None else np.atleast_1d(axes).tolist()
    for axis in places:
        x = np.roll(x, sign * (np.shape(x)[axis] // 2), axis)
    return x


if hasattr(np, "unstack"):  # since NumPy 2.1

    @SELECTING.implements(np.unstack)
    def _unstack(x: Any, /, *, axis: int = 0) -> tuple[Any, ...]:
        return tuple(np.moveaxis(x, axis, 0))
