"""The score for early stopping."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.metrics import accuracy_score, check_scoring, r2_score


def scored(model: Any, X: Any, y: Any, sample_weight: Any) -> float:
    """Return the score ``model.scoring`` of validated samples with the model's current weights.

    By default the accuracy or R²; NaN if a prediction is not finite.
    """
    if model.scoring is None:
        predicted = model._predict(X, check_input=False)
        if predicted.dtype.kind == "f" and not np.isfinite(predicted).all():
            return np.nan
        score = accuracy_score if is_classifier(model) else r2_score
        return score(y, predicted, sample_weight=sample_weight)  # type: ignore[no-any-return]
    view = copy.copy(model)  # a copy that does not encode the samples again
    view._encoder = None
    view.n_features_in_ = X.shape[1]
    vars(view).pop("feature_names_in_", None)
    weights = {} if sample_weight is None else {"sample_weight": sample_weight}
    return float(check_scoring(view, model.scoring)(view, X, y, **weights))
