"""Optimizers and schedules, with Keras as the judge."""

import keras
import numpy as np
import pytest

from chainrule import optimizers
from chainrule.errors import DataError, UnknownNameError

CLIPS = [{}, {"clipnorm": 0.7}, {"clipvalue": 0.2}, {"global_clipnorm": 0.9}]
CASES = [
    ("SGD", {"learning_rate": 0.1}),
    ("SGD", {"learning_rate": 0.1, "momentum": 0.9}),
    ("SGD", {"learning_rate": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01}),
    *(("SGD", {"learning_rate": 0.2, "momentum": 0.5, **clip}) for clip in CLIPS[1:]),
    ("RMSprop", {}),
    ("RMSprop", {"rho": 0.8, "momentum": 0.6}),
    ("RMSprop", {"centered": True, "learning_rate": 0.01}),
    ("RMSprop", {"centered": True, "momentum": 0.6, "weight_decay": 0.02}),
    ("Adam", {}),
    ("Adam", {"beta_1": 0.8, "beta_2": 0.99, "epsilon": 1e-3, "learning_rate": 0.02}),
    ("Adam", {"amsgrad": True, "learning_rate": 0.01}),
    *(("Adam", {"learning_rate": 0.02, **clip}) for clip in CLIPS[1:]),
    ("AdamW", {}),
    ("AdamW", {"weight_decay": 0.1, "learning_rate": 0.02, "amsgrad": True}),
    ("Adagrad", {}),
    ("Adagrad", {"initial_accumulator_value": 0.5, "learning_rate": 0.1}),
]


@pytest.mark.parametrize(("name", "options"), CASES, ids=lambda case: str(case))
def test_forty_steps_as_in_keras(name, options):
    rng = np.random.default_rng(0)
    params = [rng.normal(size=(3, 4)).astype("f4"), rng.normal(size=4).astype("f4")]
    theirs = [keras.Variable(value) for value in params]
    judge = getattr(keras.optimizers, name)(**options)
    ours = getattr(optimizers, name)(**options)
    state = ours.init(params)
    for step in range(40):
        scale = 1 + step % 3
        gradients = [(rng.normal(size=np.shape(v)) * scale).astype("f4") for v in params]
        params, state = ours.update(params, gradients, state)
        judge.apply([keras.ops.convert_to_tensor(g) for g in gradients], theirs)
    for mine, other in zip(params, theirs, strict=True):
        assert mine.dtype == np.float32
        np.testing.assert_allclose(mine, np.asarray(other), rtol=1e-5, atol=2e-6)


SCHEDULES = [
    ("ExponentialDecay", (0.1, 20, 0.5)),
    ("ExponentialDecay", (0.1, 20, 0.5, True)),
    ("InverseTimeDecay", (0.1, 15, 0.5)),
    ("InverseTimeDecay", (0.1, 15, 0.5, True)),
    ("PolynomialDecay", (0.1, 40, 0.01, 2.0)),
    ("CosineDecay", (0.1, 40)),
    ("CosineDecay", (0.0, 40, 0.1, "", 0.2, 10)),
    ("PiecewiseConstantDecay", ([10, 30], [0.1, 0.05, 0.01])),
]


@pytest.mark.parametrize(("name", "arguments"), SCHEDULES, ids=lambda case: str(case))
def test_schedules_as_in_keras(name, arguments):
    judge = getattr(keras.optimizers.schedules, name)(*arguments)
    mine = [argument for argument in arguments if argument != ""]
    ours = getattr(optimizers, name)(*mine)
    for step in range(60):
        np.testing.assert_allclose(
            ours(np.float64(step)), np.asarray(judge(step)), rtol=2e-6, atol=1e-8
        )


def test_l2_is_the_gradient_of_the_penalty():
    w, g = np.array([1.0, -2.0]), np.array([0.5, 0.5])
    sgd = optimizers.SGD(0.1, l2=0.3)
    np.testing.assert_allclose(sgd.update(w, g, sgd.init(w))[0], w - 0.1 * (g + 0.3 * w))


def test_the_state_can_be_read():
    adam = optimizers.Adam()
    params = {"W": np.ones((2, 2)), "b": np.zeros(2)}
    state = adam.init(params)
    assert sorted(state) == ["iteration", "learning_rate", "m", "v"]
    assert state["m"]["W"].shape == (2, 2)
    _, state = adam.update(params, params, state)
    assert state["iteration"] == 1


def test_refusals():
    with pytest.raises(DataError, match="one way of clipping"):
        optimizers.SGD(clipnorm=1.0, clipvalue=1.0)
    with pytest.raises(DataError, match="learning_rate"):
        optimizers.Adam(-1.0)
    with pytest.raises(DataError, match="momentum"):
        optimizers.SGD(momentum=1.5)
    with pytest.raises(UnknownNameError, match="did you mean 'adam'"):
        optimizers.get("adaam", "test")
    with pytest.raises(DataError, match="one value more"):
        optimizers.PiecewiseConstantDecay([1], [0.1])
    own = optimizers.Optimizer(0.1)
    with pytest.raises(NotImplementedError, match="must define step"):
        own.update(np.ones(2), np.ones(2), own.init(np.ones(2)))
