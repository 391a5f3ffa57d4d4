"""Penalties on weights, with Keras as the judge."""

import functools
import inspect

import jax
import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from tests.nn.test_regularizers import CASES

import chainrule as cr
from chainrule import regularizers

MATRICES = arrays(
    "f4",
    st.sampled_from([(2, 2), (3, 4), (5, 2)]),
    elements=st.floats(0.0625, 8, width=32) | st.floats(-8, -0.0625, width=32),
)


@functools.cache
def judge(number):
    name, options = CASES[number]
    penalty = getattr(keras.regularizers, name)(**options)
    return jax.jit(jax.value_and_grad(lambda w: penalty(w)))


@pytest.mark.parametrize("number", range(len(CASES)), ids=lambda i: f"{CASES[i][0]}-{CASES[i][1]}")
@given(w=MATRICES)
def test_penalties_and_gradients_as_in_keras(number, w):
    name, options = CASES[number]
    ours = getattr(regularizers, name)(**options)
    penalty, gradient = cr.value_and_grad(ours)(w)
    expected, theirs = judge(number)(w)
    assert (np.asarray(penalty).dtype, gradient.dtype) == ("f4", "f4")
    np.testing.assert_allclose(penalty, expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(gradient, theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["L1", "L2", "L1L2", "OrthogonalRegularizer"])
def test_arguments_and_defaults_are_keras(name):
    parameters = inspect.signature(getattr(keras.regularizers, name)).parameters.values()
    assert getattr(regularizers, name)().get_config() == {p.name: p.default for p in parameters}
