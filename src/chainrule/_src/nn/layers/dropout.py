"""Layers that are random in training and the identity otherwise."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule._src.base.arguments import Each, Number
from chainrule._src.base.validation import check_number
from chainrule._src.nn.layers.given import Shape
from chainrule._src.nn.layers.layer import Layer
from chainrule._src.nn.layers.spatial import Format
from chainrule._src.nn.optimizers.optimizer import like
from chainrule._src.ops.random import random_uniform


class Random(Layer):
    """Base class of layers that draw random numbers in training.

    Attributes
    ----------
    seed_state, counter : ndarray
        State of the random numbers; checkpoints save it.
    """

    uncounted: tuple[str, ...] = ("seed_state", "counter")

    def __init__(self, seed: Number | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.seed = None if seed is None else int(seed)

    def build(self, input_shape: Shape) -> None:
        seed = self.seed

        def drawn(shape: Any, rng: Any) -> Any:
            return np.asarray(rng.integers(2**32) if seed is None else seed % 2**32)

        self.seed_state = self.add_weight((), drawn, dtype=np.int64, trainable=False)
        self.counter = self.add_weight((), "zeros", dtype=np.int64, trainable=False)

    def uniform(self, x: Any, shape: Any = None) -> Any:
        """Return numbers from 0 to 1; sizes that ``shape`` does not set are those of ``x``."""
        sizes = x.shape
        if shape is not None:
            sizes = tuple(a if b is None else b for a, b in zip(x.shape, shape, strict=True))
        draws = random_uniform(self.seed_state, self.counter, sizes, x.dtype)
        self.counter = self.counter + 1
        return draws

    def normal(self, x: Any) -> Any:
        """Return standard normal numbers, of the shape of ``x`` (Box, Muller, 1958)."""
        length = np.sqrt(-2 * np.log(1 - self.uniform(x)))
        return length * np.cos(2 * math.pi * self.uniform(x))


class _DropoutLayer(Random):
    supports_masking = True
    noise_shape: tuple[int | None, ...] | None = None

    def __init__(
        self, rate: float | Callable[[Any], Any], seed: int | None = None, **options: Any
    ) -> None:
        super().__init__(seed, **options)
        self.rate: Any = rate
        if not callable(rate) or type(self).dropped is not _DropoutLayer.dropped:
            self.rate = check_number(rate, "rate", type(self).__name__, high=1.0)  # type: ignore[arg-type]

    def call(self, x: Any, training: bool = False) -> Any:
        return self.dropped(x) if training and self.rate != 0 else x

    def dropped(self, x: Any) -> Any:
        """Return the output in training."""
        rate = like(self.rate(self.counter), x) if callable(self.rate) else self.rate
        keep = self.uniform(x, self.noise_shape) >= rate
        return np.where(keep, x * (1 / (1 - rate)), 0)


class Dropout(_DropoutLayer):
    r"""In training, sets entries to 0 with a probability, and scales the others up.

    .. math:: y = \frac{m}{1 - p} \odot x, \qquad m_i \sim \mathrm{Bernoulli}(1 - p)

    Srivastava et al., *Dropout: A Simple Way to Prevent Neural Networks from Overfitting*, 2014.
    Outside training it is the identity.

    Parameters
    ----------
    rate : float or callable
        The probability :math:`p`, in ``[0, 1)``; or a function of the number of masks drawn so
        far, one per update, in NumPy: see `chainrule.schedules`.
    noise_shape : tuple of int or None, optional
        Shape of the mask, which is broadcast along axes of size 1; None is the input's size.
    seed : int, optional
        Seed of the masks; by default the model's generator draws it.
    **options
        Options of every `Layer`.

    Attributes
    ----------
    seed_state, counter : ndarray
        State of the random numbers; checkpoints save it.

    Raises
    ------
    DataError
        If ``rate`` is not in ``[0, 1)``.

    Examples
    --------
    >>> layer, x = Dropout(0.5, seed=0), np.ones((1, 1000))
    >>> y = layer(x, training=True)
    >>> np.unique(y), bool(abs(y.mean() - 1) < 0.1)
    (array([0., 2.], dtype=float32), True)
    >>> np.unique(layer(x))
    array([1.], dtype=float32)
    """

    def __init__(
        self,
        rate: float | Callable[[Any], Any],
        noise_shape: Each | None = None,
        seed: int | None = None,
        **options: Any,
    ) -> None:
        super().__init__(rate, seed, **options)
        self.noise_shape = noise_shape


class SpatialDropout1D(_DropoutLayer):
    """In training, sets whole channels of a sequence to 0, and scales the others up as `Dropout`.

    Tompson et al., *Efficient Object Localization Using Convolutional Networks*, 2015.

    Parameters
    ----------
    rate : float or callable
        The probability of a channel, in ``[0, 1)``.
    seed : int, optional
        Seed of the masks; by default the model's generator draws it.
    **options
        Options of every `Layer`.

    Raises
    ------
    DataError
        If ``rate`` is not in ``[0, 1)``.

    Examples
    --------
    >>> np.unique(SpatialDropout1D(0.5)(np.ones((1, 9, 1)), training=True)).size
    1
    """

    noise_shape = (None, 1, None)


class SpatialDropout2D(_DropoutLayer):
    """In training, sets whole channels of an image to 0, and scales the others up as `Dropout`.

    Tompson et al., *Efficient Object Localization Using Convolutional Networks*, 2015.

    Parameters
    ----------
    rate : float or callable
        The probability of a channel, in ``[0, 1)``.
    data_format : "channels_last", optional
    seed : int, optional
        Seed of the masks; by default the model's generator draws it.
    **options
        Options of every `Layer`.

    Raises
    ------
    DataError
        If ``rate`` is not in ``[0, 1)``, or ``data_format`` is ``"channels_first"``.

    Examples
    --------
    >>> np.unique(SpatialDropout2D(0.5)(np.ones((1, 9, 9, 1)), training=True)).size
    1
    """

    noise_shape = (None, 1, 1, None)

    def __init__(
        self, rate: float, data_format: Format = None, seed: int | None = None, **options: Any
    ) -> None:
        super().__init__(rate, seed, **options)


class AlphaDropout(Dropout):
    r"""In training, sets entries to the lowest value of `selu`, and keeps mean and variance.

    .. math:: y = a\,(m \odot x + (1 - m)\,\alpha') + b, \qquad
              a = \big((1 - p)(1 + p\,\alpha'^2)\big)^{-1/2}, \quad b = -a\,p\,\alpha'

    Klambauer et al., *Self-Normalizing Neural Networks*, 2017: :math:`\alpha' = -1.7581`.

    Parameters
    ----------
    rate : float
        The probability :math:`p`, in ``[0, 1)``.
    noise_shape : tuple of int or None, optional
        As for `Dropout`.
    seed : int, optional
        Seed of the masks; by default the model's generator draws it.
    **options
        Options of every `Layer`.

    Raises
    ------
    DataError
        If ``rate`` is not in ``[0, 1)``.

    Examples
    --------
    The two values are :math:`\pm 0.7792`, so that the mean stays 0:

    >>> np.unique(AlphaDropout(0.5, seed=0)(np.zeros((1, 100)), training=True)).round(4)
    array([-0.7792,  0.7792], dtype=float32)
    """

    def dropped(self, x: Any) -> Any:
        low, rate = -1.7580993408473766, self.rate
        a = ((1 - rate) * (1 + rate * low**2)) ** -0.5
        keep = self.uniform(x, self.noise_shape) >= rate
        return a * np.where(keep, x, low) - a * rate * low


class GaussianDropout(_DropoutLayer):
    r"""In training, multiplies every entry with a normal random number of mean 1.

    .. math:: y = x \odot (1 + \varepsilon), \qquad
              \varepsilon_i \sim \mathcal N\big(0, \tfrac{p}{1 - p}\big)

    Parameters
    ----------
    rate : float
        :math:`p`, in ``[0, 1)``; the numbers have the variance of the factors of `Dropout`.
    seed : int, optional
        Seed of the numbers; by default the model's generator draws it.
    **options
        Options of every `Layer`.

    Raises
    ------
    DataError
        If ``rate`` is not in ``[0, 1)``.

    Examples
    --------
    >>> y = GaussianDropout(0.2, seed=0)(np.ones((1, 10_000)), training=True)
    >>> round(float(y.mean()), 1), round(float(y.std()), 1)
    (1.0, 0.5)
    """

    def dropped(self, x: Any) -> Any:
        return x * (1 + math.sqrt(self.rate / (1 - self.rate)) * self.normal(x))


class GaussianNoise(Random):
    r"""In training, adds :math:`\varepsilon_i \sim \mathcal N(0, s^2)` to every entry.

    Parameters
    ----------
    stddev : float
        The standard deviation :math:`s`, at least 0.
    seed : int, optional
        Seed of the numbers; by default the model's generator draws it.
    **options
        Options of every `Layer`.

    Raises
    ------
    DataError
        If ``stddev`` is negative or not finite.

    Examples
    --------
    >>> layer, x = GaussianNoise(0.5, seed=0), np.full((1, 10_000), 3.0)
    >>> y = layer(x, training=True)
    >>> round(float(y.mean()), 1), round(float(y.std()), 1)
    (3.0, 0.5)
    >>> float(layer(x).std())
    0.0
    """

    supports_masking = True

    def __init__(self, stddev: Number, seed: int | None = None, **options: Any) -> None:
        super().__init__(seed, **options)
        self.stddev = stddev

    def call(self, x: Any, training: bool = False) -> Any:
        return x + self.stddev * self.normal(x) if training and self.stddev else x
