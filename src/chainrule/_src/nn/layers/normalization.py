"""Layers that normalise over the batch or over a sample."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule._src.base.arguments import Flag, Number
from chainrule._src.base.errors import DataError, ShapeError
from chainrule._src.base.validation import check_positive, shape_text
from chainrule._src.nn.layers.given import Shape
from chainrule._src.nn.layers.layer import Layer

SMALLEST = 1e-7  # smallest deviation or number of samples by which a layer divides, as in Keras


class _Along(Layer):
    """Base class of layers that normalise along some axes."""

    supports_masking = True

    def __init__(self, axis: int | Sequence[int] = -1, **options: Any) -> None:
        super().__init__(**options)
        axes = axis if isinstance(axis, Sequence) else (axis,)
        self.axes = tuple(checked_axis(a, type(self).__name__) for a in axes)

    def sizes(self, shape: Shape) -> tuple[int, ...]:
        """Return the sizes of the axes, in their order."""
        sizes = {a % len(shape): size_of_axis(self, a, shape) for a in self.axes}
        return tuple(sizes[a] for a in sorted(sizes))

    def within(self, x: Any) -> tuple[int, ...]:
        """Return the axes of an input in their order."""
        return tuple(sorted(a % x.ndim for a in self.axes))

    def laid(self, weight: Any, x: Any) -> Any:
        """Return a weight reshaped so that it broadcasts against ``x`` along the axes.

        It has no axis before the first of them, so that a batch of one sample is broadcast, too:
        the code is the same for any number of samples.
        """
        axes = self.within(x)
        shape = [size if i in axes else 1 for i, size in enumerate(x.shape)]
        return weight.reshape(shape[axes[0] :])


class _ScaledAndShifted(_Along):
    """Base class of layers that normalise, then scale by gamma and shift by beta."""

    def __init__(
        self,
        axis: int | Sequence[int] = -1,
        epsilon: Number = 0.001,
        center: Flag = True,
        scale: Flag = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        **options: Any,
    ) -> None:
        super().__init__(axis, **options)
        self.epsilon, self.center, self.scale = epsilon, center, scale

    def build(self, input_shape: Shape) -> None:
        if self.scale:
            self.gamma = self.weight_of("gamma", self.sizes(input_shape))
        if self.center:
            self.beta = self.weight_of("beta", self.sizes(input_shape))

    def scaled(self, y: Any) -> Any:
        """Return the normalised input scaled and shifted."""
        y = y * self.laid(self.gamma, y) if self.scale else y
        return y + self.laid(self.beta, y) if self.center else y


class BatchNormalization(_ScaledAndShifted):
    r"""Normalises every feature to mean 0 and variance 1 over the batch, then scales and shifts.

    .. math:: y = \gamma \frac{x - \mu}{\sqrt{\sigma^2 + \varepsilon}} + \beta

    In training :math:`\mu, \sigma^2` are those of the batch, and moving averages are updated;
    otherwise the averages are used (Ioffe, Szegedy, *Batch Normalization*, 2015).

    Parameters
    ----------
    axis : int, default -1
        Axis of the features.
    momentum : float, default 0.99
        Share of its old value in the new value of a moving average.
    epsilon : float, default 0.001
        :math:`\varepsilon`.
    center, scale : bool, default True
        If true, there is a :math:`\beta`, or a :math:`\gamma`.
    beta_initializer, moving_mean_initializer : str or Initializer, default "zeros"
    gamma_initializer, moving_variance_initializer : str or Initializer, default "ones"
    synchronized : ignored
        Accepted for compatibility with Keras.
    **options
        Regularizers and constraints of ``beta`` and ``gamma``, and options of every `Layer`.

    Attributes
    ----------
    gamma, beta, moving_mean, moving_variance : ndarray, shape (features,)

    Raises
    ------
    DataError
        If ``axis`` is 0 or several axes.
    ShapeError
        If the axis of the features has no fixed length, or a mask does not fit the input.

    Examples
    --------
    >>> layer = BatchNormalization(momentum=0.9)
    >>> layer(np.array([[1.0], [3.0]]), training=True).ravel().round(2)
    array([-1.,  1.], dtype=float32)
    >>> layer.moving_mean, layer.moving_variance  # 0.9 * 0 + 0.1 * 2, 0.9 * 1 + 0.1 * 1
    (array([0.2], dtype=float32), array([1.], dtype=float32))
    """

    def __init__(
        self,
        axis: int = -1,
        momentum: Number = 0.99,
        epsilon: float = 0.001,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        moving_mean_initializer: Any = "zeros",
        moving_variance_initializer: Any = "ones",
        synchronized: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(axis, epsilon, center, scale, **options)
        if len(self.axes) != 1:
            raise DataError(f"BatchNormalization: axis must be one axis, received {axis!r}")
        (self.axis,), self.momentum = self.axes, momentum

    def build(self, input_shape: Shape) -> None:
        super().build(input_shape)
        shape = self.sizes(input_shape)
        self.moving_mean = self.weight_of("moving_mean", shape, trainable=False)
        self.moving_variance = self.weight_of("moving_variance", shape, trainable=False)

    def call(self, x: Any, training: bool = False, mask: Any = None) -> Any:
        """Return the normalised input; masked steps are ignored by the moments in training."""
        mean, variance = self.moving_mean, self.moving_variance
        if training and self.trainable:
            mean, variance = self._moments(x, mask)
            new = 1 - self.momentum
            self.moving_mean = self.moving_mean * self.momentum + mean * new
            self.moving_variance = self.moving_variance * self.momentum + variance * new
        factor = 1 / np.sqrt(variance + self.epsilon)
        if self.scale:
            factor = factor * self.gamma
        y = (x - self.laid(mean, x)) * self.laid(factor, x)
        return y + self.laid(self.beta, x) if self.center else y

    def _moments(self, x: Any, mask: Any) -> tuple[Any, Any]:
        """Return mean and variance over the entries that are not masked."""
        others = tuple(i for i in range(x.ndim) if i != self.axis % x.ndim)
        if mask is None:
            return np.mean(x, axis=others), np.var(x, axis=others)
        expected = f"a mask of one axis less than the input, shape {shape_text(x.shape[:-1])}"
        self._expect(mask.ndim == x.ndim - 1, expected, mask.shape)
        counts = np.broadcast_to(mask[..., np.newaxis].astype(x.dtype), x.shape)
        total = np.sum(counts, axis=others) + SMALLEST
        mean = np.sum(x * counts, axis=others) / total
        apart = np.where(counts > 0, x - self.laid(mean, x), 0)
        return mean, np.sum(apart**2, axis=others) / total


class LayerNormalization(_ScaledAndShifted):
    r"""Normalises every sample to mean 0 and variance 1 over its features, then scales and shifts.

    .. math:: y = \gamma \frac{x - \mu}{\sqrt{\sigma^2 + \varepsilon}} + \beta

    Ba, Kiros, Hinton, *Layer Normalization*, 2016: :math:`\mu, \sigma^2` are those of the sample.

    Parameters
    ----------
    axis : int or sequence of int, default -1
        Axes over which mean and variance are computed.
    epsilon : float, default 0.001
        :math:`\varepsilon`.
    center, scale : bool, default True
        If true, there is a :math:`\beta`, or a :math:`\gamma`.
    beta_initializer : str or Initializer, default "zeros"
    gamma_initializer : str or Initializer, default "ones"
    beta_regularizer, gamma_regularizer : str or Regularizer, optional
    beta_constraint, gamma_constraint : str or Constraint, optional
    **options
        Options of every `Layer`.

    Attributes
    ----------
    gamma, beta : ndarray, shape (features,)

    Raises
    ------
    DataError
        If an axis is 0.
    ShapeError
        If an axis has no fixed length.

    Examples
    --------
    >>> LayerNormalization()(np.array([[1.0, 3.0], [10.0, 50.0]])).round(2)
    array([[-1.,  1.],
           [-1.,  1.]], dtype=float32)
    """

    def call(self, x: Any) -> Any:
        return self.scaled(_standard(x, self.within(x), self.epsilon))


class GroupNormalization(_ScaledAndShifted):
    """Normalises every group of features of a sample, then scales and shifts.

    Wu, He, *Group Normalization*, 2018.

    Parameters
    ----------
    groups : int, default 32
        Number of groups of neighbouring features; with -1 each feature is a group.
    axis : int, default -1
        Axis of the features.
    epsilon : float, default 0.001
        Number that is added to the variance.
    **options
        ``center``, ``scale`` and further options of `LayerNormalization`.

    Raises
    ------
    DataError
        If ``groups`` is neither -1 nor a whole number of at least 1.
    ShapeError
        If the number of features is no multiple of ``groups``.

    Examples
    --------
    >>> GroupNormalization(2)(np.array([[1.0, 3.0, 10.0, 30.0]])).round(2)
    array([[-1.,  1., -1.,  1.]], dtype=float32)
    """

    def __init__(
        self, groups: int = 32, axis: int = -1, epsilon: float = 0.001, **options: Any
    ) -> None:
        super().__init__(axis, epsilon, **options)
        where = type(self).__name__
        self.groups = groups if groups == -1 else check_positive(groups, "groups", where)

    def build(self, input_shape: Shape) -> None:
        super().build(input_shape)
        (size,) = self.sizes(input_shape)
        if size % self._groups(size):
            raise ShapeError(f"{self}: {size} features are no multiple of {self.groups} groups")

    def call(self, x: Any) -> Any:
        axis = self.axes[0] % x.ndim
        size, groups = x.shape[axis], self._groups(x.shape[axis])
        parts = x.reshape(*x.shape[:axis], groups, size // groups, *x.shape[axis + 1 :])
        inside = tuple(i for i in range(1, parts.ndim) if i != axis)
        return self.scaled(_standard(parts, inside, self.epsilon).reshape(x.shape))

    def _groups(self, size: int) -> int:
        return size if self.groups == -1 else self.groups


class RMSNormalization(_Along):
    r"""Normalises every sample to mean square 1 over its features, then scales.

    .. math:: y = \gamma\, x / \sqrt{\overline{x^2} + \varepsilon}

    Zhang, Sennrich, *Root Mean Square Layer Normalization*, 2019.

    Parameters
    ----------
    axis : int or sequence of int, default -1
        Axes of the mean.
    epsilon : float, default 1e-6
        :math:`\varepsilon`.
    **options
        Options of every `Layer`.

    Attributes
    ----------
    scale : ndarray, shape (features,)
        :math:`\gamma`, initially 1.

    Raises
    ------
    DataError
        If an axis is 0.
    ShapeError
        If an axis has no fixed length.

    Examples
    --------
    The mean square is :math:`(3^2 + 4^2) / 2 = 12.5`, its root 3.536:

    >>> RMSNormalization()(np.array([[3.0, 4.0]])).round(3)
    array([[0.849, 1.131]], dtype=float32)
    """

    def __init__(
        self, axis: int | Sequence[int] = -1, epsilon: Number = 1e-6, **options: Any
    ) -> None:
        super().__init__(axis, **options)
        self.epsilon = epsilon

    def build(self, input_shape: Shape) -> None:
        self.scale = self.add_weight(self.sizes(input_shape), "ones")

    def call(self, x: Any) -> Any:
        square = np.mean(x**2, axis=self.within(x), keepdims=True)
        return x / np.sqrt(square + self.epsilon) * self.laid(self.scale, x)


class UnitNormalization(_Along):
    """Normalises every sample to length 1 over its features.

    Parameters
    ----------
    axis : int or sequence of int, default -1
        Axes of the sum of squares.
    **options
        Options of every `Layer`.

    Raises
    ------
    DataError
        If an axis is 0.

    Examples
    --------
    >>> UnitNormalization()(np.array([[3.0, 4.0]]))
    array([[0.6, 0.8]], dtype=float32)
    """

    def call(self, x: Any) -> Any:
        square = np.sum(x**2, axis=self.within(x), keepdims=True)
        return x / np.sqrt(np.maximum(square, 1e-24))


def checked_axis(axis: Any, where: str) -> int:
    """Return an axis of features, or raise an error if it is none."""
    if isinstance(axis, bool) or not isinstance(axis, int | np.integer) or axis == 0:
        raise DataError(
            f"{where}: axis must be a whole number other than 0, which is the batch's, received "
            f"{axis!r}"
        )
    return int(axis)


def _standard(x: Any, axes: tuple[int, ...], epsilon: float) -> Any:
    """Return an array normalised to mean 0 and variance 1 over some axes."""
    mean, variance = (f(x, axis=axes, keepdims=True) for f in (np.mean, np.var))
    return (x - mean) / np.sqrt(variance + epsilon)


def size_of_axis(layer: Layer, axis: int, shape: Shape) -> int:
    """Return the size of an axis, or raise an error if it has no fixed length."""
    if not -len(shape) < axis < len(shape):
        raise ShapeError(f"{layer}: the input, {shape_text(shape)}, has no axis {axis}")
    size = shape[axis]
    if size is None:
        raise ShapeError(f"{layer}: axis {axis} of the input, {shape_text(shape)}, has no length")
    return size
