"""Columns of numbers and categories, with missing values."""

import decimal
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


QUICK = {"random_state": 0, "learning_rate_init": 0.02, "max_iter": 60, "engine": "numpy"}


@pytest.fixture(scope="module")
def probabilities():
    """Those of a network that was trained with a table of Arrow's."""
    model = cr.estimators.MLPClassifier((10,), columns="auto", **QUICK)
    return model.fit(pyarrow(), TARGET).predict_proba(pyarrow())


@pytest.mark.parametrize("made", [pandas, polars, pyarrow, array])
def test_frames_of_every_kind_are_one(made, probabilities):
    X = made()
    found = cr.estimators.MLPClassifier((10,), columns="auto", **QUICK).fit(X, TARGET)
    assert found.score(X, TARGET) == 1
    assert found.n_features_in_ == 3
    assert len(found.coefs_[0]) == 2 + 4 + 2
    if made is not array:
        assert list(found.feature_names_in_) == list(COLUMNS)
    np.testing.assert_array_equal(found.predict_proba(X), probabilities)


def test_numbers_with_missing_ones():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 3))
    y = X[:, 0] > 0
    X[::7, 1] = np.nan
    found = cr.estimators.MLPClassifier(columns="auto", dropout=0.1, max_iter=40, random_state=0)
    found.fit(X, y, validation_data=(X[:20], y[:20]))
    assert found.score(X, y) > 0.9
    assert found.__sklearn_tags__().input_tags.allow_nan
    with pytest.raises(ValueError, match="contains NaN"):
        cr.estimators.MLPClassifier().fit(X, y)


def test_some_rows_at_a_time():
    found = cr.estimators.MLPClassifier((10,), columns="auto", **QUICK)
    for _ in range(60):
        found.partial_fit(pyarrow(), TARGET, classes=["no", "yes"])
    assert found.score(pyarrow(), TARGET) == 1


def test_a_column_that_is_not_there_is_named():
    found = cr.estimators.MLPClassifier((10,), columns="auto", **QUICK)
    found.fit(pyarrow(), TARGET)
    with pytest.raises(cr.errors.DataError, match="'city'"):
        found.predict(pyarrow().drop(["city"]))


def test_rows_in_lists_keep_their_numbers():
    rows = [[20, "Bern"], [30, "Chur"], [25, "Bern"], [45, "Chur"]] * 20
    found = cr.estimators.MLPClassifier((5,), columns="auto", random_state=0, max_iter=20)
    found.fit(rows, ["a", "b", "a", "b"] * 20)
    assert len(found.coefs_[0]) == 1 + 2
    with pytest.raises(ValueError, match="X has 1 features, but MLPClassifier is expecting 2"):
        found.predict([[20]])


def test_an_array_has_the_columns_of_the_frame_of_training():
    found = cr.estimators.MLPClassifier((10,), columns="auto", **QUICK)
    found.fit(pyarrow(), TARGET)
    with pytest.warns(UserWarning, match="valid feature names"):
        assert found.score(array(), TARGET) == 1


def test_one_row_is_too_few_to_learn_from():
    with pytest.raises(cr.errors.DataError, match="n_samples = 1"):
        cr.estimators.MLPClassifier(columns="auto").fit(pyarrow().slice(0, 1), TARGET[:1])


@pytest.mark.parametrize("cls", [cr.estimators.MLPClassifier, cr.estimators.RealMLPClassifier])
@pytest.mark.parametrize("backend", ["numpy_nullable", "pyarrow"])
def test_gaps_in_pandas_own_dtypes_are_missing_values(cls, backend):
    pd = pytest.importorskip("pandas")
    columns = {**COLUMNS, "member": [True, None, True, True, False, False] * 30}
    X = pd.DataFrame(columns).convert_dtypes(dtype_backend=backend)
    is_mlp = cls is cr.estimators.MLPClassifier
    options = QUICK | {"columns": "auto"} if is_mlp else {"epochs": 30, "random_state": 0}
    found = cls(hidden_layer_sizes=(10,), **options).fit(X, TARGET)
    assert found.score(X, TARGET) == 1


def test_a_gap_among_texts_of_an_array_is_no_text():
    X = array()
    X[[city is None for city in X[:, 1]], 1] = np.nan
    found = cr.estimators.MLPClassifier((10,), columns="auto", **QUICK).fit(X, TARGET)
    assert len(found.coefs_[0]) == 2 + 4 + 2
    np.testing.assert_array_equal(found.predict_proba(X), found.predict_proba(array()))


@pytest.mark.parametrize("names", [["a", 1, "1"], ["a", "a", "b"], []])
def test_names_of_columns_that_do_not_tell_them_apart_are_refused(names):
    pd = pytest.importorskip("pandas")
    X = pd.DataFrame(array()[:, : len(names)], columns=names)
    for model in (cr.estimators.MLPClassifier(columns="auto"), cr.estimators.RealMLPClassifier()):
        with pytest.raises((ValueError, TypeError)):
            model.fit(X, TARGET)


def test_numbers_of_columns_are_no_names():
    pd = pytest.importorskip("pandas")
    found = cr.estimators.MLPClassifier(columns="auto", max_iter=3).fit(
        pd.DataFrame(array()), TARGET
    )
    assert not hasattr(found, "feature_names_in_")


def realmlp(epochs=3):
    options = {"hidden_layer_sizes": 16, "epochs": epochs, "batch_size": 32, "random_state": 0}
    return cr.estimators.RealMLPClassifier(engine="numpy", **options)


def mlp(epochs=3):
    return cr.estimators.MLPClassifier((16,), columns="auto", **QUICK | {"max_iter": epochs})


MODELS = pytest.mark.parametrize("made", [realmlp, mlp])
CODES = np.arange(160) % 8
PARITY = np.array(["odd", "even", "even", "odd", "even", "odd", "odd", "even"])[CODES]


def as_category(values):
    return pytest.importorskip("pandas").DataFrame({"code": values}).astype("category")


def as_dictionary(values):
    pa = importlib.import_module("pyarrow")
    return pa.table({"code": pa.array(values).dictionary_encode()})


def as_arrow_dtype(values):
    pd, pa = pytest.importorskip("pandas"), importlib.import_module("pyarrow")
    return pd.DataFrame(
        {"code": pd.arrays.ArrowExtensionArray(pa.array(values).dictionary_encode())}
    )


FRAMED = as_category, as_dictionary, as_arrow_dtype
VALUES = {"int": CODES, "float": CODES / 4, "bool": CODES > 3}


@pytest.mark.sampled(quick=4)
@pytest.mark.parametrize(
    ("made", "framed", "values"),
    [(mlp, framed, values) for framed in FRAMED for values in VALUES]
    + [(realmlp, *pair) for pair in zip(FRAMED, VALUES, strict=True)],
)
def test_categories_are_categories_whatever_their_type(made, framed, values):
    values = VALUES[values]
    X = framed(values)
    model = made(epochs=60).fit(X, PARITY)
    (step,) = (model._encoder if made is mlp else model.model_).preprocessor.steps
    assert step.kind == "category"
    assert len(step.categories) == len(set(values.tolist()))
    if values.dtype != bool:
        assert model.score(X, PARITY) > 0.95


@MODELS
def test_categories_that_are_numbers_may_come_as_numbers(made):
    pd = pytest.importorskip("pandas")
    X = as_category(np.where(CODES == 7, np.nan, CODES))
    model = made().fit(X, PARITY)
    plain = pd.DataFrame({"code": np.where(CODES == 7, np.nan, CODES)})
    np.testing.assert_array_equal(model.predict_proba(plain), model.predict_proba(X))


@MODELS
def test_booleans_and_0_and_1_are_the_same(made):
    pd, yes = pytest.importorskip("pandas"), CODES % 2 == 0
    logical = pd.DataFrame({"yes": yes, "code": CODES})
    numbers = logical.assign(yes=yes.astype(int))
    for here, there in ((logical, numbers), (numbers, logical)):
        model = made().fit(here, PARITY)
        np.testing.assert_array_equal(model.predict_proba(there), model.predict_proba(here))
    with pytest.raises(
        cr.errors.DataError, match=r"'yes' held booleans in training, but .* numbers here"
    ):
        made().fit(logical, PARITY).predict(numbers.assign(yes=0.5))


@MODELS
def test_numbers_in_lists_beside_text_stay_numbers(made):
    rows = [[float(code), "even" if code % 2 else "odd"] for code in CODES]
    model = made().fit(rows, PARITY)
    preprocessor = (model._encoder if made is mlp else model.model_).preprocessor
    assert [step.kind for step in preprocessor.steps] == ["number", "category"]


@MODELS
def test_decimals_are_numbers(made):
    rows = [[decimal.Decimal(int(code)) / 4, decimal.Decimal("1.5")] for code in CODES]
    frame = pytest.importorskip("pandas").DataFrame(rows, columns=["a", "b"])
    exact = made().fit(frame, PARITY).predict_proba(frame)
    plain = frame.astype(float)
    np.testing.assert_array_equal(exact, made().fit(plain, PARITY).predict_proba(plain))


@MODELS
def test_what_has_no_rows_is_refused_alike(made):
    X = np.c_[CODES, CODES > 3].astype(float)
    frame = pytest.importorskip("pandas").DataFrame(X, columns=["a", "b"])
    model = made().fit(frame, PARITY)
    with pytest.raises(ValueError, match="n_samples = 0"):
        model.predict(frame[:0])
    lazy = pytest.importorskip("polars").DataFrame({"a": CODES, "b": CODES}).lazy()
    with pytest.raises(cr.errors.DataError, match=r"X\.collect\(\)"):
        made().fit(lazy, PARITY)
    with pytest.raises(ValueError, match="requires y to be passed"):
        made().fit(frame, None)
