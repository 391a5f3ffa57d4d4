"""Losses as part of a recorded program."""

import numpy as np
import pytest
from tests.uber import ORDERS, assert_kernel

import chainrule as cr
from chainrule import keras
from chainrule._src.nn import losses
from chainrule._src.nn.network.runs import example_data
from chainrule._src.ops import nn
from chainrule._src.trace.tracing import trace

RNG = np.random.default_rng(0)
X, W = RNG.normal(size=(7, 3)), RNG.normal(size=(3, 4))
LABELS = RNG.integers(0, 4, 7)
ONE_HOT = np.eye(4)[LABELS]
MULTI = (RNG.uniform(size=(7, 4)) > 0.5) * 1.0
WEIGHTS = RNG.uniform(size=7)


def in_steps(z):
    return np.stack([z, -z, 2 * z, z**2], axis=1)


def unit(z):
    return z / np.sqrt(np.sum(z**2, axis=1, keepdims=True))


SOFTMAX, SIGMOID = cr.softmax, cr.sigmoid
CASES = [
    *((name, {}, MULTI, SIGMOID) for name in losses.LOSSES
      if "categorical" not in name and name not in ("dice", "tversky", "ctc", "circle")),
    ("dice", {"axis": -1}, MULTI, SIGMOID),
    ("tversky", {"alpha": 0.3, "axis": -1}, MULTI, SIGMOID),
    ("categorical_generalized_cross_entropy", {"q": 0.7}, LABELS, SOFTMAX),
    ("categorical_hinge", {}, ONE_HOT, np.tanh),
    ("categorical_crossentropy", {}, ONE_HOT, SOFTMAX),
    ("categorical_crossentropy", {"label_smoothing": 0.1}, ONE_HOT, SIGMOID),
    ("categorical_crossentropy", {"from_logits": True}, ONE_HOT, np.tanh),
    ("categorical_focal_crossentropy", {}, ONE_HOT, SOFTMAX),
    ("sparse_categorical_crossentropy", {}, LABELS, SOFTMAX),
    ("sparse_categorical_crossentropy", {}, LABELS[:, None].astype(float), SOFTMAX),
    ("sparse_categorical_crossentropy", {"ignore_class": 1}, LABELS, SIGMOID),
    ("binary_crossentropy", {"from_logits": True}, MULTI, np.tanh),
    ("ctc", {}, np.array([[1, 1], [1, 2], [3, 0], [0, 0], [2, 3], [2, 2], [1, 0]]), in_steps),
    ("circle", {"gamma": 8.0}, np.array([0, 0, 1, 2, 1, 1, 0]), unit),
]  # fmt: skip


# The mean without the weights' sum is what machine code is compared for below.
@pytest.mark.sampled(quick=9)
@pytest.mark.parametrize(
    ("name", "options", "y", "last", "reduction"),
    [*((*case, "mean_with_sample_weight") for case in CASES), (*CASES[0], "mean")],
)
def test_program_and_kernel_do_what_the_function_does(name, options, y, last, reduction):
    loss = losses.LOSSES[name](**options, reduction=reduction)

    def f(W, X, y, w):
        return loss(y, last(X @ W), w)

    program = trace(cr.value_and_grad(f))(W, X, y, WEIGHTS)
    assert program.general
    for rows, orders in ((7, ORDERS), (2, ORDERS[-1:])):
        data = (X[:rows], y[:rows], WEIGHTS[:rows])
        value, gradient = program(W, *data)
        np.testing.assert_allclose(value, f(W, *data), rtol=1e-5)
        np.testing.assert_allclose(gradient, cr.grad(f)(W, *data), rtol=1e-12, atol=1e-15)
        assert_kernel(f, cr.value_and_grad(f)(W, *data), W, *data, orders=orders)


@pytest.mark.sampled(quick=6)
@pytest.mark.parametrize(("name", "options", "y", "last"), CASES)
def test_machine_code_does_what_the_function_does(name, options, y, last):
    loss = losses.LOSSES[name](**options)

    def f(W, X, y, w):
        return loss(y, last(X @ W), w)

    compiled = cr.jit(cr.value_and_grad(f))
    for rows in (7, 2):
        data = (X[:rows], y[:rows], WEIGHTS[:rows])
        _, gradient = compiled(W, *data)
        np.testing.assert_allclose(gradient, cr.grad(f)(W, *data), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("loss", ["categorical_crossentropy", "sparse_categorical_crossentropy"])
def test_after_softmax_the_gradient_is_p_minus_y_over_n(loss):
    y = ONE_HOT if loss.startswith("cat") else LABELS
    z = RNG.normal(size=(7, 4)) * 3
    mine = cr.grad(lambda z: losses.get(loss, "test")(y, cr.softmax(z)))(z)
    np.testing.assert_allclose(mine, (cr.softmax(z) - ONE_HOT) / 7, rtol=1e-12, atol=1e-15)


def test_after_sigmoid_the_gradient_is_p_minus_y_over_n():
    z = RNG.normal(size=(7, 1)) * 3
    mine = cr.grad(lambda z: losses.BinaryCrossentropy()(MULTI[:, 0], cr.sigmoid(z)))(z)
    np.testing.assert_allclose(mine, (cr.sigmoid(z) - MULTI[:, :1]) / 7, rtol=1e-12)


@pytest.mark.parametrize(
    ("loss", "last", "y"),
    [
        ("categorical_crossentropy", cr.softmax, [[0.0, 1.0]]),
        ("sparse_categorical_crossentropy", cr.softmax, [1]),
        ("binary_crossentropy", cr.sigmoid, [[0.0, 1.0]]),
    ],
)
def test_hopeless_predictions_still_learn(loss, last, y):
    z = np.array([[800.0, -800.0]], "f4")
    value, gradient = cr.value_and_grad(lambda z: losses.get(loss, "test")(np.array(y), last(z)))(z)
    assert value == (800 if loss.startswith("binary") else 1600)
    assert np.abs(gradient).max() >= 0.5


def test_softmax_along_another_axis_is_not_taken_for_one_along_the_classes():
    z, y = RNG.normal(size=(2, 2)), np.eye(2)
    columns = nn.SOFTMAX
    value, _ = cr.value_and_grad(lambda z: losses.CategoricalCrossentropy()(y, columns(z, axis=0)))(
        z
    )
    np.testing.assert_allclose(value, losses.CategoricalCrossentropy()(y, columns(z, axis=0)))


def test_the_text_of_a_crossentropy_is_the_textbooks():
    text = cr.source(lambda W, X, y: losses.SparseCategoricalCrossentropy()(y, cr.softmax(X @ W)))(
        W, X, LABELS
    )
    lines = [line.split("#")[0].strip() for line in text.splitlines()]
    assert [line for line in lines if line][3:-1] == [
        "logits = X @ W",
        "shifted = logits - logits.max(axis=-1, keepdims=True)",
        "log_p = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))",
        "values = -log_p[np.arange(n), y]",
        "value = np.mean(values)",
        "d_log_p = np.zeros((n, 4))",
        "np.add.at(d_log_p, np.s_[np.arange(n), y], -1 / n)",
        "t1 = np.exp(log_p) * np.sum(d_log_p, axis=-1, keepdims=True)",
        "d_logits = d_log_p - t1",
        "d_W = X.T @ d_logits",
    ]


def test_a_loss_of_ones_own_trains():
    def quartic(y_true, y_pred):
        return np.mean((y_true - y_pred) ** 4, axis=-1)

    loss = losses.get(quartic, "test")
    y = X @ W
    _, history = cr.minimize(
        lambda V, X, y: loss(y, X @ V), np.zeros_like(W), X, y,
        optimizer=cr.optimizers.Adam(0.05), epochs=100, seed=0, engine="numpy",
    )  # fmt: skip
    assert history.loss[-1] < 1e-2 * history.loss[0]


CLASSES = [
    loss for loss in map(vars(losses).get, losses.__all__)
    if isinstance(loss, type) and loss not in (losses.Loss, losses.LossFunctionWrapper)
]  # fmt: skip


@pytest.mark.parametrize("loss", CLASSES, ids=lambda loss: loss.__name__)
def test_a_model_knows_which_targets_its_loss_takes(loss):
    shape = {losses.CTC: (7, 3), losses.Pinball: (1,)}.get(loss, (3,))
    network = cr.Sequential([cr.layers.Input(shape), cr.layers.Dense(shape[-1])]).network
    X, y = example_data(network, loss())
    assert (y.dtype.kind == "i") == loss().takes_labels
    assert np.shape(loss()(y, X + 0.25)) == ()


def test_a_clipped_probability_has_no_gradient_and_its_logits_have():
    def loss(z):
        return losses.sparse_categorical_crossentropy([1], cr.softmax(z))[0]

    far = np.array([[60.0, 0.0]])
    np.testing.assert_allclose(cr.grad(loss)(far), [[1.0, -1.0]])
    keras.config.set_clip_probabilities(True)
    try:
        np.testing.assert_allclose(loss(far), -np.log(1e-7))
        assert not cr.grad(loss)(far).any()
    finally:
        keras.config.set_clip_probabilities(False)
