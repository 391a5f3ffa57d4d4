"""Activations: engines agree, and what is refused."""

from functools import partial

import numpy as np
import pytest

import chainrule as cr
from chainrule import activations
from chainrule.activations import ACTIVATIONS
from chainrule.errors import DataError, ShapeError, UnknownNameError

ROWS = ["softmax", "log_softmax"]
ALONG_AXIS = [*ROWS, "sparsemax", "glu"]
CASES = [
    *((name, {}) for name in ACTIVATIONS if name not in ALONG_AXIS),
    ("relu", {"negative_slope": 0.3}),
    ("relu", {"max_value": 4.0}),
    ("relu", {"threshold": 1.5}),
    ("relu", {"threshold": -1.5}),
    ("relu", {"negative_slope": 0.3, "max_value": 4.0, "threshold": -1.5}),
    ("leaky_relu", {"negative_slope": 0.01}),
    ("elu", {"alpha": 0.7}),
    ("celu", {"alpha": 0.7}),
    ("gelu", {"approximate": True}),
    ("squareplus", {"b": 0.3}),
    ("soft_shrink", {"threshold": 1.2}),
    ("hard_shrink", {"threshold": 1.2}),
    ("threshold", {"threshold": 1.2, "default_value": -7.0}),
]


@pytest.mark.parametrize("name", ROWS)
def test_an_axis_that_is_not_there_is_refused(name):
    with pytest.raises(ShapeError, match="axis 2 holds no classes"):
        getattr(activations, name)(np.ones((2, 3)), axis=2)


@pytest.mark.parametrize("name", list(ACTIVATIONS))
def test_nan_is_not_hidden(name):
    with np.errstate(invalid="ignore"):
        assert np.isnan(ACTIVATIONS[name](np.array([np.nan, 1.0]))[0])


@pytest.mark.sampled(quick=15)
@pytest.mark.parametrize(("name", "options"), CASES, ids=str)
def test_compiled_as_in_numpy(name, options):
    function = partial(ACTIVATIONS.get(name, activations.threshold), **options)

    def loss(w, X):
        return np.mean(function(X * w))

    X = np.linspace(-5, 5, 40).reshape(10, 4)
    one, other = (
        cr.minimize(loss, np.full(4, 0.9), X, optimizer="sgd", batch_size=5, epochs=2, seed=0,
                    engine=engine)[0]
        for engine in ("numpy", "compiled")
    )  # fmt: skip
    np.testing.assert_allclose(one, other, rtol=1e-10)


@pytest.mark.parametrize(("name", "axis"), [("softmax", (0, 1)), ("glu", -1)])
def test_along_axes_compiled_as_in_numpy(name, axis):
    function = partial(getattr(activations, name), axis=axis)

    def loss(w, X):
        return np.sum(function(np.reshape(X * w, (-1, 2, 2)).sum(axis=0)) ** 2)

    X = np.linspace(-5, 5, 40).reshape(10, 4)
    one, other = (
        cr.minimize(loss, np.full(4, 0.1), X, batch_size=5, seed=0, engine=engine)[0]
        for engine in ("numpy", "compiled")
    )
    np.testing.assert_allclose(one, other, rtol=1e-10)


@pytest.mark.parametrize("axis", [-1, 0])
def test_sparsemax_is_the_nearest_point_whose_sum_is_one(axis):
    x = np.random.default_rng(0).normal(size=(6, 6)) * 2
    y, pull = cr.vjp(partial(activations.sparsemax, axis=axis), x)
    np.testing.assert_allclose(y.sum(axis=axis), 1)
    lifted = np.where(y > 0, x - y, np.nan)  # by the same tau, above which nothing is left out
    tau = np.nanmax(lifted, axis=axis, keepdims=True)
    np.testing.assert_allclose(np.nanmin(lifted, axis=axis, keepdims=True), tau)
    assert np.all((y > 0) | (x <= tau))
    g = np.random.default_rng(1).normal(size=x.shape)
    mean = np.mean(g, axis=axis, keepdims=True, where=y > 0)
    np.testing.assert_allclose(pull(g)[0], np.where(y > 0, g - mean, 0), atol=1e-12)


def test_sparsemax_is_a_share_also_of_what_is_far_apart():
    x = np.array([[1.0, 0.9, -3.0], [1e308, -1e308, 0.0]])
    np.testing.assert_allclose(activations.sparsemax(x), [[0.55, 0.45, 0], [1, 0, 0]])


def test_halves_need_an_even_axis():
    with pytest.raises(ShapeError, match="glu: expected an even axis -1, received shape"):
        activations.glu(np.ones((2, 3)))


def test_what_get_takes():
    assert activations.get(None, "test") is activations.linear
    assert activations.get(np.tanh, "test") is np.tanh
    assert activations.get("swish", "test") is activations.silu
    described = {"class_name": "function", "config": "relu", "registered_name": "function"}
    assert activations.get(described) is activations.relu


@pytest.mark.parametrize("axis", [1, -2])
@pytest.mark.parametrize("name", ["glu", "sparsemax"])
def test_an_axis_without_numbers_is_refused(name, axis):
    with pytest.raises(ShapeError, match=f"{name}: axis {axis} holds no numbers"):
        getattr(cr.activations, name)(np.ones(4), axis=axis)
    with pytest.raises(ShapeError, match=f"{name}: axis -1 holds no numbers"):
        getattr(cr.activations, name)(1.0)


def test_what_get_refuses():
    with pytest.raises(UnknownNameError, match="did you mean 'sigmoid'"):
        activations.get("sigmoyd", "test")
    for other in (3, float):
        with pytest.raises(DataError, match="test: an activation must be a name"):
            activations.get(other, "test")


@pytest.mark.parametrize("bad", [np.nan, np.inf, "1", True])
@pytest.mark.parametrize(
    ("name", "option"),
    [
        ("relu", "negative_slope"), ("relu", "max_value"), ("relu", "threshold"), ("elu", "alpha"),
        ("leaky_relu", "negative_slope"), ("celu", "alpha"), ("squareplus", "b"),
        ("soft_shrink", "threshold"), ("hard_shrink", "threshold"),
    ],
)  # fmt: skip
def test_options_must_be_numbers(name, option, bad):
    with pytest.raises(DataError, match=f"{name}: {option} must be a finite number"):
        getattr(activations, name)([1.0], **{option: bad})


def test_options_out_of_range_are_refused():
    for call in (
        partial(activations.celu, alpha=0.0), partial(activations.squareplus, b=0.0),
        partial(activations.relu, max_value=-1.0), partial(activations.soft_shrink, threshold=-1.0),
        partial(activations.gelu, approximate="yes"),
    ):  # fmt: skip
        with pytest.raises(DataError, match="must be"):
            call([1.0])


def test_what_is_no_number_is_refused():
    with pytest.raises(DataError, match="silu: x must hold numbers"):
        activations.silu(["a"])
