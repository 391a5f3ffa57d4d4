"""Layers that change things by chance in training, and nothing otherwise."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule._src.base.arguments import Each, Number
from chainrule._src.base.validation import check_number
from chainrule._src.nn.layers.layer import Layer, Shape
from chainrule._src.nn.layers.spatial import Format
from chainrule._src.nn.optimizers.optimizer import like
from chainrule._src.ops.random import random_uniform


class Random(Layer):
    """What draws numbers in training.

    Attributes
    ----------
    seed_state, counter : ndarray
        What the next numbers depend on; checkpoints keep it.
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
        """Return numbers from 0 to 1, as many as in ``x`` where the shape does not say."""
        sizes = x.shape
        if shape is not None:
            sizes = tuple(a if b is None else b for a, b in zip(x.shape, shape, strict=True))
        draws = random_uniform(self.seed_state, self.counter, sizes, x.dtype)
        self.counter = self.counter + 1
        return draws

    def normal(self, x: Any) -> Any:
        """Return numbers of mean 0 and variance 1, normally distributed (Box, Muller, 1958)."""
        length = np.sqrt(-2 * np.log(1 - self.uniform(x)))
        return length * np.cos(2 * math.pi * self.uniform(x))


class _Dropout(Random):
    supports_masking = True
    noise_shape: tuple[int | None, ...] | None = None

    def __init__(
        self, rate: float | Callable[[Any], Any], seed: int | None = None, **options: Any
    ) -> None:
        super().__init__(seed, **options)
        self.rate: Any = rate
        if not callable(rate) or type(self).dropped is not _Dropout.dropped:
            self.rate = check_number(rate, "rate", type(self).__name__, high=1.0)  # type: ignore[arg-type]

    def call(self, x: Any, training: bool = False) -> Any:
        return self.dropped(x) if training and self.rate != 0 else x

    def dropped(self, x: Any) -> Any:
        """Return what becomes of the input in training."""
        rate = like(self.rate(self.counter), x) if callable(self.rate) else self.rate
        kept = self.uniform(x, self.noise_shape) >= rate
        return np.where(kept, x * (1 / (1 - rate)), 0)


class Dropout(_Dropout):
    r"""In training every entry is 0 with a probability; the others grow to make up for it.

    .. math:: y = \frac{m}{1 - p} \odot x, \qquad m_i \sim \mathrm{Bernoulli}(1 - p)

    Srivastava et al., *Dropout: A Simple Way to Prevent Neural Networks from Overfitting*, 2014.
    Outside training it changes nothing.

    Parameters
    ----------
    rate : float or callable
        The probability :math:`p`, in ``[0, 1)``; or a function of the number of masks drawn so
        far, one an update, in NumPy: see `chainrule.schedules`.
    noise_shape : tuple of int or None, optional
        Of the mask: along an axis of size 1 all entries share their fate; None is the input's size.
    seed : int, optional
        Of the masks; by default the model's seed tells.

    Attributes
    ----------
    seed_state, counter : ndarray
        What the next mask depends on; checkpoints keep it.
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


class SpatialDropout1D(_Dropout):
    """`Dropout` of whole channels of a sequence.

    Tompson et al., *Efficient Object Localization Using Convolutional Networks*, 2015.

    >>> np.unique(SpatialDropout1D(0.5)(np.ones((1, 9, 1)), training=True)).size
    1
    """

    noise_shape = (None, 1, None)


class SpatialDropout2D(_Dropout):
    """`Dropout` of whole channels of an image.

    >>> np.unique(SpatialDropout2D(0.5)(np.ones((1, 9, 9, 1)), training=True)).size
    1
    """

    noise_shape = (None, 1, 1, None)

    def __init__(
        self, rate: float, data_format: Format = None, seed: int | None = None, **options: Any
    ) -> None:
        super().__init__(rate, seed, **options)


class AlphaDropout(Dropout):
    r"""`Dropout` that keeps mean and variance, for `selu`: entries become its lowest value.

    .. math:: y = a\,(m \odot x + (1 - m)\,\alpha') + b, \qquad
              a = \big((1 - p)(1 + p\,\alpha'^2)\big)^{-1/2}, \quad b = -a\,p\,\alpha'

    Klambauer et al., *Self-Normalizing Neural Networks*, 2017: :math:`\alpha' = -1.7581`.
    """

    def dropped(self, x: Any) -> Any:
        low, rate = -1.7580993408473766, self.rate
        a = ((1 - rate) * (1 + rate * low**2)) ** -0.5
        kept = self.uniform(x, self.noise_shape) >= rate
        return a * np.where(kept, x, low) - a * rate * low


class GaussianDropout(_Dropout):
    r"""In training every entry times a number of mean 1, normally distributed.

    .. math:: y = x \odot (1 + \varepsilon), \qquad
              \varepsilon_i \sim \mathcal N\big(0, \tfrac{p}{1 - p}\big)
    """

    def dropped(self, x: Any) -> Any:
        return x * (1 + math.sqrt(self.rate / (1 - self.rate)) * self.normal(x))


class GaussianNoise(Random):
    r"""In training numbers are added to all entries, :math:`\varepsilon_i \sim \mathcal N(0, s^2)`.

    ``stddev`` is :math:`s`.
    """

    supports_masking = True

    def __init__(self, stddev: Number, seed: int | None = None, **options: Any) -> None:
        super().__init__(seed, **options)
        self.stddev = stddev

    def call(self, x: Any, training: bool = False) -> Any:
        return x + self.stddev * self.normal(x) if training and self.stddev else x
