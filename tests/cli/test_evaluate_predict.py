import csv
import io
import re
import subprocess
import sys
from datetime import date

import numpy as np
import pyarrow.parquet
import pytest
from tests.cli.running import ONE, done, refused, run, write_pets

import chainrule as cr
from chainrule._src.data.tables import delimited
from chainrule._src.data.tables.writing import WRITERS, csv_file, parquet_file
from chainrule._src.tabular.recipes import trained as trained_model
from chainrule._src.tabular.recipes.trained import predictions, score
from chainrule.errors import DataError
from chainrule.tables import ArrayTable, Column, load_arrays, open_table

SETS = ["digits", "iris", "wine", "breast_cancer", "diabetes"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Give a function that trains on a built-in set or the pets, once."""
    folder = tmp_path_factory.mktemp("trained")
    write_pets(folder / "pets.csv")

    def model(name):
        path = folder / name
        if not path.exists():
            data = folder / "pets.csv" if name == "pets" else name
            target = ["--target", "kind"] if name == "pets" else []
            one = [] if name == "iris" else ONE
            done("train", *one, data, *target, "-o", path, "--epochs", "3")
        return path

    return model


def read(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.sampled(quick=2)
@pytest.mark.parametrize("name", SETS)
def test_scores_are_those_of_the_model(trained, name):
    path = trained(name)
    model = cr.load_model(path)
    table = open_table(name, like=model.preprocessor.columns)
    X, y = load_arrays(table, model.preprocessor)
    expected = model.evaluate(X, y, return_dict=True)
    output = done("evaluate", path, name).stdout
    if name == "diabetes":
        assert f" {expected['r2']:.4f} │" in output
    else:
        assert f" {100 * expected['accuracy']:.1f} % │" in output
        assert f" {expected['loss']:.4g} │" in output


def test_the_errors_of_a_quantity_are_in_its_own_units(trained):
    model = cr.load_model(trained("diabetes"))
    table = open_table("diabetes")
    X, y = load_arrays(table, model.preprocessor)
    target = model.preprocessor.target
    wrong = target.decode(model.predict(X)) - (y.astype(float) * target.scale + target.mean)
    shown = score(model, table, "target").table()
    assert float(shown["mean absolute error"][0]) == pytest.approx(np.abs(wrong).mean(), rel=1e-3)
    assert float(shown["root mean square error"][0]) == pytest.approx(
        np.sqrt((wrong**2).mean()), rel=1e-3
    )


def test_the_baseline_of_classes_is_the_most_frequent_one_of_training(trained):
    output = done("evaluate", trained("breast_cancer"), "breast_cancer").stdout
    assert re.search(r" accuracy +│ +[\d.]+ % │ +62.7 %", output)  # 357 of 569 are benign


@pytest.mark.parametrize("name", SETS)
def test_predictions_are_those_of_the_model(trained, tmp_path, name):
    out = tmp_path / "out.csv"
    assert "predictions in" in done("predict", trained(name), name, "-o", out).stdout
    model = cr.load_model(trained(name))
    X, _ = load_arrays(open_table(name), model.preprocessor)
    output, rows = model.predict(X), read(out)
    expected = model.preprocessor.target.decode(output)
    found = [row["prediction"] for row in rows]
    if name == "diabetes":
        np.testing.assert_allclose(np.array(found, float), expected, rtol=1e-5)
        assert list(rows[0]) == ["prediction"]
    else:
        assert found == expected.tolist()
        shown = [float(row["probability"]) for row in rows]
        np.testing.assert_allclose(shown, output.max(axis=1), rtol=1e-4)


def test_all_probabilities_can_be_written(trained):
    text = done("predict", trained("iris"), "iris", "--probabilities").stdout
    rows = list(csv.DictReader(io.StringIO(text)))
    names = [f"probability of {name}" for name in ("setosa", "versicolor", "virginica")]
    assert list(rows[0]) == ["prediction", *names]
    assert len(rows) == 150
    for row in rows:
        shares = [float(row[name]) for name in names]
        assert sum(shares) == pytest.approx(1, abs=1e-4)
        assert names[int(np.argmax(shares))].endswith(row["prediction"])


def test_standard_output_holds_the_predictions_alone(trained, tmp_path):
    pets = write_pets(tmp_path / "pets.csv", copies=2)
    pets.write_text(pets.read_text().replace("brown", "pink"))
    result = done("predict", trained("pets"), pets, "-o", "-")
    assert len(result.stdout.splitlines()) == 13
    assert result.stdout.startswith("prediction,probability\n")
    assert result.stderr.startswith("note: column 'colour': 2 values that training did not have")


def test_columns_are_matched_by_name_and_extra_ones_are_told_of(trained, tmp_path):
    pets = write_pets(tmp_path / "pets.csv")
    with open(pets, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    with open(tmp_path / "other.csv", "w", newline="", encoding="utf-8") as file:
        names = ["owner", "home", "colour", "legs", "weight", "kind"]
        writer = csv.DictWriter(file, names, restval="Ada", extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    same = done("predict", trained("pets"), pets)
    other = done("predict", trained("pets"), tmp_path / "other.csv")
    assert other.stdout == same.stdout
    assert "note: not looked at, as training did not have them: 'owner'" in other.stderr


def test_missing_columns_are_named(trained, tmp_path):
    (tmp_path / "few.csv").write_text("weight,kind\n1,dog\n")
    for verb in ("predict", "evaluate"):
        line = refused(3, verb, trained("pets"), tmp_path / "few.csv")
        assert "'legs', 'colour', 'home'" in line


def test_text_where_training_had_numbers_is_refused_and_nothing_is_written(trained, tmp_path):
    pets = write_pets(tmp_path / "pets.csv")
    pets.write_text(pets.read_text() + "Zoe,cat,heavy,4,black,no\n" * 9)
    line = refused(3, "predict", trained("pets"), pets, "-o", tmp_path / "out.csv")
    assert "column 'weight' must hold numbers, but row 61 holds 'heavy'" in line
    assert not (tmp_path / "out.csv").exists()


def test_a_class_that_training_did_not_have_is_named_with_its_row(trained, tmp_path):
    pets = write_pets(tmp_path / "pets.csv")
    gap, new = "Ann,,4,4,black,no\n", "Kim,fish,0.1,0,red,yes\n"
    pets.write_text(pets.read_text() + gap + new)
    line = refused(3, "evaluate", trained("pets"), pets)
    assert "target 'kind', row 62: 'fish' is none of the classes of training" in line


def test_rows_are_counted_over_chunks(trained):
    class Small(ArrayTable):
        def _read(self, rows, names):
            return super()._read(4, names)

    model = cr.load_model(trained("iris"))
    columns = {column.name: np.zeros(10) for column in model.preprocessor.columns}
    table = Small("small", {**columns, "target": [None, *["setosa"] * 8, "rose"]})
    with pytest.raises(DataError, match="row 10: 'rose'"):
        score(model, table, "target")
    table = Small("small", {**columns, "target": [None, *["setosa"] * 9]})
    assert score(model, table, "target").rows == 9


def test_rows_without_a_target_are_left_out_and_counted(trained, tmp_path):
    pets = write_pets(tmp_path / "pets.csv")
    pets.write_text(pets.read_text() + "Ann,,4,4,black,no\n")
    result = done("evaluate", trained("pets"), pets)
    assert "note: 1 row without a value of 'kind' left out" in result.stderr
    assert ": 60 rows" in result.stdout.replace("\n", "")


def test_the_target_may_have_another_name(trained, tmp_path):
    pets = write_pets(tmp_path / "pets.csv")
    pets.write_text(pets.read_text().replace("kind", "species", 1))
    assert "has no column 'kind'" in refused(2, "evaluate", trained("pets"), pets)
    result = done("evaluate", trained("pets"), pets, "--target", "species")
    assert result.stderr.startswith("note: the model was trained on")
    assert result.stderr.count("\n") == 1


def test_a_model_is_not_overwritten_by_its_predictions(trained):
    path = trained("iris")
    before = path.read_bytes()
    assert "give another name" in refused(2, "predict", path, "iris", "-o", path)
    assert path.read_bytes() == before


def test_rows_are_read_a_chunk_at_a_time(trained):
    model = cr.load_model(trained("iris"))
    features = [column.name for column in model.preprocessor.columns]

    class Endless(ArrayTable):
        def _read(self, rows, names):
            assert rows <= 2**14
            while True:
                yield {name: np.zeros(3) for name in names}

    table = Endless("endless", {name: [0.0] for name in features})
    chunks = predictions(model, table, False, lambda rows: None)
    for write in (csv_file, parquet_file):
        blocks = write(chunks)
        assert all(0 < len(next(blocks)) < 2000 for _ in range(5))


def test_chunks_of_many_features_have_few_rows(trained, monkeypatch):
    model, table = cr.load_model(trained("iris")), open_table("iris")
    sizes, transform = [], type(model.preprocessor).transform

    def measured(self, chunk):
        sizes.append(len(next(iter(chunk.values()))))
        return transform(self, chunk)

    monkeypatch.setattr(type(model.preprocessor), "transform", measured)
    monkeypatch.setattr(trained_model, "FEATURES", 40 * model.preprocessor.width)
    score(model, table, "target")
    list(predictions(model, table, False, lambda rows: None))
    assert sizes == [40, 40, 40, 30] * 2


@pytest.mark.parametrize("verb", ["evaluate", "predict"])
def test_what_is_no_model_is_refused(tmp_path, verb):
    assert "does not exist; chainrule train" in refused(4, verb, tmp_path / "no-model", "iris")
    (tmp_path / "text").write_text("hello")
    assert "expected a file of chainrule" in refused(4, verb, tmp_path / "text", "iris")


def test_a_model_without_preprocessing_cannot_read_tables(tmp_path):
    model = cr.Sequential([cr.layers.Input((4,)), cr.layers.Dense(3)])
    model.save(tmp_path / "model")
    assert "holds no preprocessing" in refused(4, "predict", tmp_path / "model", "iris")


def test_a_model_of_another_width_is_refused(trained, tmp_path):
    model = cr.Sequential([cr.layers.Input((7,)), cr.layers.Dense(3, activation="softmax")])
    model.preprocessor = cr.load_model(trained("iris")).preprocessor
    model.save(tmp_path / "model")
    line = refused(4, "predict", tmp_path / "model", "iris")
    assert "does not take its preprocessing's features" in line


def test_a_single_output_is_the_second_class_s_probability(trained, tmp_path):
    model = cr.Sequential([cr.layers.Input((30,)), cr.layers.Dense(1, activation="sigmoid")])
    model.preprocessor = cr.load_model(trained("breast_cancer")).preprocessor
    model.save(tmp_path / "model")
    text = done("predict", tmp_path / "model", "breast_cancer", "--probabilities").stdout
    row = next(csv.DictReader(io.StringIO(text)))
    shares = float(row["probability of benign"]), float(row["probability of malignant"])
    assert sum(shares) == pytest.approx(1, abs=1e-5)


@pytest.mark.thorough  # a process
@pytest.mark.skipif(sys.platform == "win32", reason="pipes end otherwise there")
def test_a_reader_that_has_seen_enough_ends_it_quietly(tmp_path):
    pets = write_pets(tmp_path / "pets.csv", copies=600)
    recipe = ["--recipe", "linear", "--epochs", "1"]
    done("train", pets, "--target", "kind", *recipe, "-o", tmp_path / "model")
    command = [sys.executable, "-m", "chainrule", "predict", tmp_path / "model", pets]
    process = subprocess.Popen(
        [*command, "--probabilities"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout.readline().startswith("prediction,")
    process.stdout.close()  # of 150 kB, more than a pipe holds
    assert process.stderr.read() == ""
    assert process.wait() == 1
    process.stderr.close()


def test_images_are_read_from_folders(tmp_path):
    from PIL import Image

    rng = np.random.default_rng(0)
    for kind, light in (("dark", 40), ("light", 200)):
        (tmp_path / "images" / kind).mkdir(parents=True)
        for i in range(10):
            pixels = np.clip(rng.normal(light, 20, (6, 5)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / "images" / kind / f"{i}.png")
    model = tmp_path / "model"
    done("train", *ONE, tmp_path / "images", "-o", model, "--epochs", "5")
    text = run("predict", model, tmp_path / "images" / "light").stdout
    assert [row["prediction"] for row in csv.DictReader(io.StringIO(text))] == ["light"] * 10


def test_parquet_is_read_as_csv_is(trained, tmp_path):
    import pyarrow.csv
    import pyarrow.parquet

    pets = write_pets(tmp_path / "pets.csv")
    pyarrow.parquet.write_table(pyarrow.csv.read_csv(pets), tmp_path / "pets.parquet")
    out = [done("predict", trained("pets"), tmp_path / f"pets.{kind}").stdout
           for kind in ("csv", "parquet")]  # fmt: skip
    assert out[0] == out[1]


def write_signs(path, classes):
    """Write a table whose target has these classes, told apart by its one number."""
    rows = [f"{i % len(classes)},{classes[i % len(classes)]}" for i in range(60)]
    path.write_text("\n".join(["x,class", *rows]) + "\n")
    return path


@pytest.mark.sampled(quick=6)
@pytest.mark.parametrize("suffix", WRITERS)
@pytest.mark.parametrize("name", ["diabetes", "iris", "digits", "pets"])
def test_every_format_of_predictions_is_read_back(trained, tmp_path, name, suffix):
    path = trained(name)
    data = path.parent / "pets.csv" if name == "pets" else name
    out = tmp_path / f"out{suffix}"
    done("predict", path, data, "-o", out, "--probabilities")
    model = cr.load_model(path)
    X, _ = load_arrays(open_table(data, like=model.preprocessor.columns), model.preprocessor)
    output = model.predict(X)
    target = model.preprocessor.target
    like = [Column("prediction", target.kind)]  # texts may look like numbers
    back = open_table(out if suffix else out.rename(tmp_path / "out.csv"), like=like)
    columns = next(back.chunks(10_000))
    expected = target.decode(output)
    kinds = {column.name: column.kind for column in back.columns}
    assert list(kinds) == ["prediction", *(f"probability of {c}" for c in target.classes)]
    assert kinds["prediction"] == target.kind
    if target.kind == "category":
        assert columns["prediction"].tolist() == expected.tolist()
    else:
        np.testing.assert_allclose(columns["prediction"], expected.astype(float), rtol=1e-6)
    for i, label in enumerate(target.classes):
        np.testing.assert_allclose(columns[f"probability of {label}"], output[:, i], rtol=1e-5)


def test_the_bytes_of_a_parquet_file_are_parquet(trained, tmp_path):
    done("predict", trained("iris"), "iris", "-o", tmp_path / "out.PARQUET")
    raw = (tmp_path / "out.PARQUET").read_bytes()
    assert (raw[:4], raw[-4:]) == (b"PAR1", b"PAR1")


@pytest.mark.parametrize("name", ["out.xlsx", "out.json", "out.npz", "out.csv.gz"])
def test_another_kind_of_file_is_refused_before_any_work(trained, tmp_path, name):
    line = refused(2, "predict", trained("iris"), "iris", "-o", tmp_path / name)
    assert "predictions are written as .csv, .txt, .tsv, .parquet, .pq" in line
    assert not (tmp_path / name).exists()


def test_safe_csv_lets_no_text_be_a_formula(tmp_path):
    classes = ["=1+1", "+49", "-x", "@sum", "plain"]
    data, model = write_signs(tmp_path / "signs.csv", classes), tmp_path / "model"
    done("train", *ONE, data, "--target", "class", "-o", model, "--epochs", "40", "--lr", "0.1")
    plain = done("predict", model, data, "--probabilities").stdout
    safe = done("predict", model, data, "--probabilities", "--safe-csv").stdout
    fields = [field for row in csv.reader(io.StringIO(safe)) for field in row]
    assert not [field for field in fields if field.startswith(("=", "+", "-", "@"))]
    assert {f"'{name}" for name in classes if name != "plain"} <= set(fields)
    for a, b in zip(csv.reader(io.StringIO(plain)), csv.reader(io.StringIO(safe)), strict=True):
        assert [field.removeprefix("'") for field in b] == a


def test_safe_csv_leaves_numbers_alone(trained, tmp_path):
    for name in ("diabetes", "digits"):
        plain = done("predict", trained(name), name).stdout
        assert done("predict", trained(name), name, "--safe-csv").stdout == plain
    data, model = write_signs(tmp_path / "signs.csv", [-1, 1]), tmp_path / "model"
    done("train", *ONE, data, "--target", "class", "-o", model, "--epochs", "1")
    assert "'" not in done("predict", model, data, "--safe-csv").stdout
    line = refused(2, "predict", model, data, "--safe-csv", "-o", tmp_path / "out.parquet")
    assert "--safe-csv is for CSV" in line


KEY = 1234567890123456789
AS_WRITTEN = ["key,paid,day,prediction,code,kind", *(
    f"{KEY + i},{i}.9560,{i + 1:02d}/01/2024,{i},{'NA' if i % 2 else ' 007 '},{'ab'[i % 2]}"
    for i in range(28)
)]  # fmt: skip


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keys")
    (folder / "keys.csv").write_text("\n".join([*AS_WRITTEN, ""]))
    done(
        "train",
        *ONE,
        folder / "keys.csv",
        "--target",
        "kind",
        "--epochs",
        "1",
        "-o",
        folder / "model",
    )
    return folder / "model", folder / "keys.csv"


def test_ids_are_the_texts_of_a_csv_file(keys, tmp_path):
    names = ["key", "paid", "day", "code", "kind"]
    wanted = [[row[name] for name in names] for row in csv.DictReader(AS_WRITTEN)]
    options = [*keys, *(word for name in names for word in ("--id", name))]
    rows = csv.DictReader(done("predict", *options).stdout.splitlines())
    assert [[row[name] for name in names] for row in rows] == wanted
    done("predict", *options, "-o", tmp_path / "p.parquet")
    found = pyarrow.parquet.read_table(tmp_path / "p.parquet").to_pylist()
    assert [[row[name] for name in names] for row in found] == wanted


def test_ids_have_the_values_and_types_of_a_parquet_file(tmp_path):
    pa = pyarrow
    days = [date(2024, 1, i + 1) for i in range(28)]
    table = pa.table({
        "key": pa.array([None, *range(KEY, KEY + 27)], pa.int64()),
        "paid": [np.nan, *[0.1 + i for i in range(27)]],
        "price": pa.array(range(28)).cast(pa.decimal128(21, 2)),
        "day": days,
        "seen": pa.array(days).cast(pa.timestamp("us")),
        "group": pa.array(["x", None] * 14).dictionary_encode(),
        "passed": pa.array([None, *range(27)], pa.duration("ms")),
        "kind": ["a", "b"] * 14,
    })  # fmt: skip
    pa.parquet.write_table(table, tmp_path / "t.parquet", row_group_size=5)
    base = tmp_path / "model", tmp_path / "t.parquet"
    done("train", *ONE, base[1], "--target", "kind", "--epochs", "1", "-o", base[0])
    ids = [word for name in table.column_names for word in ("--id", name)]
    done("predict", *base, *ids, "-o", tmp_path / "p.parquet")
    found = pa.parquet.read_table(tmp_path / "p.parquet").select(table.column_names)
    assert found.schema.types == table.schema.types
    assert repr(found.to_pylist()) == repr(table.to_pylist())
    lines = done("predict", *base, *ids).stdout.splitlines()
    assert lines[1].startswith(",,0.00,2024-01-01,2024-01-01 00:00:00,x,,a,")
    assert lines[3].startswith(f"{KEY + 1},1.1,2.00,2024-01-03,2024-01-03 00:00:00,x,0.001,a,")


def test_ids_of_large_files_stay_beside_their_rows(keys, tmp_path, monkeypatch):
    monkeypatch.setattr(trained_model, "CHUNK", 5)
    monkeypatch.setattr(delimited, "BLOCK", 200)
    rows = list(csv.DictReader(done("predict", *keys, "--id", "key").stdout.splitlines()))
    assert [int(row["key"]) for row in rows] == list(range(KEY, KEY + 28))


@pytest.mark.parametrize("name", ["prediction", "probability", "probability of a"])
def test_an_id_with_the_name_of_an_output_is_refused(keys, tmp_path, name):
    text = keys[1].read_text().replace("prediction", name)
    (tmp_path / "k.csv").write_text(text)
    done(
        "train", *ONE, tmp_path / "k.csv", "--target", "kind", "--epochs", "1", "-o", tmp_path / "m"
    )
    options = ["--probabilities"] * (name == "probability of a")
    base = ["predict", tmp_path / "m", tmp_path / "k.csv", "--id", name, *options]
    line = refused(2, *base, "-o", tmp_path / "o.csv")
    assert f"--id {name}: the output has a column of this name" in line
    assert not (tmp_path / "o.csv").exists()


@pytest.fixture
def noted(tmp_path):
    """Train on a table with a column that is left out, and has a note."""
    path = tmp_path / "noted.csv"
    rows = [f"{i % 9},€ {i % 7},x,{'$' if i == 3 else ''}5,{i % 9}.5" for i in range(60)]
    path.write_text("\n".join(["n,price,empty,constant,y", *rows]))
    done("train", path, "--target", "y", "--recipe", "linear", "-o", tmp_path / "model")
    return path, tmp_path / "model"


def test_notes_are_of_columns_that_the_model_looks_at(noted):
    path, model = noted
    for verb in ("predict", "evaluate"):
        told = done(verb, model, path).stderr
        assert "column 'price'" in told
        assert "column 'constant'" not in told
    assert "column 'constant'" in done("train", *ONE, path, "--target", "y", "--epochs", "1").stderr


def test_a_feature_is_no_target(noted):
    path, model = noted
    told = refused(2, "evaluate", model, path, "--target", "n")
    assert "--target: 'n' is what the model learns from; it predicts 'y'" in told
