"""Eigenvalues, singular values, pseudo-inverses, and the norms computed from singular values.

If eigenvalues (or singular values) are equal, their vectors are only determined up to a rotation:
the derivative in the direction of each other is set to 0.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from chainrule._src.base.errors import ShapeError, TraceError
from chainrule._src.core.elementwise import of_dtype
from chainrule._src.core.primitive import Family, Primitive, Traced
from chainrule._src.ops.joining import stacked
from chainrule._src.ops.linalg import transposed as _t
from chainrule._src.ops.matrices import NORM

DECOMPOSITIONS = Family()


def _inverse(x: Any) -> Any:
    """Return 1 / x, and 0 where x is 0."""
    return np.where(x == 0, 0, 1 / np.where(x == 0, 1, x))


def _gaps(w: Any) -> Any:
    """Return the differences of eigenvalues: entry (i, j) is ``w[j] - w[i]``."""
    return np.expand_dims(w, -2) - np.expand_dims(w, -1)


def _read(s: Any, UPLO: str) -> Any:
    """Return the adjoint of the triangle that is read, from the adjoint of the symmetric matrix."""
    triangle = np.tril if UPLO.upper() == "L" else np.triu
    return triangle(s + _t(s)) - np.eye(np.shape(s)[-1], dtype=s.dtype) * s


def _eigh_values_rule(g: Any, y: Any, x: Any, UPLO: str) -> Any:
    v = EIGH_VECTORS(x, UPLO=UPLO)
    return _read((v * np.expand_dims(g, -2)) @ _t(v), UPLO)


def _eigh_vectors_rule(g: Any, y: Any, x: Any, UPLO: str) -> Any:
    turning = _inverse(_gaps(EIGH_VALUES(x, UPLO=UPLO))) * (_t(y) @ g)
    return _read(y @ turning @ _t(y), UPLO)


EIGH_VALUES = DECOMPOSITIONS.add(
    "eigh_values",
    lambda x, UPLO: np.linalg.eigvalsh(x, UPLO),
    (_eigh_values_rule,),
    "np.linalg.eigvalsh(_0, UPLO)",
    kernel=None,
)
EIGH_VECTORS = DECOMPOSITIONS.add(
    "eigh_vectors",
    lambda x, UPLO: np.linalg.eigh(x, UPLO)[1],
    (_eigh_vectors_rule,),
    "np.linalg.eigh(_0, UPLO)[1]",
    kernel=None,
)


def _eig_values_rule(g: Any, y: Any, x: Any) -> Any:
    v = _t(EIG_VECTORS(x))
    return np.linalg.inv(v) @ (np.expand_dims(g, -1) * v)


def _eig_vectors_rule(g: Any, y: Any, x: Any) -> Any:
    # The vectors keep length 1: the component along each vector is subtracted.
    lengthening = np.expand_dims(np.sum(y * g, axis=-2), -2)
    turning = _inverse(_gaps(EIG_VALUES(x))) * (_t(y) @ g - (_t(y) @ y) * lengthening)
    return np.linalg.inv(_t(y)) @ turning @ _t(y)


EIG_VALUES = DECOMPOSITIONS.add(
    "eig_values", np.linalg.eigvals, (_eig_values_rule,), "np.linalg.eigvals(_0)",
    of=np.linalg.eigvals,
    kernel=None,
)  # fmt: skip
EIG_VECTORS = DECOMPOSITIONS.add(
    "eig_vectors",
    lambda x: np.linalg.eig(x)[1],
    (_eig_vectors_rule,),
    "np.linalg.eig(_0)[1]",
    kernel=None,
)


# Townsend, Differentiating the singular value decomposition, 2016.
def _u_rule(g: Any, y: Any, x: Any) -> Any:
    s, vh = SVD_VALUES(x), SVD_VH(x)
    return _left_vectors(g, y, s, vh)


def _vh_rule(g: Any, y: Any, x: Any) -> Any:
    u, s = SVD_U(x), SVD_VALUES(x)
    return _t(_left_vectors(_t(g), _t(y), s, _t(u)))  # the left vectors of the transpose


def _left_vectors(g: Any, u: Any, s: Any, vh: Any) -> Any:
    inside = _t(u) @ g
    turning = _inverse(_gaps(s**2)) * (inside - _t(inside))
    adjoint = u @ (turning * np.expand_dims(s, -2))
    if np.shape(u)[-2] > np.shape(u)[-1]:
        adjoint = adjoint + (g - u @ inside) * np.expand_dims(_inverse(s), -2)
    return adjoint @ vh


SVD_U = DECOMPOSITIONS.add(
    "svd_u",
    lambda x: np.linalg.svd(x, full_matrices=False)[0],
    (_u_rule,),
    "np.linalg.svd(_0, full_matrices=False)[0]",
    kernel=None,
)
SVD_VALUES = DECOMPOSITIONS.add(
    "svd_values",
    lambda x: np.linalg.svd(x, compute_uv=False),
    (lambda g, y, x: (SVD_U(x) * np.expand_dims(g, -2)) @ SVD_VH(x),),
    "np.linalg.svd(_0, compute_uv=False)",
    kernel=None,
)
SVD_VH: Primitive = DECOMPOSITIONS.add(
    "svd_vh",
    lambda x: np.linalg.svd(x, full_matrices=False)[2],
    (_vh_rule,),
    "np.linalg.svd(_0, full_matrices=False)[2]",
    kernel=None,
)


def _pinv_rule(g: Any, y: Any, x: Any, rcond: Any) -> Any:
    # Golub, Pereyra, The differentiation of pseudo-inverses, 1973, equation 4.12.
    gt, yt = _t(g), _t(y)
    outside = gt @ y @ yt - x @ (y @ (gt @ y @ yt))
    return -yt @ g @ yt + outside + yt @ y @ gt - (yt @ y @ gt @ y) @ x


PINV = DECOMPOSITIONS.add(
    "pinv",
    lambda x, rcond: np.linalg.pinv(x, rcond),
    (_pinv_rule,),
    lambda shapes, rcond: f"np.linalg.pinv(_0{'' if rcond is None else ', rcond'})",
    kernel=None,
)


def _mirrored(m: Any) -> Any:
    """Return the symmetric matrix with the lower triangle of a matrix."""
    return np.tril(m) + _t(np.tril(m, -1))


# Walter, Lehmann, Lamour, On evaluating higher-order derivatives of the QR decomposition, 2012.
def _q_rule(g: Any, y: Any, x: Any) -> Any:
    inside = g + y @ _mirrored(-_t(g) @ y)
    return _t(np.linalg.solve(QR_R(x), _t(inside)))


def _r_rule(g: Any, y: Any, x: Any) -> Any:
    inside = QR_Q(x) @ _mirrored(y @ _t(np.triu(g)))
    return _t(np.linalg.solve(y, _t(inside)))


QR_Q = DECOMPOSITIONS.add(
    "qr_q", lambda x: np.linalg.qr(x)[0], (_q_rule,), "np.linalg.qr(_0)[0]", kernel=None
)
QR_R: Primitive = DECOMPOSITIONS.add(
    "qr_r", lambda x: np.linalg.qr(x)[1], (_r_rule,), "np.linalg.qr(_0)[1]", kernel=None
)


class Qr(NamedTuple):
    """The result of NumPy's qr."""

    Q: Any
    R: Any


class Eig(NamedTuple):
    """The result of NumPy's eig and eigh."""

    eigenvalues: Any
    eigenvectors: Any


class Svd(NamedTuple):
    """The result of NumPy's svd."""

    U: Any
    S: Any
    Vh: Any


@DECOMPOSITIONS.implements(np.linalg.eigvalsh)
def _eigvalsh(a: Any, UPLO: str = "L") -> Any:
    return EIGH_VALUES(a, UPLO=UPLO)


@DECOMPOSITIONS.implements(np.linalg.eigh)
def _eigh(a: Any, UPLO: str = "L") -> Eig:
    return Eig(EIGH_VALUES(a, UPLO=UPLO), EIGH_VECTORS(a, UPLO=UPLO))


@DECOMPOSITIONS.implements(np.linalg.eig)
def _eig(a: Any) -> Eig:
    return Eig(EIG_VALUES(a), EIG_VECTORS(a))


@DECOMPOSITIONS.implements(np.linalg.svd)
def _svd(a: Any, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    if not compute_uv:
        return SVD_VALUES(a)
    rows, columns = np.shape(a)[-2:]
    if full_matrices and rows != columns:
        raise TraceError(
            "np.linalg.svd of a tensor: the vectors beyond the singular values are not determined "
            "by the matrix and have no gradient; write full_matrices=False"
        )
    return Svd(SVD_U(a), SVD_VALUES(a), SVD_VH(a))


@DECOMPOSITIONS.implements(np.linalg.svdvals)
def _svdvals(x: Any) -> Any:
    return SVD_VALUES(x)


@DECOMPOSITIONS.implements(np.linalg.pinv)
def _pinv(a: Any, rcond: Any = None) -> Any:
    return PINV(a, rcond=rcond)


@DECOMPOSITIONS.implements(np.linalg.qr)
def _qr(a: Any, mode: str = "reduced") -> Any:
    rows, columns = np.shape(a)[-2:]
    if mode not in ("reduced", "r", "complete") or (mode == "complete" and rows > columns):
        raise TraceError(
            "np.linalg.qr of a tensor takes the modes 'reduced' and 'r': other vectors are not "
            f"determined by the matrix; received mode={mode!r}"
        )
    first = a[..., :rows]  # the first columns determine Q
    q, r = QR_Q(first), QR_R(first)
    if columns > rows:
        r = np.concatenate([r, _t(q) @ a[..., rows:]], axis=-1)
    return r if mode == "r" else Qr(q, r)


@DECOMPOSITIONS.implements(np.linalg.lstsq)
def _lstsq(a: Any, b: Any, rcond: Any = None) -> Any:
    a, b = (stacked(x) + 0.0 for x in (a, b))
    if np.ndim(a) != 2 or np.ndim(b) not in (1, 2) or len(a) != len(b):
        raise ShapeError(
            "np.linalg.lstsq takes a matrix, and right-hand sides with as many rows, received "
            f"shapes {np.shape(a)} and {np.shape(b)}"
        )
    rows, columns = np.shape(a)
    rcond = np.finfo(a.dtype).eps * max(rows, columns) if rcond is None else rcond
    x, s = np.linalg.pinv(a, rcond) @ b, np.linalg.svdvals(a)
    rank = np.sum(s > rcond * s[:1])
    residuals = np.atleast_1d(np.sum((b - a @ x) ** 2, axis=0))
    is_exact = rows <= columns or (not isinstance(rank, Traced) and rank < columns)
    return x, residuals[:0] if is_exact else residuals, rank, s


@DECOMPOSITIONS.implements(np.linalg.cond)
def _cond(x: Any, p: Any = None) -> Any:
    if p in (None, 2, -2):
        s = SVD_VALUES(x)
        return s[..., -1] / s[..., 0] if p == -2 else s[..., 0] / s[..., -1]
    return np.linalg.norm(x, p, axis=(-2, -1)) * np.linalg.norm(np.linalg.inv(x), p, axis=(-2, -1))


_NOTHING_HAS_A_NORM = np.lib.NumpyVersion(np.__version__) >= "2.3.0"


def _largest(x: Any, **how: Any) -> Any:
    """Return the maximum of non-negative entries; without entries, the result of NumPy's norms."""
    return (np.sum if _NOTHING_HAS_A_NORM and not np.size(x) else np.max)(x, **how)


_MATRIX_NORMS: dict[Any, Any] = {
    "nuc": lambda x: np.sum(SVD_VALUES(x), axis=-1),
    2: lambda x: _largest(SVD_VALUES(x), axis=-1),
    -2: lambda x: np.min(SVD_VALUES(x), axis=-1),
    1: lambda x: _largest(np.sum(np.abs(x), axis=-2), axis=-1),
    -1: lambda x: np.min(np.sum(np.abs(x), axis=-2), axis=-1),
    np.inf: lambda x: _largest(np.sum(np.abs(x), axis=-1), axis=-1),
    -np.inf: lambda x: np.min(np.sum(np.abs(x), axis=-1), axis=-1),
}
_VECTOR_NORMS: dict[Any, Any] = {
    0: lambda x, **how: np.sum(x != 0, **how).astype(x.dtype),
    1: lambda x, **how: np.sum(np.abs(x), **how),
    np.inf: lambda x, **how: _largest(np.abs(x), **how),
    -np.inf: lambda x, **how: np.min(np.abs(x), **how),
}


@DECOMPOSITIONS.implements(np.linalg.norm)
def _norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:  # noqa: A002
    x = x if x.dtype.kind == "f" else of_dtype(x, np.float64)
    axes = tuple(range(np.ndim(x))) if axis is None else axis
    axes = np.lib.array_utils.normalize_axis_tuple(axes, np.ndim(x))
    matrix = len(axes) == 2
    if ord is None or (ord == 2 and not matrix) or (ord == "fro" and matrix):
        return NORM(x, axis=axis, keepdims=keepdims)
    if matrix and ord in _MATRIX_NORMS:
        norms = _MATRIX_NORMS[ord](np.moveaxis(x, axes, (-2, -1)))
        return np.expand_dims(norms, tuple(sorted(axes))) if keepdims else norms
    if len(axes) != 1 or isinstance(ord, str):
        raise TraceError(
            "np.linalg.norm takes, for vectors, a number as ord, and for matrices None, 'fro', "
            f"'nuc', 1, -1, 2, -2, inf or -inf; received {ord!r} for {len(axes)} axes"
        )
    if ord in _VECTOR_NORMS:
        return _VECTOR_NORMS[ord](x, axis=axes[0], keepdims=keepdims)
    total = np.sum(np.abs(x) ** ord, axis=axes[0], keepdims=keepdims)
    return np.where(total == 0, 0, np.where(total == 0, 1, total) ** (1 / ord))


@DECOMPOSITIONS.implements(np.linalg.vector_norm)
def _vector_norm(x: Any, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Any:  # noqa: A002
    axes = tuple(range(np.ndim(x))) if axis is None else axis
    axes = np.lib.array_utils.normalize_axis_tuple(axes, np.ndim(x))
    free = [d for d in range(np.ndim(x)) if d not in axes]
    sizes = np.shape(x)
    rows = np.reshape(  # the entries of one norm are along the last axis
        np.transpose(x, (*free, *axes)),
        (*(sizes[d] for d in free), math.prod(sizes[d] for d in axes)),
    )
    norms = _norm(rows, ord, -1)
    return np.expand_dims(norms, axes) if keepdims and axes else norms


@DECOMPOSITIONS.implements(np.linalg.matrix_norm)
def _matrix_norm(x: Any, *, keepdims: bool = False, ord: Any = "fro") -> Any:  # noqa: A002
    return _norm(x, ord, (-2, -1), keepdims)
