"""Rebuild members of a sweep as models, and ensembles of models."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.base.errors import DataError
from chainrule._src.base.extras import needs
from chainrule._src.sweeps.building import Fold, built, fitted
from chainrule._src.sweeps.grouped import example_of
from chainrule._src.sweeps.member import Member


def model_of(build: Callable[..., Any], member: Member, fold: Fold, state: Any) -> Any:
    """Return the model of a member that was trained on a fold.

    A `Sequential` gets the weights of the checkpoint ``state``; for a loss only the parameters are
    returned; an estimator has no checkpoint and is fitted again.
    """
    model = built(build, member)
    if isinstance(model, tuple):
        return state["params"]
    if hasattr(model, "training_parts"):
        X, y, *weight = example_of(fold.train)
        model.training_parts(X, y, "sweep", *weight)  # builds the network
        params = state["params"]
        if getattr(model.optimizer, "use_ema", False):
            params = model.optimizer.finalize_variable_values(params, state["state"])
        model.network.take({n: np.array(w) for n, w in {**state["layers"], **params}.items()})
        model.optimizer_state = state["state"]
        return model
    return fitted(model, member, fold.train)


class ModelEnsemble:
    """Models whose predictions are averaged.

    Parameters
    ----------
    models : sequence
        Models of the same targets: `Sequential`, or scikit-learn's estimators.

    Attributes
    ----------
    models : list
    classes_ : ndarray
        For classifiers: all classes of the models, sorted.
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
        """Return the mean of the predictions; for classifiers the class with the highest mean."""
        first = self.models[0]
        if hasattr(first, "predict_proba"):
            best: Array = np.argmax(self.predict_proba(X), axis=1)
            return np.asarray(self.classes_[best])
        return self._mean(lambda model: model.predict(X))

    def predict_proba(self, X: Any) -> Array:
        """Return the mean probability of each class, for classifiers in the order of `classes_`.

        A model that was trained without a class contributes 0 to its probability.
        """
        if not hasattr(self.models[0], "predict_proba"):
            return self.predict(X)

        def of_all_classes(model: Any) -> Array:
            probabilities = np.asarray(model.predict_proba(X))
            columns = np.zeros((len(probabilities), len(self.classes_)), probabilities.dtype)
            columns[:, np.searchsorted(self.classes_, model.classes_)] = probabilities
            return columns

        return self._mean(of_all_classes)

    def evaluate(self, X: Any, y: Any) -> dict[str, float]:
        """Return loss and metrics of the mean predictions, or for estimators the score."""
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
        logs: dict[str, float] = scored.evaluate(self.predict(X), y, return_dict=True)
        return logs

    def _mean(self, output: Callable[[Any], Any]) -> Array:
        total: Any = sum((np.asarray(output(model)) for model in self.models), 0.0)
        return np.asarray(total / len(self.models))
