"""The hold-out samples that score training, and the rule that ends training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sklearn.base import is_classifier
from sklearn.model_selection import train_test_split

from chainrule._src.base.arrays import Array


@dataclass(eq=False, repr=False)
class HoldOut:
    """Hold-out samples, by which training is scored.

    Attributes
    ----------
    X, y : ndarray
        Samples, and their targets in the form that scores take: classes by name.
    Y : ndarray, shape (n, k)
        The targets in the form that the loss takes.
    weight : ndarray, shape (n,), or None
    """

    X: Array
    y: Array
    Y: Array
    weight: Any


def split_hold_out(model: Any, X: Array, y: Array, weight: Any) -> tuple[Any, HoldOut]:
    """Split samples into training and hold-out samples, with scikit-learn's random draw."""
    stratify = y if is_classifier(model) and model.n_outputs_ == 1 else None
    parts = (X, y) if weight is None else (X, y, weight)
    split = train_test_split(
        *parts, random_state=model._random_state, test_size=model.validation_fraction,
        stratify=stratify,
    )  # fmt: skip
    train, hold_out = [*split[0::2], None][:3], [*split[1::2], None][:3]
    if hold_out[0].shape[0] < 2:
        raise ValueError(
            "The validation set is too small. Increase 'validation_fraction' or the size of your "
            "dataset."
        )
    return tuple(train), hold_out_of(model, *hold_out)


def hold_out_of(model: Any, X: Array, Y: Array, weight: Any) -> HoldOut:
    """Return a hold-out from samples whose targets are in the form that the loss takes."""
    y = model._label_binarizer.inverse_transform(Y) if is_classifier(model) else Y
    return HoldOut(X, y, Y, weight)


def ends(model: Any, hold_out: HoldOut | None) -> bool:
    """Return true if training ends after this epoch; update the model's best score."""
    scored = (None, None, None) if hold_out is None else (hold_out.X, hold_out.y, hold_out.weight)
    model._update_no_improvement_count(model.early_stopping, *scored)
    model._optimizer.iteration_ends(model.t_)
    if model._no_improvement_count <= model.n_iter_no_change:
        return False
    what = "Validation score" if model.early_stopping else "Training loss"
    message = (
        f"{what} did not improve more than tol={model.tol:f} for {model.n_iter_no_change} "
        "consecutive epochs."
    )
    if model._optimizer.trigger_stopping(message, model.verbose):
        return True
    model._no_improvement_count = 0
    return False
