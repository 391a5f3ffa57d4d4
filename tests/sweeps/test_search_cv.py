import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, GroupKFold, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import chainrule as cr

X, y = load_iris(return_X_y=True)


def test_a_grid_of_an_estimator_has_scikit_learns_results():
    model = make_pipeline(StandardScaler(), LogisticRegression())
    space = {"logisticregression__C": [0.001, 0.1, 1.0]}
    cv = StratifiedKFold(3, shuffle=True, random_state=0)
    ours = cr.SweepCV(model, space, search="grid", cv=cv).fit(X, y)
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


def build(lr, hidden):
    model = cr.Sequential([cr.layers.Dense(hidden, "tanh"), cr.layers.Dense(3, "softmax")])
    model.compile(cr.optimizers.Adam(lr), "sparse_categorical_crossentropy", ["accuracy"])
    return model


def test_a_network_is_searched_in_rungs_and_trained_on_all_samples():
    search = cr.SweepCV(
        build, {"lr": cr.log(1e-3, 1e-1), "hidden": [4, 8]}, models=9, halving=3, epochs=9, cv=3,
        monitor="val_accuracy", batch_size=8,
    ).fit(X, y)  # fmt: skip
    results = search.cv_results_
    assert sorted(results["epochs"].tolist()) == [1] * 6 + [3] * 2 + [9]
    assert results["rank_test_score"][search.best_index_] == 1
    assert results["epochs"][search.best_index_] == 9
    assert results["mean_test_score"][search.best_index_] == search.best_score_
    cr.keras.utils.set_random_seed(0)
    alone = build(**search.best_params_)
    alone.compile(alone.optimizer, alone.loss, ["accuracy"], engine="compiled")
    alone.fit(X, y, batch_size=8, epochs=9, verbose=0)
    np.testing.assert_array_equal(search.predict(X), alone.predict(X))
    assert search.score(X, y) == alone.evaluate(X, y, return_dict=True)["accuracy"]


def test_groups_stay_together():
    groups = np.arange(150) % 5
    search = cr.SweepCV(LogisticRegression(max_iter=1000), {"C": [1.0]}, cv=GroupKFold(5))
    found = search.fit(X, y, groups).result_
    for fold in found.folds:
        held = {tuple(row) for row in fold.held[0]}
        assert {int(g) for row, g in zip(X, groups, strict=True) if tuple(row) in held} != set(
            range(5)
        )
    with pytest.raises(cr.OptionError, match="groups"):
        cr.SweepCV(LogisticRegression(), {"C": [1.0]}, cv=GroupKFold(5)).fit(X, y)
