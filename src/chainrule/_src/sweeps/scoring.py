"""Scores of estimators."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from chainrule._src.base.errors import OptionError
from chainrule._src.base.extras import needs
from chainrule._src.base.validation import lookup

Score = str | Callable[..., Any] | None
Scoring = Score | Mapping[str, Score]


def checked_scoring(scoring: Any) -> Scoring:
    """Check a scoring: a name of scikit-learn, a function, None; or several, as a dict by name.

    Raises
    ------
    OptionError, UnknownNameError
    """
    if isinstance(scoring, list | tuple | set) and all(isinstance(name, str) for name in scoring):
        scoring = {name: name for name in scoring}
    if isinstance(scoring, Mapping) and scoring:
        return {str(name): _checked(score) for name, score in scoring.items()}
    return _checked(scoring)


def _checked(scoring: Any) -> Score:
    if isinstance(scoring, str):
        with needs("scoring", "tables", "sklearn"):
            from sklearn.metrics import get_scorer_names

        lookup("scoring", scoring, dict.fromkeys(get_scorer_names()))
    elif scoring is not None and not callable(scoring):
        raise OptionError(
            "scoring", f"must be a name or function, a list of names, or a dict of names and "
            f"functions, received {scoring!r}"
        )  # fmt: skip
    checked: Score = scoring
    return checked


def names_of(scoring: Scoring) -> list[str]:
    """Return the names of the scores of an estimator; ``["score"]`` for a single score."""
    return list(scoring) if isinstance(scoring, Mapping) else ["score"]


def scores_of(model: Any, scoring: Scoring, X: Any, y: Any, weight: Any = None) -> dict[str, float]:
    """Return a fitted estimator's scores on samples, by name."""
    by_name = scoring if isinstance(scoring, Mapping) else {"score": scoring}
    return {name: score_of(model, score, X, y, weight) for name, score in by_name.items()}


def score_of(model: Any, scoring: Score, X: Any, y: Any, weight: Any = None) -> float:
    """Return a fitted estimator's score on samples; its own score if ``scoring`` is None.

    A function without an argument ``sample_weight`` gets no weights.
    """
    if scoring is None:
        score = model.score
    else:
        with needs("scoring", "tables", "sklearn"):
            from sklearn.metrics import check_scoring

        scorer = check_scoring(model, scoring)
        score = partial(scorer, model)
    takes = not callable(scoring) or "sample_weight" in inspect.signature(scoring).parameters
    options = {"sample_weight": weight} if weight is not None and takes else {}
    return float(score(X, y, **options))
