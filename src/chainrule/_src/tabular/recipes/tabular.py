"""Train a model on a table with a recipe."""

from __future__ import annotations

import difflib
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.base.errors import DataError, InterruptedWarning, OptionError, listed
from chainrule._src.base.extras import needs
from chainrule._src.base.validation import lookup
from chainrule._src.data.preprocessing import Preprocessor, Ranks, Scaled
from chainrule._src.data.preprocessing.digests import TrainedRows, digests
from chainrule._src.data.tables import Table, TrainingData, training_data
from chainrule._src.nn.callbacks import BestWeights, Callback, EarlyStopping
from chainrule._src.nn.sequential import Sequential
from chainrule._src.tabular.recipes.cautions import cautions
from chainrule._src.tabular.recipes.choosing import category_note, text_notes, tried
from chainrule._src.tabular.recipes.ensembles import averaged, next_maker
from chainrule._src.tabular.recipes.intervals import set_apart, widening
from chainrule._src.tabular.recipes.kinds import RECIPES, is_watched
from chainrule._src.tabular.recipes.recipe import PATIENCE, Recipe
from chainrule._src.tabular.recipes.turns import held_out, takes_turns, turn

FEW = 5000  # rows of training, up to which all networks of an ensemble have the first maker
BALANCED = "the balanced threshold", "tables", "sklearn"  # what it needs
COLUMN_OPTIONS = ("columns", "drop", "text", "category", "number")


def prepare(table: Table, recipe: Recipe, fold: tuple[int, int] | None = None) -> TrainingData:
    """Convert a table to arrays, split and preprocessed.

    Columns with few different whole numbers, or with ordered categories, are tried as quantities
    and as categories.

    Parameters
    ----------
    table : Table
    recipe : Recipe
    fold : tuple of int, optional
        ``(i, k)``: the hold-out is the i-th of k parts, instead of a share.

    Raises
    ------
    OptionError, UnknownNameError
        If the target is missing, or does not fit the recipe.
    DataError
        If nothing can be learned from the table.
    """
    data = _prepared(table, recipe, fold)
    notes = [f"{name!r}: ranks in the order {' < '.join(texts)}" for name, texts in recipe.order]
    for step_type in Scaled, Ranks:
        outcome = tried(data, recipe, step_type)
        if outcome is not None:
            as_quantities, as_categories, names = outcome
            notes.append(category_note(*outcome, data.preprocessor.target, step_type))
            if as_categories.beats(as_quantities):
                recipe = replace(recipe, category=(*recipe.category, *names))
                data = _prepared(table, recipe, fold)
    texts = text_notes(table, data, recipe) if fold is None else []
    of_rows = digests(data.X_train, data.y_train)
    learned = [of_rows]
    if takes_turns(data, recipe):
        learned.append(digests(data.X_val, data.y_val))
        data.preprocessor.add_labels(data.y_val)
    data.preprocessor.trained_rows = TrainedRows.of(np.concatenate(learned))
    return replace(data, notes=(*notes, *texts, *cautions(data, of_rows)))


def _prepared(table: Table, recipe: Recipe, fold: tuple[int, int] | None) -> TrainingData:
    """Convert a table to arrays, each column as the recipe says."""
    names = {column.name: column for column in table.columns}
    target = table.target if recipe.target is None else recipe.target
    if target is None:
        which = f"say which column of {table.name} to predict, one of {listed(names, 20)}"
        raise OptionError("target", which)
    lookup("target column", target, names)
    preprocessor = Preprocessor(
        task=recipe.task, max_categories=recipe.max_categories, text=recipe.text,
        category=recipe.category, number=recipe.number, order=dict(recipe.order),
        **RECIPES[recipe.recipe].preprocessing,
    )  # fmt: skip
    data = training_data(
        table,
        target,
        columns=_chosen(table.name, names, target, recipe),
        preprocessor=preprocessor,
        validation_split=recipe.validation,
        fold=fold,
        seed=recipe.seed,
    )
    if recipe.class_weight == "balanced" and not data.preprocessor.target.classes:
        raise OptionError("class_weight", f"balanced needs classes, but {target!r} is a quantity")
    if recipe.interval:
        data.preprocessor.set_interval(recipe.interval)
        if fold is None:
            _set_apart(data, recipe)
    if recipe.threshold != 0.5:
        needs(*BALANCED)  # told before training
        start = 0.5 if recipe.threshold == "balanced" else float(recipe.threshold)
        data.preprocessor.set_threshold(start)
    return data


def _chosen(table: str, names: Mapping[str, Any], target: str, recipe: Recipe) -> list[str]:
    """Return the columns to learn from."""
    options = {name: getattr(recipe, name) for name in COLUMN_OPTIONS}
    for option, columns in (*options.items(), ("order", [name for name, _ in recipe.order])):
        for name in columns:
            if name not in names or name == target:
                close = difflib.get_close_matches(name, names, 1)
                hint = f"; did you mean {close[0]!r}?" if close else ""
                what = "the target" if name == target else f"no column of the data{hint}"
                raise OptionError(option, f"{name!r} is {what}")
    candidates = recipe.columns or [name for name in names if name != target]
    chosen = [name for name in candidates if name not in recipe.drop]
    if len(names) == 1:
        raise DataError(f"{table} has no column besides the target {target!r} to learn from")
    if not chosen:
        raise OptionError("drop", "no column is left to learn from")
    return chosen


def make_model(data: TrainingData, recipe: Recipe, maker: int = 0) -> Sequential:
    """Return a compiled, untrained network for data, from one of the makers of the recipe."""
    return RECIPES[recipe.recipe].makers[maker](data, recipe)


def train(
    data: TrainingData, recipe: Recipe, callbacks: Iterable[Callback] = ()
) -> tuple[Sequential, bool]:
    """Make and train a model: a network, or several whose outputs are averaged.

    Returns
    -------
    model : Sequential
    interrupted : bool
        True if Ctrl-C ended the training; see `fit`.
    """
    models: list[Sequential] = []
    losses: list[float] = []
    kind, interrupted = RECIPES[recipe.recipe], False
    recordings: list[dict[Any, Any]] = [{} for _ in kind.makers]
    n_makers = len(kind.makers) if len(data.X_train) > FEW else 1
    if recipe.interval:
        data, *unseen = _set_apart(data, recipe)
    for number in range(recipe.ensemble):
        member_recipe = replace(recipe, seed=None if recipe.seed is None else recipe.seed + number)
        part = turn(data, recipe, number)
        maker = next_maker(losses, n_makers, len(part.X_val))
        model = make_model(data if kind.is_uniform else part, member_recipe, maker)
        try:
            with model.recorded_as(recordings[maker] if kind.is_uniform else None):
                interrupted = fit(model, part, member_recipe, callbacks)
        except KeyboardInterrupt:
            if not models:
                raise
            interrupted = True
            break
        models.append(model)
        losses.append(min(getattr(model.history, "val_loss", [np.inf])))
        if interrupted:
            break
    combined = models[0] if len(models) == 1 else averaged(models)
    if recipe.threshold == "balanced":
        set_threshold(combined, data, recipe)
    if recipe.interval:
        set_interval(combined, *unseen)
    return combined, interrupted


def _set_apart(data: TrainingData, recipe: Recipe) -> tuple[TrainingData, Array, Array]:
    return set_apart(data, recipe.interval, is_watched(recipe), recipe.seed)


def set_threshold(model: Sequential, data: TrainingData, recipe: Recipe) -> None:
    """Choose the threshold by the hold-out, or without one by the rows of training."""
    outputs, targets = zip(
        *((each.predict(X, verbose=0), y) for each, X, y in held_out(model, data, recipe)),
        strict=True,
    )
    threshold = _balanced_threshold(np.concatenate(outputs), np.concatenate(targets))
    model.preprocessor.set_threshold(threshold)


def set_interval(model: Sequential, X: Array, y: Array) -> None:
    """Set the widening of intervals from calibration rows, which training has not seen."""
    target = model.preprocessor.target
    beyond = widening(target, model.predict(X, verbose=0), y)
    model.preprocessor.set_interval(target.interval, beyond)


def fit(
    model: Sequential, data: TrainingData, recipe: Recipe, callbacks: Iterable[Callback] = ()
) -> bool:
    """Train.

    Returns
    -------
    bool
        True if Ctrl-C ended the training; the model then has the weights at that moment.

    Raises
    ------
    DivergenceError
        If the loss became NaN or infinite.
    KeyboardInterrupt
        If Ctrl-C came before the first update.
    """
    stopping = EarlyStopping(patience=PATIENCE)
    heard = [*callbacks, *([stopping, BestWeights()] if recipe.early_stop else [])]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InterruptedWarning)
        RECIPES[recipe.recipe].fit(model, data, recipe, heard)
    interrupted = model.stop_training and not stopping.stopped_epoch
    if interrupted and not (model.optimizer_state or {}).get("iteration"):
        raise KeyboardInterrupt
    return interrupted


def _balanced_threshold(output: Array, y: Array) -> float:
    """Return the threshold with the best balanced accuracy."""
    with needs(*BALANCED):
        from sklearn.metrics import roc_curve

    second = output[:, 1].astype(np.float64)
    wrong, right, steps = roc_curve(y, second, drop_intermediate=False)
    at = int(np.argmax(right - wrong))
    below = second[second < steps[at]].max(initial=0.0)  # halfway to the next probability below
    return float(np.clip((min(steps[at], 1.0) + below) / 2, 1e-6, 1 - 1e-6))
