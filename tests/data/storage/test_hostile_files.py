"""No bytes do harm: thousands of spoiled files are read or refused, in little memory and time."""

import copy
import json
import time
import tracemalloc

import numpy as np
import pytest
from tests.data.storage.making import METADATA, file_of

from chainrule._src.data.storage import document, tensors
from chainrule.errors import FileError
from chainrule.storage import read_tensors, write_tensors

N_FILES = 2000
MAX_HEADER, MAX_VALUES = tensors.MAX_HEADER // 32, document.MAX_VALUES // 32  # so that it is quick
MEMORY = 2**18  # bytes; a file here has about a thousand
SECONDS = 60
NASTY = [
    None, True, "", "F64", "\ud800", "\0", -1, 0, 1, 2, 7, 8, 2**31, 2**63, 2**64, 10**300, -0.5,
    1e300, [], [0, 0], [2**40, 2**40], [0, 2**62], [-1, 8], [1] * 70, {}, {"$float": "nan"}, "2",
    '{"a": NaN}', "[" * 5000, '{"a":' * 5000, json.loads("[" * 150 + "]" * 150),
]  # fmt: skip


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Return the bytes of a file with a bit of everything."""
    path = tmp_path_factory.mktemp("whole") / "model"
    arrays = {
        "W": np.arange(12, dtype=np.float32).reshape(3, 4),
        "b": np.linspace(0, 1, 5),
        "mask": np.array([True, False]),
        "step": np.array(7),
        "empty": np.zeros((0, 3), np.uint8),
    }
    write_tensors(path, arrays, {"layers": [{"units": 3}], "loss": [0.5, float("nan")], "ü": "∂"})
    return path.read_bytes()


def flip(content, rng):
    """Flip a few bits."""
    spoiled = bytearray(content)
    for place in rng.integers(len(spoiled), size=rng.integers(1, 9)):
        spoiled[place] ^= 1 << int(rng.integers(8))
    return bytes(spoiled)


def cut(content, rng):
    return content[: rng.integers(len(content))]


def splice(content, rng):
    """Put a piece of the file over another place, or into it."""
    begin, length, to = rng.integers(len(content), size=3)
    piece = content[begin : begin + length % 100]
    return content[:to] + piece + content[to + rng.integers(2) * len(piece) :]


def edit(content, rng):
    """Change the header so that it stays JSON: a value replaced, removed or doubled somewhere."""
    length = int.from_bytes(content[:8], "little")
    table = json.loads(content[8 : 8 + length])
    for _ in range(rng.integers(1, 3)):
        places = [(c, key) for c in containers(table) for key in keys(c)]
        container, key = places[rng.integers(len(places))]
        action = rng.integers(4)
        if action == 0:
            del container[key]
        elif action == 1 and isinstance(container, list):
            container.append(container[key])
        else:
            container[key] = copy.deepcopy(NASTY[rng.integers(len(NASTY))])
        if not table:
            break
    return file_of(json.dumps(table).encode(), content[8 + length :])


def edit_document(content, rng):
    """Change the document in the same way."""
    length = int.from_bytes(content[:8], "little")
    table = json.loads(content[8 : 8 + length])
    metadata = table["__metadata__"]
    spoiled = edit(file_of(metadata["document"].encode()), rng)
    metadata["document"] = spoiled[8:].decode()
    return file_of(table, content[8 + length :])


def containers(value):
    """Yield every dict and list in a value."""
    if isinstance(value, dict | list):
        yield value
        for each in list(value.values()) if isinstance(value, dict) else value:
            yield from containers(each)


def keys(container):
    return list(container) if isinstance(container, dict) else range(len(container))


def bounded_read(path):
    """Read a file or see it refused; return the refusal, if any, and the memory it took."""
    tracemalloc.start()
    refusal = ""
    try:
        arrays, document = read_tensors(path)
        assert isinstance(document, dict)
        assert sum(array.nbytes for array in arrays.values()) < path.stat().st_size
    except FileError as error:
        refusal = str(error)
    finally:
        memory = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    return refusal, memory


@pytest.mark.sampled(quick=2)
@pytest.mark.parametrize("spoil", [flip, cut, splice, edit, edit_document])
def test_a_spoiled_file_is_read_or_refused(whole, tmp_path, spoil):
    rng = np.random.default_rng(0)
    start = time.process_time()
    path, n_refused = tmp_path / "model", 0
    for _ in range(N_FILES // 5):
        path.write_bytes(spoil(whole, rng))
        refusal, memory = bounded_read(path)
        n_refused += bool(refusal)
        assert "\n" not in refusal
        assert len(refusal) < 600
        assert memory < MEMORY
    assert n_refused > N_FILES // 50
    assert time.process_time() - start < SECONDS


def listed(item, limit):
    """Return a list as long as one of ``limit`` bytes may be, within the limit of values."""
    separators = 1 + item.count(b"{")
    items = [item] * min(limit // (len(item) + 5), (MAX_VALUES - 20) // separators)
    return b"[" + b",".join(items) + b"]"


BOMBS = {
    "brackets": lambda limit: b"[" * (MAX_VALUES - 20),
    "objects": lambda limit: listed(b'{"a":0}', limit),
    "empty objects": lambda limit: listed(b"{}", limit),
    "numbers": lambda limit: listed(b"0.1234567890123456", limit),
    "not a number": lambda limit: listed(b'{"$float":"nan"}', limit),
    "quotes": lambda limit: b'"' + b'\\"' * (limit // 2) + b'"',
    "a string without an end": lambda limit: b'"' + b'\\"' * (limit // 2),
    "wide": lambda limit: b'"' + "\U0001f600".encode() * (limit // 4) + b'"',
    "digits": lambda limit: b"1" * limit,
    "a long float": lambda limit: b"0." + b"1" * limit,
}


@pytest.mark.sampled(quick=3)
@pytest.mark.parametrize("bomb", BOMBS)
def test_the_largest_headers_take_bounded_memory_and_time(tmp_path, monkeypatch, bomb):
    monkeypatch.setattr(tensors, "MAX_HEADER", MAX_HEADER)
    monkeypatch.setattr(document, "MAX_VALUES", MAX_VALUES)
    path = tmp_path / "model"
    header = b'{"a":' + BOMBS[bomb](MAX_HEADER - 20) + b"}"
    inner = '{"a":' + BOMBS[bomb](MAX_HEADER // 2 - 200).decode() + "}"
    for table in (header, {"__metadata__": METADATA | {"document": inner}}):
        path.write_bytes(file_of(table))
        start = time.process_time()
        _, memory = bounded_read(path)
        assert memory < 7 * MAX_HEADER
        assert time.process_time() - start < SECONDS
