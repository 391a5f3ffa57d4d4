"""Columns of numbers and categories, with missing values."""

import importlib

import numpy as np
import pytest

import chainrule as cr

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
COLUMNS = {
    "age": [20.0, 30.0, None, 40.0, 35.0, 25.0] * 30,
    "city": ["Bern", "Chur", None, "Bern", "Genf", "Chur"] * 30,
    "member": [True, False, True, True, False, False] * 30,
}
TARGET = np.array(["yes", "no", "no", "yes", "no", "no"] * 30)


def pandas():
    found = pytest.importorskip("pandas").DataFrame(COLUMNS)
    return found.astype({"city": "category"})


def polars():
    return pytest.importorskip("polars").DataFrame(COLUMNS)


def pyarrow():
    return importlib.import_module("pyarrow").table(COLUMNS)


def array():
    return np.array(list(zip(*COLUMNS.values(), strict=True)), dtype=object)


@pytest.mark.parametrize("made", [pandas, polars, pyarrow, array])
def test_frames_of_every_kind_are_one(made):
    X = made()
    found = cr.MLPClassifier((10,), columns="auto", random_state=0, max_iter=300).fit(X, TARGET)
    assert found.score(X, TARGET) == 1
    assert found.n_features_in_ == 3
    assert len(found.coefs_[0]) == 2 + 4 + 2
    if made is not array:
        assert list(found.feature_names_in_) == list(COLUMNS)
    same = cr.MLPClassifier((10,), columns="auto", random_state=0, max_iter=300)
    same.fit(pyarrow(), TARGET)
    np.testing.assert_array_equal(found.predict_proba(X), same.predict_proba(pyarrow()))


def test_numbers_with_missing_ones():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 3))
    y = X[:, 0] > 0
    X[::7, 1] = np.nan
    found = cr.MLPClassifier(columns="auto", dropout=0.1, max_iter=40, random_state=0)
    found.fit(X, y, validation_data=(X[:20], y[:20]))
    assert found.score(X, y) > 0.9
    assert found.__sklearn_tags__().input_tags.allow_nan
    with pytest.raises(ValueError, match="contains NaN"):
        cr.MLPClassifier().fit(X, y)


def test_some_rows_at_a_time():
    found = cr.MLPClassifier((10,), columns="auto", random_state=0)
    for _ in range(300):
        found.partial_fit(pyarrow(), TARGET, classes=["no", "yes"])
    assert found.score(pyarrow(), TARGET) == 1


def test_a_column_that_is_not_there_is_named():
    found = cr.MLPClassifier((10,), columns="auto", random_state=0, max_iter=300)
    found.fit(pyarrow(), TARGET)
    with pytest.raises(cr.DataError, match="'city'"):
        found.predict(pyarrow().drop(["city"]))


def test_rows_in_lists_keep_their_numbers():
    rows = [[20, "Bern"], [30, "Chur"], [25, "Bern"], [45, "Chur"]] * 20
    found = cr.MLPClassifier((5,), columns="auto", random_state=0, max_iter=20)
    found.fit(rows, ["a", "b", "a", "b"] * 20)
    assert len(found.coefs_[0]) == 1 + 2
    with pytest.raises(ValueError, match="X has 1 features, but MLPClassifier is expecting 2"):
        found.predict([[20]])


def test_an_array_has_the_columns_of_the_frame_of_training():
    found = cr.MLPClassifier((10,), columns="auto", random_state=0, max_iter=300)
    found.fit(pyarrow(), TARGET)
    with pytest.warns(UserWarning, match="valid feature names"):
        assert found.score(array(), TARGET) == 1


def test_one_row_is_too_few_to_learn_from():
    with pytest.raises(cr.DataError, match="n_samples = 1"):
        cr.MLPClassifier(columns="auto").fit(pyarrow().slice(0, 1), TARGET[:1])


@pytest.mark.parametrize("cls", [cr.MLPClassifier, cr.RealMLPClassifier])
@pytest.mark.parametrize("backend", ["numpy_nullable", "pyarrow"])
def test_gaps_in_pandas_own_dtypes_are_missing_values(cls, backend):
    pd = pytest.importorskip("pandas")
    columns = {**COLUMNS, "member": [True, None, True, True, False, False] * 30}
    X = pd.DataFrame(columns).convert_dtypes(dtype_backend=backend)
    options = {"columns": "auto", "max_iter": 300} if cls is cr.MLPClassifier else {"epochs": 30}
    found = cls(hidden_layer_sizes=(10,), random_state=0, **options).fit(X, TARGET)
    assert found.score(X, TARGET) == 1


def test_a_gap_among_texts_of_an_array_is_no_text():
    X = array()
    X[[city is None for city in X[:, 1]], 1] = np.nan
    found = cr.MLPClassifier((10,), columns="auto", random_state=0, max_iter=300).fit(X, TARGET)
    assert len(found.coefs_[0]) == 2 + 4 + 2
    np.testing.assert_array_equal(found.predict_proba(X), found.predict_proba(array()))


@pytest.mark.parametrize("names", [["a", 1, "1"], ["a", "a", "b"], []])
def test_names_of_columns_that_do_not_tell_them_apart_are_refused(names):
    pd = pytest.importorskip("pandas")
    X = pd.DataFrame(array()[:, : len(names)], columns=names)
    for model in (cr.MLPClassifier(columns="auto"), cr.RealMLPClassifier()):
        with pytest.raises((ValueError, TypeError)):
            model.fit(X, TARGET)


def test_numbers_of_columns_are_no_names():
    pd = pytest.importorskip("pandas")
    found = cr.MLPClassifier(columns="auto", max_iter=3).fit(pd.DataFrame(array()), TARGET)
    assert not hasattr(found, "feature_names_in_")
