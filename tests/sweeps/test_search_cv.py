import copy
import io
import pickle
import time

import joblib
import numpy as np
import pandas
import pytest
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.datasets import load_iris
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import VotingClassifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, GroupKFold, StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import chainrule as cr
from chainrule.errors import DataError, OptionError, UnknownNameError
from chainrule.sweeps import LogUniform

X, y = load_iris(return_X_y=True)


def test_a_grid_of_an_estimator_has_scikit_learns_results():
    model = make_pipeline(StandardScaler(), LogisticRegression())
    space = {"logisticregression__C": [0.001, 0.1, 1.0]}
    cv = StratifiedKFold(3, shuffle=True, random_state=0)
    ours = cr.sweeps.SweepCV(model, space, search="grid", cv=cv).fit(X, y)
    theirs = GridSearchCV(model, space, cv=cv).fit(X, y)
    assert ours.best_params_ == theirs.best_params_
    assert ours.best_score_ == theirs.best_score_ == ours.cv_results_["mean_test_score"].max()
    assert ours.best_index_ == theirs.best_index_
    for name, column in theirs.cv_results_.items():
        if "time" not in name:
            np.testing.assert_array_equal(ours.cv_results_[name], column)
    np.testing.assert_array_equal(ours.predict_proba(X), theirs.predict_proba(X))
    assert ours.score(X, y) == theirs.score(X, y)
    np.testing.assert_array_equal(ours.classes_, theirs.classes_)
    assert not hasattr(ours, "transform")
    assert clone(ours).get_params()["space"] == space


def recall_of_the_first(model, X, y):
    return np.mean(model.predict(X[y == 0]) == 0)


@pytest.mark.sampled(quick=2)
@pytest.mark.parametrize(
    ("scoring", "workers"),
    [("roc_auc_ovr", 2), ("neg_log_loss", 1), (recall_of_the_first, 1), (recall_of_the_first, 2)],
)
def test_a_score_of_ones_own_is_as_in_scikit_learn(scoring, workers, tmp_path):
    model, space = LogisticRegression(max_iter=1000), {"C": [1e-4, 0.01, 1.0]}
    cv = StratifiedKFold(3, shuffle=True, random_state=0)
    options = {"search": "grid", "cv": cv, "scoring": scoring, "workers": workers}
    ours = cr.sweeps.SweepCV(model, space, store=tmp_path, **options).fit(X, y)
    theirs = GridSearchCV(model, space, cv=cv, scoring=scoring).fit(X, y)
    np.testing.assert_array_equal(
        ours.cv_results_["mean_test_score"], theirs.cv_results_["mean_test_score"]
    )
    assert ours.best_params_ == theirs.best_params_
    assert ours.score(X, y) == theirs.score(X, y)
    again = cr.sweeps.SweepCV(model, space, store=tmp_path, **options).fit(X, y)
    assert again.best_score_ == ours.best_score_
    with pytest.raises(DataError, match="scoring"):
        cr.sweeps.SweepCV(model, space, store=tmp_path, **options | {"scoring": "accuracy"}).fit(
            X, y
        )


@pytest.mark.parametrize(
    ("scoring", "told"),
    [("roc_auk", "did you mean 'roc_auc'"), ([3], "a name or function"), (3, "a name")],
)
def test_what_is_no_score_is_refused_at_once(scoring, told):
    with pytest.raises((OptionError, UnknownNameError), match=told):
        cr.sweeps.SweepCV(LogisticRegression(), {"C": [1.0]}, scoring=scoring).fit(X, y)


def test_a_network_has_metrics_in_place_of_scoring():
    with pytest.raises(DataError, match="name it by monitor"):
        cr.sweeps.SweepCV(
            build, {"lr": [0.1], "hidden": [4]}, scoring="accuracy", epochs=1, cv=2
        ).fit(X, y)


def build(lr, hidden):
    model = cr.Sequential([cr.layers.Dense(hidden, "tanh"), cr.layers.Dense(3, "softmax")])
    model.compile(cr.optimizers.Adam(lr), "sparse_categorical_crossentropy", ["accuracy"])
    return model


def test_a_network_is_searched_in_rungs_and_trained_on_all_samples():
    search = cr.sweeps.SweepCV(
        build, {"lr": LogUniform(1e-3, 1e-1), "hidden": [4]}, models=9, halving=3, epochs=9,
        cv=3, monitor="val_accuracy", batch_size=10,
    ).fit(X, y)  # fmt: skip
    results = search.cv_results_
    assert sorted(results["epochs"].tolist()) == [1] * 6 + [3] * 2 + [9]
    assert results["rank_test_score"][search.best_index_] == 1
    assert results["epochs"][search.best_index_] == 9
    assert results["mean_test_score"][search.best_index_] == search.best_score_
    cr.keras.utils.set_random_seed(0)
    alone = build(**search.best_params_)
    alone.compile(alone.optimizer, alone.loss, ["accuracy"], engine="compiled")
    alone.fit(X, y, batch_size=10, epochs=9, verbose=0)
    np.testing.assert_array_equal(search.predict(X), alone.predict(X))
    assert search.score(X, y) == alone.evaluate(X, y, return_dict=True)["accuracy"]


def test_groups_stay_together():
    groups = np.arange(150) % 5
    search = cr.sweeps.SweepCV(LogisticRegression(max_iter=1000), {"C": [1.0]}, cv=GroupKFold(5))
    found = search.fit(X, y, groups).result_
    for fold in found.folds:
        held = {tuple(row) for row in fold.held[0]}
        assert {int(g) for row, g in zip(X, groups, strict=True) if tuple(row) in held} != set(
            range(5)
        )
    with pytest.raises(cr.errors.OptionError, match="groups"):
        cr.sweeps.SweepCV(LogisticRegression(), {"C": [1.0]}, cv=GroupKFold(5)).fit(X, y)


class Says(DummyClassifier):
    """Scores as it is told; NaN for what is below 0, an error for None."""

    def __init__(self, says=0.0, other=0):
        super().__init__()
        self.says, self.other = says, other

    def score(self, X, y):
        if self.says is None:
            raise ValueError("nothing to say")
        return self.says if self.says >= 0 else np.nan


def assert_one_order(search):
    """Assert that all that tells which settings are best tells the same."""
    results, result, at = search.cv_results_, search.result_, search.best_index_
    assert results["params"][at] == search.best_params_ == result.best.settings
    assert results["mean_test_score"][at] == search.best_score_ == result.best.score
    assert results["rank_test_score"][at] == 1
    assert result.table["number"][0] == result.best.number
    seeds = result.search.candidates.seeds
    numbers = result.table["number"][::seeds] // seeds
    ranks = results["rank_test_score"][np.searchsorted(result.standing.tried, numbers)]
    assert (np.diff(ranks) >= 0).all()
    scored = np.isfinite(results["mean_test_score"][np.argsort(ranks, kind="stable")])
    top = [each.number // seeds for each in result.top(100)]
    assert top == numbers[: len(top)].tolist()
    assert len(top) == np.isfinite(results["mean_test_score"]).sum() == scored.sum()


def lost(rate, from_update):
    def loss(params, X, y):  # the further it gets the better, until it is NaN
        late = np.where(params["n"] >= from_update, np.nan, 1.0)
        return np.mean((X @ params["w"] - y) ** 2) * late + 0.0 * params["n"] - params["n"] * 1.0

    return loss, {"w": np.zeros(4), "n": np.zeros(())}, cr.optimizers.SGD(rate)


@pytest.mark.sampled(quick=3)
@pytest.mark.parametrize(
    ("model", "space", "options"),
    [
        (build, {"lr": [0.1, 0.01], "hidden": [4], "epochs": [1, 5, 2]}, {"search": "grid"}),
        (build, {"lr": LogUniform(1e-3, 1), "hidden": [4]}, {"models": 9, "halving": 3}),
        (build, {"lr": [0.1, 0.01], "hidden": [4, 8]}, {"seeds": 2, "cv": 3}),
        (build, {"lr": LogUniform(1e-3, 1), "hidden": [4]}, {"models": 6, "seeds": 3, "cv": 7}),
        (Says(), {"says": [0.5, -1.0, 0.7, None, 0.5]}, {"search": "grid"}),
        (lost, {"rate": [0.1, 0.2, 0.3], "from_update": [0.35, 0.4, 2.0]},
         {"search": "grid", "halving": 3, "batch_size": 150, "epochs": 9}),
    ],
)  # fmt: skip
def test_one_order_tells_what_is_best(model, space, options):
    options = {"epochs": 4, "cv": 2, "refit": False} | options
    assert_one_order(cr.sweeps.SweepCV(model, space, **options).fit(X, y))


def test_equal_ranks_are_as_in_scikit_learn():
    space = {"says": [0.5, 0.7, 0.5, -1.0, 0.1, -2.0]}
    ours = cr.sweeps.SweepCV(Says(), space, search="grid", cv=2).fit(X, y)
    with pytest.warns(UserWarning, match="non-finite"):
        theirs = GridSearchCV(Says(), space, cv=2, refit=False).fit(X, y)
    assert ours.cv_results_["rank_test_score"].tolist() == (
        theirs.cv_results_["rank_test_score"].tolist()
    )


def test_settings_are_columns_of_objects_and_masked_where_they_are_missing(tmp_path):
    space = {"other": [(1, 2), (3, 4)], "says": [0.1, 0.2]}
    options = {"search": "grid", "cv": 2, "store": tmp_path, "refit": False}
    found = cr.sweeps.SweepCV(Says(), {"other": space["other"]}, **options).fit(X, y)
    column = found.cv_results_["param_other"]
    assert column.shape == (2,)
    assert column.tolist() == space["other"]
    results = cr.sweeps.SweepCV(Says(), space, **options).fit(X, y).cv_results_
    assert results["param_says"].mask.tolist() == [True] * 2 + [False] * 4
    assert results["param_says"].compressed().tolist() == [0.1, 0.2] * 2


def test_it_is_to_scikit_learn_what_is_searched():
    classes = cr.sweeps.SweepCV(LogisticRegression(max_iter=500), {"C": [0.1, 1.0]}, cv=2)
    assert is_classifier(classes)
    assert is_regressor(cr.sweeps.SweepCV(make_pipeline(Ridge()), {"ridge__alpha": [1.0]}))
    assert not is_classifier(cr.sweeps.SweepCV(build, {"lr": [0.1]}))
    assert cross_val_score(classes, X, y, cv=3).min() > 0.9  # y is sorted: without strata it fails
    voting = VotingClassifier([("a", classes), ("b", LogisticRegression(max_iter=500))])
    assert voting.fit(X, y).score(X, y) > 0.9
    theirs = GridSearchCV(LogisticRegression(max_iter=500), {"C": [0.1, 1.0]}, cv=2)
    frame = pandas.DataFrame(X, columns=list("abcd"))
    ours, theirs = (each.fit(frame, y) for each in (classes, theirs))
    assert (ours.n_splits_, ours.n_features_in_) == (theirs.n_splits_, theirs.n_features_in_)
    assert ours.feature_names_in_.tolist() == theirs.feature_names_in_.tolist()


@pytest.mark.parametrize("monitor", [None, "val_accuracy"])
def test_a_greater_score_is_better(monitor):
    options = {"models": 1, "epochs": 1, "cv": 2, "monitor": monitor}
    bad, good = (
        cr.sweeps.SweepCV(build, {"lr": [rate], "hidden": [4]}, **options).fit(X, y)
        for rate in (1e-5, 0.1)
    )
    assert bad.score(X, y) < good.score(X, y)


def test_without_a_model_it_says_why():
    search = cr.sweeps.SweepCV(LogisticRegression(max_iter=500), {"C": [1.0]}, cv=2, refit=False)
    with pytest.raises(NotFittedError):
        search.predict(X)
    search.fit(X, y)
    for method in ("predict", "score"):
        with pytest.raises(OptionError, match="refit: is False"):
            getattr(search, method)(*((X, y) if method == "score" else (X,)))


def dumped(thing):
    file = io.BytesIO()
    joblib.dump(thing, file)
    file.seek(0)
    return joblib.load(file)


@pytest.fixture(
    scope="module", params=[{}, {"halving": 3, "store": True}, {"search": "tpe"}],
    ids=["random", "halving", "tpe"],
)  # fmt: skip
def searched(request, tmp_path_factory):
    options = dict(request.param)
    if "store" in options:
        options["store"] = tmp_path_factory.mktemp("store")
    return cr.sweeps.SweepCV(
        build, {"lr": LogUniform(1e-3, 1e-1), "hidden": [4]}, models=6, epochs=3, cv=2,
        **options,
    ).fit(X, y)  # fmt: skip


@pytest.mark.sampled(quick=1)
@pytest.mark.parametrize("copied", [copy.deepcopy, dumped, lambda t: pickle.loads(pickle.dumps(t))])
def test_copies_have_all_that_was_found(copied, searched):
    other = copied(searched)
    np.testing.assert_array_equal(other.predict(X), searched.predict(X))
    ours, theirs = searched.result_, copied(searched.result_)
    for name, column in ours.table.items():
        np.testing.assert_array_equal(theirs.table[name], column)
    np.testing.assert_array_equal(theirs.ensemble(3).predict(X), ours.ensemble(3).predict(X))
    np.testing.assert_array_equal(
        theirs.top(6)[-1].model.predict(X), ours.top(6)[-1].model.predict(X)
    )


def test_an_error_of_a_model_may_be_that_of_fit():
    space = {"says": [0.5, None]}
    search = cr.sweeps.SweepCV(Says(), space, cv=2).fit(X, y)
    assert np.isnan(search.cv_results_["mean_test_score"]).sum() == 1
    with pytest.raises(cr.errors.DataError, match=r"1 model failed; the first: .*nothing to say"):
        search.set_params(error_score="raise").fit(X, y)
    with pytest.raises(cr.errors.OptionError, match="a number or 'raise'"):
        search.set_params(error_score="nan").fit(X, y)


@pytest.mark.filterwarnings("ignore")
def test_the_score_of_a_failed_model_may_be_a_number_as_in_scikit_learn():
    space, cv = {"says": [0.5, None, 0.7]}, StratifiedKFold(2)
    for score in (np.nan, 0.6):
        ours = cr.sweeps.SweepCV(Says(), space, search="grid", cv=cv, error_score=score).fit(X, y)
        theirs = GridSearchCV(Says(), space, cv=cv, error_score=score).fit(X, y)
        for name in ("split0_test_score", "mean_test_score", "rank_test_score"):
            np.testing.assert_array_equal(ours.cv_results_[name], theirs.cv_results_[name])
        assert ours.best_params_ == theirs.best_params_


@pytest.mark.sampled(quick=1)
@pytest.mark.parametrize("scoring", [["accuracy", "neg_log_loss"], {"a": "accuracy", "b": None}])
def test_several_scores_are_those_of_scikit_learn_and_one_decides(scoring, tmp_path):
    if isinstance(scoring, dict):
        scoring = {"a": "accuracy", "b": recall_of_the_first}
    model, space = LogisticRegression(max_iter=1000), {"C": [1e-4, 0.01, 1.0]}
    cv = StratifiedKFold(3, shuffle=True, random_state=0)
    for refit in [*scoring, False]:
        options = {"cv": cv, "scoring": scoring, "refit": refit}
        ours = cr.sweeps.SweepCV(model, space, search="grid", **options).fit(X, y)
        theirs = GridSearchCV(model, space, **options).fit(X, y)
        assert ours.multimetric_
        assert ours.cv_results_.keys() - {"epochs"} == theirs.cv_results_.keys()
        for name, column in theirs.cv_results_.items():
            if "time" not in name:
                np.testing.assert_array_equal(ours.cv_results_[name], column)
        if refit:
            assert ours.best_params_ == theirs.best_params_
            assert ours.best_score_ == theirs.best_score_
            assert ours.score(X, y) == theirs.score(X, y)
    for refit in (True, "recall"):
        with pytest.raises(OptionError, match="must name the score that decides"):
            cr.sweeps.SweepCV(model, space, scoring=scoring, refit=refit).fit(X, y)


def test_times_are_those_of_training_and_scoring(tmp_path):
    space = {"seconds": [0.0, 0.2]}
    search = cr.sweeps.SweepCV(Sleeps(), space, search="grid", cv=2, store=tmp_path)
    times = search.fit(X, y).cv_results_
    assert times["mean_fit_time"][0] < 0.1
    assert 0.2 <= times["mean_fit_time"][1] < 0.5
    assert 0.1 <= times["mean_score_time"][1] < 0.4
    assert (times["std_fit_time"] < 0.1).all()
    again = search.fit(X, y).cv_results_  # from the store, which holds no times
    assert np.isnan(again["mean_fit_time"]).all()
    networks = cr.sweeps.SweepCV(
        build, {"lr": [0.1, 0.01], "hidden": [4]}, models=2, epochs=2, cv=2
    ).fit(X, y)
    assert (networks.cv_results_["mean_fit_time"] > 0).all()
    assert (networks.cv_results_["mean_score_time"] > 0).all()


class Sleeps(DummyClassifier):
    def __init__(self, seconds=0.0):
        super().__init__()
        self.seconds = seconds

    def fit(self, X, y, sample_weight=None):
        time.sleep(self.seconds)
        return super().fit(X, y, sample_weight)

    def score(self, X, y, sample_weight=None):
        time.sleep(self.seconds / 2)
        return super().score(X, y, sample_weight)


WEIGHT = np.random.default_rng(0).integers(0, 3, 150).astype(float)


@pytest.mark.parametrize("steps", [False, True])
@pytest.mark.parametrize("scoring", [None, "accuracy"])
def test_weights_count_in_training_and_in_scores(steps, scoring):
    model = LogisticRegression(max_iter=1000)
    model, name = (make_pipeline(model), "logisticregression__C") if steps else (model, "C")
    ones = cr.sweeps.SweepCV(model, {name: [0.01]}, cv=3, scoring=scoring, refit=False)
    found = ones.fit(X, y, sample_weight=WEIGHT)
    for number, fold in enumerate(found.result_.folds):
        (X_train, y_train, weight), (X_val, y_val, val_weight) = fold
        alone = LogisticRegression(max_iter=1000, C=0.01).fit(X_train, y_train, weight)
        expected = alone.score(X_val, y_val, val_weight)
        assert found.cv_results_[f"split{number}_test_score"][0] == expected
    assert found.best_score_ != ones.fit(X, y).best_score_


@pytest.mark.thorough  # as in estimators
def test_weights_count_in_networks_too(tmp_path):
    options = {"epochs": 2, "cv": 2, "batch_size": 10, "store": tmp_path}
    search = cr.sweeps.SweepCV(build, {"lr": [0.05], "hidden": [4]}, **options)
    search.fit(X, y, sample_weight=WEIGHT)
    cr.keras.utils.set_random_seed(0)
    alone = build(0.05, 4)
    alone.compile(alone.optimizer, alone.loss, ["accuracy"], engine="compiled")
    alone.fit(X, y, sample_weight=WEIGHT, batch_size=10, epochs=2, verbose=0)
    np.testing.assert_array_equal(search.predict(X), alone.predict(X))
    assert search.score(X, y, WEIGHT) != search.score(X, y)
    with pytest.raises(DataError, match="weights"):
        search.fit(X, y, sample_weight=WEIGHT + 1)
    for wrong in (WEIGHT[:-1], -WEIGHT, 0 * WEIGHT):
        with pytest.raises(DataError, match="sample_weight must hold"):
            search.fit(X, y, sample_weight=wrong)
    with pytest.raises(DataError, match="for networks and estimators"):
        cr.sweeps.SweepCV(lambda lr: (squares, np.zeros(4)), {"lr": [0.1]}, cv=2).fit(
            X, y, sample_weight=WEIGHT
        )


def squares(w, X, y):
    return np.mean((X @ w - y) ** 2)
