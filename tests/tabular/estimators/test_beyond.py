"""What scikit-learn's network does not have."""

import warnings

import numpy as np
import pytest
import sklearn.neural_network as theirs
from scipy.sparse import csr_array
from sklearn.datasets import load_diabetes
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.utils import compute_sample_weight
from tests.tabular.estimators.data import classes, deviation, diabetes, several_labels

import chainrule as cr

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
QUICK = {"random_state": 0, "max_iter": 12, "engine": "numpy"}


def squared(y_true, y_pred):
    return 0.5 * np.sum((y_true - y_pred) ** 2, axis=-1)


@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_a_network_of_layers_is_trained_to_the_same_weights(solver):
    # A list of activations goes the way of layers, a name that of scikit-learn.
    X, y = classes("wine")
    rows = slice(0, 150)
    options = {**QUICK, "batch_size": 50, "shuffle": False, "solver": solver, "alpha": 0.1}
    weight = np.where(np.arange(150) % 50 < 25, 0.5, 1.5)
    one = cr.estimators.MLPClassifier((20,), "tanh", **options).fit(X[rows], y[rows], weight)
    other = cr.estimators.MLPClassifier((20,), ["tanh"], **options).fit(X[rows], y[rows], weight)
    assert deviation(one, other) < 1e-6
    np.testing.assert_allclose(one.loss_curve_, other.loss_curve_, rtol=1e-6)
    np.testing.assert_allclose(one.predict_proba(X), other.predict_proba(X), rtol=1e-5)


def test_a_loss_of_ones_own_is_the_named_one():
    X, y = diabetes(2)
    options = {**QUICK, "batch_size": 442, "alpha": 0}
    one = cr.estimators.MLPRegressor("squared_error", (10,), "gelu", **options).fit(X, y)
    other = cr.estimators.MLPRegressor(squared, (10,), "gelu", **options).fit(X, y)
    assert deviation(one, other) < 1e-12
    assert one.loss_ == pytest.approx(np.mean(squared(y, _before_last(X, y, options))))


def _before_last(X, y, options):
    """Return the predictions that the last epoch began with."""
    fewer = {**options, "max_iter": options["max_iter"] - 1}
    return cr.estimators.MLPRegressor("squared_error", (10,), "gelu", **fewer).fit(X, y).predict(X)


def test_squared_error_of_probabilities():
    X, y = classes("wine")
    found = cr.estimators.MLPClassifier(
        (10,), loss="squared_error", alpha=0, batch_size=178, **QUICK
    )
    before = cr.estimators.MLPClassifier((10,), loss=squared, alpha=0, batch_size=178, **QUICK).fit(
        X, y
    )
    assert deviation(found.fit(X, y), before) < 1e-12
    assert before.loss_ < 1


@pytest.mark.parametrize("loss", ["absolute_error", "huber", "quantile", "poisson", "mse"])
def test_losses_of_regression_fall(loss):
    X, y = diabetes()
    found = cr.estimators.MLPRegressor(loss, (10,), "selu", learning_rate_init=0.01, **QUICK).fit(
        X, y
    )
    assert found.loss_curve_[-1] < 0.8 * found.loss_curve_[0]


def test_a_quantile_is_what_so_many_targets_lie_below():
    rng = np.random.default_rng(0)
    X = rng.uniform(size=(2000, 1))
    y = X[:, 0] + rng.exponential(size=2000)
    options = {"max_iter": 200, "random_state": 0, "tol": 0, "n_iter_no_change": 200}
    for q in (0.1, 0.9):
        found = cr.estimators.MLPRegressor(
            "quantile", (), quantile=q, **options, learning_rate_init=0.01
        )
        assert np.mean(y <= found.fit(X, y).predict(X)) == pytest.approx(q, abs=0.03)


@pytest.mark.sampled(quick=4)
@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("wine", {"dropout": 0.2}), ("cancer", {"dropout": [0.2, 0]}),
        ("wine", {"batch_norm": True}), ("cancer", {"activation": "mish"}),
        ("wine", {"activation": ["gelu", np.tanh]}),
        ("cancer", {"optimizer": "adam", "max_iter": 60}),
        ("wine", {"optimizer": cr.optimizers.AdamW(0.01)}),
        *((name, more) for name in ("wine", "cancer") for more in (  # by the number of outputs
            {"loss": "focal"}, {"label_smoothing": 0.1}, {"metrics": ["accuracy"]},
            {"early_stopping": True, "dropout": 0.1},
        )),
    ],
    ids=str,
)  # fmt: skip
def test_each_trains(name, more):
    X, y = classes(name)
    options = {**QUICK, "learning_rate_init": 0.01, **more}
    found = cr.estimators.MLPClassifier((20, 10), **options).fit(X, y)
    assert found.score(X, y) > 0.9
    assert found.model_.count_params() >= sum(W.size for W in found.coefs_)


def test_metrics_and_scores_of_every_epoch():
    X, y = classes("wine")
    found = cr.estimators.MLPClassifier(metrics=["accuracy"], **QUICK)
    found.fit(X[::2], y[::2], validation_data=(X[1::2], y[1::2]))
    assert set(found.history_) == {"loss", "val_loss", "accuracy", "val_accuracy", "val_score"}
    np.testing.assert_allclose(found.history_["val_accuracy"], found.validation_scores_)
    plain = cr.estimators.MLPClassifier(**QUICK).fit(
        X[::2], y[::2], validation_data=(X[1::2], y[1::2])
    )
    assert set(plain.history_) == {"loss", "val_loss", "val_score"}
    np.testing.assert_allclose(plain.history_["val_loss"], found.history_["val_loss"], rtol=1e-3)


def test_what_is_given_to_validate_on_ends_training():
    X, y = classes("digits")
    options = {"early_stopping": True, "n_iter_no_change": 3, "max_iter": 100, "random_state": 0}
    found = cr.estimators.MLPClassifier(**options, learning_rate_init=0.004, engine="numpy")
    found.fit(X[200:700], y[200:700], validation_data=(X[:200], y[:200]))
    assert found.n_iter_ < 100
    assert found.score(X[:200], y[:200]) == found.best_validation_score_


@pytest.mark.parametrize("more", [{}, {"dropout": 0.1}])
def test_a_score_is_chosen(more):
    X, y = classes("cancer")
    options = {**QUICK, **more, "early_stopping": True, "scoring": "neg_log_loss"}
    found = cr.estimators.MLPClassifier(**options).fit(
        X[100:], y[100:], validation_data=(X[:100], y[:100])
    )
    p = found.predict_proba(X[:100])[np.arange(100), (y[:100] == found.classes_[1]).astype(int)]
    assert found.best_validation_score_ == pytest.approx(np.mean(np.log(p)), rel=1e-5)


@pytest.mark.sampled(quick=1)
@pytest.mark.parametrize("more", [{}, {"dropout": 0.1}])
def test_calls_of_partial_fit_tell_when_to_stop(more):
    X, y = classes("digits")
    found = cr.estimators.MLPClassifier(
        early_stopping=True, n_iter_no_change=3, random_state=0, learning_rate_init=0.004, **more
    )
    for _ in range(60):
        found.partial_fit(
            X[200:700], y[200:700], classes=np.unique(y), validation_data=(X[:200], y[:200])
        )
        if found.converged_:
            break
    assert found.converged_
    assert len(found.validation_scores_) < 60
    assert found.score(X[:200], y[:200]) == max(found.validation_scores_)
    with pytest.raises(ValueError, match="give validation_data"):
        found.partial_fit(X, y)


def test_weights_of_classes_are_weights_of_samples():
    X, y = classes("wine")
    one = cr.estimators.MLPClassifier(class_weight={"class_0": 3.0}, **QUICK).fit(X, y)
    other = cr.estimators.MLPClassifier(**QUICK).fit(X, y, np.where(y == "class_0", 3.0, 1.0))
    assert deviation(one, other) < 1e-12
    lbfgs = cr.estimators.MLPClassifier(
        (), solver="lbfgs", class_weight="balanced", alpha=1, max_iter=1000
    )
    keep = np.r_[0:20, 59:178]
    judge = LogisticRegression(C=1, class_weight="balanced", max_iter=1000).fit(X[keep], y[keep])
    np.testing.assert_allclose(
        lbfgs.fit(X[keep], y[keep]).predict_proba(X), judge.predict_proba(X), atol=2e-2
    )
    with pytest.raises(AttributeError) as error:
        cr.estimators.MLPClassifier(class_weight="balanced").partial_fit(X, y, classes=np.unique(y))
    assert "give weights as a dict" in str(error.value.__cause__)


def test_classes_are_balanced_by_what_their_samples_weigh():
    X, y = classes("wine")
    weight = np.random.default_rng(0).integers(0, 4, len(y))
    weight[y == "class_2"] *= 3
    options = {"alpha": 1, "tol": 1e-10, "max_iter": 5000, "class_weight": "balanced"}
    found = cr.estimators.SoftmaxRegression(**options, random_state=0).fit(X, y, weight)
    judge = LogisticRegression(C=1, tol=1e-10, max_iter=5000, class_weight="balanced")
    judge.fit(X, y, weight)
    np.testing.assert_allclose(found.coef_, judge.coef_, atol=1e-3)


def test_weights_of_classes_in_some_rows_at_a_time():
    X, y = classes("wine")  # sorted by class: no call sees them all
    found = cr.estimators.MLPClassifier(class_weight={"class_0": 2.0}, **QUICK)
    other = cr.estimators.MLPClassifier(**QUICK)
    for rows in (slice(100, 178), slice(0, 60)):
        found.partial_fit(X[rows], y[rows], classes=np.unique(y))
        weight = np.where(y[rows] == "class_0", 2.0, 1.0)
        other.partial_fit(X[rows], y[rows], weight, np.unique(y))
    assert deviation(found, other) < 1e-12


def test_weights_of_classes_of_several_labels_are_multiplied():
    X, y = (each[:450] for each in several_labels())
    found = cr.estimators.MLPClassifier(class_weight=[{1: 2.0}, {}, {0: 3.0}], **QUICK).fit(X, y)
    weight = np.where(y[:, 0] == 1, 2.0, 1.0) * np.where(y[:, 2] == 0, 3.0, 1.0)
    assert deviation(found, cr.estimators.MLPClassifier(**QUICK).fit(X, y, weight)) < 1e-12
    balanced = cr.estimators.MLPClassifier(class_weight="balanced", **QUICK).fit(X, y)
    weight = compute_sample_weight("balanced", y)
    assert deviation(balanced, cr.estimators.MLPClassifier(**QUICK).fit(X, y, weight)) < 1e-12
    with pytest.raises(ValueError, match="a list of 3 dicts"):
        cr.estimators.MLPClassifier(class_weight={1: 2.0}, **QUICK).fit(X, y)


@pytest.mark.parametrize("loss", ["huber", "mse", squared])
def test_a_weight_of_two_is_two_samples_for_every_loss(loss):
    X, y = diabetes()
    weight = np.random.default_rng(0).integers(1, 3, len(X))
    options = {**QUICK, "batch_size": 2000, "alpha": 0}
    with warnings.catch_warnings(action="ignore"):
        one = cr.estimators.MLPRegressor(loss, (10,), **options).fit(X, y, weight)
        two = cr.estimators.MLPRegressor(loss, (10,), **options)
        two.fit(np.repeat(X, weight, axis=0), np.repeat(y, weight))
    assert deviation(one, two) < 1e-10


def test_softmax_regression_is_logistic_regression():
    for name in ("iris", "cancer"):
        X, y = classes(name)
        found = cr.estimators.SoftmaxRegression(
            alpha=1, max_iter=2000, tol=1e-8, random_state=0
        ).fit(X, y)
        judge = LogisticRegression(C=1, max_iter=2000, tol=1e-8).fit(X, y)
        np.testing.assert_allclose(found.coef_, judge.coef_, atol=1e-3)
        assert found.intercept_.shape == judge.intercept_.shape
    assert "hidden_layer_sizes" not in found.get_params()


def test_the_model_can_be_read_and_checked():
    X, y = classes("iris")
    found = cr.estimators.MLPClassifier((5,), "tanh", **QUICK).fit(X, y)
    model, Y = found.model_, np.eye(3)[np.searchsorted(found.classes_, y)]
    np.testing.assert_allclose(model.predict(X), found.predict_proba(X), rtol=1e-12)
    assert model.check_gradients(X, Y).passed
    assert "np.tanh(" in model.source()


def test_callbacks_are_called():
    X, y = classes("iris")
    told = []
    callback = cr.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: told.append(epoch))
    cr.estimators.MLPClassifier((5,), callbacks=[callback], **QUICK).fit(X, y)
    assert told == list(range(12))


def test_fits_that_go_on_take_the_parameters_as_they_are_now():
    X, y = classes("wine")
    found = cr.estimators.MLPClassifier((10,), warm_start=True, batch_norm=True, **QUICK).fit(X, y)
    means = [w.copy() for w in found.model_.get_weights()]
    found.set_params(dropout=0.5, max_iter=1).fit(X, y)
    assert [layer.rate for layer in found.model_.layers if type(layer) is cr.layers.Dropout] == [
        0.5
    ]
    moved = [np.abs(a - b).max() for a, b in zip(means, found.model_.get_weights(), strict=True)]
    assert 0 < max(moved) < 0.5  # it went on from there, moving averages too
    found.set_params(dropout=0, batch_norm=False).fit(X, y)
    other = cr.estimators.MLPClassifier((10,), **QUICK).fit(X, y)
    other.coefs_, other.intercepts_ = found.coefs_, found.intercepts_
    np.testing.assert_array_equal(found.predict_proba(X), other.predict_proba(X))
    found.set_params(label_smoothing=0.2).partial_fit(X, y)
    assert found.model_.loss.label_smoothing == 0.2
    before = found.model_
    assert found.partial_fit(X, y).model_ is before
    assert found.set_params(dropout=0.3).partial_fit(X, y).model_ is not before


def test_an_optimizer_that_is_given_stays_as_it_is():
    X, y = classes("wine")
    rule = cr.optimizers.Adam(0.05)
    slower = cr.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)
    model = cr.estimators.MLPClassifier((5,), optimizer=rule, callbacks=[slower], **QUICK)
    first = model.fit(X, y).coefs_
    assert rule.learning_rate == 0.05
    assert model.model_.optimizer.learning_rate < 0.01
    assert deviation(model.fit(X, y), model) == np.abs(first[0] - model.coefs_[0]).max() == 0


def test_what_does_not_go_together_is_refused():
    X, y = classes("iris")
    with pytest.raises(cr.errors.DataError, match=r"validation_data: expected .* received 4 parts"):
        cr.estimators.MLPClassifier().fit(X, y, validation_data=(X, y, y, y))
    with pytest.raises(cr.errors.DataError, match=r"validation_data: expected .* received float64"):
        cr.estimators.MLPClassifier().fit(X, y, validation_data=X)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        cr.estimators.MLPClassifier().fit(X, y, validation_data=(X, y[:5]))
    with pytest.raises(cr.errors.OptionError, match="'lbfgs' trains without validation_data"):
        cr.estimators.MLPClassifier(solver="lbfgs").fit(X, y, validation_data=(X, y))
    with pytest.raises(cr.errors.OptionError, match="'log_loss' is for classes"):
        cr.estimators.MLPRegressor("log_loss").fit(X, X[:, 0])
    with pytest.raises(cr.errors.OptionError, match="'lbfgs' trains without dropout"):
        cr.estimators.MLPClassifier(solver="lbfgs", dropout=0.1).fit(X, y)
    with pytest.raises(
        cr.errors.ShapeError, match="dropout: expected a value for each of 1 hidden"
    ):
        cr.estimators.MLPClassifier((5,), dropout=[0.1, 0.2]).fit(X, y)
    with pytest.raises(cr.errors.UnknownNameError, match="mish"):
        cr.estimators.MLPClassifier(activation="misch").fit(X, y)
    with pytest.raises(cr.errors.OptionError, match="label_smoothing"):
        cr.estimators.MLPClassifier(loss="hinge", label_smoothing=0.1).fit(X, y)
    with pytest.raises(ValueError, match="classes that training has not"):
        cr.estimators.MLPClassifier(max_iter=1).fit(X, y, validation_data=(X, np.full(150, "rose")))


def test_sgd_lowers_its_rate_for_layers_too():
    X, y = classes("iris")
    options = {**QUICK, "solver": "sgd", "learning_rate": "adaptive", "tol": 1.0, "max_iter": 40,
               "n_iter_no_change": 2, "shuffle": False, "batch_size": 150}  # fmt: skip
    one = theirs.MLPClassifier((5,), "tanh", **{k: options[k] for k in options if k != "engine"})
    other = cr.estimators.MLPClassifier((5,), ["tanh"], **options)
    assert deviation(one.fit(X, y), other.fit(X, y)) < 1e-6
    assert one._optimizer.learning_rate == other._optimizer.learning_rate < 1e-6


@pytest.mark.parametrize(
    ("settings", "given"),
    [
        ({}, {"validation_data": ([[1.0]], ["x"])}),
        ({"loss": "fokal"}, {}),
        ({"dropout": [0.1, 0.2, 0.3]}, {}),
        ({"class_weight": {"nobody": 1}}, {}),
        ({"optimizer": "adamm"}, {}),
        ({"dropout": 0.1, "solver": "lbfgs"}, {}),
    ],
)
def test_a_fit_that_is_refused_leaves_the_model_as_it_was(settings, given):
    X, y = classes("wine")
    fresh, fitted = (
        cr.estimators.MLPClassifier(**QUICK),
        cr.estimators.MLPClassifier(**QUICK).fit(X, y),
    )
    before = fitted.predict_proba(X)
    for model in (fresh, fitted):
        with pytest.raises(ValueError, match=r"\w"):
            model.set_params(**settings).fit(X[::2], y[::2], **given)
    assert not hasattr(fresh, "coefs_")
    np.testing.assert_array_equal(fitted.predict_proba(X), before)


@pytest.mark.parametrize("more", [{}, {"dropout": 0.1}, {"batch_norm": True}])
def test_weights_that_are_changed_are_the_networks(more):
    X, y = classes("wine")
    model = cr.estimators.MLPClassifier((5,), **QUICK, **more).fit(X, y)
    model.coefs_[-1] *= 0
    model.intercepts_ = [model.intercepts_[0], np.array([0.0, 9.0, 0.0])]
    assert set(model.predict(X)) == {model.classes_[1]}
    assert set(model.model_.predict(X).argmax(axis=1)) == {1}
    assert set(model.partial_fit(X, y).predict(X)) == {model.classes_[1]}


@pytest.mark.parametrize("more", [{}, {"metrics": ["mse"]}])
def test_the_loss_of_what_is_held_back_has_the_penalty_of_a_batch(more):
    X, y = diabetes()
    of = {**QUICK, "max_iter": 1, "batch_size": 442, **more}
    few = X[:20], y[:20]
    heavy = cr.estimators.MLPRegressor(alpha=100, **of).fit(X, y, validation_data=few)
    found = heavy.history_["val_loss"][0]
    squares = sum(np.sum(W**2) for W in heavy.coefs_)
    loss = np.mean((heavy.predict(few[0]) - few[1]) ** 2) / 2
    assert found == pytest.approx(loss + 100 * squares / 2 / 442)


def test_classes_in_a_column_are_looked_at():
    X, y = classes("wine")
    some = y != y[0]
    with pytest.raises(ValueError, match="classes that training has not"):
        cr.estimators.MLPClassifier(**QUICK).fit(X[some], y[some], validation_data=(X, y[:, None]))


def test_weights_of_sparse_labels():
    X, Y = (each[:450] for each in several_labels())
    one, other = (cr.estimators.MLPClassifier(class_weight="balanced", **QUICK) for _ in range(2))
    assert deviation(one.fit(X, Y), other.fit(X, csr_array(Y))) == 0


def test_what_turns_nan_with_early_stopping_is_said():
    X, y = load_diabetes(return_X_y=True)
    rate = {"solver": "sgd", "learning_rate_init": 10.0, "batch_size": 1}
    with pytest.warns(ConvergenceWarning, match="turned NaN in iteration 1"):
        cr.estimators.MLPRegressor(early_stopping=True, **QUICK, **rate).fit(X, y)
