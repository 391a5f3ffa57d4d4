"""What is no file of ours gets one clear sentence."""

import gzip
import io
import os
import pickle

import numpy as np
import pytest
import safetensors.numpy
from tests.data.storage.making import METADATA, file_of

from chainrule.errors import FileError
from chainrule.storage import describe, read_tensors, write_tensors


def zipped_arrays():
    content = io.BytesIO()
    np.savez(content, W=np.zeros(3))
    return content.getvalue()


def array_bytes():
    content = io.BytesIO()
    np.save(content, np.zeros(3))
    return content.getvalue()


def drawn():
    from matplotlib import pyplot as plt

    content = io.BytesIO()
    figure = plt.figure()
    figure.savefig(content)
    plt.close(figure)
    return content.getvalue()


def refusal(path):
    """Return the one line in which a file is refused, the same for reading and describing."""
    with pytest.raises(FileError) as error:
        read_tensors(path)
    with pytest.raises(FileError) as described:
        describe(path)
    assert str(error.value) == str(described.value)
    assert str(error.value).startswith(f"cannot read {path}: ")
    assert "\n" not in str(error.value)
    return str(error.value)


FOREIGN = {
    "an empty file": bytes,
    "a pickle": lambda: pickle.dumps({"W": 1}),
    "a NumPy archive": zipped_arrays,
    "a NumPy array": array_bytes,
    "an image": drawn,
    "a zip archive": lambda: b"PK\x03\x04" + bytes(40),
    "a compressed file": lambda: gzip.compress(b"W"),
    "a PDF": lambda: b"%PDF-1.7 and more",
    "a pointer of Git LFS": lambda: b"version https://git-lfs.github.com/spec/v1\noid sha256:0",
    "a web page": lambda: b"\n<!DOCTYPE html><html></html>",
    "a text": lambda: "PKs, BMs and gr\u00fc\u00dfe\n".encode(),
    "of an unknown kind": lambda: bytes(range(1, 200)),
}


@pytest.mark.parametrize("what", FOREIGN)
def test_a_foreign_file_is_named(tmp_path, what):
    (tmp_path / "file").write_bytes(FOREIGN[what]())
    assert f"expected a file of chainrule, but it seems to be {what}" in refusal(tmp_path / "file")


def test_a_safetensors_file_of_another_program_is_named(tmp_path):
    safetensors.numpy.save_file({"W": np.zeros(3)}, tmp_path / "W", metadata={"format": "pt"})
    assert "a safetensors file of another program" in refusal(tmp_path / "W")


@pytest.mark.parametrize(
    ("change", "message"),
    [({"format": "pt"}, "of another program"), ({"version": "2"}, "update chainrule")],
)
def test_arrays_unlike_ours_hide_nothing(tmp_path, change, message):
    table = {"__metadata__": METADATA | change, "W": entry("BF16", [4])}
    (tmp_path / "file").write_bytes(file_of(table, bytes(8)))
    assert message in refusal(tmp_path / "file")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": "2"}, "written by a later chainrule (format 2, this one reads up to 1)"),
        ({"version": "0"}, "an impossible version, '0'"),
        ({"version": "1\n"}, r"an impossible version, '1\n'"),
        ({"document": "{"}, "its JSON is broken"),
        ({"document": "[]"}, "its document is no JSON object"),
        ({"document": 1}, "its metadata are not strings"),
    ],
)
def test_metadata_that_cannot_be_used_are_said(tmp_path, change, message):
    (tmp_path / "file").write_bytes(file_of({"__metadata__": METADATA | change}))
    assert message in refusal(tmp_path / "file")


def test_metadata_must_be_complete(tmp_path):
    (tmp_path / "file").write_bytes(file_of({"__metadata__": {"format": "chainrule"}}))
    assert "must name version, kind and document" in refusal(tmp_path / "file")


def entry(dtype="F32", shape=(2,), places=(0, 8)):
    return {"dtype": dtype, "shape": shape, "data_offsets": places}


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"W": entry("BF16", (4,))}, "dtype 'BF16', not a NumPy one"),
        ({"W": entry(["F32"])}, "dtype ['F32'], not a NumPy one"),
        ({"W": entry(shape=2)}, "an impossible shape, 2"),
        ({"W": entry(shape=[-2])}, "an impossible shape, [-2]"),
        ({"W": entry(shape=[2.0])}, "an impossible shape, [2.0]"),
        ({"W": entry(shape=[True, 2])}, "an impossible shape, [True, 2]"),
        ({"W": entry(shape=[2] + [1] * 64)}, "an impossible shape"),
        ({"W": entry(shape=[2**62] * 4)}, "an impossible shape"),
        ({"W": entry(shape=[0, 2**62], places=[0, 0])}, "an impossible shape"),
        ({"W": entry(shape=[10**4000])}, "an impossible shape"),
        ({"W": entry(shape=[3])}, "does not fill its bytes, [0, 8]"),
        ({"W": entry(places=[0, 8, 8])}, "impossible data_offsets"),
        ({"W": entry(places=[-8, 0])}, "impossible data_offsets"),
        ({"W": entry(places=[8, 0])}, "does not fill its bytes"),
        ({"W": entry(places=[4, 12])}, "overlap or leave gaps"),
        ({"W": entry(), "V": entry()}, "overlap or leave gaps"),
        ({"W": entry(), "V": entry(places=[16, 24])}, "overlap or leave gaps"),
        ({"W": entry(shape=[4], places=[0, 16])}, "cut off: the last 8 bytes are missing"),
        ({"W": entry(shape=[2**60], places=[0, 2**62])}, "cut off"),
        ({"W": entry(shape=[1], places=[0, 4])}, "4 bytes follow its last array"),
        ({"W": entry("BOOL", [8])}, "neither true nor false"),
        ({"W": entry() | {"more": 1}}, "nothing else"),
        ({"W": [1]}, "nothing else"),
        ({"": entry()}, "1 to 500 characters"),
        ({"a\x00": entry()}, "control characters"),
        ({str(i): entry(shape=[0], places=[0, 0]) for i in range(50_001)}, "holds 50,001 arrays"),
    ],
)
def test_a_header_that_is_not_true_is_refused(tmp_path, arrays, message):
    content = file_of({"__metadata__": METADATA} | arrays, bytes(range(8)))
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(FileError) as error:
        read_tensors(tmp_path / "file")
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (b'{"a":1,"a":2}', "a key twice"),
        (b'{"a":', "its JSON is broken"),
        (b'{"\xff":1}', "its header is no UTF-8"),
        (b'{"__metadata__":[]}', "its metadata are not strings"),
        (b"{}", "another program"),
        (b"{" + b" " * (1 << 25) + b"}", "its header has 33,554,434 bytes"),
    ],
)
def test_a_header_that_is_none_is_refused(tmp_path, header, message):
    (tmp_path / "file").write_bytes(file_of(header))
    assert message in refusal(tmp_path / "file")


def test_a_file_cut_off_anywhere_is_refused(tmp_path):
    path = tmp_path / "model"
    write_tensors(path, {"W": np.ones(3)}, {"a": 1})
    content = path.read_bytes()
    for length in range(9, len(content)):
        path.write_bytes(content[:length])
        assert "it is cut off" in refusal(path)


def test_a_file_that_shrinks_while_it_is_read_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "model"
    write_tensors(path, {"W": np.ones(100_000)}, {})
    allocate = np.empty

    def shrink(*args):
        os.truncate(path, 1000)
        return allocate(*args)

    monkeypatch.setattr(np, "empty", shrink)
    with pytest.raises(FileError, match="became shorter while it was read"):
        read_tensors(path)


def test_arrays_that_do_not_fit_into_memory_are_said(tmp_path):
    path, size = tmp_path / "model", 2**43
    header = file_of({"__metadata__": METADATA, "W": entry("U8", [size], [0, size])})
    path.write_bytes(header)
    os.truncate(path, len(header) + size)  # a hole: takes no room on the disk
    assert describe(path).shapes == {"W": (size,)}
    with pytest.raises(FileError, match="does not fit into memory"):
        read_tensors(path)


@pytest.mark.parametrize("path", ["nowhere", "", "a\0b", "x" * 300, None])
def test_impossible_names(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileError, match="cannot read"):
        read_tensors(path)


def test_a_folder_and_a_pipe_are_said(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert "it is a folder" in refusal(tmp_path)
    assert "a device or a pipe" in refusal(tmp_path / "pipe")
