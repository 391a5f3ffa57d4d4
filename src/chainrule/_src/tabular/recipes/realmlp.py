"""RealMLP: a network for tables whose defaults were tuned on hundreds of them.

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

FEW = 9  # categories that are one-hot where embeddings are in use; more become WIDTH numbers
WIDTH = 8
CORNERS = 5  # values whose random mean is where a neuron bends at the start
MANY = 64  # updates after which compiled code has paid for itself
SHOWN = 5000  # samples that initial weights are fitted to


@dataclass(frozen=True)
class RealMLP:
    """How a RealMLP is built and trained.

    Attributes
    ----------
    hidden : tuple of int
    activation : str
    learning_rate : float
        The highest of a schedule, see `schedules.CosineLog`; weights of `layers.Scale` move six
        times as fast, biases a tenth.
    label_smoothing : float
        Of classes.
    epochs, batch_size : int
    embedded : bool
        Whether numbers become periodic embeddings, and many categories a few numbers.
    parametric : bool
        Whether activations have a weight that is learned.
    dropout, weight_decay : float
        At the start, see `schedules.FlatCosine`.
    is_fitted : bool
        Whether initial weights give every neuron deviation 1 and a bend within the data.
    is_clamped : bool
        Whether predicted quantities stay within those of training.
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
    ("td-s", "classification"): RealMLP("selu", 0.04),
    ("td-s", "regression"): RealMLP("mish", 0.07),
    ("td", "classification"): RealMLP("selu", 0.04, **_TD),
    ("td", "regression"): RealMLP("mish", 0.2, **_TD),
}
"""Settings by name and task."""


def make_realmlp(
    how: RealMLP,
    preprocessor: Preprocessor,
    X: Array,
    y: Array,
    seed: int | None,
    engine: str = "auto",
) -> Sequential:
    """Return a network for a preprocessor's features, compiled, not trained.

    Parameters
    ----------
    how : RealMLP
    preprocessor : Preprocessor
    X : ndarray, shape (n, d)
        The features of training.
    y : ndarray, shape (n, k) or (n,)
        Its targets: classes one-hot, or a quantity of mean 0 and deviation 1.
    seed : int
    engine : {"auto", "compiled", "numpy"}
    """
    target, rng = preprocessor.target, np.random.default_rng(seed)
    classes = target.classes
    updates = how.epochs * max(len(X) // how.batch_size, 1)
    robust = layers.RobustScaling(name="robust")
    robust.adapt(X)
    stack = [layers.Input((preprocessor.width,)), robust, *_embedding(how, preprocessor)]
    stack += [layers.Scale(name="scale"), *_hidden(how, updates)]
    start: Any = {} if how.is_fitted else dict.fromkeys(
        ("kernel_initializer", "bias_initializer"), "zeros"
    )  # fmt: skip
    activation = "softmax" if classes else None
    stack.append(layers.NeuralTangentDense(target.outputs, activation, name="output", **start))
    if target.interval:
        stack.append(layers.Bounds(name="bounds"))
    if how.is_clamped and not classes:
        stack.append(layers.Clamp(float(y.min()), float(y.max()), name="clamp"))
    # What is scored every epoch runs as what is trained: two libraries' threads do not mix well.
    if engine == "auto" and updates >= MANY:
        engine = "compiled"
    model = Sequential(stack, "realmlp", seed=int(rng.integers(2**31)))
    model.build((None, preprocessor.width))
    if how.is_fitted:
        _fit_start(model, X, rng)
    if classes:
        smoothed = CategoricalCrossentropy(label_smoothing=how.label_smoothing)
        rule = _optimizer(how, updates, model)
        model.compile(rule, smoothed, weighted_metrics=["accuracy"], engine=engine)
    else:
        loss: Any = interval_loss(target) if target.interval else "mse"
        model.compile(_optimizer(how, updates, model), loss, engine=engine)
    model.preprocessor, model.class_names = preprocessor, list(classes) or None
    return model


def fit_realmlp(
    model: Sequential, how: RealMLP, data: Any, held: Any, weight: Any = None, callbacks: Any = ()
) -> None:
    """Train a network that `make_realmlp` made, and let it be that of its best epoch.

    Parameters
    ----------
    model : Sequential
    how : RealMLP
    data : tuple of ndarray
        ``(X, y)`` as for `make_realmlp`.
    held : tuple of ndarray or None
        The same of samples held back, perhaps with their weights; without them the last epoch
        counts.
    weight : ndarray, shape (n,), optional
        Of the samples of training; they count by what they are to each other.
    callbacks : sequence of Callback
    """
    score = "val_accuracy" if model.preprocessor.target.classes else "val_loss"
    best = [] if held is None else [BestWeights(score)]
    X, y = data
    if weight is not None:  # Adam's epsilon and the decay would else change with their scale
        weight = weight / np.mean(weight)
    model.fit(
        X, y, how.batch_size, how.epochs, verbose=0, callbacks=[*callbacks, *best],
        validation_data=held, validation_batch_size=1024, sample_weight=weight, drop_remainder=True,
    )  # fmt: skip


def _optimizer(how: RealMLP, updates: int, model: Sequential) -> Adam:
    """Return the rule, with rates of their own for what the paper says so of."""
    parts = enumerate(getattr(model.layers[1], "layers", ()))
    periodic = [str(i) for i, part in parts if isinstance(part, layers.PeriodicEmbedding)]
    decay = schedules.FlatCosine(how.weight_decay, updates) if how.weight_decay else None
    bias = "^(hidden_[0-9]+|output)_bias$"
    rule = Adam(
        schedules.CosineLog(how.learning_rate, updates), beta_2=0.95, epsilon=1e-8,
        weight_decay=decay,
        learning_rate_multipliers={
            "^scale_scale$": 6.0, bias: 0.1, "_amount$": 0.1,
            f"^columns_layers_({'|'.join(periodic)})_": 0.1,
        },
    )  # fmt: skip
    rule.exclude_from_weight_decay(var_names=[bias])
    return rule


def _hidden(how: RealMLP, updates: int) -> list[Any]:
    found: list[Any] = []
    for number, units in enumerate(how.hidden, 1):
        activation = None if how.parametric else how.activation
        found.append(layers.NeuralTangentDense(units, activation, name=f"hidden_{number}"))
        if how.parametric:
            found.append(layers.ParametricActivation(how.activation, name=f"activation_{number}"))
        if how.dropout:
            rate = schedules.FlatCosine(how.dropout, updates)
            found.append(layers.Dropout(rate, name=f"dropout_{number}"))
    return found


def _embedding(how: RealMLP, preprocessor: Preprocessor) -> list[Any]:
    """Return the layer that embeds columns, if there is one."""
    if not how.embedded:
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
    made, widths = zip(*parts, strict=True)
    return [layers.ByColumns(made, widths, name="columns")]


def _fit_start(model: Sequential, X: Array, rng: np.random.Generator) -> None:
    """Give neurons deviation 1, and bends within the data: "std" and "he+5" of the paper."""
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
