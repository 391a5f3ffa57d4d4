"""Functions that create subjects: the lab's network on the digits or a table, a loss in NumPy."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.base.errors import DataError, ShapeError
from chainrule._src.base.validation import check_samples
from chainrule._src.blackboard.subject import Data, Subject, TargetScale, Unit, checked
from chainrule._src.core.names import name_tensor
from chainrule._src.core.transforms import value_and_grad
from chainrule._src.data.datasets import load_digits
from chainrule._src.data.preprocessing import Picture, Preprocessor, Scaled
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
THIN = 4  # values per step, at most, of a sequence that is recognised by its shape
RATES = tuple(m * 10.0**-k for k in range(1, 7) for m in (5, 2, 1))  # those that are tried
TRIED = 256  # samples on which rates are tried, at most
DEFAULTS = {
    "layers": [10], "activation": "sigmoid", "init": "uniform", "optimizer": "sgd", "seed": 0,
    "rate": 0.5, "momentum": 0.0, "batch_size": 32,
}  # fmt: skip


def digits() -> Data:
    """Return the digits, split and scaled as in the lab."""
    source = load_digits()
    return Data(
        name="digits", X=source.X_train.astype(float), y=source.y_train,
        X_held=source.X_test.astype(float), y_held=source.y_test, image=(8, 8),
        classes=tuple(map(str, range(10))), features=_pixels(8, 8),
        mean=source.mean, scale=source.scale, ink=16.0, code="subjects.digits()",
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
    sequence: bool = False,
) -> Data:
    """Return samples as `Data`; a tenth of the samples is the hold-out.

    Parameters
    ----------
    X : array_like
        One sample in each row. Pictures are flattened.
    y : array_like
        Integers are class indices, floats are quantities.
    sequence : bool, default False
        If true, samples of shape ``(a, b)`` are ``a`` steps of ``b`` values, not pictures. Samples
        of at most 4 columns and more rows are always taken for sequences.

    Raises
    ------
    DataError
        If the shapes of samples and targets do not fit.
    """
    X, y = np.asarray(X), np.asarray(y)
    if X.ndim < 2 or y.ndim != 1 or len(X) != len(y) or len(X) < 2:
        raise DataError(
            "blackboard: X must hold a sample a row and y a class or a quantity for each, received "
            f"shapes {X.shape} and {y.shape}"
        )
    are_classes = y.dtype.kind in "iub"
    if are_classes and y.min() < 0:
        raise DataError(f"blackboard: y holds the class {y.min()}; classes are counted from 0")
    if are_classes and classes is None:
        classes = tuple(map(str, range(int(y.max()) + 1)))
    flat, shape = X.reshape(len(X), -1), X.shape[1:]
    steps = shape if len(shape) == 2 and (sequence or shape[1] <= THIN < shape[0]) else None
    if features is None:
        features = _steps(*steps) if steps else _numbered(flat.shape[1])
    order = np.random.default_rng(0).permutation(len(X))
    at = len(X) - max(len(X) // 10, 1)
    train_rows, held_rows = order[:at], order[at:]
    label = y.astype(np.int32 if are_classes else np.float64)
    return Data(
        name=name, X=flat[train_rows], y=label[train_rows],
        X_held=flat[held_rows], y_held=label[held_rows],
        classes=None if classes is None or not are_classes else tuple(classes),
        features=tuple(features), sequence=steps,
        image=None if steps else shape[:2] if len(shape) == 2 or shape[2:] == (1,) else None,
    )  # fmt: skip


def _numbered(count: int) -> list[str]:
    return [f"feature {i + 1}" for i in range(count)]


def _steps(steps: int, values: int) -> list[str]:
    """Return the names of a sequence's numbers."""
    return [
        f"step {i + 1}" if values == 1 else f"step {i + 1}, value {j + 1}"
        for i in range(steps)
        for j in range(values)
    ]


def table(source: Any, target: str | None = None) -> Data:
    """Return a preprocessed table: a file, or one of scikit-learn's data sets by name.

    Raises
    ------
    DataError, FileError
        If the table cannot be read or used for training.
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
        classes=classes, features=tuple(learned.feature_names), **units_of(learned),
        code=f"subjects.table({str(source)!r}, {target!r})",
    )  # fmt: skip


def units_of(preprocessor: Preprocessor) -> dict[str, Any]:
    """Return the units of features and target, as attributes of `Data`."""
    picture = next((step for step in preprocessor.steps if isinstance(step, Picture)), None)
    target = preprocessor.target
    units: dict[str, Any] = {"target": TargetScale(target.name, target.mean, target.scale)}
    if picture is not None:
        shape = tuple(picture.shape)
        return {**units, "image": shape[:2] if len(shape) == 2 or shape[2:] == (1,) else None}
    scaled = {s.name: s for s in preprocessor.steps if isinstance(s, Scaled)}
    names = preprocessor.feature_names
    mean = np.array([scaled[name].mean if name in scaled else 0.0 for name in names])
    scale = np.array([scaled[name].scale if name in scaled else 1.0 for name in names])
    return {**units, "mean": mean, "scale": scale}


def network(data: Data, settings: Mapping[str, Any] | None = None) -> Subject:
    """Return the lab's network for data, with settings.

    The output is a softmax with the negative log likelihood as loss; for regression, a linear unit
    with half the mean squared error.

    Raises
    ------
    DataError, UnknownNameError
        If a setting does not exist or is out of range.
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
            _name(**{f"z_{name}": z, name: h})
        return h

    loss, forward = _ends(hidden, names, data)

    def slopes(params: Mapping[str, Array], X: Array) -> dict[str, Array]:
        result = {}
        for name in names:
            z = X @ params[f"W_{name}"] + params[f"b_{name}"]
            X, result[name] = (
                activate(z),
                slope(z) * (4 if chosen["activation"] == "sigmoid" else 1),
            )
        return result

    behind = zip(names, [*names, "o"][1:], strict=True)
    return Subject(
        title=_title(sizes, data), kind="lab", data=data, params=_weights(data, chosen, outputs),
        loss=loss, forward=forward, settings=chosen, choices=CHOICES,
        code=data.code and f"subjects.network({data.code})",
        make=lambda settings: network(data, settings), slopes=slopes if names else None,
        units=[Unit(n, f"W_{n}", f"b_{n}", f"W_{out}") for n, out in behind],
    )  # fmt: skip


def _title(sizes: list[int], data: Data) -> str:
    widths = [len(data.features), *sizes, len(data.classes or "1")]
    return "-".join(map(str, widths))


def _ends(
    hidden: Any, names: list[str], data: Data
) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Return loss and forward pass, with an output layer for classes or for a quantity."""
    W, b, z = ("W_o", "b_o", "z_o") if names else ("W", "b", "z")

    def last(params: Any, X: Any) -> Any:
        outputs = hidden(params, X) @ params[W] + params[b]
        _name(**{z: outputs})
        return outputs

    if data.classes is None:

        def values(params: Any, X: Any) -> Any:
            y_pred = last(params, X)[:, 0]
            _name(y_pred=y_pred)
            return y_pred

        def squares(params: Any, X: Any, y: Any) -> Any:
            return np.mean((values(params, X) - y) ** 2) / 2

        return squares, values

    classes = len(data.classes)

    def forward(params: Any, X: Any) -> Any:
        q = softmax(last(params, X))
        _name(q=q)
        return q

    def loss(params: Any, X: Any, y: Any) -> Any:
        q = forward(params, X)
        value = nll(one_hot(classes, y), q)
        _name(q=q, loss=value)  # `nll` has names of its own
        return value

    return loss, forward


def _name(**values: Any) -> None:
    """Name values for the page and for the text of the gradient."""
    for name, value in values.items():
        name_tensor(name, value)


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
    """Return the subject of one of the lab's networks, with copies of its present weights.

    Parameters
    ----------
    model : LogisticRegression, NeuralNet
    X, y : array_like, optional
        Features and class indices, of which a tenth is the hold-out; by default the digits.

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
        subject = network(data, settings)
        anew = any(subject.settings[name] != first[name] for name in ("layers", "init", "seed"))
        if not anew:  # no code can reproduce the weights of the given model
            subject = replace(subject, params=params, code=None)
        return replace(subject, make=make)

    return make(start)


def _samples(model: Any, X: Any, y: Any) -> Data:
    X, y = check_samples(X, y, model.input_size, model.output_size, "blackboard")
    if X.ndim == 1:
        raise ShapeError("blackboard: expected samples as the rows of X, received one sample")
    held_rows, train_rows = np.split(np.random.default_rng(0).permutation(len(X)), [len(X) // 10])
    return Data(
        name="data", X=X[train_rows], y=y[train_rows].astype(np.int32),
        X_held=X[held_rows], y_held=y[held_rows].astype(np.int32),
        classes=tuple(map(str, range(model.output_size))),
        features=tuple(_numbered(X.shape[1])),
    )  # fmt: skip


def function(
    loss: Callable[..., Any],
    params: Mapping[str, Any],
    data: Data,
    rate: float | None = None,
    **more: Any,
) -> Subject:
    """Return the subject of a loss in NumPy and a dict of parameters.

    Matrices whose shapes form a chain from the features to the outputs are treated as layers.
    Training starts with the learning rate ``rate``, or with the `suggested_rate`.
    """
    start = {name: np.asarray(value, float) for name, value in params.items()}
    settings = {k: DEFAULTS[k] for k in ("optimizer", "seed", "rate", "momentum", "batch_size")}
    settings["rate"] = rate or suggested_rate(loss, start, data)
    subject = Subject(
        title=getattr(loss, "__name__", "loss"), kind="loss", data=data, loss=loss, forward=None,
        params=start, settings=settings, choices={"optimizer": CHOICES["optimizer"]},
        units=_units(start, len(data.features), len(data.classes or "1")),
    )  # fmt: skip

    def make(settings: Mapping[str, Any]) -> Subject:
        return replace(
            subject, settings=checked(settings, subject.settings, subject.choices), make=make
        )

    subject = replace(subject, **more)
    return replace(subject, make=make)


def suggested_rate(loss: Callable[..., Any], params: Mapping[str, Array], data: Data) -> float:
    """Return the largest of some learning rates that does not overshoot along the gradient.

    A step of this rate must lower the loss by at least half of what the gradient promises [1]_;
    beyond that, a quadratic loss has its minimum along the gradient between start and end of the
    step. The first rate is returned if none does, or if the gradient cannot be computed.

    References
    ----------
    .. [1] Armijo: *Minimization of functions having Lipschitz continuous first partial
       derivatives*, Pacific Journal of Mathematics 16 (1966).
    """
    X, y = data.X[:TRIED], data.y[:TRIED]
    first: float = DEFAULTS["rate"]  # type: ignore[assignment]
    with np.errstate(all="ignore"):
        try:
            value, gradient = value_and_grad(loss)(dict(params), X, y)
            promise = sum(float(np.vdot(g, g)) for g in gradient.values())
            for rate in RATES:
                moved = {name: p - rate * gradient[name] for name, p in params.items()}
                if float(loss(moved, X, y)) <= float(value) - rate * promise / 2:
                    return rate
        except Exception:  # a learner's code may raise anything, which training reports
            return first
    return first


def _units(params: Mapping[str, Array], inputs: int, outputs: int) -> list[Unit]:
    """Return the hidden layers, if the matrices' shapes form a chain; else no layers."""
    names = list(params)
    chain = [name for name in names if params[name].ndim == 2]
    ends = [inputs, *(params[W].shape[1] for W in chain)]
    if [params[W].shape[0] for W in chain] != ends[:-1] or ends[-1] != outputs:
        return []
    units = []
    for number, (W, out) in enumerate(pairwise(chain), 1):
        bias = next(iter(names[names.index(W) + 1 :]), W)
        bias_name = bias if params[bias].shape == params[W].shape[1:] else None
        units.append(Unit("h" if len(chain) == 2 else f"h{number}", W, bias_name, out))
    return units
