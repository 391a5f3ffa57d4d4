"""Layers that leave things out in training."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.layers.layer import Layer, Shape
from chainrule.ops.random import random_uniform
from chainrule.validation import check_number


class Dropout(Layer):
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
        super().__init__(**options)
        self.rate = check_number(rate, "rate", "Dropout", high=1.0)
        self.seed = None if seed is None else int(check_number(seed, "seed", "Dropout"))

    def build(self, input_shape: Shape) -> None:
        """Make what the masks are drawn from."""
        seed = self.seed

        def drawn(shape: Any, rng: Any) -> Any:
            return np.asarray(rng.integers(2**32) if seed is None else seed % 2**32)

        self.seed_state = self.add_weight((), drawn, dtype=np.int64, trainable=False)
        self.counter = self.add_weight((), "zeros", dtype=np.int64, trainable=False)

    def call(self, x: Any, training: bool = False) -> Any:
        """Return the input, in training with entries left out."""
        if not training or self.rate == 0:
            return x
        draws = random_uniform(self.seed_state, self.counter, x.shape, x.dtype)
        self.counter = self.counter + 1
        return np.where(draws >= self.rate, x * (1 / (1 - self.rate)), 0)
