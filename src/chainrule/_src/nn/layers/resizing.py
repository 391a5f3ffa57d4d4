"""Layers that add, remove or repeat steps and pixels."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from chainrule._src.base.errors import ShapeError
from chainrule._src.base.validation import lookup, shape_text
from chainrule._src.nn.layers.building import LARGEST
from chainrule._src.nn.layers.given import Shape
from chainrule._src.nn.layers.spatial import Size, Spatial, sides_of, sizes_of


class _Padding(Spatial):
    def __init__(self, padding: Any = 1, data_format: Any = None, **options: Any) -> None:
        super().__init__(data_format, **options)
        self.padding = sides_of(padding, self.rank, "padding", type(self).__name__)

    def call(self, x: Any) -> Any:
        return self.padded(x, self.padding)


class ZeroPadding1D(_Padding, rank=1):
    """Adds zeros before the first and after the last step.

    Parameters
    ----------
    padding : int or (int, int), default 1
        Numbers of steps at both ends.
    data_format : "channels_last", optional
    **options
        Options of every `Layer`.

    Raises
    ------
    DataError
        If a number is negative.
    ShapeError
        If the input is no sequence with channels.

    Examples
    --------
    >>> ZeroPadding1D((2, 0))(np.ones((1, 3, 1))).ravel()
    array([0., 0., 1., 1., 1.], dtype=float32)
    """


class ZeroPadding2D(_Padding, rank=2):
    """Adds zeros around an image.

    Parameters
    ----------
    padding : int, (int, int) or ((int, int), (int, int)), default 1
        Numbers of pixels: on all sides, ``(top and bottom, left and right)``, or
        ``((top, bottom), (left, right))``.
    data_format : "channels_last", optional
    **options
        Options of every `Layer`.

    Raises
    ------
    DataError
        If a number is negative.
    ShapeError
        If the input is no image.

    Examples
    --------
    >>> ZeroPadding2D((1, 2))(np.ones((1, 4, 4, 3))).shape
    (1, 6, 8, 3)
    """


class _Cropping(Spatial):
    def __init__(self, cropping: Any = None, data_format: Any = None, **options: Any) -> None:
        super().__init__(data_format, **options)
        sides = int(self.rank == 1) if cropping is None else cropping
        self.cropping = sides_of(sides, self.rank, "cropping", type(self).__name__)

    def build(self, input_shape: Shape) -> None:
        super().build(input_shape)
        for size, sides in zip(input_shape[1:-1], self.cropping, strict=True):
            if size is not None and sum(sides) >= size:
                raise ShapeError(f"{self}: nothing is left of {shape_text(input_shape)}")

    def call(self, x: Any) -> Any:
        sizes = zip(self.cropping, x.shape[1:-1], strict=True)
        return x[:, *(slice(before, size - after) for (before, after), size in sizes)]


class Cropping1D(_Cropping, rank=1):
    """Removes steps at both ends of a sequence.

    Parameters
    ----------
    cropping : int or (int, int), default 1
        Numbers of steps at both ends.
    data_format : "channels_last", optional
    **options
        Options of every `Layer`.

    Raises
    ------
    DataError
        If a number is negative.
    ShapeError
        If the input is no sequence with channels, or no step is left.

    Examples
    --------
    >>> Cropping1D((1, 0))(np.arange(3.0).reshape(1, 3, 1)).ravel()
    array([1., 2.], dtype=float32)
    """


class Cropping2D(_Cropping, rank=2):
    """Removes pixels at the borders of an image.

    Parameters
    ----------
    cropping : int, (int, int) or ((int, int), (int, int)), default 0
        Numbers of pixels, in the order of ``padding`` of `ZeroPadding2D`.
    data_format : "channels_last", optional
    **options
        Options of every `Layer`.

    Raises
    ------
    DataError
        If a number is negative.
    ShapeError
        If the input is no image, or no pixel is left.

    Examples
    --------
    >>> Cropping2D(((1, 0), (1, 2)))(np.ones((1, 4, 4, 3))).shape
    (1, 3, 1, 3)
    """


class _UpSampling(Spatial):
    def __init__(
        self,
        size: Size = 2,
        data_format: Any = None,
        interpolation: str = "nearest",
        **options: Any,
    ) -> None:
        super().__init__(data_format, **options)
        self.size = sizes_of(size, self.rank, "size", type(self).__name__)
        self.interpolation = interpolation
        self._repeated = lookup("interpolation", interpolation, INTERPOLATIONS)

    def build(self, input_shape: Shape) -> None:
        super().build(input_shape)
        if math.prod(self.size) * math.prod(size or 1 for size in input_shape) > LARGEST:
            raise ShapeError(f"{self}: the output does not fit into memory, choose a smaller size")

    def call(self, x: Any) -> Any:
        for axis, times in zip(self.axes, self.size, strict=True):
            x = self._repeated(x, times, axis)
        return x


def _between(x: Any, times: int, axis: int) -> Any:
    """Return an axis enlarged by linear interpolation."""
    size = x.shape[axis]
    places = np.clip((np.arange(size * times) + 0.5) / times - 0.5, 0, size - 1)
    shares = np.maximum(1 - np.abs(places[:, np.newaxis] - np.arange(size)), 0)
    return np.moveaxis(np.tensordot(x, shares.astype(x.dtype), axes=((axis,), (1,))), -1, axis)


INTERPOLATIONS: dict[str, Any] = {"nearest": np.repeat, "bilinear": _between}


class UpSampling1D(_UpSampling, rank=1):
    """Repeats every step of a sequence ``size`` times.

    Parameters
    ----------
    size : int, default 2
        Number of copies of a step.
    data_format : "channels_last", optional
    interpolation : {"nearest", "bilinear"}
        ``"bilinear"`` interpolates between the steps instead.
    **options
        Options of every `Layer`.

    Raises
    ------
    DataError
        If ``size`` is no whole number of at least 1.
    UnknownNameError
        If ``interpolation`` has another value.
    ShapeError
        If the input is no sequence with channels, or the output does not fit into memory.

    Examples
    --------
    >>> UpSampling1D(2)(np.arange(3.0).reshape(1, 3, 1)).ravel()
    array([0., 0., 1., 1., 2., 2.], dtype=float32)
    >>> UpSampling1D(2, interpolation="bilinear")(np.array([[[0.0], [4.0]]])).ravel()
    array([0., 1., 3., 4.], dtype=float32)
    """


class UpSampling2D(_UpSampling, rank=2):
    """Repeats every row and column of an image, or interpolates between the pixels.

    Parameters
    ----------
    size : int or (int, int), default 2
        Factors of height and width.
    data_format : "channels_last", optional
    interpolation : {"nearest", "bilinear"}
        ``"nearest"`` repeats pixels, ``"bilinear"`` interpolates.
    **options
        Options of every `Layer`.

    Raises
    ------
    DataError
        If a factor is no whole number of at least 1.
    UnknownNameError
        If ``interpolation`` has another value.
    ShapeError
        If the input is no image, or the output does not fit into memory.

    Examples
    --------
    >>> UpSampling2D((2, 3))(np.ones((1, 4, 4, 3))).shape
    (1, 8, 12, 3)
    >>> UpSampling2D((1, 2))(np.array([[[[1.0], [2.0]]]])).ravel()
    array([1., 1., 2., 2.], dtype=float32)
    """
