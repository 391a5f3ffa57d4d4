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
from chainrule._src.data.preprocessing import OneHot, Preprocessor, Scaled, Target
from chainrule._src.nn import layers, schedules
from chainrule._src.nn.callbacks import BestWeights
from chainrule._src.nn.initializers import RandomNormal
from chainrule._src.nn.losses import BinaryCrossentropy, CategoricalCrossentropy
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
    weight: Any = None,
) -> Sequential:
    """Return a compiled, untrained network for a preprocessor's features.

    Parameters
    ----------
    settings : RealMLPSettings
    preprocessor : Preprocessor
    X : ndarray, shape (n, d)
        The features of the training samples.
    y : ndarray, shape (n, k) or (n,)
        Targets: classes one-hot encoded, or a quantity of mean 0 and deviation 1. Several targets
        are the columns of ``y``, bool for labels; the network is then without its preprocessing.
    seed : int
    engine : {"auto", "compiled", "numpy"}
    weight : ndarray, shape (n,), optional
        Weights of the samples, by which the quartiles of the features are taken.
    """
    target, rng = preprocessor.target, np.random.default_rng(seed)
    head, updates = _head(settings, target, y), updates_of(settings, len(X))
    robust = layers.RobustScaling(name="robust")
    robust.adapt(X if weight is None else _quartiles(X, weight))
    stack = [layers.Input((preprocessor.width,)), robust, *_embedding(settings, preprocessor)]
    stack += [layers.Scale(name="scale"), *_hidden(settings, updates)]
    start: Any = {} if settings.is_fitted else dict.fromkeys(
        ("kernel_initializer", "bias_initializer"), "zeros"
    )  # fmt: skip
    stack.append(layers.NeuralTangentDense(head.outputs, head.activation, name="output", **start))
    if target.interval:
        stack.append(layers.Bounds(name="bounds"))
    if settings.is_clamped and head.activation is None:
        bounds = (end.tolist() for end in (y.min(axis=0), y.max(axis=0)))
        stack.append(layers.Clamp(*bounds, name="clamp"))
    # Scoring uses the same engine as training: two libraries' thread pools slow each other down.
    if engine == "auto" and updates >= MANY:
        engine = "compiled"
    model = Sequential(stack, "realmlp", seed=int(rng.integers(2**31)))
    model.build((None, preprocessor.width))
    if settings.is_fitted:
        _fit_start(model, X, rng)
    rule = _optimizer(settings, updates, model)
    model.compile(rule, head.loss, weighted_metrics=head.metrics or None, engine=engine)
    if target.classes or y.ndim == 1:
        model.preprocessor, model.class_names = preprocessor, list(target.classes) or None
    return model


def updates_of(settings: RealMLPSettings, rows: int) -> int:
    """Return the number of updates of the schedules of a network."""
    return settings.epochs * max(rows // settings.batch_size, 1)


def start_from(model: Sequential, before: Sequential) -> None:
    """Give a network from `make_realmlp` the weights of another; its schedules begin anew."""
    drawn = "dropout_"  # the state of random numbers stays the network's own
    weights = before.network.weights
    model.network.take({n: w for n, w in weights.items() if not n.startswith(drawn)})


@dataclass(frozen=True)
class _Head:
    """The last layer of a network, its loss, and the metric by which epochs are compared."""

    outputs: int
    activation: str | None
    loss: Any
    metrics: tuple[str, ...] = ()


def _quartiles(X: Array, weight: Array) -> Array:
    """Return five rows whose quartiles are those of the samples, counted by their weights."""
    if (weight == weight[0]).all():
        return X
    shares = [0, 0.25, 0.5, 0.75, 1]
    rows: Array = np.quantile(X, shares, axis=0, weights=weight, method="inverted_cdf")
    return rows


def _head(settings: RealMLPSettings, target: Target, y: Array) -> _Head:
    smoothed: dict[str, Any] = {"label_smoothing": settings.label_smoothing}
    if target.classes:
        return _Head(target.outputs, "softmax", CategoricalCrossentropy(**smoothed), ("accuracy",))
    if y.dtype == bool:
        return _Head(y.shape[1], "sigmoid", BinaryCrossentropy(**smoothed), ("binary_accuracy",))
    if y.ndim > 1:
        return _Head(y.shape[1], None, "mse")
    return _Head(target.outputs, None, interval_loss(target) if target.interval else "mse")


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
        Weights of the training samples, of mean 1: their scale would change the effect of Adam's
        epsilon and of the decay.
    callbacks : sequence of Callback
    """
    X, y = data
    best = [] if hold_out is None else [BestWeights(f"val_{model.metrics_names[-1]}")]
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
