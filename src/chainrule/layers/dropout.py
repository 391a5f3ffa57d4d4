"""Layers that leave things out in training."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.layers.layer import Layer, Shape
from chainrule.ops.random import random_uniform
from chainrule.validation import check_number


class Random(Layer):
    """What draws numbers in training.

    Attributes
    ----------
    seed_state, counter : ndarray
        What the next numbers depend on; checkpoints keep it.
    """

    def __init__(self, seed: int | None = None, **options: Any) -> None:
        super().__init__(**options)
        where = type(self).__name__
        self.seed = None if seed is None else int(check_number(seed, "seed", where))

    def build(self, input_shape: Shape) -> None:
        """Make what the numbers depend on."""
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


class Dropout(Random):
    r"""In training every entry is 0 with a probability; the others grow to make up for it.

    .. math:: y = \frac{m}{1 - p} \odot x, \qquad m_i \sim \mathrm{Bernoulli}(1 - p)

    Srivastava et al., *Dropout: A Simple Way to Prevent Neural Networks from Overfitting*, 2014.
    Outside training it changes nothing.

    Parameters
    ----------
    rate : float
        The probability :math:`p`, in ``[0, 1)``.
    seed : int, optional
        Of the masks; by default the model's seed tells.

    Attributes
    ----------
    seed_state, counter : ndarray
        What the next mask depends on; checkpoints keep it.
    """

    supports_masking = True

    def __init__(self, rate: float, seed: int | None = None, **options: Any) -> None:
        super().__init__(seed, **options)
        self.rate = check_number(rate, "rate", "Dropout", high=1.0)

    def call(self, x: Any, training: bool = False) -> Any:
        """Return the input, in training with entries left out."""
        if not training or self.rate == 0:
            return x
        return np.where(self.uniform(x) >= self.rate, x * (1 / (1 - self.rate)), 0)
