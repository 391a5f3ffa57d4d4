"""DaskMLPClassifier and DaskMLPRegressor: the conventions of xgboost.dask."""

import pickle
import warnings

import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

import chainrule as cr
from tests.cluster.models import X, Y

LABELS = np.array(["ash", "elm", "oak"])
ORDER = np.argsort(Y, kind="stable")  # so that classes are missing in partitions
HOW = {
    "hidden_layer_sizes": (8,), "batch_size": 20, "max_iter": 15, "learning_rate_init": 0.04,
    "random_state": 0, "shards": 4,
}  # fmt: skip


def arrays():
    return da.from_array(X[ORDER], chunks=(100, 6)), da.from_array(LABELS[Y[ORDER]], chunks=100)


def test_a_class_that_is_missing_in_a_shard_is_no_error(client):
    x, y = arrays()
    classifier = cr.estimators.DaskMLPClassifier(**HOW)
    classifier.client = client
    classifier.fit(x, y)
    assert classifier.classes_.tolist() == LABELS.tolist()
    here = cr.estimators.DaskMLPClassifier(**HOW, n_workers=0).fit(x, y)
    for a, b in zip(classifier.model_.get_weights(), here.model_.get_weights(), strict=True):
        assert a.tobytes() == b.tobytes()
    predicted, proba = classifier.predict(x), classifier.predict_proba(x)
    assert isinstance(predicted, da.Array)
    assert isinstance(proba, da.Array)
    assert proba.shape == (500, 3)
    found = client.compute([predicted, proba], sync=True)
    np.testing.assert_array_equal(found[0], classifier.predict(X[ORDER]))
    np.testing.assert_allclose(found[1], classifier.predict_proba(X[ORDER]), rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(found[0], LABELS[found[1].argmax(axis=1)])
    assert (found[0] == LABELS[Y[ORDER]]).mean() > 0.8


def test_training_ends_where_the_loss_falls_no_more():
    few = cr.estimators.DaskMLPClassifier(**HOW | {"max_iter": 50}, n_workers=0, tol=0.1)
    few.set_params(n_iter_no_change=2).fit(X, Y)
    losses = np.array(few.history_["loss"])
    assert 3 < few.n_iter_ < 50
    assert (losses[-3:] > losses[:-3].min() - 0.1).all()
    with pytest.raises(cr.errors.DataError, match="DaskMLPClassifier: tol"):
        few.set_params(tol=-1.0).fit(X, Y)


def test_the_client_that_is_active_is_used(cluster):
    from distributed import Client

    x, y = arrays()
    with Client(cluster) as active:
        classifier = cr.estimators.DaskMLPClassifier(**HOW | {"max_iter": 1}).fit(x, y)
        ran = active.run_on_scheduler(lambda dask_scheduler: dict(dask_scheduler.task_prefixes))
        assert any("train_shard" in name for name in ran)
    assert classifier.n_iter_ == 1


def test_frames_give_series():
    frame = pd.DataFrame(X, columns=[f"x{j}" for j in range(6)]).assign(y=X[:, 0] ** 2)
    frame = dd.from_pandas(frame, npartitions=3)
    x = frame.drop(columns="y")
    regressor = cr.estimators.DaskMLPRegressor(**HOW, n_workers=0).fit(x, frame["y"])
    predicted = regressor.predict(x).compute(scheduler="synchronous")
    assert isinstance(predicted, pd.Series)
    assert predicted.index.equals(pd.RangeIndex(500))
    in_memory = pd.DataFrame(X, columns=x.columns)
    np.testing.assert_allclose(predicted, regressor.predict(in_memory), rtol=1e-5, atol=1e-6)
    assert regressor.score(in_memory, X[:, 0] ** 2) > 0.8
    assert regressor.score(x, frame["y"]) == pytest.approx(regressor.score(in_memory, X[:, 0] ** 2))
    classifier = cr.estimators.DaskMLPClassifier(**HOW, n_workers=0).fit(
        x, (frame["y"] > 1).astype(int)
    )
    proba = classifier.predict_proba(x).compute(scheduler="synchronous")
    in_memory = classifier.predict_proba(in_memory)
    np.testing.assert_allclose(proba, in_memory, rtol=1e-5, atol=1e-6)


def test_scikit_learns_conventions():
    classifier = cr.estimators.DaskMLPClassifier(**HOW, class_weight={"ash": 2.0})
    again = clone(classifier)
    assert again.get_params() == classifier.get_params()
    again.fit(X, LABELS[Y], validation_data=(X[:50], LABELS[Y[:50]]))
    assert {"loss", "accuracy", "val_loss", "val_accuracy"} <= set(again.history_)
    again.client = object()
    other = pickle.loads(pickle.dumps(again))
    assert other.client is None
    np.testing.assert_array_equal(other.predict(X), again.predict(X))
    with pytest.raises(cr.errors.DataError, match="one class: 'ash'"):
        cr.estimators.DaskMLPClassifier().fit(X, np.repeat("ash", 500))


def table(**more):
    return pd.DataFrame({f"x{j}": X[:, j] for j in range(6)} | more)


@pytest.mark.sampled(quick=1)
@pytest.mark.parametrize("given", ["pandas", "dask", "parquet"])
def test_columns_are_those_of_training_in_their_order(tmp_path, given):
    """As scikit-learn's own: its words for what is missing, new or in another order."""
    data = table(y=Y)
    if given == "parquet":
        data.to_parquet(tmp_path / "a.parquet")
        how = tmp_path / "a.parquet", "y"
    elif given == "dask":
        how = dd.from_pandas(data, npartitions=3), "y"
    else:
        how = table(), Y
    classifier = cr.estimators.DaskMLPClassifier(**HOW | {"max_iter": 1}, n_workers=0).fit(*how)
    assert classifier.feature_names_in_.tolist() == list(table().columns)
    assert classifier.n_features_in_ == 6
    right = classifier.predict(table())
    for other, match in [
        (table()[[f"x{j}" for j in (1, 0, 2, 3, 4, 5)]], "must be in the same order"),
        (table().drop(columns="x3"), "seen at fit time, yet now missing"),
        (table(more=Y), "unseen at fit time"),
    ]:
        for frame in (other, dd.from_pandas(other, npartitions=2)):
            for method in (classifier.predict, classifier.predict_proba):
                with pytest.raises(ValueError, match=match):
                    method(frame)
        with pytest.raises(ValueError, match=match):
            cr.estimators.DaskMLPClassifier(**HOW).fit(*how, validation_data=(other, Y))
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        np.testing.assert_array_equal(classifier.predict(X), right)
    with pytest.raises(ValueError, match="X has 5 features, but DaskMLPClassifier is expecting 6"):
        cr.estimators.DaskMLPClassifier(**HOW).fit(X, Y).predict(da.from_array(X[:, :5]))
    classifier.fit(X, Y)
    assert not hasattr(classifier, "feature_names_in_")


@pytest.mark.parametrize("weight", [None, np.linspace(0.1, 2, 500)])
def test_balanced_weights_are_those_of_all_partitions(client, weight):
    """The same as by hand, from labels that are missing in some."""
    y = LABELS[Y[ORDER]]
    sums = np.bincount(Y[ORDER], weight)
    by_hand = dict(zip(LABELS.tolist(), (sums.sum() / (3 * sums)).tolist(), strict=True))
    x, labels = arrays()
    w = None if weight is None else da.from_array(weight, chunks=100)
    found = []
    for given, how in [("balanced", {}), (by_hand, {}), ("balanced", {"client": client})]:
        classifier = cr.estimators.DaskMLPClassifier(**HOW | {"max_iter": 2}, class_weight=given)
        classifier.client = how.get("client")
        found.append(classifier.fit(x, labels, sample_weight=w).model_.get_weights())
    for weights in found[1:]:
        for one, other in zip(found[0], weights, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-5)
    assert set(y) == set(by_hand)


def test_weights_of_classes_that_there_are_not_are_refused():
    for given in ({"0": 1, "1": 9}, {"ash": 1.0, "beech": 2.0}):
        with pytest.raises(ValueError, match="not in class_weight"):
            cr.estimators.DaskMLPClassifier(**HOW, class_weight=given).fit(X, LABELS[Y])
    with pytest.raises(cr.errors.OptionError, match="'balanced' or a dict"):
        cr.estimators.DaskMLPClassifier(**HOW, class_weight="even").fit(X, LABELS[Y])


def test_scores_of_chunks_of_unknown_size():
    x, y = arrays()
    some = x[:, 0] > 0
    classifier = cr.estimators.DaskMLPClassifier(**HOW, n_workers=0).fit(x, y)
    expected = classifier.score(x[some].compute(), y[some].compute())
    assert classifier.score(x[some], y[some]) == expected
    assert classifier.score(x[some], y[some], sample_weight=x[some][:, 0]) != expected


def test_what_cannot_be_trained_on_is_said():
    x, _ = arrays()
    labels = LABELS[Y].astype(object)
    labels[130] = None
    mixed = np.where(np.arange(500) < 250, labels, 1)
    fit, regressor = (
        cr.estimators.DaskMLPClassifier(**HOW).fit,
        cr.estimators.DaskMLPRegressor(**HOW),
    )
    parts = da.from_array(labels, chunks=100)
    for call, match in [
        (lambda: fit(x, parts), "partition 1: y holds missing labels"),
        (lambda: fit(x, da.from_array(np.where(Y == 1, np.nan, Y), chunks=100)), "missing labels"),
        (lambda: fit(X, np.where(mixed == None, 2, mixed)), "must be of one kind"),  # noqa: E711
        (lambda: fit(X, Y, validation_data=X), r"must be \(X, y\)"),
        (lambda: regressor.fit(X, X[:, :2]), r"y of shape \(n,\)"),
        (lambda: fit(X[:, 0], Y), r"X of shape \(n, d\)"),
    ]:
        with pytest.raises(cr.errors.DataError, match=match):
            call()


def test_a_client_that_is_closed_is_said(cluster):
    from distributed import Client

    classifier = cr.estimators.DaskMLPClassifier(**HOW)
    with Client(cluster, set_as_default=False) as classifier.client:
        pass
    with pytest.raises(cr.errors.DataError, match="this one is closed"):
        classifier.fit(*arrays())


@pytest.mark.thorough  # many trainings
def test_the_defaults_learn_as_one_machine_does(client):
    """Eight shards made one update an epoch, and reached half of scikit-learn's accuracy."""
    X, y = load_digits(return_X_y=True)
    X = (X / 16).astype(np.float32)
    train, aside, y_train, y_aside = train_test_split(X, y, random_state=0, stratify=y)
    alone = MLPClassifier(max_iter=20, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        alone.fit(train, y_train)
    classifier = cr.estimators.DaskMLPClassifier(max_iter=30, random_state=0)
    classifier.client = client
    parts = da.from_array(train, chunks=(100, 64)), da.from_array(y_train, chunks=100)
    with pytest.warns(cr.errors.FewUpdatesWarning, match="8 shards.* 8 updates an epoch"):
        classifier.fit(*parts)
    error = np.sqrt(0.07 * 0.93 / len(y_aside))
    assert classifier.score(aside, y_aside) > alone.score(aside, y_aside) - 2 * error
    here = cr.estimators.DaskMLPClassifier(max_iter=30, random_state=0, n_workers=0)
    with pytest.warns(cr.errors.FewUpdatesWarning):
        here.fit(*parts)
    for a, b in zip(classifier.model_.get_weights(), here.model_.get_weights(), strict=True):
        assert a.tobytes() == b.tobytes()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        here.set_params(max_iter=200).fit(train, y_train)
        alone.set_params(max_iter=200).fit(train, y_train)
    assert here.score(aside, y_aside) > alone.score(aside, y_aside) - 2 * error


def test_one_shard_and_many_updates_are_no_cause_for_a_warning():
    for how in {"shards": 1, "batch_size": 100}, {"shards": 4, "batch_size": 24}:
        cr.estimators.DaskMLPClassifier(**HOW | how | {"max_iter": 1}).fit(X, Y)
