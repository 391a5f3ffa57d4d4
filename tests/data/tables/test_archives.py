import zipfile

import numpy as np
import pytest

from chainrule.errors import DataError, FileError, ShapeError
from chainrule.tables import Column, open_table

X = np.arange(12.0).reshape(4, 3)
Y = np.array([0, 1, 0, 1])


@pytest.fixture
def save(tmp_path):
    def save(**arrays):
        path = tmp_path / "data.npz"
        np.savez_compressed(path, **arrays)
        return path

    return save


@pytest.mark.parametrize("names", [
    ("X", "y"), ("x", "Y"), ("features", "target"), ("data", "target"), ("first", "second"),
])  # fmt: skip
def test_names_of_features_and_target(save, names):
    table = open_table(save(**{names[0]: X, names[1]: Y}))
    assert [column.name for column in table.columns] == ["x0", "x1", "x2", names[1]]
    assert table.target == names[1]
    (chunk,) = table.chunks()
    assert chunk["x2"].tolist() == [2.0, 5.0, 8.0, 11.0]
    assert chunk[names[1]].tolist() == [0.0, 1.0, 0.0, 1.0]


def test_of_two_arrays_the_target_is_the_one_with_a_value_a_row(save):
    assert open_table(save(a=Y, b=X)).target == "a"
    assert open_table(save(a=Y[:, None], b=X)).target == "a"


def test_more_arrays_are_ignored_beside_a_pair(save):
    assert open_table(save(X=X, y=Y, weights=Y, names=Y)).target == "y"


def test_features_alone_have_no_target(save):
    table = open_table(save(anything=X))
    assert table.target is None
    assert len(table.columns) == 3


def test_text_and_booleans_are_categories(save):
    table = open_table(save(X=np.array([["a", "b"], ["c", "d"]]), y=np.array([True, False])))
    (chunk,) = table.chunks()
    assert {name: values.tolist() for name, values in chunk.items()} == {
        "x0": ["a", "c"], "x1": ["b", "d"], "y": ["True", "False"]
    }  # fmt: skip


@pytest.mark.parametrize("shape", [(5, 4, 3), (5, 4, 3, 2)])
def test_images(save, shape):
    images = np.random.default_rng(0).integers(0, 255, shape, dtype=np.uint8)
    table = open_table(save(X=images, y=np.arange(5)))
    assert table.columns[0] == Column("X", "image", shape[1:])
    chunks = list(table.chunks(rows=2))
    np.testing.assert_array_equal(np.concatenate([chunk["X"] for chunk in chunks]), images)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("rows", [1, 3, 4, 100])
def test_chunks_of_any_size_in_any_order_of_memory(save, order, rows):
    table = open_table(save(X=np.asarray(X, order=order), y=Y))
    chunks = list(table.chunks(rows))
    joined = np.stack([np.concatenate([c[f"x{i}"] for c in chunks]) for i in range(3)], axis=1)
    np.testing.assert_array_equal(joined, X)


def test_the_target_is_read_alone(save):
    (chunk,) = open_table(save(X=X, y=Y)).chunks(columns=["y"])
    assert {name: values.tolist() for name, values in chunk.items()} == {"y": [0, 1, 0, 1]}


def test_pickles_are_not_opened(save):
    with pytest.raises(DataError, match="dtype is object; such arrays need pickle"):
        open_table(save(X=X, y=np.array([{}, {}, {}, {}], dtype=object)))


@pytest.mark.parametrize(("arrays", "error", "message"), [
    ({"a": X, "b": X, "c": Y}, DataError, "it holds 'a', 'b', 'c'"),
    ({"X": X, "y": Y[:3]}, ShapeError, "a value for each of the 4 rows"),
    ({"X": X, "y": np.eye(4)}, ShapeError, "a value for each of the 4 rows"),
    ({"X": np.zeros((2, 2, 2, 2, 2)), "y": Y[:2]}, ShapeError, "its shape is .2, 2, 2, 2, 2."),
    ({"X": X.astype(complex), "y": Y}, DataError, "its dtype is complex128"),
    ({"X": np.float64(1.0)}, ShapeError, "needs a sample a row"),
    ({"X": np.zeros((0, 3)), "y": np.zeros(0)}, DataError, "holds no rows"),
    ({"X": np.zeros((3, 0)), "y": np.zeros(3)}, ShapeError, "its shape is .3, 0."),
])  # fmt: skip
def test_arrays_that_are_no_table(save, arrays, error, message):
    with pytest.raises(error, match=message):
        open_table(save(**arrays))


def test_what_is_no_archive_is_refused(tmp_path):
    path = tmp_path / "data.npz"
    path.write_bytes(b"PK nothing")
    with pytest.raises(FileError, match="cannot be read as"):
        open_table(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("X.npy", b"\x93NUMPY\x01\x00\x10\x00{'shape': oops}\n")
    with pytest.raises(FileError, match="cannot be read as"):
        open_table(path)


def test_a_header_that_promises_too_much_is_refused(tmp_path):
    path = tmp_path / "data.npz"
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (10000000000, 3)}\n"
    with zipfile.ZipFile(path, "w") as archive:
        data = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + bytes(24)
        archive.writestr("X.npy", data)
    with pytest.raises(FileError, match="ends before its last row"):
        next(open_table(path).chunks())
