"""Optimizers: engines agree, averages, options."""

import functools
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule as cr
from chainrule import optimizers
from chainrule._src.base.config import made, plain
from chainrule._src.compile.running import recorded as recording
from chainrule._src.core.trees import map_leaves
from chainrule.errors import ChainruleError, DataError, ReadOnlyError, UnknownNameError

STEPS = 40
VARIANTS = [
    ("SGD", {"learning_rate": 0.1}),
    ("SGD", {"learning_rate": 0.1, "momentum": 0.9}),
    ("SGD", {"learning_rate": 0.1, "momentum": 0.9, "nesterov": True}),
    ("RMSprop", {"learning_rate": 0.01}),
    ("RMSprop", {"learning_rate": 0.01, "rho": 0.8, "momentum": 0.6}),
    ("RMSprop", {"learning_rate": 0.01, "centered": True}),
    ("RMSprop", {"learning_rate": 0.01, "centered": True, "momentum": 0.6}),
    ("Adam", {"learning_rate": 0.02}),
    ("Adam", {"learning_rate": 0.02, "beta_1": 0.8, "beta_2": 0.99, "amsgrad": True}),
    ("AdamW", {"learning_rate": 0.02}),
    ("AdamW", {"learning_rate": 0.02, "epsilon": 1e-3, "amsgrad": True}),
    ("Adagrad", {"learning_rate": 0.1, "initial_accumulator_value": 0.5}),
    ("Adadelta", {"learning_rate": 0.9, "rho": 0.8, "epsilon": 1e-3}),
    ("Adamax", {"learning_rate": 0.02, "beta_1": 0.8}),
    ("Nadam", {"learning_rate": 0.02}),
    ("Lion", {"learning_rate": 0.01}),
    ("Lamb", {"learning_rate": 0.02}),
    ("ScheduleFreeAdamW", {"learning_rate": 0.02}),
    ("ScheduleFreeAdamW", {"learning_rate": 0.02, "beta_1": 0.7, "warmup_steps": 5}),
    ("Muon", {"learning_rate": 0.02}),
    ("Muon", {"learning_rate": 0.02, "nesterov": False, "rms_rate": None, "ns_steps": 3,
              "adam_lr_ratio": 0.5, "adam_weight_decay": 0.1}),
    ("Adafactor", {"learning_rate": 0.1}),
    ("Adafactor", {
        "learning_rate": 0.1, "beta_2_decay": -0.6, "epsilon_1": 1e-3, "epsilon_2": 0.1,
        "clip_threshold": 0.7,
    }),
    ("Ftrl", {"learning_rate": 0.1}),
    ("Ftrl", {
        "learning_rate": 0.1, "learning_rate_power": -0.7, "initial_accumulator_value": 0.3,
        "l1_regularization_strength": 0.4, "l2_regularization_strength": 0.1,
        "l2_shrinkage_regularization_strength": 0.05, "beta": 0.2,
    }),
]  # fmt: skip
AVERAGES = [
    {"use_ema": True, "ema_momentum": 0.9},
    {"use_ema": True, "ema_momentum": 0.8, "ema_overwrite_frequency": 7},
    {"gradient_accumulation_steps": 3},
    {
        "gradient_accumulation_steps": 2, "use_ema": True, "ema_momentum": 0.7,
        "ema_overwrite_frequency": 3, "clipnorm": 0.7, "weight_decay": 0.02,
    },
]  # fmt: skip
NAMES = sorted({name for name, _ in VARIANTS})


def start():
    rng = np.random.default_rng(0)
    return [rng.normal(size=(3, 4)), rng.normal(size=4)]


@functools.cache
def gradients(step):
    rng = np.random.default_rng(step + 1)
    return [rng.normal(size=w.shape) * (1 + step % 3) for w in start()]


def followed(optimizer):
    """Forty updates: the parameters, and what training would end with."""
    params = start()
    state = optimizer.init(params)
    for step in range(STEPS):
        params, state = optimizer.update(params, gradients(step), state)
    return params, optimizer.finalize_variable_values(params, state)


def compiled_cases():
    """Return each rule with two averages, and with further options as it is."""
    cases = {}
    for name, options in VARIANTS:
        if name not in ("SGD", "RMSprop", "Adam", "AdamW", "Adagrad"):
            extras = [{}] if name in cases else AVERAGES[1:3]
            cases.setdefault(name, []).extend((name, options, extra) for extra in extras)
    return [case for of_name in cases.values() for case in of_name]


@pytest.mark.sampled(quick=10)
@pytest.mark.parametrize(("name", "options", "extra"), compiled_cases(), ids=str)
def test_compiled_as_in_numpy(name, options, extra):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 3))
    y = X @ [1.0, -2.0, 3.0]

    def loss(params, X, y):
        return np.mean((X @ params["w"] + params["b"] - y) ** 2)

    def trained(engine):
        rule = getattr(optimizers, name)(**options, **extra)
        params = {"w": np.ones(3), "b": np.zeros(())}
        return cr.minimize(
            loss, params, X, y, optimizer=rule, epochs=3, batch_size=4, seed=0, engine=engine
        )[0]

    one, other = trained("numpy"), trained("compiled")
    assert not np.allclose(one["w"], 1)
    for key, value in one.items():
        np.testing.assert_allclose(other[key], value, rtol=1e-9, atol=1e-12)


def test_the_decay_of_weights_may_follow_a_schedule():
    def shrunk(decay):
        rule, w = optimizers.SGD(0.1, weight_decay=decay), {"w": np.ones(1)}
        state = rule.init(w)
        for _ in range(3):
            w, state = rule.update(w, {"w": np.zeros(1)}, state)
        return w["w"]

    np.testing.assert_allclose(shrunk(lambda step: 0.5 - 0.25 * step), 0.95 * 0.975)
    np.testing.assert_allclose(shrunk(0.5), 0.95**3)


@pytest.mark.parametrize("factors", [["w"], {"(": 2.0}, {3: 1.0}, {"w": -1.0}, {"w": "2"}], ids=str)
def test_bad_multipliers_are_refused(factors):
    with pytest.raises(DataError, match="learning_rate_multipliers"):
        optimizers.Adam(learning_rate_multipliers=factors)


@pytest.mark.parametrize(("name", "options"), VARIANTS, ids=str)
def test_float32_stays_float32(name, options):
    schedule = optimizers.ExponentialDecay(0.1, 9, 0.8)
    rule = getattr(optimizers, name)(**{**options, **AVERAGES[3], "learning_rate": schedule})
    params, state = np.ones(3, "f4"), rule.init(np.ones(3, "f4"))
    for _ in range(2):
        params, state = rule.update(params, np.ones(3, "f4"), state)
    assert params.dtype == rule.finalize_variable_values(params, state).dtype == np.float32


def test_training_ends_with_the_averages():
    def loss(w, X):
        return np.mean((X - w) ** 2)

    X = np.arange(6.0)
    options = {"epochs": 2, "batch_size": 3, "shuffle": False}
    rule = optimizers.SGD(0.1, use_ema=True, ema_momentum=0.5)
    plain_w = []
    w, _ = cr.minimize(loss, np.array(0.0), X, optimizer=rule, **options)
    average = value = 0.0
    for step in range(4):
        value -= 0.1 * 2 * (value - X[3 * (step % 2) :][:3].mean())
        average = 0.5 * average + 0.5 * value if step else value
        plain_w.append(value)
    np.testing.assert_allclose(w, average)
    assert w != pytest.approx(plain_w[-1])


def test_without_an_update_there_is_no_average():
    rule = optimizers.SGD(use_ema=True)
    assert rule.finalize_variable_values(np.ones(2), rule.init(np.ones(2))).all()


@pytest.mark.parametrize("name", NAMES)
def test_another_learning_rate_is_the_same_program(name, monkeypatch):
    programs = {}
    monkeypatch.setattr(recording, "_programs", programs)
    kind = getattr(optimizers, name)

    def recorded(rule):
        cr.minimize(
            lambda w, X: np.mean((X - w) ** 2), np.ones(()), np.arange(6.0),
            optimizer=rule, epochs=1, batch_size=6, engine="numpy",
        )  # fmt: skip
        return len(programs)

    assert [recorded(kind(0.1)), recorded(kind(0.2)), recorded(kind(0.1, clipnorm=1.0))] == [
        1,
        1,
        2,
    ]
    schedules = [optimizers.ExponentialDecay(rate, 10, 0.5) for rate in (0.1, 0.1, 0.2)]
    assert [recorded(kind(schedule)) for schedule in schedules] == [3, 3, 4]


@pytest.mark.parametrize(("name", "options"), VARIANTS, ids=str)
def test_a_description_makes_the_same_again(name, options):
    schedule = optimizers.CosineDecay(0.1, 30, 0.2, warmup_target=0.3, warmup_steps=5)
    rule = getattr(optimizers, name)(**{**options, "learning_rate": schedule, "use_ema": True})
    again = made(plain(rule))
    assert repr(again) == repr(rule)
    for mine, other in zip(followed(rule), followed(again), strict=True):
        np.testing.assert_array_equal(mine[0], other[0])


def test_the_text_of_an_optimizer_is_what_makes_it():
    assert repr(optimizers.Adam(0.01, amsgrad=True)) == "Adam(learning_rate=0.01, amsgrad=True)"


def test_l2_is_the_gradient_of_the_penalty():
    w, g = np.array([1.0, -2.0]), np.array([0.5, 0.5])
    sgd = optimizers.SGD(0.1, l2=0.3)
    np.testing.assert_allclose(sgd.update(w, g, sgd.init(w))[0], w - 0.1 * (g + 0.3 * w))


def test_lamb_takes_a_ratio_of_one_where_a_norm_is_zero():
    lamb = optimizers.Lamb(0.1)
    for w, g in ((np.zeros(2), np.ones(2)), (np.ones(2), np.zeros(2))):
        expected = w - 0.1 * np.sign(g)
        np.testing.assert_allclose(lamb.update(w, g, lamb.init(w))[0], expected, atol=1e-6)


def test_ftrl_leaves_weights_at_zero_that_gradients_do_not_justify():
    ftrl = optimizers.Ftrl(0.1, l1_regularization_strength=1.0)
    w = ftrl.update(np.zeros(2), np.array([0.9, 1.5]), ftrl.init(np.zeros(2)))[0]
    assert w[0] == 0 != w[1]


def test_the_state_can_be_read():
    adam = optimizers.Adam(use_ema=True, gradient_accumulation_steps=2)
    params = {"W": np.ones((2, 2)), "b": np.zeros(2)}
    state = adam.init(params)
    assert sorted(state) == ["accumulated", "ema", "iteration", "learning_rate", "m", "v"]
    assert state["m"]["W"].shape == (2, 2)
    _, state = adam.update(params, params, state)
    assert state["iteration"] == 1


NUMBERS = {
    "SGD": ["momentum"],
    "RMSprop": ["rho", "momentum", "epsilon"],
    "Adam": ["beta_1", "beta_2", "epsilon"],
    "AdamW": ["beta_1", "beta_2", "epsilon"],
    "Adagrad": ["initial_accumulator_value", "epsilon"],
    "Adadelta": ["rho", "epsilon"],
    "Adamax": ["beta_1", "beta_2", "epsilon"],
    "Nadam": ["beta_1", "beta_2", "epsilon"],
    "Lion": ["beta_1", "beta_2"],
    "Lamb": ["beta_1", "beta_2", "epsilon"],
    "ScheduleFreeAdamW": ["beta_1", "beta_2", "epsilon", "warmup_steps"],
    "Muon": ["adam_beta_1", "adam_beta_2", "epsilon", "momentum", "adam_lr_ratio"],
    "Adafactor": ["epsilon_1", "epsilon_2", "clip_threshold"],
    "Ftrl": [
        "initial_accumulator_value", "l1_regularization_strength", "l2_regularization_strength",
        "l2_shrinkage_regularization_strength", "beta",
    ],
}  # fmt: skip
SHARED = [
    "learning_rate", "weight_decay", "clipnorm", "clipvalue", "global_clipnorm", "ema_momentum",
    "ema_overwrite_frequency", "gradient_accumulation_steps", "l2",
]  # fmt: skip
BAD = st.one_of(
    st.sampled_from([np.nan, np.inf, -np.inf, True, "0.1", [0.1], 1j]),
    st.floats(max_value=-1e-9, allow_nan=False),
)


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
def test_numbers_out_of_range_are_refused(name, data):
    option = data.draw(st.sampled_from([*NUMBERS[name], *SHARED]))
    with pytest.raises(DataError, match=rf"{name}: {option} must be"):
        getattr(optimizers, name)(**{option: data.draw(BAD), "use_ema": True})


@pytest.mark.parametrize(
    ("name", "option"),
    [("SGD", "nesterov"), ("RMSprop", "centered"), ("Adam", "amsgrad"), ("Lion", "use_ema")],
)
@given(value=st.sampled_from(["yes", 1, 0.0, None, np.nan]))
def test_flags_are_true_or_false(name, option, value):
    with pytest.raises(DataError, match=f"{name}: {option} must be True or False"):
        getattr(optimizers, name)(**{option: value})


@pytest.mark.parametrize("name", NAMES)
@given(word=st.from_regex(r"[a-z]{3,12}", fullmatch=True))
def test_unknown_options_are_refused(name, word):
    kind = getattr(optimizers, name)
    if word not in kind().get_config():
        with pytest.raises(UnknownNameError, match=f"argument of {name}"):
            kind(**{word: 0.1})


@given(st.sets(st.sampled_from(["clipnorm", "clipvalue", "global_clipnorm"]), min_size=2))
def test_two_ways_of_clipping_are_refused(names):
    with pytest.raises(DataError, match="one way of clipping"):
        optimizers.Nadam(**dict.fromkeys(names, 1.0))


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("SGD", {"momentum": 1.0}, "momentum must be .* below 1"),
        ("SGD", {"clipnorm": 0.0}, "clipnorm must be a finite number above 0"),
        ("SGD", {"ema_overwrite_frequency": 3}, "needs use_ema=True"),
        ("SGD", {"gradient_accumulation_steps": 1}, "at least 2"),
        ("AdamW", {"weight_decay": None}, "AdamW: weight_decay must be"),
        ("Lion", {"beta_1": 0.0}, "beta_1 must be a finite number above 0 and below 1"),
        ("Ftrl", {"learning_rate": 0.0}, "learning_rate must be above 0"),
        ("Ftrl", {"learning_rate_power": 0.5}, "at most 0"),
        ("Ftrl", {"learning_rate_power": np.nan}, "must be a finite number, received nan"),
    ],
)
def test_contradictions_are_refused(name, options, words):
    with pytest.raises(DataError, match=words):
        getattr(optimizers, name)(**options)


def test_every_name_gives_its_optimizer():
    for name, kind in optimizers.OPTIMIZERS.items():
        assert type(optimizers.get(name.upper(), "test")) is kind
        assert type(optimizers.get({"class_name": kind.__name__, "config": {}})) is kind
    own = optimizers.SGD(0.3)
    assert optimizers.get(own, "test") is own


@pytest.mark.parametrize("other", [3, None, optimizers.SGD])
def test_what_is_no_optimizer_is_refused(other):
    with pytest.raises(DataError, match="test: optimizer must be a name"):
        optimizers.get(other, "test")


def test_an_unknown_name_is_refused_with_the_closest():
    with pytest.raises(UnknownNameError, match="did you mean 'adam'") as caught:
        optimizers.get("adaam", "test")
    assert isinstance(caught.value, ChainruleError)


def test_an_optimizer_of_ones_own_needs_a_step():
    own = optimizers.Optimizer(0.1)
    with pytest.raises(NotImplementedError, match="must define step"):
        own.update(np.ones(2), np.ones(2), own.init(np.ones(2)))


def test_the_learning_rate_is_a_number_and_a_variable():
    rule = optimizers.SGD(0.5)
    rate = rule.learning_rate
    rate.assign(rate / 2)
    assert float(rate) == rule.learning_rate == rate.numpy() == rate.value == 0.25
    rule.learning_rate = np.array(0.125)
    assert (rate * 8, 1 - rate, round(rate, 1), f"{rate:.2f}") == (1.0, 0.875, 0.1, "0.12")
    assert rule.get_config()["learning_rate"] == 0.125
    with pytest.raises(DataError, match="learning_rate must be a finite number"):
        rate.assign(np.nan)


def test_the_learning_rate_of_a_schedule_is_read_alone():
    rule = optimizers.Adam(optimizers.PiecewiseConstantDecay([2], [0.5, 0.25]))
    optimizers.count(rule, {"iteration": 3})
    assert (float(rule.learning_rate), int(rule.iterations)) == (0.25, 3)
    for setting in (rule.learning_rate.assign, lambda rate: setattr(rule, "learning_rate", rate)):
        with pytest.raises(TypeError, match="follows PiecewiseConstantDecay"):
            setting(0.1)
    with pytest.raises(ReadOnlyError, match="counted by training"):
        rule.iterations.assign(0)


def test_some_parameters_are_not_decayed():
    rule = optimizers.AdamW(0.1, weight_decay=0.5)
    rule.exclude_from_weight_decay(var_names=["bias", "^b_"])
    params = {"dense_bias": np.ones(2), "W": np.ones(2), "parts": [{"b_h": np.ones(2)}]}
    gradients = {"dense_bias": np.zeros(2), "W": np.zeros(2), "parts": [{"b_h": np.zeros(2)}]}
    new, _ = rule.update(params, gradients, rule.init(params))
    assert (new["dense_bias"][0], new["W"][0], new["parts"][0]["b_h"][0]) == (1, 0.95, 1)


def test_what_is_not_decayed_is_kept_in_the_config_and_in_files(tmp_path):
    rule = optimizers.AdamW(0.1, weight_decay=0.5)
    rule.exclude_from_weight_decay(var_names=["bias"])
    config = json.loads(json.dumps(rule.get_config()))
    model = cr.Sequential([cr.layers.Input((2,)), cr.layers.Dense(1)])
    model.compile(rule, "mse")
    model.save(tmp_path / "model")
    made = [optimizers.AdamW.from_config(config), cr.load_model(tmp_path / "model").optimizer]
    for again in made:
        params, zeros = {"bias": np.ones(1), "W": np.ones(1)}, {"bias": [0.0], "W": [0.0]}
        new, _ = again.update(params, map_leaves(np.array, zeros), again.init(params))
        assert (new["bias"][0], new["W"][0]) == (1, 0.95)
    with pytest.raises(DataError, match="must be regular expressions"):
        optimizers.AdamW.from_config({**config, "exclude_from_weight_decay": ["("]})


def test_a_learning_rate_from_a_function_without_arguments():
    rule = optimizers.SGD(lambda: 0.5)
    assert float(rule.learning_rate) == 0.5
    new, _ = rule.update(np.ones(2), np.ones(2), rule.init(np.ones(2)))
    np.testing.assert_array_equal(new, 0.5)


def test_an_optimizer_has_a_name():
    assert optimizers.RMSprop().name == "rm_sprop"
    assert optimizers.SGD(name="mine").get_config()["name"] == "mine"


def test_iterations_are_updates():
    rule = optimizers.SGD(gradient_accumulation_steps=2)
    optimizers.count(rule, {"iteration": 5})
    assert int(rule.iterations) == 2


def test_names_of_keras_that_are_missing_are_refused_with_advice():
    assert optimizers.schedules.ExponentialDecay is optimizers.ExponentialDecay
    with pytest.raises(AttributeError, match="has no 'MultiOptimizer'; one optimizer"):
        _ = optimizers.MultiOptimizer
    with pytest.raises(AttributeError, match=r"has no 'nonsense'$"):
        _ = optimizers.nonsense


def test_muon_leaves_what_is_named_to_adam():
    params = {"dense_kernel": np.ones((3, 2)), "embedding_embeddings": np.ones((3, 2))}
    g = {name: np.arange(6.0).reshape(3, 2) + 1 for name in params}
    for options, same in (({}, []), ({"exclude_layers": ["^dense"]}, ["dense_kernel"])):
        rule = optimizers.Muon(**options)
        new, _ = rule.update(params, g, rule.init(params))
        adam = optimizers.AdamW()
        expected, _ = adam.update(params, g, adam.init(params))
        for name in params:
            is_adams = name in ("embedding_embeddings", *same)
            assert np.allclose(new[name], expected[name], rtol=1e-9) == is_adams


def test_adadelta_keeps_running_means_of_squares_of_gradients_and_of_changes():
    rule, w = optimizers.Adadelta(1.0, rho=0.9, epsilon=0.01), np.array(3.0)
    slots = rule.init(w)
    expected, grads, deltas = 3.0, 0.0, 0.0
    for g in (4.0, -1.0, 2.0):
        w, slots = rule.update(w, np.array(g), slots)
        grads = 0.9 * grads + 0.1 * g**2
        delta = np.sqrt(deltas + 0.01) / np.sqrt(grads + 0.01) * g
        deltas = 0.9 * deltas + 0.1 * delta**2
        expected -= delta
        assert w == pytest.approx(expected, rel=1e-12)
