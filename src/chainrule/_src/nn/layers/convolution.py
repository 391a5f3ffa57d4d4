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
from chainrule._src.nn.layers.layer import Function, Shape
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
    r"""Every step of the output sees a window of the input, with the same weights everywhere.

    .. math:: y_{if} = g\Big(b_f + \sum_{ac} x_{i s + a d,\, c}\, W_{acf}\Big)

    Arguments are those of `Conv2D`. With ``padding="causal"`` zeros are added before the first
    step, so that no output sees a later input.

    >>> Conv1D(16, 3, padding="causal")(np.zeros((2, 8, 4))).shape
    (2, 8, 16)
    """

    paddings = ("valid", "same", "causal")


class Conv2D(_Convolution, rank=2):
    r"""Every output pixel sees a window of the input, with the same weights everywhere.

    .. math:: y_{ijf} = g\Big(b_f + \sum_{abc} x_{i s + a d,\, j s + b d,\, c}\, W_{abcf}\Big)

    Parameters
    ----------
    filters : int
        Output channels.
    kernel_size : int or (int, int)
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
    use_bias : bool, default True
    kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer, **options
        As for `Dense`.

    Attributes
    ----------
    kernel : ndarray, shape (rows, columns, channels / groups, filters)
    bias : ndarray, shape (filters,)

    Examples
    --------
    >>> Conv2D(16, 3)(np.zeros((2, 8, 8, 1))).shape
    (2, 6, 6, 16)
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
    """The transpose of `Conv1D`; arguments as of `Conv2DTranspose`.

    >>> Conv1DTranspose(3, 2, strides=2)(np.zeros((2, 5, 4))).shape
    (2, 10, 3)
    """


class Conv2DTranspose(_TransposedConvolution, rank=2):
    r"""The transpose of `Conv2D`: every pixel of the input adds to a window of the output.

    .. math:: y_{is + ad,\, js + bd,\, f} \mathrel{+}= \sum_c x_{ijc}\, W_{abfc}

    Arguments are those of `Conv2D`, and ``output_padding``, the number of pixels that are added to
    the output's size. With ``padding="same"`` this size is the input's times the strides.

    >>> Conv2DTranspose(8, 3, strides=2, padding="same")(np.zeros((2, 4, 4, 1))).shape
    (2, 8, 8, 8)
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
    """A `Conv1D` of each channel by itself; arguments as of `DepthwiseConv2D`.

    >>> DepthwiseConv1D(3, depth_multiplier=2)(np.zeros((2, 8, 4))).shape
    (2, 6, 8)
    """


class DepthwiseConv2D(_Depthwise, rank=2):
    r"""A `Conv2D` of each channel by itself, with ``depth_multiplier`` filters per channel.

    .. math:: y_{ijcm} = g\Big(b_{cm} + \sum_{ab} x_{i s + a d,\, j s + b d,\, c}\, W_{abcm}\Big)

    >>> DepthwiseConv2D(3, padding="same")(np.zeros((2, 8, 8, 4))).shape
    (2, 8, 8, 4)
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
    """A `DepthwiseConv1D` followed by a mix of channels; arguments as of `SeparableConv2D`.

    >>> SeparableConv1D(16, 3)(np.zeros((2, 8, 4))).shape
    (2, 6, 16)
    """


class SeparableConv2D(_Separable, rank=2):
    """A `DepthwiseConv2D` followed by a mix of the channels of each pixel to ``filters`` channels.

    Chollet, *Xception: Deep Learning with Depthwise Separable Convolutions*, 2017.

    >>> SeparableConv2D(16, 3)(np.zeros((2, 8, 8, 4))).shape
    (2, 6, 6, 16)
    """
