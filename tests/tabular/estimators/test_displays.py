"""Pictures of fitted networks."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
import sklearn.neural_network as theirs
from tests.tabular.estimators.data import classes

import chainrule as cr
from chainrule.estimators import LossCurveDisplay, WorstPredictionsDisplay

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def test_the_curves_of_training_and_validation():
    X, y = classes("iris")
    model = cr.estimators.MLPClassifier((5,), max_iter=4).fit(X, y, validation_data=(X, y))
    lines = LossCurveDisplay.from_estimator(model).ax_.lines
    assert [line.get_label() for line in lines] == ["training", "validation"]
    np.testing.assert_array_equal(lines[0].get_ydata(), model.loss_curve_)
    np.testing.assert_array_equal(lines[1].get_ydata(), model.history_["val_loss"])
    score = LossCurveDisplay.from_estimator(model, metric="score").ax_.lines
    np.testing.assert_array_equal(score[0].get_ydata(), model.validation_scores_)
    with pytest.raises(cr.errors.UnknownNameError, match="loss, score"):
        LossCurveDisplay.from_estimator(model, metric="accuracy")


def test_the_curve_of_scikit_learns_own_network():
    X, y = classes("iris")
    model = theirs.MLPClassifier((5,), max_iter=4).fit(X, y)
    (line,) = LossCurveDisplay.from_estimator(model, ax=plt.figure().subplots()).ax_.lines
    np.testing.assert_array_equal(line.get_ydata(), model.loss_curve_)
    with pytest.raises(cr.errors.DataError, match="has no loss of each epoch"):
        LossCurveDisplay.from_estimator(cr.estimators.SoftmaxRegression().fit(X, y))


def test_the_worst_predictions():
    X, y = classes("digits")
    model = cr.estimators.MLPClassifier((5,), max_iter=4, random_state=0).fit(X, y)
    display = WorstPredictionsDisplay.from_estimator(model, X, y, n_samples=7)
    true = model.predict_proba(X)[np.arange(len(X)), np.searchsorted(model.classes_, y)]
    np.testing.assert_array_equal(display.probability, np.sort(true)[:7])
    assert display.image_shape == (8, 8)
    assert sum(bool(ax.images) for ax in display.figure_.axes + display.ax_.child_axes) == 7
    X, y = classes("iris")
    model = cr.estimators.MLPClassifier((5,), max_iter=4, random_state=0).fit(X, y)
    assert len(WorstPredictionsDisplay.from_estimator(model, X, y).ax_.patches) == 10
    with pytest.raises(cr.errors.ShapeError, match="a class for each of 150"):
        WorstPredictionsDisplay.from_estimator(model, X, np.stack([y, y], axis=1))


def test_the_worst_predictions_of_a_frame():
    X, y = classes("iris")
    frame = pytest.importorskip("pandas").DataFrame(X, columns=list("abcd")).assign(e="text")
    model = cr.estimators.MLPClassifier((5,), max_iter=4, random_state=0, columns="auto").fit(
        frame, y
    )
    display = WorstPredictionsDisplay.from_estimator(model, frame, y)
    assert len(display.ax_.patches) == 10


@pytest.mark.parametrize("codes", [True, False])
def test_what_has_no_probability_of_a_true_class_is_refused(codes):
    X, y = classes("iris")
    y = np.unique(y, return_inverse=True)[1] if codes else y
    model = cr.estimators.MLPClassifier((5,), max_iter=4).fit(X, y)
    for strange in (np.append(y[1:], 7 if codes else "zzz"), np.array([None] * len(y))):
        with pytest.raises(cr.errors.DataError, match="none of the classes of training"):
            WorstPredictionsDisplay.from_estimator(model, X, strange)
    regressor = cr.estimators.MLPRegressor(hidden_layer_sizes=(5,), max_iter=4).fit(X, X[:, 0])
    with pytest.raises(cr.errors.DataError, match="MLPRegressor has no predict_proba"):
        WorstPredictionsDisplay.from_estimator(regressor, X, y)
