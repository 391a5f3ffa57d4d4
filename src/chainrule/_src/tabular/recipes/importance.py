"""Permutation importance of the columns for a model's predictions."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.base.errors import DataError
from chainrule._src.data.preprocessing import Target
from chainrule._src.tabular.recipes.trained import probabilities


class Importance(NamedTuple):
    """Loss of score when a column's values are permuted: mean and deviation over repeats."""

    name: str
    mean: float
    deviation: float


def permutation_importance(
    model: Any, X: Array, y: Array, repeats: int = 5, seed: int = 0
) -> tuple[float, list[Importance]]:
    """Return the score, and its loss for each permuted column, the largest loss first.

    The score is the accuracy, or R² for a quantity. Breiman, *Random Forests*, 2001, section 10.

    Parameters
    ----------
    model : Sequential
        A model with a preprocessor.
    X : ndarray, shape (n, d)
        The features.
    y : ndarray, shape (n,)
        The target, encoded.
    repeats : int, default 5
    seed : int, default 0

    Raises
    ------
    DataError
        If there are fewer than two rows, so that nothing can be permuted.
    """
    if len(X) < 2:
        name = model.preprocessor.target.name
        raise DataError(
            f"expected at least 2 rows with a value of {name!r}, whose values are shuffled, "
            f"received {len(X)}; give more rows"
        )
    rng, target = np.random.default_rng(seed), model.preprocessor.target
    full_score = _score(target, y, probabilities(model, X))
    importances, start, changed = [], 0, X.copy()
    for step in model.preprocessor.steps:
        part = slice(start, start + step.width)
        start += step.width
        losses = []
        for _ in range(repeats):
            changed[:, part] = X[rng.permutation(len(X)), part]
            losses.append(full_score - _score(target, y, probabilities(model, changed)))
        changed[:, part] = X[:, part]
        importances.append(Importance(step.name, float(np.mean(losses)), float(np.std(losses))))
    return full_score, sorted(importances, key=lambda each: -each.mean)


def _score(target: Target, y: Array, output: Array) -> float:
    if target.classes:
        return float((target.codes(output) == y).mean())
    true = y.astype(np.float64)
    spread = float(np.square(true - true.mean()).sum())
    return 1 - float(np.square(true - output[:, 0]).sum()) / spread if spread else 0.0
