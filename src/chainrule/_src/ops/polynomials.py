"""Polynomials, given by their coefficients, that of the highest power first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule._src.base.errors import ShapeError
from chainrule._src.core.elementwise import of_dtype
from chainrule._src.core.primitive import Family
from chainrule._src.ops.joining import stacked

POLYNOMIALS = Family()


@POLYNOMIALS.implements(np.polyval)
def _polyval(p: Any, x: Any) -> Any:
    p = stacked(p) if isinstance(p, list | tuple) else p
    y: Any = np.zeros_like(x)
    for coefficient in p:
        y = y * x + coefficient
    return y


def _sum_of(combine: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that combines coefficients of the same power."""

    def combined(a1: Any, a2: Any) -> Any:
        a1, a2 = np.atleast_1d(stacked(a1)), np.atleast_1d(stacked(a2))
        missing = len(a1) - len(a2)
        return combine(*(np.pad(a, (max(n, 0), 0)) for a, n in ((a1, -missing), (a2, missing))))

    return combined


POLYNOMIALS.lead(np.polyadd, _sum_of(np.add))
POLYNOMIALS.lead(np.polysub, _sum_of(np.subtract))


@POLYNOMIALS.implements(np.polymul)
def _polymul(a1: Any, a2: Any) -> Any:
    a1, a2 = (a if np.size(a) else np.zeros(1) for a in map(stacked, (a1, a2)))
    return np.convolve(a1, a2)


@POLYNOMIALS.implements(np.polydiv)
def _polydiv(u: Any, v: Any) -> Any:
    u, v = (np.atleast_1d(stacked(a)) * 1.0 for a in (u, v))
    steps, part, quotient = len(u) - len(v) + 1, u, []
    for _ in range(steps):
        quotient.append(part[0] / v[0])
        part = np.concatenate([part[1 : len(v)] - quotient[-1] * v[1:], part[len(v) :]])
    return (np.stack(quotient) if quotient else part[:1] * 0), part if len(part) else u[:1] * 0


@POLYNOMIALS.implements(np.polyder)
def _polyder(p: Any, m: int = 1) -> Any:
    for _ in range(m):
        p = p[:-1] * np.arange(len(p) - 1, 0, -1)
    return p


@POLYNOMIALS.implements(np.polyint)
def _polyint(p: Any, m: int = 1, k: Any = None) -> Any:
    p = stacked(p)
    constants = np.zeros(m) if k is None else np.atleast_1d(stacked(k))
    for i in range(m):
        constant = constants[i if len(constants) > 1 else 0]
        powers = np.arange(len(p), 0, -1)
        p = np.concatenate([p / powers, np.reshape(constant, (1,))])
    return p


@POLYNOMIALS.implements(np.poly)
def _poly(seq_of_zeros: Any) -> Any:
    roots = stacked(seq_of_zeros)
    if np.ndim(roots) == 2:
        roots = np.linalg.eigvals(roots)
    if np.ndim(roots) != 1:
        raise ShapeError(f"np.poly takes roots, or a matrix, received shape {np.shape(roots)}")
    dtype = np.float32 if roots.dtype == np.float32 else np.float64
    p: Any = np.ones(1, dtype)
    for root in of_dtype(roots, dtype):
        p = np.pad(p, (0, 1)) - root * np.pad(p, (1, 0))
    return p


@POLYNOMIALS.implements(np.vander)
def _vander(x: Any, N: int | None = None, increasing: bool = False) -> Any:
    x = of_dtype(x, np.promote_types(x.dtype, int))
    powers = range(np.shape(x)[0] if N is None else N)
    columns = [x**k for k in (powers if increasing else reversed(powers))]
    return np.stack(columns, axis=1) if columns else np.reshape(x, (-1, 1))[:, :0]


@POLYNOMIALS.implements(np.polyfit)
def _polyfit(x: Any, y: Any, deg: int, rcond: Any = None, *, w: Any = None) -> Any:
    x, y = (stacked(a) + 0.0 for a in (x, y))
    rcond = len(x) * np.finfo(x.dtype).eps if rcond is None else rcond
    matrix = np.vander(x, deg + 1)
    if w is not None:
        weights = stacked(w) + 0.0
        matrix = matrix * weights[:, np.newaxis]
        y = y * (weights if np.ndim(y) == 1 else weights[:, np.newaxis])
    scale = np.sqrt(np.sum(matrix**2, axis=0))
    fitted = np.linalg.lstsq(matrix / scale, y, rcond)[0]
    return fitted / (scale if np.ndim(y) == 1 else scale[:, np.newaxis])
