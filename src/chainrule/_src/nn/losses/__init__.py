"""Losses, as plain NumPy code: they are recorded in the program like a user's code.

Names, arguments, defaults and values are Keras's. A function returns one value per sample, the
class of the same name their mean; a loss of your own is a function of ``(y_true, y_pred)``.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from chainrule._src.base.config import described, plain
from chainrule._src.base.errors import DataError
from chainrule._src.base.showing import snake_case
from chainrule._src.core.names import count_names
from chainrule._src.nn.losses.alignment import CTC, ctc
from chainrule._src.nn.losses.base import Loss, LossFunctionWrapper
from chainrule._src.nn.losses.focal import (
    BinaryFocalCrossentropy,
    CategoricalFocalCrossentropy,
    binary_focal_crossentropy,
    categorical_focal_crossentropy,
)
from chainrule._src.nn.losses.margins import (
    CategoricalHinge,
    Hinge,
    SquaredHinge,
    categorical_hinge,
    hinge,
    squared_hinge,
)
from chainrule._src.nn.losses.overlap import Dice, Tversky, dice, tversky
from chainrule._src.nn.losses.pairs import Circle, circle
from chainrule._src.nn.losses.probabilities import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    CategoricalGeneralizedCrossEntropy,
    KLDivergence,
    Poisson,
    SparseCategoricalCrossentropy,
    binary_crossentropy,
    categorical_crossentropy,
    categorical_generalized_cross_entropy,
    kl_divergence,
    poisson,
    sparse_categorical_crossentropy,
)
from chainrule._src.nn.losses.regression import (
    CosineSimilarity,
    Huber,
    LogCosh,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    Pinball,
    cosine_similarity,
    huber,
    log_cosh,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
    pinball,
)

count_names(os.path.dirname(__file__))

__all__ = [
    "CTC", "BinaryCrossentropy", "BinaryFocalCrossentropy", "CategoricalCrossentropy",
    "CategoricalFocalCrossentropy", "CategoricalGeneralizedCrossEntropy", "CategoricalHinge",
    "Circle", "CosineSimilarity", "Dice", "Hinge", "Huber", "KLDivergence", "LogCosh", "Loss",
    "LossFunctionWrapper", "MeanAbsoluteError", "MeanAbsolutePercentageError", "MeanSquaredError",
    "MeanSquaredLogarithmicError", "Pinball", "Poisson", "SparseCategoricalCrossentropy",
    "SquaredHinge", "Tversky", "binary_crossentropy", "binary_focal_crossentropy",
    "categorical_crossentropy", "categorical_focal_crossentropy",
    "categorical_generalized_cross_entropy", "categorical_hinge", "circle", "cosine_similarity",
    "ctc", "deserialize", "dice", "get", "hinge", "huber", "kl_divergence", "log_cosh",
    "mean_absolute_error", "mean_absolute_percentage_error", "mean_squared_error",
    "mean_squared_logarithmic_error", "pinball", "poisson", "serialize",
    "sparse_categorical_crossentropy", "squared_hinge", "tversky",
]  # fmt: skip

LOSSES: Mapping[str, type[Loss]] = {
    snake_case(loss.__name__): loss
    for loss in (
        BinaryCrossentropy, BinaryFocalCrossentropy, CategoricalCrossentropy,
        CategoricalFocalCrossentropy, CategoricalGeneralizedCrossEntropy, CategoricalHinge, CTC,
        Circle, CosineSimilarity, Dice, Hinge, Huber, KLDivergence, LogCosh, MeanAbsoluteError,
        MeanAbsolutePercentageError, MeanSquaredError, MeanSquaredLogarithmicError, Poisson,
        SparseCategoricalCrossentropy, SquaredHinge, Tversky,
    )
} | {
    "bce": BinaryCrossentropy, "kld": KLDivergence, "mae": MeanAbsoluteError,
    "mape": MeanAbsolutePercentageError, "mse": MeanSquaredError,
    "msle": MeanSquaredLogarithmicError,
}  # fmt: skip
"""Each loss by its name."""


def get(loss: Any, where: str = "losses.get") -> Loss:
    """Return a loss.

    Parameters
    ----------
    loss : str, dict, Loss, class of one or callable
        A name (``"mse"``, ``"mean_squared_error"``, ``"MeanSquaredError"``) or class gives a loss
        with default arguments, a dict is a description; a function of ``(y_true, y_pred)`` in NumPy
        returns one value per sample.
    where : str
        Name of the calling function, for error messages.

    Returns
    -------
    Loss

    Raises
    ------
    UnknownNameError, DataError
        If the loss is none of these.

    Examples
    --------
    >>> get("mse")([[0.0], [1.0]], [[2.0], [1.0]])
    np.float64(2.0)
    >>> get("huber")
    Huber()
    """
    entry = described("loss", loss, LOSSES, Loss)
    if isinstance(entry, Loss):
        return entry
    if isinstance(entry, type) or not callable(entry):
        raise DataError(
            f"{where}: loss must be a name, a Loss or a function of (y_true, y_pred), received "
            f"{loss!r}"
        )
    return LossFunctionWrapper(entry)


serialize, deserialize = plain, get
