"""Subjects: the lab's network on the digits or a table, a loss in NumPy."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.base.errors import DataError, ShapeError
from chainrule._src.base.validation import check_samples
from chainrule._src.blackboard.subject import Data, Subject, Unit, checked
from chainrule._src.data.datasets import load_digits
from chainrule._src.nn.functions import ACTIVATIONS, nll, one_hot, softmax
from chainrule._src.teach.lab.models import LogisticRegression, NeuralNet

CHOICES = {
    "activation": tuple(ACTIVATIONS),
    "init": (
        "uniform", "zeros", "glorot_uniform", "he_normal", "lecun_normal", "random_normal",
        "orthogonal",
    ),
    "optimizer": ("sgd", "adam", "rmsprop", "adagrad", "adamw", "nadam", "lion"),
}  # fmt: skip
DEFAULTS = {
    "layers": [10], "activation": "sigmoid", "init": "uniform", "optimizer": "sgd", "seed": 0,
    "rate": 0.5, "momentum": 0.0, "batch_size": 32,
}  # fmt: skip


def digits() -> Data:
    """Return the digits as the lab splits and scales them."""
    found = load_digits()
    return Data(
        name="digits", X=found.X_train.astype(float), y=found.y_train,
        X_held=found.X_test.astype(float), y_held=found.y_test, image=(8, 8),
        classes=tuple(map(str, range(10))), features=_pixels(8, 8),
        mean=found.mean, scale=found.scale, ink=16.0, code="subjects.digits()",
    )  # fmt: skip


def _pixels(height: int, width: int) -> tuple[str, ...]:
    return tuple(f"pixel {i}, {j}" for i in range(height) for j in range(width))


def of_arrays(
    X: Any,
    y: Any,
    *,
    name: str = "data",
    classes: Sequence[str] | None = None,
    features: Sequence[str] | None = None,
) -> Data:
    """Return samples as data, a tenth of them held back.

    Parameters
    ----------
    X : array_like, a sample a row
        Pictures are laid flat.
    y : array_like
        Whole numbers are numbers of classes, others are quantities.

    Raises
    ------
    DataError
        If they do not fit together.
    """
    X, y = np.asarray(X), np.asarray(y)
    if X.ndim < 2 or y.ndim != 1 or len(X) != len(y) or len(X) < 2:
        raise DataError(
            "blackboard: X must hold a sample a row and y a class or a quantity for each, received "
            f"shapes {X.shape} and {y.shape}"
        )
    whole = y.dtype.kind in "iub"
    if whole and y.min() < 0:
        raise DataError(f"blackboard: y holds the class {y.min()}; classes are counted from 0")
    if whole and classes is None:
        classes = tuple(map(str, range(int(y.max()) + 1)))
    flat, shape = X.reshape(len(X), -1), X.shape[1:]
    order = np.random.default_rng(0).permutation(len(X))
    at = len(X) - max(len(X) // 10, 1)
    train, held = order[:at], order[at:]
    label = y.astype(np.int32 if whole else np.float64)
    return Data(
        name=name, X=flat[train], y=label[train], X_held=flat[held], y_held=label[held],
        classes=None if classes is None or not whole else tuple(classes),
        features=tuple(features or (f"feature {i + 1}" for i in range(flat.shape[1]))),
        image=shape[:2] if len(shape) == 2 or shape[2:] == (1,) else None,
    )  # fmt: skip


def table(source: Any, target: str | None = None) -> Data:
    """Return a table, preprocessed: a file, or one of scikit-learn's data sets by name.

    Raises
    ------
    DataError, FileError
        If it cannot be read or learned from.
    """
    from chainrule._src.data.tables import open_table, training_data

    opened = training_data(open_table(source), target)
    learned = opened.preprocessor
    assert learned.target is not None
    classes = tuple(learned.target.classes) or None
    label = np.int32 if classes else np.float64
    return Data(
        name=str(source), X=opened.X_train.astype(float), y=opened.y_train.astype(label),
        X_held=opened.X_val.astype(float), y_held=opened.y_val.astype(label),
        classes=classes, features=tuple(learned.feature_names), image=_image(learned),
        code=f"subjects.table({str(source)!r}, {target!r})",
    )  # fmt: skip


def _image(learned: Any) -> tuple[int, int] | None:
    shape = getattr(learned, "image_shape", None)
    return None if shape is None or (len(shape) > 2 and shape[2] != 1) else tuple(shape[:2])


def network(data: Data, settings: Mapping[str, Any] | None = None) -> Subject:
    """Return the lab's network on data, with settings.

    The output is a softmax with the negative log likelihood as loss; for targets that are
    quantities, a linear unit with half the mean squared error.

    Raises
    ------
    DataError, UnknownNameError
        For settings that do not exist or are out of range.
    """
    chosen = checked(settings or {}, DEFAULTS, CHOICES)
    sizes, outputs = chosen["layers"], len(data.classes or "1")
    names = ["h"] if len(sizes) == 1 else [f"h{i + 1}" for i in range(len(sizes))]
    activate, slope = ACTIVATIONS[chosen["activation"]]

    def hidden(params: Mapping[str, Any], X: Any) -> Any:
        h = X
        for name in names:
            z = h @ params[f"W_{name}"] + params[f"b_{name}"]
            h = activate(z)
        return h

    loss, forward = _ends(hidden, names, data)

    def slopes(params: Mapping[str, Array], X: Array) -> dict[str, Array]:
        found = {}
        for name in names:
            z = X @ params[f"W_{name}"] + params[f"b_{name}"]
            X, found[name] = activate(z), slope(z) * (4 if chosen["activation"] == "sigmoid" else 1)
        return found

    behind = zip(names, [*names, "o"][1:], strict=True)
    return Subject(
        title=_title(sizes, data), kind="lab", data=data, params=_weights(data, chosen, outputs),
        loss=loss, forward=forward, settings=chosen, choices=CHOICES,
        code=data.code and f"subjects.network({data.code})",
        make=lambda settings: network(data, settings), slopes=slopes if names else None,
        units=[Unit(n, f"W_{n}", f"b_{n}", f"W_{out}") for n, out in behind],
    )  # fmt: skip


def _title(sizes: list[int], data: Data) -> str:
    whole = [len(data.features), *sizes, len(data.classes or "1")]
    return "-".join(map(str, whole))


def _ends(
    hidden: Any, names: list[str], data: Data
) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Return loss and forward pass: what is behind the hidden layers depends on the target."""
    W, b = ("W_o", "b_o") if names else ("W", "b")

    if data.classes is None:

        def values(params: Any, X: Any) -> Any:
            return (hidden(params, X) @ params[W] + params[b])[:, 0]

        def squares(params: Any, X: Any, y: Any) -> Any:
            y_pred = (hidden(params, X) @ params[W] + params[b])[:, 0]
            return np.mean((y_pred - y) ** 2) / 2

        return squares, values

    classes = len(data.classes)

    def forward(params: Any, X: Any) -> Any:
        z_o = hidden(params, X) @ params[W] + params[b]
        q = softmax(z_o)
        return q  # noqa: RET504  # its name is shown

    def loss(params: Any, X: Any, y: Any) -> Any:
        z_o = hidden(params, X) @ params[W] + params[b]
        q = softmax(z_o)
        return nll(one_hot(classes, y), q)

    return loss, forward


def _weights(data: Data, chosen: Mapping[str, Any], outputs: int) -> dict[str, Array]:
    inputs, seed = len(data.features), chosen["seed"]
    if chosen["layers"]:
        model: Any = NeuralNet(
            inputs, tuple(chosen["layers"]), outputs,
            seed=seed, activation=chosen["activation"], init=chosen["init"],
        )  # fmt: skip
    else:
        model = LogisticRegression(inputs, outputs, seed=seed, init=chosen["init"])
    return {name: getattr(model, name) for name in model.parameter_names}


def lab(model: Any, X: Any = None, y: Any = None) -> Subject:
    """Return one of the lab's networks, with its weights as they are; they stay so.

    Parameters
    ----------
    model : LogisticRegression, NeuralNet
    X, y : array_like, optional
        Features and numbers of classes, a tenth of which is held back; by default the digits.

    Raises
    ------
    DataError, ShapeError
        If the network does not take the data.
    """
    data = digits() if X is None else _samples(model, X, y)
    sizes = model.input_size, model.output_size
    if X is None and sizes != (64, 10):
        raise DataError(
            f"blackboard: the digits have 64 features and 10 classes, the network takes {sizes[0]} "
            f"and {sizes[1]}: give its data as X and y"
        )
    hidden = getattr(model, "hidden_size", ())
    start: dict[str, Any] = {
        "layers": list(hidden if isinstance(hidden, tuple | list) else (hidden,)),
        "activation": getattr(model, "activation", DEFAULTS["activation"]),
    }
    params = {name: np.array(value) for name, value in model.parameters.items()}
    first = {**DEFAULTS, **start}

    def make(settings: Mapping[str, Any]) -> Subject:
        made = network(data, settings)
        anew = any(made.settings[name] != first[name] for name in ("layers", "init", "seed"))
        if not anew:  # where the weights are from, nothing here tells
            made = replace(made, params=params, code=None)
        return replace(made, make=make)

    return make(start)


def _samples(model: Any, X: Any, y: Any) -> Data:
    X, y = check_samples(X, y, model.input_size, model.output_size, "blackboard")
    if X.ndim == 1:
        raise ShapeError("blackboard: expected samples as the rows of X, received one sample")
    held, train = np.split(np.random.default_rng(0).permutation(len(X)), [len(X) // 10])
    return Data(
        name="data", X=X[train], y=y[train].astype(np.int32),
        X_held=X[held], y_held=y[held].astype(np.int32),
        classes=tuple(map(str, range(model.output_size))),
        features=tuple(f"feature {i + 1}" for i in range(X.shape[1])),
    )  # fmt: skip


def function(
    loss: Callable[..., Any], params: Mapping[str, Any], data: Data, **more: Any
) -> Subject:
    """Return a loss in NumPy of a dict of parameters.

    Matrices that lead from the features to the outputs, one after the other, are taken for layers.
    """
    start = {name: np.asarray(value, float) for name, value in params.items()}
    settings = {k: DEFAULTS[k] for k in ("optimizer", "seed", "rate", "momentum", "batch_size")}
    made = Subject(
        title=getattr(loss, "__name__", "loss"), kind="loss", data=data, loss=loss, forward=None,
        params=start, settings=settings, choices={"optimizer": CHOICES["optimizer"]},
        units=_units(start, len(data.features), len(data.classes or "1")),
    )  # fmt: skip

    def make(settings: Mapping[str, Any]) -> Subject:
        return replace(made, settings=checked(settings, made.settings, made.choices), make=make)

    made = replace(made, **more)
    return replace(made, make=make)


def _units(params: Mapping[str, Array], inputs: int, outputs: int) -> list[Unit]:
    """Return the hidden layers of matrices that follow on one another; none if they do not."""
    names = list(params)
    chain = [name for name in names if params[name].ndim == 2]
    ends = [inputs, *(params[W].shape[1] for W in chain)]
    if [params[W].shape[0] for W in chain] != ends[:-1] or ends[-1] != outputs:
        return []
    units = []
    for number, (W, out) in enumerate(pairwise(chain), 1):
        bias = next(iter(names[names.index(W) + 1 :]), W)
        known = bias if params[bias].shape == params[W].shape[1:] else None
        units.append(Unit("h" if len(chain) == 2 else f"h{number}", W, known, out))
    return units
