"""Methods of ufuncs, ``np.add.at`` for instance, and functions that write into an argument."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule._src.core.elementwise import of_dtype
from chainrule._src.core.primitive import NUMPY, Family
from chainrule._src.core.tensor import Tensor
from chainrule._src.ops.index import GETITEM, SCATTER, parsed

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
    added = np.broadcast_to(of_dtype(NUMPY[list](b), a.dtype), shape)
    a[...] = a + SCATTER(
        added, *arrays, index=fixed, shape=np.shape(a), dtype=np.dtype(a.dtype).type
    )


def _known(array: Any) -> Any:
    while type(array) is Tensor:
        array = array.value
    return array


UFUNC_METHODS.lead(np.add.at, _add_at)
UFUNC_METHODS.lead(np.subtract.at, lambda a, indices, b: _add_at(a, indices, -np.asarray(b)))
for _ufunc, _whole in {
    np.add: np.sum, np.multiply: np.prod, np.maximum: np.max, np.minimum: np.min,
    np.logical_and: np.all, np.logical_or: np.any,
}.items():  # fmt: skip
    UFUNC_METHODS.lead(
        _ufunc.reduce, lambda a, axis=0, whole=_whole, **how: whole(a, axis=axis, **how)
    )
UFUNC_METHODS.lead(np.add.accumulate, lambda a, axis=0: np.cumsum(a, axis=axis))
UFUNC_METHODS.lead(np.multiply.accumulate, lambda a, axis=0: np.cumprod(a, axis=axis))
for _ufunc in (np.add, np.subtract, np.multiply, np.divide, np.maximum, np.minimum):
    UFUNC_METHODS.lead(
        _ufunc.outer,
        lambda a, b, ufunc=_ufunc: ufunc(np.reshape(a, (*np.shape(a), *(1,) * np.ndim(b))), b),
    )
