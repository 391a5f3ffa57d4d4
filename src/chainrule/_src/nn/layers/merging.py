"""Layers for merging: sums, products and so on of several arrays."""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np

from chainrule._src.base.errors import DataError, ShapeError
from chainrule._src.base.validation import shape_text
from chainrule._src.nn.layers.given import is_several, shapes_in
from chainrule._src.nn.layers.layer import Layer
from chainrule._src.nn.layers.surroundings import around
from chainrule._src.nn.layers.tracking import members


class Merge(Layer):
    """Base class of layers that merge a list of arrays, entry by entry, into one array.

    An array with fewer axes gets axes of length one after the batch axis.
    """

    supports_masking = takes_several = True
    fewest = 2  # arrays
    _operation: Any = None  # function of two arrays

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)

    def __call__(self, x: Any, *more: Any, **options: Any) -> Any:
        """Return the merged array; within a layer's `call`, no attribute need hold this layer."""
        arrays = [*x.values()] if isinstance(x, dict) else x
        if not isinstance(arrays, list | tuple) or len(arrays) < self.fewest:
            name = type(self).__name__
            raise DataError(f"{name}: give a list of at least two arrays, as in {name}()([a, b])")
        outer = around()
        if outer is not None and id(self) not in members(outer.outer):
            return self.call(arrays)
        arrays = [part if hasattr(part, "shape") or isinstance(part, Layer) else np.asarray(part)
                  for part in arrays]  # fmt: skip
        return super().__call__(arrays, *more, **options)

    def build(self, input_shape: Any) -> None:
        ranks = {len(shape) for shape in shapes_in(input_shape)}
        if len(ranks) > 1 and min(ranks) < 2:
            raise DataError(f"{self}: the arrays have different numbers of axes: {input_shape}")

    def call(self, inputs: Any) -> Any:
        if not is_several(inputs):
            raise DataError(f"{self}: give a list of arrays, received one array")
        most = max(part.ndim for part in inputs)
        arrays = [self._with_axes(part, most) for part in inputs]
        self._check_others(arrays, lambda size: size != 1)
        return self.merge(arrays)

    def _check_others(self, arrays: Any, counts: Any, apart: int = 0) -> None:
        """Raise an error if arrays differ in an axis besides ``apart`` in sizes that count."""
        shapes = [part.shape for part in arrays]
        for axis, sizes in enumerate(zip(*shapes, strict=False)):
            if axis != apart and len({size for size in sizes if counts(size)}) > 1:
                texts = ", ".join(shape_text((None, *shape[1:])) for shape in shapes)
                raise ShapeError(
                    f"{self}: the arrays must be equally long in axis {axis}, received {texts}; "
                    "a Dense, a Conv2D or a Reshape before it changes a length"
                )

    def merge(self, arrays: list[Any]) -> Any:
        """Return the merged array."""
        return reduce(self._operation, arrays)

    @staticmethod
    def _with_axes(x: Any, ndim: int) -> Any:
        if x.ndim == ndim:
            return x
        return x.reshape(x.shape[0], *([1] * (ndim - x.ndim)), *x.shape[1:])

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        if previous_mask is None or any(mask is None for mask in previous_mask):
            return None
        return reduce(np.logical_or, previous_mask)


class Add(Merge):
    """Adds arrays.

    Parameters
    ----------
    **options
        Options of every `Layer`.

    Examples
    --------
    >>> Add()([np.array([[1.0, 6.0]]), np.array([[3.0, 2.0]])])
    array([[4., 8.]], dtype=float32)
    """

    _operation = np.add


class Multiply(Merge):
    """Multiplies arrays entry by entry.

    Parameters
    ----------
    **options
        Options of every `Layer`.

    Examples
    --------
    >>> Multiply()([np.array([[1.0, 6.0]]), np.array([[3.0, 2.0]])])
    array([[ 3., 12.]], dtype=float32)
    """

    _operation = np.multiply


class Subtract(Merge):
    """Subtracts the second of two arrays from the first.

    Parameters
    ----------
    **options
        Options of every `Layer`.

    Examples
    --------
    >>> Subtract()([np.array([[1.0, 6.0]]), np.array([[3.0, 2.0]])])
    array([[-2.,  4.]], dtype=float32)
    """

    def merge(self, arrays: list[Any]) -> Any:
        if len(arrays) != 2:
            raise DataError(f"{self}: expected two arrays, received {len(arrays)}")
        return arrays[0] - arrays[1]


class Average(Add):
    """Takes the mean of arrays.

    Parameters
    ----------
    **options
        Options of every `Layer`.

    Examples
    --------
    >>> Average()([np.array([[1.0, 6.0]]), np.array([[3.0, 2.0]])])
    array([[2., 4.]], dtype=float32)
    """

    def merge(self, arrays: list[Any]) -> Any:
        return super().merge(arrays) / len(arrays)


class Maximum(Merge):
    """Takes the largest entry at each position of arrays.

    Parameters
    ----------
    **options
        Options of every `Layer`.

    Examples
    --------
    >>> Maximum()([np.array([[1.0, 6.0]]), np.array([[3.0, 2.0]])])
    array([[3., 6.]], dtype=float32)
    """

    _operation = np.maximum


class Minimum(Merge):
    """Takes the smallest entry at each position of arrays.

    Parameters
    ----------
    **options
        Options of every `Layer`.

    Examples
    --------
    >>> Minimum()([np.array([[1.0, 6.0]]), np.array([[3.0, 2.0]])])
    array([[1., 2.]], dtype=float32)
    """

    _operation = np.minimum


class Concatenate(Merge):
    """Puts arrays one after the other along an axis.

    Parameters
    ----------
    axis : int, default -1
    **options
        Options of every `Layer`.

    Examples
    --------
    >>> Concatenate()([np.array([[1.0, 6.0]]), np.array([[3.0]])])
    array([[1., 6., 3.]], dtype=float32)
    """

    fewest = 1

    def __init__(self, axis: int = -1, **options: Any) -> None:
        super().__init__(**options)
        self.axis = axis

    def call(self, inputs: Any) -> Any:
        if is_several(inputs):
            self._check_others(inputs, lambda size: True, self.axis % inputs[0].ndim)
        return np.concatenate([*inputs], axis=self.axis)

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        if previous_mask is None:
            return None
        masks = [
            np.ones(x.shape, bool) if mask is None
            else np.broadcast_to(mask.reshape(*mask.shape, *([1] * (x.ndim - mask.ndim))), x.shape)
            for x, mask in zip(inputs, previous_mask, strict=True)
        ]  # fmt: skip
        return np.any(np.concatenate(masks, axis=self.axis), axis=-1)


class Dot(Merge):
    """Multiplies two arrays sample by sample, summed along an axis of each.

    Parameters
    ----------
    axes : int or (int, int)
        The axis of both arrays, or of each, along which products are summed; 0 is the batch axis.
    normalize : bool, default False
        If true, the arrays are divided by their length along the axes: the result is the cosine.
    **options
        Options of every `Layer`.

    Examples
    --------
    >>> Dot(axes=1)([np.array([[1.0, 6.0]]), np.array([[3.0, 2.0]])])
    array([[15.]], dtype=float32)
    """

    def __init__(self, axes: Any, normalize: bool = False, **options: Any) -> None:
        super().__init__(**options)
        pair = (axes, axes) if isinstance(axes, int) else tuple(axes)
        if len(pair) != 2 or not all(isinstance(axis, int) for axis in pair) or 0 in pair:
            raise DataError(f"Dot: axes must be one or two axes of samples, received {axes!r}")
        self.axes, self.normalize = axes, normalize

    def call(self, inputs: Any) -> Any:
        if len(inputs) != 2:
            raise DataError(f"{self}: expected two arrays, received {len(inputs)}")
        axes = (self.axes, self.axes) if isinstance(self.axes, int) else self.axes
        indices = [axis % x.ndim for x, axis in zip(inputs, axes, strict=True)]
        first, second = map(self._normal, inputs, indices)
        letters = "bcdefg"[: first.ndim - 1], "hijklm"[: second.ndim - 1]
        of_first, of_second = (
            f"a{text[: index - 1]}z{text[index:]}"
            for text, index in zip(letters, indices, strict=True)
        )
        letters_left = (of_first + of_second).replace("z", "").replace("a", "")
        y = np.einsum(f"{of_first},{of_second}->a{letters_left}", first, second)
        return y.reshape(-1, 1) if y.ndim == 1 else y

    def _normal(self, x: Any, axis: int) -> Any:
        if not self.normalize:
            return x
        squares = np.sum(x * x, axis=axis, keepdims=True)
        return x / np.sqrt(np.maximum(squares, 1e-12))

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        return None
