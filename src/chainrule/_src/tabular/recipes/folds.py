"""Cross-validation of a recipe on the parts of a table."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from chainrule._src.base.errors import DataError
from chainrule._src.data.preprocessing import split_rows
from chainrule._src.data.preprocessing.values import quoted
from chainrule._src.data.tables import Table, TrainingData
from chainrule._src.tabular.recipes.recipe import Recipe
from chainrule._src.tabular.recipes.scores import Scores, score_arrays
from chainrule._src.tabular.recipes.tabular import prepare, train


def check_parts(table: Table, data: TrainingData, parts: int) -> list[str]:
    """Return notes on classes that are missing in some parts.

    Raises
    ------
    DataError
        If there are fewer rows than parts, or a class has a single row, which cannot be both
        learned and scored.
    """
    target, y = data.preprocessor.target, np.concatenate([data.y_train, data.y_val])
    rows = len(y) if table.rows is None else table.rows - data.unlabelled
    if parts > rows:
        raise DataError(f"target {target.name!r}: {rows:,} rows do not make {parts:,} parts (--cv)")
    if not target.classes:
        return []
    counts = np.bincount(y).tolist()
    few = {n: count for n, count in zip(target.classes, counts, strict=True) if count < parts}
    single = [name for name, count in few.items() if count == 1]
    if single:
        have = "have 1 row each" if len(single) > 1 else "has 1 row"
        raise DataError(
            f"target {target.name!r}: {quoted(single)} {have}, too few for {parts} parts (--cv): a "
            "class cannot be learned where its only row is kept aside; leave it out of the data, "
            "or do without --cv"
        )
    return [
        f"target {target.name!r}: {name!r} has {count} rows, so that only {count} of {parts} parts "
        "have it"
        for name, count in few.items()
    ]


def cross_validate(
    table: Table, recipe: Recipe, report: Callable[[int], Any] = lambda rows: None
) -> Iterator[Scores]:
    """Yield the scores on each of ``recipe.cv`` parts, by a model trained on the other parts.

    A second hold-out, from the rows of training, chooses the epoch and the threshold.

    Parameters
    ----------
    table : Table
    recipe : Recipe
    report : callable
        Called with 1 after each part.
    """
    for number in range(recipe.cv):
        data = prepare(table, recipe, (number, recipe.cv))
        model, interrupted = train(_inner(data, recipe), recipe)
        if interrupted:
            raise KeyboardInterrupt
        yield score_arrays(model, data.X_val, data.y_val)
        report(1)


def _inner(data: TrainingData, recipe: Recipe) -> TrainingData:
    """Split the rows of training into training rows and a second hold-out."""
    X, y = data.X_train, data.y_train
    groups = y if data.preprocessor.target.classes else len(y)
    is_held_out = split_rows(groups, recipe.validation, recipe.seed, "--validation 0")
    return replace(
        data,
        X_train=X[~is_held_out],
        y_train=y[~is_held_out],
        X_val=X[is_held_out],
        y_val=y[is_held_out],
    )
