import warnings

import numpy as np
import pytest
from tests.sweeps.test_sweep import RATES, swept

import chainrule as cr
from chainrule._src.sweeps.dashboard import NAME

optuna = pytest.importorskip("optuna")
STATES = optuna.trial.TrialState
SPACE = RATES | {"start": [0.0, "nowhere"], "n": cr.sweeps.IntRange(1, 3), "c": [None, (1, 2), "x"]}


def build(rate, start, n, c):
    from tests.sweeps.test_sweep import line

    return line(rate, start)


def study(folder):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        backend = optuna.storages.journal.JournalFileBackend(str(folder / NAME))
        storage = optuna.storages.JournalStorage(backend)
        return optuna.load_study(study_name=folder.name, storage=storage)


@pytest.mark.parametrize("options", [{"halving": 3}, {"hyperband": True}, {}])
def test_optuna_reads_a_sweep(tmp_path, options):
    result = swept(build, SPACE, models=30, epochs=9, store=tmp_path, **options)
    found = study(tmp_path)
    assert sorted(trial.user_attrs["candidate"] for trial in found.trials) == list(range(30))
    row_of = {int(number): at for at, number in enumerate(result.table["number"])}
    for trial in found.trials:
        row = result.table.row(row_of[trial.user_attrs["candidate"]])
        if row["error"]:
            assert trial.state == STATES.FAIL
            assert trial.user_attrs["error"] == row["error"]
            continue
        assert trial.value == row["val_loss"] == trial.user_attrs["val_loss"]
        assert trial.state == (STATES.COMPLETE if row["epochs"] == 9 else STATES.PRUNED)
        assert trial.intermediate_values[row["epochs"]] == trial.value
        assert trial.params["rate"] == row["rate"]
        assert trial.params["n"] == row["n"]
        assert trial.params["c"] == (row["c"] if row["c"] != (1, 2) else "(1, 2)")
    assert found.direction == optuna.study.StudyDirection.MINIMIZE
    assert found.best_value == np.nanmin(result.table["val_loss"])


def test_it_goes_on_where_it_was(tmp_path):
    swept(build, SPACE, models=10, epochs=9, store=tmp_path)
    with (tmp_path / NAME).open("ab") as file:
        file.write(b'{"op_code": 4, "wor')  # whoever wrote this was killed
    swept(build, SPACE, models=16, epochs=9, store=tmp_path)
    swept(build, SPACE, models=None, epochs=9, store=tmp_path)
    assert sorted(t.user_attrs["candidate"] for t in study(tmp_path).trials) == list(range(16))


def test_a_higher_score_is_better_there_too(tmp_path):
    from tests.sweeps.test_sweep import ridge

    swept(ridge, {"alpha": cr.sweeps.LogUniform(1, 2)}, store=tmp_path)
    assert study(tmp_path).direction == optuna.study.StudyDirection.MAXIMIZE
