"""Initializers that do not depend on random numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule._src.base.arguments import Real
from chainrule._src.base.arrays import Array, as_floats
from chainrule._src.base.errors import ShapeError
from chainrule._src.base.validation import check_number
from chainrule._src.nn.initializers.initializer import Initializer, Shape


class Constant(Initializer):
    """Fills a weight with one number, or with a copy of an array.

    Parameters
    ----------
    value : float or array_like, default 0
        An array is broadcast to the weight's shape.

    Raises
    ------
    ShapeError
        When called with a shape to which the array cannot be broadcast.
    DataError
        If ``value`` is neither a finite number nor an array of numbers.

    Examples
    --------
    >>> Constant(0.5)((2,), np.random.default_rng(0))
    array([0.5, 0.5])
    """

    def __init__(self, value: Any = 0.0) -> None:
        self.value: Any = (
            as_floats(value, "value", "Constant")
            if isinstance(value, list | tuple) or np.ndim(value)
            else check_number(value, "value", "Constant", low=-np.inf)
        )

    def draw(self, shape: Shape, rng: np.random.Generator) -> Array:
        """Return an array filled with the number, or the broadcast array."""
        try:
            return np.full(shape, self.value)
        except ValueError as error:
            raise ShapeError(
                f"Constant: an array of shape {np.shape(self.value)} cannot be broadcast to a "
                f"weight of shape {shape}"
            ) from error


class Zeros(Initializer):
    """Fills a weight with zeros. Hidden units with such weights start equal and stay equal.

    Examples
    --------
    >>> Zeros()((2, 3))
    array([[0., 0., 0.],
           [0., 0., 0.]])
    """

    def draw(self, shape: Shape, rng: np.random.Generator) -> Array:
        """Return zeros."""
        return np.zeros(shape)


class Ones(Initializer):
    """Fills a weight with ones.

    Examples
    --------
    >>> Ones()((3,), dtype="float32")
    array([1., 1., 1.], dtype=float32)
    """

    def draw(self, shape: Shape, rng: np.random.Generator) -> Array:
        """Return ones."""
        return np.ones(shape)


class Identity(Initializer):
    """Fills a weight with the identity matrix, times ``gain``.

    Parameters
    ----------
    gain : float, default 1
        Number on the diagonal.

    Raises
    ------
    ShapeError
        When called with a shape that does not have two axes.
    DataError
        If ``gain`` is not a finite number.

    Examples
    --------
    >>> Identity(gain=2.0)((2, 3))
    array([[2., 0., 0.],
           [0., 2., 0.]])
    """

    def __init__(self, gain: Real = 1.0) -> None:
        self.gain = gain

    def draw(self, shape: Shape, rng: np.random.Generator) -> Array:
        """Return ones on the diagonal."""
        if len(shape) != 2:
            raise ShapeError(f"Identity: expected the shape of a matrix, received {shape}")
        return self.gain * np.eye(*shape)
