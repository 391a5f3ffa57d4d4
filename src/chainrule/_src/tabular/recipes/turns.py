"""Hold-outs in turn: each network of an ensemble keeps other rows aside; all rows are learned."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.data.preprocessing.splitting import part_of_rows
from chainrule._src.data.tables import TrainingData
from chainrule._src.nn.sequential import Sequential
from chainrule._src.tabular.recipes.ensembles import members
from chainrule._src.tabular.recipes.kinds import is_watched
from chainrule._src.tabular.recipes.recipe import Recipe

ROWS = 20_000  # with more, a fifth more rows to learn from are worth less than copies of them take


def takes_turns(data: TrainingData, recipe: Recipe) -> bool:
    """Return true if each network of the recipe's ensemble keeps other rows aside.

    There must be two hold-outs or more in the rows of training. Intervals need rows that no
    network has learned.
    """
    n_train, n_val = len(data.X_train), len(data.X_val)
    is_small = 0 < 2 * n_val <= n_train <= ROWS - n_val
    return is_small and recipe.ensemble > 1 and is_watched(recipe) and not recipe.interval


def turn(data: TrainingData, recipe: Recipe, number: int) -> TrainingData:
    """Return the data of a network of the ensemble: the first has the hold-out of ``data``.

    Those of the others are parts of the rows of training, about as large. Preprocessing stays
    that of ``data``.
    """
    if not takes_turns(data, recipe):
        return data
    number %= _turns(data)
    if number == 0:
        return data
    X, y = data.X_train, data.y_train
    groups = y if data.preprocessor.target.classes else len(y)
    aside = part_of_rows(groups, number - 1, _turns(data) - 1, recipe.seed)
    return replace(
        data,
        X_train=np.concatenate([X[~aside], data.X_val]),
        y_train=np.concatenate([y[~aside], data.y_val]),
        X_val=X[aside],
        y_val=y[aside],
    )


def held_out(
    model: Sequential, data: TrainingData, recipe: Recipe
) -> Iterator[tuple[Sequential, Array, Array]]:
    """Yield networks with features and targets of the rows that each has not learned.

    Without a hold-out, these are the rows of training.
    """
    if not takes_turns(data, recipe):
        has_hold_out = len(data.X_val) > 0
        X, y = (data.X_val, data.y_val) if has_hold_out else (data.X_train, data.y_train)
        yield model, X, y
        return
    for number, member in enumerate(members(model)[: _turns(data)]):
        part = turn(data, recipe, number)
        yield member, part.X_val, part.y_val


def _turns(data: TrainingData) -> int:
    """Return the number of different hold-outs."""
    return 1 + round(len(data.X_train) / len(data.X_val))
