"""Schedules of the learning rate, with Keras as the judge."""

import jax
import keras
import numpy as np
import pytest
from tests.nn.test_schedules import SCHEDULES

from chainrule import schedules


@pytest.mark.parametrize(("name", "options"), SCHEDULES, ids=str)
def test_schedules_as_in_keras(name, options):
    judge = getattr(keras.optimizers.schedules, name)(0.1, **options)
    ours = getattr(schedules, name)(0.1, **options)
    expected = jax.jit(jax.vmap(judge))(np.arange(90))
    for step, rate in enumerate(expected):
        np.testing.assert_allclose(ours(np.float64(step)), rate, rtol=1e-5, atol=1e-7)


def test_pieces_as_in_keras():
    judge = keras.optimizers.schedules.PiecewiseConstantDecay([10, 30], [0.1, 0.05, 0.01])
    ours = schedules.PiecewiseConstantDecay([10, 30], [0.1, 0.05, 0.01])
    for step in range(40):
        np.testing.assert_allclose(ours(step), np.asarray(judge(step)), rtol=1e-6)
