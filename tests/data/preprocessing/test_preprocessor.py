import datetime
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from chainrule._src.data.preprocessing.values import Writing
from chainrule.errors import ChainruleError, DataError, OptionError, ShapeError, UnknownNameError
from chainrule.preprocessing import Column, LeftOut, Preprocessor, Target
from chainrule.tables import load_arrays, open_table, training_data

AGES = [20.0, 30.0, 40.0, 30.0]
CITIES = ["Bern", "Chur", "Bern", None]
ROWS = {"age": AGES, "city": CITIES, "label": ["yes", "no", "yes", "no"]}


def fitted(columns, target="label", **options):
    count = len(next(iter(columns.values())))
    labels = {"label": ["a", "b"] * (count // 2) + ["a"] * (count % 2)}
    return Preprocessor(**options).fit([labels | columns], target)


def random_rows(seed, n=200):
    rng = np.random.default_rng(seed)
    rows = {
        "plain": rng.normal(100, 5, n),
        "gaps": np.where(rng.random(n) < 0.2, np.nan, rng.normal(size=n) * 1e4),
        "city": rng.choice(np.array(["Bern", "Chur", "Genf", None], dtype=object), n),
        "bool": rng.choice(np.array(["True", "False"], dtype=object), n),
    }
    return rows | {"label": rng.choice(np.array(["yes", "no"], dtype=object), n)}


def in_chunks(rows, sizes):
    start, count = 0, len(rows["label"])
    for size in [*sizes, count]:
        if start < count:
            yield {name: values[start : start + size] for name, values in rows.items()}
        start += size


def test_transform_is_what_scikit_learn_makes():
    rows = random_rows(0)
    numeric = make_pipeline(StandardScaler(), SimpleImputer(strategy="constant", fill_value=0.0))
    gaps = np.isnan(rows["gaps"]).astype(float)
    one_hot = OneHotEncoder(sparse_output=False)
    numbers = numeric.fit_transform(np.stack([rows["plain"], rows["gaps"]], axis=1))
    categories = one_hot.fit_transform(np.stack([rows["city"], rows["bool"]], axis=1))
    expected = np.column_stack([numbers, gaps, categories])
    found = Preprocessor().fit([rows], "label").transform(rows)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)


def test_unknown_categories_are_what_scikit_learn_makes_of_them():
    values = np.array(["a", "b", "c", "a"] * 3, dtype=object)
    encoder = OneHotEncoder(sparse_output=False, handle_unknown="ignore").fit(values[:, None])
    new = np.array(["b", "z", "a"], dtype=object)
    preprocessor = fitted({"x": values})
    np.testing.assert_array_equal(
        preprocessor.transform({"x": new}), encoder.transform(new[:, None])
    )
    assert preprocessor.unseen == {"x": 1}


def test_rare_categories_are_joined_as_scikit_learn_joins_them():
    values = np.array(["a"] * 9 + ["b"] * 7 + ["c"] * 3 + ["d"], dtype=object)
    encoder = OneHotEncoder(
        sparse_output=False, max_categories=3, handle_unknown="infrequent_if_exist"
    )
    expected = encoder.fit_transform(values[:, None])
    preprocessor = fitted({"x": values}, max_categories=2)
    np.testing.assert_array_equal(preprocessor.transform({"x": values}), expected)
    assert preprocessor.feature_names == ["x=a", "x=b", "x (other)"]
    assert preprocessor.transform({"x": ["new"]}).tolist() == [[0, 0, 1]]


def test_two_categories_may_be_a_sign_and_missing_ones_nothing():
    rows = {"member": ["yes", "no", None, "no"], "city": CITIES, "three": ["a", "b", "c", None]}
    preprocessor = fitted(rows, signed=True)
    names = ["member=no", "city=Bern", "three=a", "three=b", "three=c"]
    assert preprocessor.feature_names == names
    again = Preprocessor.from_dict(json.loads(json.dumps(preprocessor.to_dict())))
    new = {"member": ["no", "maybe"], "city": ["Chur", "Bern"], "three": ["c", None]}
    for each in (preprocessor, again):
        expected = [[-1, 1, 1, 0, 0], [1, -1, 0, 1, 0], [0, 1, 0, 0, 1], [1, 0, 0, 0, 0]]
        np.testing.assert_array_equal(each.transform(rows), expected)
        np.testing.assert_array_equal(each.transform(new), [[1, -1, 0, 0, 1], [0, 1, 0, 0, 0]])


def test_feature_names_and_columns():
    preprocessor = fitted({"n": [1.0, np.nan, 3.0, 3.0], "image": np.arange(16.0).reshape(4, 2, 2)})
    assert preprocessor.feature_names == [
        "n", "n (missing)", "image[0, 0]", "image[0, 1]", "image[1, 0]", "image[1, 1]"
    ]  # fmt: skip
    assert preprocessor.columns == (Column("n", "number"), Column("image", "image", (2, 2)))
    assert preprocessor.width == 6


def test_missing_numbers_become_the_mean_and_are_marked():
    preprocessor = fitted({"n": [1.0, np.nan, 3.0, np.nan]})
    assert preprocessor.transform({"n": [np.nan, 2.0, 3.0]}).tolist() == [[0, 1], [0, 0], [1, 0]]
    assert not preprocessor.unseen


def test_missing_where_training_had_none_is_counted():
    preprocessor = fitted({"n": [1.0, 3.0], "c": ["x", "y"]})
    assert preprocessor.transform({"n": [None], "c": [None]}).tolist() == [[0, 0, 0]]
    assert preprocessor.unseen == {"n": 1, "c": 1}


def test_images_have_one_mean_and_one_deviation():
    images = np.random.default_rng(0).integers(0, 255, (6, 3, 4), dtype=np.uint8)
    found = fitted({"image": images}).transform({"image": images})
    expected = (images.reshape(6, 12) - images.mean()) / images.std()
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("values", "reason"), [
    ([7.0] * 40, "always 7"),
    (["x"] * 40, "always 'x'"),
    ([np.nan] * 40, "holds no value"),
    (np.array([None] * 40), "holds no value"),
    ([f"id{i}" for i in range(40)], "40 different texts in 40"),
    (np.array(["2024-01-10"] * 40, dtype="datetime64[D]"), "always the same"),
    (np.ones((40, 2, 2)), "all pixels are equal"),
])  # fmt: skip
def test_columns_that_say_nothing_are_left_out(values, reason):
    preprocessor = fitted({"x": values, "n": np.arange(40.0)})
    assert preprocessor.feature_names == ["n"]
    (line,) = [line for line in preprocessor.report() if line.startswith("x: ")]
    assert line.startswith("x: left out: ")
    assert reason in line


def test_a_constant_is_one_though_its_mean_is_rounded():
    assert np.std([0.1] * 1001) > 0
    assert fitted({"x": [0.1] * 1001, "n": np.arange(1001)}).feature_names == ["n"]


def test_a_constant_with_gaps_leaves_the_mark():
    preprocessor = fitted({"n": [7.0, np.nan, 7.0, 7.0]})
    assert preprocessor.transform({"n": [7.0, np.nan]}).tolist() == [[0, 0], [0, 1]]


def test_more_texts_than_are_counted_are_left_out(monkeypatch):
    monkeypatch.setattr("chainrule._src.data.preprocessing.summaries.MAX_DISTINCT", 30)
    texts = [f"t{i}" for i in range(40)]
    chunk = {"x": texts, "n": np.arange(40.0), "label": ["a", "b"] * 20}
    preprocessor = Preprocessor().fit([chunk] * 10, "label")
    assert "x: left out: more than 30 different texts" in preprocessor.report()


@settings(max_examples=50)
@given(seed=st.integers(0, 2**32), sizes=st.lists(st.integers(1, 60), max_size=8))
def test_chunks_change_nothing(seed, sizes):
    rows = random_rows(seed)
    whole = Preprocessor().fit([rows], "label")
    parts = Preprocessor().fit(in_chunks(rows, sizes), "label")
    assert parts.feature_names == whole.feature_names
    for one, other in zip(whole.steps[:2], parts.steps[:2], strict=True):
        np.testing.assert_allclose(one.mean, other.mean, rtol=1e-12)
        np.testing.assert_allclose(one.scale, other.scale, rtol=1e-12)
    assert whole.steps[2:] == parts.steps[2:]
    joined = np.concatenate([whole.transform(chunk) for chunk in in_chunks(rows, sizes)])
    np.testing.assert_array_equal(joined, whole.transform(rows))


@settings(max_examples=30)
@given(order=st.permutations(["plain", "gaps", "city", "bool", "label", "more"]))
def test_the_order_of_columns_changes_nothing(order):
    rows = random_rows(1)
    preprocessor = Preprocessor().fit([rows], "label")
    shuffled = {name: (rows | {"more": np.ones(200)})[name] for name in order}
    np.testing.assert_array_equal(preprocessor.transform(shuffled), preprocessor.transform(rows))


def test_means_far_from_zero_keep_their_deviation():
    values = 1e9 + np.tile([0.0, 1.0], 50_000)
    chunks = [{"n": part, "label": ["a", "b"] * 500} for part in values.reshape(100, 1000)]
    (step,) = Preprocessor().fit(chunks, "label").steps
    assert step.scale == pytest.approx(0.5, rel=1e-9)


@settings(max_examples=50)
@given(seed=st.integers(0, 2**32), most=st.integers(1, 4), numbers=st.booleans())
def test_a_description_in_json_makes_the_same_again(seed, most, numbers):
    rows = random_rows(seed)
    if numbers:
        rows["label"] = rows["plain"] * 3
    preprocessor = Preprocessor(max_categories=most).fit([rows], "label")
    again = Preprocessor.from_dict(json.loads(json.dumps(preprocessor.to_dict(), allow_nan=False)))
    assert again.to_dict() == preprocessor.to_dict()
    assert again.report() == preprocessor.report()
    np.testing.assert_array_equal(again.transform(rows), preprocessor.transform(rows))
    np.testing.assert_array_equal(
        again.target.encode(rows["label"]), preprocessor.target.encode(rows["label"])
    )


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


def paths(value, path=()):
    yield path
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from paths(inner, (*path, key))


MORE = {
    "image": np.random.default_rng(0).random((200, 2, 2)),
    "at": np.datetime64("2024-01-01", "s") + np.arange(200) * np.timedelta64(17, "h"),
    "words": np.array(["a b", "c", None, "d"] * 50, dtype=object),
}
EXAMPLE = Preprocessor(text=["words"], words=4).fit([random_rows(0) | MORE], "label").to_dict()


@settings(max_examples=300)
@given(path=st.sampled_from([p for p in paths(EXAMPLE) if p]), junk=JSON, drop=st.booleans())
def test_a_damaged_description_is_refused_or_works(path, junk, drop):
    damaged = json.loads(json.dumps(EXAMPLE))
    holder = damaged
    for key in path[:-1]:
        holder = holder[key]
    if drop:
        del holder[path[-1]]
    else:
        holder[path[-1]] = junk
    try:
        preprocessor = Preprocessor.from_dict(damaged)
    except ChainruleError:
        return
    preprocessor.report()
    json.dumps(preprocessor.to_dict(), allow_nan=False)
    columns = {"number": [1.0], "category": ["x"], "time": [datetime.date(2024, 1, 1)]}
    chunk = {c.name: columns.get(c.kind) or np.ones((1, *c.shape)) for c in preprocessor.columns}
    try:
        preprocessor.transform(chunk)
    except ChainruleError:
        return


@pytest.mark.parametrize("junk", [None, 3, [], "x", {}, {"format": "another"}])
def test_what_is_no_description_is_refused(junk):
    with pytest.raises(DataError, match="preprocessor"):
        Preprocessor.from_dict(junk)


def test_a_description_that_cannot_be_is_refused():
    twice = EXAMPLE | {"columns": EXAMPLE["columns"] * 2}
    with pytest.raises(DataError, match="a column is there twice"):
        Preprocessor.from_dict(twice)
    flat = EXAMPLE | {"columns": [EXAMPLE["columns"][0] | {"scale": 0}]}
    with pytest.raises(DataError, match="column 'plain': scale must be a number above 0"):
        Preprocessor.from_dict(flat)
    nothing = EXAMPLE | {"columns": []}
    with pytest.raises(DataError, match="every column is left out"):
        Preprocessor.from_dict(nothing)


def test_a_later_version_says_so():
    with pytest.raises(DataError, match="version 2, and this chainrule reads version 1"):
        Preprocessor.from_dict(EXAMPLE | {"version": 2})


def test_missing_columns_are_refused_by_name():
    preprocessor = Preprocessor().fit([ROWS], "label")
    with pytest.raises(DataError, match="are not there: 'city'; the columns are 'age'"):
        preprocessor.transform({"age": [1.0]})
    with pytest.raises(DataError, match="are not there: 'age', 'city'"):
        preprocessor.compare([Column("x", "number")])


def test_compare_notes_more_columns_and_refuses_other_kinds():
    preprocessor = Preprocessor().fit([ROWS], "label")
    age, city = Column("age", "number"), Column("city", "category")
    assert preprocessor.compare([city, age, Column("label", "category")]) == []
    assert preprocessor.compare([city, age, Column("x", "number")]) == [
        "not looked at, as training did not have them: 'x'"
    ]
    with pytest.raises(DataError, match="'city' held text in training, but holds numbers here"):
        preprocessor.compare([age, Column("city", "number")])


@pytest.mark.parametrize(("chunk", "error", "message"), [
    ({"age": ["x"], "city": ["Bern"]}, DataError, "'age' held numbers in training, but holds text"),
    ({"age": [1.0], "city": [1.0]}, DataError, "'city' held text in training, but holds numbers"),
    ({"age": [np.inf], "city": ["Bern"]}, DataError, "'age' holds inf"),
    ({"age": [1e300], "city": ["Bern"]}, DataError, "'age' holds 1e.300"),
    ({"age": [1.0, 2.0], "city": ["Bern"]}, ShapeError, "'city' has 1 and 'age' 2"),
    ({"age": [[1.0]], "city": ["Bern"]}, ShapeError, "'age' must hold a value a row"),
    ({"age": [1.0], "city": [b"Bern"]}, DataError, "'city' must hold numbers, text"),
    ({"age": [1.0], "city": [("Bern",)]}, ShapeError, "'city'"),
])  # fmt: skip
def test_chunks_that_do_not_fit_are_refused(chunk, error, message):
    with pytest.raises(error, match=message):
        Preprocessor().fit([ROWS], "label").transform(chunk)


@pytest.mark.parametrize(("chunks", "message"), [
    ([], "no row at all"),
    ([{"n": [1.0, 2.0], "label": [None, None]}], "no row with a value of 'label'"),
    ([{"n": [1.0, 2.0], "label": ["a", "a"]}], "at least two classes, but it holds 'a'"),
    ([{"n": [1.0, np.inf], "label": ["a", "b"]}], "'n' holds infinite values"),
    ([{"n": [1e200, 0.0], "label": ["a", "b"]}], "'n' holds values too large"),
    ([{"n": [1.0, 1.0], "label": ["a", "b"]}], "no column is left to learn from. n: left out"),
    ([{"label": ["a", "b"]}], "no column is left"),
    ([{"n": [1.0], "label": ["a"]}, {"m": [1.0], "label": ["b"]}], "has other columns"),
    ([{"n": [1.0], "label": ["a"]}, {"n": ["x"], "label": ["b"]}], "'n' held numbers"),
])  # fmt: skip
def test_nothing_to_learn_is_refused_and_changes_nothing(chunks, message):
    preprocessor = Preprocessor().fit([ROWS], "label")
    before = preprocessor.to_dict()
    with pytest.raises(DataError, match=message):
        preprocessor.fit(chunks, "label")
    assert preprocessor.to_dict() == before


def test_a_target_that_is_not_there_names_the_closest():
    with pytest.raises(UnknownNameError, match="did you mean 'label'"):
        Preprocessor().fit([ROWS], "lable")


def test_rows_without_a_target_are_left_out():
    rows = {"n": [1.0, 99.0, 3.0], "label": ["a", None, "b"]}
    preprocessor = Preprocessor().fit([rows], "label")
    assert (preprocessor.rows, preprocessor.steps[0].mean) == (2, 2.0)
    assert "1 rows left out: their target is missing" in preprocessor.report()


def test_a_target_made_before_is_taken_as_it_is():
    target = Target.learn("label", ["yes", "no", "maybe"])
    assert Preprocessor().fit([ROWS], target).target is target


def test_before_fit_there_is_nothing():
    for use in (lambda p: p.transform({}), lambda p: p.target, lambda p: p.to_dict()):
        with pytest.raises(DataError, match="call fit first"):
            use(Preprocessor())


def test_settings_are_checked():
    with pytest.raises(DataError, match="max_categories"):
        Preprocessor(max_categories=0)
    with pytest.raises(UnknownNameError, match="did you mean 'regression'"):
        Preprocessor(task="regresion")


def test_the_report_has_a_line_for_every_column():
    preprocessor = Preprocessor().fit([ROWS | {"one": [1, 1, 1, 1]}], "label")
    preprocessor.transform({"age": [1.0], "city": ["Genf"]})
    assert preprocessor.report() == [
        "4 rows → 4 features",
        "age: number, mean 30, deviation 7.07107",
        "city: 2 categories, one-hot; 1 missing: a category of their own",
        "one: left out: always 1",
        "target label: 2 classes: no (2), yes (2)",
        "column 'city': 1 value that training did not have",
    ]


def test_what_is_left_out_stays_so_in_a_description():
    preprocessor = Preprocessor().fit([ROWS | {"one": [1, 1, 1, 1]}], "label")
    assert Preprocessor.from_dict(preprocessor.to_dict())._steps[-1] == LeftOut(
        "one", "number", "always 1"
    )


def test_a_column_transformer_agrees_on_a_table_of_many_kinds():
    rows = random_rows(5, 500)
    table = np.stack([rows[name] for name in ("city", "plain", "bool")], axis=1).astype(object)
    transformer = ColumnTransformer(
        [
            ("city", OneHotEncoder(sparse_output=False), [0]),
            ("plain", StandardScaler(), [1]),
            ("bool", OneHotEncoder(sparse_output=False), [2]),
        ]
    )
    expected = transformer.fit_transform(table).astype(float)
    del rows["gaps"]
    ordered = {name: rows[name] for name in ("city", "plain", "bool", "label")}
    found = Preprocessor().fit([ordered], "label").transform(ordered)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_times_become_their_parts():
    days = np.array(["2023-01-01", "2024-07-01T06:00", "NaT", "2024-12-31T12:00"], "datetime64[s]")
    preprocessor = fitted({"at": days})
    found = dict(
        zip(preprocessor.feature_names, preprocessor.transform({"at": days}).T, strict=True)
    )
    year = np.array([2023, 2024 + (182 + 0.25) / 366, 2024 + 365.5 / 366])
    expected = {
        "year": (year - year.mean()) / year.std(),
        "month, sin": np.sin([0, np.pi, 11 * np.pi / 6]),
        "day, cos": np.cos([0, 0, 60 * np.pi / 31]),
        "Sunday": [1, 0, 0], "Monday": [0, 1, 0], "Tuesday": [0, 0, 1],
        "hour, sin": [0, 1, 0], "hour, cos": [1, 0, -1],
    }  # fmt: skip
    for part, values in expected.items():
        np.testing.assert_allclose(found[f"at ({part})"][[0, 1, 3]], values, atol=1e-6)
    assert [found[f"at ({part})"][2] for part in (*expected, "missing")] == [0] * 8 + [1]


def test_parts_of_times_that_never_change_have_no_feature():
    days = np.array(["2024-01-01", "2024-01-08"], dtype="datetime64[D]")
    assert fitted({"day": days}).feature_names == ["day (year)", "day (day, sin)", "day (day, cos)"]


def test_dates_of_python_are_times_and_old_categories_stay():
    days = [datetime.date(2024, 1, 1), None, datetime.date(2024, 5, 1)]
    assert fitted({"day": days}).columns == (Column("day", "time"),)
    texts = fitted({"day": ["2024-01-01", "2024-05-01", "2024-05-01"]})
    assert texts.transform({"day": days}).tolist() == [[1, 0], [0, 0], [0, 1]]


def test_free_text_is_hashed_as_scikit_learn_does_it():
    texts = ["good food, slow service", "bad food", None, "good service"] * 10
    preprocessor = fitted({"review": texts}, text=["review"], words=64)
    judge = HashingVectorizer(n_features=64, ngram_range=(1, 2))
    expected = judge.transform([text or "" for text in texts]).toarray()
    np.testing.assert_allclose(preprocessor.transform({"review": texts}), expected, rtol=1e-6)
    again = Preprocessor.from_dict(json.loads(json.dumps(preprocessor.to_dict())))
    np.testing.assert_allclose(again.transform({"review": texts}), expected, rtol=1e-6)
    with pytest.raises(UnknownNameError, match="did you mean 'review'"):
        fitted({"review": texts}, text=["revue"])


def test_all_of_many_categories_have_a_feature():
    users = [f"user {i % 800}" for i in range(3000)]
    assert fitted({"user": users}).width == 800


def test_a_description_of_an_earlier_version_is_read():
    description = {
        "format": "chainrule preprocessor", "version": 1, "rows": 4, "unlabelled": 0,
        "config": {"max_categories": 100, "task": "auto"},
        "columns": [
            {"name": "age", "kind": "number", "mean": 30.0, "scale": 2.0, "missing": 0},
            {"name": "day", "kind": "category", "categories": ["2024-01-01", "2024-05-01"],
             "other": 0, "missing": 0},
        ],
        "target": {"name": "y", "kind": "category", "task": "classification",
                   "classes": ["no", "yes"], "counts": [2, 2]},
    }  # fmt: skip
    preprocessor = Preprocessor.from_dict(description)
    chunk = {"age": [32.0], "day": [datetime.date(2024, 5, 1)]}
    assert preprocessor.transform(chunk).tolist() == [[1, 0, 1]]
    assert preprocessor.target.decode([[0.4, 0.6]]).tolist() == ["yes"]


def written(folder, columns, separator=";"):
    """Write a CSV file."""
    path = folder / "data.csv"
    lines = [columns, *zip(*columns.values(), strict=True)]
    path.write_text("".join(separator.join(line) + "\n" for line in lines))
    return path


TRAINED = {
    "day": ["08/19/2022", "07/08/2021", "01/02/2021", "03/04/2022"],
    "price": ["7.599,80", "2.500", "12,5", "850"],
    "share": ["95.6%", "3 %", "40%", "7.5%"],
    "count": ["1", "2", "3", "4"],
    "y": ["1.000,5", "2,25", "3,5", "4,75"],
}


@pytest.fixture
def trained(tmp_path):
    """Return a preprocessor that learned from a file, as it comes out of a model's file."""
    data = training_data(open_table(written(tmp_path, TRAINED)), "y", validation_split=0)
    return Preprocessor.from_dict(json.loads(json.dumps(data.preprocessor.to_dict())))


def test_how_texts_were_understood_is_kept(trained):
    assert {column.name: column.written for column in trained.columns} == {
        "day": Writing("month first"),
        "price": Writing("with decimal commas"),
        "share": Writing("with decimal points", "%"),
        "count": Writing(),
    }
    assert trained.target_column.written == Writing("with decimal commas")


def test_a_later_file_is_read_as_that_of_training(trained, tmp_path):
    later = {
        "day": ["07/08/2021", "01/02/2021"], "price": ["2.500", "7.250"],
        "share": ["3%", "40%"], "count": ["2", "3"], "y": ["1.500", "2.000"],
    }  # fmt: skip
    meant = {
        "day": np.array(["2021-07-08", "2021-01-02"], "M8[s]"), "price": [2500.0, 7250.0],
        "share": [3.0, 40.0], "count": [2.0, 3.0],
    }  # fmt: skip
    like = [*trained.columns, trained.target_column]
    X, y = load_arrays(open_table(written(tmp_path, later), like), trained)
    np.testing.assert_array_equal(X, trained.transform(meant))
    np.testing.assert_allclose(trained.target.decode(y[:, np.newaxis]), [1500, 2000], rtol=1e-6)


def test_without_what_was_kept_files_are_read_as_before(trained, tmp_path):
    description = trained.to_dict()
    del description["written"]
    older = Preprocessor.from_dict(description)
    assert all(column.written is None for column in older.columns)
    path = written(tmp_path, TRAINED)
    expected = next(open_table(path, trained.columns).chunks())
    found = next(open_table(path, older.columns).chunks())
    np.testing.assert_array_equal(older.transform(found), trained.transform(expected))


def test_numbers_alone_where_training_had_percent_are_said(trained):
    columns = [Column(column.name, column.kind) for column in trained.columns]
    assert trained.compare(columns) == [
        "column 'share' held numbers with '%' in training; here it holds numbers alone"
    ]


@pytest.mark.parametrize(
    "damaged", [3, {"day": "month first"}, {"day": {"reading": 3, "unit": ""}}]
)
def test_a_damaged_way_to_write_is_refused(trained, damaged):
    with pytest.raises(DataError, match="written"):
        Preprocessor.from_dict(trained.to_dict() | {"written": damaged})


def test_missing_values_that_training_did_not_have_are_told_from_others():
    preprocessor = fitted({
        "size": [1.0, 2.0, 3.0, 4.0], "city": ["Bern", "Chur", "Bern", "Chur"],
        "pet": ["cat", None, "dog", "cat"],
        "day": np.array(["2024-01-01", "2024-02-01", "2024-03-01", "2024-04-01"], "M8[s]"),
    })  # fmt: skip
    day = np.array(["NaT", "NaT", "2024-01-01"], "M8[s]")
    later = {"size": [np.nan, 1, 2], "city": [None, "Genf", "Bern"], "pet": [None, None, "owl"]}
    preprocessor.transform(later | {"day": day})
    assert preprocessor.unseen == {"size": 1, "city": 2, "pet": 1, "day": 2}
    assert preprocessor.unseen_notes() == [
        "column 'size': 1 missing value, training had none: set to the mean",
        "column 'city': 1 missing value, training had none: the features are zeros",
        "column 'city': 1 value that training did not have",
        "column 'pet': 1 value that training did not have",
        "column 'day': 2 missing values, training had none: the features are zeros",
    ]


@pytest.mark.parametrize("option", ["number", "category"])
def test_times_are_neither_numbers_nor_categories(option):
    days = np.array(["2024-01-01", "2024-02-01"] * 3, "M8[s]")
    with pytest.raises(OptionError, match=f"{option}: 'day' holds times"):
        fitted({"day": days}, **{option: ["day"]})


def test_missing_categories_without_a_feature_are_not_said_to_be_new():
    rows = {"pet": ["cat", None, "dog", "cat", "owl"], "yes": ["ja", "nein", None, "ja", "nein"]}
    preprocessor = fitted(rows, signed=True)
    preprocessor.transform(rows)
    assert preprocessor.unseen_notes() == [
        f"column {name!r}: 1 missing value: the features are zeros" for name in rows
    ]


@pytest.mark.parametrize("name", ["a", "y"])
def test_numbers_too_close_to_be_scaled_are_not_called_constant(name):
    rows = {"a": np.arange(10.0), "b": np.arange(10.0), "y": np.arange(10.0)}
    rows[name] = np.arange(10) * 1e-160
    expected = r"between 0 and 9e-160, too small a difference to be scaled"
    if name == "y":
        with pytest.raises(DataError, match=expected):
            Preprocessor(task="regression").fit([rows], "y")
        return
    (left,) = Preprocessor(task="regression").fit([rows], "y").left_out
    assert left.reason.startswith(expected)
