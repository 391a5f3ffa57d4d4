import functools
import os
import warnings
from unittest import mock

import matplotlib.pyplot as plt
import numpy as np
import pandas
import pytest
from scipy import sparse
from sklearn.ensemble import BaggingClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GroupKFold, TimeSeriesSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

import chainrule as cr
from chainrule._src.sweeps.folds import folds_of
from chainrule.errors import DataError, InterruptedWarning, OptionError, UnknownNameError
from chainrule.sweeps import Choice, IntRange, LogUniform, Uniform

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 3)).astype("f4")
Y = (X[:, 0] > X[:, 1]).astype(int)
T = X @ np.array([1, -2, 0.5], "f4")


def network(lr, hidden=4):
    model = cr.Sequential([cr.layers.Dense(hidden, "tanh"), cr.layers.Dense(2, "softmax")])
    model.compile(cr.optimizers.SGD(lr), "sparse_categorical_crossentropy", ["accuracy"],
                  engine="compiled")  # fmt: skip
    return model


def squares(params, X, y):
    return np.mean((X @ params["w"] - y) ** 2)


def line(rate, start=0.0):
    if start == "nowhere":
        raise ValueError("no such place")
    return squares, {"w": np.full(3, start, "f4")}, cr.optimizers.SGD(rate)


def ridge(alpha):
    return Ridge(alpha)


RATES = {"rate": LogUniform(1e-4, 1e-1)}


def swept(build=line, space=RATES, y=T, **options):
    return cr.sweep(build, space, X, y, **{"verbose": 0, "models": 12, "epochs": 3} | options)


def test_the_best_model_is_the_one_of_its_own_fit():
    result = swept(network, {"lr": LogUniform(1e-3, 1), "hidden": [3]}, Y, models=8)
    best, (fold,) = result.best, result.folds
    cr.keras.utils.set_random_seed(0)
    alone = network(**best.settings)
    alone.fit(*fold.train, epochs=3, verbose=0, validation_data=fold.held)
    for one, other in zip(best.model.get_weights(), alone.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert best.score == alone.history.history["val_loss"][-1] == result.table["val_loss"][0]
    found = best.model.evaluate(*fold.held, return_dict=True)
    assert found["accuracy"] == pytest.approx(result.table["val_accuracy"][0])
    assert result.table["number"][0] == best.number


def test_an_ensemble_averages_the_best():
    result = swept(network, {"lr": LogUniform(1e-3, 1)}, Y, models=5, keep=2)
    models = [each.model for each in result.top(3)]  # the last one is trained again
    ensemble = result.ensemble(3)
    mean = np.mean([model.predict(X, verbose=0) for model in models], axis=0)
    np.testing.assert_allclose(ensemble.predict(X), mean, rtol=1e-5)
    scores = ensemble.evaluate(X, Y)
    assert scores["accuracy"] == pytest.approx(np.mean(mean.argmax(axis=1) == Y))
    nll = -np.log(mean[np.arange(len(Y)), Y]).mean()
    assert scores["loss"] == pytest.approx(nll, rel=1e-4)


def test_a_store_has_the_same_result_and_goes_on(tmp_path):
    plain = swept(halving=3, epochs=9)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for models in (12, None):
            kept = swept(halving=3, epochs=9, models=models, store=tmp_path / "a")
            for name, column in plain.table.items():
                np.testing.assert_array_equal(kept.table[name], column)
            np.testing.assert_array_equal(kept.best.model["w"], plain.best.model["w"])
    more = swept(halving=3, epochs=9, models=20, store=tmp_path / "a", workers=1)
    assert more.search.trained == 8 + 2
    with pytest.raises(DataError, match=r"here X to train on is .*, it was"):
        cr.sweep(line, RATES, X + 1, T, halving=3, epochs=9, verbose=0, store=tmp_path / "a")
    with pytest.raises(DataError, match=r"build is ridge .*, it was line"):
        swept(ridge, {"alpha": LogUniform(1, 2)}, halving=3, epochs=9, store=tmp_path / "a")


def test_a_grid_grows_by_what_is_new(tmp_path):
    options = {"search": "grid", "models": None, "store": tmp_path}
    first = swept(space={"rate": [0.1, 0.01], "start": [0.0, 1.0]}, **options)
    more = swept(space={"rate": [0.2, 0.1, 0.01], "start": [0.0, 1.0]}, **options)
    assert (first.search.trained, more.search.trained) == (4, 2)
    assert sorted(map(tuple, zip(more.table["rate"], more.table["start"], strict=True))) == [
        (rate, start) for rate in (0.01, 0.1, 0.2) for start in (0.0, 1.0)
    ]
    for rate, start, loss in zip(*(first.table[n] for n in ("rate", "start", "val_loss")),
                                 strict=True):  # fmt: skip
        there = (more.table["rate"] == rate) & (more.table["start"] == start)
        assert more.table["val_loss"][there] == loss


@pytest.mark.parametrize("search", ["random", "quasi"])
def test_choices_are_all_tried_also_where_they_grow(tmp_path, search):
    def tried(starts, **options):
        space = {"rate": [0.1, 0.01], "start": starts}
        found = swept(space=space, search=search, store=tmp_path, **options).table
        pairs = list(zip(found["rate"].tolist(), found["start"].tolist(), strict=True))
        assert len(set(pairs)) == len(pairs)
        return len(pairs)

    starts = [float(n) for n in range(6)]
    assert tried(starts[:3], models=4) == 4
    assert tried(starts[:3], models=6) == 6
    assert tried(starts, models=9) == 9
    assert tried(starts, models=12) == 12
    assert tried(starts, models=None) == 12


def test_what_does_not_fit_into_memory_is_refused_at_once():
    with (
        mock.patch("chainrule._src.sweeps.store.memory", return_value=100.0),
        pytest.raises(
            DataError,
            match=r"the weights of the 8 models that may go on take .* give store= a folder",
        ),
    ):
        swept()


def test_what_is_trained_does_not_hang_on_threads():
    one, two = (swept(workers=n, hyperband=True, epochs=9, seeds=2) for n in (1, 2))
    for name, column in one.table.items():
        np.testing.assert_array_equal(column, two.table[name])


def test_cross_validation_has_a_model_a_fold_and_one_of_all():
    result = swept(cv=3, models=4)
    best = result.best
    assert len(best.models) == len(result.folds) == 3
    (rung,) = result.search.rungs
    assert rung.folds["val_loss"].shape == (4, 1, 3)
    position = int(np.flatnonzero(rung.candidates == best.number)[0])
    scores = [squares(m, *fold.held) for m, fold in zip(best.models, result.folds, strict=True)]
    np.testing.assert_allclose(rung.folds["val_loss"][position, 0], scores, rtol=1e-5)
    assert best.score == pytest.approx(np.mean(scores), rel=1e-5)
    assert squares(best.model, X, T) < squares({"w": np.zeros(3)}, X, T)


def test_estimators_are_scored_by_their_own_score():
    result = swept(ridge, {"alpha": LogUniform(1e-3, 1e3)})
    assert result.monitor == "val_score"
    assert result.best.score == max(result.table["val_score"])
    assert result.best.model.score(*result.folds[0].held) == result.best.score
    np.testing.assert_allclose(
        result.ensemble(2).predict(X), np.mean([b.model.predict(X) for b in result.top(2)], axis=0)
    )


def test_what_build_raises_is_in_the_table():
    result = swept(space=RATES | {"start": [0.0, "nowhere"]})
    failed = np.array([error is not None for error in result.table["error"]])
    assert (failed == (result.table["start"] == "nowhere")).all()
    assert 0 < failed.sum() < 12
    assert not failed[: 12 - failed.sum()].any()
    assert f"12 models, {failed.sum()} failed" in repr(result)
    with pytest.raises(DataError, match="all of 12 models failed; the first: ValueError: no such"):
        swept(space=RATES | {"start": ["nowhere"]})


def test_a_loss_that_diverges_ends_alone():
    result = swept(space={"rate": [1e-2, 1e30]}, search="grid", models=None)
    assert result.table["error"].tolist()[0] is None
    assert "NaN or infinite in epoch 1" in result.table["error"][1]


def test_a_store_learns_of_seeds_and_epochs(tmp_path):
    swept(models=2, store=tmp_path)
    found = swept(space=RATES | {"seed": [5, 6], "epochs": [1, 2]}, models=6, store=tmp_path)
    table = {name: found.table[name].tolist() for name in ("number", "seed", "epochs")}
    rows = sorted(zip(*table.values(), strict=True))
    assert [row[1:] for row in rows[:2]] == [(0, 3)] * 2
    assert {row[1] for row in rows[2:]} == {5, 6}
    assert {row[2] for row in rows[2:]} <= {1, 2}
    assert found.best.seed == found.table["seed"][0]
    assert found.best.epochs == found.table["epochs"][0]


@pytest.mark.parametrize(
    "make",
    [
        lambda depth: DecisionTreeClassifier(max_depth=depth, max_features=1),
        lambda depth: make_pipeline(
            StandardScaler(), DecisionTreeClassifier(max_depth=depth, max_features=1)
        ),
        lambda depth: BaggingClassifier(DecisionTreeClassifier(max_depth=depth), 2),
    ],
)
def test_parts_of_an_estimator_have_the_seed_of_their_model(make):
    found = swept(make, {"depth": [1, 2, 3]}, Y, seeds=2, models=None)
    for best in found.top(3):
        assert best.model.score(*found.folds[0].held) in found.table["val_score"]
        again = best.models[0].predict(X)
        del vars(best)["models"]
        np.testing.assert_array_equal(best.models[0].predict(X), again)
    params = found.best.model.get_params()
    states = [v for name, v in params.items() if name.endswith("random_state")]
    assert states
    assert None not in states


@pytest.mark.parametrize("names", [[0, 1, 2], ["c", "a", "b"]])
def test_an_ensemble_knows_the_classes_of_all(names):
    labels = np.repeat(names, 20)
    found = cr.sweep(
        LogisticRegression(), {"C": [0.1, 1.0]}, X, labels, cv=GroupKFold(3), groups=labels,
        verbose=0,
    )  # fmt: skip
    ensemble = found.ensemble(2)
    assert ensemble.classes_.tolist() == sorted(names)
    shares = ensemble.predict_proba(X)
    for at, name in enumerate(sorted(names)):
        own = [m.predict_proba(X)[:, m.classes_.tolist().index(name)] if name in m.classes_
               else np.zeros(60) for m in ensemble.models]  # fmt: skip
        np.testing.assert_allclose(shares[:, at], np.mean(own, axis=0), rtol=1e-6)  # float32
    np.testing.assert_array_equal(ensemble.predict(X), np.array(sorted(names))[shares.argmax(1)])


def test_an_ensemble_of_several_targets_is_refused():
    found = cr.sweep(DecisionTreeClassifier(), {"max_depth": [1]}, X, np.c_[Y, 1 - Y], verbose=0)
    with pytest.raises(DataError, match="for one target"):
        found.ensemble()


def test_importance_finds_what_matters():
    result = swept(space=RATES | {"start": Uniform(0, 1e-6)}, models=60)
    importance = result.importance()
    assert list(importance) == ["rate", "start"]
    assert importance["rate"] > 0.9
    assert sum(importance.values()) == pytest.approx(1)
    with pytest.raises(DataError, match="too few"):
        swept(models=3).importance()


def test_nothing_is_important_where_scores_are_luck():
    """Three settings that a build ignores shared all of it, in the order of the grid."""
    rng = np.random.default_rng(0)
    scores = iter(rng.normal(size=1000).tolist())

    def by_chance(estimator, X, y):
        return next(scores)

    for scoring in (by_chance, lambda estimator, X, y: 0.5):
        result = cr.sweep(
            DecisionTreeClassifier(),
            {"max_depth": [1, 2, 3], "min_samples_leaf": [1, 2, 3], "ccp_alpha": [0.0, 0.1, 0.2]},
            X, Y, search="grid", scoring=scoring, verbose=0, workers=1,
        )  # fmt: skip
        with pytest.raises(DataError, match="by more than chance"):
            result.importance()
        with pytest.raises(DataError, match="by more than chance"):
            result.plot("importance")
        assert result.points().importance == {}


def test_a_build_that_ignores_a_setting_is_told():
    def ignorant(lr, hidden, penalty):
        return network(lr)

    space = {"lr": [0.1, 0.2], "hidden": [2, 3], "penalty": Uniform(0, 1)}
    with pytest.warns(UserWarning, match="'hidden', 'penalty' change nothing in what build"):
        swept(ignorant, space, Y, models=4)

    def sometimes(lr, hidden, layers):
        return network(lr, hidden if layers == 2 else 4)

    swept(sometimes, {"lr": [0.1, 0.2], "layers": [1, 2, 3], "hidden": [2, 3]}, Y)


def test_a_build_that_returns_one_model_is_told():
    model = network(0.1)
    with pytest.warns(UserWarning, match="the same model for other settings"):
        swept(lambda lr: model, {"lr": [0.1, 0.2]}, Y, models=2)


def test_hyperband_with_halving_is_refused():
    with pytest.raises(OptionError, match="leave halving out"):
        swept(hyperband=True, halving=3)


def test_settings_with_conditions_are_drawn_where_these_hold():
    def build(kind, momentum=0.0, nesterov=False):
        return network(0.1 + momentum + nesterov + (kind == "adam"))

    space = {
        "kind": ["sgd", "adam"],
        "momentum": Uniform(0.5, 0.9, when={"kind": "sgd"}),
        "nesterov": Choice([True, False], when={"kind": ["sgd", "lion"]}),
    }
    for search in ("random", "quasi"):
        result = swept(build, space, Y, search=search)
        members = map(result.search.candidates.settings, range(12))
        assert {("momentum" in each, "nesterov" in each, each["kind"]) for each in members} == {
            (True, True, "sgd"), (False, False, "adam"),
        }  # fmt: skip
    grid = swept(build, space | {"momentum": Uniform(0.5, 0.9, 3, when={"kind": "sgd"})}, Y,
                 search="grid", models=None)  # fmt: skip
    assert grid.table.rows == 3 * 2 + 1
    finite = swept(build, {name: space[name] for name in ("kind", "nesterov")}, Y, models=None)
    assert finite.table.rows == 3
    with pytest.raises(DataError, match="'momentum' depends on 'kind', which must be a setting be"):
        swept(build, {"momentum": space["momentum"], "kind": ["sgd", "adam"]}, Y)
    with pytest.raises(DataError, match="when must be a dict"):
        Uniform(0, 1, when="sgd")
    with pytest.raises(OptionError, match="random, quasi or grid"):
        swept(build, space, Y, search="tpe")


def test_a_store_keeps_conditions(tmp_path):
    def build(kind, momentum=0.0):
        return network(0.1 + momentum + (kind == "adam"))

    def space(*kinds):
        return {"kind": ["sgd", "adam"], "momentum": Uniform(0.5, 0.9, when={"kind": [*kinds]})}

    first = swept(build, space("sgd"), Y, store=tmp_path / "a")
    again = swept(build, space("sgd"), Y, store=tmp_path / "a", models=24)
    assert again.table.rows == 24
    settings = [again.search.candidates.settings(n) for n in range(12)]
    assert settings == [first.search.candidates.settings(n) for n in range(12)]
    with pytest.raises((DataError, OptionError)):
        swept(build, space("sgd", "adam"), Y, store=tmp_path / "a", models=24)


def test_luck_is_the_share_of_the_seeds():
    none = swept(seeds=3, models=6)  # the line starts nowhere by chance, but samples are shuffled
    assert none.luck()["share"] < 0.05
    scores = none.search.rungs[0].scores["val_loss"]
    assert none.luck()["deviation"] == pytest.approx(np.sqrt(scores.var(axis=1, ddof=1).mean()))
    alike = swept(space={"rate": Uniform(0.01, 0.010001)}, seeds=3, models=6)
    assert alike.luck()["share"] > 0.95
    with pytest.raises(DataError, match="give seeds=5"):
        swept().luck()


def test_pictures():
    result = swept(space=RATES | {"start": [0.0, 1.0]}, halving=3)
    for kind in ("settings", "best", "parallel", "map", "importance"):
        ax = result.plot(kind)
        ax.figure.set_dpi(20)
        ax.figure.canvas.draw()
        plt.close(ax.figure)
    with pytest.raises(UnknownNameError, match="did you mean 'parallel'"):
        result.plot("paralel")


def test_tables_show_themselves():
    result = swept(models=20)
    assert repr(result.table).splitlines()[0].split() == [
        "number", "rate", "seed", "epochs", "val_loss", "loss"
    ]  # fmt: skip
    assert repr(result).endswith("10 more rows")
    assert result._repr_html_().count("<tr>") == 11
    assert result.table.row(0)["rate"] == result.best.settings["rate"]


def test_progress_is_said(capsys):
    swept(halving=3, epochs=9, verbose=2)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "12 models, for so many epochs: 12 × 1 → 4 × 3 → 1 × 9; 26 epochs in all"
    assert len(lines) == 5
    assert lines[1].startswith("weights kept in memory: 0.0 MB")
    assert lines[2].startswith("12 models of 1 epoch: 12 trained in ")
    assert "best val_loss" in lines[2]
    swept(verbose=1)
    assert "12 models" in capsys.readouterr().out


def test_ctrl_c_keeps_what_was_trained(interrupts, tmp_path):
    def stop(epoch, logs):
        os.kill(os.getpid(), 2)

    stopping = cr.callbacks.LambdaCallback(on_epoch_end=stop)
    with pytest.warns(InterruptedWarning, match="after 12 models"):
        result = swept(halving=3, epochs=9, callbacks=[stopping], store=tmp_path)
    assert result.interrupted
    assert result.best.epochs == 1
    whole = swept(halving=3, epochs=9, store=tmp_path)
    assert whole.search.trained == 4 + 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"models": 0}, "models must be a whole number of at least 1"),
        ({"halving": 1}, "halving: must be a whole number of at least 2"),
        ({"search": "grid"}, "how many values of 'rate'"),
        ({"space": {"rate": [0.1, 0.2]}}, "2 different settings, fewer than 12 models"),
        ({"space": {"rate": [0.1, 0.2]}, "search": "grid"}, "the grid has 2 combinations"),
        ({"space": RATES | {"epochs": [1, 2]}, "halving": 2}, "halving decides"),
        ({"cv": 99}, "cv: "),
        ({"cv": 2, "validation_data": (X, T)}, "leave validation_data out"),
        ({"groups": T}, "give cv=5"),
        ({"validation_split": 0}, "validation_split must be a finite number above 0"),
        ({"validation_data": (X, T[:3])}, "equally many samples"),
        ({"mode": "maximum"}, "unknown mode"),
        ({"store": 3}, "store must be a folder's path or a URL"),
    ],
)
def test_what_does_not_fit_is_refused(options, message):
    with pytest.raises((DataError, OptionError, UnknownNameError), match=message):
        swept(**options)


@pytest.mark.parametrize("labels", [np.repeat([0, 1], [50, 10]), np.repeat(["a", "b"], [50, 10])])
def test_folds_keep_the_shares_of_classes(labels):
    options = {"cv": None, "groups": None, "validation_data": None, "share": 0.2, "seed": 0}
    (fold,) = folds_of((X, labels), **options)
    assert [np.unique(y, return_counts=True)[1].tolist() for _, y in fold] == [[40, 8], [10, 2]]
    for fold in folds_of((X, labels), **options | {"cv": 5}):
        assert np.unique(fold.held[1], return_counts=True)[1].tolist() == [10, 2]


def test_folds_in_groups_and_in_time():
    options = {"validation_data": None, "share": 0.2, "seed": 0}
    numbers = np.arange(60.0)
    groups = np.arange(60) // 5
    for fold in folds_of((X, numbers), cv=4, groups=groups, **options):
        assert not set(fold.train[1] // 5) & set(fold.held[1] // 5)
    for fold in folds_of((X, numbers), cv=TimeSeriesSplit(3), groups=None, **options):
        assert fold.train[1].max() < fold.held[1].min()


class Size:
    def __init__(self, start):
        self.start = start

    def __repr__(self):
        return "Size"


def sized(rate, size):
    return line(rate, size.start)


def test_choices_that_look_alike_are_all_tried():
    sizes = [Size(0.0), Size(0.5), Size(1.0)]
    found = swept(sized, {"rate": [0.01], "size": sizes}, search="grid", models=None)
    tried = [found.search.candidates.member(n).settings["size"] for n in range(3)]
    assert tried == sizes
    assert "Size" in repr(found)


def test_tables_show_arrays():
    arrays = [np.zeros(2), np.ones(2)]
    found = swept(lambda rate, w: line(rate, float(w[0])), {"rate": [0.01], "w": arrays},
                  search="grid", models=None)  # fmt: skip
    assert "[1. 1.]" in repr(found)


@pytest.mark.parametrize(
    ("build", "space", "error"),
    [
        (line, {"rat": [0.1]}, "rat"), (line, {"start": [0.0]}, "missing a required argument"),
        ("x", RATES, "must be a function"), (lambda rate: None, RATES, "it returned None"),
        (line, {"rate": [0.1], "start": ["nowhere"]}, "models failed; the first: ValueErr"),
    ],
)  # fmt: skip
def test_what_fails_for_all_is_told_at_once(build, space, error):
    with pytest.raises((DataError, UnknownNameError), match=error):
        swept(build, space, models=1)


@pytest.mark.parametrize("build", [Ridge, dict, int, 3, None])
def test_what_builds_nothing_is_refused(build):
    with pytest.raises(DataError, match=r"give an instance: Ridge\(\)|estimator such as SVC\(\)"):
        swept(build, {"alpha": [1.0]})


def timed(rate, size=3):
    return line(rate)


@pytest.mark.parametrize(
    ("setting", "error"),
    [
        *[({name: [4, value]}, f"setting '{name}' must be")
          for name in ("batch_size", "epochs", "seed")
          for value in ("a", None, -1, 2.5, np.inf, True, 10**20)],
        ({"batch_size": 0}, "setting 'batch_size' must be a whole number of at least 1"),
        ({"epochs": Uniform(1, 9)}, r"must be whole numbers, .* cr\.sweeps\.IntRange\(1, 9\)"),
        ({"batch_size": LogUniform(1, 64)}, "must be whole numbers"),
        ({"epochs": IntRange(0, 9)}, "at least 1, received 0"), ({"seed": [2**63]}, "at most"),
        ({"epochs": "3"}, "whole number"),
    ],
)  # fmt: skip
def test_settings_of_the_training_are_checked_beforehand(setting, error):
    with (
        mock.patch("chainrule._src.sweeps.fleet.Fleet.run") as run,
        pytest.raises(DataError, match=error),
    ):
        swept(timed, RATES | setting, models=2)
    assert not run.called


@pytest.mark.parametrize(
    "options",
    [
        {"seed": 2**63}, {"seed": 10**20}, {"models": 10**20}, {"seeds": 10**20},
        {"epochs": 10**20}, {"batch_size": 10**20}, {"seed": -1}, {"epochs": 2.5},
        {"client": "tcp://127.0.0.1:1"}, {"store": ""}, {"store": __file__}, {"store": 3},
        {"groups": [1, 2], "cv": 3}, {"monitor": "val_acuracy"},
    ],
)  # fmt: skip
def test_what_no_sweep_can_be_is_refused_beforehand_by_name(options):
    name = "did you mean 'val_accuracy'" if "monitor" in options else next(iter(options))
    with (
        mock.patch("chainrule._src.sweeps.fleet.Fleet.run") as run,
        pytest.raises(cr.ChainruleError, match=name),
    ):
        swept(**options)
    assert not run.called


@pytest.mark.parametrize("seed", [2**40, 2**62 - 3])
def test_seeds_may_be_large(seed):
    found = swept(ridge, {"alpha": [0.1, 1.0]}, models=2, seed=seed, seeds=2, cv=2)
    assert set(found.table["seed"].tolist()) == {seed, seed + 1}
    swept(DecisionTreeRegressor(), {"max_depth": [1]}, models=1, seed=seed)


@pytest.mark.parametrize(
    ("X", "y", "error"),
    [
        (sparse.csr_array(X), T, r"X is a scipy csr_array, .*\.toarray\(\)"),
        (X[:1], T[:1], r"one sample cannot be divided .* validation_data="),
        (X, T[:3], r"equally many samples.*\(60, 3\) and \(3,\)"),
    ],
)
def test_samples_that_cannot_be_are_refused(X, y, error):
    with pytest.raises(DataError, match=error):
        cr.sweep(ridge, {"alpha": [1.0]}, X, y, verbose=0)


def test_an_estimator_is_cloned():
    found = swept(Ridge(), {"alpha": [0.1, 10.0]}, search="grid", models=None)
    assert found.best.settings == {"alpha": 0.1}


@pytest.mark.parametrize("cv", [1, "five", 2.5, object()])
def test_parts_that_cannot_be_are_refused(cv):
    with pytest.raises(OptionError, match="cv"):
        swept(cv=cv)


def starting(start):
    def build(rate):
        return line(rate, start)

    return build


class Start:
    def __init__(self, at):
        self.at = at


@pytest.mark.parametrize(
    ("build", "space"),
    [
        (lambda v: functools.partial(line, start=v), {}),
        (starting, {}),
        (lambda v: lambda rate, start: line(rate, start.at), lambda v: {"start": [Start(v), 1]}),
        (lambda v: lambda rate, start: line(rate, start.at), lambda v: {"start": Start(v)}),
        (lambda v: lambda rate, start: line(rate, start()), lambda v: {"start": lambda: v}),
    ],
)
def test_what_a_build_and_settings_hold_belongs_to_the_store(tmp_path, build, space):
    first, other = ({**RATES, **(space and space(v))} for v in (0.0, 1.0))
    swept(build(0.0), first, models=2, store=tmp_path)
    again = swept(build(0.0), first, models=2, store=tmp_path)
    assert again.search.trained == 0
    with pytest.raises(DataError, match=r"here (build|.*start) is"):
        swept(build(1.0), other, models=2, store=tmp_path)


def test_names_of_columns_belong_to_the_store(tmp_path):
    frame = pandas.DataFrame(X, columns=list("abc"))
    options = {"models": 2, "store": tmp_path, "verbose": 0}
    cr.sweep(ridge, {"alpha": LogUniform(1, 2)}, frame, T, **options)
    with pytest.raises(DataError, match="X to train on is frame"):
        cr.sweep(
            ridge,
            {"alpha": LogUniform(1, 2)},
            frame.rename(columns={"a": "d"}),
            T,
            **options,
        )


def size_and_error(w, X, y):
    return np.mean((X @ w - y[:, None]) ** 2)


def test_several_scores_make_a_front_that_goes_on_in_halving(tmp_path):
    X = np.random.default_rng(0).normal(size=(200, 1))
    y = X[:, 0]

    def build(start, cost):
        metrics = {"cost": lambda w, X, y: np.float64(cost) + 0 * np.sum(w)}
        return size_and_error, np.array([[start]]), cr.optimizers.SGD(0.01), metrics

    space = {"start": cr.sweeps.Uniform(0.0, 1.0), "cost": cr.sweeps.Uniform(0.0, 1.0)}
    options = {
        "models": 27, "halving": 3, "epochs": 4, "monitor": ["val_loss", "val_cost"],
        "mode": "min", "verbose": 0, "store": tmp_path,
    }  # fmt: skip
    result = cr.sweep(build, space, X, y, **options)
    front = result.front()
    losses = [best.scores["val_loss"] for best in front]
    costs = [best.scores["val_cost"] for best in front]
    assert len(front) >= 2
    assert losses == sorted(losses)
    assert costs == sorted(costs, reverse=True)
    assert result.best.settings == front[0].settings
    last = result.search.rungs[-1]
    assert {best.epochs for best in front} == {int(last.epochs[0])}
    first = result.search.rungs[0]
    went_on = np.isin(first.candidates, result.search.rungs[1].candidates)
    assert first.keys()[went_on].max() < first.keys()[~went_on].min()
    assert repr(front[0]).startswith("val_loss ")
    assert ", val_cost " in repr(front[0])
    again = cr.sweep(build, space, X, y, **options)
    assert [best.number for best in again.front()] == [best.number for best in front]
    with pytest.raises(cr.errors.DataError, match="monitor"):
        cr.sweep(build, space, X, y, **options | {"monitor": "val_loss"})


def test_an_error_names_few_differences_of_a_sweep(tmp_path):
    how = {"models": 2, "epochs": 1, "verbose": 0, "store": tmp_path}
    cr.sweep(network, {"lr": [0.1, 0.2]}, X, Y, **how)
    with pytest.raises(DataError, match=r"here X to train on is .*; and 10 more") as error:
        cr.sweep(network, {"lr": [0.1, 0.2]}, X[:9], Y[:9], batch_size=3, cv=2, **how)
    assert str(error.value).count(" it was ") == 3


def test_the_number_of_weights_is_a_score():
    how = {"search": "grid", "epochs": 1, "cv": 2, "verbose": 0}
    result = cr.sweep(network, {"hidden": [2, 8], "lr": [0.1, 0.0]}, X, Y,
                      monitor=["val_loss", "parameters"], mode="max", **how)  # fmt: skip
    table = result.table
    each = dict(zip(table["hidden"], table["parameters"], strict=True))
    assert each == {n: (X.shape[1] + 1) * n + (n + 1) * 2 for n in (2, 8)}
    assert [best.scores["parameters"] for best in result.front()][-1] == each[2]  # fewer are better
    assert "parameters" not in cr.sweep(network, {"lr": [0.1, 0.2]}, X, Y, **how).table


def test_several_scores_are_refused_where_one_must_decide():
    how = {"monitor": ["val_loss", "val_accuracy"], "verbose": 0, "epochs": 1, "models": 2}
    with pytest.raises(OptionError, match="must be one score"):
        cr.sweep(network, {"lr": [0.1, 0.2]}, X, Y, search="tpe", **how)
    with pytest.raises(OptionError, match="there is no score 'val_f1_score'"):
        cr.sweep(network, {"lr": [0.1, 0.2]}, X, Y,
                 **how | {"monitor": ["val_loss", "val_f1_score"]})  # fmt: skip
    with pytest.raises(OptionError, match="several scores, for a front"):
        cr.sweep(network, {"lr": [0.1, 0.2]}, X, Y, **how | {"monitor": "val_loss"}).front()
