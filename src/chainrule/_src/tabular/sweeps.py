"""Builder of networks for a sweep over the settings of a recipe."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from chainrule._src.data.tables import TrainingData
from chainrule._src.nn.sequential import Sequential
from chainrule._src.sweeps.dimensions import LogUniform, Uniform
from chainrule._src.tabular.recipes.recipe import Recipe
from chainrule._src.tabular.recipes.tabular import make_model

SPACE: Mapping[str, Any] = {
    "hidden": [(16,), (64,), (128,), (64, 32)],
    "activation": ["relu", "tanh"],
    "lr": LogUniform(1e-3, 3e-2),
    "dropout": Uniform(0.0, 0.4),
    "l2": LogUniform(1e-6, 1e-2),
}
LOGARITHMIC = ("lr", "l2")  # settings on a logarithmic scale


def builder(data: TrainingData, recipe: Recipe) -> Callable[..., Sequential]:
    """Return a function that builds a network from some settings and otherwise from ``recipe``."""

    def build(
        hidden: tuple[int, ...] = recipe.hidden,
        activation: str = recipe.activation,
        dropout: float = recipe.dropout,
        l2: float = recipe.l2,
        optimizer: str = recipe.optimizer,
        lr: float | None = recipe.lr,
    ) -> Sequential:
        candidate = replace(
            recipe, hidden=hidden, activation=activation, dropout=dropout, l2=l2,
            optimizer=optimizer, lr=lr, seed=None,
        )  # fmt: skip
        return make_model(data, candidate, maker=-1)

    return build
