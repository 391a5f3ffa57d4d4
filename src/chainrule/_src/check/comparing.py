"""Relations between a wrong value and the right one: a missing factor, slope, term or sum."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from chainrule._src.base.arrays import Array

Pairs = Iterable[tuple[str, Any]]
ACTIVATIONS: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "relu": (lambda z: np.maximum(z, 0), lambda z: 1.0 * (z > 0)),
    "sigmoid": (lambda z: 1 / (1 + np.exp(-z)), lambda z: np.exp(-z) / (1 + np.exp(-z)) ** 2),
    "tanh": (np.tanh, lambda z: 1 - np.tanh(z) ** 2),
    "softplus": (lambda z: np.logaddexp(z, 0), lambda z: 1 / (1 + np.exp(-z))),
    "leaky relu": (lambda z: np.where(z > 0, z, 0.01 * z), lambda z: np.where(z > 0, 1, 0.01)),
    "leaky relu (0.1)": (lambda z: np.where(z > 0, z, 0.1 * z), lambda z: np.where(z > 0, 1, 0.1)),
    "leaky relu (0.2)": (lambda z: np.where(z > 0, z, 0.2 * z), lambda z: np.where(z > 0, 1, 0.2)),
    "elu": (lambda z: np.where(z > 0, z, np.expm1(z)), lambda z: np.where(z > 0, 1, np.exp(z))),
    "exp": (np.exp, np.exp),
    "square": (np.square, lambda z: 2 * z),
    "logarithm": (lambda z: np.log(np.abs(z)), lambda z: 1 / z),
}
CLOSE = 1e-5


def scale_of(a: Any, b: Any) -> float | None:
    """Return the factor c of ``a = c b``, None if there is none."""
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if a.shape != b.shape or not a.any() or not b.any():
        return None
    factor = float(np.vdot(b, a) / np.vdot(b, b))
    near = np.linalg.norm(a - factor * b) <= CLOSE * np.linalg.norm(a)
    return factor if near and 1e-12 < abs(factor) < 1e12 else None


def in_words(factor: float, n: int | None) -> str:
    """Explain in words the mistake that makes a value ``factor`` times the right value."""
    size = abs(factor)
    sign = "" if factor > 0 else ", and the sign is wrong"
    if np.isclose(size, 1):
        return "the sign is wrong (minus for plus, or the other way round)" if factor < 0 else ""
    if n and np.isclose(size, n):
        return f"the average over the batch is missing: divide by the number of samples{sign}"
    if n and np.isclose(size, 1 / n):
        return (
            f"the average over the batch is taken twice: divide by the number of samples once{sign}"
        )
    if np.isclose(size, 2):
        return f"it is twice what it must be: a factor 2 is too much{sign}"
    if np.isclose(size, 0.5):
        return f"it is half of what it must be: the derivative of a square gives a factor 2{sign}"
    for base in (10, 2):
        if np.isclose(size, np.log(base)) or np.isclose(size, 1 / np.log(base)):
            return (
                f"it is {size:.4g} times the right one: a logarithm to base {base} (log{base}) and "
                f"the natural one (log) are mixed up{sign}"
            )
    multiple = size if size >= 1 else 1 / size
    mean = " (an average: a sum divided by another number, a mean)" if _is_whole(multiple) else ""
    return f"it is {size:.4g} times the right one, a factor{mean}{sign}"


def _is_whole(number: float) -> bool:
    return abs(number - round(number)) < 1e-6 or abs(2 * number - round(2 * number)) < 1e-6


def relation(wrong: Any, right: Any, n: int | None) -> str:
    """Describe how a wrong gradient relates to the right one by value and shape; else ""."""
    if wrong is None:
        return "there is no gradient for it"
    try:
        wrong = np.asarray(wrong, np.float64)
    except (TypeError, ValueError):
        return "it is no array of numbers"
    right = np.asarray(right, np.float64)
    if not np.isfinite(wrong).all():
        return "it holds NaN or infinite values"
    if wrong.shape != right.shape:
        return f"its shape is {wrong.shape}, it must be {right.shape}{_by_shape(wrong, right, n)}"
    if (unknown := np.isnan(right)).any():
        wrong, right = wrong[~unknown], right[~unknown]
    if not wrong.any():
        return "it is zero: was it never computed?" if right.any() else ""
    factor = scale_of(wrong, right)
    if factor:
        return in_words(factor, n)
    if wrong.ndim == 2 and wrong.shape[0] == wrong.shape[1] and scale_of(wrong.T, right):
        return "it is transposed"
    return ""


def _by_shape(wrong: Array, right: Array, n: int | None) -> str:
    if wrong.shape == right.shape[::-1]:
        return ": transposed, or the operands in the wrong order"
    if n and wrong.shape == (n, *right.shape):
        return ": a row for each sample, sum over the batch (axis=0)"
    if n and wrong.shape == (n,):
        return ": one number a sample, summed over the wrong axis; use axis=0"
    if wrong.size == 1 and right.size > 1:
        return ": summed over everything; sum over the batch alone, axis=0"
    return ""


def difference(
    wrong: Any, right: Any, n: int | None, values: Pairs, parameters: Mapping[str, Any]
) -> str:
    """Describe what a wrong value lacks or has too much, compared with ``right``; "" if unknown.

    Parameters
    ----------
    wrong, right : ndarray
    n : int or None
        The number of samples.
    values : iterable of (str, ndarray)
        Candidates for a factor or a term: the code's variables, values of the right program.
    parameters : mapping of str to ndarray
    """
    text = relation(wrong, right, n)
    if text or not np.ndim(wrong):
        return text
    arrays = [(name, np.asarray(v, np.float64)) for name, v in values]
    pair = _Pair(np.asarray(wrong, np.float64), np.asarray(right, np.float64), arrays, parameters)
    with np.errstate(all="ignore"):
        return next((text for rule in _RULES for text in rule(pair)), "")


class _Pair(NamedTuple):
    """A wrong and a right value, and the arrays that may be what the wrong one lacks."""

    wrong: Array
    right: Array
    values: list[tuple[str, Array]]
    parameters: Mapping[str, Any]

    @property
    def gap(self) -> Array:
        """The right value minus the wrong value."""
        return self.right - self.wrong


def _penalty(pair: _Pair) -> Iterator[str]:
    for name, value in pair.parameters.items():
        same = np.shape(value) == pair.gap.shape
        factor = scale_of(pair.gap, value) if same else None
        if factor and scale_of(pair.wrong, value) is None:
            how = "is missing" if factor > 0 else "is too much"
            what = f"the regularisation (penalty, weight decay) of {name}"
            yield f"{what} {how}: {factor:.4g} {name}"


def _factor(pair: _Pair) -> Iterator[str]:
    quotients = []
    for lacks, quotient in ((True, pair.right / pair.wrong), (False, pair.wrong / pair.right)):
        usable = np.isfinite(quotient)
        if np.isinf(quotient).any():  # no factor makes 0 another number
            continue
        if usable.sum() >= max(2, usable.size / 2):
            quotients.append((lacks, quotient, usable))
    for name, value in pair.values:
        for lacks, quotient, usable in quotients:
            if value.shape in (quotient.shape, quotient.shape[-1:]):
                yield from _slope_factor(name, value, quotient, usable, lacks, pair.values)
                yield from _array_factor(name, value, quotient, usable, lacks)


def _slope_factor(
    name: str, value: Array, quotient: Array, usable: Array, lacks: bool,
    values: list[tuple[str, Array]],
) -> Iterator[str]:  # fmt: skip
    how = "is missing: multiply by it" if lacks else "is multiplied in once too often"
    for function, (applied, slope) in ACTIVATIONS.items():
        slopes = np.broadcast_to(slope(value), quotient.shape)
        is_slope = _equal(quotient, slopes, usable) and not _is_close(slopes, np.array(1.0))
        is_mask = value.shape == slopes.shape and np.array_equal(value, slopes)
        if is_slope and not is_mask and _is_among(applied(value), values):
            yield f"the derivative of the {function} at {name} {how} (the chain rule)"


def _array_factor(
    name: str, value: Array, quotient: Array, usable: Array, lacks: bool
) -> Iterator[str]:
    array = np.broadcast_to(value, quotient.shape)
    if np.ndim(value) and _equal(quotient, array, usable):
        how = "is missing: multiply by it" if lacks else "is multiplied in once too often"
        yield f"the factor {name} {how}"
    if np.ndim(value) and _equal(quotient, 1 / array, usable):
        yield f"the division by {name} {'is missing' if lacks else 'is too much'}"


def _term(pair: _Pair) -> Iterator[str]:
    for name, value in pair.values:
        factor = scale_of(pair.gap, value) if value.shape == pair.gap.shape else None
        if factor and abs(abs(factor) - 1) < 1e-6:
            how = "is missing: a path is left out" if factor > 0 else "is subtracted too little"
            yield f"the term {name} {how} (add up all paths)"


def _shared(pair: _Pair) -> Iterator[str]:
    gap, quotient = pair.gap, pair.right / pair.wrong
    for axis in range(gap.ndim):
        if gap.shape[axis] < 2:
            continue
        if np.isfinite(quotient).all() and _is_same_along(quotient, axis):
            yield f"a factor or divisor that is the same along axis {axis} is missing (normalised)"
        if _is_close(gap, gap.take([0], axis), 1e-7, 1e-12):
            yield f"a sum or mean over axis {axis} is missing, a path that all entries share"
        for name, value in pair.values:
            share = gap / value if value.shape == gap.shape else np.array(np.nan)
            if np.isfinite(share).all() and _is_same_along(share, axis):
                yield (
                    f"a sum over axis {axis}, times {name}, is missing (as in the derivative "
                    "of a softmax, or of a mean and variance: a path that all entries share)"
                )


_RULES: tuple[Callable[[_Pair], Iterator[str]], ...] = (_penalty, _factor, _term, _shared)


def _is_among(value: Array, values: list[tuple[str, Array]]) -> bool:
    """Return true if a value is close to one of the others (a small constant may differ)."""
    return any(v.shape == value.shape and _is_close(v, value, 1e-4) for _, v in values)


def _is_same_along(values: Array, axis: int) -> bool:
    return _is_close(values, values.take([0], axis), atol=1e-10)


def _equal(quotient: Array, value: Array, usable: Array) -> bool:
    return _is_close(quotient[usable], value[usable], atol=1e-10)


def _is_close(a: Array, b: Array, rtol: float = 1e-5, atol: float = 1e-8) -> bool:
    """Return true if two arrays are close, as `np.allclose` does, and faster where they are not."""
    is_near = bool((np.abs(a - b) <= atol + rtol * np.abs(b)).all())
    return is_near and bool(np.allclose(a, b, rtol=rtol, atol=atol))


def slope_name(value: Any, others: Iterable[Array]) -> str:
    """Name the activation that maps a value to one of the others, or back; "" if there is none."""
    if not isinstance(value, np.ndarray) or value.dtype.kind != "f" or value.ndim == 0:
        return ""
    candidates = [o for o in others if o.shape == value.shape and not np.array_equal(o, value)]
    with np.errstate(all="ignore"):
        for name, (function, _) in list(ACTIVATIONS.items())[:-3]:
            after = function(value)
            if any(_is_close(function(o), value, 1e-9) for o in candidates):
                return name
            if any(_is_close(o, after, 1e-9) for o in candidates):
                return name
        e = np.exp(value - value.max(axis=-1, keepdims=True))
        softmax = e / e.sum(axis=-1, keepdims=True)
        if any(_is_close(o, softmax, 1e-9) for o in candidates):
            return "softmax"
    return ""
