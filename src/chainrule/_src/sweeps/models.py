"""Members of a sweep as models that predict, alone or several as one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.base.errors import DataError
from chainrule._src.base.extras import needs
from chainrule._src.sweeps.building import Fold, built, fitted
from chainrule._src.sweeps.member import Member


def model_of(build: Callable[..., Any], member: Member, fold: Fold, state: Any) -> Any:
    """Return a member as it was trained on a fold.

    A `Sequential` has the weights of a checkpoint; of a loss there are the parameters alone; an
    estimator, which has no checkpoint, is fitted once more.
    """
    made = built(build, member)
    if isinstance(made, tuple):
        return state["params"]
    if hasattr(made, "training_parts"):
        made.training_parts(*fold.train, "sweep")  # builds it
        params = state["params"]
        if getattr(made.optimizer, "use_ema", False):
            params = made.optimizer.finalize_variable_values(params, state["state"])
        made.network.take({n: np.array(w) for n, w in {**state["layers"], **params}.items()})
        made.optimizer_state = state["state"]
        return made
    return fitted(made, member, fold.train)


class Ensemble:
    """Models whose predictions are averaged.

    Parameters
    ----------
    models : sequence
        Alike in what they predict: `Sequential`, or scikit-learn's estimators.

    Attributes
    ----------
    models : list
    classes_ : ndarray
        Of classifiers: the classes that some of them know, sorted.
    """

    classes_: Array

    def __init__(self, models: Sequence[Any]) -> None:
        if not models or not all(hasattr(model, "predict") for model in models):
            raise DataError("sweep: an ensemble needs models that predict")
        self.models = list(models)
        if hasattr(self.models[0], "predict_proba"):
            each = [np.asarray(model.classes_) for model in models if hasattr(model, "classes_")]
            if len(each) < len(models) or any(classes.ndim != 1 for classes in each):
                raise DataError(
                    "sweep: an ensemble of classifiers needs models with one list of classes_, for "
                    "one target; average the models by yourself: result.top(8)"
                )
            self.classes_ = np.unique(np.concatenate(each))

    def __repr__(self) -> str:
        return f"Ensemble of {len(self.models)} models"

    def predict(self, X: Any) -> Array:
        """Return the mean of the predictions; of classifiers the class of the highest mean."""
        first = self.models[0]
        if hasattr(first, "predict_proba"):
            best: Array = np.argmax(self.predict_proba(X), axis=1)
            return np.asarray(self.classes_[best])
        return self._mean("predict", X)

    def predict_proba(self, X: Any) -> Array:
        """Return the mean of the probabilities of classes, of classifiers in `classes_`' order.

        A model that was trained without a class gives it 0.
        """
        if not hasattr(self.models[0], "predict_proba"):
            return self._mean("predict", X)
        total: Any = 0.0
        for model in self.models:
            found = np.asarray(model.predict_proba(X))
            of_all = np.zeros((len(found), len(self.classes_)), found.dtype)
            of_all[:, np.searchsorted(self.classes_, model.classes_)] = found
            total = total + of_all
        return np.asarray(total / len(self.models))

    def evaluate(self, X: Any, y: Any) -> dict[str, float]:
        """Return loss and metrics of the mean predictions, of estimators their score."""
        first = self.models[0]
        if not hasattr(first, "compiled_metrics"):
            with needs("scoring", "tables", "sklearn"):
                from sklearn.metrics import accuracy_score, r2_score

            score = accuracy_score if hasattr(first, "predict_proba") else r2_score
            return {"score": float(score(y, self.predict(X)))}
        from chainrule._src.nn.layers import Activation
        from chainrule._src.nn.sequential import Sequential

        scored = Sequential([Activation("linear")])
        metrics, weighted = first.compiled_metrics
        scored.compile(loss=first.loss, metrics=[*metrics, *weighted])
        found: dict[str, float] = scored.evaluate(self.predict(X), y, return_dict=True)
        return found

    def _mean(self, method: str, X: Any) -> Array:
        total: Any = 0.0
        for model in self.models:
            total = total + np.asarray(getattr(model, method)(X))
        return np.asarray(total / len(self.models))
