"""The base class of initializers: calls ``draw``, and checks shape and dtype of the weight."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule._src.base.arrays import Array, as_floats
from chainrule._src.base.config import Configurable
from chainrule._src.base.errors import ShapeError

Shape = tuple[int, ...]


class Initializer(Configurable):
    """Draws a weight of any shape; a class of your own defines ``draw(shape, rng)``.

    Examples
    --------
    >>> class Alternating(Initializer):
    ...     def draw(self, shape, rng):
    ...         return np.where(np.arange(np.prod(shape)) % 2, 1.0, -1.0).reshape(shape)
    >>> Alternating()((2, 3))
    array([[-1.,  1., -1.],
           [ 1., -1.,  1.]])
    """

    def __call__(
        self, shape: Sequence[int], rng: np.random.Generator | None = None, dtype: Any = None
    ) -> Array:
        """Return a new weight.

        Parameters
        ----------
        shape : tuple of int
        rng : numpy.random.Generator, optional
            A new generator by default. An initializer with a ``seed`` does not use it.
        dtype : dtype, optional
            A floating dtype; float64 by default.

        Raises
        ------
        ShapeError, DataError
            If the initializer does not return a weight of this shape.
        """
        name = type(self).__name__
        shape = checked_shape(shape, name)
        rng = np.random.default_rng() if rng is None else rng
        weight = as_floats(self.draw(shape, rng), "the weight", name)
        if weight.shape != shape:
            raise ShapeError(f"{name}: expected a weight of shape {shape}, received {weight.shape}")
        return weight if dtype is None else weight.astype(dtype, copy=False)

    def draw(self, shape: Shape, rng: np.random.Generator) -> Any:
        """Return an array of this shape."""
        raise NotImplementedError(f"{type(self).__name__} must define draw")


def checked_shape(shape: Any, where: str) -> Shape:
    """Return a shape as a tuple of ints; raise an error if it is not a shape."""
    sizes = tuple(shape) if isinstance(shape, tuple | list) else (None,)
    is_integer = (isinstance(n, int | np.integer) and not isinstance(n, bool) for n in sizes)
    if not all(is_integer) or any(n < 0 for n in sizes):
        raise ShapeError(f"{where}: a shape must be a tuple of whole numbers, received {shape!r}")
    return tuple(int(n) for n in sizes)
