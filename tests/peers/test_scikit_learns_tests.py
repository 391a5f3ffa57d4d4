"""scikit-learn's checks of estimators, and its own tests of its network."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import sklearn.neural_network
from sklearn.base import clone
from sklearn.utils.estimator_checks import check_estimator, estimator_checks_generator

import chainrule as cr

ROOT = Path(__file__).parents[2]
DENSE = "check_sample_weight_equivalence_on_dense_data"
SPARSE = "check_sample_weight_equivalence_on_sparse_data"
MASKS = "a mask is drawn for every row: one row of weight 2 is not two rows"
MOMENTS = "a batch is normalized by all its rows, whatever they weigh, as in Keras"
SCALED = "columns are scaled by all rows, whatever they weigh, as by StandardScaler"
HELD = "which rows are held back depends on how many there are, not on what they weigh"
FIRST = "weighted so, the score is at its best from the first epoch on, whose weights are kept"
THEIRS = ("alpha", "max_iter", "batch_size", "early_stopping", "solver", "loss", "warm_start",
          "learning_rate_init")  # fmt: skip
# What each setting fails, and why: beyond what scikit-learn's own network fails with that setting.
SETTINGS = {
    "classifier": (cr.estimators.MLPClassifier(), {}),
    "regressor": (cr.estimators.MLPRegressor(), {}),
    "softmax": (cr.estimators.SoftmaxRegression(), {}),
    "numpy": (cr.estimators.MLPClassifier((20,), "logistic", engine="numpy"), {}),
    "gelu, focal": (
        cr.estimators.MLPClassifier(
            activation="gelu", loss="focal", label_smoothing=0.01, metrics=["accuracy"]
        ),
        {},
    ),
    "huber": (cr.estimators.MLPRegressor("huber"), {}),
    "balanced": (cr.estimators.MLPClassifier(class_weight="balanced"), {}),
    "balanced softmax": (cr.estimators.SoftmaxRegression(class_weight="balanced"), {}),
    "balanced lbfgs": (
        cr.estimators.MLPClassifier((10, 5), "tanh", solver="lbfgs", class_weight="balanced"),
        {},
    ),
    "dropout, batch_norm": (
        cr.estimators.MLPClassifier(dropout=0.2, batch_norm=True),
        {DENSE: MASKS, SPARSE: MOMENTS},
    ),
    "dropout, regressor": (cr.estimators.MLPRegressor(dropout=0.2), {DENSE: MASKS, SPARSE: MASKS}),
    "columns": (cr.estimators.MLPClassifier(columns="auto"), {DENSE: SCALED}),
    "columns, regressor": (cr.estimators.MLPRegressor(columns="auto"), {DENSE: SCALED}),
    "early": (
        cr.estimators.MLPClassifier(early_stopping=True),
        {DENSE: HELD, "check_class_weight_classifiers": FIRST},
    ),
    "early sgd": (cr.estimators.MLPClassifier(solver="sgd", early_stopping=True), {DENSE: HELD}),
    "early, regressor": (cr.estimators.MLPRegressor(early_stopping=True), {}),
    "warm": (cr.estimators.MLPClassifier(warm_start=True), {}),
    "poisson": (cr.estimators.MLPRegressor("poisson"), {}),
}


def failed(model):
    """Return the checks that a model fails, and what they said."""
    found = check_estimator(model, on_fail=None)
    assert len(found) > 50
    return {each["check_name"]: each["exception"] for each in found if each["status"] == "failed"}


def fails(model, name):
    """Return whether a model fails one of the checks."""
    checks = [c for _, c in estimator_checks_generator(model) if c.func.__name__ == name]
    assert checks
    try:
        for check in checks:
            check(clone(model))
    except Exception:
        return True
    return False


def theirs_like(model):
    """Return scikit-learn's own network with a setting, if it has it."""
    usual, now = type(model)().get_params(), model.get_params()
    changed = {name: value for name, value in now.items() if value != usual[name]}
    cls = getattr(sklearn.neural_network, type(model).__name__, None)
    return cls(**changed) if cls and set(changed) <= set(THEIRS) else None


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", SETTINGS)
def test_the_checks_of_estimators(name):
    model, expected = SETTINGS[name]
    if model.solver != "lbfgs":
        model = clone(model).set_params(max_iter=12, learning_rate_init=0.025)  # the sooner
    found, judge = failed(clone(model)), theirs_like(model)
    own = {check: error for check, error in found.items() if check not in expected}
    assert {c: error for c, error in own.items() if not (judge and fails(judge, c))} == {}
    assert set(expected) <= set(found), "passes now: take it off the list"


BATCHES = {
    **dict.fromkeys((DENSE, SPARSE), "batches are drawn, whatever samples weigh"),
    "check_methods_subset_invariance": "float32: a product of fewer rows rounds otherwise",
    "check_methods_sample_order_invariance": "float32: so does a row in another place",
}


@pytest.mark.parametrize("name", ["RealMLPClassifier", "RealMLPRegressor"])
def test_the_checks_of_estimators_for_tables(name):
    options = {"hidden_layer_sizes": (16, 16), "epochs": 20, "batch_size": 16, "random_state": 0}
    model = getattr(cr.estimators, name)(preset="td-s", engine="numpy", **options)
    check_estimator(model, expected_failed_checks=BATCHES, on_skip=None)


@pytest.mark.parametrize("how", ["classes", "accel"])
def test_its_own_tests(how):
    done = subprocess.run(
        [sys.executable, "-m", "tests.peers.redirected", how, "-q"],
        cwd=ROOT, capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    passed, fits = (re.search(p, done.stdout)[1] for p in (r"(\d+) passed", r"fits: (\d+)"))
    assert int(passed) > 50
    assert int(fits) > 300
