import bz2
import gzip
import io
import lzma
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn import datasets

from chainrule.errors import (
    ChainruleError,
    DataError,
    FileError,
    MissingDependencyError,
    OptionError,
    ShapeError,
    UnknownNameError,
)
from chainrule.tables import ArrayTable, open_table


@pytest.mark.parametrize("name", ["digits", "iris", "wine", "breast_cancer", "diabetes"])
def test_a_data_set_of_scikit_learn_has_its_names(name):
    bunch = getattr(datasets, f"load_{name}")()
    table = open_table(name)
    (chunk,) = table.chunks()
    assert list(chunk) == [*bunch.feature_names, "target"]
    assert table.target == "target"
    np.testing.assert_array_equal(
        np.stack([chunk[feature] for feature in bunch.feature_names], axis=1), bunch.data
    )


def test_classes_have_names_and_quantities_are_numbers():
    (iris,), (diabetes,) = (open_table(name).chunks() for name in ("iris", "diabetes"))
    assert set(iris["target"]) == {"setosa", "versicolor", "virginica"}
    assert diabetes["target"].dtype == np.float64


def test_a_name_that_is_also_a_file_must_be_given_as_a_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("iris").mkdir()
    with pytest.raises(DataError, match=r"'./iris' for the file"):
        open_table("iris")
    with pytest.raises(DataError, match="holds no images"):
        open_table("./iris")
    with pytest.raises(DataError, match="holds no images"):
        open_table(Path("iris"))


def test_a_missing_path_suggests_the_closest(tmp_path, monkeypatch):
    (tmp_path / "train.csv").write_text("a\n1\n")
    with pytest.raises(FileError, match=r"does not exist: did you mean '.*train\.csv'\?"):
        open_table(tmp_path / "trian.csv")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileError, match="did you mean 'iris'"):
        open_table("irsi")
    with pytest.raises(FileError, match="always there: breast_cancer, diabetes"):
        open_table("nothing/like/this.xyz")


def test_a_path_that_is_none_is_refused():
    with pytest.raises(FileError):
        open_table("a\0b.csv")
    with pytest.raises(FileError):
        open_table("x" * 5000 + ".csv")


def test_what_is_neither_name_nor_path_is_refused():
    with pytest.raises(DataError, match="expected a name, a path or a frame, received 3"):
        open_table(3)


def test_an_unknown_kind_of_file_is_refused(tmp_path):
    path = tmp_path / "data.xlsx"
    path.touch()
    with pytest.raises(UnknownNameError, match=r"unknown kind of file '.xlsx'.*\.csv"):
        open_table(path)


def test_a_column_that_is_not_there_is_refused():
    with pytest.raises(UnknownNameError, match="did you mean 'alcohol'"):
        open_table("wine").chunks(columns=["alcool"])


@pytest.mark.parametrize("name", ["data.csv", "data.parquet"])
def test_without_pyarrow_the_message_says_what_to_install(tmp_path, monkeypatch, name):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    (tmp_path / name).write_text("a\n1\n")
    with pytest.raises(MissingDependencyError, match=r"pip install 'chainrule\[tables\]'"):
        open_table(tmp_path / name)


@pytest.mark.thorough  # a process
def test_opening_a_data_set_needs_no_pyarrow():
    code = (
        "import sys; sys.modules['pyarrow'] = sys.modules['pandas'] = None;"  # which tries it, too
        "from chainrule.tables import open_table; print(len(list(open_table('iris').chunks())))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) > 0


def test_arrays_of_different_lengths_are_no_table():
    with pytest.raises((DataError, ShapeError), match="equally many rows"):
        ArrayTable("t", {"a": [1, 2], "b": [1]})


def test_standard_input_is_csv_or_parquet(monkeypatch):
    written = io.BytesIO()
    pq.write_table(pa.table({"a": [1, 2]}), written)
    for content in (b"a\n1\n2\n", written.getvalue()):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content), encoding="utf-8"))
        table = open_table("-")
        assert (table.name, table.rows) == ("standard input", 2)
        assert next(table.chunks())["a"].tolist() == [1, 2]
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b""), encoding="utf-8"))
    with pytest.raises(DataError, match=r"^standard input is empty"):
        open_table("-")


def test_other_encodings_are_read_if_named(tmp_path):
    path = tmp_path / "a.csv"
    text = "größe;wort\n1,5;é\n"
    for encoding in ("latin-1", "cp1252", "utf-16", "utf-8-sig"):
        path.write_text(text, encoding=encoding)
        (chunk,) = open_table(path, encoding=encoding).chunks()
        assert {name: values.tolist() for name, values in chunk.items()} == {
            "größe": [1.5], "wort": ["é"]
        }  # fmt: skip
    with pytest.raises(OptionError, match="'latin-33' is unknown"):
        open_table(path, encoding="latin-33")
    path.write_text(text, encoding="latin-1")
    with pytest.raises(DataError, match=r"line 1 is not UTF-8 .byte 0xf6.; .* --encoding latin-1"):
        open_table(path)


def test_a_table_too_wide_is_refused_at_once(tmp_path):
    path = tmp_path / "wide.csv"
    path.write_text(",".join(f"c{i}" for i in range(1_000_000)) + "\n" + "1," * 999_999 + "1\n")
    with pytest.raises(DataError, match="columns; a network takes 100,000 at most"):
        open_table(path)


PACKERS = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}


@pytest.mark.parametrize("suffix", PACKERS)
def test_packed_files_are_unpacked(tmp_path, suffix):
    text = "a,b\n" + "".join(f"{i},{i / 3:.6f}\n" for i in range(3000))
    path = tmp_path / f"a.csv{suffix}"
    packed = PACKERS[suffix](text.encode())
    path.write_bytes(packed)
    table = open_table(path)
    assert (table.name, table.rows) == (str(path), 3000)
    assert next(table.chunks())["a"][7] == 7.0
    path.write_bytes(packed[: len(packed) // 2])
    with pytest.raises(ChainruleError, match=rf"a\.csv\{suffix} cannot be unpacked"):
        open_table(path)
    (tmp_path / f"a.doc{suffix}").write_bytes(packed)
    with pytest.raises(ChainruleError, match=r"unknown kind of file '\.doc'"):
        open_table(tmp_path / f"a.doc{suffix}")
