r"""Initial weights, drawn from a generator.

An initializer is called with the ``shape`` ``(n_in, n_out)`` of a weight matrix and a
`numpy.random.Generator`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from chainrule.validation import Array

Initializer = Callable[[tuple[int, int], np.random.Generator], Array]


def uniform(low: float, high: float) -> Initializer:
    """Uniform between ``low`` and ``high``."""
    return lambda shape, rng: rng.uniform(low, high, size=shape)


def zeros(shape: tuple[int, int], rng: np.random.Generator) -> Array:
    """All zero: hidden units start as copies of one another, and get equal gradients."""
    return np.zeros(shape)


def glorot_uniform(shape: tuple[int, int], rng: np.random.Generator) -> Array:
    r"""Uniform in :math:`\pm\sqrt{6 / (n_{in} + n_{out})}`, made for tanh and sigmoid.

    Glorot, Bengio, *Understanding the difficulty of training deep feedforward neural networks*,
    2010, equation 16.
    """
    limit = np.sqrt(6 / sum(shape))
    return rng.uniform(-limit, limit, size=shape)


def glorot_normal(shape: tuple[int, int], rng: np.random.Generator) -> Array:
    r"""Normal with standard deviation :math:`\sqrt{2 / (n_{in} + n_{out})}`."""
    return rng.normal(scale=np.sqrt(2 / sum(shape)), size=shape)


def he_uniform(shape: tuple[int, int], rng: np.random.Generator) -> Array:
    r"""Uniform in :math:`\pm\sqrt{6 / n_{in}}`, made for relu.

    He, Zhang, Ren, Sun, *Delving Deep into Rectifiers*, 2015, equation 10.
    """
    limit = np.sqrt(6 / shape[0])
    return rng.uniform(-limit, limit, size=shape)


def he_normal(shape: tuple[int, int], rng: np.random.Generator) -> Array:
    r"""Normal with standard deviation :math:`\sqrt{2 / n_{in}}`."""
    return rng.normal(scale=np.sqrt(2 / shape[0]), size=shape)


INITIALIZERS: dict[str, Initializer] = {
    "zeros": zeros,
    "glorot_uniform": glorot_uniform,
    "glorot_normal": glorot_normal,
    "he_uniform": he_uniform,
    "he_normal": he_normal,
}
"""The initializers without arguments of their own, by name."""
