import csv

import numpy as np
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from chainrule._src.base.packed import PackedRows
from chainrule._src.compile.native import memory
from chainrule._src.data.preprocessing import summaries
from chainrule._src.data.tables import delimited, matrices
from chainrule._src.nn.training import supply
from chainrule._src.tabular.recipes.recipe import Recipe
from chainrule._src.tabular.recipes.tabular import fit, make_model, prepare
from chainrule.errors import DataError, UnknownNameError
from chainrule.preprocessing import Preprocessor
from chainrule.tables import ArrayTable, load_arrays, open_table, training_data

N = 24_000  # in several blocks, with more texts than one column may hold


def big_columns():
    rng = np.random.default_rng(0)
    columns = {f"n{i}": rng.normal(10.0**i, 1 + i, N).round(4) for i in range(4)}
    columns["n1"][rng.random(N) < 0.1] = np.nan
    columns["whole"] = rng.integers(0, 90, N).astype(float)
    columns["city"] = rng.choice(np.array(["Bern", "Zürich", "a,b", None], dtype=object), N)
    columns["flag"] = rng.choice(np.array(["True", "False"], dtype=object), N)
    columns["id"] = np.array([f"id{i}" for i in range(N)], dtype=object)
    columns["label"] = rng.choice(np.array(["low", "high"], dtype=object), N, p=[0.9, 0.1])
    return columns


@pytest.fixture(autouse=True)
def small_limits(monkeypatch):
    """Read in small blocks; call a column a category with fewer different texts than usual."""
    monkeypatch.setattr(delimited, "BLOCK", 2**18)
    monkeypatch.setattr(delimited, "SMALL", 2**20)
    monkeypatch.setattr(summaries, "MAX_DISTINCT", 10_000)


@pytest.fixture(scope="module")
def big(tmp_path_factory):
    path = tmp_path_factory.mktemp("big") / "big.csv"
    columns = big_columns()
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(
            zip(*(np.where(v != v, None, v.astype(object)) for v in columns.values()), strict=True)
        )
    return path, columns


def test_a_large_file_is_what_scikit_learn_makes_of_it(big):
    path, columns = big
    data = training_data(open_table(path), "label", validation_split=0)
    numbers = ["n0", "n1", "n2", "n3", "whole"]
    scale = make_pipeline(
        StandardScaler(), SimpleImputer(strategy="constant", fill_value=0, add_indicator=True)
    )
    expected = scale.fit_transform(np.stack([columns[name] for name in numbers], axis=1))
    expected = np.insert(expected[:, :5], 2, expected[:, 5], axis=1)
    texts = np.stack([columns["city"], columns["flag"]], axis=1)
    one_hot = ColumnTransformer(
        [("texts", OneHotEncoder(sparse_output=False), [0, 1])]
    ).fit_transform(texts)
    np.testing.assert_allclose(data.X_train, np.hstack([expected, one_hot]), rtol=1e-5, atol=2e-6)
    assert data.preprocessor.target.classes == ("high", "low")
    assert "id: left out: more than 10,000 different texts" in data.preprocessor.report()


def test_a_large_file_is_split_class_by_class(big):
    path, columns = big
    data = training_data(open_table(path), "label", validation_split=0.25)
    assert len(data.X_train) == 18_000
    assert len(data.X_val) == 6_000
    share = (columns["label"] == "high").mean()
    assert (data.y_val == 0).mean() == pytest.approx(share, abs=1 / 6_000)


def test_a_matrix_that_memory_does_not_hold_goes_to_a_file(big):
    path, _ = big
    table = open_table(path)
    in_memory = training_data(table, "label")
    on_disk = training_data(table, "label", memory=0.0)
    assert isinstance(on_disk.X_train, np.memmap)
    assert not isinstance(in_memory.X_train, np.memmap)
    np.testing.assert_array_equal(on_disk.X_train, in_memory.X_train)
    np.testing.assert_array_equal(on_disk.X_val, in_memory.X_val)


def test_packed_categories_train_the_same_network(monkeypatch):
    rng = np.random.default_rng(0)
    words = np.array([*"abcdefghij", None], dtype=object)
    columns = {"x": rng.normal(size=700), "word": rng.choice(words, 700), "z": rng.normal(size=700)}
    columns["y"] = np.where(columns["x"] > 0, columns["word"] == "a", columns["z"] > 0).astype(str)
    settings = Recipe(target="y", recipe="mlp", epochs=3, early_stop=True, seed=0)
    table, trained = ArrayTable("words", columns), []
    for limit in (matrices.LARGE, 0):
        monkeypatch.setattr(matrices, "LARGE", limit)
        monkeypatch.setattr(supply, "BLOCK", 64)
        data = prepare(table, settings)
        assert isinstance(data.X_train, PackedRows) == (limit == 0)
        model = make_model(data, settings)
        model.engine = "compiled"
        fit(model, data, settings)
        trained.append((np.asarray(data.X_train), model.history.history["val_loss"], model))
    (X, losses, plain), (unpacked, packed_losses, packed) = trained
    np.testing.assert_array_equal(X, unpacked)
    np.testing.assert_allclose(losses, packed_losses, rtol=1e-6)
    for weights, others in zip(plain.get_weights(), packed.get_weights(), strict=True):
        np.testing.assert_array_equal(weights, others)


def test_a_disk_that_is_too_small_is_said_before_it_is_filled(monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda folder: type("Usage", (), {"free": 10}))
    with pytest.raises(DataError, match="point TMPDIR to a larger disk"):
        training_data(open_table("iris"), memory=0.0)


def test_the_preprocessor_knows_the_rows_of_training_alone():
    table = open_table("wine")
    data = training_data(table, seed=3)
    np.testing.assert_allclose(data.X_train.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(data.X_train.std(axis=0), 1, atol=1e-5)
    assert data.preprocessor.rows == len(data.X_train) == 178 - len(data.X_val)


def test_a_quantity_is_scaled_by_the_rows_of_training_alone():
    data = training_data(open_table("diabetes"))
    assert data.y_train.mean() == pytest.approx(0, abs=1e-6)
    assert data.y_train.std() == pytest.approx(1, abs=1e-6)


def test_rows_and_labels_stay_together():
    labels = np.array(["odd" if i % 2 else "even" for i in range(1000)], dtype=object)
    labels[::7] = None
    table = ArrayTable("t", {"n": np.arange(1000.0), "label": labels})
    data = training_data(table, "label")
    (step,) = data.preprocessor.steps
    for X, y in ((data.X_train, data.y_train), (data.X_val, data.y_val)):
        n = np.round(X[:, 0] * step.scale + step.mean).astype(int)
        np.testing.assert_array_equal(n % 2, y)
        assert (n % 7 != 0).all()
    assert data.unlabelled == 143


def test_the_same_seed_makes_the_same_arrays():
    one, same, other = (training_data(open_table("digits"), seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.X_val, same.X_val)
    assert (one.y_val.shape != other.y_val.shape) or (one.y_val != other.y_val).any()


def test_the_arrays_of_a_fitted_preprocessor():
    table = open_table("iris")
    data = training_data(table, validation_split=0)
    X, y = load_arrays(table, data.preprocessor)
    np.testing.assert_array_equal(X, data.X_train)
    np.testing.assert_array_equal(y, data.y_train)


def test_settings_of_ones_own_are_used():
    preprocessor = Preprocessor(task="regression")
    data = training_data(ArrayTable("t", {"x": [1, 2, 3, 4] * 9, "y": [0, 1] * 18}), "y",
                         preprocessor=preprocessor)  # fmt: skip
    assert data.preprocessor is preprocessor
    assert data.y_train.dtype == np.float32


def test_a_target_must_be_named_and_be_there():
    table = ArrayTable("t", {"x": [1, 2], "y": [0, 1]})
    with pytest.raises(DataError, match="name the column that is to be predicted, one of x, y"):
        training_data(table)
    with pytest.raises(UnknownNameError, match="unknown target column 'z'"):
        training_data(table, "z")
    with pytest.raises(DataError, match="no row has a value of 'y'"):
        training_data(ArrayTable("t", {"x": [1.0, 2.0], "y": [np.nan, np.nan]}), "y")


def test_a_table_that_changes_while_it_is_read_is_refused():
    class Shrinking(ArrayTable):
        reads = 0

        def _read(self, rows, names):
            self.reads += 1
            for chunk in super()._read(rows, names):
                yield {
                    name: values[: -1 if self.reads > 2 else None] for name, values in chunk.items()
                }

    table = Shrinking("t", {"x": np.arange(50.0), "y": [0, 1] * 25})
    with pytest.raises(DataError, match="changed while it was read"):
        training_data(table, "y", validation_split=0)


def test_a_container_that_limits_memory_is_heard(tmp_path, monkeypatch):
    limit = tmp_path / "memory.max"
    monkeypatch.setattr("chainrule._src.compile.native._CGROUP_LIMIT", limit)
    whole = memory()
    limit.write_text("1000000\n")
    assert memory() == 1_000_000 < whole
    limit.write_text("max\n")
    assert memory() == whole


def test_two_rows_are_too_few():
    table = ArrayTable("two", {"a": [1.0, 2.0], "y": [1.5, 2.5]})
    with pytest.raises(DataError, match="two has 2 rows with a value of 'y', of which 1 would be"):
        training_data(table, "y")
