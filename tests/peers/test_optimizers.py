"""Optimizers, with Keras as the judge."""

import inspect

import jax
import keras
import numpy as np
import pytest
from tests.test_optimizers import AVERAGES, NAMES, STEPS, VARIANTS, followed, gradients, start

from chainrule import optimizers

pytestmark = pytest.mark.usefixtures("exact_judge")
CLIPS = [{}, {"clipnorm": 0.7}, {"clipvalue": 0.2}, {"global_clipnorm": 0.9}]
DECAYS = [{}, {"weight_decay": 0.02}]
SCHEDULES = [None, "ExponentialDecay"]
# All pairs of a way of clipping, a decay and a schedule.
COMBINED = [
    ({**clip, **decay}, SCHEDULES[(i + j) % 2])
    for i, clip in enumerate(CLIPS)
    for j, decay in enumerate(DECAYS)
]


def judged(optimizer):
    """The same by Keras."""
    params = [keras.Variable(value) for value in start()]
    with jax.disable_jit():  # which would compile each of the forty anew
        for step in range(STEPS):
            optimizer.apply([keras.ops.convert_to_tensor(g) for g in gradients(step)], params)
    during = [np.asarray(value) for value in params]
    optimizer.finalize_variable_values(params)
    return during, [np.asarray(value) for value in params]


def assert_as_in_keras(name, options, schedule=None):
    ours, theirs = dict(options), dict(options)
    if schedule:
        arguments = (options["learning_rate"], 9, 0.8)
        ours["learning_rate"] = getattr(optimizers, schedule)(*arguments)
        theirs["learning_rate"] = getattr(keras.optimizers.schedules, schedule)(*arguments)
    mine = followed(getattr(optimizers, name)(**ours))
    judge = judged(getattr(keras.optimizers, name)(**theirs))
    for part, other in zip(mine, judge, strict=True):
        for w, expected in zip(part, other, strict=True):
            np.testing.assert_allclose(w, expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(("more", "schedule"), COMBINED, ids=str)
@pytest.mark.parametrize(("name", "options"), VARIANTS, ids=str)
def test_forty_updates_as_in_keras(name, options, more, schedule):
    assert_as_in_keras(name, {**options, **more}, schedule)


@pytest.mark.parametrize("averages", AVERAGES, ids=str)
@pytest.mark.parametrize(("name", "options"), VARIANTS, ids=str)
def test_averages_and_accumulated_gradients_as_in_keras(name, options, averages):
    assert_as_in_keras(name, {**options, **averages})


def test_a_schedule_counts_batches_where_gradients_accumulate():
    assert_as_in_keras("SGD", {"learning_rate": 0.1, **AVERAGES[2]}, "InverseTimeDecay")


@pytest.mark.parametrize("name", NAMES)
def test_arguments_and_defaults_are_keras(name):
    ours = getattr(optimizers, name)().get_config()
    parameters = inspect.signature(getattr(keras.optimizers, name)).parameters
    theirs = {key: p.default for key, p in parameters.items() if key != "kwargs"}
    assert set(ours) - set(theirs) == {"l2"}
    assert set(theirs) - set(ours) == {"name", "loss_scale_factor"}
    assert all(ours[key] == theirs[key] for key in set(ours) & set(theirs))
