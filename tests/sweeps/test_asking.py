import sys
import warnings
from unittest import mock

import numpy as np
import pytest
from tests.sweeps.test_sweep import line, swept

import chainrule as cr
from chainrule.errors import (
    DataError,
    InterruptedWarning,
    MissingDependencyError,
    OptionError,
    UnknownNameError,
)
from chainrule.sweeps import IntRange, LogUniform, Uniform

optuna = pytest.importorskip("optuna")
pytestmark = pytest.mark.filterwarnings("ignore:sweep. 'n' changes nothing")
SPACE = {
    "rate": LogUniform(1e-5, 1e-1),
    "start": [0.0, 5.0, (1, 2)],
    "n": IntRange(1, 3),
}


def build(rate, start, n):
    return line(rate, float(np.sum(start)))


def asked(**options):
    return swept(build, SPACE, **{"search": "tpe", "models": 48} | options)


def same(one, other):
    for name, column in one.table.items():
        np.testing.assert_array_equal(column, other.table[name])


def test_it_learns_where_good_settings_are():
    table = asked().table
    late = table["number"] >= 32
    assert np.median(table["val_loss"][late]) < 0.8 * np.median(table["val_loss"][~late])


@pytest.mark.sampled(quick=1)
@pytest.mark.parametrize("search", ["tpe", "cmaes"])
def test_an_interrupted_search_asks_what_it_would_have_asked(search, tmp_path):
    if search == "cmaes":
        pytest.importorskip("cmaes")
    space = {"rate": LogUniform(1e-5, 1e-1), "start": Uniform(-1, 5)}
    whole = swept(line, space, search=search, models=40)

    def stop(epoch, logs):
        if epoch == 1:
            raise KeyboardInterrupt

    watching = [cr.callbacks.LambdaCallback(on_epoch_end=stop)]
    options = {"search": search, "models": 40, "store": tmp_path}
    with pytest.warns(InterruptedWarning):
        swept(line, space, **options, callbacks=watching)
    resumed = swept(line, space, **options)
    assert resumed.search.trained == 8
    same(resumed, whole)
    more = swept(line, space, **options | {"models": 50})
    assert more.table.rows == 50
    same(swept(line, space, **options | {"models": None}), more)


def test_who_asks_first_decides_for_all(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        one = asked(search=optuna.samplers.RandomSampler(seed=1), store=tmp_path, models=20)
        other = asked(search=optuna.samplers.RandomSampler(seed=2), store=tmp_path, models=20)
    assert other.search.trained == 0
    same(one, other)


def test_halving_goes_on_within_what_was_asked():
    result = asked(models=32, halving=3, epochs=9)
    assert [len(rung.candidates) for rung in result.search.rungs] == [16, 5, 1] * 2


def test_a_pruner_decides_who_goes_on():
    pruner = optuna.pruners.MedianPruner(n_startup_trials=2)
    for each in ("median", pruner):
        result = asked(pruner=each, epochs=9)
        rungs = result.search.rungs
        sizes = np.array([len(rung.candidates) for rung in rungs]).reshape(3, 3)
        assert (sizes[:, 0] == 16).all()
        assert (sizes[1:, 2] < 16).all()
        assert sizes[:, 2].sum() > 0
        assert [int(rung.epochs[0]) for rung in rungs[:3]] == [1, 3, 9]


def test_what_fails_is_told():
    result = swept(line, {"rate": LogUniform(1e-5, 1e-1), "start": [0.0, "nowhere"]}, search="tpe",
                   models=40)  # fmt: skip
    assert 0 < sum(error is not None for error in result.table["error"]) < 40


def test_what_cannot_be_asked_is_refused(tmp_path):
    with pytest.raises(UnknownNameError, match="did you mean 'tpe'"):
        asked(search="tpee")
    with pytest.raises(OptionError, match="one of Optuna's samplers, received 3"):
        asked(search=3)
    with pytest.raises(OptionError, match="one of Optuna's pruners, received 3"):
        asked(pruner=3)
    with pytest.raises(OptionError, match="pruner: is for Optuna's searches"):
        asked(search="random", pruner="median")
    with pytest.raises(OptionError, match="hyperband: "):
        asked(hyperband=True)
    asked(models=4, store=tmp_path)
    with pytest.raises(DataError, match="Optuna goes on in the same space alone"):
        swept(
            build,
            SPACE | {"rate": LogUniform(1e-6, 1)},
            models=8,
            search="tpe",
            store=tmp_path,
        )
    with (
        mock.patch.dict(sys.modules, {"optuna": None}),
        pytest.raises(MissingDependencyError, match=r"chainrule\[sweeps\]"),
    ):
        asked()


def test_a_sampler_may_end_the_search():
    starts = [0.0, 1.0, 2.0]
    found = swept(
        lambda start: line(0.01, start), {"start": starts}, models=48,
        search=optuna.samplers.GridSampler({"start": starts}),
    )  # fmt: skip
    assert set(found.table["start"].tolist()) == set(starts)
    assert found.table.rows == 16  # asked at once
    with pytest.raises(OptionError, match="search: does not suit the space"):
        swept(search=optuna.samplers.GridSampler({"start": starts}))


@pytest.mark.parametrize("search", ["tpe", "cmaes"])
def test_samplers_say_nothing_of_each_model(search, capfd):
    if search == "cmaes":
        pytest.importorskip("cmaes")
    asked(search=search, models=20)
    assert not "".join(capfd.readouterr())
