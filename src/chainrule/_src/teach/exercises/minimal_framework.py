"""Lab 4: a minimal framework that feels like Keras. First the parts, then the model."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.core.transforms import grad
from chainrule._src.nn.functions import softmax
from chainrule._src.teach import expect
from chainrule._src.teach.calls import an_object
from chainrule._src.teach.exercise import Draw, Exercise
from chainrule._src.teach.exercises.data import digits, few
from chainrule._src.teach.exercises.framework_parts import (
    cross_entropy,
)

Weights = dict[str, Array]

Sequential = Exercise(
    "Sequential",
    "layers put together: predict, train_on_batch, evaluate, fit",
    (
        "Look at the order of the layers: which way does the gradient go, and when do the weights "
        "change?",
        "predict hands each layer the output of the one before. train_on_batch begins with the "
        "gradient of the loss, hands it to the last layer first, then updates every weight of "
        "every layer once. fit cuts a new random order of the samples into batches, and keeps the "
        "last, smaller one.",
        "forward: X_{i+1} = f_i(X_i); backward: X̄_i from X̄_{i+1}, beginning with ∂L/∂P; then "
        "w ← update((i, name), w, w̄) for each layer i",
    ),
    uses=("Dense", "Activation", "SGD", "SparseCategoricalCrossentropy"),
)


def _model(Sequential: Any, hidden: int, activation: str = "tanh", rate: float = 0.1) -> Any:
    """Return a compiled model of the learner's layers, and its dense layers."""
    Dense, Activation = Sequential.beside("Dense"), Sequential.beside("Activation")
    dense = [Dense(hidden), Dense(10)]
    layers = [dense[0], Activation(activation), dense[1], Activation("softmax")]
    return _compiled(Sequential, layers, rate), [an_object(d, "Dense(10)") for d in dense]


def _compiled(Sequential: Any, layers: list[Any], rate: float = 0.1, momentum: float = 0.0) -> Any:
    loss = Sequential.beside("SparseCategoricalCrossentropy")()
    model = an_object(Sequential(layers), "Sequential([...])")
    model.compile(Sequential.beside("SGD")(rate, momentum=momentum), loss, seed=1)
    return model


def _weights(dense: list[Any]) -> list[Weights]:
    return [expect.entries(d.weights, "Wb", "weights of Dense") for d in dense]


def _probabilities(weights: list[Weights], X: Array) -> Any:
    h = np.tanh(X @ weights[0]["W"] + weights[0]["b"])
    return softmax(h @ weights[1]["W"] + weights[1]["b"])


def _model_loss(weights: list[Weights], X: Array, y: Array) -> Any:
    return cross_entropy(_probabilities(weights, X), y)


@Sequential.check("shape")
def _(Sequential: Any, draw: Draw) -> None:
    (model, dense), (X, y) = _model(Sequential, 6), few(7)
    expect.shape(model.predict(X), (7, 10), "predict of 7 digits")
    for weights, shape in zip(_weights(dense), ((64, 6), (6, 10)), strict=True):
        expect.shape(weights["W"], shape, "W of a layer after predict")
    expect.shape(model.evaluate(X, y), (2,), "what evaluate returns")
    expect.shape(model.train_on_batch(X, y), (), "what train_on_batch returns")


@Sequential.check("values", points=2)
def _(Sequential: Any, draw: Draw) -> None:
    (model, dense), (X, y) = _model(Sequential, 6), few(30)
    predicted = model.predict(X)
    P = _probabilities(_weights(dense), X)
    expect.close(predicted, P, "predict of 30 digits", rtol=1e-5)
    loss, accuracy = expect.shape(model.evaluate(X, y), (2,), "what evaluate returns")
    expect.close(loss, cross_entropy(P, y), "the loss that evaluate returns", rtol=1e-5)
    expected = np.mean(P.argmax(axis=1) == y)
    expect.close(accuracy, expected, "the accuracy that evaluate returns", rtol=1e-5)


@Sequential.check("properties", points=2)
def _(Sequential: Any, draw: Draw) -> None:
    Dense = Sequential.beside("Dense")
    dense = [Dense(64), Dense(64)]
    X, y = few(5)
    _compiled(Sequential, dense).predict(X)
    first, second = _weights(dense)
    equal = np.array_equal(first["W"], second["W"])
    expect.true(not equal, "two dense layers of the same size start with the same weights")
    model, _ = _model(Sequential, 6, rate=0.0)
    history = expect.entries(
        model.fit(X, y, batch_size=2, epochs=3), ("loss", "accuracy"), "what fit returns"
    )
    loss, accuracy = expect.shape(model.evaluate(X, y), (2,), "what evaluate returns")
    expect.close(history["loss"], [loss] * 3, "the loss in the history of 3 epochs without a step")
    what = "the accuracy in the history of 3 epochs without a step"
    expect.close(history["accuracy"], [accuracy] * 3, what)


@Sequential.check("gradient", points=3)
def _(Sequential: Any, draw: Draw) -> None:
    (model, dense), (X, y) = _model(Sequential, 6, rate=0.5), few(7)
    model.predict(X)
    before = _weights(dense)
    loss = model.train_on_batch(X, y)
    expect.close(loss, _model_loss(before, X, y), "the loss that train_on_batch returns", rtol=1e-5)
    _check_step(dense, before, X, y, 0.5, "after train_on_batch with learning rate 0.5")


def _check_step(
    dense: list[Any], before: list[Weights], X: Array, y: Array, rate: float, when: str
) -> None:
    """Check that the weights moved by one step against the gradient of the loss."""
    gradients = grad(_model_loss)(before, X, y)
    for i, after in reversed(list(enumerate(_weights(dense)))):
        for name in "Wb":
            change = expect.shape(after[name], before[i][name].shape, name) - before[i][name]
            what = f"the change of {name} of layer {2 * i} {when}"
            expect.close(change, -rate * gradients[i][name], what, rtol=1e-3)


@Sequential.check("update", points=2)
def _(Sequential: Any, draw: Draw) -> None:
    rate = 1e-6  # so small that the gradients are constant during an epoch
    (model, dense), (X, y) = _model(Sequential, 6, rate=rate), few(20)
    model.predict(X)
    before = _weights(dense)
    model.fit(X, y, batch_size=1, epochs=1)
    _check_step(dense, before, X, y, 20 * rate, "after an epoch of 20 steps, one for each sample,")
    (model, dense) = _model(Sequential, 6, rate=0.5)
    model.predict(X)
    before = _weights(dense)
    model.fit(X, y, batch_size=20, epochs=1)
    _check_step(dense, before, X, y, 0.5, "after an epoch of one step, a batch of all 20 samples,")
    (model, dense) = _model(Sequential, 6, rate=rate)
    model.predict(X)
    before = _weights(dense)
    same = np.repeat(X[:1], 20, axis=0), np.repeat(y[:1], 20)
    model.fit(*same, batch_size=8, epochs=2)
    _check_step(
        dense, before, *same, 6 * rate, "after 2 epochs of 20 samples in batches of 8, 8 and 4,"
    )
    (model, dense), *others = (_model(Sequential, 6, rate=1.0) for _ in "123")
    model.fit(X, y, batch_size=1, epochs=1)
    for i in range(20):
        others[0][0].train_on_batch(X[i : i + 1], y[i : i + 1])
        others[1][0].train_on_batch(X, y)
    in_order, full_batch = (
        np.allclose(_weights(dense)[0]["W"], _weights(other)[0]["W"], rtol=1e-9)
        for _, other in others
    )
    expect.true(not in_order, "fit visits the samples in the order in which they come")
    expect.true(not full_batch, "fit takes each step with all samples, not with a batch of them")


@Sequential.check("overfits")
def _(Sequential: Any, draw: Draw) -> None:
    (model, _), (X, y) = _model(Sequential, 10, rate=0.5), few(20)
    model.fit(X, y, batch_size=10, epochs=150)
    loss = expect.shape(model.evaluate(X, y), (2,), "what evaluate returns")[0]
    expect.true(
        loss < 0.1,
        f"after 300 steps with 20 digits their loss is {loss:.3f}: a network that learns knows "
        "them by heart",
    )


@Sequential.check("numbers", points=2)
def _(Sequential: Any, draw: Draw) -> None:
    Dense, Activation = Sequential.beside("Dense"), Sequential.beside("Activation")
    layers = [Dense(10), Activation("sigmoid"), Dense(10), Activation("softmax")]
    model = _compiled(Sequential, layers, rate=0.5, momentum=0.9)
    d = digits()
    model.fit(d.X_train, d.y_train, batch_size=32, epochs=15)
    scores = expect.shape(model.evaluate(d.X_test, d.y_test), (2,), "what evaluate returns")
    expect.true(
        scores[1] > 0.94,
        f"after 15 epochs the test accuracy is {scores[1]:.3f}, it must be above 0.94",
    )


gradient_check = Exercise(
    "gradient_check",
    "the gradients of a model against the definition of the derivative",
    (
        "Look at one weight: is it moved in both directions, and put back afterwards?",
        "First one backward pass for all gradients. Then for each weight the loss above and below, "
        "and the weight back to what it was. Compare arrays by lengths, not element by element.",
        "g_i = (L(w_i + ε) − L(w_i − ε)) / (2 ε); difference = ‖a − g‖ / (‖a‖ + ‖g‖), "
        "0 if both are 0",
    ),
    uses=(
        "Dense", "BrokenDense", "Activation", "SGD", "SparseCategoricalCrossentropy", "Sequential",
    ),
)  # fmt: skip
KEYS = [(0, "W"), (0, "b"), (2, "W"), (2, "b")]


def _small(gradient_check: Any, X: Array, *kinds: str, activation: str = "tanh") -> Any:
    """Return a small built model of the learner's layers, and its dense layers."""
    dense = [gradient_check.beside(kind)(units) for kind, units in zip(kinds, (3, 4), strict=True)]
    Activation = gradient_check.beside("Activation")
    layers = [dense[0], Activation(activation), dense[1], Activation("softmax")]
    model = gradient_check.beside("Sequential")(layers)
    loss = gradient_check.beside("SparseCategoricalCrossentropy")()
    an_object(model, "Sequential([...])").compile(gradient_check.beside("SGD")(0.1), loss, seed=1)
    model.predict(X)
    return model, dense


def _differences(answer: Any) -> dict[Any, float]:
    expected = "a dict with the keys (0, 'W'), (0, 'b'), (2, 'W') and (2, 'b')"
    if not isinstance(answer, dict) or set(answer) != set(KEYS):
        raise expect.Wrong(
            f"gradient_check returns {expect.short_text(answer)}, it must be {expected}"
        )
    return {key: expect.number(answer[key], f"the difference of {key}") for key in KEYS}


@gradient_check.check("shape")
def _(gradient_check: Any, draw: Draw) -> None:
    X, y = draw.normal(size=(3, 2)), draw.integers(0, 4, 3)
    model, _ = _small(gradient_check, X, "Dense", "Dense")
    _differences(gradient_check(model, X, y))


@gradient_check.check("finite")
def _(gradient_check: Any, draw: Draw) -> None:
    X, y = draw.normal(size=(3, 2)), draw.integers(0, 4, 3)
    model, dense = _small(gradient_check, X, "Dense", "Dense", activation="relu")
    dense[0].weights = {"W": np.zeros((2, 3)), "b": np.full(3, -100.0)}
    differences = _differences(gradient_check(model, X, y))
    for key in KEYS[:3]:
        what = f"the difference of {key}, where all gradients are zero,"
        expect.close(differences[key], 0, what)


@gradient_check.check("values", points=2)
def _(gradient_check: Any, draw: Draw) -> None:
    X, y = draw.normal(size=(5, 2)), draw.integers(0, 4, 5)
    model, _ = _small(gradient_check, X, "Dense", "Dense")
    for key, value in _differences(gradient_check(model, X, y)).items():
        sentence = f"the difference of {key} is {value:.1e} for gradients that are right"
        expect.true(abs(value) < 1e-6, sentence)


@gradient_check.check("properties")
def _(gradient_check: Any, draw: Draw) -> None:
    X, y = draw.normal(size=(5, 2)), draw.integers(0, 4, 5)
    model, dense = _small(gradient_check, X, "Dense", "Dense")
    before = _weights(dense)
    gradient_check(model, X, y)
    for i, after in enumerate(_weights(dense)):
        for name in "Wb":
            what = f"{name} of layer {2 * i} after gradient_check"
            expect.close(after[name], before[i][name], what, rtol=1e-12)


@gradient_check.check("gradient", points=3)
def _(gradient_check: Any, draw: Draw) -> None:
    for n, kinds, wrong in ((5, ("BrokenDense", "Dense"), 0), (3, ("Dense", "BrokenDense"), 2)):
        X, y = draw.normal(size=(n, 2)), draw.integers(0, 4, n)
        model, _ = _small(gradient_check, X, *kinds)
        for key, value in _differences(gradient_check(model, X, y)).items():
            # BrokenDense divides the gradient of b by n: |g/n - g| / (|g/n| + |g|).
            expected = (n - 1) / (n + 1) if key == (wrong, "b") else 0.0
            where = "that is n times too small" if expected else "that is right"
            what = f"the difference of {key}, a gradient {where} with n = {n}"
            expect.true(
                abs(value - expected) < 1e-5, f"{what}, is {value:.4f}, it must be {expected:.4f}"
            )
