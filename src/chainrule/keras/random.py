"""Keras's random functions: NumPy's outside of layers, recorded in the program within layers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule._src.base.errors import DataError
from chainrule._src.base.extras import needs
from chainrule._src.base.validation import check_seed
from chainrule._src.nn.layers.dropout import Random
from chainrule._src.nn.layers.surroundings import around

__all__ = [
    "SeedGenerator", "dropout", "normal", "randint", "shuffle", "truncated_normal", "uniform",
]  # fmt: skip


class SeedGenerator(Random):
    """The state of random numbers in a layer's `call`; store it in an attribute of the layer.

    Parameters
    ----------
    seed : int, optional
        By default the model's generator draws it.
    **options
        Options of every `Layer`.

    Raises
    ------
    DataError
        If ``seed`` is negative or no number.

    Examples
    --------
    >>> from chainrule import keras
    >>> class Noise(keras.layers.Layer):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.numbers = keras.random.SeedGenerator(1)
    ...
    ...     def call(self, x):
    ...         return x + keras.random.normal(x.shape, seed=self.numbers)
    >>> Noise()(np.zeros((2, 3))).shape
    (2, 3)
    """

    def check_fit(self, shape: tuple[int, ...]) -> None:
        """Accept any shape."""

    def call(self, x: Any) -> Any:
        """Return random numbers from 0 to 1, in the shape of ``x``."""
        return self.uniform(x)


def _drawn(shape: Sequence[int], dtype: Any, seed: Any) -> Any:
    """Return random numbers from 0 to 1."""
    if isinstance(seed, SeedGenerator):
        return seed(np.zeros(tuple(shape), dtype or np.float32))
    if around() is not None:
        raise DataError(
            "random numbers in a layer's call need a keras.random.SeedGenerator(seed) that an "
            "attribute of the layer holds, given as seed: other numbers would be the same in "
            "every update"
        )
    return check_seed(seed, "random").random(tuple(shape), np.float64).astype(dtype or np.float32)


def uniform(
    shape: Sequence[int],
    minval: float = 0.0,
    maxval: float = 1.0,
    dtype: Any = None,
    seed: Any = None,
) -> Any:
    """Return uniform random numbers from ``minval`` to ``maxval``.

    Parameters
    ----------
    shape : sequence of int
    minval, maxval : float, default 0 and 1
        Bounds; the upper one is excluded.
    dtype : dtype, default float32
    seed : int, Generator or SeedGenerator, optional
        The same seed gives the same numbers. Within a layer it must be a `SeedGenerator`.

    Returns
    -------
    ndarray

    Raises
    ------
    DataError
        If the seed is no seed, or no `SeedGenerator` within a layer's `call`.

    Examples
    --------
    >>> from chainrule import keras
    >>> x = keras.random.uniform((2, 500), 10.0, 20.0, seed=0)
    >>> x.shape, bool(x.min() >= 10), bool(x.max() < 20), round(float(x.mean()))
    ((2, 500), True, True, 15)
    """
    return _drawn(shape, dtype, seed) * (maxval - minval) + minval


def normal(
    shape: Sequence[int],
    mean: float = 0.0,
    stddev: float = 1.0,
    dtype: Any = None,
    seed: Any = None,
) -> Any:
    """Return normal random numbers.

    They are computed from two uniform numbers each (Box, Muller, 1958).

    Parameters
    ----------
    shape : sequence of int
    mean : float, default 0
    stddev : float, default 1
    dtype : dtype, default float32
    seed : int, Generator or SeedGenerator, optional
        As for `uniform`.

    Returns
    -------
    ndarray

    Raises
    ------
    DataError
        If the seed is no seed, or no `SeedGenerator` within a layer's `call`.

    Examples
    --------
    >>> from chainrule import keras
    >>> x = keras.random.normal((10_000,), mean=5.0, stddev=2.0, seed=0)
    >>> round(float(x.mean()), 1), round(float(x.std()), 1)
    (5.0, 2.0)
    """
    first = _drawn(shape, dtype, seed)
    second = _drawn(shape, dtype, seed + 1 if isinstance(seed, int) else seed)
    return mean + stddev * np.sqrt(-2 * np.log(1 - first)) * np.cos(2 * math.pi * second)


def dropout(
    inputs: Any, rate: float, noise_shape: Sequence[int | None] | None = None, seed: Any = None
) -> Any:
    """Return an array with random entries set to 0, and the others scaled up.

    Parameters
    ----------
    inputs : ndarray
    rate : float
        Probability of an entry, in ``[0, 1)``.
    noise_shape : sequence of int or None, optional
        Shape of the mask, which is broadcast along axes of size 1; None is the input's size.
    seed : int, Generator or SeedGenerator, optional
        As for `uniform`.

    Returns
    -------
    ndarray

    Raises
    ------
    DataError
        If the seed is no seed, or no `SeedGenerator` within a layer's `call`.

    Examples
    --------
    >>> from chainrule import keras
    >>> np.unique(keras.random.dropout(np.ones(100), 0.75, seed=0))
    array([0., 4.])
    """
    sizes = noise_shape or (None,) * len(inputs.shape)
    shape = [n if size is None else size for n, size in zip(inputs.shape, sizes, strict=True)]
    return np.where(_drawn(shape, inputs.dtype, seed) >= rate, inputs * (1 / (1 - rate)), 0)


def truncated_normal(
    shape: Sequence[int],
    mean: float = 0.0,
    stddev: float = 1.0,
    dtype: Any = None,
    seed: Any = None,
) -> Any:
    """Return normal random numbers, at most two standard deviations from the mean.

    Parameters
    ----------
    shape : sequence of int
    mean : float, default 0
    stddev : float, default 1
        Standard deviation before the distribution is truncated.
    dtype : dtype, default float32
    seed : int or Generator, optional
        The same seed gives the same numbers.

    Returns
    -------
    ndarray

    Raises
    ------
    MissingDependencyError
        If SciPy is not installed.
    DataError
        If the seed is no seed, or the function is used within a layer's `call`.

    Examples
    --------
    >>> from chainrule import keras
    >>> x = keras.random.truncated_normal((1000,), mean=5.0, stddev=1.0, seed=0)
    >>> bool(abs(x - 5).max() <= 2)
    True
    """
    with needs("truncated_normal", "tables", "scipy"):
        from scipy.special import ndtri

    low = 0.022750131948179195  # the share of a normal distribution below -2
    drawn = _drawn(shape, np.float64, None if isinstance(seed, SeedGenerator) else seed)
    return (mean + stddev * ndtri(low + drawn * (1 - 2 * low))).astype(dtype or np.float32)


def randint(
    shape: Sequence[int], minval: int, maxval: int, dtype: Any = "int32", seed: Any = None
) -> Any:
    """Return random integers from ``minval`` to ``maxval - 1``.

    Parameters
    ----------
    shape : sequence of int
    minval, maxval : int
        Bounds; the upper one is excluded.
    dtype : dtype, default int32
    seed : int, Generator or SeedGenerator, optional
        As for `uniform`.

    Returns
    -------
    ndarray

    Raises
    ------
    DataError
        If the seed is no seed, or no `SeedGenerator` within a layer's `call`.

    Examples
    --------
    >>> from chainrule import keras
    >>> np.unique(keras.random.randint((100,), 3, 6, seed=0))
    array([3, 4, 5], dtype=int32)
    """
    return np.floor(uniform(shape, minval, maxval, np.float64, seed)).astype(dtype)


def shuffle(x: Any, axis: int = 0, seed: Any = None) -> Any:
    """Return entries in random order along an axis; only outside of layers.

    Parameters
    ----------
    x : array_like
    axis : int, default 0
    seed : int or Generator, optional
        The same seed gives the same order.

    Returns
    -------
    ndarray
        A copy.

    Raises
    ------
    DataError
        If the seed is no seed.

    Examples
    --------
    >>> from chainrule import keras
    >>> x = keras.random.shuffle([[1, 1], [2, 2], [3, 3]], seed=0)
    >>> np.sort(x[:, 0]), np.array_equal(x[:, 0], x[:, 1])
    (array([1, 2, 3]), True)
    """
    rng, x = check_seed(seed, "random.shuffle"), np.asarray(x)
    return np.take(x, rng.permutation(x.shape[axis]), axis)
