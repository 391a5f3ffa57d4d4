"""Operations on square matrices: solve, inverse, determinant, Cholesky factor, norm.

The gradient of the norm at 0 is 0.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from chainrule._src.base.errors import ShapeError
from chainrule._src.core.kernel import CholeskyFactor, Composite, Solution
from chainrule._src.core.primitive import Family, unbroadcast
from chainrule._src.ops.linalg import transposed as _t

MATRICES = Family()


INV = MATRICES.add(
    "inv",
    np.linalg.inv,
    (lambda g, y, x: -_t(y) @ g @ _t(y),),
    "np.linalg.inv(_0)",
    of=np.linalg.inv,
    kernel=Solution(),
)


def cofactor(x: Any) -> Any:
    """Return the cofactors of every entry, the derivatives of the determinant."""
    u, s, vh = np.linalg.svd(x)
    others = np.where(np.eye(s.shape[-1], dtype=bool), 1, np.expand_dims(s, -2))
    sign = np.sign(np.linalg.det(u) * np.linalg.det(vh))
    products = np.expand_dims(np.prod(others, axis=-1), -2)
    return np.expand_dims(sign, (-2, -1)) * ((u * products) @ vh)


def _cofactor_rule(g: Any, y: Any, x: Any) -> Any:
    # In the basis of singular vectors x is diagonal: cofactors of diag(s) + h to first order in h.
    u, s, vh = np.linalg.svd(x)
    eye = np.eye(np.shape(x)[-1], dtype=bool)
    pair = eye[:, None] | eye[None]
    others = np.where(eye, 0, np.prod(np.where(pair, 1, np.expand_dims(s, (-3, -2))), axis=-1))
    g = _matrix(SIGNDET(u) * SIGNDET(vh)) * (_t(u) @ g @ _t(vh))
    along = np.sum(others * np.expand_dims(np.sum(g * eye, axis=-1), -2), axis=-1)
    return u @ (eye * np.expand_dims(along, -1) - _t(others * g)) @ vh


COFACTOR = MATRICES.add(
    "cofactor", cofactor, (_cofactor_rule,), "cofactor(_0)", helpers=(cofactor,), kernel=None
)
DET = MATRICES.add(
    "det",
    np.linalg.det,
    (lambda g, y, x: _matrix(g) * COFACTOR(x),),
    "np.linalg.det(_0)",
    of=np.linalg.det,
    kernel=None,
)
LOGABSDET = MATRICES.add(
    "logabsdet",
    lambda x: np.linalg.slogdet(x)[1],
    (lambda g, y, x: _matrix(g) * _t(np.linalg.inv(x)),),
    "np.linalg.slogdet(_0)[1]",
    kernel=None,
)
SIGNDET = MATRICES.add(
    "signdet", lambda x: np.linalg.slogdet(x)[0], None, "np.linalg.slogdet(_0)[0]", kernel=None
)


class Slogdet(NamedTuple):
    """The result of NumPy's slogdet."""

    sign: Any
    logabsdet: Any


@MATRICES.implements(np.linalg.slogdet)
def _slogdet(a: Any) -> Slogdet:
    return Slogdet(SIGNDET(a), LOGABSDET(a))


def _matrix(g: Any) -> Any:
    return np.expand_dims(g, (-2, -1)) if np.ndim(g) else g


def _solve_left(g: Any, y: Any, a: Any, b: Any) -> Any:
    if b.ndim == 1:
        back = _solve_columns(a, g)
        return unbroadcast(-np.expand_dims(back, -1) * np.expand_dims(y, -2), a)
    return unbroadcast(-np.linalg.solve(_t(a), g) @ _t(y), a)


def _solve_right(g: Any, y: Any, a: Any, b: Any) -> Any:
    back = _solve_columns(a, g) if b.ndim == 1 else np.linalg.solve(_t(a), g)
    return unbroadcast(back, b)


def _solve_columns(a: Any, g: Any) -> Any:
    """Return the solutions of the transposed systems, with one right-hand side each."""
    if a.ndim == 2:
        return np.linalg.solve(a.T, g)
    return np.squeeze(np.linalg.solve(_t(a), np.expand_dims(g, -1)), -1)


SOLVE = MATRICES.add(
    "solve",
    np.linalg.solve,
    (_solve_left, _solve_right),
    "np.linalg.solve(_0, _1)",
    of=np.linalg.solve,
    kernel=Solution(),
)


@MATRICES.implements(np.linalg.tensorsolve)
def _tensorsolve(a: Any, b: Any, axes: Any = None) -> Any:
    if axes is not None:
        axes = np.lib.array_utils.normalize_axis_tuple(axes, np.ndim(a))
        a = np.transpose(a, (*(d for d in range(np.ndim(a)) if d not in axes), *axes))
    shape = np.shape(a)[np.ndim(b) :]
    solution = np.linalg.solve(np.reshape(a, (-1, math.prod(shape))), np.ravel(b))
    return np.reshape(solution, shape)


@MATRICES.implements(np.linalg.tensorinv)
def _tensorinv(a: Any, ind: int = 2) -> Any:
    if ind <= 0:
        raise ShapeError(f"np.linalg.tensorinv: ind must be positive, received {ind}")
    before, after = np.shape(a)[:ind], np.shape(a)[ind:]
    return np.reshape(np.linalg.inv(np.reshape(a, (math.prod(before), -1))), (*after, *before))


def _cholesky_rule(g: Any, y: Any, x: Any) -> Any:
    # Murray, Differentiation of the Cholesky decomposition, 2016, equation 10.
    phi = np.tril(_t(y) @ g)
    phi = phi - np.eye(np.shape(y)[-1], dtype=y.dtype) * phi / 2
    inverse = np.linalg.inv(y)
    s = _t(inverse) @ phi @ inverse
    return (s + _t(s)) / 2


CHOLESKY = MATRICES.add(
    "cholesky",
    np.linalg.cholesky,
    (_cholesky_rule,),
    "np.linalg.cholesky(_0)",
    of=np.linalg.cholesky,
    kernel=CholeskyFactor(),
)


def _norm_rule(g: Any, y: Any, x: Any, axis: Any, keepdims: bool) -> Any:
    if not keepdims and axis is not None:
        g, y = np.expand_dims(g, axis), np.expand_dims(y, axis)
    return g * x / np.where(y == 0, 1, y)


NORM = MATRICES.add(
    "norm",
    lambda x, axis, keepdims: np.linalg.norm(x, axis=axis, keepdims=keepdims),
    (_norm_rule,),
    "np.linalg.norm(_0, axis=axis, keepdims=keepdims)",
    kernel=Composite(lambda x, axis, keepdims: np.sqrt(np.sum(x**2, axis=axis, keepdims=keepdims))),
)
