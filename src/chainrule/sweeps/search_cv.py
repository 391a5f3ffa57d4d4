"""A sweep as scikit-learn has its searches: ``fit``, ``best_estimator_``, ``cv_results_``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from chainrule.sweeps.result import Result
from chainrule.sweeps.rungs import order
from chainrule.sweeps.sweep import sweep
from chainrule.validation import Array


def _delegated(name: str) -> Callable[[Any], Any]:
    """Return a method that is the best model's, where that has it."""

    def is_there(search: SweepCV) -> bool:
        if hasattr(search, "best_estimator_"):
            return hasattr(search.best_estimator_, name)
        return not hasattr(search.build, "get_params") or hasattr(search.build, name)

    def method(self: SweepCV, X: Any) -> Any:
        check_is_fitted(self, "best_estimator_")
        return getattr(self.best_estimator_, name)(X)

    method.__name__ = name
    method.__doc__ = f"Return what ``best_estimator_.{name}`` gives."
    return available_if(is_there)(method)  # type: ignore[no-any-return]


class SweepCV(BaseEstimator):  # type: ignore[misc]
    """Search for settings by cross-validation, with the names of scikit-learn's searches.

    Parameters
    ----------
    build : callable or estimator
        As for `sweep`; of an estimator, also a pipeline, clones with the settings are fitted.
    space : dict
        As for `sweep`.
    cv : int or splitter, default 5
        Stratified where ``y`` holds classes, grouped where `fit` is given groups; for time series
        `sklearn.model_selection.TimeSeriesSplit`.
    refit : bool, default True
        Whether the best is trained once more, on all samples.
    models, search, halving, epochs, batch_size, monitor, mode, store, seed, seeds, workers, \
client, verbose
        As for `sweep`.

    Attributes
    ----------
    best_estimator_ : Sequential, estimator or parameters
    best_params_ : dict
    best_score_ : float
        Of what ``monitor`` names, whether that is to be high or low.
    best_index_ : int
    cv_results_ : dict of str to array
        As in scikit-learn, without times: ``params``, ``param_lr``, ``split0_test_score``,
        ``mean_test_score``, ``std_test_score``, ``rank_test_score``; and ``epochs``, which with
        ``halving`` are fewer for those that did not go on, and rank after the others.
    result_ : Result
        All that `sweep` tells.

    Raises
    ------
    DataError
        If no model has a score; the message has the first error.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> X, y = load_iris(return_X_y=True)
    >>> search = SweepCV(LogisticRegression(max_iter=1000), {"C": [0.001, 1.0]}, cv=3).fit(X, y)
    >>> search.best_params_, search.predict(X[:2])
    ({'C': 1.0}, array([0, 0]))
    """

    def __init__(
        self,
        build: Any,
        space: Mapping[str, Any],
        *,
        cv: Any = 5,
        refit: bool = True,
        models: int | None = None,
        search: str = "random",
        halving: int | None = None,
        epochs: int = 10,
        batch_size: int = 32,
        monitor: str | None = None,
        mode: str = "auto",
        store: Any = None,
        seed: int = 0,
        seeds: int = 1,
        workers: int | None = None,
        client: Any = None,
        verbose: int | str = 0,
    ) -> None:
        self.build, self.space, self.cv, self.refit = build, space, cv, refit
        self.models, self.search, self.halving, self.epochs = models, search, halving, epochs
        self.batch_size, self.monitor, self.mode, self.store = batch_size, monitor, mode, store
        self.seed, self.seeds, self.workers, self.client = seed, seeds, workers, client
        self.verbose = verbose

    def fit(self, X: Any, y: Any, groups: Any = None) -> Self:
        """Search.

        Parameters
        ----------
        X, y : array_like, a sample a row
        groups : array_like, shape (n,), optional
            Samples of one group are never on both sides of a split.
        """
        options = {name: value for name, value in self.get_params(deep=False).items()
                   if name not in ("build", "space", "refit")}  # fmt: skip
        self.result_ = sweep(self.build, self.space, X, y, groups=groups, **options)
        best = self.result_.best
        self.best_params_, self.best_score_ = best.settings, best.score
        self.cv_results_ = cv_results(self.result_)
        self.best_index_ = int(np.argmin(self.cv_results_["rank_test_score"]))
        if self.refit:
            self.best_estimator_ = best.model
            if hasattr(self.best_estimator_, "classes_"):
                self.classes_ = self.best_estimator_.classes_
        return self

    predict = _delegated("predict")
    predict_proba = _delegated("predict_proba")
    predict_log_proba = _delegated("predict_log_proba")
    decision_function = _delegated("decision_function")
    transform = _delegated("transform")

    def score(self, X: Any, y: Any) -> float:
        """Return the best model's score of other samples: what ``monitor`` names, without val_."""
        check_is_fitted(self, "best_estimator_")
        model = self.best_estimator_
        if hasattr(model, "get_params"):
            return float(model.score(X, y))
        name = self.result_.monitor.removeprefix("val_")
        return float(model.evaluate(X, y, return_dict=True, verbose=0)[name])


def cv_results(result: Result) -> dict[str, Any]:
    """Return what came of a sweep as scikit-learn tells it, in the order of the candidates."""
    made, (epochs, splits) = result.search.candidates, _splits(result)
    tried = np.flatnonzero(epochs)
    epochs, splits = epochs[tried], splits[tried]
    settings = [made.settings(int(candidate)) for candidate in tried]
    table: dict[str, Any] = {"params": settings}
    for name in made.space.names:
        table[f"param_{name}"] = np.ma.array([each[name] for each in settings], dtype=object)
    for number in range(splits.shape[1]):
        table[f"split{number}_test_score"] = splits[:, number]
    table["mean_test_score"] = mean = splits.mean(axis=1)
    table["std_test_score"] = splits.std(axis=1)
    table["epochs"] = epochs
    by_score = order(mean, result.search.rungs[0].higher)
    ranked = by_score[np.argsort(-epochs[by_score], kind="stable")]
    rank = np.empty(len(mean), np.int32)
    rank[ranked] = np.arange(1, len(mean) + 1)
    return table | {"rank_test_score": rank}


def _splits(result: Result) -> tuple[Array, Array]:
    """Return for each candidate how long it was trained, and its score on each fold."""
    count = len(result.search.candidates)
    epochs, splits = np.zeros(count, np.int64), np.full((count, len(result.folds)), np.nan)
    for rung in result.search.rungs:  # later ones have been trained longer
        there = np.flatnonzero(rung.done)
        candidates, name = rung.candidates[there], result.monitor
        epochs[candidates] = rung.epochs[there]
        if name in rung.folds:
            splits[candidates] = rung.folds[name][there].mean(axis=1)
        elif name in rung.scores:
            splits[candidates] = rung.scores[name][there].mean(axis=1, keepdims=True)
    return epochs, splits
