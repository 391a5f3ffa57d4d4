"""Optimizers, with Keras as the judge."""

import functools
import inspect

import jax
import keras
import numpy as np
import pytest
from tests.nn.test_optimizers import AVERAGES, NAMES, STEPS, VARIANTS, followed, gradients, start

from chainrule import optimizers

pytestmark = pytest.mark.usefixtures("exact_judge")
CLIPS = [{}, {"clipnorm": 0.7}, {"clipvalue": 0.2}, {"global_clipnorm": 0.9}]
DECAYS = [{}, {"weight_decay": 0.02}]
SCHEDULES = [None, "ExponentialDecay"]
WAYS = {
    # All pairs of a way of clipping, a decay and a schedule.
    "clipped": [
        ({**clip, **decay}, SCHEDULES[(i + j) % 2])
        for i, clip in enumerate(CLIPS)
        for j, decay in enumerate(DECAYS)
    ],
    "averaged": [(averages, None) for averages in AVERAGES],
    "counted": [(AVERAGES[2], "InverseTimeDecay")],
}


def made(room, schedules, variant, more, schedule):
    name, options = variant
    if schedule:
        rate = getattr(schedules, schedule)(options["learning_rate"], 9, 0.8)
        options = {**options, "learning_rate": rate}
    return getattr(room, name)(**{**options, **more})


@functools.cache
def judged(variant, ways):
    """The same by Keras for several ways, compiled as one."""
    rules = [
        made(keras.optimizers, keras.optimizers.schedules, VARIANTS[variant], *way)
        for way in WAYS[ways]
    ]
    params = [[keras.Variable(value) for value in start()] for _ in rules]
    for rule, variables in zip(rules, params, strict=True):
        rule.build(variables)

    def step(before, slopes):
        return [
            rule.stateless_apply(state, slopes, values)
            for rule, (values, state) in zip(rules, before, strict=True)
        ], None

    @jax.jit
    def forty(before, slopes):
        return jax.lax.scan(step, before, slopes)[0]

    before = [(values_of(p), values_of(r.variables)) for p, r in zip(params, rules, strict=True)]
    slopes = [np.stack(part) for part in zip(*map(gradients, range(STEPS)), strict=True)]
    found = []
    for rule, variables, (values, state) in zip(rules, params, forty(before, slopes), strict=True):
        for variable, value in zip([*variables, *rule.variables], [*values, *state], strict=True):
            variable.assign(value)
        during = values_of(variables)
        rule.finalize_variable_values(variables)
        found.append((during, values_of(variables)))
    return found


def values_of(variables):
    return [variable.value for variable in variables]


def assert_as_in_keras(variant, ways, way):
    mine = followed(made(optimizers, optimizers, VARIANTS[variant], *WAYS[ways][way]))
    for part, other in zip(mine, judged(variant, ways)[way], strict=True):
        for w, expected in zip(part, other, strict=True):
            np.testing.assert_allclose(w, expected, rtol=1e-10, atol=1e-10)


each_variant = pytest.mark.parametrize(
    "variant", range(len(VARIANTS)), ids=[f"{name}-{options}" for name, options in VARIANTS]
)


@pytest.mark.parametrize("way", range(8), ids=lambda way: str(WAYS["clipped"][way]))
@each_variant
def test_forty_updates_as_in_keras(variant, way):
    assert_as_in_keras(variant, "clipped", way)


@pytest.mark.parametrize("way", range(4), ids=lambda way: str(WAYS["averaged"][way][0]))
@each_variant
def test_averages_and_accumulated_gradients_as_in_keras(variant, way):
    assert_as_in_keras(variant, "averaged", way)


def test_a_schedule_counts_batches_where_gradients_accumulate():
    assert_as_in_keras(0, "counted", 0)


@pytest.mark.parametrize("name", NAMES)
def test_arguments_and_defaults_are_keras(name):
    ours = getattr(optimizers, name)().get_config()
    parameters = inspect.signature(getattr(keras.optimizers, name)).parameters
    theirs = {key: p.default for key, p in parameters.items() if key != "kwargs"}
    assert set(ours) - set(theirs) == {"l2", "learning_rate_multipliers"}
    assert set(theirs) - set(ours) == set()
    assert all(ours[key] == theirs[key] for key in set(theirs) - {"name"})
