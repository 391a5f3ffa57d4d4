"""Layers of networks for tables: scaled and embedded features, neural-tangent parametrisation."""

from __future__ import annotations

import math
from typing import Annotated, Any

import numpy as np

from chainrule._src.base.arguments import Number, Positive
from chainrule._src.base.errors import DataError
from chainrule._src.base.validation import check_number
from chainrule._src.nn.initializers import RandomNormal, RandomUniform
from chainrule._src.nn.layers.adapted import Adapted
from chainrule._src.nn.layers.core import Dense
from chainrule._src.nn.layers.given import Shape
from chainrule._src.nn.layers.layer import ROWS, Function, Layer
from chainrule._src.ops.nn import SOFTPLUS

NORMAL = RandomNormal(stddev=1.0)
NARROW = 1e-6  # share of a feature's range below which two quantiles are one


def _bound(value: Any, name: str, where: str) -> Any:
    """Check and return a number, or a sequence of numbers as a tuple."""
    if isinstance(value, list | tuple):
        return tuple(check_number(bound, name, where, low=-np.inf) for bound in value)
    return check_number(value, name, where, low=-np.inf)


Bound = Annotated[Any, _bound]


class Scale(Layer):
    r"""Multiplies every feature with its own weight, :math:`y = s \odot x`.

    Parameters
    ----------
    scale_initializer : str or Initializer, default "ones"
    scale_regularizer : str or Regularizer, optional
    scale_constraint : str or Constraint, optional
    **options
        Options of every `Layer`.

    Attributes
    ----------
    scale : ndarray, shape (inputs,)
        :math:`s`.

    Examples
    --------
    >>> layer = Scale()
    >>> layer.build((None, 2))
    >>> layer.set_weights([[1.0, 10.0]])
    >>> layer(np.array([[1.0, 2.0]]))
    array([[ 1., 20.]], dtype=float32)
    """

    supports_masking = True

    def __init__(
        self,
        scale_initializer: Any = "ones",
        scale_regularizer: Any = None,
        scale_constraint: Any = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)

    def build(self, input_shape: Shape) -> None:
        self.scale = self.weight_of("scale", input_shape[-1:])

    def call(self, x: Any) -> Any:
        return x * self.scale


class RobustScaling(Adapted):
    r"""Centres and scales features by their quartiles, then bounds them smoothly.

    .. math:: y = \frac{z}{\sqrt{1 + (z / c)^2}}, \qquad z = \frac{x - \text{median}}{s}

    :math:`s` is the distance of the quartiles, half the range where that is 0; a constant feature
    becomes 0. :math:`y` stays within :math:`\pm c`. Holzmüller, Grinsztajn, Steinwart, *Better by
    Default*, 2024, section 3.

    Parameters
    ----------
    limit : float, default 3
        :math:`c`, above 0.
    **options
        Options of every `Layer`.

    Attributes
    ----------
    center, factor : ndarray, shape (inputs,)
        Median and :math:`1 / s`; not trained.

    Raises
    ------
    DataError
        If ``limit`` is not above 0.
    ShapeError
        If samples are no rows.

    Examples
    --------
    >>> layer = RobustScaling()
    >>> layer.adapt(np.array([[1.0], [2.0], [3.0], [4.0], [900.0]]))
    >>> layer(np.array([[3.0], [5.0], [900.0]])).ravel().round(2)
    array([0.  , 0.95, 3.  ], dtype=float32)
    """

    supports_masking = False
    statistic_names = ("center", "factor")
    center: Any
    factor: Any

    def __init__(self, limit: float = 3.0, **options: Any) -> None:
        super().__init__(**options)
        self.limit = check_number(limit, "limit", "RobustScaling", strict=True)

    def statistics_of(self, data: Any) -> list[Any]:
        """Return medians, and factors from the quartiles."""
        self._expect(data.ndim == 2, ROWS, data.shape)
        low, first, median, third, high = np.quantile(data, [0, 0.25, 0.5, 0.75, 1], axis=0)
        spread = np.where(third > first, third - first, (high - low) / 2)
        return [median, np.divide(1, spread, out=np.zeros_like(spread), where=spread > 0)]

    def build(self, input_shape: Shape) -> None:
        self._expect(len(input_shape) == 2, ROWS, input_shape)
        self.keep((input_shape[1] or 1,), (0.0, 1.0))

    def call(self, x: Any) -> Any:
        z = (x - self.center) * self.factor
        return z / np.sqrt(1 + (z * (1 / self.limit)) ** 2)


class PiecewiseLinear(Adapted):
    r"""Adds to every feature its shares of the bins between its quantiles.

    .. math:: y_i = \big(x_i,\; z_{i1},\; z_{i2},\; \dots\big), \qquad
        z_{ij} = \text{clip}(s_{ij} (x_i - c_{ij}), -\tfrac12, \tfrac12)

    Bin :math:`j` of feature :math:`i` has the centre :math:`c_{ij}` and the width
    :math:`1 / s_{ij}`; `adapt` sets them so that each bin holds about as many samples. A linear map
    of the output is then a piecewise linear function of each feature: a network learns thresholds
    and relations that rise and fall from few samples, and odd values stay bounded. After Gorishniy,
    Rubachev, Babenko, *On Embeddings for Numerical Features*, 2022, section 3.2.

    Parameters
    ----------
    bins : int, default 8
        Maximum number of bins of a feature. Where quantiles are equal there are fewer, and the
        shares of missing bins are 0. A feature with one bin has no share, which would repeat it.
    **options
        Options of every `Layer`.

    Attributes
    ----------
    center, factor : ndarray, shape (inputs, bins)
        :math:`c, s`; not trained.

    Raises
    ------
    ShapeError
        If samples are no rows.

    Examples
    --------
    >>> layer = PiecewiseLinear(bins=2)
    >>> layer.adapt(np.array([[0.0], [1.0], [1.0], [5.0]]))
    >>> layer(np.array([[0.0], [1.0], [3.0], [9.0]]))
    array([[ 0. , -0.5, -0.5],
           [ 1. ,  0.5, -0.5],
           [ 3. ,  0.5,  0. ],
           [ 9. ,  0.5,  0.5]], dtype=float32)
    """

    supports_masking = False
    statistic_names = ("center", "factor")
    center: Any
    factor: Any

    def __init__(self, bins: Positive = 8, **options: Any) -> None:
        super().__init__(**options)
        self.bins = bins

    def statistics_of(self, data: Any) -> list[Any]:
        """Return centres and factors of the bins of each feature."""
        self._expect(data.ndim == 2, ROWS, data.shape)
        shape = data.shape[1], self.bins
        center, factor = np.zeros(shape), np.zeros(shape)
        shares = np.linspace(0, 1, self.bins + 1)
        ends = np.quantile(data.astype(np.float64), shares, axis=0, method="inverted_cdf")
        for i, quantiles in enumerate(ends.T):
            is_apart = np.diff(quantiles) > NARROW * (quantiles[-1] - quantiles[0])
            edges = quantiles[np.append(True, is_apart)]
            n_bins = len(edges) - 1
            if n_bins > 1:
                center[i, :n_bins] = (edges[:-1] + edges[1:]) / 2
                factor[i, :n_bins] = 1 / np.diff(edges)
        return [center, factor]

    def build(self, input_shape: Shape) -> None:
        self._expect(len(input_shape) == 2, ROWS, input_shape)
        self.keep((input_shape[1] or 1, self.bins), (0.0, 0.0))

    def call(self, x: Any) -> Any:
        column = x[:, :, np.newaxis]
        shares = np.clip((column - self.center) * self.factor, -0.5, 0.5)
        return np.concatenate([column, shares], axis=2).reshape(len(x), -1)


class NeuralTangentDense(Dense):
    r"""`Dense` with weights of variance 1 that are scaled in the product.

    .. math:: y = f\Big(\frac{1}{\sqrt d}\, x W + b\Big), \qquad W_{ij}, b_j \sim \mathcal N(0, 1)

    With :math:`d` inputs. One learning rate then suits layers of any width (Jacot, Gabriel,
    Hongler, *Neural Tangent Kernel*, 2018).

    Parameters
    ----------
    units : int
    activation : str or callable, optional
    use_bias : bool, default True
    kernel_initializer, bias_initializer : str or Initializer
        Standard normal by default.
    **options
        Options of `Dense`.

    Raises
    ------
    DataError
        If ``units`` is no whole number of at least 1.

    Examples
    --------
    >>> NeuralTangentDense(2, kernel_initializer="ones", bias_initializer="zeros")(np.ones((1, 4)))
    array([[2., 2.]], dtype=float32)
    """

    def __init__(
        self,
        units: int,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = NORMAL,
        bias_initializer: Any = NORMAL,
        **options: Any,
    ) -> None:
        super().__init__(units, activation, use_bias, **options)

    def call(self, x: Any) -> Any:
        return self.activated(x @ self.kernel * (1 / math.sqrt(len(self.kernel))))


class ParametricActivation(Layer):
    r"""Mixes the input and its activation in a trained amount: :math:`y = x + a \odot (f(x) - x)`.

    Parameters
    ----------
    activation : str or callable
        :math:`f`.
    amount_initializer : str or Initializer, default "ones"
        Initializer of :math:`a`.
    **options
        Options of every `Layer`.

    Attributes
    ----------
    amount : ndarray, shape (inputs,)
        :math:`a`.

    Raises
    ------
    UnknownNameError
        If no activation or initializer has the name.

    Examples
    --------
    >>> ParametricActivation("relu")(np.array([[-1.0, 2.0]]))
    array([[0., 2.]], dtype=float32)
    >>> ParametricActivation("relu", amount_initializer="zeros")(np.array([[-1.0, 2.0]]))
    array([[-1.,  2.]], dtype=float32)
    """

    supports_masking = True

    def __init__(
        self, activation: Function, amount_initializer: Any = "ones", **options: Any
    ) -> None:
        super().__init__(**options)
        self.activation = activation

    def build(self, input_shape: Shape) -> None:
        self.amount = self.weight_of("amount", input_shape[-1:])

    def call(self, x: Any) -> Any:
        return x + (self.activation(x) - x) * self.amount


class PeriodicEmbedding(Layer):
    r"""Embeds every feature: a linear map of cosines of the feature, and the feature itself.

    .. math:: y_i = \big(\cos(2 \pi x_i w_i + b_i)\, V_i + c_i,\; x_i\big)

    With :math:`w_i, b_i \in \mathbb R^k` and :math:`V_i \in \mathbb R^{k \times (m - 1)}` for every
    feature :math:`i`: "PBLD" of Holzmüller, Grinsztajn, Steinwart, *Better by Default*, 2024, after
    Gorishniy, Rubachev, Babenko, *On Embeddings for Numerical Features*, 2022.

    Parameters
    ----------
    units : int, default 4
        :math:`m`, length of a feature's embedding, at least 2.
    frequencies : int, default 16
        :math:`k`.
    sigma : float, default 0.1
        Standard deviation of the initial :math:`w`.
    **options
        Options of every `Layer`.

    Attributes
    ----------
    frequency, phase : ndarray, shape (features, k)
    kernel : ndarray, shape (features, k, m - 1)
    bias : ndarray, shape (features, m - 1)

    Raises
    ------
    DataError
        If ``units`` is below 2.
    ShapeError
        If samples are no rows.

    Examples
    --------
    >>> y = PeriodicEmbedding(units=4)(np.array([[7.0, 8.0, 9.0]]))
    >>> y.shape, y[0, 3::4]  # the last number of each embedding is the feature
    ((1, 12), array([7., 8., 9.], dtype=float32))
    """

    def __init__(
        self, units: Positive = 4, frequencies: Positive = 16, sigma: Number = 0.1, **options: Any
    ) -> None:
        super().__init__(**options)
        if units < 2:
            raise DataError(
                "PeriodicEmbedding: units must be at least 2, as one is the feature itself"
            )
        self.units, self.frequencies, self.sigma = units, frequencies, sigma

    def build(self, input_shape: Shape) -> None:
        self._expect(len(input_shape) == 2, ROWS, input_shape)
        d, k, m = input_shape[1], self.frequencies, self.units - 1
        usual = RandomUniform(-1 / math.sqrt(k), 1 / math.sqrt(k))
        self.frequency = self.add_weight((d, k), RandomNormal(stddev=self.sigma))
        self.phase = self.add_weight((d, k), RandomUniform(-math.pi, math.pi))
        self.kernel = self.add_weight((d, k, m), usual)
        self.bias = self.add_weight((d, m), usual)

    def call(self, x: Any) -> Any:
        waves = np.cos(x[:, :, np.newaxis] * (2 * math.pi * self.frequency) + self.phase)
        mixed = (waves.swapaxes(0, 1) @ self.kernel).swapaxes(0, 1) + self.bias
        together = np.concatenate([mixed, x[:, :, np.newaxis]], axis=2)
        return together.reshape(len(x), -1)


class Clamp(Layer):
    """Clips entries to an interval, outside training only.

    Parameters
    ----------
    low, high : float, or sequence of float
        The bounds of the output, or of each of its features.
    **options
        Options of every `Layer`.

    Raises
    ------
    DataError
        If a bound ``low`` is above ``high``.

    Examples
    --------
    >>> Clamp(-1.0, 1.0)(np.array([[-3.0, 0.5]]))
    array([[-1. ,  0.5]], dtype=float32)
    """

    def __init__(self, low: Bound, high: Bound, **options: Any) -> None:
        super().__init__(**options)
        self.low, self.high = low, high
        if np.any(np.greater(low, high)):
            raise DataError(f"Clamp: low must not be above high, received {low} and {high}")

    def call(self, x: Any, training: bool = False) -> Any:
        if training:
            return x
        bounds = self.low, self.high
        return np.clip(x, *(np.array(b, x.dtype) if isinstance(b, tuple) else b for b in bounds))


class Bounds(Layer):
    r"""Turns three arbitrary numbers into a middle, a lower and an upper bound.

    .. math:: (z_1, z_2, z_3) \mapsto (z_1,\; z_1 - \log(1 + e^{z_2}),\; z_1 + \log(1 + e^{z_3}))

    With this layer the quantiles that a network predicts cannot cross.

    Parameters
    ----------
    activity_regularizer, batch_input_shape, dtype, input_dim, input_shape, name, trainable
        Options of every `Layer`.

    Raises
    ------
    ShapeError
        If a sample has not three numbers.

    Examples
    --------
    >>> Bounds()(np.array([[1.0, 0.0, -100.0]])).round(4)
    array([[1.    , 0.3069, 1.    ]], dtype=float32)
    """

    def build(self, input_shape: Shape) -> None:
        self._expect(input_shape[1:] == (3,), "three numbers a sample", input_shape)

    def call(self, x: Any) -> Any:
        """Return the middle, the lower bound and the upper bound."""
        middle = x[:, :1]
        low, high = middle - SOFTPLUS(x[:, 1:2]), middle + SOFTPLUS(x[:, 2:])
        return np.concatenate([middle, low, high], axis=1)
