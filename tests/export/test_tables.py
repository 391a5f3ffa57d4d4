"""Columns of times and of free text, in other programs."""

import subprocess
import sys

import numpy as np
import onnxruntime
import pytest
from sklearn.feature_extraction.text import HashingVectorizer
from tests.cli.running import done

from chainrule.errors import DataError
from chainrule.export import ejected
from chainrule.preprocessing.calendar import Calendar
from chainrule.recipes.recipe import Recipe
from chainrule.recipes.tabular import prepare, train
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
    return {"when": times, "x": rng.normal(size=400), "said": np.array(texts, object),
            "y": rng.normal(size=400)}  # fmt: skip


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
    model = trained(arrays, columns=("when", "x"))
    expected = model.preprocessor.target.decode(model.predict(model.preprocessor.transform(arrays)))
    model.export(tmp_path / "m.onnx")
    session = onnxruntime.InferenceSession(str(tmp_path / "m.onnx"))
    given = {"when": arrays["when"].astype(np.int64), "x": arrays["x"]}  # NaT: the least number
    np.testing.assert_allclose(session.run(None, given)[0], expected, rtol=1e-5, atol=1e-5)


def test_free_text_is_refused_by_onnx_before_anything_is_written(arrays, tmp_path):
    model = trained(arrays, text=("said",))
    with pytest.raises(DataError, match=r"column 'said' is free text.*eject"):
        model.export(tmp_path / "m.onnx")
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
