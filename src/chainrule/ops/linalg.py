"""Matrix products and linear algebra.

The norm at 0 has gradient 0.
"""

from __future__ import annotations

import string
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from chainrule.errors import TraceError
from chainrule.ops.kernel import Composite, Contraction
from chainrule.ops.primitive import EachOperand, Family, unbroadcast

LINALG = Family()


def _left(g: Any, y: Any, a: Any, b: Any) -> Any:
    if a.ndim == b.ndim == 2:
        return g @ b.T
    if b.ndim == 1:
        return unbroadcast(np.expand_dims(g, -1) * b, a) if a.ndim > 1 else g * b
    if a.ndim == 1:
        return b @ g if b.ndim == 2 else unbroadcast(np.squeeze(b @ np.expand_dims(g, -1), -1), a)
    return unbroadcast(g @ _t(b), a)


def _right(g: Any, y: Any, a: Any, b: Any) -> Any:
    if a.ndim == b.ndim == 2:
        return a.T @ g
    if a.ndim == 1:
        return (
            unbroadcast(np.expand_dims(a, -1) * np.expand_dims(g, -2), b) if b.ndim > 1 else g * a
        )
    if b.ndim == 1:
        if a.ndim == 2:
            return a.T @ g
        return unbroadcast(np.squeeze(_t(a) @ np.expand_dims(g, -1), -1), b)
    return unbroadcast(_t(a) @ g, b)


def _t(a: Any) -> Any:
    return a.T if a.ndim == 2 else np.swapaxes(a, -1, -2)


def _matmul_subscripts(ranks: tuple[int, int]) -> str:
    left, right = ranks
    batch = string.ascii_letters[3 : 1 + max(left, right, 2)]
    a = batch[len(batch) - left + 2 :] + "ab" if left > 1 else "b"
    b = batch[len(batch) - right + 2 :] + "bc" if right > 1 else "b"
    return f"{a},{b}->{batch}{'a' * (left > 1)}{'c' * (right > 1)}"


MATMUL = LINALG.add(
    "matmul",
    np.matmul,
    (_left, _right),
    "_0 @ _1",
    of=np.matmul,
    kernel=Contraction(_matmul_subscripts),
)


@LINALG.implements(np.dot)
def _dot(a: Any, b: Any) -> Any:
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return a * b
    if np.ndim(b) <= 2:
        return a @ b
    return np.tensordot(a, b, axes=(-1, -2))


@LINALG.implements(np.vdot)
def _vdot(a: Any, b: Any) -> Any:
    return np.ravel(a) @ np.ravel(b)


@LINALG.implements(np.inner)
def _inner(a: Any, b: Any) -> Any:
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return a * b
    return np.tensordot(a, b, axes=(-1, -1))


@LINALG.implements(np.outer)
def _outer(a: Any, b: Any) -> Any:
    return np.expand_dims(np.ravel(a), 1) * np.ravel(b)


@LINALG.implements(np.tensordot)
def _tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    a, b = (x if hasattr(x, "ndim") else np.asarray(x) for x in (a, b))
    if np.ndim(axes) == 0:
        axes = (range(a.ndim - int(axes), a.ndim), range(int(axes)))
    left, right = (
        tuple(int(axis) % x.ndim for axis in np.atleast_1d(np.asarray(part)))
        for part, x in zip(axes, (a, b), strict=True)
    )
    return TENSORDOT(a, b, axes=(left, right))


def _tensordot_left(g: Any, y: Any, a: Any, b: Any, axes: Any) -> Any:
    left, right = axes
    free = [axis for axis in range(b.ndim) if axis not in right]
    product = np.tensordot(g, b, axes=(range(g.ndim - len(free), g.ndim), free))
    # Its axes are those of a that are free, then the summed ones in the order they have in b.
    order = [axis for axis in range(a.ndim) if axis not in left]
    order += [left[i] for i in np.argsort(right)]
    return np.transpose(product, [order.index(axis) for axis in range(a.ndim)])


def _tensordot_right(g: Any, y: Any, a: Any, b: Any, axes: Any) -> Any:
    left, right = axes
    free = [axis for axis in range(a.ndim) if axis not in left]
    product = np.tensordot(a, g, axes=(free, range(len(free))))
    order = [right[i] for i in np.argsort(left)]
    order += [axis for axis in range(b.ndim) if axis not in right]
    return np.transpose(product, [order.index(axis) for axis in range(b.ndim)])


def _tensordot_subscripts(ranks: tuple[int, int], axes: Any) -> str:
    a, b = string.ascii_lowercase[: ranks[0]], list(string.ascii_uppercase[: ranks[1]])
    for left, right in zip(*axes, strict=True):
        b[right] = a[left]
    kept = [c for i, c in enumerate(a) if i not in axes[0]]
    return f"{a},{''.join(b)}->{''.join(kept + [c for c in b if c.isupper()])}"


TENSORDOT = LINALG.add(
    "tensordot",
    lambda a, b, axes: np.tensordot(a, b, axes=axes),
    (_tensordot_left, _tensordot_right),
    "np.tensordot(_0, _1, axes=axes)",
    kernel=Contraction(_tensordot_subscripts),
)


def _einsum_rule(position: int, g: Any, y: Any, *operands: Any, subscripts: str) -> Any:
    inputs, out = subscripts.split("->")
    terms = inputs.split(",")
    mine, x = terms[position], operands[position]
    parts = [(out, g)]
    parts += [(t, o) for i, (t, o) in enumerate(zip(terms, operands, strict=True)) if i != position]
    # A letter twice in one term takes a diagonal: the gradient goes back onto that diagonal. A
    # letter that stands in no other term, or with size 1, was summed away: the gradient is the same
    # all along it.
    free = iter(c for c in string.ascii_letters if c not in subscripts)
    seen: list[str] = []
    dtype = np.result_type(getattr(x, "dtype", np.float64))
    for letter, size in zip(mine, np.shape(x), strict=True):
        if letter in seen:
            seen.append(next(free))
            parts.append((letter + seen[-1], np.eye(size, dtype=dtype)))
        else:
            seen.append(letter)
            if _extent(letter, parts) != size:
                parts.append((letter, np.ones(size, dtype=dtype)))
    back = f"{','.join(term for term, _ in parts)}->{''.join(seen)}"
    return unbroadcast(EINSUM(*(part for _, part in parts), subscripts=back), x)


def _extent(letter: str, parts: Sequence[tuple[str, Any]]) -> int:
    """Return the largest size that a letter stands for in these terms, 0 if in none."""
    sizes = (zip(term, np.shape(x), strict=True) for term, x in parts)
    return max((size for pairs in sizes for c, size in pairs if c == letter), default=0)


EINSUM = LINALG.add(
    "einsum",
    lambda *operands, subscripts: np.einsum(subscripts, *operands),
    EachOperand(_einsum_rule),
    lambda shapes, subscripts: (
        f"np.einsum({subscripts!r}, {', '.join(f'_{i}' for i in range(len(shapes)))})"
    ),
    kernel=Contraction(lambda ranks, subscripts: subscripts),
)


@LINALG.implements(np.einsum)
def _einsum(subscripts: str, *operands: Any, optimize: Any = False) -> Any:
    if not isinstance(subscripts, str):
        raise TraceError("np.einsum of tensors takes its subscripts as a string")
    inputs, arrow, out = subscripts.replace(" ", "").partition("->")
    terms = inputs.split(",")
    if "..." in subscripts:
        free = [c for c in string.ascii_letters if c not in subscripts]
        ranks = [
            np.ndim(x) - len(t.replace("...", "")) if "..." in t else 0
            for t, x in zip(terms, operands, strict=True)
        ]
        dots = "".join(free[: max(ranks)])
        terms = [
            t.replace("...", dots[len(dots) - rank :]) for t, rank in zip(terms, ranks, strict=True)
        ]
        out = out.replace("...", dots)
    else:
        dots = ""
    if not arrow:
        letters = "".join(terms)
        out = dots + "".join(
            c for c in sorted(set(letters)) if letters.count(c) == 1 and c not in dots
        )
    return EINSUM(*operands, subscripts=f"{','.join(terms)}->{out}")


INV = LINALG.add(
    "inv",
    np.linalg.inv,
    (lambda g, y, x: -_t(y) @ g @ _t(y),),
    "np.linalg.inv(_0)",
    of=np.linalg.inv,
)
DET = LINALG.add(
    "det",
    np.linalg.det,
    (lambda g, y, x: _matrix(g * y) * _t(np.linalg.inv(x)),),
    "np.linalg.det(_0)",
    of=np.linalg.det,
)
LOGABSDET = LINALG.add(
    "logabsdet",
    lambda x: np.linalg.slogdet(x)[1],
    (lambda g, y, x: _matrix(g) * _t(np.linalg.inv(x)),),
    "np.linalg.slogdet(_0)[1]",
)
SIGNDET = LINALG.add("signdet", lambda x: np.linalg.slogdet(x)[0], None, "np.linalg.slogdet(_0)[0]")


class Slogdet(NamedTuple):
    """What NumPy's slogdet returns."""

    sign: Any
    logabsdet: Any


@LINALG.implements(np.linalg.slogdet)
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
    """Solve the transposed systems for one vector each."""
    if a.ndim == 2:
        return np.linalg.solve(a.T, g)
    return np.squeeze(np.linalg.solve(_t(a), np.expand_dims(g, -1)), -1)


SOLVE = LINALG.add(
    "solve",
    np.linalg.solve,
    (_solve_left, _solve_right),
    "np.linalg.solve(_0, _1)",
    of=np.linalg.solve,
)


def _cholesky_rule(g: Any, y: Any, x: Any) -> Any:
    # Murray, Differentiation of the Cholesky decomposition, 2016, equation 10.
    phi = np.tril(_t(y) @ g)
    phi = phi - np.eye(np.shape(y)[-1], dtype=y.dtype) * phi / 2
    inverse = np.linalg.inv(y)
    s = _t(inverse) @ phi @ inverse
    return (s + _t(s)) / 2


CHOLESKY = LINALG.add(
    "cholesky",
    np.linalg.cholesky,
    (_cholesky_rule,),
    "np.linalg.cholesky(_0)",
    of=np.linalg.cholesky,
)


def _norm_rule(g: Any, y: Any, x: Any, axis: Any, keepdims: bool) -> Any:
    if not keepdims and axis is not None:
        g, y = np.expand_dims(g, axis), np.expand_dims(y, axis)
    return g * x / np.where(y == 0, 1, y)


NORM = LINALG.add(
    "norm",
    lambda x, axis, keepdims: np.linalg.norm(x, axis=axis, keepdims=keepdims),
    (_norm_rule,),
    "np.linalg.norm(_0, axis=axis, keepdims=keepdims)",
    kernel=Composite(lambda x, axis, keepdims: np.sqrt(np.sum(x**2, axis=axis, keepdims=keepdims))),
)


@LINALG.implements(np.linalg.norm)
def _norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:  # noqa: A002
    matrix = (np.ndim(x) == 2 and axis is None) or np.ndim(axis) == 1
    if ord is None or (ord == 2 and not matrix) or (ord == "fro" and matrix):
        return NORM(x, axis=axis, keepdims=keepdims)
    if matrix or ord not in (1, np.inf, -np.inf):
        raise TraceError(
            "np.linalg.norm of a tensor takes ord None, 'fro', or for vectors 1, 2, inf and -inf; "
            f"received {ord!r}"
        )
    size = np.abs(x)
    reduce: Any = {1: np.sum, np.inf: np.max, -np.inf: np.min}[ord]
    return reduce(size, axis=axis, keepdims=keepdims)
