"""Layers of images, ``(n, height, width, channels)``: convolution and pooling."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.errors import DataError, ShapeError
from chainrule.layers.core import Affine
from chainrule.layers.layer import LARGEST, Layer, Shape, activation_of
from chainrule.validation import check_flag, check_positive, lookup, shape_text

Pair = tuple[int, int]
PADDINGS = {"valid": False, "same": True}


class _Sliding(Layer):
    """What slides a window over images."""

    size: Pair
    strides: Pair
    dilation_rate: Pair = (1, 1)
    padding: str

    def build(self, input_shape: Shape) -> None:
        """Check that a window fits."""
        self.check_images(input_shape)
        _, height, width, _ = input_shape
        for axis, (size, window) in enumerate(zip((height, width), self.reach, strict=True), 1):
            if self.padding == "valid" and (size or 0) < window:
                raise ShapeError(
                    f"{self}: a window of {window} does not fit into axis {axis} of the input, "
                    f"{shape_text(input_shape)}; use padding='same' or fewer poolings before"
                )
        self._check_size(input_shape)

    def _check_size(self, shape: Shape) -> None:
        """Refuse windows that would not fit into memory."""
        _, height, width, channels = (size or 1 for size in shape)
        sides = zip((height, width), self.strides, self.size, self.reach, strict=True)
        looked_at = [
            max(size + reach, window * (-(-size // stride)))
            for size, stride, window, reach in sides
        ]
        if math.prod(looked_at) * channels > LARGEST:
            raise ShapeError(
                f"{self}: its windows look at too many pixels of an input of shape "
                f"{shape_text(shape)}; choose smaller windows, or larger strides"
            )

    def check_images(self, shape: Shape) -> None:
        """Refuse what is no batch of images."""
        if len(shape) != 4:
            raise ShapeError(
                f"{self}: expected images, shape (n, height, width, channels), received "
                f"{shape_text(shape)}; put a Reshape((height, width, 1)) before it"
            )

    @property
    def reach(self) -> Pair:
        """Rows and columns from the first to the last pixel of a window."""
        (a, b), (d, e) = self.size, self.dilation_rate
        return (a - 1) * d + 1, (b - 1) * e + 1

    def borders(self, height: int, width: int) -> tuple[Pair, Pair]:
        """Return the pixels to add before and after, so that ``same`` gives size / stride."""
        if self.padding == "valid":
            return (0, 0), (0, 0)
        missing = [
            max((-(-size // stride) - 1) * stride + window - size, 0)
            for size, stride, window in zip((height, width), self.strides, self.reach, strict=True)
        ]
        top, left = (total // 2 for total in missing)
        return (top, missing[0] - top), (left, missing[1] - left)

    def windows(self, x: Any, fill: float = 0.0) -> Any:
        """Return all windows, ``(n, rows, columns, channels, window rows, window columns)``."""
        rows, columns = self.borders(x.shape[1], x.shape[2])
        if (rows, columns) != ((0, 0), (0, 0)):
            x = np.pad(x, ((0, 0), rows, columns, (0, 0)), constant_values=fill)
        found = np.lib.stride_tricks.sliding_window_view(x, self.reach, axis=(1, 2))
        (s, t), (d, e) = self.strides, self.dilation_rate
        if (s, t) != (1, 1):
            found = found[:, ::s, ::t]
        return found if (d, e) == (1, 1) else found[..., ::d, ::e]


class Conv2D(_Sliding, Affine):
    r"""Every output pixel sees a window of the input, with the same weights everywhere.

    .. math:: y_{ijf} = g\Big(b_f + \sum_{abc} x_{i s + a d,\, j s + b d,\, c}\, W_{abcf}\Big)

    Parameters
    ----------
    filters : int
        Output channels.
    kernel_size : int or (int, int)
    strides : int or (int, int), default 1
        Pixels between windows.
    padding : {"valid", "same"}
        ``"same"`` adds zeros around the image, so that the output is its size over the strides.
    dilation_rate : int or (int, int), default 1
        Pixels between those that a window takes.
    activation : str or callable, optional
    use_bias : bool, default True
    kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer
        As for `Dense`.

    Attributes
    ----------
    kernel : ndarray, shape (rows, columns, channels, filters)
    bias : ndarray, shape (filters,)

    Examples
    --------
    >>> Conv2D(16, 3)(np.zeros((2, 8, 8, 1))).shape
    (2, 6, 6, 16)
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = (1, 1),
        padding: str = "valid",
        dilation_rate: int | Sequence[int] = (1, 1),
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.filters = check_positive(filters, "filters", "Conv2D")
        self.size = self.kernel_size = _pair(kernel_size, "kernel_size", "Conv2D")
        self.strides = _pair(strides, "strides", "Conv2D")
        self.dilation_rate = _pair(dilation_rate, "dilation_rate", "Conv2D")
        if max(self.strides) > 1 < max(self.dilation_rate):
            raise DataError("Conv2D: strides and dilation_rate cannot both be larger than 1")
        self.padding = _padding(padding)
        self.activation = activation_of(activation, "Conv2D")
        self.use_bias = check_flag(use_bias, "use_bias", "Conv2D")
        self.kernel_initializer, self.bias_initializer = kernel_initializer, bias_initializer
        self.kernel_regularizer, self.bias_regularizer = kernel_regularizer, bias_regularizer

    def build(self, input_shape: Shape) -> None:
        """Make kernel and bias."""
        super().build(input_shape)
        self.weigh((*self.size, input_shape[-1], self.filters))

    def call(self, x: Any) -> Any:
        """Return the activations."""
        axes = ((4, 5, 3), (0, 1, 2))  # rows, columns and channels of windows and of the kernel
        return self.activated(np.tensordot(self.windows(x), self.kernel, axes=axes))


class _Pooling(_Sliding):
    """What takes the pixels of a window together, channel by channel."""

    def __init__(
        self,
        pool_size: int | Sequence[int] = (2, 2),
        strides: int | Sequence[int] | None = None,
        padding: str = "valid",
        **options: Any,
    ) -> None:
        super().__init__(**options)
        where = type(self).__name__
        self.size = self.pool_size = _pair(pool_size, "pool_size", where)
        self.strides = self.size if strides is None else _pair(strides, "strides", where)
        self.padding = _padding(padding)


class MaxPooling2D(_Pooling):
    """The largest pixel of every window.

    Parameters
    ----------
    pool_size : int or (int, int), default 2
    strides : int or (int, int), optional
        By default the windows stand side by side.
    padding : {"valid", "same"}

    Examples
    --------
    >>> MaxPooling2D()(np.arange(16.0).reshape(1, 4, 4, 1)).ravel()
    array([ 5.,  7., 13., 15.], dtype=float32)
    """

    def call(self, x: Any) -> Any:
        """Return the largest pixels."""
        return np.max(self.windows(x, -np.inf), axis=(4, 5))


class AveragePooling2D(_Pooling):
    """The mean of every window; pixels added around the image do not count.

    Parameters
    ----------
    pool_size, strides, padding
        As for `MaxPooling2D`.

    Examples
    --------
    >>> AveragePooling2D()(np.arange(16.0).reshape(1, 4, 4, 1)).ravel()
    array([ 2.5,  4.5, 10.5, 12.5], dtype=float32)
    """

    def call(self, x: Any) -> Any:
        """Return the means."""
        total = np.sum(self.windows(x), axis=(4, 5))
        inside = self.windows(np.ones((1, *x.shape[1:3], 1), x.dtype))
        return total / np.sum(inside, axis=(4, 5))


class GlobalAveragePooling2D(_Sliding):
    """The mean of each channel over the whole image.

    Parameters
    ----------
    keepdims : bool, default False
        Whether the output is an image of one pixel.

    Examples
    --------
    >>> GlobalAveragePooling2D()(np.ones((2, 4, 4, 3))).shape
    (2, 3)
    """

    def __init__(self, keepdims: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self.keepdims = check_flag(keepdims, "keepdims", "GlobalAveragePooling2D")

    def build(self, input_shape: Shape) -> None:
        """Check that there are images."""
        self.check_images(input_shape)

    def call(self, x: Any) -> Any:
        """Return the means."""
        return np.mean(x, axis=(1, 2), keepdims=self.keepdims)


def _pair(value: Any, name: str, where: str) -> Pair:
    if isinstance(value, Sequence) and not isinstance(value, str) and len(value) == 2:
        a, b = (check_positive(part, name, where) for part in value)
        return a, b
    size = check_positive(value, name, where)
    return size, size


def _padding(padding: str) -> str:
    lookup("padding", padding, PADDINGS)
    return padding
