"""Samples held back from training, and the rule that ends it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sklearn.base import is_classifier
from sklearn.model_selection import train_test_split

from chainrule._src.base.arrays import Array


@dataclass(eq=False, repr=False)
class Held:
    """Samples that training is scored by.

    Attributes
    ----------
    X, y : ndarray
        With the targets as scores take them: classes by name.
    Y : ndarray, shape (n, k)
        The targets as the loss takes them.
    weight : ndarray, shape (n,), or None
    """

    X: Array
    y: Array
    Y: Array
    weight: Any


def held_back(model: Any, X: Array, y: Array, weight: Any) -> tuple[Any, Held]:
    """Return what is trained on, and what is held back, drawn as scikit-learn draws it."""
    stratify = y if is_classifier(model) and model.n_outputs_ == 1 else None
    parts = (X, y) if weight is None else (X, y, weight)
    found = train_test_split(
        *parts, random_state=model._random_state, test_size=model.validation_fraction,
        stratify=stratify,
    )  # fmt: skip
    train, held = [*found[0::2], None][:3], [*found[1::2], None][:3]
    if held[0].shape[0] < 2:
        raise ValueError(
            "The validation set is too small. Increase 'validation_fraction' or the size of your "
            "dataset."
        )
    return tuple(train), held_of(model, *held)


def held_of(model: Any, X: Array, Y: Array, weight: Any) -> Held:
    """Return samples whose targets are those of the loss, ready to be scored."""
    y = model._label_binarizer.inverse_transform(Y) if is_classifier(model) else Y
    return Held(X, y, Y, weight)


def ends(model: Any, held: Held | None) -> bool:
    """Whether training ends after this epoch; what the model knows of its best one is kept."""
    scored = (None, None, None) if held is None else (held.X, held.y, held.weight)
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
