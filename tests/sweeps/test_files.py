"""Sweeps of files and collections read them group by group, as `fit` does."""

import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

import chainrule as cr
from chainrule._src.sweeps.grouped import GroupedRows, in_memory
from chainrule.errors import DataError, FileError

RNG = np.random.default_rng(5)
X = RNG.normal(size=(500, 4)).astype("float32")
Y = (X[:, 0] * X[:, 1] > 0).astype(int)
W = RNG.uniform(0.5, 2, size=500)
HELD = RNG.normal(size=(60, 4)).astype("float32"), RNG.integers(0, 2, 60)
SPACE = {"lr": [0.01, 0.03], "rate": [0.0, 0.3]}
HOW = {"search": "grid", "epochs": 4, "verbose": 0, "monitor": "val_accuracy"}
SOURCES = ["parquet", "npy", "memmap", "frame", "array", "lazy frame"]


def build(lr, rate):
    model = cr.Sequential(
        [cr.layers.Dense(8, "relu"), cr.layers.Dropout(rate), cr.layers.Dense(2, "softmax")]
    )
    model.compile(
        cr.optimizers.Adam(lr), "sparse_categorical_crossentropy", ["accuracy"], engine="compiled"
    )
    return model


@pytest.fixture(params=SOURCES)
def source(request, tmp_path):
    """Return ``(x, y, sample_weight)`` of a kind."""
    table = pd.DataFrame(X, columns=[*"abcd"]).assign(y=Y, w=W)
    if request.param in ("parquet", "lazy frame"):
        path = tmp_path / "rows.parquet"
        table.to_parquet(path, row_group_size=150)
        lazy = request.param == "lazy frame"
        return dd.read_parquet(path, split_row_groups=True) if lazy else path, "y", "w"
    if request.param in ("npy", "memmap"):
        paths = [tmp_path / f"{name}.npy" for name in "xyw"]
        for path, array in zip(paths, (X, Y, W), strict=True):
            np.save(path, array)
        if request.param == "npy":
            return tuple(paths)
        return tuple(np.load(path, mmap_mode="r") for path in paths)
    if request.param == "frame":
        return dd.from_pandas(table, npartitions=4), "y", "w"
    return tuple(da.from_array(part, chunks=(120, *part.shape[1:])) for part in (X, Y, W))


@pytest.mark.sampled(quick=2)
def test_a_member_has_the_bits_of_fit_with_one_shard(source, monkeypatch):
    monkeypatch.setattr(GroupedRows, "whole", property(lambda self: pytest.fail("all is read")))
    x, y, weight = source
    options = HOW | {"halving": 2, "batch_size": 16}
    result = cr.sweep(build, SPACE, x, y, sample_weight=weight, validation_data=HELD, **options)
    best = result.best
    cr.keras.utils.set_random_seed(0)
    model = build(**best.settings)
    model.fit(x, y, sample_weight=weight, shards=1, epochs=4, batch_size=16, verbose=0)
    for trained, own in zip(best.model.get_weights(), model.get_weights(), strict=True):
        assert trained.tobytes() == own.tobytes()


@pytest.mark.sampled(quick=2)
def test_cross_validation_of_all_kinds_divides_rows_as_of_arrays(source):
    x, y, weight = source
    options = {"epochs": 2, "cv": 3, "search": "grid", "monitor": "val_accuracy"}
    search = cr.sweeps.SweepCV(build, SPACE, **options).fit(x, y, sample_weight=weight)
    arrays = cr.sweeps.SweepCV(build, SPACE, **options).fit(X, Y, sample_weight=W)
    pairs = zip(search.result_.folds, arrays.result_.folds, strict=True)
    for fold, other in pairs:
        for samples, same in zip(fold, other, strict=True):
            for part, expected in zip(in_memory(samples), same, strict=True):
                np.testing.assert_array_equal(part, expected)
    models, split = search.result_.best.models, search.cv_results_["split0_test_score"]
    own = models[0].evaluate(*arrays.result_.folds[0].held[:2], return_dict=True, verbose=0,
                             sample_weight=arrays.result_.folds[0].held[2])  # fmt: skip
    np.testing.assert_allclose(split[search.best_index_], own["accuracy"])
    assert search.n_features_in_ == 4
    assert search.predict(X[:3]).shape == (3, 2)


def test_the_best_model_predicts_and_scores_files(tmp_path):
    path = tmp_path / "rows.parquet"
    pd.DataFrame(X, columns=[*"abcd"]).assign(y=Y).to_parquet(path, row_group_size=150)
    search = cr.sweeps.SweepCV(build, {"lr": [0.01], "rate": 0.0}, cv=2, epochs=1).fit(path, "y")
    np.testing.assert_allclose(search.predict(path, y="y"), search.predict(X), rtol=1e-5)
    assert search.score(path, "y") == pytest.approx(search.score(X, Y))


def test_an_estimator_takes_the_rows_of_a_file_in_memory(tmp_path):
    np.save(tmp_path / "x.npy", X)
    np.save(tmp_path / "y.npy", Y)
    search = cr.sweeps.SweepCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=3)
    scores = search.fit(tmp_path / "x.npy", tmp_path / "y.npy").cv_results_["mean_test_score"]
    expected = cr.sweeps.SweepCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=3).fit(X, Y)
    np.testing.assert_array_equal(scores, expected.cv_results_["mean_test_score"])


def test_the_store_knows_the_rows_of_a_file(tmp_path):
    np.save(tmp_path / "x.npy", X)
    np.save(tmp_path / "y.npy", Y)
    paths = str(tmp_path / "x.npy"), str(tmp_path / "y.npy")
    first = cr.sweep(build, SPACE, *paths, store=tmp_path / "s", **HOW)
    again = cr.sweep(build, SPACE, *paths, store=tmp_path / "s", **HOW)
    assert first.table["val_loss"].tobytes() == again.table["val_loss"].tobytes()
    np.save(tmp_path / "x.npy", X + 1)
    with pytest.raises(DataError, match="rows to train on"):
        cr.sweep(build, SPACE, *paths, store=tmp_path / "s", **HOW)


@pytest.mark.parametrize(
    ("x", "y", "error", "message"),
    [
        (lambda: iter([(X, Y)]), None, DataError, "an iterable of batches cannot be divided"),
        ("none.npy", "none.npy", FileError, "cannot be read as a .npy file"),
        ("none.parquet", "y", FileError, "there is no Parquet file"),
        ("none.npy", None, DataError, "y is missing"),
    ],
)
def test_files_that_cannot_be_read_are_told_before_training(x, y, error, message):
    with pytest.raises(error, match=message):
        cr.sweep(build, SPACE, x, y, **HOW)
