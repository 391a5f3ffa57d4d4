"""How good a recipe is, scored on parts of a table that are kept aside in turn."""

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
    """Return notes on classes that not every part has.

    Raises
    ------
    DataError
        If there are fewer rows than parts, or a class has a single row: where it is kept aside,
        none is left to learn from.
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
    table: Table, recipe: Recipe, done: Callable[[int], Any] = lambda rows: None
) -> Iterator[Scores]:
    """Yield the scores on each of ``recipe.cv`` parts, by a model trained on the others.

    Where rows kept aside choose something (the epoch, the threshold), they are others again.

    Parameters
    ----------
    table : Table
    recipe : Recipe
    done : callable
        Called with 1 after each part.
    """
    for number in range(recipe.cv):
        data = prepare(table, recipe, (number, recipe.cv))
        model, interrupted = train(_inner(data, recipe), recipe)
        if interrupted:
            raise KeyboardInterrupt
        yield score_arrays(model, data.X_val, data.y_val)
        done(1)


def _inner(data: TrainingData, recipe: Recipe) -> TrainingData:
    """Return the rows of training, of which a share is kept aside again."""
    X, y = data.X_train, data.y_train
    groups = y if data.preprocessor.target.classes else len(y)
    held = split_rows(groups, recipe.validation, recipe.seed, "--validation 0")
    return replace(data, X_train=X[~held], y_train=y[~held], X_val=X[held], y_val=y[held])
