"""Columns of times, of free text and of ordered categories, in other programs."""

import csv
import subprocess
import sys

import numpy as np
import onnxruntime
import pyarrow
import pytest
from sklearn.feature_extraction.text import HashingVectorizer
from tests.cli.running import done

from chainrule._src.data.preprocessing.calendar import Calendar
from chainrule._src.data.tables.readings import READINGS
from chainrule._src.export import ejected, ejecting
from chainrule._src.tabular.recipes.recipe import Recipe
from chainrule._src.tabular.recipes.tabular import prepare, train
from chainrule.errors import DataError
from chainrule.preprocessing import Ranks, Scaled
from chainrule.tables import ArrayTable


@pytest.fixture(scope="module")
def arrays():
    rng = np.random.default_rng(0)
    seconds = rng.integers(0, 86_400 * 365 * 300, 400)
    times = (np.datetime64("1890-01-01T00:00:00") + seconds).astype("datetime64[s]")
    times[:4] = np.array(["2000-02-29", "1900-03-01", "2100-02-28T23:59:59", "1969-12-31"], "M8[s]")
    times[::17] = np.datetime64("NaT")
    vocabulary = ["gut", "böse", "naïve", "a", "The", "x1", "日本語", "!?"]
    texts = [" ".join(rng.choice(vocabulary, rng.integers(6))) or None for _ in range(400)]
    levels = rng.choice(np.array(["low", "medium", "high", None], object), 400)
    return {"when": times, "x": rng.normal(size=400), "said": np.array(texts, object),
            "level": levels, "y": rng.normal(size=400)}  # fmt: skip


def trained(arrays, **options):
    recipe = Recipe(target="y", epochs=2, ensemble=1, **options)
    return train(prepare(ArrayTable("a", arrays), recipe), recipe)[0]


def test_an_ejected_module_makes_the_same_features(arrays, tmp_path, monkeypatch):
    model = trained(arrays, text=("said",))
    expected = model.preprocessor.transform(arrays)
    model.eject(tmp_path / "ejected_table.py")
    monkeypatch.syspath_prepend(tmp_path)
    import ejected_table

    table = {name: values.tolist() for name, values in arrays.items()}
    np.testing.assert_array_equal(ejected_table.features(table), expected)
    written = {"when": ["" if t is None else t.isoformat(" ") for t in table["when"]]}
    np.testing.assert_array_equal(ejected_table.features({**table, **written}), expected)


def test_onnx_takes_times_as_seconds(arrays, tmp_path):
    model = trained(arrays, columns=("when", "x", "level"))
    assert {type(step) for step in model.preprocessor.steps} == {Calendar, Scaled, Ranks}
    expected = model.preprocessor.target.decode(model.predict(model.preprocessor.transform(arrays)))
    model.export(tmp_path / "m.onnx")
    session = onnxruntime.InferenceSession(str(tmp_path / "m.onnx"))
    levels = np.array([level or "" for level in arrays["level"]])
    given = {"when": arrays["when"].astype(np.int64), "x": arrays["x"], "level": levels}
    np.testing.assert_allclose(session.run(None, given)[0], expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", ["m.onnx", "m.mjs", "m.html"])
def test_free_text_is_refused_before_anything_is_written(arrays, tmp_path, name):
    model = trained(arrays, text=("said",))
    with pytest.raises(DataError, match=r"column 'said' is free text.*eject"):
        model.export(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_the_hash_is_that_of_scikit_learn():
    texts = ["Ein gutes Buch", "日本語 テキスト", "", "a b c", "x1 x2 x1 x2", "ß" * 99]
    judge = HashingVectorizer(n_features=50, ngram_range=(1, 2))
    np.testing.assert_allclose(ejected.words(texts, 50), judge.transform(texts).toarray())


def test_a_missing_time_alone_is_marked():
    step = Calendar("t", 0.0, 1.0, (), 1)
    found = ejected.times([None, "2024-01-31"], step.mean, step.scale, step.parts, True)
    assert found.tolist() == [[1.0], [0.0]]


def test_on_the_command_line(tmp_path):
    path = tmp_path / "days.csv"
    rows = "".join(f"2024-{i % 12 + 1:02d}-{i % 28 + 1:02d},{i}\n" for i in range(40))
    path.write_text("day,y\n" + rows)
    done("train", path, "--target", "y", "--epochs", "1", "-o", tmp_path / "model.safetensors")
    done("export", tmp_path / "model.safetensors", "--to", "numpy")
    done("export", tmp_path / "model.safetensors", "--to", "onnx")
    told = subprocess.run([sys.executable, tmp_path / "model.py", path], capture_output=True,
                          text=True, check=True).stdout.splitlines()  # fmt: skip
    wanted = done("predict", tmp_path / "model.safetensors", path).stdout.splitlines()
    np.testing.assert_allclose(*(np.array(lines[1:], float) for lines in (told, wanted)), rtol=1e-5)


SEMICOLONS = ["price;day;kind;at;y"] + [
    f"{('1.234,5', '-3', '(7,25)', '', '12 €')[i % 5]};{i % 28 + 1}.{i % 12 + 1}.24;"
    f"{('good', 'NA', 'bad, x')[i % 3]};{i % 24}:30;{'ab'[i % 2]}"
    for i in range(60)
]
MONTH_FIRST = ["price,day,kind,y"] + [
    f'"{i + 1},500.25",{i % 12 + 1}/{i % 28 + 1}/2024 1:{i:02d},true,{2.5 * i}' for i in range(59)
] + ["on request,1/31/2024,false,3.5"]  # fmt: skip


@pytest.fixture(scope="module", params=[SEMICOLONS, MONTH_FIRST], ids=["semicolons", "months"])
def script(request, tmp_path_factory):
    """Train on a table, and export."""
    folder = tmp_path_factory.mktemp("script")
    (folder / "data.csv").write_text("\n".join([*request.param, ""]))
    done("train", folder / "data.csv", "--target", "y", "--epochs", "2", "-o", folder / "m.cr")
    done("export", folder / "m.cr", "--to", "numpy")
    return folder


def ran(folder, *arguments):
    """Run an exported script; return its rows, and what it says on stderr."""
    command = [sys.executable, folder / "m.py", *arguments]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    return list(csv.reader(told.stdout.splitlines()))[1:], told.stderr.splitlines()


def assert_predicts_alike(folder, path):
    lines = done("predict", folder / "m.cr", path, "--probabilities").stdout.splitlines()[1:]
    found, told = ran(folder, path)
    assert all(line.startswith("note: ") for line in told)
    for one, other in zip(found, csv.reader(lines), strict=True):
        np.testing.assert_allclose(
            np.array(one[-1:], float), np.array(other[-1:], float), rtol=1e-4
        )


@pytest.mark.thorough  # two ways of one script
@pytest.mark.sampled(quick=1)
def test_a_script_reads_as_training_did_what_can_be_read_in_two_ways(script, tmp_path):
    header = (script / "data.csv").read_text().splitlines()[0]
    row = "1.234;1.2.24;good;1:30;a" if ";" in header else '"1,234",1/2/2024 1:00,true,2.5'
    (tmp_path / "data.csv").write_text(f"{header}\n{row}\n")
    assert_predicts_alike(script, tmp_path / "data.csv")
    assert ejected.as_times("day", ["1/2/2024"], "mdy", False) == [np.datetime64("2024-01-02")]
    assert ejected.as_numbers("price", ["1.234", ""], True, False) == [1234.0, None]


@pytest.mark.thorough
@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_a_script_reads_what_its_model_was_trained_on(script, tmp_path, mark):
    path = tmp_path / "data.csv"
    text = (script / "data.csv").read_text()
    own = ";" if text.startswith("price;") else ","
    with open(path, "w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=mark).writerows(csv.reader(text.splitlines(), delimiter=own))
    assert_predicts_alike(script, path)


@pytest.mark.sampled(quick=2)
@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "No such file or directory"),
        ("price,kind\n1,x\n", "has no column 'day'; its columns: price, kind"),
        ("price,day,kind,at\nheavy,1.1.24,x,1:30\n",
         "column 'price': expected a number, but row 1 holds 'heavy'"),
        ("price,day,kind,at\n1,1.1.24,x,1:30\n2,soon,x,1:30\n",
         "column 'day': expected a time, but row 2 holds 'soon'"),
        ("price,day,kind,at\n1,1.1.24\n", "row 1: expected 4 fields, as the first line has"),
        ("price,day\n", "expected a line of column names, then rows"),
        ("", "expected a line of column names, then rows"),
    ],
)  # fmt: skip
def test_a_script_says_in_a_line_what_is_wrong(script, tmp_path, text, said):
    path = tmp_path / "bad.csv"
    if text is not None:
        path.write_text(text)
    found, told = ran(script, path)
    assert not found
    (line,) = told
    assert line.startswith("error: ")
    assert said in line


def test_a_script_tells_what_it_reads(script):
    told = subprocess.run([sys.executable, script / "m.py", "-h"], capture_output=True, text=True,
                          check=True).stdout  # fmt: skip
    assert "with , ; | or tabs between" in " ".join(told.split())


NUMBERS = ["1", "-2.5", ".5", "5.", "1e3", "1,234.5", "1.234,5", "1'234.5", "(3)", "-(3)",
           "(3", "$5", "€ 1.5", "-€2", "5 %", "−1", "+ 1", "--1", "0,500.25", "12,34", "",
           "x"]  # fmt: skip
TIMES = ["2024-01-31", "2024/1/31 7:05", "31.1.2024", "1/31/2024", "31.1.24 18:30:09.25",
         "2024-01-31T23:30+02:00", "2024-01-31 01:00Z", "30.2.2024", "1.1.68", "1.1.69",
         "24-01-31", "7:30", "25:00", "soon", "1/31/2024 10:51 PM", "1/31/2024 12:05am",
         "31.1.2024 12:05 p.m.", "31.1.2024 13:05 pm", "31.1.2024 0:05 am", "31.1.2024 pm",
         "2024-01-31 9:05 PM+02:00"]  # fmt: skip


@pytest.mark.parametrize("text", [*NUMBERS, *TIMES])
def test_texts_are_read_as_tables_read_them(text):
    ways = {"number": (ejected.number, (False, True)),
            "time": (ejected.time, ("ymd", "dmy", "mdy"))}  # fmt: skip
    known = {way: reading for reading, way in ejecting.WRITTEN.items()}
    for reading in READINGS:
        read, options = ways[reading.kind]
        for way in options:
            if known[way] != reading.what:
                continue
            wanted = reading.read(pyarrow.array([text]))[0].as_py()
            try:
                found = read(text, way)
            except ValueError:
                found = None
            assert (found.item() if isinstance(found, np.datetime64) else found) == wanted


def test_a_reader_that_stops_reading_is_no_error(tmp_path):
    path = tmp_path / "days.csv"
    path.write_text("x,y\n" + "".join(f"{i},{i % 7}.5\n" for i in range(20_000)))
    done("train", path, "--target", "y", "--epochs", "1", "--recipe", "linear", "-o",
         tmp_path / "m.cr")  # fmt: skip
    done("export", tmp_path / "m.cr", "--to", "numpy")
    with subprocess.Popen([sys.executable, tmp_path / "m.py", path], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as process:  # fmt: skip
        assert process.stdout.readline() == b"prediction\n"
        process.stdout.close()
        assert process.stderr.read() == b""
