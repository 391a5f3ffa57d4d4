import numpy as np
import pytest
from tests.sweeps.test_sweep import RATES, line, ridge, swept

import chainrule as cr
from chainrule.errors import DataError, FileError, InterruptedWarning, OptionError

optuna = pytest.importorskip("optuna")
pytest.importorskip("sqlalchemy")


def same(one, other):
    for name, column in one.table.items():
        np.testing.assert_array_equal(column, other.table[name])


@pytest.mark.thorough  # a database
def test_a_sweep_goes_on_from_a_database(tmp_path):
    options = {"halving": 3, "epochs": 9, "store": f"sqlite:///{tmp_path / 'a.db'}", "seeds": 2}
    space = RATES | {"start": [0.0, (1, 2)], "other": [None, "x"]}

    def build(rate, start, other):
        return line(rate, "nowhere" if other == "x" and rate < 1e-3 else 0.0)

    def stop(epoch, logs):
        if epoch == 1:
            raise KeyboardInterrupt

    stopping = [cr.callbacks.LambdaCallback(on_epoch_end=stop)]
    with pytest.warns(InterruptedWarning):
        swept(build, space, callbacks=stopping, **options)
    resumed = swept(build, space, **options)
    assert resumed.search.trained == 2 * (4 + 4 + 1)
    plain = swept(build, space, **options | {"store": None})
    same(plain, resumed)
    study = optuna.load_study(study_name="build", storage=options["store"])
    assert len(study.trials) == 12
    assert study.best_value == pytest.approx(plain.best.score)
    again = swept(build, space, **options | {"models": None})
    assert again.search.trained == 0
    same(plain, again)
    more = swept(build, space, **options | {"models": 15})
    assert more.table.rows == 30
    with pytest.raises(DataError, match=r"is another sweep; here epochs is 3, it was 9\..*#name"):
        swept(build, space, **options | {"epochs": 3})
    swept(build, space, **options | {"epochs": 3, "store": options["store"] + "#other"})


def test_what_a_database_cannot_do_is_said(tmp_path):
    with pytest.raises(FileError, match="cannot open sqlite"):
        swept(store=f"sqlite:///{tmp_path / 'none' / 'a.db'}")
    with pytest.raises(FileError, match=r"cannot open postgresql\+none://me:…@127\.0\.0\.1/all"):
        swept(store="postgresql+none://me:secret@127.0.0.1/all")
    url = f"sqlite:///{tmp_path / 'a.db'}"
    with pytest.raises(OptionError, match="must be named: 'val_score'"):
        swept(ridge, {"alpha": cr.sweeps.LogUniform(1, 2)}, store=url)
    swept(ridge, {"alpha": cr.sweeps.LogUniform(1, 2)}, store=url + "#named", monitor="val_score")
