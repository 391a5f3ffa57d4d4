"""Metrics, as plain NumPy code: their sums over a batch are part of the compiled step.

Names, arguments, defaults and values are Keras's; a metric of your own is a function of
``(y_true, y_pred)`` that returns one value per sample.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chainrule._src.base.config import described, named, plain
from chainrule._src.base.errors import DataError
from chainrule._src.base.showing import snake_case
from chainrule._src.nn import losses
from chainrule._src.nn.losses import (
    binary_crossentropy,
    binary_focal_crossentropy,
    categorical_crossentropy,
    categorical_focal_crossentropy,
    categorical_hinge,
    hinge,
    huber,
    kl_divergence,
    log_cosh,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
    poisson,
    sparse_categorical_crossentropy,
    squared_hinge,
)
from chainrule._src.nn.metrics.accuracy import (
    Accuracy,
    BinaryAccuracy,
    CategoricalAccuracy,
    SparseCategoricalAccuracy,
    SparseTopKCategoricalAccuracy,
    TopKCategoricalAccuracy,
    binary_accuracy,
    categorical_accuracy,
    sparse_categorical_accuracy,
    sparse_top_k_categorical_accuracy,
    top_k_categorical_accuracy,
)
from chainrule._src.nn.metrics.base import Mean, MeanMetricWrapper, Metric, Sum
from chainrule._src.nn.metrics.errors import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    CategoricalHinge,
    ConcordanceCorrelation,
    CosineSimilarity,
    Hinge,
    KLDivergence,
    LogCoshError,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    PearsonCorrelation,
    Poisson,
    RootMeanSquaredError,
    SparseCategoricalCrossentropy,
    SquaredHinge,
    concordance_correlation,
    pearson_correlation,
)
from chainrule._src.nn.metrics.overlap import BinaryIoU, IoU, MeanIoU, OneHotIoU, OneHotMeanIoU
from chainrule._src.nn.metrics.scores import ConfusionMatrix, F1Score, FBetaScore, R2Score
from chainrule._src.nn.metrics.thresholds import (
    AUC,
    FalseNegatives,
    FalsePositives,
    Precision,
    PrecisionAtRecall,
    Recall,
    RecallAtPrecision,
    SensitivityAtSpecificity,
    SpecificityAtSensitivity,
    TrueNegatives,
    TruePositives,
)

__all__ = [
    "AUC", "Accuracy", "BinaryAccuracy", "BinaryCrossentropy", "BinaryIoU", "CategoricalAccuracy",
    "CategoricalCrossentropy", "CategoricalHinge", "ConcordanceCorrelation", "ConfusionMatrix",
    "CosineSimilarity", "F1Score", "FBetaScore", "FalseNegatives", "FalsePositives", "Hinge", "IoU",
    "KLDivergence", "LogCoshError", "Mean", "MeanAbsoluteError", "MeanAbsolutePercentageError",
    "MeanIoU", "MeanMetricWrapper", "MeanSquaredError", "MeanSquaredLogarithmicError", "Metric",
    "OneHotIoU", "OneHotMeanIoU", "PearsonCorrelation", "Poisson", "Precision", "PrecisionAtRecall",
    "R2Score", "Recall", "RecallAtPrecision", "RootMeanSquaredError", "SensitivityAtSpecificity",
    "SparseCategoricalAccuracy", "SparseCategoricalCrossentropy", "SparseTopKCategoricalAccuracy",
    "SpecificityAtSensitivity", "SquaredHinge", "Sum", "TopKCategoricalAccuracy", "TrueNegatives",
    "TruePositives", "binary_accuracy", "binary_crossentropy", "binary_focal_crossentropy",
    "categorical_accuracy", "categorical_crossentropy", "categorical_focal_crossentropy",
    "categorical_hinge", "concordance_correlation", "deserialize", "get", "hinge", "huber",
    "kl_divergence", "log_cosh", "mean_absolute_error", "mean_absolute_percentage_error",
    "mean_squared_error", "mean_squared_logarithmic_error", "pearson_correlation", "poisson",
    "serialize", "sparse_categorical_accuracy", "sparse_categorical_crossentropy",
    "sparse_top_k_categorical_accuracy", "squared_hinge", "top_k_categorical_accuracy",
]  # fmt: skip

METRICS: Mapping[str, type[Metric]] = {
    snake_case(metric.__name__): metric
    for metric in (
        AUC, BinaryAccuracy, BinaryCrossentropy, CategoricalAccuracy, CategoricalCrossentropy,
        CategoricalHinge, ConcordanceCorrelation, CosineSimilarity, F1Score, FBetaScore,
        FalseNegatives, FalsePositives, Hinge, KLDivergence, LogCoshError, MeanAbsoluteError,
        MeanAbsolutePercentageError, MeanSquaredError, MeanSquaredLogarithmicError,
        PearsonCorrelation, Poisson, Precision, R2Score, Recall, RootMeanSquaredError,
        SparseCategoricalAccuracy, SparseCategoricalCrossentropy, SparseTopKCategoricalAccuracy,
        SquaredHinge, TopKCategoricalAccuracy, TrueNegatives, TruePositives,
    )
} | {
    "bce": BinaryCrossentropy, "mae": MeanAbsoluteError, "mape": MeanAbsolutePercentageError,
    "mse": MeanSquaredError, "msle": MeanSquaredLogarithmicError,
}  # fmt: skip
"""Each metric by its name."""

_KINDS: dict[str, tuple[type[Metric], ...]] = {
    **dict.fromkeys(
        ("accuracy", "acc"), (BinaryAccuracy, SparseCategoricalAccuracy, CategoricalAccuracy)
    ),
    **dict.fromkeys(
        ("crossentropy", "ce"),
        (BinaryCrossentropy, SparseCategoricalCrossentropy, CategoricalCrossentropy),
    ),
}


def get(
    metric: Any,
    loss: losses.Loss | None = None,
    output_shape: tuple[int | None, ...] = (),
    where: str = "metrics.get",
) -> Metric:
    """Return a metric; a metric from a text has that text as its name.

    Parameters
    ----------
    metric : str, dict, Metric, class of one or callable
        A name (``"accuracy"``, ``"mae"``, ``"AUC"``) or class gives a metric with default
        arguments, a dict is a description; a function of ``(y_true, y_pred)`` in NumPy returns one
        value per sample, or one value for the batch.
    loss : Loss, optional
        Loss of the model, which decides between class numbers and one-hot rows.
    output_shape : tuple
        Shape of the predictions. ``"accuracy"`` is binary if its last axis is 1, else that of class
        numbers if the loss is sparse, else that of one-hot rows; the same holds for
        ``"crossentropy"``.
    where : str
        Name of the calling function, for error messages.

    Returns
    -------
    Metric

    Raises
    ------
    UnknownNameError, DataError
        If the metric is none of these.

    Examples
    --------
    >>> get("accuracy", losses.SparseCategoricalCrossentropy(), (None, 10), "compile")
    SparseCategoricalAccuracy(name='accuracy')
    """
    if isinstance(metric, str):
        kind = 0 if output_shape[-1:] == (1,) else 1 if _is_sparse(loss) else 2
        table = {**METRICS, **{name: kinds[kind] for name, kinds in _KINDS.items()}}
        return named("metric", metric, table)(name=metric)
    entry = described("metric", metric, METRICS, Metric)
    if isinstance(entry, Metric):
        return entry
    if isinstance(entry, type) or not callable(entry):
        raise DataError(
            f"{where}: a metric must be a name, a Metric or a function of (y_true, y_pred), "
            f"received {metric!r}"
        )
    return MeanMetricWrapper(entry)


serialize, deserialize = plain, get


def _is_sparse(loss: losses.Loss | None) -> bool:
    return loss is not None and (
        isinstance(loss, losses.SparseCategoricalCrossentropy) or loss.name.startswith("sparse_")
    )
