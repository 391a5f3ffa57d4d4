"""Lab 1: softmax regression and a hidden layer, the gradients by hand."""

from __future__ import annotations

from typing import Any

import numpy as np

import chainrule._src.nn.functions as right
from chainrule._src.teach import expect
from chainrule._src.teach.exercise import Draw, Exercise, compared_with
from chainrule._src.teach.exercises.networks import learning, network, updates
from chainrule._src.teach.lab import models

one_hot = Exercise(
    "one_hot",
    "write classes as rows of zeros with a single one",
    (
        "Compare one_hot(10, 3) with what you want: ten numbers, the one at position 3, counted "
        "from 0.",
        "A row of the identity matrix has a one at its own position. NumPy takes a row by its "
        "number, and several rows by a list of numbers.",
        "one_hot(n, y)_i = 1 where i = y, else 0: row y of the identity matrix with n rows",
    ),
)


@one_hot.check("shape")
def _(one_hot: Any, draw: Draw) -> None:
    expect.shape(one_hot(10, 3), (10,), "one_hot(10, 3)")
    expect.shape(one_hot(10, [0, 4, 9, 1]), (4, 10), "one_hot(10, [0, 4, 9, 1])")
    expect.shape(one_hot(5, np.array([2])), (1, 5), "one_hot(5, np.array([2]))")


@one_hot.check("values", points=2)
def _(one_hot: Any, draw: Draw) -> None:
    expect.close(one_hot(10, 3), np.eye(10)[3], "one_hot(10, 3)")
    y = [0, 4, 9, 1]
    expect.close(one_hot(10, y), np.eye(10)[y], "one_hot(10, [0, 4, 9, 1])")
    classes = draw.integers(0, 6, size=8).astype(np.int32)
    expect.close(one_hot(6, classes), np.eye(6)[classes], f"one_hot(6, {classes.tolist()})")


@one_hot.check("properties")
def _(one_hot: Any, draw: Draw) -> None:
    Y = expect.array(one_hot(n_classes=7, y=draw.integers(0, 7, size=9)), "one_hot of 9 classes")
    expect.close(Y.sum(axis=-1), np.ones(9), "the sum of each row")


softmax = Exercise(
    "softmax",
    "turn scores into probabilities, for one sample or a batch",
    (
        "Look at the sum in the denominator: over which numbers does it run?",
        "Each row is a sample of its own: sum along the last axis and keep it as an axis of one "
        "entry, so that the division broadcasts row by row. Large scores overflow unless the "
        "largest of each row is subtracted first.",
        "softmax(x)_i = exp(x_i - m) / Σ_j exp(x_j - m), with m = max_j x_j of the same row",
    ),
)


@softmax.check("shape")
def _(softmax: Any, draw: Draw) -> None:
    expect.shape(softmax([10, 2, -3]), (3,), "softmax([10, 2, -3])")
    expect.shape(softmax(draw.normal(size=(4, 3))), (4, 3), "softmax of a (4, 3) array")
    expect.shape(softmax(draw.normal(size=(3, 3))), (3, 3), "softmax of a (3, 3) array")


@softmax.check("dtype")
def _(softmax: Any, draw: Draw) -> None:
    expect.floating(softmax([10, 2, -3]), "softmax([10, 2, -3])")
    X = draw.normal(size=(2, 3)).astype(np.float32)
    expect.floating(softmax(X), "softmax of float32", np.float32)


@softmax.check("values", points=2)
def _(softmax: Any, draw: Draw) -> None:
    expect.close(softmax([10, 2, -3]), right.softmax([10, 2, -3]), "softmax([10, 2, -3])")
    X = draw.normal(0, 2, size=(4, 3))
    expect.close(softmax(X), right.softmax(X), "softmax of a batch")


@softmax.check("properties")
def _(softmax: Any, draw: Draw) -> None:
    X = draw.normal(0, 3, size=(5, 4))
    sums = expect.array(softmax(X), "softmax of a batch").sum(axis=-1)
    expect.close(sums, np.ones(5), "the sum of each row's probabilities")
    expect.close(softmax(X + 5), softmax(X), "softmax(X + 5), which is softmax(X),")


softmax.diagnosis("shape", "values", "properties")(
    compared_with(lambda X: right.softmax(X), lambda draw: (draw.normal(0, 2, size=(4, 3)),))
)

nll = Exercise(
    "nll",
    "the average negative log likelihood, for one sample or a batch",
    (
        "Take one sample first: which of the probabilities counts, and what is the logarithm of 1?",
        "The loss of a sample is minus the logarithm of the probability of its true class. "
        "Multiply by the one-hot row before you sum over the classes, then average over the "
        "samples. Add EPSILON inside the logarithm.",
        "nll = -(1/n) Σ_i Σ_c Y_true[i, c] log(ε + Y_pred[i, c])",
    ),
)


def _predictions(draw: Draw, n: int, k: int) -> tuple[Any, Any]:
    return np.eye(k)[draw.integers(0, k, size=n)], right.softmax(draw.normal(size=(n, k)))


@nll.check("shape")
def _(nll: Any, draw: Draw) -> None:
    for n, what in ((1, "nll of a sample"), (5, "nll of 5 samples")):
        Y_true, Y_pred = _predictions(draw, n, 3)
        loss = nll(Y_true[0], Y_pred[0]) if n == 1 else nll(Y_true, Y_pred)
        size = expect.array(loss, what).size
        expect.true(size == 1, f"{what} must be a single number, not {size}: take the average")


@nll.check("finite")
def _(nll: Any, draw: Draw) -> None:
    for Y_pred in ([0.0, 1.0], [1.0, 0.0]):
        expect.number(nll([1, 0], Y_pred), f"nll([1, 0], {Y_pred}), with a probability of 0,")


@nll.check("values", points=2)
def _(nll: Any, draw: Draw) -> None:
    for Y_pred in ([0.99, 0.01, 0], [0.01, 0.01, 0.98]):
        _same(nll([1, 0, 0], Y_pred), -np.log(Y_pred[0]), f"nll([1, 0, 0], {Y_pred})")
    Y_true, Y_pred = _predictions(draw, 6, 4)
    _same(nll(Y_true, Y_pred), right.nll(Y_true, Y_pred), "nll of 6 samples, their average,")


@nll.check("properties")
def _(nll: Any, draw: Draw) -> None:
    sure = expect.number(nll([1, 0], [0.0, 1.0]), "nll of a prediction that is sure and wrong")
    expect.true(sure > 10, f"nll([1, 0], [0, 1]) is {sure:.3g}: sure and wrong must cost much")
    certain = expect.number(nll([1, 0], [1.0, 0.0]), "nll of a prediction that is sure and right")
    expect.true(abs(certain) < 1e-4, f"nll([1, 0], [1, 0]) is {certain:.3g}, it must be 0")
    Y_true, Y_pred = _predictions(draw, 1, 4)
    once = expect.number(nll(Y_true[0], Y_pred[0]), "nll of a sample")
    thrice = nll(np.repeat(Y_true, 3, axis=0), np.repeat(Y_pred, 3, axis=0))
    _same(thrice, once, "nll of the same sample three times, an average,")


def _same(value: Any, expected: Any, what: str) -> None:
    expect.close(expect.number(value, what), float(expected), what, rtol=1e-5)


nll.diagnosis("values", "properties")(
    compared_with(lambda Y_true, Y_pred: right.nll(Y_true, Y_pred), lambda d: _predictions(d, 6, 4))
)

LogisticRegression = Exercise(
    "LogisticRegression",
    "softmax regression with its gradient, trained one sample at a time",
    (
        "Look at grad_loss for one sample: what is the gradient with respect to the logits?",
        "The gradient of the loss with respect to the logits is the predicted probabilities minus "
        "the one-hot row. Each weight's gradient is its pixel times its logit's gradient. train "
        "subtracts learning_rate times the gradient from each parameter.",
        "∂L/∂z = y_pred - Y, ∂L/∂W_ij = x_i (y_pred - Y)_j, ∂L/∂b = y_pred - Y; θ ← θ - η ∂L/∂θ",
    ),
)
_regression = lambda *sizes: models.LogisticRegression(*sizes, seed=0)  # noqa: E731
network(LogisticRegression, _regression, (5, 3))
updates(LogisticRegression, _regression, (5, 3))
learning(LogisticRegression, (), batch_size=1, rate=0.01, epochs=1, least=0.92)

dsigmoid = Exercise(
    "dsigmoid",
    "the derivative of the sigmoid, element by element",
    (
        "How steep is the sigmoid at 0, and far from it?",
        "The derivative is made of the sigmoid alone, taken at the same x, the value before the "
        "activation.",
        "dsigmoid(x) = sigmoid(x) (1 - sigmoid(x))",
    ),
)


@dsigmoid.check("shape")
def _(dsigmoid: Any, draw: Draw) -> None:
    expect.shape(dsigmoid(draw.normal(size=7)), (7,), "dsigmoid of 7 numbers")
    expect.shape(dsigmoid(draw.normal(size=(3, 4))), (3, 4), "dsigmoid of a (3, 4) array")
    expect.number(dsigmoid(0.5), "dsigmoid(0.5)")


@dsigmoid.check("dtype")
def _(dsigmoid: Any, draw: Draw) -> None:
    X = draw.normal(size=5).astype(np.float32)
    expect.floating(dsigmoid(X), "dsigmoid of float32", np.float32)


@dsigmoid.check("finite")
def _(dsigmoid: Any, draw: Draw) -> None:
    expect.finite(dsigmoid(np.array([-800.0, 0.0, 800.0])), "dsigmoid([-800, 0, 800])")


@dsigmoid.check("values", points=2)
def _(dsigmoid: Any, draw: Draw) -> None:
    X = draw.uniform(0.2, 0.8, size=5)
    slopes = expect.shape(dsigmoid(X), (5,), "dsigmoid of 5 numbers")
    expect.true(
        not np.allclose(slopes, X * (1 - X)),
        "dsigmoid(x) is x (1 - x): x is the value before the activation, so take its sigmoid first",
    )
    expect.close(dsigmoid(0.0), 0.25, "dsigmoid(0)")
    X = draw.normal(0, 3, size=(3, 4))
    expect.close(dsigmoid(X), right.dsigmoid(X), "dsigmoid(X)", rtol=1e-5)


@dsigmoid.check("gradient")
def _(dsigmoid: Any, draw: Draw) -> None:
    X, step = draw.normal(0, 2, size=6), 1e-5
    slopes = (right.sigmoid(X + step) - right.sigmoid(X - step)) / (2 * step)
    expect.close(dsigmoid(X), slopes, "dsigmoid(x), the slope of the sigmoid at x,", rtol=1e-4)


NeuralNet = Exercise(
    "NeuralNet",
    "a hidden layer with sigmoids, its gradients by backpropagation",
    (
        "Go from the loss backwards, and print the shapes on the way: a gradient has the shape of "
        "what it belongs to.",
        "The output layer is the logistic regression with h in place of x. Its gradient goes back "
        "to h through the transpose of W_o, then through dsigmoid at z_h, element by element; the "
        "first layer follows as the last did.",
        "∂L/∂z_o = y - Y, ∂L/∂W_o = outer(h, ∂L/∂z_o), ∂L/∂z_h = (∂L/∂z_o W_oᵀ) ⊙ dsigmoid(z_h), "
        "∂L/∂W_h = outer(x, ∂L/∂z_h); the biases have ∂L/∂z_o and ∂L/∂z_h",
    ),
)
_net = lambda *sizes: models.NeuralNet(*sizes, seed=0)  # noqa: E731
network(NeuralNet, _net, (5, 4, 3))
updates(NeuralNet, _net, (5, 4, 3))
learning(NeuralNet, (10,), batch_size=1, rate=0.1, epochs=3, least=0.88)

worst_predictions = Exercise(
    "worst_predictions",
    "find the samples with the highest loss",
    (
        "Which samples come out first, the worst or the best?",
        "Compute the negative log likelihood of each sample for itself, without the average. Sort "
        "the indices by it, turn them round, and take the first n.",
        "loss_i = -Σ_c Y_true[i, c] log(ε + Y_pred[i, c]); the indices of the n largest, falling",
    ),
)


@worst_predictions.check("shape")
def _(worst_predictions: Any, draw: Draw) -> None:
    Y_true, Y_pred = _predictions(draw, 12, 4)
    expect.shape(worst_predictions(Y_true, Y_pred), (5,), "worst_predictions(Y_true, Y_pred)")
    expect.shape(worst_predictions(Y_true, Y_pred, n=3), (3,), "worst_predictions(…, n=3)")


@worst_predictions.check("dtype")
def _(worst_predictions: Any, draw: Draw) -> None:
    indices = expect.array(worst_predictions(*_predictions(draw, 12, 4)), "worst_predictions")
    expect.true(
        indices.dtype.kind in "iu",
        f"worst_predictions must return the samples' indices, integers, not {indices.dtype}",
    )


@worst_predictions.check("values", points=3)
def _(worst_predictions: Any, draw: Draw) -> None:
    Y_true, Y_pred = _predictions(draw, 12, 4)
    order = np.argsort(np.sum(Y_true * np.log(Y_pred), axis=1))
    indices = expect.shape(worst_predictions(Y_true, Y_pred, n=4), (4,), "worst_predictions")
    for wrong, sentence in (
        (order[::-1][:4], "returns the best predictions: turn the order round"),
        (order[:4][::-1], "returns the worst ones, but not the worst first"),
    ):
        expect.true(not np.array_equal(indices, wrong), f"worst_predictions {sentence}")
    expect.close(indices, order[:4], "worst_predictions(Y_true, Y_pred, n=4)")
