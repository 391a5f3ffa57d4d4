"""Losses under scikit-learn's names; like scikit-learn's, they are summed over outputs."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import is_classifier

from chainrule._src.base.errors import OptionError
from chainrule._src.nn import losses
from chainrule._src.nn.losses import Loss

WEIGHTED = "mean_with_sample_weight"


class HalfSquaredError(Loss):
    r"""Half the squared error, :math:`\frac12 \sum_j (y_j - \hat y_j)^2`."""

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each sample."""
        return 0.5 * np.sum((y_true - y_pred) ** 2, axis=-1)


class HalfPoissonDeviance(Loss):
    r"""Half the Poisson deviance, :math:`\sum_j \hat y_j - y_j \log \hat y_j`, up to a constant."""

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each sample."""
        return np.sum(y_pred - y_true * np.log(y_pred), axis=-1)


class AbsoluteError(Loss):
    r"""The absolute error, :math:`\sum_j |y_j - \hat y_j|`."""

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each sample."""
        return np.sum(np.abs(y_true - y_pred), axis=-1)


class Quantile(Loss):
    r"""The pinball loss, :math:`\sum_j \max(q e_j, (q - 1) e_j)` of :math:`e_j = y_j - \hat y_j`.

    Koenker, Bassett, *Regression Quantiles*, 1978.

    Parameters
    ----------
    quantile : float
        :math:`q`, between 0 and 1.
    name, reduction, dtype
        As for `Loss`.
    """

    def __init__(
        self, quantile: float = 0.5, name: str | None = None, reduction: str | None = WEIGHTED,
        dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(name, reduction, dtype)
        self.quantile = quantile

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each sample."""
        error = y_true - y_pred
        return np.sum(np.maximum(self.quantile * error, (self.quantile - 1) * error), axis=-1)


class LogLoss(losses.BinaryCrossentropy):
    """The binary crossentropy, summed over the labels of a sample."""

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each sample."""
        return super().call(y_true, y_pred) * y_pred.shape[-1]


# Keys: the loss's name, and true if the output is a softmax.
SMOOTH: dict[tuple[str, bool], type[Loss]] = {
    ("log_loss", True): losses.CategoricalCrossentropy,
    ("log_loss", False): LogLoss,
    ("focal", True): losses.CategoricalFocalCrossentropy,
    ("focal", False): losses.BinaryFocalCrossentropy,
}
NAMED: dict[str, type[Loss]] = {
    "squared_error": HalfSquaredError,
    "poisson": HalfPoissonDeviance,
    "absolute_error": AbsoluteError,
}


def loss_of(model: Any) -> Loss:
    """Return the loss object of a model.

    Raises
    ------
    UnknownNameError, DataError
        If the name is unknown.
    OptionError
        If the loss does not accept ``label_smoothing``.
    """
    name_or_loss, smoothing = model.loss, getattr(model, "label_smoothing", 0.0)
    if isinstance(name_or_loss, str):
        if name_or_loss in ("log_loss", "focal") and not is_classifier(model):
            raise OptionError("loss", f"{name_or_loss!r} is for classes, and this is a regression")
        smooth: Any = SMOOTH.get((name_or_loss, model.out_activation_ == "softmax"))
        if smooth is not None:
            return smooth(label_smoothing=smoothing, reduction=WEIGHTED)  # type: ignore[no-any-return]
        if name_or_loss == "quantile":
            if is_classifier(model):
                raise OptionError("loss", "'quantile' is for numbers, and this is a classification")
            return Quantile(model.quantile)
        if name_or_loss in NAMED:
            return NAMED[name_or_loss](reduction=WEIGHTED)
    if smoothing:
        raise OptionError("label_smoothing", "goes with the losses 'log_loss' and 'focal'")
    loss = losses.get(name_or_loss, "loss")
    if loss is not name_or_loss:  # a weight of 2 counts as two samples, as with the others
        loss.reduction = WEIGHTED
    return loss
