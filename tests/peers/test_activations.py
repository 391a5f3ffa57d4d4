"""Activations, with Keras as the judge."""

import inspect
from functools import cache, partial

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest
from tests.nn.test_activations import CASES, ROWS

import chainrule as cr
from chainrule import activations
from chainrule.activations import ACTIVATIONS


def grid(dtype):
    """From zero to the largest float, between the kinks."""
    most = np.finfo(dtype).max
    sizes = [1e-30, 1e-7, 0.003, 0.2, 0.7, 1.1, 1.7, 2.9, 3.3, 4.6, 5.8, 6.7, 12, 25, 80, 200, 1e4]
    x = np.array([*sizes, 1e30, float(most) / 2, float(most)], dtype)
    return np.concatenate([-x[::-1], np.zeros(1, dtype), x])


@cache
def judged(dtype):
    """Keras's values and slopes of every case, in this precision; compiled as one."""

    def found(f, x):
        return f(x), jax.vmap(jax.grad(lambda t: f(t)))(x)

    functions = [
        # Keras's tanh makes float32 of float64.
        partial(jnp.tanh if name == "tanh" else getattr(keras.activations, name), **options)
        for name, options in CASES
    ]
    with jax.enable_x64(dtype == "float64"):
        # As by default: with less, what tanh gives is a rounding away from 1.
        compiled = jax.jit(lambda x: [found(f, x) for f in functions]).lower(grid(dtype))
        return compiled.compile({"xla_backend_optimization_level": 1})(grid(dtype))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("number", range(len(CASES)), ids=lambda i: f"{CASES[i][0]}-{CASES[i][1]}")
def test_values_and_slopes_as_in_keras(number, dtype):
    name, options = CASES[number]
    has_zero = "shrink" not in name and "threshold" not in options
    x = grid(dtype)
    chosen = (x != 0) | has_zero
    x, (expected, theirs) = x[chosen], (np.asarray(part)[chosen] for part in judged(dtype)[number])
    value, pull = cr.vjp(partial(ACTIVATIONS.get(name, activations.threshold), **options), x)
    (slope,) = pull(np.ones_like(x))
    assert (value.dtype, slope.dtype) == (dtype, dtype)
    assert not np.isnan(value).any()
    assert not np.isnan(slope).any()
    # In gelu's slope what 1 + tanh has lost near -6 is multiplied by 13, in Keras and here.
    tolerance = {"rtol": 200 * np.finfo(dtype).eps, "atol": 50 * np.finfo(dtype).eps}
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
    x = np.concatenate([grid(dtype)[1:-1]] * 3).reshape(-1, 3)
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


@pytest.mark.parametrize(
    ("name", "axis"),
    [
        ("softmax", (1, 2)),
        ("log_softmax", (0, 2)),
        ("glu", -1),
        ("glu", 0),
    ],
)
def test_values_and_slopes_along_axes_as_in_keras(name, axis):
    x = np.random.default_rng(1).normal(size=(2, 3, 4))
    with jax.enable_x64(True):
        expected, back = jax.vjp(partial(getattr(keras.activations, name), axis=axis), x)
        weights = np.random.default_rng(0).normal(size=expected.shape)
        slopes = back(jnp.asarray(weights))[0]
    value, pull = cr.vjp(partial(getattr(activations, name), axis=axis), x)
    np.testing.assert_allclose(value, np.asarray(expected), rtol=1e-12)
    np.testing.assert_allclose(pull(weights)[0], np.asarray(slopes), rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("name", [n for n in ACTIVATIONS if n not in ("swish", "hard_swish")])
def test_arguments_and_defaults_are_keras(name):
    ours, theirs = (
        [p.default for p in inspect.signature(getattr(room, name)).parameters.values()]
        for room in (activations, keras.activations)
    )
    assert ours == theirs


def test_names_are_keras():
    left_out = {"threshold"}  # needs two options
    names = {
        name for name, value in vars(keras.activations).items() if inspect.isfunction(value)
    } - {"get", "serialize", "deserialize"}
    assert names == set(ACTIVATIONS) | left_out
