"""Members of a sweep are trained as they would be one by one, bit for bit."""

import json
import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier

import chainrule as cr
from chainrule._src.base.validation import check_seed, seeded
from chainrule._src.sweeps import structure, trained
from chainrule._src.sweeps.building import Fold
from chainrule._src.sweeps.fleet import Fleet
from chainrule._src.sweeps.lanes import beside
from chainrule._src.sweeps.member import Member, TrainingTask
from chainrule._src.sweeps.numbers import Scope, value_for

X, y = load_digits(return_X_y=True)
X = (X / 16).astype(np.float32)
FOLDS = [Fold((X[:96], y[:96]), (X[96:140], y[96:140]))]
dense, softmax = cr.layers.Dense, cr.layers.Dense(10, activation="softmax")


def model(*layers, optimizer="sgd", loss="sparse_categorical_crossentropy", **options):
    made = cr.Sequential([*layers, dense(10, activation="softmax")], **options)
    made.compile(optimizer, loss, ["accuracy"], engine="compiled")
    return made


def plain(lr):
    return model(dense(8, activation="tanh"), optimizer=cr.optimizers.SGD(lr, momentum=0.9))


def powers(a, b):
    return model(dense(8), optimizer=cr.optimizers.Adam(10**a, beta_1=1 - b, epsilon=b / 1e6))


def decayed(rate, noise, decay, l2, scale):
    """Chance, penalties and first weights that depend on settings."""
    start = cr.initializers.RandomNormal(stddev=scale)
    return model(
        dense(8, "relu", kernel_initializer=start, kernel_regularizer=cr.regularizers.L2(l2)),
        cr.layers.Dropout(rate), cr.layers.GaussianNoise(noise),
        optimizer=cr.optimizers.AdamW(0.01, weight_decay=decay),
    )  # fmt: skip


def scheduled(first, rate, momentum, slope):
    rates = cr.schedules.ExponentialDecay(first, 5, rate)
    return model(
        dense(8), cr.layers.BatchNormalization(momentum=momentum), cr.layers.LeakyReLU(slope),
        optimizer=cr.optimizers.RMSprop(rates, centered=True),
    )  # fmt: skip


def smoothed(smoothing, clip, ema, lr):
    made = cr.Sequential([dense(8), dense(10, activation="softmax")])
    made.compile(
        cr.optimizers.SGD(lr, 0.9, clipnorm=clip, use_ema=True, ema_momentum=ema),
        cr.losses.CategoricalCrossentropy(label_smoothing=smoothing), ["accuracy"],
        engine="compiled",
    )  # fmt: skip
    return made


def built(lr):
    return model(cr.layers.Input((64,)), dense(8), optimizer=cr.optimizers.Adagrad(lr), seed=3)


def branching(lr):
    return plain(lr) if lr > 0.05 else model(dense(4), optimizer=cr.optimizers.SGD(lr))


def clipped(lr):
    return plain(min(lr, 0.1) * np.float64(2))


def one_by_one(build, member, epochs, targets, batch_size=32, fold=FOLDS[0]):
    """Train a member by itself; return its weights and scores."""
    train, held = fold
    with seeded(member.seed):
        made = build(**member.settings)
        history = made.fit(train[0], targets[:96], epochs=epochs, batch_size=batch_size)
    made.engine = "numpy"  # another kernel would take long to compile
    held_targets = targets[96 : 96 + len(held[0])]
    scores = made.evaluate(held[0], held_targets, batch_size=batch_size, return_dict=True)
    return made, history.history["loss"], {f"val_{name}": score for name, score in scores.items()}


def checked(build, found):
    """Return the outcomes to hold against fits of their own, which take most of the time.

    What a member shares with the first depends on the build, so the last one is checked. What it
    shares with one of the same seed does not, but for first weights that depend on settings.
    """
    return found[1:] if build is decayed else found[-1:]


def same(outcome, alone):
    made, losses, scores = alone
    assert outcome.error == ""
    assert outcome.losses[0] == losses[-len(outcome.losses[0]) :]
    kept = outcome.checkpoint[0]
    if not getattr(made.optimizer, "use_ema", False):
        for name, weight in made.network.params.items():
            np.testing.assert_array_equal(kept["params"][name], weight)
        for name, weight in made.network.state.items():
            np.testing.assert_array_equal(kept["layers"][name], weight)
    for name, score in scores.items():
        assert outcome.scores[name] == pytest.approx(score, rel=1e-6), name


@pytest.mark.sampled(quick=2)
@pytest.mark.parametrize(
    ("build", "low", "high", "batch_size"),
    [  # a kernel of 32 takes twice as long to compile as one of single samples
        (powers, 0.02, 0.4, 32), (decayed, 0.05, 0.5, 32), (smoothed, 0.05, 0.5, 32),
        (built, 0.001, 0.1, 1), (branching, 0.01, 0.2, 1), (clipped, 0.01, 0.2, 1),
    ],
)  # fmt: skip
def test_members_have_the_bits_of_their_own_fit(build, low, high, batch_size):
    rng = np.random.default_rng(0)
    names = build.__code__.co_varnames[: build.__code__.co_argcount]
    targets = np.eye(10, dtype=np.float32)[y] if build is smoothed else y
    folds = [Fold((X[:96], targets[:96]), (X[96:140], targets[96:140]))]
    members = [
        Member(n, {name: float(rng.uniform(low, high)) for name in names}, seed=n // 2)
        for n in range(3)
    ]
    fleet = Fleet(build, folds, batch_size, workers=2)
    found = list(fleet.run([TrainingTask(member, 4) for member in members]))
    assert [outcome.member for outcome in found] == members
    assert fleet.structures == (2 if build in (branching, clipped) else 1)
    for outcome in checked(build, found):
        same(outcome, one_by_one(build, outcome.member, 4, targets, batch_size))


LAYERS = {
    "dense": lambda a: dense(7, activation="tanh"),
    "penalized": lambda a: dense(5, kernel_regularizer=cr.regularizers.L2(a / 100)),
    "dropout": cr.layers.Dropout, "noise": cr.layers.GaussianNoise,
    "norm": lambda a: cr.layers.BatchNormalization(momentum=1 - a),
}  # fmt: skip
RATES = {
    "cosine": lambda b: cr.schedules.CosineDecay(b, 9),
    "polynomial": lambda b: cr.schedules.PolynomialDecay(b, 9, b / 10),
}  # fmt: skip


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("names", "rate", "optimizer", "size"),
    [
        (["penalized", "norm"], "cosine", cr.optimizers.RMSprop, 19),
        (["dropout", "dense", "noise"], "polynomial", cr.optimizers.AdamW, 19),
    ],
)
def test_structures_of_all_parts_have_the_bits_of_their_own_fit(names, rate, optimizer, size):
    """Batches of 19 leave one sample over, which a kernel for more does not hold for."""
    folds = [Fold(FOLDS[0].train, (X[96:134], y[96:134]))]

    def build(a, b):
        rates = RATES[rate](b / 20)
        return model(*(LAYERS[name](a) for name in names), optimizer=optimizer(rates))

    members = [Member(n, {"a": 0.1 + 0.13 * n, "b": 0.7 - 0.3 * n}, seed=n % 2) for n in range(2)]
    fleet = Fleet(build, folds, size, workers=2)
    *_, last = fleet.run([TrainingTask(member, 2) for member in members])
    same(last, one_by_one(build, last.member, 2, y, size, folds[0]))
    assert fleet.structures == 1


def rule(make):
    return lambda a, b: model(dense(8, activation="tanh"), optimizer=make(a, b))


def penalized(a, b):
    return model(
        dense(8, kernel_regularizer=cr.regularizers.L1L2(b / 100, b / 100)),
        optimizer=cr.optimizers.SGD(a, clipvalue=b / 10),
    )


RULES = {
    "rho": rule(lambda a, b: cr.optimizers.RMSprop(a / 20, rho=1 - b / 3)),
    "rho of Adadelta": rule(lambda a, b: cr.optimizers.Adadelta(a, rho=1 - b / 3)),
    "beta_2": rule(lambda a, b: cr.optimizers.Nadam(a / 20, beta_2=1 - b / 10)),
    "penalties": rule(lambda a, b: cr.optimizers.Ftrl(a, -0.5, 0.1, b / 100, b / 100)),
    "clipvalue, L1L2": penalized,
}


@pytest.mark.sampled(quick=1)
@pytest.mark.parametrize(
    ("name", "batch_size"),
    [
        ("rho", 1), ("rho of Adadelta", 32), ("beta_2", 1), ("penalties", 32),
        ("clipvalue, L1L2", 1), ("clipvalue, L1L2", 32),
    ],
)  # fmt: skip
def test_numbers_within_a_rule_give_the_bits_of_constants(name, batch_size):
    members = [Member(n, {"a": 0.1 + 0.13 * n, "b": 0.7 - 0.3 * n}, seed=n) for n in range(2)]
    fleet = Fleet(RULES[name], FOLDS, batch_size, workers=1)
    *_, last = fleet.run([TrainingTask(member, 2) for member in members])
    same(last, one_by_one(RULES[name], last.member, 2, y, batch_size))
    assert fleet.structures == 1


def members_of(build, count=4, **settings):
    names = build.__code__.co_varnames[: build.__code__.co_argcount]
    return [
        Member(n, dict.fromkeys(names, 0.1 + 0.05 * n) | settings, seed=n) for n in range(count)
    ]


@pytest.mark.thorough
def test_who_goes_on_from_a_checkpoint_has_the_bits_of_one_run():
    members = [Member(m.number, m.settings, m.number // 2) for m in members_of(decayed)]
    fleet = Fleet(decayed, FOLDS, 32, workers=2)
    whole = list(fleet.run([TrainingTask(member, 5) for member in members]))
    first = list(fleet.run([TrainingTask(member, 2) for member in members]))
    other = Fleet(decayed, FOLDS, 32, workers=1)
    rest = list(other.run([TrainingTask(o.member, 5, o.checkpoint) for o in reversed(first)]))[::-1]
    for a, b, c in zip(whole, first, rest, strict=True):
        assert a.scores == c.scores
        assert a.losses[0] == b.losses[0] + c.losses[0]


def test_each_fold_is_trained_and_the_scores_are_means():
    folds = [FOLDS[0], Fold((X[48:140], y[48:140]), (X[:48], y[:48]))]
    member = members_of(plain)[0]
    (found,) = Fleet(plain, folds, 32).run([TrainingTask(member, 3)])
    alone = [next(iter(Fleet(plain, [fold], 32).run([TrainingTask(member, 3)]))) for fold in folds]
    assert found.folds["val_accuracy"] == [each.scores["val_accuracy"] for each in alone]
    assert found.scores["val_loss"] == np.mean([each.scores["val_loss"] for each in alone])


def small(rate):
    return model(dense(6, activation="relu"), optimizer=cr.optimizers.Adam(rate))


@pytest.fixture
def at_once(monkeypatch):
    monkeypatch.setattr(structure, "SOME", 2)
    monkeypatch.setattr(structure, "MANY", 0)


def are_beside(fleet):
    return [each._beside for known in fleet._structures.values() for each in known]


@pytest.mark.sampled(quick=1)
@pytest.mark.parametrize("build", [powers, decayed, scheduled, smoothed])
def test_members_side_by_side_have_the_bits_of_their_own_fit(build, at_once):
    names = build.__code__.co_varnames[: build.__code__.co_argcount]
    targets = np.eye(10, dtype=np.float32)[y] if build is smoothed else y
    folds = [Fold((X[:96], targets[:96]), (X[96:140], targets[96:140]))]
    members = [Member(n, dict.fromkeys(names, 0.05 + 0.1 * n), seed=0) for n in range(3)]
    fleet = Fleet(build, folds, 1, workers=1, width=4)  # a kernel of 32 takes long to compile
    found = list(fleet.run([TrainingTask(member, 2) for member in members]))
    assert True in are_beside(fleet)
    for outcome in checked(build, found):
        same(outcome, one_by_one(build, outcome.member, 2, targets, batch_size=1))


@pytest.mark.thorough  # many trainings
def test_side_by_side_each_has_the_same_bits_whoever_is_beside_it(at_once):
    members = [Member(n, {"rate": 10.0 ** (n % 3 - 3) * (1 + n / 9)}, seed=n // 36)
               for n in range(40)]  # fmt: skip
    members[3].settings["rate"] = 1e30
    tasks = [TrainingTask(member, 3) for member in members]
    fleet = Fleet(small, FOLDS, 1)
    found, alone = list(fleet.run(tasks)), list(Fleet(small, FOLDS, 1, width=1).run(tasks))
    again = list(fleet.run(tasks[7:1:-1]))[::-1]
    assert [outcome.member for outcome in found] == members
    assert are_beside(fleet) == [True]
    for a, b in zip(found, alone, strict=True):
        assert (a.losses, repr(a.scores), a.error) == (b.losses, repr(b.scores), b.error)
    for a, b in zip(found[2:8], again, strict=True):
        assert (a.losses, repr(a.scores)) == (b.losses, repr(b.scores))
    assert found[3].error.startswith("DivergenceError: the loss became NaN or infinite in epoch 1")


@pytest.mark.thorough
def test_side_by_side_goes_on_from_checkpoints(at_once):
    members = [Member(n, {"rate": 0.001 * (n + 1)}, seed=0) for n in range(6)]
    fleet = Fleet(small, FOLDS, 1)
    whole = list(fleet.run([TrainingTask(member, 4) for member in members]))
    first = list(fleet.run([TrainingTask(member, 2) for member in members]))
    rest = list(fleet.run([TrainingTask(o.member, 4, o.checkpoint) for o in first[2:]]))
    assert are_beside(fleet) == [True]
    assert [o.scores for o in whole[2:]] == [o.scores for o in rest]


def test_who_would_have_other_bits_side_by_side_is_trained_alone(at_once, monkeypatch):
    def other(step, width):  # a unit in the last place
        def steps(carry, *data):
            value, changed = beside(step, width)(carry, *data)
            params = {n: w * np.float32(1 + 1e-7) for n, w in changed["params"].items()}
            return value, {**changed, "params": params}

        return step if width == 1 else steps

    monkeypatch.setattr(structure, "beside", other)
    tasks = [TrainingTask(Member(n, {"rate": 0.001 * (n + 1)}, seed=0), 2) for n in range(3)]
    fleet = Fleet(small, FOLDS, 1, width=4)
    found = list(fleet.run(tasks))
    assert are_beside(fleet) == [False]
    alone = list(Fleet(small, FOLDS, 1, width=1).run(tasks))
    assert [o.scores for o in found] == [o.scores for o in alone]


def sized(a, hidden, **more):
    return model(dense(hidden), optimizer=cr.optimizers.SGD(a))


def test_what_build_does_not_take_is_told_to_the_training():
    def build(a):
        return plain(a)

    members = [Member(n, {"a": 0.1, "batch_size": size}, 0) for n, size in enumerate([8, 32])]
    found = list(Fleet(build, FOLDS, 4).run([TrainingTask(member, 2) for member in members]))
    for outcome, size in zip(found, [8, 32], strict=True):
        (alone,) = Fleet(build, FOLDS, size).run([TrainingTask(Member(0, {"a": 0.1}, 0), 2)])
        assert outcome.losses == alone.losses
    (wrong,) = Fleet(build, FOLDS, 4).run(
        [TrainingTask(Member(0, {"a": 0.1, "batchsize": 3}, 0), 2)]
    )
    assert "batch_size" in wrong.error


def rooted(a):
    return plain(math.sqrt(a))


def texted(a):
    return plain(float(f"{a:.1f}"))


@pytest.mark.parametrize("build", [rooted, texted])
def test_what_makes_a_plain_number_of_a_setting_is_built_for_each(build):
    members = members_of(build, 3)
    fleet = Fleet(build, FOLDS, 1, workers=1)
    for outcome in fleet.run([TrainingTask(member, 2) for member in members]):
        same(outcome, one_by_one(build, outcome.member, 2, y, batch_size=1))
    assert fleet.structures == 3


def typed(a):
    return plain(a if isinstance(a, float) else 0.3)


def typed_above(a):
    return plain((a if isinstance(a, float) else 0.3) if a != 0.1 else a)


def right_for_the_first(a):
    return plain(a if type(a) is float else 0.1)


def weighted(a):
    made = model(
        cr.layers.Input((64,)), dense(8, "tanh"), optimizer=cr.optimizers.SGD(a, momentum=0.9)
    )
    made.set_weights([np.full_like(w, 0.01) for w in made.get_weights()])
    return made


def of_a_dict(a):
    return plain({0.1: 0.2, 0.15: 0.05}.get(a, 0.01))


def momentum_by_type(a):
    return plain(0.1) if a < 0 else model(
        dense(8, "tanh"),
        optimizer=cr.optimizers.SGD(0.1, momentum=a if type(a) is float else 0.9),
    )  # fmt: skip


def decay_by_type(a):
    d = a * 9 if type(a) is float else 0.0
    return model(dense(4), optimizer=cr.optimizers.SGD(lambda step: 0.1 / (1 + d * step)))


def by_its_text(a):
    return model(dense(4), cr.layers.Dropout(len(repr(a)) / 40))


def by_json(a):
    return plain(json.loads(json.dumps({"a": a}))["a"])


def by_method(a):
    return plain(0.1 if a.is_integer() else a)


@pytest.mark.sampled(quick=2)
@pytest.mark.parametrize(
    "build",
    [typed, typed_above, right_for_the_first, weighted, of_a_dict, momentum_by_type, decay_by_type,
     by_its_text, by_json, by_method],
)  # fmt: skip
def test_what_numbers_cannot_know_is_found_by_trying(build):
    fleet = Fleet(build, FOLDS, 1, workers=1)
    _, other = fleet.run([TrainingTask(member, 2) for member in members_of(build, 2)])
    same(other, one_by_one(build, other.member, 2, y, batch_size=1))


HELD = {}


class Scaled(cr.layers.Layer):
    def call(self, x):
        return x * HELD["k"]


def through_a_global(a, k, hidden):
    HELD["k"] = k
    return model(Scaled(), dense(hidden), optimizer=cr.optimizers.SGD(a))


@pytest.mark.thorough  # one more structure
def test_what_a_build_leaves_elsewhere_is_its_own():
    members = [
        Member(n, {"a": 0.1 + 0.02 * n, "k": 0.5 + 0.1 * n, "hidden": 3 + n % 2}, 0)
        for n in range(3)
    ]
    found = list(Fleet(through_a_global, FOLDS, 1).run([TrainingTask(m, 2) for m in members]))
    for outcome in found[::2]:  # the first build is followed by others, the last by none
        same(outcome, one_by_one(through_a_global, outcome.member, 2, y, batch_size=1))


def spread_by(a, weights):
    return plain(a * float(weights[100]))


def test_settings_that_look_alike_are_told_apart():
    arrays = [np.r_[np.zeros(3), np.full(1994, i + 1.0), np.zeros(3)] for i in range(3)]
    members = [Member(n, {"a": 0.05, "weights": arrays[n % 3]}, 0) for n in range(6)]
    for outcome in Fleet(spread_by, FOLDS, 1).run([TrainingTask(m, 2) for m in members]):
        same(outcome, one_by_one(spread_by, outcome.member, 2, y, batch_size=1))


def failing(a):
    if a > 0.2:
        raise ValueError("too much")
    rate = a * (1e30 if a > 0.12 else 1)
    return model(dense(8, activation="relu"), optimizer=cr.optimizers.SGD(rate))


def test_one_that_fails_ends_alone():
    found = list(Fleet(failing, FOLDS, 1).run([TrainingTask(m, 3) for m in members_of(failing)]))
    kinds = [outcome.error.partition(":")[0] for outcome in found]
    assert kinds == ["", "DivergenceError", "DivergenceError", "ValueError"]
    assert found[3].error == "ValueError: too much"


def test_one_that_fails_on_a_fold_has_a_score_of_none(monkeypatch):
    trains, calls = trained._epochs, []

    def fails(*args):
        calls.append(args)
        if len(calls) == 2:
            raise MemoryError("full")
        return trains(*args)

    monkeypatch.setattr(trained, "_epochs", fails)
    folds = [FOLDS[0], Fold((X[48:140], y[48:140]), (X[:48], y[:48]))]
    one, other = Fleet(plain, folds, 32, workers=1).run(
        [TrainingTask(m, 2) for m in members_of(plain, 2)]
    )
    assert (one.error, one.scores, one.folds, one.checkpoint) == ("MemoryError: full", {}, {}, None)
    assert (other.error, len(other.folds["val_loss"])) == ("", 2)


def line(rate, slope):
    def loss(params, X, y):
        return np.mean((X @ params["w"] * slope + params["b"] - y) ** 2)

    def error(params, X, y):
        return np.mean(np.abs(X @ params["w"] * slope + params["b"] - y))

    params = {"w": np.zeros(64), "b": np.zeros(())}
    return loss, params, cr.optimizers.SGD(rate / 10), {"error": error}


def test_a_loss_with_parameters_is_trained_as_by_minimize():
    fold = Fold((X[:96].astype(float), y[:96] / 10), (X[96:140].astype(float), y[96:140] / 10))
    fleet = Fleet(line, [fold], 32)
    for outcome in fleet.run([TrainingTask(member, 3) for member in members_of(line)]):
        loss, params, optimizer, metrics = line(**outcome.member.settings)
        params, history = cr.minimize(
            loss, params, *fold.train, optimizer=optimizer, epochs=3, seed=outcome.member.seed,
            engine="compiled", validation_data=fold.held,
        )  # fmt: skip
        np.testing.assert_array_equal(outcome.checkpoint[0]["params"]["w"], params["w"])
        assert outcome.losses[0] == history.history["loss"]
        assert outcome.scores["val_loss"] == pytest.approx(history.history["val_loss"][-1])
        assert outcome.scores["val_error"] == pytest.approx(metrics["error"](params, *fold.held))
    assert fleet.structures == 1


def forest(depth):
    return RandomForestClassifier(5, max_depth=depth)


def test_an_estimator_fits_itself():
    member = Member(0, {"depth": 3}, seed=5)
    (outcome,) = Fleet(forest, FOLDS, 32).run([TrainingTask(member, 1)])
    (train, held) = FOLDS[0]
    alone = RandomForestClassifier(5, max_depth=3, random_state=5).fit(*train)
    assert outcome.scores == {"val_score": alone.score(*held)}


@given(
    a=st.floats(0.01, 0.9),
    b=st.floats(0.01, 0.9),
    steps=st.lists(
        st.sampled_from([
            lambda x, b: x * b, lambda x, b: 1 - x, lambda x, b: 2.0**x, lambda x, b: x / 3,
            lambda x, b: np.log10(abs(x) + 1), lambda x, b: max(x, b), lambda x, b: -x + b,
            lambda x, b: x if x > b else x * 2, lambda x, b: abs(x) ** 0.5,
            lambda x, b: round(x, 2), lambda x, b: x // 0.1, lambda x, b: np.float64(x),
            lambda x, b: np.minimum(x, 0.5),
        ]), max_size=6,
    ),
)  # fmt: skip
def test_numbers_are_computed_as_plain_ones(a, b, steps):
    def compute(a, b):
        for step in steps:
            a = step(a, b)
        return a

    scope = Scope({"a": 0.3, "b": 0.2})
    found = compute(**scope.numbers())
    member = {"a": a, "b": b}
    if scope.admits(member):
        value, wanted = value_for(found, member), compute(a, b)
        assert repr(value) == repr(wanted)


def test_seeds_of_members_are_nobody_elses():
    before = cr.Sequential(seed=None).rng.bit_generator.seed_seq.entropy
    with seeded(5), ThreadPoolExecutor(1) as other:
        assert check_seed(None, "here").bit_generator.seed_seq.entropy == 5
        there = other.submit(check_seed, None, "there").result()
        assert there.bit_generator.seed_seq.entropy not in (5, before)
