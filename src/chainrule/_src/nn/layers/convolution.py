"""Convolutions of sequences and images: every window times the same kernel."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from chainrule._src.base.arguments import Flag, Positive
from chainrule._src.base.errors import DataError, ShapeError
from chainrule._src.base.validation import check_count
from chainrule._src.core.transforms import vjp
from chainrule._src.nn.layers.core import AffineLayer
from chainrule._src.nn.layers.given import Shape
from chainrule._src.nn.layers.layer import Function
from chainrule._src.nn.layers.spatial import Size, Sliding, sizes_of


class _SlidingKernel(Sliding, AffineLayer):
    """Base class of layers that slide a kernel over the input, with bias and activation."""

    def __init__(
        self,
        kernel_size: Size,
        strides: Size = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Size = 1,
        activation: Function = None,
        use_bias: Flag = True,
        bias_initializer: Any = "zeros",
        bias_regularizer: Any = None,
        bias_constraint: Any = None,
        **options: Any,
    ) -> None:
        super().__init__(data_format, **options)
        self.activation, self.use_bias = activation, use_bias
        self.kernel_size = sizes_of(kernel_size, self.rank, "kernel_size", type(self).__name__)
        self.slide(self.kernel_size, strides, padding, dilation_rate)


class _Convolution(_SlidingKernel):
    def __init__(
        self,
        filters: Positive,
        kernel_size: Size,
        strides: Size = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Size = 1,
        groups: Positive = 1,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        kernel_regularizer: Any = None,
        kernel_constraint: Any = None,
        **options: Any,
    ) -> None:
        super().__init__(
            kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias,
            **options,
        )  # fmt: skip
        self.filters, self.groups, where = filters, groups, type(self).__name__
        if max(self.strides) > 1 < max(self.dilation_rate):
            raise DataError(f"{where}: strides and dilation_rate cannot both be larger than 1")
        if filters % groups:
            raise DataError(f"{where}: filters must be a multiple of groups, {groups}")

    def convolved(self, x: Any) -> Any:
        """Return each window times the kernel, summed over entries and channels of a group."""
        if self.groups == 1:
            axes = ((self.rank + 1, *self.inside), (self.rank, *range(self.rank)))
            return np.tensordot(self.windows(x), self.kernel, axes=axes)
        x, kernel = (
            each.reshape(*each.shape[:-1], self.groups, each.shape[-1] // self.groups)
            for each in (x, self.kernel)
        )
        positions, inside = "xy"[: self.rank], "ab"[: self.rank]
        terms = f"n{positions}gc{inside},{inside}cgf->n{positions}gf"
        y = np.einsum(terms, self.windows(x), kernel)
        return y.reshape(*y.shape[:-2], self.filters)

    def build(self, input_shape: Shape) -> None:
        super().build(input_shape)
        channels = input_shape[-1]
        if (channels or 0) % self.groups:
            raise ShapeError(f"{self}: {channels} channels are no multiple of {self.groups} groups")
        self.weigh((*self.size, channels and channels // self.groups, self.filters))

    def call(self, x: Any) -> Any:
        return self.activated(self.convolved(x))


class Conv1D(_Convolution, rank=1):
    r"""Multiplies every window of a sequence with the same kernel, and applies an activation.

    .. math:: y_{if} = g\Big(b_f + \sum_{ac} x_{i s + a d,\, c}\, W_{acf}\Big)

    Parameters
    ----------
    filters : int
        Output channels.
    kernel_size, strides, dilation_rate : int
        Length of a window, distance of neighbouring windows (by default 1), and distance of
        neighbouring steps within a window (by default 1).
    padding : {"valid", "same", "causal"}
        ``"causal"`` adds zeros before the first step, so that no output sees a later input.
    data_format, groups, activation, use_bias, **options
        As for `Conv2D`.
    kernel_initializer, kernel_regularizer, kernel_constraint
        As for `Conv2D`.

    Attributes
    ----------
    kernel : ndarray, shape (kernel_size, channels / groups, filters)
    bias : ndarray, shape (filters,)

    Raises
    ------
    DataError, ShapeError
        As for `Conv2D`.

    Examples
    --------
    >>> x = np.array([1.0, 2.0, 3.0, 4.0]).reshape(1, 4, 1)
    >>> Conv1D(1, 2, kernel_initializer="ones")(x).ravel()
    array([3., 5., 7.], dtype=float32)
    >>> Conv1D(1, 2, padding="causal", kernel_initializer="ones")(x).ravel()
    array([1., 3., 5., 7.], dtype=float32)
    """

    paddings = ("valid", "same", "causal")


class Conv2D(_Convolution, rank=2):
    r"""Multiplies every window of an image with the same kernel, and applies an activation.

    .. math:: y_{ijf} = g\Big(b_f + \sum_{abc} x_{i s + a d,\, j s + b d,\, c}\, W_{abcf}\Big)

    Parameters
    ----------
    filters : int
        Output channels.
    kernel_size : int or (int, int)
        Height and width of a window.
    strides : int or (int, int), default 1
        Distance of neighbouring windows in pixels.
    padding : {"valid", "same"}
        ``"same"`` adds zeros around the image, so that the output has its size over the strides.
    data_format : "channels_last", optional
    dilation_rate : int or (int, int), default 1
        Distance of neighbouring pixels within a window.
    groups : int, default 1
        Number of groups of channels and filters; a filter sees only the channels of its group.
    activation : str or callable, optional
        :math:`g`; by default the identity.
    use_bias : bool, default True
    kernel_initializer : str or Initializer, default "glorot_uniform"
    kernel_regularizer : str or Regularizer, optional
    kernel_constraint : str or Constraint, optional
    **options
        ``bias_initializer``, ``bias_regularizer`` and ``bias_constraint`` as for `Dense`, and
        options of every `Layer`.

    Attributes
    ----------
    kernel : ndarray, shape (rows, columns, channels / groups, filters)
    bias : ndarray, shape (filters,)

    Raises
    ------
    DataError
        If ``filters`` is no multiple of ``groups``, both ``strides`` and ``dilation_rate`` are
        above 1, or ``data_format`` is ``"channels_first"``.
    ShapeError
        If the input is no image, a window does not fit into the input, or the number of channels
        is no multiple of ``groups``.

    Examples
    --------
    >>> Conv2D(16, 3)(np.zeros((2, 8, 8, 1))).shape
    (2, 6, 6, 16)
    >>> Conv2D(1, 2, kernel_initializer="ones")(np.arange(9.0).reshape(1, 3, 3, 1)).ravel()
    array([ 8., 12., 20., 24.], dtype=float32)
    """


class _TransposedConvolution(_Convolution):
    def __init__(
        self,
        filters: int,
        kernel_size: Size,
        strides: Size = 1,
        padding: str = "valid",
        output_padding: Size | None = None,
        data_format: str | None = None,
        **options: Any,
    ) -> None:
        super().__init__(filters, kernel_size, strides, padding, data_format, **options)
        self.output_padding: Any = (None,) * self.rank
        if output_padding is not None:
            arguments = (self.rank, "output_padding", type(self).__name__, check_count)
            self.output_padding = sizes_of(output_padding, *arguments)
            if any(a >= b for a, b in zip(self.output_padding, self.strides, strict=True)):
                raise DataError(f"{arguments[2]}: output_padding must be less than strides")

    def build(self, input_shape: Shape) -> None:
        self.check_axes(input_shape)
        self.weigh((*self.size, self.filters, input_shape[-1]), outputs=slice(-2, -1))

    def call(self, x: Any) -> Any:
        sizes = map(self._enlarged, x.shape[1:-1], self.strides, self.reach, self.output_padding)
        blank = np.zeros((len(x), *sizes, self.filters), x.dtype)
        # This is the gradient, with respect to its input, of the convolution from output to x.
        return self.activated(vjp(self.convolved, blank)[1](x)[0])

    def _enlarged(self, size: int, stride: int, window: int, more: int | None) -> int:
        """Return the size of an axis of the output."""
        if self.padding == "same":
            return size * stride if more is None else (size - 1) * stride + window % 2 + more
        return (size - 1) * stride + (max(window, stride) if more is None else window + more)


class Conv1DTranspose(_TransposedConvolution, rank=1):
    """Adds every step of a sequence, times a kernel, to a window of the output.

    It is the transpose of `Conv1D`.

    Parameters
    ----------
    filters : int
        Output channels.
    kernel_size, strides : int
        Length of a window, and distance of neighbouring windows (by default 1).
    padding, output_padding, data_format, **options
        As for `Conv2DTranspose`.

    Attributes
    ----------
    kernel : ndarray, shape (kernel_size, filters, channels)
    bias : ndarray, shape (filters,)

    Raises
    ------
    DataError, ShapeError
        As for `Conv2DTranspose`.

    Examples
    --------
    >>> x = np.array([1.0, 2.0]).reshape(1, 2, 1)
    >>> Conv1DTranspose(1, 2, kernel_initializer="ones")(x).ravel()
    array([1., 3., 2.], dtype=float32)
    >>> Conv1DTranspose(1, 2, strides=2, kernel_initializer="ones")(x).ravel()
    array([1., 1., 2., 2.], dtype=float32)
    """


class Conv2DTranspose(_TransposedConvolution, rank=2):
    r"""Adds every pixel of an image, times a kernel, to a window of the output.

    It is the transpose of `Conv2D`.

    .. math:: y_{is + ad,\, js + bd,\, f} \mathrel{+}= \sum_c x_{ijc}\, W_{abfc}

    Parameters
    ----------
    filters : int
        Output channels.
    kernel_size, strides : int or (int, int)
        Size of a window, and distance of neighbouring windows (by default 1).
    padding : {"valid", "same"}
        With ``"same"`` the output's size is the input's times the strides.
    output_padding : int or (int, int), optional
        Number of pixels that are added to the output's height and width, less than ``strides``.
    data_format, **options
        As for `Conv2D`.

    Attributes
    ----------
    kernel : ndarray, shape (rows, columns, filters, channels)
    bias : ndarray, shape (filters,)

    Raises
    ------
    DataError
        If ``output_padding`` is not less than ``strides``, and as for `Conv2D`.
    ShapeError
        If the input is no image.

    Examples
    --------
    >>> Conv2DTranspose(8, 3, strides=2, padding="same")(np.zeros((2, 4, 4, 1))).shape
    (2, 8, 8, 8)
    >>> Conv2DTranspose(1, 2, kernel_initializer="ones")(np.ones((1, 2, 2, 1))).reshape(3, 3)
    array([[1., 2., 1.],
           [2., 4., 2.],
           [1., 2., 1.]], dtype=float32)
    """


class _Depthwise(_SlidingKernel):
    def __init__(
        self,
        kernel_size: Size,
        strides: Size = 1,
        padding: str = "valid",
        depth_multiplier: Positive = 1,
        data_format: str | None = None,
        dilation_rate: Size = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        depthwise_regularizer: Any = None,
        depthwise_constraint: Any = None,
        **options: Any,
    ) -> None:
        super().__init__(
            kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias,
            **options,
        )  # fmt: skip
        self.depth_multiplier = depth_multiplier

    def build(self, input_shape: Shape) -> None:
        super().build(input_shape)
        shape = *self.size, input_shape[-1], self.depth_multiplier
        self.weigh(shape, "depthwise", slice(-2, None))

    def filtered(self, x: Any, kernel: Any) -> Any:
        """Return the windows of each channel times the channel's kernels."""
        positions, inside = "xy"[: self.rank], "ab"[: self.rank]
        y = np.einsum(f"n{positions}c{inside},{inside}cm->n{positions}cm", self.windows(x), kernel)
        return y.reshape(*y.shape[:-2], y.shape[-2] * y.shape[-1])

    def call(self, x: Any) -> Any:
        return self.activated(self.filtered(x, self.kernel))


class DepthwiseConv1D(_Depthwise, rank=1):
    """Applies a `Conv1D` with kernels of its own to each channel of a sequence.

    Parameters
    ----------
    kernel_size, strides, dilation_rate : int
        As for `Conv1D`.
    padding, depth_multiplier, data_format, activation, use_bias, **options
        As for `DepthwiseConv2D`.
    depthwise_initializer, depthwise_regularizer, depthwise_constraint
        As for `DepthwiseConv2D`.

    Attributes
    ----------
    kernel : ndarray, shape (kernel_size, channels, depth_multiplier)
    bias : ndarray, shape (channels * depth_multiplier,)

    Raises
    ------
    DataError, ShapeError
        As for `DepthwiseConv2D`.

    Examples
    --------
    >>> x = np.array([[[1.0, 10.0], [2.0, 20.0], [3.0, 30.0]]])
    >>> DepthwiseConv1D(2, depthwise_initializer="ones")(x)
    array([[[ 3., 30.],
            [ 5., 50.]]], dtype=float32)
    """


class DepthwiseConv2D(_Depthwise, rank=2):
    r"""Applies a `Conv2D` with kernels of its own to each channel of an image.

    .. math:: y_{ijcm} = g\Big(b_{cm} + \sum_{ab} x_{i s + a d,\, j s + b d,\, c}\, W_{abcm}\Big)

    Parameters
    ----------
    kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias
        As for `Conv2D`.
    depth_multiplier : int, default 1
        Number of kernels, and of output channels, per channel.
    depthwise_initializer : str or Initializer, default "glorot_uniform"
    depthwise_regularizer : str or Regularizer, optional
    depthwise_constraint : str or Constraint, optional
    **options
        ``bias_initializer``, ``bias_regularizer`` and ``bias_constraint`` as for `Dense`, and
        options of every `Layer`.

    Attributes
    ----------
    kernel : ndarray, shape (rows, columns, channels, depth_multiplier)
    bias : ndarray, shape (channels * depth_multiplier,)

    Raises
    ------
    DataError
        If a size is no whole number of at least 1, or ``data_format`` is ``"channels_first"``.
    ShapeError
        If the input is no image, or a window does not fit into the input.

    Examples
    --------
    >>> DepthwiseConv2D(3, padding="same")(np.zeros((2, 8, 8, 4))).shape
    (2, 8, 8, 4)
    >>> DepthwiseConv2D(3, depth_multiplier=2)(np.zeros((2, 8, 8, 4))).shape
    (2, 6, 6, 8)
    """


class _Separable(_Depthwise):
    def __init__(
        self,
        filters: Positive,
        kernel_size: Size,
        strides: Size = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Size = 1,
        depth_multiplier: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        pointwise_initializer: Any = "glorot_uniform",
        pointwise_regularizer: Any = None,
        pointwise_constraint: Any = None,
        **options: Any,
    ) -> None:
        super().__init__(
            kernel_size, strides, padding, depth_multiplier, data_format, dilation_rate, activation,
            use_bias, **options,
        )  # fmt: skip
        self.filters = filters

    def build(self, input_shape: Shape) -> None:
        Sliding.build(self, input_shape)
        shape = *self.size, input_shape[-1], self.depth_multiplier
        self.depthwise_kernel = self.weight_of("depthwise", shape)
        channels = math.prod(self.depthwise_kernel.shape[-2:])
        shape = *(1,) * self.rank, channels, self.filters
        self.pointwise_kernel = self.weight_of("pointwise", shape)
        if self.use_bias:
            self.bias = self.weight_of("bias", (self.filters,))

    def call(self, x: Any) -> Any:
        kernel = self.pointwise_kernel.reshape(-1, self.filters)
        return self.activated(self.filtered(x, self.depthwise_kernel) @ kernel)


class SeparableConv1D(_Separable, rank=1):
    """Applies a `DepthwiseConv1D`, then mixes the channels of each step to ``filters`` channels.

    Parameters
    ----------
    filters : int
        Output channels.
    kernel_size, strides, dilation_rate : int
        As for `Conv1D`.
    padding, data_format, depth_multiplier, activation, use_bias, **options
        As for `SeparableConv2D`.
    pointwise_initializer, pointwise_regularizer, pointwise_constraint
        As for `SeparableConv2D`.

    Attributes
    ----------
    depthwise_kernel : ndarray, shape (kernel_size, channels, depth_multiplier)
    pointwise_kernel : ndarray, shape (1, channels * depth_multiplier, filters)
    bias : ndarray, shape (filters,)

    Raises
    ------
    DataError, ShapeError
        As for `DepthwiseConv2D`.

    Examples
    --------
    >>> x = np.array([[[1.0, 10.0], [2.0, 20.0], [3.0, 30.0]]])
    >>> ones = {"depthwise_initializer": "ones", "pointwise_initializer": "ones"}
    >>> SeparableConv1D(1, 2, **ones)(x).ravel()
    array([33., 55.], dtype=float32)
    """


class SeparableConv2D(_Separable, rank=2):
    """Applies a `DepthwiseConv2D`, then mixes the channels of each pixel to ``filters`` channels.

    Chollet, *Xception: Deep Learning with Depthwise Separable Convolutions*, 2017.

    Parameters
    ----------
    filters : int
        Output channels.
    kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias
        As for `Conv2D`.
    depth_multiplier : int, default 1
        Number of kernels per channel of the input.
    pointwise_initializer : str or Initializer, default "glorot_uniform"
    pointwise_regularizer : str or Regularizer, optional
    pointwise_constraint : str or Constraint, optional
    **options
        Further options of `DepthwiseConv2D`.

    Attributes
    ----------
    depthwise_kernel : ndarray, shape (rows, columns, channels, depth_multiplier)
    pointwise_kernel : ndarray, shape (1, 1, channels * depth_multiplier, filters)
    bias : ndarray, shape (filters,)

    Raises
    ------
    DataError, ShapeError
        As for `DepthwiseConv2D`.

    Examples
    --------
    >>> layer = SeparableConv2D(16, 3)
    >>> layer(np.zeros((2, 8, 8, 4))).shape
    (2, 6, 6, 16)
    >>> layer.count_params()  # 3 * 3 * 4 + 4 * 16 + 16, a Conv2D has 592
    116
    """
