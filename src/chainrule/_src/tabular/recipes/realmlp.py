"""RealMLP: a network for tables whose defaults were tuned on hundreds of tables.

Holzmüller, Grinsztajn, Steinwart, *Better by Default: Strong Pre-Tuned MLPs and Boosted Trees on
Tabular Data*, 2024: "TD" of appendix A and the simpler "TD-S".
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.data.preprocessing import OneHot, Preprocessor, Scaled
from chainrule._src.nn import layers, schedules
from chainrule._src.nn.callbacks import BestWeights
from chainrule._src.nn.initializers import RandomNormal
from chainrule._src.nn.losses import CategoricalCrossentropy
from chainrule._src.nn.optimizers import Adam
from chainrule._src.nn.sequential import Sequential
from chainrule._src.tabular.recipes.intervals import interval_loss

FEW = 9  # with embeddings: up to so many categories are one-hot encoded, more become WIDTH numbers
WIDTH = 8
CORNERS = 5  # values whose random mean is the initial bend of a neuron
MANY = 64  # updates that repay the compilation
SHOWN = 5000  # samples to which initial weights are fitted


@dataclass(frozen=True)
class RealMLPSettings:
    """Settings by which a RealMLP is built and trained.

    Attributes
    ----------
    hidden : tuple of int
    activation : str
    learning_rate : float
        The highest rate of a schedule, see `schedules.CosineLog`; weights of `layers.Scale` have
        six times the rate, biases a tenth.
    label_smoothing : float
        Label smoothing for classes.
    epochs, batch_size : int
    embedded : bool
        If true, numbers get periodic embeddings, and large sets of categories dense embeddings.
    parametric : bool
        If true, activations have a weight that is learned.
    dropout, weight_decay : float
        Initial values of schedules, see `schedules.FlatCosine`.
    is_fitted : bool
        If true, initial weights give every neuron deviation 1 and a bend within the data.
    is_clamped : bool
        If true, predicted quantities are clamped to the range of the training targets.
    """

    activation: str
    learning_rate: float
    hidden: tuple[int, ...] = (256, 256, 256)
    label_smoothing: float = 0.1
    epochs: int = 256
    batch_size: int = 256
    embedded: bool = False
    parametric: bool = False
    dropout: float = 0.0
    weight_decay: float = 0.0
    is_fitted: bool = False
    is_clamped: bool = False


_TD: dict[str, Any] = {
    "embedded": True, "parametric": True, "dropout": 0.15, "weight_decay": 0.02, "is_fitted": True,
    "is_clamped": True,
}  # fmt: skip
PRESETS = {
    ("td-s", "classification"): RealMLPSettings("selu", 0.04),
    ("td-s", "regression"): RealMLPSettings("mish", 0.07),
    ("td", "classification"): RealMLPSettings("selu", 0.04, **_TD),
    ("td", "regression"): RealMLPSettings("mish", 0.2, **_TD),
}
"""Settings by name and task."""


def make_realmlp(
    settings: RealMLPSettings,
    preprocessor: Preprocessor,
    X: Array,
    y: Array,
    seed: int | None,
    engine: str = "auto",
) -> Sequential:
    """Return a compiled, untrained network for a preprocessor's features.

    Parameters
    ----------
    settings : RealMLPSettings
    preprocessor : Preprocessor
    X : ndarray, shape (n, d)
        The features of the training samples.
    y : ndarray, shape (n, k) or (n,)
        Targets: classes one-hot encoded, or a quantity of mean 0 and deviation 1.
    seed : int
    engine : {"auto", "compiled", "numpy"}
    """
    target, rng = preprocessor.target, np.random.default_rng(seed)
    classes = target.classes
    updates = settings.epochs * max(len(X) // settings.batch_size, 1)
    robust = layers.RobustScaling(name="robust")
    robust.adapt(X)
    stack = [layers.Input((preprocessor.width,)), robust, *_embedding(settings, preprocessor)]
    stack += [layers.Scale(name="scale"), *_hidden(settings, updates)]
    start: Any = {} if settings.is_fitted else dict.fromkeys(
        ("kernel_initializer", "bias_initializer"), "zeros"
    )  # fmt: skip
    activation = "softmax" if classes else None
    stack.append(layers.NeuralTangentDense(target.outputs, activation, name="output", **start))
    if target.interval:
        stack.append(layers.Bounds(name="bounds"))
    if settings.is_clamped and not classes:
        stack.append(layers.Clamp(float(y.min()), float(y.max()), name="clamp"))
    # Scoring uses the same engine as training: two libraries' thread pools slow each other down.
    if engine == "auto" and updates >= MANY:
        engine = "compiled"
    model = Sequential(stack, "realmlp", seed=int(rng.integers(2**31)))
    model.build((None, preprocessor.width))
    if settings.is_fitted:
        _fit_start(model, X, rng)
    if classes:
        smoothed = CategoricalCrossentropy(label_smoothing=settings.label_smoothing)
        rule = _optimizer(settings, updates, model)
        model.compile(rule, smoothed, weighted_metrics=["accuracy"], engine=engine)
    else:
        loss: Any = interval_loss(target) if target.interval else "mse"
        model.compile(_optimizer(settings, updates, model), loss, engine=engine)
    model.preprocessor, model.class_names = preprocessor, list(classes) or None
    return model


def fit_realmlp(
    model: Sequential,
    settings: RealMLPSettings,
    data: Any,
    hold_out: Any,
    weight: Any = None,
    callbacks: Any = (),
) -> None:
    """Train a network from `make_realmlp`, and keep the weights of the best epoch.

    Parameters
    ----------
    model : Sequential
    settings : RealMLPSettings
    data : tuple of ndarray
        ``(X, y)`` as for `make_realmlp`.
    hold_out : tuple of ndarray or None
        ``(X, y)`` or ``(X, y, weight)`` of the hold-out; if None, the weights of the last epoch
        are kept.
    weight : ndarray, shape (n,), optional
        Relative weights of the training samples.
    callbacks : sequence of Callback
    """
    score = "val_accuracy" if model.preprocessor.target.classes else "val_loss"
    best = [] if hold_out is None else [BestWeights(score)]
    X, y = data
    # With mean 1, because the scale would change the effect of Adam's epsilon and of the decay.
    if weight is not None:
        weight = weight / np.mean(weight)
    model.fit(
        X, y, settings.batch_size, settings.epochs, verbose=0, callbacks=[*callbacks, *best],
        validation_data=hold_out, validation_batch_size=1024, sample_weight=weight,
        drop_remainder=True,
    )  # fmt: skip


def _optimizer(settings: RealMLPSettings, updates: int, model: Sequential) -> Adam:
    """Return the optimizer, with the paper's learning rates for groups of weights."""
    parts = enumerate(getattr(model.layers[1], "layers", ()))
    periodic = [str(i) for i, part in parts if isinstance(part, layers.PeriodicEmbedding)]
    decay = schedules.FlatCosine(settings.weight_decay, updates) if settings.weight_decay else None
    bias = "^(hidden_[0-9]+|output)_bias$"
    rule = Adam(
        schedules.CosineLog(settings.learning_rate, updates), beta_2=0.95, epsilon=1e-8,
        weight_decay=decay,
        learning_rate_multipliers={
            "^scale_scale$": 6.0, bias: 0.1, "_amount$": 0.1,
            f"^columns_layers_({'|'.join(periodic)})_": 0.1,
        },
    )  # fmt: skip
    rule.exclude_from_weight_decay(var_names=[bias])
    return rule


def _hidden(settings: RealMLPSettings, updates: int) -> list[Any]:
    stack: list[Any] = []
    for number, units in enumerate(settings.hidden, 1):
        activation = None if settings.parametric else settings.activation
        stack.append(layers.NeuralTangentDense(units, activation, name=f"hidden_{number}"))
        if settings.parametric:
            stack.append(
                layers.ParametricActivation(settings.activation, name=f"activation_{number}")
            )
        if settings.dropout:
            rate = schedules.FlatCosine(settings.dropout, updates)
            stack.append(layers.Dropout(rate, name=f"dropout_{number}"))
    return stack


def _embedding(settings: RealMLPSettings, preprocessor: Preprocessor) -> list[Any]:
    """Return a list with the layer that embeds columns; empty without embeddings."""
    if not settings.embedded:
        return []
    parts: list[tuple[Any, int]] = []
    for step in preprocessor.steps:
        if isinstance(step, OneHot) and len(step.categories) > FEW:
            normal = RandomNormal(stddev=1.0)
            table = layers.Dense(WIDTH, use_bias=False, kernel_initializer=normal)
            parts.append((table, step.width))
            continue
        kind = layers.PeriodicEmbedding if isinstance(step, Scaled) else layers.Identity
        if parts and type(parts[-1][0]) is kind:
            parts[-1] = parts[-1][0], parts[-1][1] + step.width
        else:
            parts.append((kind(), step.width))
    parts_by_column, widths = zip(*parts, strict=True)
    return [layers.ByColumns(parts_by_column, widths, name="columns")]


def _fit_start(model: Sequential, X: Array, rng: np.random.Generator) -> None:
    """Initialise neurons with deviation 1 and bends in the data: the paper's "std" and "he+5"."""
    x = X[rng.permutation(len(X))[:SHOWN]]
    for layer in model.layers:
        if isinstance(layer, layers.NeuralTangentDense):
            z = x @ layer.kernel / math.sqrt(len(layer.kernel))
            deviation = z.std(axis=0)
            deviation[deviation == 0] = 1
            units = np.arange(layer.units)
            picked = (z / deviation)[rng.integers(len(z), size=(CORNERS, layer.units)), units]
            shares = rng.exponential(size=picked.shape)
            bias = -(picked * shares / shares.sum(axis=0)).sum(axis=0)
            layer.set_weights([layer.kernel / deviation, bias])
        x = layer(x)
