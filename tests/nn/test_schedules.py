"""Schedules of the learning rate."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule as cr
from chainrule import optimizers, schedules
from chainrule._src.base.config import made, plain
from chainrule.errors import DataError

SCHEDULES = [
    ("ExponentialDecay", {"decay_steps": 20, "decay_rate": 0.5}),
    ("ExponentialDecay", {"decay_steps": 20, "decay_rate": 0.5, "staircase": True}),
    ("InverseTimeDecay", {"decay_steps": 15, "decay_rate": 0.5}),
    ("InverseTimeDecay", {"decay_steps": 15, "decay_rate": 0.5, "staircase": True}),
    ("PolynomialDecay", {"decay_steps": 40}),
    ("PolynomialDecay", {"decay_steps": 40, "end_learning_rate": 0.01, "power": 2.0}),
    ("PolynomialDecay", {"decay_steps": 17, "power": 0.5, "cycle": True}),
    ("CosineDecay", {"decay_steps": 40}),
    ("CosineDecay", {"decay_steps": 40, "alpha": 0.1, "warmup_target": 0.2, "warmup_steps": 10}),
    ("CosineDecay", {"decay_steps": 40, "warmup_target": 0.2}),
    ("CosineDecayRestarts", {"first_decay_steps": 7}),
    ("CosineDecayRestarts", {"first_decay_steps": 9, "t_mul": 1.0, "m_mul": 0.8, "alpha": 0.1}),
    ("CosineDecayRestarts", {"first_decay_steps": 5.5, "t_mul": 1.5, "m_mul": 0.9}),
]
OURS = [
    ("CosineLog", {"decay_steps": 40}),
    ("FlatCosine", {"decay_steps": 40, "flat": 0.25}),
]


@given(first=st.integers(1, 50), t_mul=st.integers(2, 7), restarts=st.integers(0, 8))
def test_a_restart_is_never_missed(first, t_mul, restarts):
    rate = schedules.CosineDecayRestarts(1.0, first, t_mul)
    at = first * sum(t_mul**i for i in range(restarts))
    assert rate(at) == pytest.approx(1)


@pytest.mark.parametrize(("name", "options"), SCHEDULES + OURS, ids=str)
def test_a_description_makes_the_same_again(name, options):
    schedule = getattr(schedules, name)(0.1, **options)
    again = made(plain(schedule))
    assert type(again) is type(schedule)
    assert [again(step) for step in range(50)] == [schedule(step) for step in range(50)]


@pytest.mark.parametrize("cycles", [1, 3, 4])
def test_each_cycle_of_cosines_is_twice_as_long_and_reaches_the_top(cycles):
    rate = schedules.CosineLog(0.3, 2**cycles - 1, cycles)
    ends = 2.0 ** np.arange(cycles + 1) - 1
    np.testing.assert_allclose(rate(ends), 0, atol=1e-12)
    np.testing.assert_allclose(rate((ends[:-1] + 1) * 2**0.5 - 1), 0.3)
    assert rate(2**cycles * 9) == pytest.approx(0)


def test_the_newest_schedule_compiles():
    def loss(w, X):
        return np.mean((X @ w) ** 2)

    X = np.random.default_rng(0).normal(size=(20, 3))
    rule = cr.optimizers.SGD(schedules.CosineDecayRestarts(0.1, 3))
    one, other = (
        cr.minimize(
            loss, np.ones(3), X, optimizer=rule, batch_size=5, epochs=4, seed=0, engine=engine
        )[0]
        for engine in ("numpy", "compiled")
    )
    np.testing.assert_allclose(one, other, rtol=1e-10)


@pytest.mark.parametrize(("name", "options"), SCHEDULES + OURS, ids=str)
@given(
    data=st.data(), bad=st.sampled_from([np.nan, np.inf, -1.0, "1", True, [1.0], -np.inf, 1 + 1j])
)
def test_numbers_out_of_range_are_refused(name, options, data, bad):
    kind = getattr(schedules, name)
    flags = {"staircase", "cycle"}
    option = data.draw(st.sampled_from([*options.keys() - flags, "initial_learning_rate"]))
    with pytest.raises(DataError, match=f"{name}: {option} must be a finite number"):
        kind(**{"initial_learning_rate": 0.1, **options, option: bad})


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("CosineDecay", (0.1, 0), "decay_steps must be a finite number above 0"),
        ("CosineDecay", (0.1, 9, 0.0, None, 5), "needs a warmup_target"),
        ("CosineDecayRestarts", (0.1, 9, 0.5), "t_mul must be a finite number of at least 1"),
        ("ExponentialDecay", (0.1, 9, 0.5, "yes"), "staircase must be True or False"),
        ("PiecewiseConstantDecay", ([1], [0.1]), "one value more"),
        ("PiecewiseConstantDecay", ([3, 1], [0.1, 0.2, 0.3]), "boundaries must rise"),
        ("PiecewiseConstantDecay", ([np.nan], [0.1, 0.2]), "boundaries must be a finite number"),
    ],
)
def test_contradictions_are_refused(name, arguments, words):
    with pytest.raises(DataError, match=words):
        getattr(schedules, name)(*arguments)


def test_a_schedule_has_a_name():
    assert schedules.ExponentialDecay(0.1, 10, 0.5).name == "exponential_decay"
    assert schedules.PiecewiseConstantDecay([1], [0.1, 0.2], name="mine").name == "mine"


def test_a_schedule_starts_from_the_learning_rate_of_an_optimizer():
    rate = optimizers.Adam(0.003).learning_rate
    assert schedules.PolynomialDecay(rate, 4).initial_learning_rate == 0.003
