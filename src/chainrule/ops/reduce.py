"""Sums and other reductions over axes.

Where several entries are the maximum (or minimum), they share the gradient equally. The standard
deviation of equal entries has slope 0.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from chainrule.ops.elementwise import ASTYPE
from chainrule.ops.kernel import Best, Composite, Kernel, Reduction, Scan
from chainrule.ops.primitive import Family, Primitive
from chainrule.ops.shape import BROADCAST_TO, EXPAND_DIMS

REDUCE = Family()
_add_reduce: Any = np.add.reduce


def _axes(axis: Any, ndim: int) -> tuple[int, ...]:
    if isinstance(axis, int):
        return (axis % ndim,)
    if axis is None:
        return tuple(range(ndim))
    return tuple(a % ndim for a in (axis if isinstance(axis, tuple | list) else (axis,)))


def _count(x: Any, axis: Any) -> int:
    if axis is None:
        return int(x.size)
    return math.prod([x.shape[a] for a in _axes(axis, x.ndim)])


def _restore(g: Any, x: Any, axis: Any, keepdims: bool) -> Any:
    """Put back the axes of ``x`` that a reduction took away, each with length 1."""
    if keepdims or axis is None or x.ndim == 0:
        return g
    if axis == -1 or axis == x.ndim - 1:
        return EXPAND_DIMS(g, axis=-1)
    axes = _axes(axis, x.ndim)
    if not axes:
        return g
    return EXPAND_DIMS(g, axis=axes if len(axes) > 1 else axes[0])


def _spread(g: Any, x: Any, axis: Any, keepdims: bool) -> Any:
    """Repeat the adjoint of a reduction over the entries of ``x`` that it took in."""
    if x.shape == ():
        return g
    return BROADCAST_TO(_restore(g, x, axis, keepdims), shape=x.shape)


def _mean(x: Any, axis: Any, keepdims: bool) -> Any:
    if x.dtype.char not in "fd":
        return np.mean(x, axis=axis, keepdims=keepdims)
    # What np.mean does, without its way through Python.
    total: Any = _add_reduce(x, axis=axis, keepdims=keepdims)
    return total / x.dtype.type(_count(x, axis))


def _share(g: Any, y: Any, x: Any, axis: Any, keepdims: bool) -> Any:
    hit = x == _restore(y, x, axis, keepdims)
    count = np.sum(hit, axis=axis, keepdims=True)
    g = _restore(g, x, axis, keepdims)
    return g * hit / ASTYPE(count, dtype=np.dtype(g.dtype).type)


def _prod(g: Any, y: Any, x: Any, axis: Any, keepdims: bool) -> Any:
    # The product of all others: exact also where entries are zero, at the cost of their square.
    axes = _axes(axis, x.ndim)
    last = tuple(range(-len(axes), 0))
    moved = np.moveaxis(x, axes, last)
    flat = np.reshape(moved, (*moved.shape[: moved.ndim - len(axes)], -1))
    size = flat.shape[-1]
    others = np.where(np.eye(size, dtype=bool), 1, np.expand_dims(flat, -2))
    rest = np.moveaxis(np.reshape(np.prod(others, axis=-1), moved.shape), last, axes)
    return _restore(g, x, axis, keepdims) * rest


SUM = REDUCE.add(
    "sum",
    lambda x, axis, keepdims: _add_reduce(x, axis=axis, keepdims=keepdims),
    (lambda g, y, x, axis, keepdims: _spread(g, x, axis, keepdims),),
    "np.sum(_0, axis=axis, keepdims=keepdims)",
    kernel=Reduction("_0 + _1", 0),
)
MEAN = REDUCE.add(
    "mean",
    _mean,
    (lambda g, y, x, axis, keepdims: _spread(g / _count(x, axis), x, axis, keepdims),),
    "np.mean(_0, axis=axis, keepdims=keepdims)",
    kernel=Composite(
        lambda x, axis, keepdims: np.sum(x, axis=axis, keepdims=keepdims) / _count(x, axis)
    ),
)


def _variance(x: Any, axis: Any, ddof: int, keepdims: bool) -> Any:
    centred = x - np.mean(x, axis=axis, keepdims=True)
    return np.sum(centred**2, axis=axis, keepdims=keepdims) / (_count(x, axis) - ddof)


def _over_freedom(number: int, x: Any, axis: Any, ddof: int) -> float:
    """Divide by the degrees of freedom; NaN where there are none, as NumPy's variance then is."""
    freedom = _count(x, axis) - ddof
    return number / freedom if freedom > 0 else math.nan


def _plain(name: str, value: Any, rule: Any, kernel: Kernel) -> Primitive:
    rules = None if rule is None else (rule,)
    text = f"np.{name}(_0, axis=axis, keepdims=keepdims)"
    return REDUCE.add(name, value, rules, text, kernel=kernel)


PROD = _plain("prod", np.prod, _prod, Reduction("_0 * _1", 1))
MAX = _plain("max", np.max, _share, Reduction("_1 if _0 < _1 or _1 != _1 else _0", -np.inf))
MIN = _plain("min", np.min, _share, Reduction("_1 if _0 > _1 or _1 != _1 else _0", np.inf))
VAR = REDUCE.add(
    "var",
    np.var,
    (
        lambda g, y, x, axis, ddof, keepdims: (
            _restore(g, x, axis, keepdims)
            * _over_freedom(2, x, axis, ddof)
            * (x - np.mean(x, axis=axis, keepdims=True))
        ),
    ),
    "np.var(_0, axis=axis, ddof=ddof, keepdims=keepdims)",
    kernel=Composite(_variance),
)
STD = REDUCE.add(
    "std",
    np.std,
    (
        lambda g, y, x, axis, ddof, keepdims: (
            _restore(g / np.where(y == 0, 1, y), x, axis, keepdims)
            * _over_freedom(1, x, axis, ddof)
            * (x - np.mean(x, axis=axis, keepdims=True))
        ),
    ),
    "np.std(_0, axis=axis, ddof=ddof, keepdims=keepdims)",
    kernel=Composite(lambda x, **how: np.sqrt(_variance(x, **how))),
)
CUMSUM = REDUCE.add(
    "cumsum",
    np.cumsum,
    (lambda g, y, x, axis: np.flip(np.cumsum(np.flip(g, axis), axis), axis),),
    "np.cumsum(_0, axis=axis)",
    kernel=Scan(),
)
ARGMAX = _plain("argmax", np.argmax, None, Best("_1 > _0 or (_1 != _1 and _0 == _0)"))
ARGMIN = _plain("argmin", np.argmin, None, Best("_1 < _0 or (_1 != _1 and _0 == _0)"))
ARGSORT = REDUCE.add("argsort", np.argsort, None, "np.argsort(_0, axis=axis)")
ALL = _plain("all", np.all, None, Reduction("_0 and _1", True))
ANY = _plain("any", np.any, None, Reduction("_0 or _1", False))


def _reduction(primitive: Any) -> Any:
    def reduce(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
        return primitive(a, axis=axis, keepdims=bool(keepdims))

    return reduce


_REDUCTIONS: dict[Any, Primitive] = {
    np.sum: SUM, np.mean: MEAN, np.prod: PROD, np.max: MAX, np.min: MIN, np.amax: MAX,
    np.amin: MIN, np.argmax: ARGMAX, np.argmin: ARGMIN, np.all: ALL, np.any: ANY,
}  # fmt: skip
REDUCE.numpy.update({function: _reduction(p) for function, p in _REDUCTIONS.items()})


@REDUCE.implements(np.var)
def _var(a: Any, axis: Any = None, *, ddof: int = 0, keepdims: bool = False) -> Any:
    return VAR(a, axis=axis, ddof=ddof, keepdims=bool(keepdims))


@REDUCE.implements(np.std)
def _std(a: Any, axis: Any = None, *, ddof: int = 0, keepdims: bool = False) -> Any:
    return STD(a, axis=axis, ddof=ddof, keepdims=bool(keepdims))


@REDUCE.implements(np.ptp)
def _ptp(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    return np.max(a, axis=axis, keepdims=keepdims) - np.min(a, axis=axis, keepdims=keepdims)


@REDUCE.implements(np.cumsum)
def _cumsum(a: Any, axis: int | None = None) -> Any:
    a, axis = _one_axis(a, axis)
    return CUMSUM(a, axis=axis)


def _one_axis(a: Any, axis: int | None) -> tuple[Any, int]:
    """Return the array and the axis to go along: all entries in one where none is named."""
    if axis is None:
        return np.ravel(a), 0
    return (np.ravel(a) if np.ndim(a) == 0 else a), axis


@REDUCE.implements(np.argsort)
def _argsort(a: Any, axis: int | None = -1) -> Any:
    return ARGSORT(np.ravel(a), axis=0) if axis is None else ARGSORT(a, axis=axis)


@REDUCE.implements(np.sort)
def _sort(a: Any, axis: int | None = -1) -> Any:
    if axis is None:
        a, axis = np.ravel(a), 0
    return np.take_along_axis(a, np.argsort(a, axis=axis), axis=axis)
