"""scikit-learn's checks of estimators that have hardly learned; tests/peers has them in full."""

import pytest
from sklearn.utils.estimator_checks import check_estimator

import chainrule as cr

TRAIN = ("check_classifiers_train", "check_regressors_train")
SETTINGS = {"hidden_layer_sizes": (4,), "engine": "numpy", "random_state": 0}


@pytest.mark.sampled(quick=1)
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "model",
    [
        cr.estimators.MLPRegressor(max_iter=2, **SETTINGS),
        cr.estimators.RealMLPClassifier(epochs=1, preset="td-s", **SETTINGS),
    ],
    ids=lambda model: type(model).__name__,
)
def test_one_of_each_family_keeps_the_conventions(model):
    expected = dict.fromkeys(TRAIN, "it learns in few epochs what it can")
    found = check_estimator(model, expected_failed_checks=expected, on_skip=None)
    assert len(found) > 50
