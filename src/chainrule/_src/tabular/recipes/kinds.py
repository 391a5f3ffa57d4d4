"""The kinds of networks for tables: the functions that make and train each kind, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.data.preprocessing import Target
from chainrule._src.data.tables import TrainingData
from chainrule._src.nn import layers, metrics, optimizers, regularizers
from chainrule._src.nn.callbacks import Callback
from chainrule._src.nn.sequential import Sequential
from chainrule._src.tabular.recipes.binning import binned
from chainrule._src.tabular.recipes.intervals import interval_loss
from chainrule._src.tabular.recipes.realmlp import (
    PRESETS,
    RealMLPSettings,
    fit_realmlp,
    make_realmlp,
)
from chainrule._src.tabular.recipes.recipe import Recipe

VALIDATED = 1024  # rows of a batch of validation, at most
Fit = Callable[[Sequential, TrainingData, Recipe, Sequence[Callback]], None]


@dataclass(frozen=True)
class Kind:
    """A kind of network for tables.

    Attributes
    ----------
    makers : tuple of callable
        Data and a recipe → a compiled `Sequential`. Of several, the first makes all networks of an
        ensemble for few rows; for more they take turns until one is clearly better, see
        `ensembles.next_maker`.
    fit : callable
        Trains the model on data with a recipe and callbacks.
    defaults : dict
        Fields of a `Recipe` with other defaults for this kind.
    unwatched : dict
        Fields with other defaults if there is no hold-out.
    fixed : tuple of str
        Fields that the user cannot set for this kind.
    preprocessing : dict
        Arguments of the kind's `Preprocessor`.
    is_uniform : bool
        If true, a maker's networks for the same data differ in their weights alone, so that their
        steps are recorded once.
    """

    makers: tuple[Callable[[TrainingData, Recipe], Sequential], ...]
    fit: Fit
    defaults: Mapping[str, Any] = field(default_factory=dict)
    unwatched: Mapping[str, Any] = field(default_factory=dict)
    fixed: tuple[str, ...] = ()
    preprocessing: Mapping[str, Any] = field(default_factory=lambda: {"ordered": True})
    is_uniform: bool = True


def make_mlp(data: TrainingData, recipe: Recipe, first: Sequence[layers.Layer] = ()) -> Sequential:
    """Return a network of dense layers; without hidden layers, softmax or linear regression."""
    target = data.preprocessor.target
    model = mlp_network(data.preprocessor.width, target, recipe, first)
    model.preprocessor, model.class_names = data.preprocessor, list(target.classes) or None
    return model


def make_binned(data: TrainingData, recipe: Recipe) -> Sequential:
    """Return a network of dense layers whose features of many values have shares of bins too."""
    return make_mlp(data, recipe, binned(data.X_train) if recipe.hidden else ())


def mlp_network(
    width: int, target: Target, recipe: Recipe, first: Sequence[layers.Layer] = ()
) -> Sequential:
    """Return a compiled network of dense layers, ``first`` in front, for ``width`` features."""
    stack: list[Any] = [layers.Input((width,)), *first]
    for units in recipe.hidden:
        penalty = regularizers.L2(recipe.l2) if recipe.l2 else None
        stack.append(layers.Dense(units, recipe.activation, kernel_regularizer=penalty))
        if recipe.dropout:
            stack.append(layers.Dropout(recipe.dropout))
    classes = target.classes
    stack.append(layers.Dense(target.outputs, "softmax" if classes else None))
    if target.interval:
        stack.append(layers.Bounds())
    model = Sequential(stack, "network", seed=recipe.seed)
    rule = optimizers.OPTIMIZERS[recipe.optimizer]
    optimizer = rule() if recipe.lr is None else rule(recipe.lr)
    if classes:
        model.compile(optimizer, "sparse_categorical_crossentropy", ["accuracy"])
    elif target.interval:
        model.compile(optimizer, interval_loss(target))
    else:
        model.compile(optimizer, "mse", [metrics.R2Score(name="r2")])
    return model


def fit_mlp(
    model: Sequential, data: TrainingData, recipe: Recipe, callbacks: Sequence[Callback]
) -> None:
    """Train a network from `make_mlp`."""
    model.fit(
        data.X_train, data.y_train, recipe.batch_size, recipe.epochs, verbose=0,
        callbacks=callbacks, validation_data=(data.X_val, data.y_val) if len(data.X_val) else None,
        class_weight=class_weight(data.y_train) if recipe.class_weight == "balanced" else None,
        validation_batch_size=VALIDATED,
    )  # fmt: skip


def _make_realmlp(data: TrainingData, recipe: Recipe) -> Sequential:
    settings = _settings(data, recipe)
    y = _targets(data.y_train, data)
    return make_realmlp(settings, data.preprocessor, data.X_train, y, recipe.seed)


def _fit_realmlp(
    model: Sequential, data: TrainingData, recipe: Recipe, callbacks: Sequence[Callback]
) -> None:
    y, weight = _targets(data.y_train, data), None
    if recipe.class_weight == "balanced":
        by_class = class_weight(data.y_train)
        weight = np.array([by_class[label] for label in data.y_train.tolist()], dtype=np.float32)
        weight /= weight.mean()
    hold_out = (data.X_val, _targets(data.y_val, data)) if len(data.X_val) else None
    fit_realmlp(model, _settings(data, recipe), (data.X_train, y), hold_out, weight, callbacks)


def _settings(data: TrainingData, recipe: Recipe) -> RealMLPSettings:
    preset = PRESETS["td", data.preprocessor.target.task]
    return replace(
        preset, hidden=recipe.hidden, epochs=recipe.epochs,
        batch_size=min(recipe.batch_size, len(data.X_train)),
        learning_rate=preset.learning_rate if recipe.lr is None else recipe.lr,
    )  # fmt: skip


def _targets(y: Array, data: TrainingData) -> Array:
    """Return classes one-hot encoded, and quantities unchanged."""
    classes = data.preprocessor.target.classes
    encoded: Array = np.eye(len(classes), dtype=np.float32)[y] if classes else y
    return encoded


def class_weight(y: Array) -> dict[int, float]:
    """Return weights that give every class the same total weight: n / (k · n_c)."""
    counts = np.bincount(y)
    return {label: len(y) / (len(counts) * n) for label, n in enumerate(counts) if n}


PLAIN: Mapping[str, Any] = {"early_stop": False, "epochs": 100}
ONE: Mapping[str, Any] = {"ensemble": 1, **PLAIN}
RECIPES: Mapping[str, Kind] = {
    "ensemble": Kind((make_binned, make_mlp), fit_mlp, unwatched=PLAIN),
    "mlp": Kind((make_mlp,), fit_mlp, ONE),
    "linear": Kind(
        (make_mlp,), fit_mlp, {**ONE, "hidden": (), "lr": 0.02},
        fixed=("hidden", "activation", "dropout", "l2"),
    ),
    "realmlp": Kind(
        (_make_realmlp,), _fit_realmlp,
        {**ONE, "hidden": (256, 256, 256), "epochs": 256, "batch_size": 256},
        fixed=("activation", "dropout", "l2", "optimizer", "early_stop"),
        preprocessing={"signed": True}, is_uniform=False,
    ),
}  # fmt: skip


def is_watched(recipe: Recipe) -> bool:
    """Return true if the hold-out decides which epoch's weights are kept."""
    return recipe.early_stop or "early_stop" in RECIPES[recipe.recipe].fixed
