"""Layers that normalise: by the batch, by the sample, by the data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule._src.base.arguments import Flag, Number
from chainrule._src.base.arrays import as_numbers
from chainrule._src.base.errors import DataError, ShapeError
from chainrule._src.base.validation import check_positive, shape_text
from chainrule._src.nn.layers.layer import Layer, Shape

SMALLEST = 1e-7  # deviation that `Normalization` divides by, as in Keras


class _Along(Layer):
    """What normalises along some axes."""

    supports_masking = True

    def __init__(self, axis: int | Sequence[int] = -1, **options: Any) -> None:
        super().__init__(**options)
        axes = axis if isinstance(axis, Sequence) else (axis,)
        self.axes = tuple(_axis(a, type(self).__name__) for a in axes)

    def sizes(self, shape: Shape) -> tuple[int, ...]:
        """Return the sizes of the axes, in their order."""
        sizes = {a % len(shape): _size(self, a, shape) for a in self.axes}
        return tuple(sizes[a] for a in sorted(sizes))

    def within(self, x: Any) -> tuple[int, ...]:
        """Return the axes of an input in their order."""
        return tuple(sorted(a % x.ndim for a in self.axes))

    def laid(self, weight: Any, x: Any) -> Any:
        """Return a weight with an entry for each along the axes, as it is multiplied."""
        axes = self.within(x)
        return weight.reshape([size if i in axes else 1 for i, size in enumerate(x.shape)])


class _Scaled(_Along):
    """What normalises, then scales by a gamma and shifts by a beta."""

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


class BatchNormalization(_Scaled):
    r"""Every feature with mean 0 and variance 1 over the batch, then scaled and shifted.

    .. math:: y = \gamma \frac{x - \mu}{\sqrt{\sigma^2 + \varepsilon}} + \beta

    In training :math:`\mu, \sigma^2` are those of the batch, and moving averages of them are kept;
    otherwise these averages are used (Ioffe, Szegedy, *Batch Normalization*, 2015).

    Parameters
    ----------
    axis : int, default -1
        Of the features.
    momentum : float, default 0.99
        How much of a moving average stays at every update.
    epsilon : float, default 0.001
    center, scale : bool, default True
        Whether there is a :math:`\beta` and a :math:`\gamma`.
    synchronized : ignored
        There is one device.
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
        """Return the normalised input; what the mask leaves out does not count in training."""
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
        """Return mean and variance of what counts."""
        others = tuple(i for i in range(x.ndim) if i != self.axis % x.ndim)
        if mask is None:
            return np.mean(x, axis=others), np.var(x, axis=others)
        wanted = f"a mask of one axis less than the input, shape {shape_text(x.shape[:-1])}"
        self._expect(mask.ndim == x.ndim - 1, wanted, mask.shape)
        counts = np.broadcast_to(mask[..., np.newaxis].astype(x.dtype), x.shape)
        total = np.sum(counts, axis=others) + SMALLEST
        mean = np.sum(x * counts, axis=others) / total
        apart = np.where(counts > 0, x - self.laid(mean, x), 0)
        return mean, np.sum(apart**2, axis=others) / total


class LayerNormalization(_Scaled):
    r"""Every sample with mean 0 and variance 1 over its features, then scaled and shifted.

    Ba, Kiros, Hinton, *Layer Normalization*, 2016.

    Parameters
    ----------
    axis : int or sequence of int, default -1
        Over which the mean is taken.
    epsilon : float, default 0.001
    center, scale : bool, default True
    """

    def call(self, x: Any) -> Any:
        return self.scaled(_standard(x, self.within(x), self.epsilon))


class GroupNormalization(_Scaled):
    r"""Every group of features of a sample with mean 0 and variance 1, then scaled and shifted.

    Wu, He, *Group Normalization*, 2018. ``groups=-1`` makes a group of each feature.

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
    r"""Every sample with mean square 1 over its features, then scaled.

    .. math:: y = \gamma\, x / \sqrt{\overline{x^2} + \varepsilon}

    Zhang, Sennrich, *Root Mean Square Layer Normalization*, 2019.

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
    """Every sample with length 1 over its features.

    >>> UnitNormalization()(np.array([[3.0, 4.0]]))
    array([[0.6, 0.8]], dtype=float32)
    """

    def call(self, x: Any) -> Any:
        square = np.sum(x**2, axis=self.within(x), keepdims=True)
        return x / np.sqrt(np.maximum(square, 1e-24))


class Adapted(Layer):
    """What is told of the data before training, in weights that are not trained."""

    supports_masking = True
    told: tuple[str, ...]  # the names of these weights
    known: list[Any] | None = None

    def found_in(self, data: Any) -> list[Any]:
        """Return what the weights are for such data."""
        raise NotImplementedError

    def adapt(self, data: Any) -> None:
        """Look at data, a sample a row, before training.

        Raises
        ------
        DataError, ShapeError
            If the data are empty, not finite, or of another number of features.
        """
        where = f"{type(self).__name__}.adapt"
        data = as_numbers(data, "data", where)
        if data.ndim < 2 or len(data) == 0:
            raise ShapeError(f"{where}: expected a sample a row, received shape {data.shape}")
        if not np.isfinite(data).all():
            raise DataError(f"{where}: data holds NaN or infinite values")
        if self.built and data.shape[1:] != self.input_shape[1:]:
            raise self.misfit(self.input_shape, (None, *data.shape[1:]))
        self.known = self.found_in(data)
        if self.built:
            for name, values in zip(self.told, self.known, strict=True):
                setattr(self, name, np.asarray(values, self._dtype))

    def keep(self, size: int, usual: Sequence[float]) -> None:
        """Make the weights, of so many features; without data they are as usual."""
        for name, values in zip(self.told, self.known or np.array(usual), strict=True):
            if values.size not in (1, size):
                raise ShapeError(
                    f"{self}: {name} is of {values.size} features, the input has {size}"
                )
            start = np.broadcast_to(values, (size,))
            setattr(self, name, self.add_weight((size,), lambda *_, w=start: w, trainable=False))


class Normalization(Adapted):
    r"""Every feature with mean 0 and variance 1 over data that were shown before training.

    Parameters
    ----------
    axis : int, default -1
        Of the features.
    mean, variance : array_like, optional
        Known before; otherwise `adapt` finds them.

    Examples
    --------
    >>> layer = Normalization()
    >>> layer.adapt(np.array([[1.0], [3.0]]))
    >>> layer(np.array([[2.0], [4.0]])).ravel()
    array([0., 2.], dtype=float32)
    """

    told = ("mean", "variance")
    mean: Any
    variance: Any

    def __init__(
        self, axis: int = -1, mean: Any = None, variance: Any = None, **options: Any
    ) -> None:
        super().__init__(**options)
        self.axis = _axis(axis, "Normalization")
        if (mean is None) != (variance is None):
            raise DataError("Normalization: give mean and variance together, or none of them")
        if mean is not None:
            values = [as_numbers(v, "mean and variance", "Normalization") for v in (mean, variance)]
            self.known = [np.asarray(v, np.float64).ravel() for v in values]
            finite = all(np.isfinite(v).all() for v in self.known)
            if not finite or self.known[1].min(initial=0) < 0:
                raise DataError(
                    "Normalization: mean and variance must be finite, the variance at least 0, "
                    f"received {mean!r} and {variance!r}"
                )

    def found_in(self, data: Any) -> list[Any]:
        """Return mean and variance."""
        others = tuple(i for i in range(data.ndim) if i != self.axis % data.ndim)
        return [f(data, axis=others, dtype=np.float64) for f in (np.mean, np.var)]

    def build(self, input_shape: Shape) -> None:
        self.keep(_size(self, self.axis, input_shape), (0.0, 1.0))
        # Kept at 0 so that the weights are those of Keras, in number and order.
        self.count = self.add_weight((), "zeros", np.int32, trainable=False)

    def call(self, x: Any) -> Any:
        along = [-1 if i == self.axis % x.ndim else 1 for i in range(x.ndim)]
        deviation = np.maximum(np.sqrt(self.variance), SMALLEST)
        return (x - self.mean.reshape(along)) / deviation.reshape(along)


def _axis(axis: Any, where: str) -> int:
    if isinstance(axis, bool) or not isinstance(axis, int | np.integer) or axis == 0:
        raise DataError(
            f"{where}: axis must be a whole number other than 0, which is the batch's, received "
            f"{axis!r}"
        )
    return int(axis)


def _standard(x: Any, axes: tuple[int, ...], epsilon: float) -> Any:
    """Return what has mean 0 and variance 1 over its axes."""
    mean, variance = (f(x, axis=axes, keepdims=True) for f in (np.mean, np.var))
    return (x - mean) / np.sqrt(variance + epsilon)


def _size(layer: Layer, axis: int, shape: Shape) -> int:
    """Return the size of an axis."""
    if not -len(shape) < axis < len(shape):
        raise ShapeError(f"{layer}: the input, {shape_text(shape)}, has no axis {axis}")
    size = shape[axis]
    if size is None:
        raise ShapeError(f"{layer}: axis {axis} of the input, {shape_text(shape)}, has no length")
    return size
