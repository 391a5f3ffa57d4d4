"""Lab 3, second half: a tape of arrays, and a network that is trained by this tape."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.core.transforms import grad, vjp
from chainrule._src.nn.functions import one_hot, sigmoid
from chainrule._src.teach import expect
from chainrule._src.teach.calls import an_object
from chainrule._src.teach.exercise import Draw, Exercise
from chainrule._src.teach.exercises.data import batches, digits, few, network_loss
from chainrule._src.teach.exercises.networks import classified

Tape = Exercise(
    "Tape",
    "a tape of arrays: operations with their pullbacks, read backwards",
    (
        "Look at the operation that the sentence names: which function of g does it give to each "
        "of its two arrays?",
        "A pullback returns a gradient of the shape of its array: where it was broadcast, use "
        "unbroadcast. backward begins with zeros for all and ones for the output, and adds up "
        "along the tape from its end.",
        "Z = A ⊙ B: Ā = Z̄ ⊙ B, B̄ = Z̄ ⊙ A; Z = A B: Ā = Z̄ Bᵀ, B̄ = Aᵀ Z̄; S = sigmoid(Z): "
        "Z̄ = S̄ ⊙ S ⊙ (1 − S)",
    ),
)
Operation = tuple[str, Callable[..., Any], Callable[..., Any], tuple[tuple[int, ...], ...]]
OPERATIONS: list[Operation] = [
    ("x + y", lambda x, y: x + y, np.add, ((2, 3), (2, 3))),
    ("x * y", lambda x, y: x * y, np.multiply, ((2, 3), (2, 3))),
    ("x @ y", lambda x, y: x @ y, np.matmul, ((2, 3), (3, 4))),
    ("x.sigmoid()", lambda x: x.sigmoid(), sigmoid, ((2, 3),)),
]
MORE: list[Operation] = [
    ("x + y", lambda x, y: x + y, np.add, ((2, 3), (3,))),
    ("x * y", lambda x, y: x * y, np.multiply, ((2, 3), (3,))),
    ("x * y", lambda x, y: x * y, np.multiply, ((2, 1), (2, 3))),
    ("x * x", lambda x: x * x, np.square, ((2, 3),)),
    ("x + x", lambda x: x + x, lambda x: x + x, ((2, 3),)),
    ("x @ x", lambda x: x @ x, lambda x: x @ x, ((3, 3),)),
    (
        "(x @ y + z).sigmoid() * z", lambda x, y, z: (x @ y + z).sigmoid() * z,
        lambda x, y, z: sigmoid(x @ y + z) * z, ((4, 3), (3, 2), (2,)),
    ),
]  # fmt: skip


def _record(Tape: Any, make: Callable[..., Any], values: list[Array], what: str) -> Any:
    """Return the arrays on a new tape, the result of ``make``, and the tape."""
    tape = an_object(Tape(), "Tape()")
    arrays = [an_object(tape.array(value), "Tape().array(value)") for value in values]
    return arrays, an_object(make(*arrays), what), tape


def _of_shapes(what: str, values: list[Array]) -> str:
    return f"{what} with " + ", ".join(
        f"{name} of shape {value.shape}" for name, value in zip("xyz", values, strict=False)
    )


@Tape.check("shape")
def _(Tape: Any, draw: Draw) -> None:
    for name, make, numpys, shapes in OPERATIONS + MORE:
        values = [draw.normal(size=shape) for shape in shapes]
        arrays, result, tape = _record(Tape, make, values, name)
        what = _of_shapes(name, values)
        expect.shape(result.value, numpys(*values).shape, f"the value of {what}")
        tape.backward(result)
        for letter, array, value in zip("xyz", arrays, values, strict=False):
            expect.shape(array.grad, value.shape, f"the grad of {letter} in {what}")


@Tape.check("dtype")
def _(Tape: Any, draw: Draw) -> None:
    for name, make, _, shapes in OPERATIONS:
        values = [draw.normal(size=shape).astype(np.float32) for shape in shapes]
        arrays, result, tape = _record(Tape, make, values, name)
        expect.floating(result.value, f"{name} of float32", np.float32)
        tape.backward(result)
        for array in arrays:
            expect.floating(array.grad, f"the gradient of {name} with float32", np.float32)


@Tape.check("finite")
def _(Tape: Any, draw: Draw) -> None:
    values = [np.array([[-1000.0, 0.0, 1000.0]])]
    (x,), result, tape = _record(Tape, lambda x: x.sigmoid(), values, "x.sigmoid()")
    expect.close(result.value, [[0, 0.5, 1]], "the sigmoid of -1000, 0 and 1000")
    tape.backward(result)
    expect.close(x.grad, [[0, 0.25, 0]], "the gradient of the sigmoid at -1000, 0 and 1000")


@Tape.check("values")
def _(Tape: Any, draw: Draw) -> None:
    for name, make, numpys, shapes in OPERATIONS + MORE:
        values = [draw.normal(size=shape) for shape in shapes]
        _, result, _ = _record(Tape, make, values, name)
        expect.close(result.value, numpys(*values), f"the value of {_of_shapes(name, values)}")


@Tape.check("properties")
def _(Tape: Any, draw: Draw) -> None:
    x = draw.normal(size=(2, 2))
    for name, make, expected in (
        ("x + x", lambda x: x + x, np.full((2, 2), 2.0)),
        ("x * x", lambda x: x * x, 2 * x),
    ):
        (twice,), result, tape = _record(Tape, make, [x], name)
        tape.backward(result)
        expect.close(twice.grad, expected, f"the grad of x in {name}, where it is used twice,")
    (a, b, c), result, tape = _record(Tape, lambda a, b, c: a * b, [x, x + 1, x], "x * y")
    tape.backward(result)
    expect.close(c.grad, np.zeros((2, 2)), "the grad of an array that the output does not use")
    tape.backward(result)
    expect.close(a.grad, x + 1, "the grad of x in x * y when backward is called a second time")
    expect.close(a.value, x, "the value of x after backward")
    tape.backward(b)
    expect.close(a.grad, np.zeros((2, 2)), "the grad of x after backward(y), which does not use x,")
    for _ in range(1100):  # more than Python's recursion limit
        a = a + b
    tape.backward(a)
    expect.close(b.grad, np.full((2, 2), 1100.0), "the grad of y after 1100 additions of y")


@Tape.check("gradient", points=3)
def _(Tape: Any, draw: Draw) -> None:
    for name, make, numpys, shapes in OPERATIONS + MORE:
        values = [draw.normal(size=shape) for shape in shapes]
        arrays, result, tape = _record(Tape, make, values, name)
        tape.backward(result)
        value, pullback = vjp(numpys, *values)
        right = pullback(np.ones_like(value))
        for letter, array, gradient in zip("xyz", arrays, right, strict=False):
            expect.close(
                array.grad, gradient, f"the grad of {letter} in {_of_shapes(name, values)}"
            )


softmax_nll = Exercise(
    "softmax_nll",
    "softmax and negative log likelihood as one operation on the tape",
    (
        "Look at the pullback: what comes in as g, and by what must it be divided?",
        "The value is the mean over the samples of minus the logarithm of the true class's "
        "probability. The pullback gives the probabilities, less 1 at the true classes, over the "
        "number of samples, times g.",
        "L = −1/n Σ_i (Z_{i,y_i} − log Σ_j exp(Z_ij)), with the largest of each row subtracted "
        "first; Z̄ = g · (P − Y) / n",
    ),
    uses=("Tape",),
)


def _mean_nll(Z: Any, y: Array) -> Any:
    Z = Z - np.max(Z, axis=1, keepdims=True)
    return -np.mean(np.sum(one_hot(3, y) * (Z - np.log(np.sum(np.exp(Z), 1, keepdims=True))), 1))


def _lost(softmax_nll: Any, Z: Array, y: Any) -> Any:
    tape = an_object(softmax_nll.beside("Tape")(), "Tape()")
    scores = tape.array(Z)
    return scores, an_object(softmax_nll(scores, y), "softmax_nll(scores, y)"), tape


@softmax_nll.check("shape")
def _(softmax_nll: Any, draw: Draw) -> None:
    Z, y = draw.normal(size=(5, 3)), draw.integers(0, 3, 5)
    scores, loss, tape = _lost(softmax_nll, Z, y)
    expect.shape(loss.value, (), "the loss of 5 samples")
    tape.backward(loss)
    expect.shape(scores.grad, (5, 3), "the grad of 5 samples' scores")


@softmax_nll.check("dtype")
def _(softmax_nll: Any, draw: Draw) -> None:
    Z = draw.normal(size=(5, 3)).astype(np.float32)
    scores, loss, tape = _lost(softmax_nll, Z, draw.integers(0, 3, 5))
    expect.floating(loss.value, "the loss of float32 scores", np.float32)
    tape.backward(loss)
    expect.floating(scores.grad, "the grad of float32 scores", np.float32)


@softmax_nll.check("finite")
def _(softmax_nll: Any, draw: Draw) -> None:
    scores, loss, tape = _lost(softmax_nll, np.array([[1000.0, 0.0, 0.0]] * 2), np.array([0, 1]))
    expect.close(loss.value, 500, "the loss of scores of 1000, for the best class and another,")
    tape.backward(loss)
    expected = [[0, 0, 0], [0.5, -0.5, 0]]
    expect.close(scores.grad, expected, "the grad of scores of 1000")


@softmax_nll.check("values")
def _(softmax_nll: Any, draw: Draw) -> None:
    Z, y = draw.normal(0, 2, size=(5, 3)), draw.integers(0, 3, 5)
    expect.close(_lost(softmax_nll, Z, y)[1].value, _mean_nll(Z, y), "the loss of 5 samples")
    expect.close(
        _lost(softmax_nll, np.zeros((2, 3)), y[:2])[1].value,
        math.log(3),
        "the loss of equal scores",
    )


@softmax_nll.check("properties")
def _(softmax_nll: Any, draw: Draw) -> None:
    Z, y = draw.normal(size=(4, 3)), draw.integers(0, 3, 4)
    scores, loss, tape = _lost(softmax_nll, Z, y)
    tape.backward(loss)
    sums = expect.shape(scores.grad, (4, 3), "the grad of the scores").sum(axis=1)
    expect.close(sums + 1, np.ones(4), "1 + the sum of each row of the grad")
    again = _lost(softmax_nll, Z + 7, y)[1].value
    expect.close(again, loss.value, "the loss of scores that are all larger by 7")


@softmax_nll.check("gradient", points=2)
def _(softmax_nll: Any, draw: Draw) -> None:
    Z, y = draw.normal(size=(5, 3)), draw.integers(0, 3, 5)
    expected = grad(_mean_nll)(Z, y)
    scores, loss, tape = _lost(softmax_nll, Z, y)
    tape.backward(loss)
    expect.close(scores.grad, expected, "the grad of 5 samples' scores")
    scores, loss, tape = _lost(softmax_nll, Z, y)
    tape.backward(loss * tape.array(np.array(3.0)))
    expect.close(scores.grad, 3 * expected, "the grad of the scores by 3 times the loss")


TapeNet = Exercise(
    "TapeNet",
    "the lab's network, its gradients by the tape",
    (
        "Look at what stands on the tape: the gradients are those of the arrays that scores() put "
        "there.",
        "Each call takes a new tape. scores() returns the scores and the arrays of the "
        "parameters; the loss is softmax_nll of the scores; after backward, each parameter's array "
        "has its grad. A step of SGD subtracts the learning rate times the gradient.",
        "z = sigmoid(X W_h + b_h) W_o + b_o; θ ← θ − η ∂L/∂θ for θ = W_h, b_h, W_o, b_o",
    ),
)
SIZES = {"W_h": (64, 10), "b_h": (10,), "W_o": (10, 10), "b_o": (10,)}


def _random_net(TapeNet: Any, draw: Draw) -> tuple[Any, dict[str, Array]]:
    """Return a network with random parameters, and the parameters."""
    net = an_object(TapeNet(64, 10, 10), "TapeNet(64, 10, 10)")
    params = {name: draw.normal(0, 0.3, size=size) for name, size in SIZES.items()}
    for name, value in params.items():
        setattr(net, name, value)
    return net, params


@TapeNet.check("shape")
def _(TapeNet: Any, draw: Draw) -> None:
    net = an_object(TapeNet(64, 10, 10), "TapeNet(64, 10, 10)")
    for name, size in SIZES.items():
        expect.shape(getattr(net, name), size, f"TapeNet(64, 10, 10).{name}")
    X, y = few(7)
    expect.shape(net.loss(X, y), (), "loss(X, y)")
    gradients = expect.entries(net.grad_loss(X, y), SIZES, "grad_loss(X, y)")
    for name, size in SIZES.items():
        expect.shape(gradients[name], size, f"the gradient of {name}")


@TapeNet.check("values")
def _(TapeNet: Any, draw: Draw) -> None:
    net, params = _random_net(TapeNet, draw)
    X, y = few(7)
    expect.close(net.loss(X, y), network_loss(params, X, y), "loss(X, y)", rtol=1e-5)
    scores = sigmoid(X @ params["W_h"] + params["b_h"]) @ params["W_o"] + params["b_o"]
    classified(net, X, np.argmax(scores, axis=1))


@TapeNet.check("properties", points=2)
def _(TapeNet: Any, draw: Draw) -> None:
    net, params = _random_net(TapeNet, draw)
    X, y = few(7)
    gradients = grad(network_loss)(params, X, y)
    net.train(X, y, learning_rate=0.5)
    for name in SIZES:
        expected = params[name] - 0.5 * gradients[name]
        expect.close(getattr(net, name), expected, f"{name} after a step", rtol=1e-5)


@TapeNet.check("gradient", points=2)
def _(TapeNet: Any, draw: Draw) -> None:
    net, params = _random_net(TapeNet, draw)
    X, y = few(7)
    gradients = expect.entries(net.grad_loss(X, y), SIZES, "grad_loss(X, y)")
    for name, expected in grad(network_loss)(params, X, y).items():
        expect.close(gradients[name], expected, f"the gradient of {name}", rtol=1e-5)
    again = expect.entries(net.grad_loss(X, y), SIZES, "grad_loss(X, y)")
    expect.close(again["W_h"], gradients["W_h"], "the gradient of W_h, asked for again,")


@TapeNet.check("overfits")
def _(TapeNet: Any, draw: Draw) -> None:
    net = an_object(TapeNet(64, 10, 10), "TapeNet(64, 10, 10)")
    X, y = few(20)
    net.each("train", np.stack([X] * 300), np.stack([y] * 300), learning_rate=2.0)
    loss = expect.number(net.loss(X, y), "loss(X, y)")
    expect.true(
        loss < 0.1,
        f"after 300 steps with the same 20 digits the loss is {loss:.3f}: a network that learns "
        "knows them by heart",
    )


@TapeNet.check("numbers", points=2)
def _(TapeNet: Any, draw: Draw) -> None:
    net = an_object(TapeNet(64, 10, 10), "TapeNet(64, 10, 10)")
    for _ in range(20):
        net.each("train", *batches(draw, 32), learning_rate=1.0)
    predicted = expect.shape(net.predict(digits().X_test), (270,), "predict(X_test)")
    accuracy = float(np.mean(predicted == digits().y_test))
    expect.true(
        accuracy > 0.95,
        f"after 20 epochs the test accuracy is {accuracy:.3f}, it must be above 0.95",
    )
