"""Validation of input before any work starts, with the same messages in the whole library."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from chainrule._src.base.arrays import Array, as_numbers
from chainrule._src.base.errors import (
    DataError,
    ShapeError,
    UnknownNameError,
)
from chainrule._src.base.handles import SymbolicNumber

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

T = TypeVar("T")


def check_features(X: ArrayLike, n_features: int, where: str) -> Array:
    """Return ``X``, of shape ``(d,)`` or ``(n, d)``, as finite float64 numbers."""
    X = as_numbers(X, "X", where).astype(np.float64, copy=False)
    if X.ndim not in (1, 2):
        raise ShapeError(
            f"{where}: X must be one sample of shape ({n_features},) or a batch of shape "
            f"(n, {n_features}), but its shape is {X.shape}"
        )
    if X.ndim == 2 and len(X) == 0:
        raise DataError(f"{where}: X is empty; at least one sample is needed")
    if X.shape[-1] != n_features:
        raise ShapeError(
            f"{where}: expected {n_features} features in the last axis of X, received "
            f"{X.shape[-1]} (shape {X.shape})"
        )
    check_finite(X, "X", where)
    return X


def check_finite(array: Any, name: str, where: str) -> None:
    """Refuse NaN and infinities. The sum is checked first, which needs no array of booleans."""
    with np.errstate(all="ignore"):
        fits = np.isfinite(array.sum()) or np.isfinite(array).all()
    if not fits:
        bad = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        raise DataError(
            f"{where}: {name} holds NaN or infinite values, the first is "
            f"{name}[{', '.join(map(str, bad))}] = {array[bad]}; remove or impute them first"
        )


def check_labels(y: ArrayLike, n_classes: int, where: str) -> NDArray[np.integer[Any]]:
    """Return ``y`` as an integer array whose values are all in ``0 … n_classes - 1``."""
    y = as_numbers(y, "y", where)
    if y.size == 0:
        raise DataError(f"{where}: y is empty; at least one label is needed")
    if y.dtype.kind == "b" and y.ndim:
        y = y.astype(np.intp)  # False and True are the classes 0 and 1
    if y.dtype.kind not in "iu":
        raise DataError(
            f"{where}: labels must be integers from 0 to {n_classes - 1}, but their dtype is "
            f"{y.dtype}" + ("; convert them with y.astype(int)" if y.dtype.kind == "f" else "")
        )
    outside = (y < 0) | (y >= n_classes)
    if outside.any():
        raise DataError(
            f"{where}: labels must be from 0 to {n_classes - 1}, received {y[outside].flat[0]}"
        )
    return y


def check_samples(
    X: ArrayLike, y: ArrayLike, n_features: int, n_classes: int, where: str
) -> tuple[Array, NDArray[np.integer[Any]]]:
    """Return features and labels that fit each other: one sample with one label, or n with n."""
    X = check_features(X, n_features, where)
    y = check_labels(y, n_classes, where)
    if y.shape != X.shape[:-1]:
        expected = f"{len(X)} labels, shape ({len(X)},)," if X.ndim == 2 else "one label, shape (),"
        raise ShapeError(
            f"{where}: expected {expected} for X of shape {X.shape}, received y of shape {y.shape}"
        )
    return X, y


def check_positive(value: int, name: str, where: str) -> int:
    """Return ``value`` as an int; refuse it unless it is a whole number of at least 1."""
    return check_count(value, name, where, least=1)


def check_count(value: int, name: str, where: str, least: int = 0) -> int:
    """Return ``value`` as an int; refuse it unless it is a whole number of at least ``least``."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise DataError(
            f"{where}: {name} must be a whole number of at least {least}, received {value!r}"
        )
    return int(value)


def check_each(
    values: Sequence[Any], name: str, where: str, check: Callable[..., int] = check_positive
) -> tuple[Any, ...]:
    """Return a list or tuple of whole numbers as a tuple, with each checked; None is accepted."""
    if not isinstance(values, list | tuple):
        raise DataError(f"{where}: {name} must be a tuple of whole numbers, received {values!r}")
    return tuple(value if value is None else check(value, name, where) for value in values)


def check_number(
    value: float,
    name: str,
    where: str,
    *,
    low: float = 0.0,
    high: float = np.inf,
    strict: bool = False,
) -> float:
    """Return ``value`` as a finite float in ``[low, high)``, or above ``low`` if ``strict``.

    A `SymbolicNumber`, a setting of a sweep, is compared and returned unchanged.
    """
    number: Any = value if isinstance(value, SymbolicNumber) else _real(value)
    fits = low < number < high if strict else low <= number < high
    if not np.isfinite(number) or not fits:
        bounds = [f"{'above' if strict else 'of at least'} {low:g}"] * bool(np.isfinite(low))
        bounds += [f"below {high:g}"] * bool(np.isfinite(high))
        expected = " ".join(["a finite number", " and ".join(bounds)]).strip()
        raise DataError(f"{where}: {name} must be {expected}, received {value!r}")
    return number  # type: ignore[no-any-return]


def _real(value: Any) -> float:
    """Return a number as a float; NaN for anything else."""
    if hasattr(value, "__array__") and np.ndim(value) == 0:
        value = np.asarray(value).item()
    real = isinstance(value, int | float) and not isinstance(value, bool)
    try:
        return float(value) if real else np.nan
    except OverflowError:
        return np.inf


def check_flag(value: bool, name: str, where: str) -> bool:
    """Return ``value`` as a bool; refuse anything but True and False."""
    if not isinstance(value, bool | np.bool_):
        raise DataError(f"{where}: {name} must be True or False, received {value!r}")
    return bool(value)


_seeds: np.random.SeedSequence | None = None  # for generators without a seed
# Within `seeded`: the seeds of this thread, and the class of the generators.
_within: ContextVar[tuple[np.random.SeedSequence, Any] | None] = ContextVar("_within", default=None)


def set_seed(seed: int) -> None:
    """Derive the seeds of all later generators without a seed from this seed."""
    global _seeds
    check_seed(seed, "set_random_seed")
    _seeds = np.random.SeedSequence(seed)


def set_random_seed(seed: int) -> None:
    """Seed Python, NumPy, and all models that are created later without a seed.

    Parameters
    ----------
    seed : int
        A whole number of at least 0.

    Raises
    ------
    DataError
        If the seed is no whole number of at least 0.

    Examples
    --------
    >>> import random
    >>> set_random_seed(7)
    >>> first = random.random(), np.random.rand()
    >>> set_random_seed(7)
    >>> first == (random.random(), np.random.rand())
    True
    """
    import random  # which takes 1 ms to load

    set_seed(seed)
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002  (NumPy's global generator)


@contextmanager
def seeded(seed: int, kind: Callable[[Any], np.random.Generator] | None = None) -> Iterator[None]:
    """Within this context, in this thread only, seed as `set_seed` does.

    Generators are created by ``kind``, if it is given.
    """
    token = _within.set((np.random.SeedSequence(seed), kind))
    try:
        yield
    finally:
        _within.reset(token)


def check_seed(seed: int | np.random.Generator | None, where: str) -> np.random.Generator:
    """Return the random generator of ``seed``; the same seed gives the same numbers."""
    seeds, kind = _within.get() or (_seeds, None)
    source: Any = seeds.spawn(1)[0] if seed is None and seeds is not None else seed
    try:
        rng = np.random.default_rng(source)
        return rng if kind is None or rng is seed else kind(rng.bit_generator)
    except (TypeError, ValueError) as error:
        raise DataError(
            f"{where}: seed must be a whole number of at least 0, a numpy Generator or None, "
            f"received {seed!r}"
        ) from error


def shape_text(shape: Sequence[object]) -> str:
    """Return a shape as text; None, the batch size, becomes ``n``."""
    sizes = ["n" if size is None else str(size) for size in shape]
    return f"({', '.join(sizes)}{',' if len(sizes) == 1 else ''})"


def lookup(kind: str, name: str, table: Mapping[str, T]) -> T:
    """Return the entry called ``name``; if there is none, the error lists the valid names."""
    if not isinstance(name, str) or name not in table:
        raise UnknownNameError(kind, name, table)
    return table[name]
