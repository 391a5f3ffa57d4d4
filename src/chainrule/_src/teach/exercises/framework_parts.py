"""Lab 4, first half: layers, loss, optimizer."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.core.transforms import grad, vjp
from chainrule._src.nn import optimizers
from chainrule._src.nn.functions import sigmoid, softmax
from chainrule._src.teach import expect
from chainrule._src.teach.calls import an_object
from chainrule._src.teach.exercise import Draw, Exercise

Dense = Exercise(
    "Dense",
    "a dense layer: forward, and backward for its weights and its input",
    (
        "Look at the shapes: the gradient by the input has that of X, those by W and b theirs.",
        "backward gets the gradient by the output, a row for each sample. W's is a product of "
        "matrices with the X that forward kept; b's sums over the samples; what goes down is a "
        "product with W transposed. Nothing is averaged here.",
        "Z = X W + b; W̄ = Xᵀ Z̄, b̄ = Σ_i Z̄_i, X̄ = Z̄ Wᵀ; W uniform in ± √(6 / (n_in + n_out)), b = 0",
    ),
)


def _dense(Dense: Any, draw: Draw, n_in: int, units: int, dtype: Any = float) -> Any:
    """Return a built layer with random weights, and the weights."""
    layer = an_object(Dense(units), f"Dense({units})")
    layer.build(n_in, seed=0)
    weights = {"W": draw.normal(size=(n_in, units)).astype(dtype), "b": np.ones(units, dtype)}
    layer.weights = weights
    return layer, weights


@Dense.check("shape")
def _(Dense: Any, draw: Draw) -> None:
    layer = an_object(Dense(4), "Dense(4)")
    expect.equal(layer.build(3, seed=0), 4, "what build(3) of Dense(4) returns")
    shapes = {"W": (3, 4), "b": (4,)}
    weights = expect.entries(layer.weights, shapes, "weights after build")
    expect.shape(layer.forward(draw.normal(size=(5, 3))), (5, 4), "forward of 5 samples")
    down = layer.backward(draw.normal(size=(5, 4)))
    expect.shape(down, (5, 3), "what backward returns for 5 samples")
    gradients = expect.entries(layer.gradients, shapes, "gradients after backward")
    for name, size in shapes.items():
        expect.shape(weights[name], size, f"{name} of Dense(4) with 3 inputs")
        expect.shape(gradients[name], size, f"the gradient of {name}")


@Dense.check("dtype")
def _(Dense: Any, draw: Draw) -> None:
    layer, _ = _dense(Dense, draw, 3, 4, np.float32)
    X = draw.normal(size=(5, 3)).astype(np.float32)
    Z = expect.floating(layer.forward(X), "forward of float32", np.float32)
    expect.floating(layer.backward(Z), "backward of float32", np.float32)


@Dense.check("values")
def _(Dense: Any, draw: Draw) -> None:
    layer, weights = _dense(Dense, draw, 3, 4)
    for n in (5, 1):
        X = draw.normal(size=(n, 3))
        expect.close(layer.forward(X), X @ weights["W"] + weights["b"], f"forward of {n} samples")


@Dense.check("properties", points=2)
def _(Dense: Any, draw: Draw) -> None:
    layers = [an_object(Dense(100), "Dense(100)") for _ in range(3)]
    for layer, seed in zip(layers, (1, 1, 2), strict=True):
        layer.build(200, seed=seed)
    weights = [expect.entries(layer.weights, "Wb", "weights after build") for layer in layers]
    W, same, other = (expect.shape(w["W"], (200, 100), "W of Dense(100)") for w in weights)
    limit, size = math.sqrt(6 / 300), np.abs(W)
    expect.close(weights[0]["b"], np.zeros(100), "b after build")
    expect.true(
        size.max() <= limit,
        f"W of 200 inputs and 100 units reaches {size.max():.3f}; r is {limit:.3f}",
    )
    expect.true(
        size.max() > 0.98 * limit and abs(W.mean()) < 0.03 * limit,
        f"W of 200 inputs and 100 units lies between {W.min():.3f} and {W.max():.3f}, with the "
        f"mean {W.mean():.3f}; it must be uniform between -{limit:.3f} and {limit:.3f}",
    )
    expect.true(np.array_equal(W, same), "the same seed gives other weights the second time")
    expect.true(not np.array_equal(W, other), "different seeds give the same weights")


def _affine(X: Any, W: Any, b: Any) -> Any:
    return X @ W + b


@Dense.check("gradient", points=3)
def _(Dense: Any, draw: Draw) -> None:
    layer, weights = _dense(Dense, draw, 3, 4)
    for n in (5, 2):
        X, gradient = draw.normal(size=(n, 3)), draw.normal(size=(n, 4))
        layer.forward(X)
        down = layer.backward(gradient)
        d_X, d_W, d_b = vjp(_affine, X, weights["W"], weights["b"])[1](gradient)
        gradients = expect.entries(layer.gradients, "Wb", "gradients after backward")
        expect.close(gradients["W"], d_W, f"the gradient of W for {n} samples")
        expect.close(gradients["b"], d_b, f"the gradient of b for {n} samples")
        expect.close(down, d_X, f"the gradient by the input of {n} samples")
    expect.close(layer.weights["W"], weights["W"], "W after backward")


Activation = Exercise(
    "Activation",
    "relu, sigmoid, tanh and softmax, forward and backward",
    (
        "Look at the activation that the sentence names, and at what its backward multiplies.",
        "Keep the output in forward: all four derivatives can be written with it. relu, sigmoid "
        "and tanh multiply the gradient element by element. In a softmax each row needs the sum of "
        "gradient times output over the row.",
        "relu: H̄ where Z > 0; sigmoid: H̄ H (1 − H); tanh: H̄ (1 − H²); softmax: "
        "Z̄_k = P_k (P̄_k − Σ_j P̄_j P_j)",
    ),
)
ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    "relu": lambda Z: np.maximum(Z, 0),
    "sigmoid": sigmoid,
    "tanh": np.tanh,
    "softmax": softmax,
}


def _activation(Activation: Any, name: str) -> Any:
    return an_object(Activation(name), f"Activation({name!r})")


@Activation.check("shape")
def _(Activation: Any, draw: Draw) -> None:
    for name in ACTIVATIONS:
        layer = _activation(Activation, name)
        expect.equal(layer.build(3), 3, f"what build(3) of {name} returns")
        expect.entries(layer.weights, (), f"weights of {name}")
        expect.shape(layer.forward(draw.normal(size=(4, 3))), (4, 3), f"forward of {name}")
        down = layer.backward(draw.normal(size=(4, 3)))
        expect.shape(down, (4, 3), f"what backward of {name} returns")


@Activation.check("dtype")
def _(Activation: Any, draw: Draw) -> None:
    for name in ACTIVATIONS:
        layer, Z = _activation(Activation, name), draw.normal(size=(4, 3)).astype(np.float32)
        expect.floating(layer.forward(Z), f"{name} of float32", np.float32)
        expect.floating(layer.backward(Z), f"backward of {name} with float32", np.float32)


@Activation.check("finite")
def _(Activation: Any, draw: Draw) -> None:
    Z = np.array([[1000.0, 0.0, -1000.0]])
    for name, function in ACTIVATIONS.items():
        layer = _activation(Activation, name)
        expect.close(layer.forward(Z), function(Z), f"{name} of 1000, 0, -1000")
        expect.finite(layer.backward(np.ones((1, 3))), f"backward of {name} at 1000, 0, -1000")


@Activation.check("values")
def _(Activation: Any, draw: Draw) -> None:
    Z = draw.normal(0, 2, size=(4, 3))
    for name, function in ACTIVATIONS.items():
        expect.close(_activation(Activation, name).forward(Z), function(Z), f"{name}, forward,")


@Activation.check("properties")
def _(Activation: Any, draw: Draw) -> None:
    layer, Z = _activation(Activation, "softmax"), draw.normal(size=(4, 3))
    sums = expect.shape(layer.forward(Z), (4, 3), "softmax").sum(axis=1)
    expect.close(sums, np.ones(4), "the sum of each row of a softmax")
    down = expect.shape(layer.backward(Z), (4, 3), "backward of softmax")
    expect.close(1 + down.sum(axis=1), np.ones(4), "1 + the sum of each row of softmax's backward")
    first, second = _activation(Activation, "tanh"), _activation(Activation, "tanh")
    first.forward(Z)
    second.forward(Z + 1)
    what = "backward of one of two tanh layers, after forward of both,"
    expect.close(first.backward(np.ones((4, 3))), 1 - np.tanh(Z) ** 2, what)


@Activation.check("gradient", points=3)
def _(Activation: Any, draw: Draw) -> None:
    for name, function in ACTIVATIONS.items():
        layer = _activation(Activation, name)
        Z, gradient = draw.normal(0, 1.5, size=(4, 3)), draw.normal(size=(4, 3))
        layer.forward(Z)
        expected = vjp(function, Z)[1](gradient)[0]
        expect.close(layer.backward(gradient), expected, f"what backward of {name} returns")


SparseCategoricalCrossentropy = Exercise(
    "SparseCategoricalCrossentropy",
    "the loss of probabilities and classes, and its gradient",
    (
        "Look at which of the probabilities of a row enter the loss: which have a gradient?",
        "Pick each sample's probability of its true class, clip it, and average minus its "
        "logarithm. The gradient is zero but at the true classes, and carries the 1/n of the mean.",
        "L = −1/n Σ_i log P_{i,y_i}; ∂L/∂P_{i,y_i} = −1 / (n P_{i,y_i})",
    ),
)


def cross_entropy(P: Any, y: Array) -> Any:
    """Return the mean cross-entropy of probabilities."""
    return -np.mean(np.log(np.clip(P, 1e-7, 1 - 1e-7)[np.arange(len(y)), y]))


def _likely(draw: Draw, n: int = 5) -> tuple[Array, Array]:
    P: Array = softmax(draw.normal(size=(n, 3)))
    return draw.integers(0, 3, n), P


def _loss(SparseCategoricalCrossentropy: Any) -> Any:
    return an_object(SparseCategoricalCrossentropy(), "SparseCategoricalCrossentropy()")


@SparseCategoricalCrossentropy.check("shape")
def _(SparseCategoricalCrossentropy: Any, draw: Draw) -> None:
    loss, (y, P) = _loss(SparseCategoricalCrossentropy), _likely(draw)
    expect.shape(loss(y, P), (), "the loss of 5 samples")
    expect.shape(loss.gradient(y, P), (5, 3), "the gradient for 5 samples")


@SparseCategoricalCrossentropy.check("dtype")
def _(SparseCategoricalCrossentropy: Any, draw: Draw) -> None:
    loss, (y, P) = _loss(SparseCategoricalCrossentropy), _likely(draw)
    expect.floating(loss(y, P), "the loss")
    gradient = loss.gradient(y, P.astype(np.float32))
    expect.floating(gradient, "the gradient by float32", np.float32)


@SparseCategoricalCrossentropy.check("finite")
def _(SparseCategoricalCrossentropy: Any, draw: Draw) -> None:
    loss, P = _loss(SparseCategoricalCrossentropy), np.array([[1.0, 0, 0], [1.0, 0, 0]])
    y = np.array([0, 1])
    expect.close(loss(y, P), -math.log(1e-7) / 2, "the loss of a probability of 1 and one of 0")
    what = "the gradient at a probability of 1 and one of 0"
    expect.close(loss.gradient(y, P), [[-0.5, 0, 0], [0, -5e6, 0]], what)


@SparseCategoricalCrossentropy.check("values")
def _(SparseCategoricalCrossentropy: Any, draw: Draw) -> None:
    loss, (y, P) = _loss(SparseCategoricalCrossentropy), _likely(draw)
    expect.close(loss(y, P), cross_entropy(P, y), "the loss of 5 samples")
    one = np.full((1, 4), 0.25)
    expect.close(loss(np.array([2]), one), math.log(4), "the loss of a probability of 1/4")


@SparseCategoricalCrossentropy.check("properties")
def _(SparseCategoricalCrossentropy: Any, draw: Draw) -> None:
    loss, (y, P) = _loss(SparseCategoricalCrossentropy), _likely(draw)
    once = expect.number(loss(y, P), "the loss of 5 samples")
    twice = loss(np.tile(y, 2), np.tile(P, (2, 1)))
    expect.close(twice, once, "the loss of the same samples, each taken twice,")


@SparseCategoricalCrossentropy.check("gradient", points=2)
def _(SparseCategoricalCrossentropy: Any, draw: Draw) -> None:
    for n in (5, 1):
        loss, (y, P) = _loss(SparseCategoricalCrossentropy), _likely(draw, n)
        what = f"the gradient for {n} sample{'s' * (n > 1)}"
        expect.close(loss.gradient(y, P), grad(cross_entropy)(P, y), what)


SGD = Exercise(
    "SGD",
    "gradient descent with momentum, for all arrays of a model",
    (
        "Look at the velocity: which part of the last one is kept, and where is it kept?",
        "Each key has a velocity of its own, zero at first. The new velocity is the momentum times "
        "the old one, less the learning rate times the gradient; the weights move by it.",
        "v ← μ v − η g, w ← w + v",
    ),
)


@SGD.check("shape")
def _(SGD: Any, draw: Draw) -> None:
    for shape in ((3, 2), (4,), ()):
        sgd, w = an_object(SGD(0.1), "SGD(0.1)"), draw.normal(size=shape)
        expect.shape(sgd.update(str(shape), w, w), shape, f"update of an array of shape {shape}")


@SGD.check("dtype")
def _(SGD: Any, draw: Draw) -> None:
    sgd, w = an_object(SGD(0.1, momentum=0.9), "SGD(0.1)"), np.ones(3, np.float32)
    for _ in range(2):
        w = expect.floating(sgd.update("w", w, w), "update of float32", np.float32)


def _check_steps(SGD: Any, draw: Draw, momentum: float, steps: int) -> None:
    """Check that each step gives the same weights as chainrule's SGD."""
    called = f"SGD(0.1, momentum={momentum})" if momentum else "SGD(0.1)"
    sgd = an_object(SGD(0.1, momentum=momentum) if momentum else SGD(0.1), called)
    right = optimizers.SGD(0.1, momentum=momentum)
    w = draw.normal(size=3)
    state = right.init(w)
    for step in range(1, steps + 1):
        g = draw.normal(size=3)
        updated = sgd.update("w", w, g)
        w, state = right.update(w, g, state)
        what = f"w after step {step} with momentum {momentum}"
        expect.close(updated, w, what)


@SGD.check("values", points=3)
def _(SGD: Any, draw: Draw) -> None:
    _check_steps(SGD, draw, 0.0, 3)
    _check_steps(SGD, draw, 0.9, 4)


@SGD.check("properties", points=2)
def _(SGD: Any, draw: Draw) -> None:
    first, second = (an_object(SGD(0.1, momentum=0.5), "SGD(0.1, momentum=0.5)") for _ in "12")
    w, g = np.zeros(2), np.ones(2)
    first.update("a", w, g)
    expect.close(first.update("b", w, g), w - 0.1, "the first update of b, after one of a,")
    expect.close(second.update("a", w, g), w - 0.1, "the first update by a second SGD")
    expect.close(first.update("a", w, g), w - 0.15, "the second update of a, after one of b,")
    for key in ((0, "W"), (0, "b"), (1, "W")):
        expect.close(first.update(key, w, g), w - 0.1, f"the first update with the key {key}")
    default = an_object(SGD(), "SGD()").update("a", w, g)
    expect.close(default, w - 0.01, "an update by SGD(), whose learning rate is 0.01,")
