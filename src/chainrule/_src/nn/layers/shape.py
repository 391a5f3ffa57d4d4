"""Layers that change the shape or the scale of samples, without weights."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule._src.base.arguments import Each, Positive
from chainrule._src.base.arrays import as_numbers
from chainrule._src.base.errors import DataError, ShapeError
from chainrule._src.base.validation import shape_text
from chainrule._src.nn.layers.building import LARGEST
from chainrule._src.nn.layers.given import Shape
from chainrule._src.nn.layers.layer import ROWS, Layer
from chainrule._src.nn.layers.spatial import Format


class Flatten(Layer):
    """Reshapes a sample to one row; the order of entries stays.

    Parameters
    ----------
    data_format : "channels_last", optional
    **options
        Options of every `Layer`.

    Raises
    ------
    DataError
        If ``data_format`` is ``"channels_first"``.

    Examples
    --------
    >>> Flatten()(np.zeros((2, 8, 8))).shape
    (2, 64)
    """

    def __init__(self, data_format: Format = None, **options: Any) -> None:
        super().__init__(**options)

    def call(self, x: Any) -> Any:
        return x.reshape(len(x), -1)


class Reshape(Layer):
    """Reshapes a sample; the order of entries stays.

    Parameters
    ----------
    target_shape : tuple of int
        Shape without the batch size; one size may be -1.
    **options
        Options of every `Layer`.

    Raises
    ------
    DataError
        If ``target_shape`` holds a size below 1, except for one -1.
    ShapeError
        If the samples have another number of entries.

    Examples
    --------
    >>> Reshape((8, 8, 1))(np.zeros((2, 64))).shape
    (2, 8, 8, 1)
    >>> Reshape((-1, 4))(np.zeros((2, 64))).shape
    (2, 16, 4)
    """

    def __init__(self, target_shape: Sequence[int], **options: Any) -> None:
        super().__init__(**options)
        sizes = tuple(target_shape) if isinstance(target_shape, Sequence) else (target_shape,)
        are_sizes = all(isinstance(size, int) and (size > 0 or size == -1) for size in sizes)
        if not are_sizes or sizes.count(-1) > 1:
            raise DataError(
                "Reshape: target_shape must be whole numbers of at least 1, one of which may be "
                f"-1, received {target_shape!r}"
            )
        self.target_shape = sizes

    def build(self, input_shape: Shape) -> None:
        entries = math.prod(size or 1 for size in input_shape[1:])
        expected = math.prod(size for size in self.target_shape if size != -1)
        fits = entries % expected == 0 if -1 in self.target_shape else entries == expected
        if not fits:
            raise ShapeError(
                f"{self}: samples of shape {shape_text(input_shape[1:])} have {entries} entries, "
                f"which cannot be laid out as {self.target_shape}"
            )

    def call(self, x: Any) -> Any:
        return x.reshape(len(x), *self.target_shape)


class Permute(Layer):
    """Permutes the axes of a sample; axis 0, the batch axis, stays.

    Parameters
    ----------
    dims : tuple of int
        The axes of the input in the order of the output, counted from 1.
    **options
        Options of every `Layer`.

    Raises
    ------
    DataError
        If ``dims`` are not the numbers from 1 on, in any order.
    ShapeError
        If a sample has another number of axes.

    Examples
    --------
    >>> Permute((2, 1))(np.zeros((2, 3, 4))).shape
    (2, 4, 3)
    """

    def __init__(self, dims: Each, **options: Any) -> None:
        super().__init__(**options)
        self.dims = dims
        if sorted(dims) != list(range(1, len(dims) + 1)):
            raise DataError(
                f"Permute: dims must be the numbers from 1 on, in any order, received {dims!r}"
            )

    def build(self, input_shape: Shape) -> None:
        what = f"samples of {len(self.dims)} axes"
        self._expect(len(input_shape) == len(self.dims) + 1, what, input_shape)

    def call(self, x: Any) -> Any:
        return np.transpose(x, (0, *self.dims))


class RepeatVector(Layer):
    """Repeats a row ``n`` times, as a sequence.

    Parameters
    ----------
    n : int
        Number of steps.
    **options
        Options of every `Layer`.

    Raises
    ------
    DataError
        If ``n`` is no whole number of at least 1.
    ShapeError
        If a sample is no row, or the output does not fit into memory.

    Examples
    --------
    >>> RepeatVector(3)(np.array([[1.0, 2.0]]))
    array([[[1., 2.],
            [1., 2.],
            [1., 2.]]], dtype=float32)
    """

    def __init__(self, n: Positive, **options: Any) -> None:
        super().__init__(**options)
        self.n = n

    def build(self, input_shape: Shape) -> None:
        self._expect(len(input_shape) == 2, ROWS, input_shape)
        if self.n * (input_shape[1] or 1) > LARGEST:
            raise ShapeError(f"{self}: {self.n} rows do not fit into memory")

    def call(self, x: Any) -> Any:
        return np.repeat(np.expand_dims(x, 1), self.n, axis=1)


class Rescaling(Layer):
    r"""Scales and shifts entries, pixels to 0 … 1 for instance: :math:`y = x \cdot s + o`.

    Parameters
    ----------
    scale : float or sequence of float
        :math:`s`, one number, or one per channel.
    offset : float or sequence of float, default 0
        :math:`o`.
    **options
        Options of every `Layer`.

    Raises
    ------
    DataError
        If a number is not finite.

    Examples
    --------
    >>> Rescaling(1 / 16)(np.array([[0.0, 8.0, 16.0]]))
    array([[0. , 0.5, 1. ]], dtype=float32)
    """

    supports_masking = True

    def __init__(self, scale: Any, offset: Any = 0.0, **options: Any) -> None:
        super().__init__(**options)
        for name, value in (("scale", scale), ("offset", offset)):
            if not np.isfinite(as_numbers(value, name, "Rescaling")).all():
                raise DataError(f"Rescaling: {name} must be finite numbers, received {value!r}")
        self.scale, self.offset = scale, offset

    def call(self, x: Any) -> Any:
        return x * np.asarray(self.scale, x.dtype) + np.asarray(self.offset, x.dtype)
