"""From a table and a recipe to a trained model."""

from __future__ import annotations

import difflib
import warnings
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from chainrule import layers, metrics, optimizers, regularizers
from chainrule.callbacks import Callback, EarlyStopping
from chainrule.errors import InterruptedWarning, OptionError
from chainrule.preprocessing import Preprocessor
from chainrule.recipes.recipe import PATIENCE, Recipe
from chainrule.sequential import Sequential
from chainrule.tables import Table, TrainingData, training_data
from chainrule.validation import lookup


def prepare(table: Table, recipe: Recipe) -> TrainingData:
    """Return a table as arrays, split and preprocessed.

    Raises
    ------
    OptionError, UnknownNameError
        If the target is not there, or no class.
    DataError
        If nothing can be learned from the table.
    """
    names = {column.name: column for column in table.columns}
    target = table.target if recipe.target is None else recipe.target
    if target is None:
        listed = ", ".join(list(names)[:20]) + (", …" if len(names) > 20 else "")
        raise OptionError("target", f"say which column of {table.name} to predict, one of {listed}")
    lookup("target column", target, names)
    preprocessor = Preprocessor(
        task=recipe.task, max_categories=recipe.max_categories, text=recipe.text
    )
    data = training_data(
        table,
        target,
        columns=_chosen(names, target, recipe),
        preprocessor=preprocessor,
        validation_split=recipe.validation,
        seed=recipe.seed,
    )
    if recipe.class_weight == "balanced" and not data.preprocessor.target.classes:
        raise OptionError("class_weight", f"balanced needs classes, but {target!r} is a quantity")
    if recipe.threshold != 0.5:
        start = 0.5 if recipe.threshold == "balanced" else float(recipe.threshold)
        data.preprocessor.set_threshold(start)
    return data


def _chosen(names: Mapping[str, Any], target: str, recipe: Recipe) -> list[str]:
    """Return the columns to learn from."""
    for option in ("columns", "drop", "text"):
        for name in getattr(recipe, option):
            if name not in names or name == target:
                close = difflib.get_close_matches(name, names, 1)
                hint = f"; did you mean {close[0]!r}?" if close else ""
                what = "the target" if name == target else f"no column of the data{hint}"
                raise OptionError(option, f"{name!r} is {what}")
    kept = recipe.columns or [name for name in names if name != target]
    chosen = [name for name in kept if name not in recipe.drop]
    if not chosen:
        raise OptionError("drop", "no column is left to learn from")
    return chosen


def make_model(preprocessor: Preprocessor, recipe: Recipe) -> Sequential:
    """Return a network for a preprocessor's features and target, compiled."""
    stack: list[Any] = [layers.Input((preprocessor.width,))]
    for units in recipe.hidden:
        penalty = regularizers.L2(recipe.l2) if recipe.l2 else None
        stack.append(layers.Dense(units, recipe.activation, kernel_regularizer=penalty))
        if recipe.dropout:
            stack.append(layers.Dropout(recipe.dropout))
    classes = preprocessor.target.classes
    stack.append(layers.Dense(len(classes), "softmax") if classes else layers.Dense(1))
    model = Sequential(stack, "network", seed=recipe.seed)
    rule = optimizers.OPTIMIZERS[recipe.optimizer]
    optimizer = rule() if recipe.lr is None else rule(recipe.lr)
    if classes:
        model.compile(optimizer, "sparse_categorical_crossentropy", ["accuracy"])
    else:
        model.compile(optimizer, "mse", [metrics.R2Score(name="r2")])
    model.preprocessor, model.class_names = preprocessor, list(classes) or None
    return model


def fit(
    model: Sequential, data: TrainingData, recipe: Recipe, callbacks: Iterable[Callback] = ()
) -> bool:
    """Train.

    Returns
    -------
    bool
        Whether Ctrl-C ended it; what was trained until then is in the model.

    Raises
    ------
    DivergenceError
        If the loss became NaN or infinite.
    KeyboardInterrupt
        If nothing had been trained when it came.
    """
    stopping = EarlyStopping(patience=PATIENCE, restore_best_weights=True)
    held = (data.X_val, data.y_val) if len(data.X_val) else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InterruptedWarning)
        model.fit(
            data.X_train,
            data.y_train,
            recipe.batch_size,
            recipe.epochs,
            verbose=0,
            callbacks=[*callbacks, *([stopping] if recipe.early_stop else [])],
            validation_data=held,
            class_weight=_class_weight(data) if recipe.class_weight == "balanced" else None,
        )
    interrupted = model.stop_training and not stopping.stopped_epoch
    if interrupted and not (model.optimizer_state or {}).get("iteration"):
        raise KeyboardInterrupt
    if recipe.threshold == "balanced":
        model.preprocessor.set_threshold(_balanced_threshold(model, data))
    return interrupted


def _balanced_threshold(model: Sequential, data: TrainingData) -> float:
    """Return the threshold of the best balanced accuracy, on rows kept aside if there are any."""
    from sklearn.metrics import roc_curve

    held = len(data.X_val) > 0
    X, y = (data.X_val, data.y_val) if held else (data.X_train, data.y_train)
    second = model.predict(X, verbose=0)[:, 1].astype(np.float64)
    wrong, right, steps = roc_curve(y, second, drop_intermediate=False)
    at = int(np.argmax(right - wrong))
    below = second[second < steps[at]].max(initial=0.0)  # halfway to the next probability below
    return float(np.clip((min(steps[at], 1.0) + below) / 2, 1e-6, 1 - 1e-6))


def _class_weight(data: TrainingData) -> dict[int, float]:
    """Return weights that let every class count alike: n / (k · n_c)."""
    counts = np.bincount(data.y_train)
    return {label: len(data.y_train) / (len(counts) * n) for label, n in enumerate(counts) if n}
