"""A compiled `Sequential` as a subject of a blackboard; the model itself is not changed."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.base.config import copied
from chainrule._src.base.errors import DataError
from chainrule._src.blackboard.subject import Data, Subject, Unit, checked
from chainrule._src.blackboard.subjects import of_arrays, units_of
from chainrule._src.core.transforms import grad
from chainrule._src.nn import activations, optimizers
from chainrule._src.nn.functions import one_hot, sigmoid, softmax
from chainrule._src.nn.layers import (
    GRU,
    LSTM,
    RNN,
    Bidirectional,
    Conv1D,
    Dense,
    Dropout,
    Flatten,
    SimpleRNN,
)
from chainrule._src.nn.losses import BinaryCrossentropy, SparseCategoricalCrossentropy
from chainrule._src.nn.network.network import Network
from chainrule._src.nn.network.objective import Objective

OF_SEQUENCES = (Conv1D, RNN, SimpleRNN, LSTM, GRU, Bidirectional)


def sequential(model: Any, X: Any, y: Any, *, name: str = "data", seed: int = 0) -> Subject:
    """Return the subject of a compiled `Sequential`; a tenth of the data is the hold-out.

    Parameters
    ----------
    model : Sequential
        Training starts from a copy of its weights; the model is not changed. A setting of another
        seed draws new weights.
    X, y : array_like
        As for its ``fit``: samples, and a class or a quantity for each.
    name : str
        Name of the data.
    seed : int
        Seed of the order of samples.

    Raises
    ------
    DataError, ShapeError
        If the model was not compiled, or does not take the data.
    """
    return layered(model, data_of(model, X, y, name), seed=seed)


def data_of(model: Any, X: Any, y: Any, name: str) -> Data:
    """Return the arguments of a model's ``fit`` as `Data`."""
    (samples, targets), _ = model.training_parts(X, y, "blackboard")
    task = _Task.of(model, targets)
    features = getattr(model.preprocessor, "feature_names", None)
    in_steps = any(isinstance(layer, OF_SEQUENCES) for layer in model.layers)
    data = of_arrays(
        samples, task.labels(targets), name=name, classes=task.classes, features=features,
        sequence=in_steps,
    )  # fmt: skip
    return replace(data, **units_of(model.preprocessor)) if features else data


def layered(model: Any, data: Data, *, seed: int = 0, code: str | None = None) -> Subject:
    """Return the subject of a compiled `Sequential` and preprocessed data; see `sequential`.

    Raises
    ------
    DataError
        If classes and outputs do not fit.
    """
    if not getattr(model, "compiled", False):
        raise DataError("blackboard: call model.compile(...) first, which says what is minimised")
    if not model.built:
        model.build((None, data.X.shape[1]))
    rule = _with_momentum(model.optimizer)
    settings = {
        "optimizer": model.optimizer.name, "seed": seed, "rate": float(model.learning_rate),
        "momentum": float(getattr(model.optimizer, "momentum", 0.0)), "batch_size": 32,
    }  # fmt: skip
    task = _Task.of(model, data.y if data.classes is None else one_hot(len(data.classes), data.y))
    initial = replace(_subject(model, task, data, settings), optimizer=rule, code=code)

    def make(chosen: Mapping[str, Any]) -> Subject:
        chosen_settings = checked(chosen, settings, initial.choices)
        seeded = model if chosen_settings["seed"] == seed else _anew(model, chosen_settings["seed"])
        subject = _subject(seeded, task, data, chosen_settings)
        return replace(subject, optimizer=rule, code=code, make=make)

    return replace(initial, make=make)


def _subject(model: Any, task: _Task, data: Data, settings: Mapping[str, Any]) -> Subject:
    network: Network = model.network
    objective, start = Objective(network, model.loss, []), network.state
    shape: Any = network.first.input_shape[1:]

    def inputs_and_targets(X: Any, y: Any) -> tuple[Any, Any]:
        return X.reshape(len(X), *shape), task.targets(y)

    def loss(params: Any, X: Any, y: Any, layers: Any = None, metrics: Any = None) -> Any:
        return objective.value(params, layers or start, True, *inputs_and_targets(X, y))[0]

    def forward(params: Any, X: Any, layers: Any = None, metrics: Any = None) -> Any:
        X = X.reshape(len(X), *shape)
        return task.meaning(network.predicted({**params, **(layers or start)}, X))

    def update(rule: Any) -> Callable[..., Any]:
        step = objective.training_step(rule)
        return lambda carry, X, y: step(carry, *inputs_and_targets(X, y))

    dense = _chain(network)
    sizes = "-".join(str(size) for size in (math.prod(shape), *(layer.units for layer in dense)))
    return Subject(
        title=f"{model.name} {sizes}" if dense else model.name, kind="sequential", data=data,
        params=network.params, loss=loss, forward=forward, settings=settings, update=update,
        choices={"optimizer": (settings["optimizer"],)}, parts={"layers": start, "metrics": {}},
        units=_units(dense), slopes=_slopes(dense) if len(dense) > 1 else None, model=model,
    )  # fmt: skip


@dataclass(frozen=True)
class _Task:
    """The learning task of a model: the encoding of its targets and outputs.

    Attributes
    ----------
    kind : {"numbers", "rows", "two", "quantity"}
        The targets are class indices; one-hot rows; 0 or 1; quantities.
    classes : tuple of str or None
    logits : bool
        If true, the outputs are logits, not probabilities.
    dtype : dtype
        Dtype of all targets but class indices.
    """

    kind: str
    classes: tuple[str, ...] | None
    logits: bool
    dtype: Any

    @classmethod
    def of(cls, model: Any, y: Array) -> _Task:
        """Return the task of a model, given example targets."""
        shape, loss = model.output_shape, model.loss
        rows = y.ndim == 2 and y.shape[1] == shape[-1] > 1 and set(np.unique(y)) <= {0, 1}
        one = math.prod(shape[1:]) == 1
        if len(shape) != 2 or not (one or rows or isinstance(loss, SparseCategoricalCrossentropy)):
            raise DataError(
                "blackboard: a model has an output for each class, or a single one; this one gives "
                f"{shape} for targets of shape {y.shape}"
            )
        kind = "two" if isinstance(loss, BinaryCrossentropy) else "quantity"
        if not one:
            kind = "numbers" if isinstance(loss, SparseCategoricalCrossentropy) else "rows"
        target = getattr(model.preprocessor, "target", None)
        names = model.class_names or getattr(target, "classes", None)
        classes = tuple(map(str, names or range(max(shape[-1], 2))))
        logits = getattr(loss, "from_logits", False)
        return cls(kind, None if kind == "quantity" else classes, logits, np.dtype(model.dtype))

    def labels(self, y: Array) -> Array:
        """Return targets as class indices or quantities."""
        if self.kind == "rows":
            y = y.argmax(axis=1)
        return np.ravel(y).astype(np.float64 if self.classes is None else np.int32)

    def targets(self, y: Any) -> Any:
        """Return labels as the targets of the model's loss."""
        if self.kind == "numbers":
            return y
        if self.kind == "rows":
            assert self.classes is not None
            return one_hot(len(self.classes), y).astype(self.dtype)
        return y.reshape(-1, 1).astype(self.dtype)

    def meaning(self, output: Any) -> Any:
        """Return a model's output as probabilities or quantities."""
        if self.logits:
            output = sigmoid(output) if self.kind == "two" else softmax(output)
        return output if self.kind in ("numbers", "rows") else output[:, 0]


def _with_momentum(optimizer: Any) -> Any:
    """Return an optimizer whose state includes momentum if it is an SGD."""
    if type(optimizer) is optimizers.SGD and not optimizer.momentum:
        return copied(optimizer, momentum=0.9)  # the momentum in use is in the carry
    return optimizer


def _anew(model: Any, seed: int) -> Any:
    """Return a compiled copy of a model with newly drawn weights."""
    layers = [copied(layer) for layer in model.layers]
    other = type(model)(layers, name=model.name, dtype=model.dtype, seed=seed)
    other.build(model.input_shape)
    other.compile(model.optimizer, model.loss)
    return other


def _chain(network: Network) -> list[Dense]:
    """Return the dense layers of a network of `Dense`, `Dropout` and `Flatten`, else no layers."""
    if not all(isinstance(layer, Dense | Dropout | Flatten) for layer in network.layers):
        return []
    return [layer for layer in network.layers if isinstance(layer, Dense)]


def _names(layer: Dense) -> tuple[str, str | None]:
    return f"{layer.name}_kernel", f"{layer.name}_bias" if layer.use_bias else None


def _units(dense: list[Dense]) -> list[Unit]:
    return [Unit(layer.name, *_names(layer), _names(after)[0]) for layer, after in pairwise(dense)]


def _slopes(dense: list[Dense]) -> Callable[..., Mapping[str, Array]]:
    def steps(params: Mapping[str, Array], X: Array) -> Iterator[tuple[str, Array]]:
        for layer in dense[:-1]:
            W, b = _names(layer)
            z, activate = X @ params[W] + (0 if b is None else params[b]), layer.activation
            slope = grad(lambda z, f=activate: np.sum(f(z)))(z)
            yield layer.name, slope * (4 if activate is activations.sigmoid else 1)
            X = activate(z)

    return lambda params, X: dict(steps(params, X))
