"""The losses as metrics: their weighted means over all samples. Names and values are Keras's."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule import losses
from chainrule.losses.operands import check_axis, pair
from chainrule.metrics.base import FunctionMetric, MeanOfValues, Sums
from chainrule.validation import check_number


class MeanSquaredError(FunctionMetric):
    """Mean of the squared errors.

    Examples
    --------
    >>> MeanSquaredError()([[0.0], [1.0]], [[2.0], [1.0]])
    2.0
    """

    function = staticmethod(losses.mean_squared_error)


class RootMeanSquaredError(MeanOfValues):
    """Square root of the mean of the squared errors.

    Examples
    --------
    >>> RootMeanSquaredError()([[0.0], [1.0]], [[2.0], [1.0]])
    1.4142135623730951
    """

    def values(self, y_true: Any, y_pred: Any) -> Any:
        """Return the squared errors."""
        y_true, y_pred = pair(y_true, y_pred, self.name)
        return (y_pred - y_true) ** 2

    def value(self, sums: Sums) -> float:
        """Return the root of the mean."""
        return float(np.sqrt(super().value(sums)))


class MeanAbsoluteError(FunctionMetric):
    """Mean of the absolute errors."""

    function = staticmethod(losses.mean_absolute_error)


class MeanAbsolutePercentageError(FunctionMetric):
    """Mean of the errors in percent of the targets."""

    function = staticmethod(losses.mean_absolute_percentage_error)


class MeanSquaredLogarithmicError(FunctionMetric):
    """Mean of the squared differences of the logarithms."""

    function = staticmethod(losses.mean_squared_logarithmic_error)


class KLDivergence(FunctionMetric):
    """Mean Kullback-Leibler divergence."""

    function = staticmethod(losses.kl_divergence)


class Poisson(FunctionMetric):
    """Mean Poisson loss."""

    function = staticmethod(losses.poisson)


class Hinge(FunctionMetric):
    """Mean hinge loss."""

    function = staticmethod(losses.hinge)


class SquaredHinge(FunctionMetric):
    """Mean squared hinge loss."""

    function = staticmethod(losses.squared_hinge)


class CategoricalHinge(FunctionMetric):
    """Mean categorical hinge loss."""

    function = staticmethod(losses.categorical_hinge)


class LogCoshError(FunctionMetric):
    """Mean logarithm of the hyperbolic cosine of the errors.

    Parameters
    ----------
    name : str, default "logcosh"
    """

    function = staticmethod(losses.log_cosh)

    def __init__(self, name: str | None = "logcosh", dtype: Any = None) -> None:
        super().__init__(name, dtype)


class CosineSimilarity(MeanOfValues):
    """Mean cosine of the angle between targets and predictions: 1 where directions agree.

    Parameters
    ----------
    name : str, default "cosine_similarity"
    axis : int, default -1
    """

    def __init__(
        self, name: str | None = "cosine_similarity", dtype: Any = None, axis: int = -1
    ) -> None:
        super().__init__(name, dtype)
        self.axis = check_axis(axis, "CosineSimilarity")

    def values(self, y_true: Any, y_pred: Any) -> Any:
        """Return the cosines."""
        return -losses.cosine_similarity(y_true, y_pred, self.axis)


class BinaryCrossentropy(MeanOfValues):
    """Mean binary cross-entropy.

    Parameters
    ----------
    name : str, default "binary_crossentropy"
    from_logits : bool, default False
    label_smoothing : float in [0, 1), default 0
    """

    def __init__(
        self,
        name: str | None = "binary_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(name, dtype)
        self.from_logits = from_logits
        self.label_smoothing = check_number(
            label_smoothing, "label_smoothing", "BinaryCrossentropy", high=1.0
        )

    def values(self, y_true: Any, y_pred: Any) -> Any:
        """Return the cross-entropy of each sample."""
        return losses.binary_crossentropy(y_true, y_pred, self.from_logits, self.label_smoothing)


class CategoricalCrossentropy(MeanOfValues):
    """Mean cross-entropy of one-hot rows.

    Parameters
    ----------
    name : str, default "categorical_crossentropy"
    from_logits : bool, default False
    label_smoothing : float in [0, 1), default 0
    axis : int, default -1
    """

    def __init__(
        self,
        name: str | None = "categorical_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
    ) -> None:
        super().__init__(name, dtype)
        self.from_logits = from_logits
        where = "CategoricalCrossentropy"
        self.label_smoothing = check_number(label_smoothing, "label_smoothing", where, high=1.0)
        self.axis = check_axis(axis, where)

    def values(self, y_true: Any, y_pred: Any) -> Any:
        """Return the cross-entropy of each sample."""
        return losses.categorical_crossentropy(
            y_true, y_pred, self.from_logits, self.label_smoothing, self.axis
        )


class SparseCategoricalCrossentropy(MeanOfValues):
    """Mean cross-entropy of class numbers.

    Parameters
    ----------
    name : str, default "sparse_categorical_crossentropy"
    from_logits : bool, default False
    """

    def __init__(
        self,
        name: str | None = "sparse_categorical_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
    ) -> None:
        super().__init__(name, dtype)
        self.from_logits = from_logits

    def values(self, y_true: Any, y_pred: Any) -> Any:
        """Return the cross-entropy of each sample."""
        return losses.sparse_categorical_crossentropy(y_true, y_pred, self.from_logits)
