"""The score that early stopping watches."""

from __future__ import annotations

import copy
from typing import Any

from sklearn.metrics import check_scoring


def scored(model: Any, X: Any, y: Any, sample_weight: Any) -> float:
    """Return ``model.scoring`` of validated samples, for the weights that the model has."""
    view = copy.copy(model)  # takes samples as they are
    view._encoder = None
    view.n_features_in_ = X.shape[1]
    vars(view).pop("feature_names_in_", None)
    weights = {} if sample_weight is None else {"sample_weight": sample_weight}
    return float(check_scoring(view, model.scoring)(view, X, y, **weights))
