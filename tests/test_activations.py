"""Activations, with Keras as the judge of values and slopes."""

import inspect
from functools import partial

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest

import chainrule as cr
from chainrule import activations
from chainrule.activations import ACTIVATIONS
from chainrule.errors import DataError, ShapeError, UnknownNameError

ROWS = ["softmax", "log_softmax"]
CASES = [
    *((name, {}) for name in ACTIVATIONS if name not in ROWS),
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


def grid(dtype, has_zero):
    """From zero to the largest float, between the kinks."""
    most = np.finfo(dtype).max
    sizes = [1e-30, 1e-7, 0.003, 0.2, 0.7, 1.1, 1.7, 2.9, 3.3, 4.6, 5.8, 6.7, 12, 25, 80, 200, 1e4]
    x = np.array([*sizes, 1e30, float(most) / 2, float(most)], dtype)
    return np.concatenate([-x[::-1], np.zeros(int(has_zero), dtype), x])


def judged(name, options, x):
    """Keras's values and slopes, in the precision of ``x``."""
    whole = jnp.tanh if name == "tanh" else getattr(keras.activations, name)
    function = partial(whole, **options)  # Keras's tanh makes float32 of float64
    with jax.enable_x64(x.dtype == np.float64):
        value = function(jnp.asarray(x))
        slope = jax.vmap(jax.grad(lambda t: function(t)))(jnp.asarray(x))
        return np.asarray(value), np.asarray(slope)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("name", "options"), CASES, ids=str)
def test_values_and_slopes_as_in_keras(name, options, dtype):
    x = grid(dtype, has_zero="shrink" not in name and "threshold" not in options)
    value, pull = cr.vjp(partial(ACTIVATIONS.get(name, activations.threshold), **options), x)
    (slope,) = pull(np.ones_like(x))
    assert (value.dtype, slope.dtype) == (dtype, dtype)
    assert not np.isnan(value).any()
    assert not np.isnan(slope).any()
    # In gelu's slope what 1 + tanh has lost near -6 is multiplied by 13, in Keras and here.
    tolerance = {"rtol": 200 * np.finfo(dtype).eps, "atol": 50 * np.finfo(dtype).eps}
    expected, theirs = judged(name, options, x)
    assert expected.dtype == dtype
    # Where Keras overflows on its way to a finite number it has no say.
    known = (np.isfinite(expected) | (value == expected)) & ~np.isnan(theirs)
    assert known[np.abs(x) < 1e9].all()
    np.testing.assert_allclose(value[known], expected[known], **tolerance)
    np.testing.assert_allclose(slope[known], theirs[known], **tolerance)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("axis", [-1, 0])
@pytest.mark.parametrize("name", ROWS)
def test_rows_as_in_keras(name, axis, dtype):
    x = np.concatenate([grid(dtype, True)[1:-1]] * 3).reshape(-1, 3)
    weights = np.random.default_rng(0).normal(size=x.shape).astype(dtype)
    function = partial(getattr(activations, name), axis=axis)
    judge = partial(getattr(keras.activations, name), axis=axis)
    with jax.enable_x64(dtype == "float64"):
        expected, back = jax.vjp(judge, jnp.asarray(x))
        slopes = back(jnp.asarray(weights))[0]
    value, pull = cr.vjp(function, x)
    assert value.dtype == dtype
    tolerance = {"rtol": 200 * np.finfo(dtype).eps, "atol": 20 * np.finfo(dtype).eps}
    np.testing.assert_allclose(value, np.asarray(expected), **tolerance)
    np.testing.assert_allclose(np.squeeze(pull(weights)), np.asarray(slopes), **tolerance)


@pytest.mark.parametrize("name", ROWS)
def test_an_axis_that_is_not_there_is_refused(name):
    with pytest.raises(ShapeError, match="axis 2 holds no classes"):
        getattr(activations, name)(np.ones((2, 3)), axis=2)


@pytest.mark.parametrize("name", [n for n in ACTIVATIONS if n not in ("swish", "hard_swish")])
def test_arguments_and_defaults_are_keras(name):
    ours, theirs = (
        [p.default for p in inspect.signature(getattr(room, name)).parameters.values()]
        for room in (activations, keras.activations)
    )
    assert ours == theirs


def test_names_are_keras():
    left_out = {"glu", "sparsemax", "sparse_plus", "sparse_sigmoid", "threshold"}
    names = {
        name for name, value in vars(keras.activations).items() if inspect.isfunction(value)
    } - {"get", "serialize", "deserialize"}
    assert names == set(ACTIVATIONS) | left_out


@pytest.mark.parametrize("name", list(ACTIVATIONS))
def test_nan_is_not_hidden(name):
    with np.errstate(invalid="ignore"):
        assert np.isnan(ACTIVATIONS[name](np.array([np.nan, 1.0]))[0])


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


def test_what_get_takes():
    assert activations.get(None, "test") is activations.linear
    assert activations.get(np.tanh, "test") is np.tanh
    assert activations.get("swish", "test") is activations.silu


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
