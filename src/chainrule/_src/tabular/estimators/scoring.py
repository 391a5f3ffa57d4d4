"""The score that early stopping watches."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.metrics import accuracy_score, check_scoring, r2_score


def scored(model: Any, X: Any, y: Any, sample_weight: Any) -> float:
    """Return ``model.scoring`` of validated samples, for the weights that the model has.

    By default the accuracy or R²; NaN where predictions are not finite.
    """
    if model.scoring is None:
        found = model._predict(X, check_input=False)
        if found.dtype.kind == "f" and not np.isfinite(found).all():
            return np.nan
        score = accuracy_score if is_classifier(model) else r2_score
        return score(y, found, sample_weight=sample_weight)  # type: ignore[no-any-return]
    view = copy.copy(model)  # takes samples as they are
    view._encoder = None
    view.n_features_in_ = X.shape[1]
    vars(view).pop("feature_names_in_", None)
    weights = {} if sample_weight is None else {"sample_weight": sample_weight}
    return float(check_scoring(view, model.scoring)(view, X, y, **weights))
