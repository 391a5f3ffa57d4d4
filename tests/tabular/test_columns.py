"""Columns are taken for what they are, and the user is told what may be wrong with them."""

import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from chainrule._src.data.preprocessing.digests import KEPT, KnownRows, TrainedRows, digests
from chainrule._src.data.tables.table import ArrayTable
from chainrule._src.tabular.recipes import cautions as notes_on_data
from chainrule._src.tabular.recipes import choosing
from chainrule._src.tabular.recipes.choosing import tried
from chainrule._src.tabular.recipes.recipe import Recipe
from chainrule._src.tabular.recipes.scores import score_arrays
from chainrule._src.tabular.recipes.tabular import prepare, train
from chainrule.errors import ChainruleError, DataError, OptionError
from chainrule.preprocessing import OneHot, Preprocessor, Ranks, Scaled
from chainrule.tables import load_arrays, open_table, training_data

pytestmark = pytest.mark.portable
RIDES = Recipe(target="riders", recipe="mlp", epochs=60)


def rides(rows=4000, seed=0):
    """Riders by hour and weekday, which no smooth function of either tells."""
    rng = np.random.default_rng(seed)
    hour, weekday = rng.integers(24, size=rows), rng.integers(7, size=rows)
    profile = np.where(np.isin(np.arange(24), (7, 8, 17, 18)), 5.0, 1.0) + np.arange(24) % 3
    riders = profile[hour] * np.where(weekday < 5, 1, 0.3) + rng.normal(scale=0.2, size=rows)
    temperature = rng.normal(size=rows)
    return {"hour": hour, "weekday": weekday, "temperature": temperature, "riders": riders}


def steps(data):
    return {step.name: type(step) for step in data.preprocessor.steps}


def r2(data, recipe):
    model, _ = train(data, recipe)
    return score_arrays(model, data.X_val, data.y_val).values()["R²"]


def test_numbers_that_are_categories_are_taken_as_such():
    table = ArrayTable("rides", rides())
    data = prepare(table, RIDES)
    assert steps(data) == {"hour": OneHot, "weekday": OneHot, "temperature": Scaled}
    assert any("'hour', 'weekday'" in note and "--number" in note for note in data.notes)
    as_numbers = Recipe(target="riders", recipe="mlp", epochs=60, number=("hour", "weekday"))
    assert r2(data, RIDES) > 0.95 > r2(prepare(table, as_numbers), as_numbers)


def test_states_by_number_are_categories_and_ages_are_quantities():
    rng = np.random.default_rng(0)
    state, age = rng.integers(46, size=1400), rng.integers(18, 80, size=1400)
    sales = rng.normal(size=46)[state] + 0.02 * age + rng.normal(scale=0.1, size=1400)
    recipe = Recipe(target="sales", recipe="mlp", epochs=30)
    alone = {"state": state, "noise": rng.normal(size=1400), "sales": sales}
    assert steps(prepare(ArrayTable("sales", alone), recipe))["state"] is OneHot
    old = {"age": age, "noise": rng.normal(size=1400), "sales": 0.02 * age + 0.1 * alone["noise"]}
    assert steps(prepare(ArrayTable("sales", old), recipe))["age"] is Scaled


def test_numbers_that_are_quantities_stay_quantities():
    rng = np.random.default_rng(0)
    rooms = rng.integers(1, 9, size=2000)
    price = 3.0 * rooms + rng.normal(size=2000)
    data = prepare(ArrayTable("flats", {"rooms": rooms, "price": price}), Recipe(target="price"))
    assert steps(data) == {"rooms": Scaled}
    assert any("'rooms'" in note and "--category rooms" in note for note in data.notes)


def sizes(effect, rows=2000):
    rng = np.random.default_rng(0)
    codes = rng.integers(8, size=rows)
    names = [f"grade {letter}" for letter in "phaqzkcb"]  # in an order that no name tells
    values = pa.DictionaryArray.from_arrays(codes.astype(np.int8), names, ordered=True)
    y = np.array(effect)[codes] + rng.normal(scale=0.3, size=rows)
    return pa.table({"size": values, "y": y}), names


@pytest.mark.parametrize(("effect", "kind"), [
    (np.arange(8.0), Ranks), (np.array([3.0, 0, 5, 1, 4, 0, 5, 2]), OneHot),
])  # fmt: skip
def test_ordered_categories_are_tried_by_rank(effect, kind):
    frame, names = sizes(effect)
    table = open_table(frame)
    assert table.columns[0].order == tuple(names)
    linear = Recipe(target="y", recipe="linear")
    data = prepare(table, linear)
    assert steps(data) == {"size": kind}
    (note,) = [note for note in data.notes if "ordered categories" in note]
    assert ("--category size" in note) == (kind is Ranks)
    assert "--number" not in note
    chosen = prepare(table, replace(linear, category=("size",)))
    assert steps(chosen) == {"size": OneHot}


@pytest.mark.parametrize("codes", [[0, None] * 50, [0, 1] * 50])
def test_two_categories_of_an_order_are_no_ranks(codes):
    values = pa.DictionaryArray.from_arrays(pa.array(codes, pa.int8()), ["b", "a"], ordered=True)
    data = prepare(open_table(pa.table({"x": values, "y": range(100)})), Recipe(target="y"))
    assert steps(data) == {"x": OneHot}
    ordered = pa.DictionaryArray.from_arrays(
        pa.array(codes, pa.int8()), ["b", "a", "c"], ordered=True
    )
    data = prepare(open_table(pa.table({"x": ordered, "y": range(100)})), Recipe(target="y"))
    assert np.isfinite(data.X_train).all()


def test_words_of_a_scale_are_ranks_wherever_they_come_from(tmp_path):
    path, rng = tmp_path / "pain.csv", np.random.default_rng(0)
    pain = rng.choice(np.array(["Severe", "none", "mild", "moderate", ""]), 400)
    path.write_text("pain,y\n" + "".join(f"{each},{i}\n" for i, each in enumerate(pain)))
    data = prepare(open_table(path), Recipe(target="y", recipe="linear"))
    (step,) = data.preprocessor.steps
    assert step.categories == ("none", "mild", "moderate", "Severe")
    again = Preprocessor.from_dict(json.loads(json.dumps(data.preprocessor.to_dict())))
    for preprocessor in (data.preprocessor, again):
        X = preprocessor.transform({"pain": ["none", "Severe", None, "odd"]})
        assert X[0, 0] < 0 < X[1, 0]
        np.testing.assert_array_equal(X[2:], [[0, 1], [0, 0]])
        assert preprocessor.unseen == {"pain": 1}
    known = training_data(open_table(path), "y")
    assert isinstance(known.preprocessor.steps[0], OneHot)  # without the recipe's setting


def heat(tmp_path):
    """Return a table whose column of words has an order that no scale knows."""
    path, words = tmp_path / "heat.csv", ["kalt", "lau", "warm", "heiss"]
    path.write_text("heat,n,y\n" + "".join(f"{words[i % 4]},{i},{i % 4}.5\n" for i in range(400)))
    return open_table(path), tuple(words)


def test_an_order_of_ones_own_makes_ranks_without_a_trial(tmp_path):
    table, words = heat(tmp_path)
    recipe = Recipe(target="y", recipe="linear", task="regression")
    assert steps(prepare(table, recipe))["heat"] is OneHot
    data = prepare(table, replace(recipe, order=(("heat", words),)))
    assert data.preprocessor.steps[0].categories == words
    assert "'heat': ranks in the order kalt < lau < warm < heiss" in data.notes
    assert not any("ordered categories" in note for note in data.notes)
    again = Preprocessor.from_dict(json.loads(json.dumps(data.preprocessor.to_dict())))
    assert again.order == {"heat": words}
    X = again.transform({"heat": list(words), "n": [0] * 4})
    assert (np.diff(X[:, 0]) > 0).all()


@pytest.mark.parametrize(("order", "message"), [
    (("heat", ("kalt", "warm")), "column 'heat' holds .*'heiss'.*'lau'.*its order is 'kalt'"),
    (("heat", ("kalt", "kalt", "lau", "warm", "heiss")), "two texts or more, each once"),
    (("n", ("1", "2")), "column 'n' holds no texts"),
    (("cold", ("1", "2")), "'cold' is no column of the data"),
])  # fmt: skip
def test_an_order_that_does_not_fit_is_refused(tmp_path, order, message):
    with pytest.raises(ChainruleError, match=message):
        prepare(heat(tmp_path)[0], Recipe(target="y", task="regression", order=(order,)))


def test_the_rows_kept_aside_do_not_decide():
    """Otherwise their scores would flatter."""
    data = training_data(ArrayTable("rides", rides()), "riders")
    changed = replace(data, X_val=data.X_val[::-1], y_val=-data.y_val)
    for before, after in zip(tried(data, RIDES)[:2], tried(changed, RIDES)[:2], strict=True):
        np.testing.assert_array_equal(before.losses, after.losses)


def test_options_say_what_a_column_is(tmp_path):
    codes = [f"{i % 4:03}" for i in range(200)]
    path = tmp_path / "codes.csv"
    rows = [f"{code},{i % 5}.0,{i % 7 + i % 5}" for i, code in enumerate(codes)]
    path.write_text("\n".join(["zip,month,y", *rows]))
    recipe = Recipe(
        target="y", task="regression", recipe="linear", category=("month",), number=("zip",)
    )
    data = prepare(open_table(path), recipe)
    assert steps(data) == {"zip": Scaled, "month": OneHot}
    assert data.preprocessor.steps[1].categories == tuple("01234")
    restored = Preprocessor.from_dict(data.preprocessor.to_dict())
    again = open_table(path, like=[*restored.columns, restored.target_column])
    assert [column.kind for column in restored.columns] == ["number", "number"]
    X, _ = load_arrays(again, restored)
    assert not restored.unseen
    assert len(X) == 200
    frame = {"zip": ["002"], "month": ["3"]}
    assert (restored.transform(frame) == restored.transform({"zip": [2], "month": [3]})).all()


def test_options_for_columns_that_cannot_be_are_refused():
    table = ArrayTable("rides", {**rides(50), "name": [f"a{i}" for i in range(50)]})
    with pytest.raises(OptionError, match=r"hours.*did you mean 'hour'"):
        prepare(table, Recipe(target="riders", category=("hours",)))
    with pytest.raises(DataError, match="'name' is to hold numbers, but it holds 'a0'"):
        prepare(table, Recipe(target="riders", number=("name",)))
    with pytest.raises(OptionError, match="category: 'a' cannot be both"):
        Preprocessor(category=["a"], number=["a"])


def test_what_is_odd_in_data_is_told():
    rng = np.random.default_rng(0)
    rows = 300
    grade = rng.choice(["GUT", "Gut", "gut", "arm"], size=rows)
    y = np.sort(rng.integers(2, size=rows))
    columns = {
        "grade": grade, "id": np.arange(rows), "x": rng.normal(size=rows),
        "copy": np.where(y, "yes", "no"), "y": np.where(y, "ja", "nein"),
    }  # fmt: skip
    doubled = {name: np.concatenate([v, v[:50]]) for name, v in columns.items()}
    notes = "\n".join(prepare(ArrayTable("odd", doubled), Recipe(target="y")).notes)
    assert "'GUT', 'Gut', 'gut' are 3 categories" in notes
    assert "rows of training have the features and the target of another row" in notes
    assert "kept aside are among them" in notes
    assert "'id', 'copy': each alone tells the target 'y'" in notes


def test_classes_that_differ_in_case_alone_are_told():
    columns = {"x": np.arange(40.0), "y": np.array(["Ja", "ja", "nein", "NEIN"] * 10, object)}
    notes = prepare(ArrayTable("odd", columns), Recipe(target="y")).notes
    assert any(note.startswith("column 'y': 'Ja', 'ja' are 2 categories") for note in notes)


@pytest.mark.parametrize("name", ["iris", "wine", "breast_cancer", "diabetes"])
def test_ordinary_data_are_not_suspected(name):
    data = prepare(open_table(name), Recipe())
    assert notes_on_data.cautions(data, digests(data.X_train, data.y_train)) == []


def test_a_quantity_in_another_unit_is_told():
    area = np.random.default_rng(0).uniform(30, 90, size=100)
    table = ArrayTable("flats", {"feet": area * -10.76, "noise": area % 7, "area": area})
    (note,) = prepare(table, Recipe(target="area")).notes
    assert note.startswith("'feet': it alone tells the target 'area'")


def test_rows_of_training_are_recognised():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(500, 3)).astype(np.float32), rng.integers(2, size=500)
    known = KnownRows(TrainedRows.of(digests(X[:300], y[:300])))
    known.add(X[:250], y[:250])
    known.add(X[250:], y[250:])
    assert known.share == 300 / 500
    assert known.count == "300"
    other = KnownRows(TrainedRows.of(digests(X, y)))
    other.add(X, 1 - y)
    assert other.share == 0
    assert KnownRows(None).share == 0
    assert KnownRows(None).count == ""


def test_of_many_rows_a_sample_is_kept():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(4 * KEPT, 2)).astype(np.float32), np.zeros(4 * KEPT, int)
    trained = TrainedRows.of(digests(X[: 3 * KEPT], y[: 3 * KEPT]))
    assert len(trained.sample) == KEPT
    known = KnownRows(trained)
    known.add(X, y)
    assert abs(known.share - 0.75) < 0.01
    number = known.count.removeprefix("about ").replace(",", "")
    assert abs(int(number) - 3 * KEPT) < 0.04 * KEPT
    assert number.endswith("00")


def test_damaged_digests_are_refused():
    description = prepare(open_table("iris"), Recipe()).preprocessor.to_dict()
    for text in ("!", "", "AQAAAAEAAAA="):
        with pytest.raises(DataError, match="digests"):
            Preprocessor.from_dict({**description, "trained": {"rows": 2, "digests": text}})


def cars(rows=300):
    """Names whose first word tells the price, and a number that does not."""
    rng = np.random.default_rng(0)
    make, number = rng.choice(["fiat", "audi", "opel"], size=rows), rng.integers(9999, size=rows)
    names = [f"{m} {n}" for m, n in zip(make, number, strict=True)]
    dear = np.where(make == "audi", "dear", "cheap")
    return ArrayTable("cars", {"name": names, "noise": rng.normal(size=rows), "price": dear})


def test_words_that_would_help_are_told_with_their_option():
    recipe = Recipe(target="price", recipe="mlp")
    data = prepare(cars(), recipe)
    (note,) = data.notes
    assert "column 'name' is left out, but its words predict" in note
    assert note.endswith("--text name")
    assert prepare(cars(), replace(recipe, text=("name",))).notes == ()


def test_texts_without_words_in_common_are_not_tried(monkeypatch):
    monkeypatch.setattr(choosing, "trial", lambda *_: pytest.fail("there is nothing to try"))
    table = ArrayTable(
        "ids", {"id": [f"a{i}" for i in range(50)], "x": range(50), "y": [0, 1] * 25}
    )
    assert prepare(table, Recipe(target="y")).notes == ()
