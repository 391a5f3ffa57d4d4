"""scikit-learn's own classes, trained by chainrule."""

import logging
import os
import pickle
import subprocess
import sys

import joblib
import numpy as np
import pytest
from sklearn.model_selection import cross_val_score
from sklearn.neural_network import MLPClassifier
from tests.tabular.estimators.data import classes, deviation

from chainrule import accel
from chainrule._src.tabular.estimators import cost, stochastic

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture
def installed():
    accel.install()
    yield
    accel.uninstall()


@pytest.fixture
def fits(monkeypatch):
    found, fit = [], stochastic.fit_stochastic
    monkeypatch.setattr(cost, "SHORT", 0)
    monkeypatch.setattr(cost, "CALL", 0)
    monkeypatch.setattr(
        stochastic, "fit_stochastic", lambda *args, **more: (found.append(1), fit(*args, **more))
    )
    return found


def model(**more):
    return MLPClassifier(random_state=0, max_iter=5, **more)


def test_a_class_that_was_imported_before_is_trained_by_chainrule(installed, fits):
    X, y = classes("wine")
    found = model().fit(X, y)
    assert len(fits) == 1
    accel.uninstall()
    assert deviation(found, model().fit(X, y)) < 1e-12
    assert len(fits) == 1


def test_pickles_are_scikit_learns_own(installed, fits):
    X, y = classes("wine")
    found = model().fit(X, y)
    accel.uninstall()
    assert sorted(vars(found)) == sorted(vars(model().fit(X, y)))
    assert b"chainrule" not in pickle.dumps(found)


def test_what_is_not_replaced_is_told(installed, fits, caplog):
    X, y = classes("wine")

    class Mine(MLPClassifier):
        def _backprop(self, *args):
            return super()._backprop(*args)

    caplog.set_level(logging.INFO, "chainrule.accel")
    Mine(max_iter=1).fit(X, y)
    cost.SHORT = 1
    model().fit(X, y)
    assert [record.getMessage() for record in caplog.records] == [
        "scikit-learn trains Mine: Mine overrides _backprop",
        "scikit-learn trains MLPClassifier: it is done sooner than compiling would be",
    ]
    assert not fits


class Asked(MLPClassifier):
    """Tells whether it was trained by chainrule, from another process too."""

    def score(self, X, y):
        return float(replaced(0))


def replaced(number):
    return MLPClassifier._fit_stochastic.__module__ == "chainrule._src.tabular.accel"


@pytest.mark.thorough  # processes
def test_all_work_in_processes_of_joblib_is_done_so(installed):
    assert joblib.Parallel(2)(joblib.delayed(replaced)(i) for i in range(4)) == [True] * 4
    X, y = classes("iris")
    assert cross_val_score(Asked(max_iter=1), X, y, cv=2, n_jobs=2).tolist() == [1.0, 1.0]


@pytest.fixture(scope="module")
def no_install(tmp_path_factory):
    """Environment whose ``chainrule.accel`` installs nothing: scikit-learn takes a second."""
    folder = tmp_path_factory.mktemp("no_install")
    (folder / "sitecustomize.py").write_text(STUB)
    return os.environ | {"PYTHONPATH": os.pathsep.join([str(folder), *sys.path])}


STUB = """
import sys, types
stub = types.ModuleType("chainrule._src.tabular.accel")
stub.install = stub.is_installed = stub.uninstall = lambda: None
stub.load_ipython_extension = stub.unload_ipython_extension = lambda shell: None
sys.modules[stub.__name__] = stub
"""


def run(folder, *arguments, command=("-m", "chainrule.accel"), **options):
    return subprocess.run(
        [sys.executable, *command, *arguments], capture_output=True, text=True, cwd=folder,
        **options,
    )  # fmt: skip


def test_a_script_is_run_unchanged(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import sys\n"
        "from sklearn.neural_network import MLPClassifier\n"
        "print(sys.argv[1:], MLPClassifier._fit_stochastic.__module__, __name__)\n"
        "print(__file__)\n"
    )
    run = [sys.executable, "-m", "chainrule.accel", "script.py", "--more", "1"]
    done = subprocess.run(run, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout == f"['--more', '1'] chainrule._src.tabular.accel __main__\n{script}\n"


@pytest.mark.parametrize("name", ["digits", "wine"])
def test_l_bfgs_gives_their_bits_and_says_why(installed, monkeypatch, caplog, name):
    monkeypatch.setattr(cost, "SHORT", 0)
    caplog.set_level(logging.INFO, "chainrule.accel")
    X, y = classes(name)

    def found():
        return MLPClassifier((32,), solver="lbfgs", max_iter=60, random_state=0).fit(X, y)

    ours = found()
    assert "L-BFGS" in caplog.records[0].getMessage()
    accel.uninstall()
    theirs = found()
    assert (ours.loss_, ours.n_iter_) == (theirs.loss_, theirs.n_iter_)
    for a, b in zip(ours.coefs_, theirs.coefs_, strict=True):
        np.testing.assert_array_equal(a, b)


def test_predictions_are_theirs(installed):
    X, y = classes("digits")
    found = model().fit(X, y)
    quick = found.predict_proba(X)
    accel.uninstall()
    np.testing.assert_allclose(quick, found.predict_proba(X), rtol=1e-12, atol=1e-15)


SCRIPT = """
import sys
def typed(a: int): pass
print(typed.__annotations__, __builtins__.__name__, __spec__, __doc__)
print(sys.argv, __name__, globals().get("__file__"), sys.path[0] or "here")
def fail():
    raise SystemExit(int(sys.argv[2])) if len(sys.argv) > 2 else ValueError("of the script")
if len(sys.argv) > 1:
    fail()
"""


@pytest.mark.sampled(quick=3)
@pytest.mark.parametrize("arguments", [
    ["sub/script.py"], ["./sub/script.py", "x"], ["sub/script.py", "x", "7"], ["absent.py"],
    ["-", "x"], ["-", "x", "3"], ["-"], ["wrong.py"],
])  # fmt: skip
def test_a_script_finds_what_python_would_give_it(tmp_path, no_install, arguments):
    (tmp_path / "sub").mkdir()
    for name in ("script", "__main__"):
        (tmp_path / "sub" / f"{name}.py").write_text(SCRIPT)
    (tmp_path / "wrong.py").write_text("a = (\n")
    theirs = run(tmp_path, *arguments, command=(), input=SCRIPT, env=no_install)
    ours = run(tmp_path, *arguments, input=SCRIPT, env=no_install)
    assert ours.stdout == theirs.stdout
    assert ours.stderr == theirs.stderr
    assert ours.returncode == theirs.returncode


def test_a_script_is_all_that_is_asked_for(tmp_path, no_install):
    found = run(tmp_path, env=no_install)
    assert found.returncode == 2
    assert found.stderr.endswith("the following arguments are required: script\n")
