"""DaskMLPClassifier and DaskMLPRegressor: the conventions of xgboost.dask."""

import pickle

import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

import chainrule as cr
from tests.distributed.models import X, Y

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
    classifier = cr.DaskMLPClassifier(**HOW)
    classifier.client = client
    classifier.fit(x, y)
    assert classifier.classes_.tolist() == LABELS.tolist()
    here = cr.DaskMLPClassifier(**HOW, n_workers=0).fit(x, y)
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


def test_the_client_that_is_active_is_used(cluster):
    from distributed import Client

    x, y = arrays()
    with Client(cluster) as active:
        classifier = cr.DaskMLPClassifier(**HOW | {"max_iter": 1}).fit(x, y)
        ran = active.run_on_scheduler(lambda dask_scheduler: dict(dask_scheduler.task_prefixes))
        assert any("train_shard" in name for name in ran)
    assert classifier.n_iter_ == 1


def test_frames_give_series():
    frame = pd.DataFrame(X, columns=[f"x{j}" for j in range(6)]).assign(y=X[:, 0] ** 2)
    frame = dd.from_pandas(frame, npartitions=3)
    x = frame.drop(columns="y")
    regressor = cr.DaskMLPRegressor(**HOW, n_workers=0).fit(x, frame["y"])
    predicted = regressor.predict(x).compute(scheduler="synchronous")
    assert isinstance(predicted, pd.Series)
    assert predicted.index.equals(pd.RangeIndex(500))
    np.testing.assert_allclose(predicted, regressor.predict(X), rtol=1e-5, atol=1e-6)
    assert regressor.score(X, X[:, 0] ** 2) > 0.8
    classifier = cr.DaskMLPClassifier(**HOW, n_workers=0).fit(x, (frame["y"] > 1).astype(int))
    proba = classifier.predict_proba(x).compute(scheduler="synchronous")
    np.testing.assert_allclose(proba, classifier.predict_proba(X), rtol=1e-5, atol=1e-6)


def test_scikit_learns_conventions():
    classifier = cr.DaskMLPClassifier(**HOW, class_weight={"ash": 2.0})
    again = clone(classifier)
    assert again.get_params() == classifier.get_params()
    again.fit(X, LABELS[Y], validation_data=(X[:50], LABELS[Y[:50]]))
    assert {"loss", "accuracy", "val_loss", "val_accuracy"} <= set(again.history_)
    again.client = object()
    other = pickle.loads(pickle.dumps(again))
    assert other.client is None
    np.testing.assert_array_equal(other.predict(X), again.predict(X))
    with pytest.raises(cr.DataError, match="one class: 'ash'"):
        cr.DaskMLPClassifier().fit(X, np.repeat("ash", 500))
