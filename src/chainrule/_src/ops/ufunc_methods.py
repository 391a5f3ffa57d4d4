"""Methods of ufuncs, ``np.add.at`` for instance, and functions that write into an argument."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from chainrule._src.base.errors import TraceError
from chainrule._src.core.elementwise import of_dtype
from chainrule._src.core.primitive import NUMPY, Family
from chainrule._src.core.tensor import Tensor
from chainrule._src.ops.axes import axes_of
from chainrule._src.ops.index import GETITEM, SCATTER, parsed
from chainrule._src.ops.joining import as_array
from chainrule._src.ops.reduce import in_dtype

UFUNC_METHODS = Family()


@UFUNC_METHODS.implements(np.copyto)
def _copyto(dst: Any, src: Any, casting: str = "same_kind", where: Any = True) -> None:
    dst[...] = src if where is True else np.where(where, src, dst)


@UFUNC_METHODS.implements(np.putmask)
def _putmask(a: Any, mask: Any, values: Any) -> None:
    a[...] = np.where(mask, np.resize(values, np.shape(a)) if np.ndim(values) else values, a)


@UFUNC_METHODS.implements(np.fill_diagonal)
def _fill_diagonal(a: Any, val: Any, wrap: bool = False) -> None:
    places = np.arange(min(np.shape(a)))
    a[(places,) * np.ndim(a)] = val


@UFUNC_METHODS.implements(np.put)
def _put(a: Any, ind: Any, v: Any, mode: str = "raise") -> None:
    np.reshape(a, -1)[np.ravel(ind)] = v


@UFUNC_METHODS.implements(np.put_along_axis)
def _put_along_axis(arr: Any, indices: Any, values: Any, axis: int) -> None:
    grids: list[Any] = list(np.ogrid[tuple(slice(size) for size in np.shape(arr))])
    grids[axis] = indices
    arr[tuple(grids)] = values


def _add_at(a: Any, indices: Any, b: Any) -> None:
    """Carry out ``np.add.at(a, indices, b)``: repeated indices add up."""
    fixed, arrays = parsed(indices, np.shape(a))
    shape = GETITEM(np.empty(np.shape(a), bool), *map(_known, arrays), index=fixed).shape
    added = np.broadcast_to(of_dtype(as_array(b), a.dtype), shape)
    a[...] = a + SCATTER(
        added, *arrays, index=fixed, shape=np.shape(a), dtype=np.dtype(a.dtype).type
    )


def _known(array: Any) -> Any:
    while type(array) is Tensor:
        array = array.value
    return array


UFUNC_METHODS.lead(np.add.at, _add_at)
UFUNC_METHODS.lead(np.subtract.at, lambda a, indices, b: _add_at(a, indices, -np.asarray(b)))
_WHOLE: dict[np.ufunc, Any] = {
    np.add: np.sum, np.multiply: np.prod, np.maximum: np.max, np.minimum: np.min,
    np.logical_and: np.all, np.logical_or: np.any,
}  # fmt: skip
# NumPy's own result depends on the machine: with AVX-512 it leaves out entries.
_UNRELIABLE = (np.power, np.arctan2)
_RUNNING: dict[np.ufunc, Any] = {np.add: np.cumsum, np.multiply: np.cumprod}


def _reduce(ufunc: np.ufunc) -> Any:
    """Return the replacement of ``ufunc.reduce``."""

    def reduce(a: Any, axis: Any = 0, dtype: Any = None, out: Any = None, **options: Any) -> Any:
        if ufunc in _WHOLE:
            how = {} if dtype is None else {"dtype": dtype}
            return _WHOLE[ufunc](a, axis=axis, **how, **options)
        return _folded(ufunc, in_dtype(a, dtype), axis, **options)

    return reduce


def _folded(
    ufunc: np.ufunc, a: Any, axis: Any, keepdims: bool = False, initial: Any = None,
    where: Any = True,
) -> Any:  # fmt: skip
    """Apply a ufunc to one entry along the axes after another, from the first to the last."""
    if where is not True:
        if initial is None:
            raise TraceError(
                f"np.{ufunc.__name__}.reduce with where= needs initial=, the result where nothing "
                "is chosen"
            )
        where = np.broadcast_to(where, np.shape(a))
    axes = axes_of(axis, np.ndim(a))
    result: Any = None if initial is None else initial
    parts = [a[index] for index in _places(np.shape(a), axes)]
    chosen = [where if where is True else where[index] for index in _places(np.shape(a), axes)]
    if not parts and result is None:
        result = ufunc.identity
    for part, is_chosen in zip(parts, chosen, strict=True):
        following = part if result is None else ufunc(result, part)
        result = following if is_chosen is True else np.where(is_chosen, following, result)
    return np.expand_dims(result, axes) if keepdims else result


def _places(shape: Any, axes: tuple[int, ...]) -> Iterator[tuple[Any, ...]]:
    """Yield the indices of the parts of an array that lie beside each other along the axes."""
    for position in np.ndindex(*(shape[d] for d in axes)):
        numbers = dict(zip(axes, position, strict=True))
        yield tuple(numbers.get(d, slice(None)) for d in range(len(shape)))


def _accumulate(ufunc: np.ufunc) -> Any:
    """Return the replacement of ``ufunc.accumulate``."""

    def accumulate(a: Any, axis: int = 0, dtype: Any = None, out: Any = None) -> Any:
        if ufunc in _RUNNING:
            return _RUNNING[ufunc](a, axis=axis, dtype=dtype)
        rows = list(np.moveaxis(in_dtype(a, dtype), axis, 0))
        results = rows[:1]
        for row in rows[1:]:
            results.append(ufunc(results[-1], row))
        return np.stack(results, axis=axis) if rows else a

    return accumulate


def _outer(ufunc: np.ufunc) -> Any:
    """Return the replacement of ``ufunc.outer``."""
    return lambda a, b: ufunc(np.reshape(a, (*np.shape(a), *(1,) * np.ndim(b))), b)


def _ufuncs() -> Iterator[np.ufunc]:
    """Yield the ufuncs of two operands that take tensors, but not products of matrices."""
    for ufunc in [*NUMPY]:
        if isinstance(ufunc, np.ufunc) and (ufunc.nin, ufunc.nout, ufunc.signature) == (2, 1, None):
            yield ufunc


for _ufunc in _ufuncs():
    UFUNC_METHODS.lead(_ufunc.outer, _outer(_ufunc))
    if ("dd->d" in _ufunc.types or _ufunc in _WHOLE) and _ufunc not in _UNRELIABLE:
        UFUNC_METHODS.lead(_ufunc.reduce, _reduce(_ufunc))
    if "dd->d" in _ufunc.types:
        UFUNC_METHODS.lead(_ufunc.accumulate, _accumulate(_ufunc))
