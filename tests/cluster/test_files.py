"""Whatever `fit` takes is scored, predicted and validated with too, part by part."""

import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest

import chainrule as cr
from chainrule._src.cluster.batches import PartBatches
from chainrule.errors import DataError, FileError, ShapeError
from tests.cluster.models import X, Y, fitted, network

F = X.astype("float32")
SOURCES = ["parquet", "npy", "array", "frame"]


def data(source, folder, y=Y):
    """Return ``(x, y)`` of a kind, in parts; the name of the target if it is a column of x."""
    table = pd.DataFrame(F, columns=[f"x{j}" for j in range(6)]).assign(y=y)
    if source == "parquet":
        table.to_parquet(folder / "rows.parquet", row_group_size=150)
        return folder / "rows.parquet", "y"
    if source == "npy":
        np.save(folder / "x.npy", F)
        np.save(folder / "y.npy", y)
        return str(folder / "x.npy"), str(folder / "y.npy")
    if source == "array":
        return da.from_array(F, chunks=(120, 6)), da.from_array(y, chunks=120)
    return dd.from_pandas(table, npartitions=4), "y"


@pytest.fixture(scope="module")
def model():
    return fitted(F, Y, batch_size=32, epochs=3)


@pytest.mark.sampled(quick=2)
@pytest.mark.parametrize("source", SOURCES)
def test_scores_and_predictions_are_those_of_arrays(tmp_path, model, source):
    x, y = data(source, tmp_path)
    np.testing.assert_allclose(model.evaluate(x, y), model.evaluate(F, Y), rtol=1e-5)
    named = {"y": y} if source in ("parquet", "frame") else {}
    np.testing.assert_allclose(model.predict(x, **named), model.predict(F), rtol=1e-5)


@pytest.mark.sampled(quick=2)
@pytest.mark.parametrize("source", SOURCES)
def test_validation_data_are_those_of_arrays(tmp_path, source):
    """In rounds, and in memory."""
    held = data(source, tmp_path)
    for rounds in {"shards": 2}, {}:
        histories = []
        for each in held, (F, Y):
            model = network()
            model.fit(F, Y, epochs=2, batch_size=50, validation_data=each, seed=0, **rounds)
            histories.append(model.history.history["val_loss"])
        np.testing.assert_allclose(*histories, rtol=1e-5)


def test_only_one_part_is_in_memory(tmp_path):
    x, y = data("parquet", tmp_path)
    batches = PartBatches(x, y, size=100)
    assert [len(batch[0]) for batch in batches] == [100, 50] * 3 + [50]


@pytest.mark.sampled(quick=2)
@pytest.mark.parametrize("source", SOURCES)
def test_dasks_estimators_take_them(tmp_path, source):
    labels = np.array([3, 5, 9])[Y]
    x, y = data(source, tmp_path, labels)
    classifier = cr.estimators.DaskMLPClassifier((8,), max_iter=2, shards=2, n_workers=0,
                                                 random_state=0)  # fmt: skip
    classifier.fit(x, y, validation_data=(x, y))
    assert len(classifier.history_["val_accuracy"]) == 2
    if source == "frame":
        x, y = x.drop(columns="y"), x["y"]
    table = pd.DataFrame(F, columns=[f"x{j}" for j in range(6)])
    like = table if source in ("parquet", "frame") else F
    predicted = classifier.predict(x)
    if hasattr(predicted, "compute"):
        predicted = predicted.compute(scheduler="synchronous")
    np.testing.assert_array_equal(predicted, classifier.predict(like))
    assert classifier.score(x, y) == pytest.approx(classifier.score(like, labels))
    wrong = data("npy", tmp_path, labels + 1)
    with pytest.raises(DataError, match="a class that y does not"):
        classifier.fit(F, labels, validation_data=wrong)


def test_what_cannot_be_read_is_said(tmp_path, model):
    x, _ = data("parquet", tmp_path)
    for call, match in [
        (lambda: model.evaluate(x), "y"),
        (lambda: model.evaluate(x, "z"), "no column 'z'"),
        (lambda: model.predict(F, y="y"), "y names a column of a file"),
        (lambda: model.predict(x), "7"),
        (lambda: model.fit(F, Y, validation_data=x), r"expected \(x, y\)"),
    ]:
        with pytest.raises((DataError, ShapeError), match=match):
            call()
    with pytest.raises(FileError, match="no Parquet file"):
        model.evaluate(tmp_path / "none.parquet", "y")


def test_columns_that_the_model_was_not_fitted_to_are_refused(tmp_path):
    x, y = data("parquet", tmp_path)
    fitted = network()
    fitted.fit(x, y, shards=1, verbose=0)
    fitted.save(tmp_path / "m.safetensors")
    model = cr.load_model(tmp_path / "m.safetensors")
    table = pd.read_parquet(x)
    table[table.columns[::-1]].to_parquet(tmp_path / "reversed.parquet")
    other = tmp_path / "reversed.parquet", "y"
    for call in (
        lambda: model.evaluate(*other, verbose=0),
        lambda: model.predict(other[0], y="y"),
        lambda: model.fit(F, Y, validation_data=other, verbose=0),
        lambda: fitted.fit(x, y, shards=1, validation_data=other, verbose=0),
    ):
        with pytest.raises(DataError, match=r"the columns are \['x5', .* fitted to \['x0', "):
            call()
    with pytest.raises(DataError, match="y names a column that is no feature"):
        model.predict(x)
