"""Losses, with Keras as the judge."""

import functools

import jax
import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.nn.losses.test_values import CASES, case_data

import chainrule as cr
from chainrule import losses

REDUCTIONS = ["sum_over_batch_size", "mean", "mean_with_sample_weight", "sum", "none"]
pytestmark = pytest.mark.usefixtures("exact_judge")


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
        np.testing.assert_allclose(ours(y_true, y_pred), plain, rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(ours(y_true, y_pred, weight), weighted, rtol=1e-10, atol=1e-12)
    loss = getattr(losses, name)(**options)
    mine = cr.grad(lambda p: loss(y_true, p, weight))(y_pred)
    np.testing.assert_allclose(mine, gradient, rtol=1e-10, atol=1e-12)


def of_ctc(rng):
    labels = rng.integers(1, 4, (5, 3)) * (np.arange(3) < rng.integers(0, 4, (5, 1)))
    return labels, rng.normal(size=(5, 7, 4)) * 3


def of_circle(rng):
    points = rng.normal(size=(6, 4))
    return rng.integers(0, 3, 6), points / np.linalg.norm(points, axis=1, keepdims=True)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize(
    ("name", "options", "data"),
    [
        ("CTC", {}, of_ctc),
        ("Circle", {"gamma": 16.0}, of_circle),
        ("Circle", {"gamma": 4.0, "margin": 0.25, "remove_diagonal": False}, of_circle),
    ],
)
def test_losses_of_sequences_and_of_pairs_as_in_keras(name, options, data, reduction):
    ours, theirs = (
        getattr(room, name)(**options, reduction=reduction) for room in (losses, keras.losses)
    )
    for seed in range(5):
        y_true, y_pred = data(np.random.default_rng(seed))
        weight = np.random.default_rng(seed).uniform(0.1, 2, len(y_true))
        for more in ((), (weight,)):
            expected = np.asarray(theirs(y_true, y_pred, *more))
            np.testing.assert_allclose(ours(y_true, y_pred, *more), expected, rtol=1e-8, atol=1e-8)
        mine = cr.grad(lambda p, y=y_true: np.sum(ours(y, p)))(y_pred)
        expected = jax.grad(lambda p, y=y_true: theirs(y, p).sum())(y_pred)
        np.testing.assert_allclose(mine, expected, rtol=1e-6, atol=1e-8)


def test_names_as_in_keras():
    for name in {case[0] for case in CASES}:
        assert getattr(losses, name)().name == getattr(keras.losses, name)().name


@pytest.mark.parametrize(
    ("true", "pred"), [((6,), (6, 1)), ((6, 1), (6,)), ((2, 3, 1), (2, 3)), ((2, 3), (2, 3, 1))]
)
@pytest.mark.parametrize("name", ["MeanSquaredError", "BinaryCrossentropy", "Huber"])
def test_a_last_axis_of_one_is_no_obstacle(name, true, pred):
    rng = np.random.default_rng(0)
    y_true, y_pred = rng.uniform(size=true), rng.uniform(size=pred)
    judge, ours = getattr(keras.losses, name)(), getattr(losses, name)()
    np.testing.assert_allclose(ours(y_true, y_pred), np.asarray(judge(y_true, y_pred)), rtol=1e-10)


def test_functions_as_in_keras():
    rng = np.random.default_rng(0)
    y_true, y_pred = rng.dirichlet(np.ones(3), 4), rng.dirichlet(np.ones(3), 4)
    names = [
        name
        for name in losses.__all__
        if name.islower()
        and name not in ("get", "serialize", "deserialize", "pinball")
        and name != "sparse_categorical_crossentropy"
        and "generalized" not in name
        and name not in ("ctc", "circle")
    ]
    assert len(names) == 18
    for name in names:
        theirs = np.asarray(getattr(keras.losses, name)(y_true, y_pred))
        np.testing.assert_allclose(getattr(losses, name)(y_true, y_pred), theirs, rtol=1e-10)


@pytest.mark.parametrize("short", ["bce", "mse", "MSE", "mae", "mape", "msle", "kld", "KLD"])
def test_short_names_as_in_keras(short):
    assert losses.get(short, "test").name == keras.losses.get(short).__name__
