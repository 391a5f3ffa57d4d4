"""Products of matrices and tensors."""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from chainrule._src.core.elementwise import as_numpy_number, of_dtype
from chainrule._src.core.forms import first_entry
from chainrule._src.core.kernel import Contraction
from chainrule._src.core.primitive import EachOperand, Family, Primitive, Rule, unbroadcast
from chainrule._src.core.weak import common_dtype, is_weak

LINALG = Family()
LOWER = "abcdefghijklmnopqrstuvwxyz"
UPPER = LOWER.upper()
LETTERS = LOWER + UPPER
FEW = 2**16  # multiplications; doing fewer is as fast as computing a form


def _left(g: Any, y: Any, a: Any, b: Any) -> Any:
    if a.ndim == b.ndim == 2:
        return g @ b.T
    if b.ndim == 1:
        return unbroadcast(np.expand_dims(g, -1) * b, a) if a.ndim > 1 else g * b
    if a.ndim == 1:
        return b @ g if b.ndim == 2 else unbroadcast(np.squeeze(b @ np.expand_dims(g, -1), -1), a)
    return unbroadcast(g @ transposed(b), a)


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
        return unbroadcast(np.squeeze(transposed(a) @ np.expand_dims(g, -1), -1), b)
    if b.ndim == 2:  # one product, instead of a sum of one product for each matrix
        rows = tuple(range(a.ndim - 1))
        return TENSORDOT(a, g, axes=(rows, rows))
    return unbroadcast(transposed(a) @ g, b)


def transposed(a: Any) -> Any:
    """Return matrices with rows and columns exchanged."""
    return a.T if a.ndim == 2 else np.swapaxes(a, -1, -2)


def _matmul_subscripts(ranks: tuple[int, int]) -> str:
    n_axes_a, n_axes_b = ranks
    batch = LETTERS[3 : 1 + max(n_axes_a, n_axes_b, 2)]
    a = batch[len(batch) - n_axes_a + 2 :] + "ab" if n_axes_a > 1 else "b"
    b = batch[len(batch) - n_axes_b + 2 :] + "bc" if n_axes_b > 1 else "b"
    return f"{a},{b}->{batch}{'a' * (n_axes_a > 1)}{'c' * (n_axes_b > 1)}"


def _of_first_terms(value: Rule, subscripts: Callable[..., str]) -> Rule:
    """Return the form of a contraction: one product of first entries, repeated.

    Operands whose shapes do not fit are multiplied, so that NumPy raises its error.
    """

    @functools.lru_cache(256)
    def work(shapes: tuple[tuple[int, ...], ...], **params: Any) -> tuple[int, list[int]]:
        """Return the number of multiplications, 0 if the shapes do not fit; the result's shape."""
        inputs, out = subscripts(tuple(map(len, shapes)), **params).split("->")
        terms = [*zip(inputs.split(","), shapes, strict=True)]
        pairs = [pair for term, shape in terms for pair in zip(term, shape, strict=False)]
        sizes = {c: size for c, size in pairs if size > 1}
        fit = all(size in (sizes.get(c), 1) for c, size in pairs)
        fit = fit and all(len(term) == len(shape) for term, shape in terms)
        return math.prod(sizes.values()) * fit, [sizes.get(c, 1) for c in out]

    def form(*operands: Any, **params: Any) -> Any:
        count, shape = work(tuple([np.shape(x) for x in operands]), **params)
        if count <= FEW:
            return value(*operands, **params)
        return np.broadcast_to(value(*map(first_entry, operands), **params), shape)

    return form


def _add_contraction(
    name: str, value: Rule, rules: Any, text: Any, subscripts: Callable[..., str], of: Any = None
) -> Primitive:
    kernel, form = Contraction(subscripts), _of_first_terms(value, subscripts)
    return LINALG.add(name, value, rules, text, of=of, kernel=kernel, form=form)


MATMUL = _add_contraction(
    "matmul", np.matmul, (_left, _right), "_0 @ _1", _matmul_subscripts, of=np.matmul
)


def _matmul_last(a: Any, b: Any) -> Any:
    return np.moveaxis(np.moveaxis(a, -1, 0) @ np.moveaxis(b, -1, 0), 0, -1)


MATMUL_LAST: Primitive = _add_contraction(
    "matmul_last",
    _matmul_last,
    (
        lambda g, y, a, b: MATMUL_LAST(g, np.swapaxes(b, 0, 1)),
        lambda g, y, a, b: MATMUL_LAST(np.swapaxes(a, 0, 1), g),
    ),
    "np.moveaxis(np.moveaxis(_0, -1, 0) @ np.moveaxis(_1, -1, 0), 0, -1)",
    lambda ranks: "abz,bcz->acz",
)
"""Products of matrices that are stacked along the last axis."""


def _arrays(*operands: Any) -> tuple[Any, ...]:
    """Return operands with single numbers as arrays, because in products their dtype counts."""
    return tuple(as_numpy_number(x) if is_weak(x) else x for x in operands)


@LINALG.implements(np.dot)
def _dot(a: Any, b: Any) -> Any:
    a, b = _arrays(a, b)
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return a * b
    if np.ndim(b) <= 2:
        return a @ b
    return np.tensordot(a, b, axes=(-1, -2))


@LINALG.implements(np.linalg.matmul)
def _matmul(x1: Any, x2: Any) -> Any:
    return x1 @ x2


@LINALG.implements(np.vecdot, np.linalg.vecdot)
def _vecdot(x1: Any, x2: Any, *, axis: int = -1) -> Any:
    return of_dtype(np.sum(x1 * x2, axis=axis), common_dtype(x1, x2))


if hasattr(np, "matvec"):  # since NumPy 2.2

    @LINALG.implements(np.matvec)
    def _matvec(x1: Any, x2: Any) -> Any:
        return np.squeeze(x1 @ np.expand_dims(x2, -1), -1)

    @LINALG.implements(np.vecmat)
    def _vecmat(x1: Any, x2: Any) -> Any:
        return np.squeeze(np.expand_dims(x1, -2) @ x2, -2)


@LINALG.implements(np.linalg.multi_dot)
def _multi_dot(arrays: Any) -> Any:
    return functools.reduce(np.dot, arrays)


@LINALG.implements(np.linalg.matrix_power)
def _matrix_power(a: Any, n: int) -> Any:
    if n < 0:
        return np.linalg.matrix_power(np.linalg.inv(a), -n)
    if n == 0:
        return np.broadcast_to(np.eye(np.shape(a)[-1], dtype=a.dtype), np.shape(a))
    half = a if n == 1 else np.linalg.matrix_power(a @ a, n // 2)
    return half @ a if n % 2 and n > 1 else half


@LINALG.implements(np.vdot)
def _vdot(a: Any, b: Any) -> Any:
    return np.ravel(a) @ np.ravel(b)


@LINALG.implements(np.inner)
def _inner(a: Any, b: Any) -> Any:
    a, b = _arrays(a, b)
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return a * b
    return np.tensordot(a, b, axes=(-1, -1))


@LINALG.implements(np.outer, np.linalg.outer)
def _outer(a: Any, b: Any) -> Any:
    return np.expand_dims(np.ravel(a), 1) * np.ravel(b)


@LINALG.implements(np.tensordot, np.linalg.tensordot)
def _tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    a, b = (x if hasattr(x, "ndim") else np.asarray(x) for x in (a, b))
    if np.ndim(axes) == 0:
        count = operator.index(axes)
        axes = (range(-count, 0), range(count))
    left, right = (
        np.lib.array_utils.normalize_axis_tuple(part, x.ndim, "np.tensordot")
        for part, x in zip(axes, (a, b), strict=True)
    )
    return TENSORDOT(a, b, axes=(left, right))


def _tensordot_left(g: Any, y: Any, a: Any, b: Any, axes: Any) -> Any:
    left, right = axes
    free = [axis for axis in range(b.ndim) if axis not in right]
    product = np.tensordot(g, b, axes=(range(g.ndim - len(free), g.ndim), free))
    # Axes of the product: the free axes of a, then the summed axes in the order of b's axes.
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
    a, b = LOWER[: ranks[0]], list(UPPER[: ranks[1]])
    for left, right in zip(*axes, strict=True):
        b[right] = a[left]
    free = [c for i, c in enumerate(a) if i not in axes[0]]
    return f"{a},{''.join(b)}->{''.join(free + [c for c in b if c.isupper()])}"


TENSORDOT = _add_contraction(
    "tensordot",
    lambda a, b, axes: np.tensordot(a, b, axes=axes),
    (_tensordot_left, _tensordot_right),
    "np.tensordot(_0, _1, axes=axes)",
    _tensordot_subscripts,
)


def _einsum_rule(position: int, g: Any, y: Any, *operands: Any, subscripts: str) -> Any:
    inputs, out = subscripts.split("->")
    terms = inputs.split(",")
    own_term, x = terms[position], operands[position]
    parts = [(out, g)]
    parts += [(t, o) for i, (t, o) in enumerate(zip(terms, operands, strict=True)) if i != position]
    # A letter that occurs twice in a term picks a diagonal: the gradient is written to that
    # diagonal. A letter that occurs in no other term, or with size 1, was summed: the gradient is
    # constant along that axis.
    free = iter(c for c in LETTERS if c not in subscripts)
    letters: list[str] = []
    dtype = np.result_type(getattr(x, "dtype", np.float64))
    for letter, size in zip(own_term, np.shape(x), strict=True):
        if letter in letters:
            letters.append(next(free))
            parts.append((letter + letters[-1], np.eye(size, dtype=dtype)))
        else:
            letters.append(letter)
            if _extent(letter, parts) != size:
                parts.append((letter, np.ones(size, dtype=dtype)))
    back = f"{','.join(term for term, _ in parts)}->{''.join(letters)}"
    return unbroadcast(EINSUM(*(part for _, part in parts), subscripts=back), x)


def _extent(letter: str, parts: Sequence[tuple[str, Any]]) -> int:
    """Return the largest size that a letter has in these terms; -1 if it does not occur."""
    sizes = (zip(term, np.shape(x), strict=True) for term, x in parts)
    return max((size for pairs in sizes for c, size in pairs if c == letter), default=-1)


EINSUM = _add_contraction(
    "einsum",
    lambda *operands, subscripts: np.einsum(subscripts, *operands),
    EachOperand(_einsum_rule),
    lambda shapes, subscripts: (
        f"np.einsum({subscripts!r}, {', '.join(f'_{i}' for i in range(len(shapes)))})"
    ),
    lambda ranks, subscripts: subscripts,
)


def _as_string(*pairs: Any) -> tuple[Any, ...]:
    """Return subscripts and operands, from einsum's form with lists of axes.

    The arguments of that form are: operand, its axes, …, and at the end the result's axes.
    """

    def term(axes: Any) -> str:
        letters = UPPER + LOWER  # sorted like the numbers of the axes
        return "".join("..." if axis is Ellipsis else letters[axis] for axis in axes)

    subscripts = ",".join(map(term, pairs[1::2])) + (f"->{term(pairs[-1])}" * (len(pairs) % 2))
    return subscripts, *pairs[: len(pairs) // 2 * 2 : 2]


@LINALG.implements(np.einsum)
def _einsum(subscripts: Any, *operands: Any, optimize: Any = False) -> Any:
    if not isinstance(subscripts, str):
        return _einsum(*_as_string(subscripts, *operands))
    inputs, arrow, out = subscripts.replace(" ", "").partition("->")
    terms = inputs.split(",")
    if "..." in subscripts:
        free = [c for c in LETTERS if c not in subscripts]
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
