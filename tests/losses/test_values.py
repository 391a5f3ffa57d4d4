"""Losses, with Keras as the judge."""

import functools

import jax
import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chainrule as cr
from chainrule import losses

NUMBERS, POSITIVE, ROWS, SHARES, LABELS = "numbers", "positive", "rows", "shares", "labels"
# loss, options, targets, predictions
CASES = [
    *((name, {}, NUMBERS, NUMBERS) for name in (
        "MeanSquaredError", "MeanAbsoluteError", "MeanAbsolutePercentageError", "LogCosh", "Huber",
        "CosineSimilarity",
    )),
    ("CosineSimilarity", {"axis": 0}, NUMBERS, NUMBERS),
    ("Huber", {"delta": 0.3}, NUMBERS, NUMBERS),
    ("MeanSquaredLogarithmicError", {}, POSITIVE, NUMBERS),
    ("Poisson", {}, POSITIVE, POSITIVE),
    ("KLDivergence", {}, ROWS, ROWS),
    *((name, {}, target, NUMBERS) for name in ("Hinge", "SquaredHinge")
      for target in (NUMBERS, "ones")),
    ("CategoricalHinge", {}, "one_hot", NUMBERS),
    ("CategoricalCrossentropy", {}, "one_hot", ROWS),
    ("CategoricalCrossentropy", {"label_smoothing": 0.2}, ROWS, POSITIVE),
    ("CategoricalCrossentropy", {"axis": 0}, SHARES, POSITIVE),
    ("CategoricalCrossentropy", {"from_logits": True, "label_smoothing": 0.1}, ROWS, NUMBERS),
    ("BinaryCrossentropy", {}, "ones", SHARES),
    ("BinaryCrossentropy", {"label_smoothing": 0.2}, SHARES, SHARES),
    ("BinaryCrossentropy", {"from_logits": True, "label_smoothing": 0.2}, SHARES, NUMBERS),
    ("CategoricalFocalCrossentropy", {}, "one_hot", ROWS),
    ("CategoricalFocalCrossentropy",
     {"alpha": 0.5, "gamma": 1.5, "from_logits": True, "label_smoothing": 0.1}, ROWS, NUMBERS),
    ("BinaryFocalCrossentropy", {}, "ones", SHARES),
    ("BinaryFocalCrossentropy",
     {"apply_class_balancing": True, "alpha": 0.4, "gamma": 1.5, "from_logits": True,
      "label_smoothing": 0.1}, "ones", NUMBERS),
    ("SparseCategoricalCrossentropy", {}, LABELS, ROWS),
    ("SparseCategoricalCrossentropy", {"from_logits": True}, LABELS, NUMBERS),
    ("SparseCategoricalCrossentropy", {"ignore_class": 1}, LABELS, ROWS),
    ("SparseCategoricalCrossentropy", {"ignore_class": -1, "from_logits": True}, LABELS, NUMBERS),
]  # fmt: skip
REDUCTIONS = ["sum_over_batch_size", "mean", "mean_with_sample_weight", "sum", "none"]


def drawn(kind, rng, shape, ignored=None):
    numbers = rng.normal(size=shape) * 2
    if kind == LABELS:
        labels = rng.integers(0, shape[-1], shape[:-1])
        return (
            labels
            if ignored is None
            else np.where(rng.uniform(size=labels.shape) < 0.3, ignored, labels)
        )
    return {
        NUMBERS: numbers,
        POSITIVE: np.abs(numbers) + 0.01,
        SHARES: rng.uniform(size=shape),
        ROWS: np.exp(numbers) / np.exp(numbers).sum(-1, keepdims=True),
        "ones": (numbers > 0) * 1.0,
        "one_hot": np.eye(shape[-1])[rng.integers(0, shape[-1], shape[:-1])],
    }[kind]


def case_data(case, shape, seed=0):
    _, options, targets, predictions = case
    rng = np.random.default_rng(seed)
    return drawn(targets, rng, shape, options.get("ignore_class")), drawn(predictions, rng, shape)


@pytest.fixture(autouse=True)
def _exact_judge():
    keras.config.set_floatx("float64")
    with jax.enable_x64(True):
        yield
    keras.config.set_floatx("float32")


@functools.cache
def judge(number, shape):
    """Return Keras's values, plain and weighted, in every reduction, and the gradient: compiled."""
    name, options = CASES[number][:2]
    made = {r: getattr(keras.losses, name)(**options, reduction=r) for r in REDUCTIONS}

    def values(y_true, y_pred, weight):
        gradient = jax.grad(lambda p: made["mean"](y_true, p, weight))(y_pred)
        both = {r: (loss(y_true, y_pred), loss(y_true, y_pred, weight)) for r, loss in made.items()}
        return both, gradient

    return jax.jit(values)


@pytest.mark.parametrize("shape", [(5, 3), (2, 2, 3)], ids=str)
@pytest.mark.parametrize("number", range(len(CASES)), ids=lambda i: f"{CASES[i][0]}-{CASES[i][1]}")
@settings(max_examples=10)
@given(seed=st.integers(0, 999))
def test_values_and_gradients_as_in_keras(number, shape, seed):
    name, options = CASES[number][:2]
    y_true, y_pred = case_data(CASES[number], shape, seed)
    one_each = getattr(losses, name)(**options, reduction="none")(y_true, y_pred)
    weight = np.random.default_rng(seed).uniform(0.1, 2, np.shape(one_each))
    both, gradient = judge(number, shape)(y_true, y_pred, weight)
    for reduction, (plain, weighted) in both.items():
        ours = getattr(losses, name)(**options, reduction=reduction)
        np.testing.assert_allclose(ours(y_true, y_pred), plain, rtol=1e-6, atol=1e-9)
        np.testing.assert_allclose(ours(y_true, y_pred, weight), weighted, rtol=1e-6, atol=1e-9)
    loss = getattr(losses, name)(**options)
    mine = cr.grad(lambda p: loss(y_true, p, weight))(y_pred)
    np.testing.assert_allclose(mine, gradient, rtol=1e-6, atol=1e-9)


def test_names_as_in_keras():
    for name in {case[0] for case in CASES}:
        assert getattr(losses, name)().name == getattr(keras.losses, name)().name


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0]}-{case[1]}")
def test_the_predictions_dtype_is_kept(case):
    name, options = case[:2]
    y_true, y_pred = case_data(case, (4, 3))
    ours = getattr(losses, name)(**options)
    for weight in (None, np.ones(3 if options.get("axis") == 0 else 4)):
        value = ours(y_true, y_pred.astype("f4"), weight)
        assert value.dtype == np.float32
        np.testing.assert_allclose(value, ours(y_true, y_pred, weight), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("true", "pred"), [((6,), (6, 1)), ((6, 1), (6,)), ((2, 3, 1), (2, 3)), ((2, 3), (2, 3, 1))]
)
@pytest.mark.parametrize("name", ["MeanSquaredError", "BinaryCrossentropy", "Huber"])
def test_a_last_axis_of_one_is_no_obstacle(name, true, pred):
    rng = np.random.default_rng(0)
    y_true, y_pred = rng.uniform(size=true), rng.uniform(size=pred)
    judge, ours = getattr(keras.losses, name)(), getattr(losses, name)()
    np.testing.assert_allclose(ours(y_true, y_pred), np.asarray(judge(y_true, y_pred)), rtol=1e-6)


@pytest.mark.parametrize("labels", [[[0], [2]], [[0.0], [2.0]], [0.0, 2.0], [False, True]])
def test_class_numbers_in_any_form(labels):
    p = np.array([[0.5, 0.25, 0.25], [0.2, 0.3, 0.5]])
    expected = -np.log(p[[0, 1], np.ravel(labels).astype(int)])
    np.testing.assert_allclose(losses.sparse_categorical_crossentropy(labels, p), expected)


def test_functions_as_in_keras():
    rng = np.random.default_rng(0)
    y_true, y_pred = rng.dirichlet(np.ones(3), 4), rng.dirichlet(np.ones(3), 4)
    names = [
        name
        for name in losses.__all__
        if name.islower() and name not in ("get", "sparse_categorical_crossentropy")
    ]
    assert len(names) == 16
    for name in names:
        theirs = np.asarray(getattr(keras.losses, name)(y_true, y_pred))
        np.testing.assert_allclose(getattr(losses, name)(y_true, y_pred), theirs, rtol=1e-6)


@pytest.mark.parametrize("short", ["bce", "mse", "MSE", "mae", "mape", "msle", "kld", "KLD"])
def test_short_names_as_in_keras(short):
    assert losses.get(short, "test").name == keras.losses.get(short).__name__


def test_every_loss_is_found_by_each_of_its_names():
    for name, loss in losses.LOSSES.items():
        assert type(losses.get(name, "test")) is loss
        assert type(losses.get(loss.__name__, "test")) is loss
        again = loss.from_config(loss(reduction="sum").get_config())
        assert (again.name, again.reduction) == (loss().name, "sum")
