"""A sweep with the interface of scikit-learn's searches: ``fit``, ``cv_results_`` and so on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from numbers import Real
from typing import Any, Self

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.base.errors import DataError, OptionError
from chainrule._src.base.extras import needs
from chainrule._src.sweeps.grouped import example_of
from chainrule._src.sweeps.outcomes import TIMES, Rung
from chainrule._src.sweeps.result import Result
from chainrule._src.sweeps.scoring import Scoring, checked_scoring, names_of, score_of
from chainrule._src.sweeps.standing import CandidateOrder
from chainrule._src.sweeps.sweep import sweep

with needs("SweepCV", "tables", "sklearn"):
    from sklearn.base import BaseEstimator
    from sklearn.utils import get_tags
    from sklearn.utils.metaestimators import available_if
    from sklearn.utils.validation import check_is_fitted


def _delegated(name: str) -> Callable[[Any], Any]:
    """Return a method that delegates to the best model, available if that has the method."""

    def is_there(search: SweepCV) -> bool:
        if hasattr(search, "best_estimator_"):
            return hasattr(search.best_estimator_, name)
        return not hasattr(search.build, "get_params") or hasattr(search.build, name)

    def method(self: SweepCV, X: Any, **options: Any) -> Any:
        return getattr(self._refitted(name), name)(X, **options)

    method.__name__ = name
    method.__doc__ = f"Return the result of ``best_estimator_.{name}``, with its options."
    return available_if(is_there)(method)  # type: ignore[no-any-return]


class SweepCV(BaseEstimator):  # type: ignore[misc]
    """Search for settings by cross-validation, with the names of scikit-learn's searches.

    Parameters
    ----------
    build : callable or estimator
        As for `sweep`; for an estimator or a pipeline, clones with the settings are fitted.
    space : dict
        As for `sweep`.
    cv : int or splitter, default 5
        Stratified if ``y`` holds classes, grouped if `fit` receives groups; for time series use
        `sklearn.model_selection.TimeSeriesSplit`.
    refit : bool or str, default True
        If true, the best model is trained again on all samples. With several scores, the name of
        the one that decides; with False the first decides.
    error_score : float or "raise", default nan
        Score of a model that fails, in ``cv_results_``; with "raise" an error of a model becomes
        that of `fit`.
    models, search, halving, epochs, batch_size, monitor, mode, scoring, store, seed, seeds, \
workers, client, verbose
        As for `sweep`.

    Attributes
    ----------
    best_estimator_ : Sequential, estimator or parameters
    best_params_ : dict
    best_score_ : float
        The best value of the score ``monitor``, without a change of sign; ``mean_test_score`` also
        keeps the sign.
    best_index_ : int
    n_splits_, n_features_in_ : int
    feature_names_in_ : ndarray
        Column names, if ``X`` is a frame whose names are all texts.
    classes_ : ndarray
        Classes of ``best_estimator_``, if it has any.
    cv_results_ : dict of str to array
        As in scikit-learn: ``mean_fit_time``, ``std_fit_time``, ``mean_score_time``,
        ``std_score_time`` (seconds; NaN of models that are read from a store), ``params``,
        ``param_lr``, ``split0_test_score``, ``mean_test_score``, ``std_test_score``,
        ``rank_test_score``; and ``epochs``. Several scores have their names in place of "score".
        With ``halving``, candidates that were not promoted have fewer epochs and lower ranks.
    result_ : Result
        The result of `sweep`.

    Notes
    -----
    scikit-learn treats the search as a classifier or a regressor if ``build`` is one; if
    ``build`` is a function, only after `fit`. There is no ``scorer_`` or ``return_train_score``.
    `fit` takes ``sample_weight``, which counts in training and in scores, and no other fit
    parameters.

    Raises
    ------
    DataError
        If no model has a score; the message contains the first error.

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
        refit: bool | str = True,
        error_score: Any = np.nan,
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
        self.scoring, self.verbose, self.error_score = scoring, verbose, error_score

    @property
    def multimetric_(self) -> bool:
        """True if there are several scores."""
        return len(names_of(checked_scoring(self.scoring))) > 1

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        model = getattr(self, "best_estimator_", self.build)
        if hasattr(model, "__sklearn_tags__") and not isinstance(model, type):
            model_tags = get_tags(model)
            tags.estimator_type, tags.input_tags.pairwise = (
                model_tags.estimator_type,
                model_tags.input_tags.pairwise,
            )
            tags.classifier_tags, tags.regressor_tags = (
                model_tags.classifier_tags,
                model_tags.regressor_tags,
            )
        return tags

    def fit(self, X: Any, y: Any, groups: Any = None, sample_weight: Any = None) -> Self:
        """Search for the best settings.

        Parameters
        ----------
        X, y : array_like, one row per sample; or files and Dask's collections
        groups : array_like, shape (n,), optional
            Samples of one group are never on both sides of a split.
        sample_weight : array_like, shape (n,), optional
            Weights of the samples in training and in scores.
        """
        options = {name: value for name, value in self.get_params(deep=False).items()
                   if name not in ("build", "space", "refit", "error_score")}  # fmt: skip
        names, options["monitor"] = names_of(checked_scoring(self.scoring)), self._monitor()
        is_raising = isinstance(self.error_score, str)
        if self.error_score != "raise" and (
            is_raising or not isinstance(self.error_score, Real | np.number)
        ):
            raise OptionError(
                "error_score", f"must be a number or 'raise', received {self.error_score!r}"
            )
        self.result_ = sweep(
            self.build, self.space, X, y, groups=groups, sample_weight=sample_weight, **options
        )
        errors = [error for error in self.result_.table.get("error", ()) if error is not None]
        if errors and is_raising:
            count = f"{len(errors):,} model{'s' * (len(errors) > 1)}"
            raise DataError(f"SweepCV: {count} failed; the first: {errors[0]}")
        best = self.result_.best
        self.best_params_, self.best_score_ = best.settings, best.score
        instead = np.nan if is_raising else float(self.error_score)
        self.cv_results_ = cv_results(self.result_, names, instead)
        standing = self.result_.standing
        self.best_index_ = int(np.searchsorted(standing.tried, standing.best[0]))
        for name in ("best_estimator_", "classes_", "feature_names_in_", "n_features_in_"):
            self.__dict__.pop(name, None)  # remove attributes of an earlier fit
        self.n_splits_ = len(self.result_.folds)
        shape = np.shape(example_of(self.result_.all_samples.train)[0])
        if len(shape) == 2:
            self.n_features_in_ = int(shape[1])
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

    def _monitor(self) -> str | None:
        """Return the name of the score that decides.

        Raises
        ------
        OptionError
            If there are several scores, and ``refit`` names none of them.
        """
        names = names_of(checked_scoring(self.scoring))
        if len(names) == 1 and not isinstance(self.refit, str):
            return self.monitor
        if self.refit is False:
            return self.monitor or f"val_{names[0]}"
        if self.refit not in names:
            raise OptionError(
                "refit", f"must name the score that decides, one of {', '.join(names)}, or be "
                f"False; received {self.refit!r}"
            )  # fmt: skip
        return f"val_{self.refit}"

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the best model's score on other samples; a greater score is better.

        For an estimator it is ``scoring`` or the estimator's own score. For a `Sequential` it is
        the score ``monitor`` without ``val_``; a loss, or another score for which lower is better,
        is negated, as in scikit-learn.
        """
        model = self._refitted("score")
        if hasattr(model, "get_params"):
            scoring = checked_scoring(self.scoring)
            if isinstance(scoring, Mapping):
                scoring = scoring[str(self.result_.monitor).removeprefix("val_")]
            return score_of(model, scoring, X, y, sample_weight)
        if not hasattr(model, "evaluate"):
            raise DataError(
                "SweepCV: parameters of a loss have no score; call the loss with best_estimator_"
            )
        name = self.result_.monitor.removeprefix("val_")
        scores = model.evaluate(X, y, sample_weight=sample_weight, return_dict=True, verbose=0)
        value = float(scores[name])
        return value if self.result_.search.rungs[0].higher else -value

    def _refitted(self, what: str) -> Any:
        """Return the best model; raise an error if there is none."""
        check_is_fitted(self, "result_")
        if not hasattr(self, "best_estimator_"):
            raise OptionError("refit", f"is False, so that no model is there to {what}; give True")
        return self.best_estimator_


def cv_results(
    result: Result, scores: Sequence[str] = ("score",), instead: float = np.nan
) -> dict[str, Any]:
    """Return the results of a sweep in scikit-learn's format, in the order of the candidates.

    Parameters
    ----------
    result : Result
    scores : sequence of str
        Names of several scores; a single one is the monitored score, and is called "score".
    instead : float
        Score of failed models.
    """
    candidates, standing = result.search.candidates, result.standing
    tried = standing.tried
    settings = [candidates.settings(int(candidate)) for candidate in tried]
    table: dict[str, Any] = {}
    for name in TIMES:
        seconds = _by_fold(result, partial(_times, name))
        table |= {f"mean_{name}": seconds.mean(axis=1), f"std_{name}": seconds.std(axis=1)}
    table["params"] = settings
    for name in candidates.space.names:
        column = np.empty(len(settings), object)
        for i, each in enumerate(settings):
            column[i] = each.get(name)
        # A candidate from a narrower space may lack the setting.
        table[f"param_{name}"] = np.ma.array(column, mask=[name not in each for each in settings])
    for score in scores:
        monitor = result.monitor if len(scores) == 1 else f"val_{score}"
        splits = _by_fold(result, partial(_scores, monitor))
        splits[np.isnan(splits)] = instead
        for number in range(splits.shape[1]):
            table[f"split{number}_test_{score}"] = splits[:, number]
        order = CandidateOrder(standing.rungs, len(standing.rung), monitor, instead)
        table[f"mean_test_{score}"] = order.scores[tried]
        table[f"std_test_{score}"] = splits.std(axis=1)
        table[f"rank_test_{score}"] = order.ranks()
    return table | {"epochs": _epochs(result)}


def _times(name: str, rung: Rung) -> Any:
    return rung.times.get(name)


def _scores(name: str, rung: Rung) -> Any:
    """Return the scores of a rung by fold; of a single fold they are the scores themselves."""
    if name in rung.folds:
        return rung.folds[name]
    return rung.scores[name][..., np.newaxis] if name in rung.scores else None


def _epochs(result: Result) -> Array:
    """Return the epochs of each tried candidate."""
    standing = result.standing
    return np.array(
        [standing.rungs[standing.rung[c]].epochs[standing.at[c]] for c in standing.tried], np.int64
    )


def _by_fold(result: Result, values_of: Callable[[Rung], Any]) -> Array:
    """Return values of each tried candidate's last rung by fold, means over the seeds."""
    standing, n_folds = result.standing, len(result.folds)
    table = np.full((len(standing.tried), n_folds), np.nan)
    for number, rung in enumerate(standing.rungs):
        in_rung = np.flatnonzero(standing.rung[standing.tried] == number)
        values = values_of(rung)
        if values is not None:
            table[in_rung] = values[standing.at[standing.tried[in_rung]]].mean(axis=1)
    return table
