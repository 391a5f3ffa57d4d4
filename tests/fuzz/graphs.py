"""Random graphs of layers against Keras: ``python -m tests.fuzz.graphs --graphs 300 --seed 0``.

One function writes a graph with either library's names: branches, shared layers, merges, operators,
models within models, several inputs and heads. Weights are copied over, both train, and weights,
scores and predictions are compared.
"""

from __future__ import annotations

import argparse
import os
import sys
import traceback
import warnings
from typing import Any

import numpy as np

ROWS, BATCH, EPOCHS, NEAR, NUDGES = 12, 4, 2, 1e-4, 3
UNJUDGED = "Keras ends"
MOST_UNJUDGED = 0.01  # of the graphs
MERGES = ("Add", "Multiply", "Average", "Maximum", "Minimum", "Subtract")
ACTIVATIONS = ("relu", "tanh", "sigmoid", "softplus", None)


def written(keras: Any, seed: int) -> tuple[Any, dict[str, Any]]:
    """Return a random model in the names of ``keras``, and the arguments of its `compile`."""
    rng, layers = np.random.default_rng(seed), keras.layers
    width = int(rng.integers(2, 5))
    names = [f"in{number}" for number in range(rng.integers(1, 4))]
    kinds = [str(rng.choice(["row", "row", "steps", "image", "words"])) for _ in names]
    shapes = {"row": (width,), "steps": (5, width), "image": (6, 6, 2), "words": (4,)}
    inputs = [
        keras.Input(shapes[kind], name=name, dtype="int32" if kind == "words" else "float32")
        for kind, name in zip(kinds, names, strict=True)
    ]
    rows = [_row(keras, rng, kind, x) for kind, x in zip(kinds, inputs, strict=True)]
    rows = [layers.Dense(width, activation=_any(rng, ACTIVATIONS))(x) for x in rows]
    shared = layers.Dense(width, activation="tanh")
    for _ in range(rng.integers(2, 7)):
        rows.append(keras.ops.tanh(_grown(keras, rng, rows, shared, width)))  # values stay small
    heads, losses, metrics = [], {}, {}
    for number in range(rng.integers(1, 4)):
        name, kind = f"head{number}", _any(rng, ["mse", "classes", "bits"])
        units, activation, loss = {
            "mse": (2, None, "mse"),
            "classes": (3, "softmax", "sparse_categorical_crossentropy"),
            "bits": (1, "sigmoid", "binary_crossentropy"),
        }[kind]
        x = rows[-1] if number == 0 else _any(rng, rows)
        heads.append(layers.Dense(units, activation=activation, name=name)(x))
        losses[name], metrics[name] = loss, ["mae"] if kind == "mse" else ["accuracy"]
    used = keras.Model(inputs, layers.concatenate([*rows, *heads])).inputs
    model = keras.Model(used if len(used) > 1 else used[0], heads if len(heads) > 1 else heads[0])
    rate = keras.optimizers.SGD(0.01, momentum=0.9) if rng.random() < 0.5 else (
        keras.optimizers.Adam(0.01, epsilon=1e-3)  # else the rounding of small gradients is seen
    )  # fmt: skip
    options: dict[str, Any] = {"optimizer": rate, "loss": losses, "metrics": metrics}
    if len(heads) > 1 and rng.random() < 0.5:
        options["loss_weights"] = {name: float(rng.uniform(0.2, 2)) for name in losses}
    if rng.random() < 0.3:
        options = {**options, "loss": [*losses.values()], "metrics": [*metrics.values()]}
        if "loss_weights" in options:
            options["loss_weights"] = [*options["loss_weights"].values()]
    return model, options


def _any(rng: Any, choices: Any) -> Any:
    return choices[int(rng.integers(len(choices)))]


def _row(keras: Any, rng: Any, kind: str, x: Any) -> Any:
    """Return an input as rows."""
    layers = keras.layers
    choice = int(rng.integers(4))
    if kind == "words":  # Keras's mean of no step is NaN, PyTorch's attention to none flat
        x = layers.Embedding(7, 3, mask_zero=bool(choice in (0, 3) and rng.random() < 0.5))(x)
        kind = "steps"
    if kind == "image":
        y = layers.Conv2D(3, 3, padding="same", activation="relu")(x)
        if rng.random() < 0.5:
            y = layers.concatenate([x, y])
        if rng.random() < 0.5:
            y = layers.BatchNormalization()(y)
        y = layers.MaxPooling2D()(y)
        return _any(rng, [layers.Flatten(), layers.GlobalAveragePooling2D()])(y)
    if kind == "steps":
        if choice == 0:
            return layers.LSTM(3)(x)
        if choice == 1:
            return layers.GlobalAveragePooling1D()(layers.Conv1D(3, 2, activation="relu")(x))
        if choice == 2:
            y = layers.Dense(3)(x)
            y = layers.LayerNormalization()(y + layers.MultiHeadAttention(2, 2)(y, y))
            return y[:, 0]
        y = layers.GRU(3, return_sequences=True)(x)
        return layers.Bidirectional(layers.SimpleRNN(2))(y)
    return x


def _grown(keras: Any, rng: Any, rows: list[Any], shared: Any, width: int) -> Any:
    """Return a new value of some of the values so far, all of one shape."""
    layers, ops = keras.layers, keras.ops
    x, y = _any(rng, rows), _any(rng, rows)
    choice = int(rng.integers(11))
    if choice == 0:
        return shared(x)
    if choice == 1:
        return getattr(layers, _any(rng, MERGES))()([x, y])
    if choice == 2:
        return x * 0.5 + y
    if choice == 3:
        return layers.Dense(width)(layers.concatenate([x, y]))
    if choice == 4:
        return layers.Dense(width, activation="relu")(layers.Dot(1, normalize=True)([x, y]))
    if choice == 5:
        return ops.tanh(x) - ops.relu(y) / 3
    if choice == 6:
        inner = keras.Sequential([layers.Dense(3, activation="tanh"), layers.Dense(width)])
        return inner(x)
    if choice == 7:
        a, b = keras.Input((width,)), keras.Input((width,))
        inner = keras.Model([a, b], layers.Dense(width)(layers.multiply([a, b])))
        return inner([x, y])
    if choice == 8:
        return layers.BatchNormalization()(x)
    if choice == 9:
        mean = ops.mean(y, axis=1, keepdims=True)
        return layers.Dense(width)(ops.concatenate([x[:, :1], mean], 1))
    return layers.Add()([x, layers.Dense(width, activation=_any(rng, ACTIVATIONS))(x)])


def data_for(model: Any, options: dict[str, Any], seed: int) -> tuple[Any, Any]:
    """Return samples and targets."""
    rng = np.random.default_rng([seed, 1])
    X = [
        rng.integers(0, 7, size=(ROWS, *x.shape[1:])) if "int" in str(x.dtype)
        else rng.normal(size=(ROWS, *x.shape[1:])).astype("f4")
        for x in model.inputs
    ]  # fmt: skip
    losses = options["loss"]
    losses = [*losses.values()] if isinstance(losses, dict) else losses
    of_loss = {
        "mse": lambda: rng.normal(size=(ROWS, 2)).astype("f4"),
        "sparse_categorical_crossentropy": lambda: rng.integers(3, size=ROWS),
        "binary_crossentropy": lambda: rng.integers(2, size=(ROWS, 1)).astype("f4"),
    }
    Y = [of_loss[loss]() for loss in losses]
    names = [x.name for x in model.inputs]
    if seed % 3 == 0 and len(X) > 1:
        return dict(zip(names, X, strict=True)), Y if len(Y) > 1 else Y[0]
    return X if len(X) > 1 else X[0], Y if len(Y) > 1 else Y[0]


def differences(seed: int) -> list[str]:
    """Return the differences between the libraries for the graph of a seed."""
    import keras as theirs

    from chainrule import keras as ours

    ours.utils.set_random_seed(seed)
    here, options = written(ours, seed)
    start = [np.asarray(weight) for weight in here.get_weights()]
    try:
        there = _in_keras(theirs, seed, start)
    except RuntimeError as error:
        # Keras's gradient of a vector of zeros, divided by its length, is NaN, where PyTorch ends.
        if "between 0 and 1" not in str(error):
            raise
        return [UNJUDGED]
    wrong = dict(_compared("", there, _trained(here, options, *data_for(here, options, seed))))
    if wrong:
        for place in _rounded(theirs, seed, start, there):
            wrong.pop(place, None)
    return [f"{place}: {difference}" for place, difference in wrong.items()]


def _in_keras(keras: Any, seed: int, weights: list[Any]) -> tuple[Any, ...]:
    """Return the results of Keras from these weights."""
    model, options = written(keras, seed)
    model.set_weights(weights)
    with warnings.catch_warnings():  # Keras makes arrays in a way NumPy warns of
        warnings.simplefilter("ignore", DeprecationWarning)
        return _trained(model, options, *data_for(model, options, seed))


def _rounded(keras: Any, seed: int, start: list[Any], result: Any) -> set[str]:
    """Return the places where rounding changes Keras's own result.

    For instance an accuracy, where a probability is 0.5 but for rounding.
    """
    places: set[str] = set()
    for number in range(NUDGES):
        rng = np.random.default_rng([seed, number])
        nudged = [w + 1e-7 * rng.choice([-1, 1], w.shape).astype("f4") for w in start]
        places |= dict(_compared("", result, _in_keras(keras, seed, nudged))).keys()
    return places


def _trained(model: Any, options: dict[str, Any], X: Any, Y: Any) -> tuple[Any, ...]:
    """Return history, scores, predictions and weights of a training."""
    model.compile(**options)
    run = model.fit(X, Y, epochs=EPOCHS, batch_size=BATCH, shuffle=False, verbose=0)
    scores = model.evaluate(X, Y, verbose=0, batch_size=BATCH, return_dict=True)
    return run.history, scores, model.predict(X, verbose=0), model.get_weights()


def _compared(where: str, one: Any, other: Any) -> Any:
    """Yield the places at which two results differ, and the differences."""
    if isinstance(one, dict):
        if set(one) != set(other):
            yield where, f"{sorted(one)} there, {sorted(other)} here"
            return
        for key in one:
            yield from _compared(f"{where}[{key!r}]", one[key], other[key])
    elif isinstance(one, list | tuple):
        if len(one) != len(other):
            yield where, f"{len(one)} there, {len(other)} here"
            return
        for number, pair in enumerate(zip(one, other, strict=True)):
            yield from _compared(f"{where}[{number}]", *pair)
    else:
        one, other = np.asarray(one), np.asarray(other)
        if one.shape != other.shape:
            yield where, f"shape {one.shape} there, {other.shape} here"
        elif not np.allclose(one, other, rtol=NEAR, atol=NEAR):
            yield where, f"{np.max(np.abs(one - other)):.3g} apart"


def main() -> int:
    """Fuzz, and return an exit code."""
    parser = argparse.ArgumentParser("tests.fuzz.graphs", description=__doc__)
    parser.add_argument("--graphs", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    os.environ.setdefault("KERAS_BACKEND", "torch")
    failed = unjudged = 0
    for seed in range(options.seed, options.seed + options.graphs):
        try:
            wrong = differences(seed)
        except Exception:
            wrong = [traceback.format_exc(limit=-4)]
        if wrong == [UNJUDGED]:
            unjudged += 1
        elif wrong:
            failed += 1
            print(f"graph {seed}:", *wrong[:4], sep="\n    ", flush=True)
    print(f"{options.graphs} graphs, {failed} differ, {unjudged} end in Keras", flush=True)
    return int(failed > 0 or unjudged > MOST_UNJUDGED * options.graphs)


if __name__ == "__main__":
    sys.exit(main())
