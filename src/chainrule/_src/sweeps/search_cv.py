"""A sweep as scikit-learn has its searches: ``fit``, ``best_estimator_``, ``cv_results_``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Self

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.base.errors import DataError, OptionError
from chainrule._src.base.extras import needs
from chainrule._src.sweeps.result import Result
from chainrule._src.sweeps.scoring import Scoring, score_of
from chainrule._src.sweeps.sweep import sweep

with needs("SweepCV", "tables", "sklearn"):
    from sklearn.base import BaseEstimator
    from sklearn.utils import get_tags
    from sklearn.utils.metaestimators import available_if
    from sklearn.utils.validation import check_is_fitted


def _delegated(name: str) -> Callable[[Any], Any]:
    """Return a method that is the best model's, where that has it."""

    def is_there(search: SweepCV) -> bool:
        if hasattr(search, "best_estimator_"):
            return hasattr(search.best_estimator_, name)
        return not hasattr(search.build, "get_params") or hasattr(search.build, name)

    def method(self: SweepCV, X: Any) -> Any:
        return getattr(self._refitted(name), name)(X)

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
    models, search, halving, epochs, batch_size, monitor, mode, scoring, store, seed, seeds, \
workers, client, verbose
        As for `sweep`.

    Attributes
    ----------
    best_estimator_ : Sequential, estimator or parameters
    best_params_ : dict
    best_score_ : float
        Of what ``monitor`` names, whether that is to be high or low; ``mean_test_score`` alike.
    best_index_ : int
    n_splits_, n_features_in_ : int
    feature_names_in_ : ndarray
        Where ``X`` is a frame whose columns have texts as names.
    classes_ : ndarray
        Of ``best_estimator_``, where that has them.
    cv_results_ : dict of str to array
        As in scikit-learn, without times: ``params``, ``param_lr``, ``split0_test_score``,
        ``mean_test_score``, ``std_test_score``, ``rank_test_score``; and ``epochs``, which with
        ``halving`` are fewer for those that did not go on, and rank after the others.
    result_ : Result
        All that `sweep` tells.

    Notes
    -----
    To scikit-learn it is a classifier or a regressor if ``build`` is one; of a function that builds
    it is known after `fit`. There is one score: ``scoring`` is one name or function, ``scorer_``,
    ``error_score`` and ``return_train_score`` are not there, ``multimetric_`` is False, a model
    that fails has NaN. `fit` takes no ``sample_weight`` and no other parameters of the estimator's.

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
        scoring: Scoring = None,
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
        self.scoring, self.verbose = scoring, verbose

    multimetric_ = False

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        model = getattr(self, "best_estimator_", self.build)
        if hasattr(model, "__sklearn_tags__") and not isinstance(model, type):
            own = get_tags(model)
            tags.estimator_type, tags.input_tags.pairwise = (
                own.estimator_type,
                own.input_tags.pairwise,
            )
            tags.classifier_tags, tags.regressor_tags = own.classifier_tags, own.regressor_tags
        return tags

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
        standing = self.result_.standing
        self.best_index_ = int(np.searchsorted(standing.tried, standing.best[0]))
        for name in ("best_estimator_", "classes_", "feature_names_in_", "n_features_in_"):
            self.__dict__.pop(name, None)  # of an earlier fit
        self.n_splits_ = len(self.result_.folds)
        if len(np.shape(X)) == 2:
            self.n_features_in_ = int(np.shape(X)[1])
        names = list(getattr(X, "columns", ()))
        if names and all(isinstance(name, str) for name in names):
            self.feature_names_in_ = np.array(names, object)
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
        """Return the best model's score of other samples, of which a greater one is better.

        Of an estimator its own, or what ``scoring`` gives; of a `Sequential` what ``monitor``
        names, without val_: a loss, and whatever else is to be low, with a minus, as scikit-learn
        has it.
        """
        model = self._refitted("score")
        if hasattr(model, "get_params"):
            return score_of(model, self.scoring, X, y)
        if not hasattr(model, "evaluate"):
            raise DataError(
                "SweepCV: parameters of a loss have no score; call the loss with best_estimator_"
            )
        name = self.result_.monitor.removeprefix("val_")
        found = float(model.evaluate(X, y, return_dict=True, verbose=0)[name])
        return found if self.result_.search.rungs[0].higher else -found

    def _refitted(self, what: str) -> Any:
        """Return the best model, or say why there is none."""
        check_is_fitted(self, "result_")
        if not hasattr(self, "best_estimator_"):
            raise OptionError("refit", f"is False, so that no model is there to {what}; give True")
        return self.best_estimator_


def cv_results(result: Result) -> dict[str, Any]:
    """Return what came of a sweep as scikit-learn tells it, in the order of the candidates."""
    made, standing = result.search.candidates, result.standing
    tried = standing.tried
    epochs, splits = _splits(result)
    settings = [made.settings(int(candidate)) for candidate in tried]
    table: dict[str, Any] = {"params": settings}
    for name in made.space.names:
        column = np.empty(len(settings), object)
        for i, each in enumerate(settings):
            column[i] = each.get(name)
        # What was tried in a narrower space has no such setting.
        table[f"param_{name}"] = np.ma.array(column, mask=[name not in each for each in settings])
    for number in range(splits.shape[1]):
        table[f"split{number}_test_score"] = splits[:, number]
    table["mean_test_score"] = standing.scores[tried]
    table["std_test_score"] = splits.std(axis=1)
    return table | {"epochs": epochs, "rank_test_score": standing.ranks()}


def _splits(result: Result) -> tuple[Array, Array]:
    """Return for each candidate tried how long it was trained, and its score on each fold."""
    tried, standing, name = result.standing.tried, result.standing, result.monitor
    epochs, splits = (
        np.zeros(len(tried), np.int64),
        np.full((len(tried), len(result.folds)), np.nan),
    )
    for number, rung in enumerate(standing.rungs):
        here = np.flatnonzero(standing.rung[tried] == number)
        at = standing.at[tried[here]]
        epochs[here] = rung.epochs[at]
        if name in rung.folds:
            splits[here] = rung.folds[name][at].mean(axis=1)
        elif name in rung.scores:
            splits[here] = rung.scores[name][at].mean(axis=1, keepdims=True)
    return epochs, splits
