"""scikit-learn's checks of estimators, and its own tests of its network."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from sklearn.base import clone
from sklearn.utils.estimator_checks import check_estimator

import chainrule as cr

ROOT = Path(__file__).parents[2]
ESTIMATORS = {
    "classifier": cr.MLPClassifier(),
    "regressor": cr.MLPRegressor(),
    "softmax": cr.SoftmaxRegression(),
    "lbfgs": cr.MLPClassifier((10, 5), "tanh", solver="lbfgs"),
    "numpy": cr.MLPClassifier((20,), "logistic", engine="numpy"),
    "gelu": cr.MLPClassifier(activation="gelu", label_smoothing=0.01),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ESTIMATORS)
def test_the_checks_of_estimators(name):
    found = check_estimator(clone(ESTIMATORS[name]), on_fail=None)
    failed = {each["check_name"]: each["exception"] for each in found if each["status"] == "failed"}
    assert failed == {}
    assert len(found) > 50


@pytest.mark.parametrize("how", ["classes", "accel"])
def test_its_own_tests(how):
    done = subprocess.run(
        [sys.executable, "-m", "tests.estimators.redirected", how, "-q"],
        cwd=ROOT, capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    passed, fits = (re.search(p, done.stdout)[1] for p in (r"(\d+) passed", r"fits: (\d+)"))
    assert int(passed) > 50
    assert int(fits) > 300
