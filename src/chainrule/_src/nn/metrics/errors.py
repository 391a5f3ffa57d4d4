"""The losses as metrics: their weighted means over all samples. Names and values are Keras's."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule._src.base.arguments import Share
from chainrule._src.nn import losses
from chainrule._src.nn.losses.base import weight_of
from chainrule._src.nn.losses.operands import EPSILON, OneAxis, pair
from chainrule._src.nn.metrics.base import (
    FunctionMetric,
    MeanOfValues,
    Sums,
    number,
    numbers,
    summed,
)


class MeanSquaredError(FunctionMetric, function=losses.mean_squared_error):
    """Computes the mean of the squared errors.

    Parameters
    ----------
    name, dtype
        Parameters of `Metric`.

    Examples
    --------
    >>> MeanSquaredError()([[0.0], [1.0]], [[2.0], [1.0]])
    2.0
    """


class MeanAbsoluteError(FunctionMetric, function=losses.mean_absolute_error):
    """Computes the mean of the absolute errors.

    Parameters
    ----------
    name, dtype
        Parameters of `Metric`.

    Examples
    --------
    >>> MeanAbsoluteError()([[0.0], [1.0]], [[2.0], [5.0]])
    3.0
    """


class MeanAbsolutePercentageError(FunctionMetric, function=losses.mean_absolute_percentage_error):
    """Computes the mean of the errors in percent of the targets.

    Parameters
    ----------
    name, dtype
        Parameters of `Metric`.

    Examples
    --------
    >>> MeanAbsolutePercentageError()([[2.0], [10.0]], [[1.0], [9.0]])  # 50 % and 10 %
    30.0
    """


class MeanSquaredLogarithmicError(FunctionMetric, function=losses.mean_squared_logarithmic_error):
    """Computes the mean of the squared differences of the logarithms.

    Parameters
    ----------
    name, dtype
        Parameters of `Metric`.

    Examples
    --------
    >>> MeanSquaredLogarithmicError()([[0.0], [1.0]], [[0.0], [3.0]])  # log(2)**2 / 2
    0.2402
    """


class KLDivergence(FunctionMetric, function=losses.kl_divergence):
    """Computes the mean Kullback-Leibler divergence.

    Parameters
    ----------
    name, dtype
        Parameters of `Metric`.

    Examples
    --------
    >>> KLDivergence()([[0.5, 0.5], [0.2, 0.8]], [[0.2, 0.8], [0.2, 0.8]])  # 0.2231 and 0
    0.1116
    """


class Poisson(FunctionMetric, function=losses.poisson):
    """Computes the mean Poisson loss.

    Parameters
    ----------
    name, dtype
        Parameters of `Metric`.

    Examples
    --------
    >>> Poisson()([[0.0], [2.0]], [[1.0], [3.0]])  # 1 and 3 - 2 log(3)
    0.9014
    """


class Hinge(FunctionMetric, function=losses.hinge):
    """Computes the mean hinge loss.

    Parameters
    ----------
    name, dtype
        Parameters of `Metric`.

    Examples
    --------
    >>> Hinge()([[-1.0], [1.0]], [[-2.0], [0.5]])  # 0 and 1 - 0.5
    0.25
    """


class SquaredHinge(FunctionMetric, function=losses.squared_hinge):
    """Computes the mean squared hinge loss.

    Parameters
    ----------
    name, dtype
        Parameters of `Metric`.

    Examples
    --------
    >>> SquaredHinge()([[-1.0], [1.0]], [[-2.0], [0.5]])  # 0 and (1 - 0.5)**2
    0.125
    """


class CategoricalHinge(FunctionMetric, function=losses.categorical_hinge):
    """Computes the mean categorical hinge loss.

    Parameters
    ----------
    name, dtype
        Parameters of `Metric`.

    Examples
    --------
    >>> CategoricalHinge()([[0.0, 1.0], [1.0, 0.0]], [[0.5, 2.0], [0.5, 1.0]])  # 0 and 1.5
    0.75
    """


class RootMeanSquaredError(MeanOfValues):
    """Computes the square root of the mean of the squared errors.

    Parameters
    ----------
    name, dtype
        Parameters of `Metric`.

    Examples
    --------
    >>> RootMeanSquaredError()([[0.0], [1.0]], [[2.0], [1.0]])
    1.4142135623730951
    """

    def values(self, y_true: Any, y_pred: Any) -> Any:
        """Return the squared errors."""
        y_true, y_pred = pair(y_true, y_pred, self.name)
        return (y_pred - y_true) ** 2

    def value(self, sums: Sums) -> Any:
        """Return the root of the mean."""
        return number(np.sqrt(super().value(sums)))


class LogCoshError(FunctionMetric, function=losses.log_cosh):
    """Computes the mean logarithm of the hyperbolic cosine of the errors.

    Parameters
    ----------
    name : str, default "logcosh"
    dtype : dtype, optional
        Parameter of `Metric`.

    Examples
    --------
    >>> LogCoshError()([[0.0], [0.0]], [[0.0], [1000.0]])  # (1000 - log(2)) / 2
    499.6534
    """

    def __init__(self, name: str | None = "logcosh", dtype: Any = None) -> None:
        super().__init__(name, dtype)


class CosineSimilarity(FunctionMetric, function=losses.cosine_similarity):
    """Computes the mean cosine of the angle between targets and predictions.

    It is 1 if all directions agree.

    Parameters
    ----------
    name : str, default "cosine_similarity"
    dtype : dtype, optional
        Parameter of `Metric`.
    axis : int, default -1
        Axis of a vector.

    Raises
    ------
    DataError
        If ``axis`` is not an integer.

    Examples
    --------
    >>> CosineSimilarity()([[0.0, 2.0], [1.0, 1.0]], [[0.0, 1.0], [1.0, -1.0]])  # 1 and 0
    0.5
    """

    def __init__(
        self, name: str | None = "cosine_similarity", dtype: Any = None, axis: OneAxis = -1
    ) -> None:
        super().__init__(name, dtype)
        self.axis = axis

    def values(self, y_true: Any, y_pred: Any) -> Any:
        """Return the cosines."""
        return -super().values(y_true, y_pred)


class BinaryCrossentropy(FunctionMetric, function=losses.binary_crossentropy):
    """Computes the mean binary cross-entropy.

    Parameters
    ----------
    name : str, default "binary_crossentropy"
    dtype : dtype, optional
        Parameter of `Metric`.
    from_logits, label_smoothing
        Parameters of `chainrule.losses.binary_crossentropy`.

    Raises
    ------
    DataError
        If ``label_smoothing`` is not from 0 to below 1.

    Examples
    --------
    >>> BinaryCrossentropy()([[0.0], [1.0]], [[0.5], [0.8]])  # -(log(0.5) + log(0.8)) / 2
    0.4581
    """

    def __init__(
        self,
        name: str | None = "binary_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        label_smoothing: Share = 0.0,
    ) -> None:
        super().__init__(name, dtype)
        self.from_logits, self.label_smoothing = from_logits, label_smoothing


class CategoricalCrossentropy(FunctionMetric, function=losses.categorical_crossentropy):
    """Computes the mean cross-entropy of one-hot rows.

    Parameters
    ----------
    name : str, default "categorical_crossentropy"
    dtype : dtype, optional
        Parameter of `Metric`.
    from_logits, label_smoothing, axis
        Parameters of `chainrule.losses.categorical_crossentropy`.

    Raises
    ------
    DataError
        If ``label_smoothing`` is not from 0 to below 1, or ``axis`` is not an integer.

    Examples
    --------
    >>> CategoricalCrossentropy()([[1, 0], [0, 1]], [[0.5, 0.5], [0.2, 0.8]])  # 0.6931 and 0.2231
    0.4581
    """

    def __init__(
        self,
        name: str | None = "categorical_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        label_smoothing: Share = 0.0,
        axis: OneAxis = -1,
    ) -> None:
        super().__init__(name, dtype)
        self.from_logits, self.label_smoothing, self.axis = from_logits, label_smoothing, axis


class SparseCategoricalCrossentropy(
    FunctionMetric, function=losses.sparse_categorical_crossentropy
):
    """Computes the mean cross-entropy of class numbers.

    Parameters
    ----------
    name : str, default "sparse_categorical_crossentropy"
    dtype : dtype, optional
    from_logits : bool, default False
        If true, predictions are logits, to which the softmax is applied.
    ignore_class : int, optional
        A class number whose samples have value 0 and, with sample weights, are excluded.
    axis : int, default -1
        Axis of the classes.

    Raises
    ------
    DataError
        If ``axis`` is not an integer.

    Examples
    --------
    >>> SparseCategoricalCrossentropy()([0, 1], [[0.5, 0.5], [0.2, 0.8]])  # 0.6931 and 0.2231
    0.4581
    """

    def __init__(
        self,
        name: str | None = "sparse_categorical_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        ignore_class: int | None = None,
        axis: OneAxis = -1,
    ) -> None:
        super().__init__(name, dtype)
        self.from_logits, self.ignore_class, self.axis = from_logits, ignore_class, axis

    def measure(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Sums:
        """Return the weighted sum of the values, and the sum of the weights."""
        values, weight = self.values(y_true, y_pred), sample_weight
        if self.ignore_class is not None and weight is not None:  # else Keras counts them, as 0
            y_true = numbers(y_true, "y_true", self.name).reshape(values.shape)
            weight = weight_of(y_true != self.ignore_class, sample_weight, "sum")
        return summed(values, weight, self.name)


def pearson_correlation(y_true: Any, y_pred: Any, axis: int = -1) -> Any:
    r"""Return :math:`\operatorname{cov}(y, p) / (\sigma_y \sigma_p)` along an axis.

    It is NaN if one of them is constant.

    Parameters
    ----------
    y_true, y_pred : array_like or Tensor, shape (n, k)
        Targets and predictions.
    axis : int, default -1
        Axis of a sample's values.

    Returns
    -------
    array, shape (n,)

    Raises
    ------
    ShapeError, DataError
        As for `chainrule.losses.mean_squared_error`.

    Examples
    --------
    >>> pearson_correlation([[0.0, 1.0, 2.0]], [[1.0, 3.0, 5.0]])
    array([1.])
    """
    y_true, y_pred = pair(y_true, y_pred, "pearson_correlation")
    spreads = np.std(y_true, axis=axis) * np.std(y_pred, axis=axis)
    is_defined = spreads > 0
    correlation = _covariance(y_true, y_pred, axis) / np.where(is_defined, spreads, 1)
    return np.where(is_defined, correlation, np.nan)


def concordance_correlation(y_true: Any, y_pred: Any, axis: int = -1) -> Any:
    r"""Return the concordance correlation of targets and predictions along an axis.

    .. math:: \frac{2 \operatorname{cov}(y, p)}{\sigma_y^2 + \sigma_p^2 + (\bar y - \bar p)^2}

    Lin, *A Concordance Correlation Coefficient to Evaluate Reproducibility*, 1989.

    Parameters
    ----------
    y_true, y_pred : array_like or Tensor, shape (n, k)
        Targets and predictions.
    axis : int, default -1
        Axis of a sample's values.

    Returns
    -------
    array, shape (n,)

    Raises
    ------
    ShapeError, DataError
        As for `chainrule.losses.mean_squared_error`.

    Examples
    --------
    >>> concordance_correlation([[0.0, 1.0, 2.0]], [[0.0, 1.0, 2.0]]).round(4)
    array([1.])
    """
    y_true, y_pred = pair(y_true, y_pred, "concordance_correlation")
    far = (np.mean(y_true, axis=axis) - np.mean(y_pred, axis=axis)) ** 2
    spreads = np.var(y_true, axis=axis) + np.var(y_pred, axis=axis) + far
    return 2 * _covariance(y_true, y_pred, axis) / (spreads + EPSILON)


def _covariance(a: Any, b: Any, axis: int) -> Any:
    a, b = (x - np.mean(x, axis=axis, keepdims=True) for x in (a, b))
    return np.mean(a * b, axis=axis)


class PearsonCorrelation(FunctionMetric, function=pearson_correlation):
    """Computes the correlation of targets and predictions, averaged over the samples.

    Parameters
    ----------
    name : str, default "pearson_correlation"
    dtype : dtype, optional
    axis : int, default -1
        Axis of a sample's values.

    Raises
    ------
    DataError
        If ``axis`` is not an integer.

    Examples
    --------
    >>> PearsonCorrelation()([[0, 1, 0.5], [1, 1, 0.2]], [[0.1, 0.9, 0.5], [1, 0.9, 0.2]])
    0.9966
    """

    def __init__(
        self, name: str | None = "pearson_correlation", dtype: Any = None, axis: OneAxis = -1
    ) -> None:
        super().__init__(name, dtype)
        self.axis = axis


class ConcordanceCorrelation(FunctionMetric, function=concordance_correlation):
    """Computes the concordance of targets and predictions, averaged over the samples.

    Parameters
    ----------
    name : str, default "concordance_correlation"
    dtype : dtype, optional
    axis : int, default -1
        Axis of a sample's values.

    Raises
    ------
    DataError
        If ``axis`` is not an integer.

    Examples
    --------
    >>> ConcordanceCorrelation()([[0.0, 1.0, 2.0]], [[0.0, 1.0, 2.0]])
    1.0
    >>> ConcordanceCorrelation()([[0.0, 1.0, 2.0]], [[1.0, 2.0, 3.0]])  # (4 / 3) / (7 / 3)
    0.5714
    """

    def __init__(
        self, name: str | None = "concordance_correlation", dtype: Any = None, axis: OneAxis = -1
    ) -> None:
        super().__init__(name, dtype)
        self.axis = axis
