"""Scores of estimators."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chainrule._src.base.errors import OptionError
from chainrule._src.base.extras import needs
from chainrule._src.base.validation import lookup

Scoring = str | Callable[..., Any] | None


def checked_scoring(scoring: Any) -> Scoring:
    """Check a scoring: a name of scikit-learn, a function, or None.

    Raises
    ------
    OptionError, UnknownNameError
    """
    if isinstance(scoring, str):
        with needs("scoring", "tables", "sklearn"):
            from sklearn.metrics import get_scorer_names

        lookup("scoring", scoring, dict.fromkeys(get_scorer_names()))
    elif scoring is not None and not callable(scoring):
        raise OptionError(
            "scoring", f"must be one name or function, received {scoring!r}: one score decides"
        )
    checked: Scoring = scoring
    return checked


def score_of(model: Any, scoring: Scoring, X: Any, y: Any) -> float:
    """Return a fitted estimator's score on samples; its own score if ``scoring`` is None."""
    if scoring is None:
        return float(model.score(X, y))
    with needs("scoring", "tables", "sklearn"):
        from sklearn.metrics import check_scoring

    return float(check_scoring(model, scoring)(model, X, y))
