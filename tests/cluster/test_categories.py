"""Columns of text in Dask's frames, in frames in memory and in Parquet files."""

import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest

import chainrule as cr

HOW = {
    "hidden_layer_sizes": (8,), "batch_size": 40, "max_iter": 12, "learning_rate_init": 0.05,
    "random_state": 0, "shards": 2, "alpha": 0.0,
}  # fmt: skip
CITIES = ["Bern", "Chur", "Genf", "b2", "b10"]


def table(rows=400, kind="str"):
    rng = np.random.default_rng(0)
    number = rng.integers(len(CITIES), size=rows)
    size = rng.normal(size=rows)
    city = pd.Series(np.array(CITIES, object)[number])
    city[::50] = None
    frame = pd.DataFrame({"size": size, "city": city.astype(kind), "member": size > 0})
    return frame.assign(price=(number % 3) + 0.1 * size)


@pytest.fixture(params=["memory", "dask", "parquet", "folder", "cluster"])
def source(request, tmp_path):
    frame = table()
    x, y = frame.drop(columns="price"), frame["price"].to_numpy()
    if request.param == "memory":
        return x, y, x, None
    if request.param in ("dask", "cluster"):
        client = request.getfixturevalue("client") if request.param == "cluster" else None
        lazy = dd.from_pandas(frame, npartitions=4)
        return lazy, "price", lazy.drop(columns="price"), client
    path = tmp_path / ("a.parquet" if request.param == "parquet" else "")
    for part, file in ((frame[:150], "a"), (frame[150:], "b")) if path == tmp_path else ():
        part.to_parquet(tmp_path / f"{file}.parquet")
    if path != tmp_path:
        frame.to_parquet(path, row_group_size=100)
    return path, "price", path, None


def test_texts_are_learned_by_category_wherever_they_are(source):
    x, y, samples, client = source
    model = cr.estimators.DaskMLPRegressor(**HOW, n_workers=None if client else 0)
    model.client = client
    model.fit(x, y, validation_data=(x, y))
    frame = table().drop(columns="price")
    assert model.model_.layers[0].kernel.shape == (2 + len(CITIES), 8)
    assert [*model.feature_names_in_] == ["size", "city", "member"]
    assert model.n_features_in_ == 3
    assert model.score(frame, table()["price"]) > 0.9
    if isinstance(y, str) and not hasattr(x, "columns"):
        assert model.score(x, y) == pytest.approx(model.score(frame, table()["price"]), abs=1e-4)
    predicted = model.predict(samples)
    if hasattr(predicted, "compute"):
        predicted = predicted.compute(scheduler=client or "synchronous")
    np.testing.assert_allclose(np.asarray(predicted), model.predict(frame), rtol=1e-5, atol=1e-5)
    assert model.history_["val_loss"][-1] < 0.1


def test_features_of_texts_are_those_of_dummies_by_hand():
    frame = table()
    x, y = frame.drop(columns="price"), frame["price"].to_numpy()
    by_hand = [x["size"], *(x["city"] == name for name in ["Bern", "Chur", "Genf", "b2", "b10"])]
    by_hand = np.stack([*by_hand, x["member"]], axis=1).astype(float)
    one = cr.estimators.DaskMLPRegressor(**HOW, n_workers=0).fit(x, y)
    other = cr.estimators.DaskMLPRegressor(**HOW, n_workers=0).fit(by_hand, y)
    for a, b in zip(one.model_.get_weights(), other.model_.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


@pytest.mark.sampled(quick=1)
@pytest.mark.parametrize("kind", ["category", "string", "object"])
def test_any_type_of_text_is_the_same(tmp_path, kind):
    expected = cr.estimators.DaskMLPRegressor(**HOW, n_workers=0).fit(*memory(table()))
    frame = table(kind=kind)
    other = cr.estimators.DaskMLPRegressor(**HOW, n_workers=0).fit(*memory(frame))
    frame.to_parquet(tmp_path / "a.parquet")
    file = cr.estimators.DaskMLPRegressor(**HOW, n_workers=0).fit(tmp_path / "a.parquet", "price")
    for model in (other, file):
        np.testing.assert_allclose(
            model.predict(memory(table())[0]), expected.predict(memory(frame)[0]), atol=0.2
        )
    assert file.model_.layers[0].kernel.shape == expected.model_.layers[0].kernel.shape


def memory(frame):
    return frame.drop(columns="price"), frame["price"].to_numpy()


def test_new_and_missing_texts_have_no_feature():
    x, y = memory(table())
    model = cr.estimators.DaskMLPRegressor(**HOW, n_workers=0).fit(x, y)
    new = x.assign(city="Paris")
    missing = x.assign(city=pd.Series([None] * len(x), dtype=object))
    np.testing.assert_array_equal(model.predict(new), model.predict(missing))


def test_classes_too_and_too_many_categories_are_said(tmp_path):
    frame = table()
    frame["price"] = np.where(frame["price"] > 1, "dear", "cheap")
    frame.to_parquet(tmp_path / "a.parquet")
    model = cr.estimators.DaskMLPClassifier(**HOW, n_workers=0).fit(tmp_path / "a.parquet", "price")
    assert model.score(tmp_path / "a.parquet", "price") > 0.9
    assert model.predict_proba(memory(frame)[0]).shape == (400, 2)
    many = pd.DataFrame({"id": [f"n{i}" for i in range(1500)], "y": np.arange(1500.0)})
    with pytest.raises(cr.errors.DataError, match=r"'id' holds 1,500 different texts"):
        cr.estimators.DaskMLPRegressor(**HOW).fit(many[["id"]], many["y"])
