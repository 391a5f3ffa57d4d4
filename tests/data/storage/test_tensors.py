import json
import os
import struct

import numpy as np
import pytest
import safetensors
import safetensors.numpy
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from tests.data.storage.making import DOCUMENTS, METADATA

from chainrule._src.data.storage.layout import DTYPES, MAX_ARRAYS, MAX_HEADER
from chainrule.errors import DataError, FileError
from chainrule.storage import describe, read_tensors, write_tensors

pytestmark = pytest.mark.portable

CODES = [code.replace("<", order) for code in DTYPES.values() for order in "<>"]
NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20)
# Hypothesis also draws what the code mentions.
NAMES = NAMES.filter(lambda name: name != "__metadata__")
ARRAYS = st.dictionaries(
    NAMES,
    hnp.arrays(st.sampled_from(CODES), hnp.array_shapes(min_dims=0, max_dims=4, min_side=0)),
    max_size=5,
)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("tensors") / "model.safetensors"


def same(array, other):
    """Hold that dtype (whatever the byte order), shape and every bit are equal."""
    assert array.dtype == other.dtype.newbyteorder("=")
    assert array.dtype.isnative
    assert array.shape == other.shape
    assert array.tobytes() == other.astype(array.dtype).tobytes()


def test_arrays_and_document_come_back(path):
    @given(ARRAYS, DOCUMENTS)
    def comes_back(arrays, document):
        write_tensors(path, arrays, document)
        read, read_document = read_tensors(path)
        assert list(read) == list(arrays)
        assert repr(read_document) == repr(document)
        for name, array in arrays.items():
            same(read[name], array)
            assert read[name].flags.writeable
            assert read[name].flags.c_contiguous

    comes_back()


@pytest.mark.parametrize("make", [lambda a: a.T, lambda a: a[::-2, 1:], np.asfortranarray])
def test_arrays_in_any_order_of_memory_come_back(path, make):
    array = make(np.arange(42, dtype=np.float32).reshape(6, 7))
    write_tensors(path, {"W": array}, {})
    same(read_tensors(path)[0]["W"], array)


def test_a_numpy_scalar_becomes_an_array_without_axes(path):
    write_tensors(path, {"step": np.float64(2.5)}, {})
    same(read_tensors(path)[0]["step"], np.array(2.5))


def test_an_empty_array_keeps_its_shape(path):
    write_tensors(path, {"W": np.zeros((0, 2**40), np.float16), "b": np.ones(3)}, {})
    assert read_tensors(path)[0]["W"].shape == (0, 2**40)


def test_what_is_read_is_its_own_memory(path):
    write_tensors(path, {"W": np.zeros(3)}, {})
    first = read_tensors(path)[0]["W"]
    first += 1
    assert read_tensors(path)[0]["W"].sum() == 0


def test_the_same_content_gives_the_same_bytes(path):
    write_tensors(path, {"b": np.ones(3), "a": np.ones(2, "i1")}, {"x": [1]})
    first = path.read_bytes()
    write_tensors(path, {"b": np.ones(3), "a": np.ones(2, "i1")}, {"x": [1]})
    assert path.read_bytes() == first


@given(ARRAYS)
def test_the_safetensors_package_reads_our_files(path, arrays):
    write_tensors(path, arrays, {"units": [10, "ten"]})
    read = safetensors.numpy.load_file(path)
    assert read.keys() == arrays.keys()
    for name, array in arrays.items():
        same(read[name], array)
    with safetensors.safe_open(path, framework="numpy") as file:
        assert json.loads(file.metadata()["document"]) == {"units": [10, "ten"]}


@given(ARRAYS)
def test_we_read_what_the_safetensors_package_writes(path, arrays):
    native = {name: array.astype(array.dtype.newbyteorder("=")) for name, array in arrays.items()}
    safetensors.numpy.save_file(native, path, metadata=METADATA)
    read, document = read_tensors(path)
    assert document == {}
    assert read.keys() == arrays.keys()
    for name, array in arrays.items():
        same(read[name], array)


def test_every_array_begins_where_its_items_are_aligned(path):
    arrays = {str(i): np.zeros(3, code) for i, code in enumerate(CODES)}
    write_tensors(path, arrays, {})
    content = path.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    assert (8 + length) % 8 == 0
    header = json.loads(content[8 : 8 + length])
    for name, array in arrays.items():
        assert header[name]["data_offsets"][0] % array.itemsize == 0


def test_a_description_tells_what_is_inside(path):
    write_tensors(path, {"W": np.zeros((2, 3), "f4")}, {"units": 3}, kind="checkpoint")
    found = describe(path)
    assert (found.kind, found.document) == ("checkpoint", {"units": 3})
    assert (found.shapes, found.dtypes) == ({"W": (2, 3)}, {"W": np.dtype("f4")})


def test_another_kind_is_refused(path):
    write_tensors(path, {}, {}, kind="checkpoint")
    with pytest.raises(FileError, match="it holds 'checkpoint', expected 'model'"):
        read_tensors(path)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"W": [1.0, 2.0]}, "'W' must be an array"),
        ({"W": np.zeros(2, complex)}, "'W' has dtype complex128.*valid: bool, uint8"),
        ({"W": np.array([None])}, "dtype object"),
        ({"W": np.array(["a"])}, "dtype <U1"),
        ({"W": np.zeros(2, "f4,f4")}, "cannot be stored"),
        pytest.param(
            {"W": np.zeros(2, np.longdouble)},
            "cannot be stored",
            marks=pytest.mark.skipif(
                np.dtype(np.longdouble).itemsize == 8, reason="it is float64 here"
            ),
        ),
        ({"": np.zeros(2)}, "1 to 500 characters"),
        ({"a\nb": np.zeros(2)}, "control characters"),
        ({"\udc80": np.zeros(2)}, "control characters"),
        ({1: np.zeros(2)}, "must be a string"),
        ({"x" * 501: np.zeros(2)}, "1 to 500 characters"),
        ({"__metadata__": np.zeros(2)}, "and not '__metadata__'"),
        (dict.fromkeys(map(str, range(MAX_ARRAYS + 1)), np.zeros(0)), "too much for one file"),
    ],
)
def test_arrays_that_cannot_be_kept_are_refused_before_writing(tmp_path, arrays, message):
    with pytest.raises(DataError, match=message):
        write_tensors(tmp_path / "model", arrays, {})
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    "document", [{"history": [0] * 1_000_000}, {"text": "x" * MAX_HEADER}], ids=["values", "bytes"]
)
def test_a_document_too_large_to_be_read_is_not_written(tmp_path, document):
    with pytest.raises(DataError, match="keep long lists as arrays"):
        write_tensors(tmp_path / "model", {}, document)
    assert os.listdir(tmp_path) == []


def test_a_long_history_is_no_problem(path):
    document = {"loss": np.random.default_rng(0).random(300_000).tolist()}
    write_tensors(path, {}, document)
    assert read_tensors(path)[1] == document


@pytest.mark.parametrize("name", ["x.NPZ", "x.onnx", "x.pt", "x.pkl"])
def test_a_name_of_another_kind_of_file_is_refused(tmp_path, name):
    with pytest.raises(FileError, match="safetensors is written; call it"):
        write_tensors(tmp_path / name, {"W": np.zeros(3)}, {})
    assert not (tmp_path / name).exists()


@pytest.mark.parametrize(
    "name", ["x.safetensors", "x", "x.model", "v1.2", "x.keras", "a.weights.h5"]
)
def test_other_names_are_the_user_s(tmp_path, name):
    write_tensors(tmp_path / name, {"W": np.zeros(3)}, {})
    assert list(read_tensors(tmp_path / name)[0]) == ["W"]
