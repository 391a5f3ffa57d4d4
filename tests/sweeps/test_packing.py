import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from chainrule._src.sweeps.packing import read_checkpoints, write_checkpoints
from chainrule.errors import ChainruleError, FileError

DTYPES = st.sampled_from(["f4", "f8", "i8", "?"])
LEAVES = (
    hnp.arrays(DTYPES, hnp.array_shapes(min_dims=0, max_side=3))
    | st.integers()
    | st.floats(allow_nan=False)
    | st.booleans()
    | st.none()
    | st.text("abc")
)
NAMES = st.text("abcdefgh_0", min_size=1, max_size=3)
TREES = st.recursive(
    LEAVES, lambda t: st.dictionaries(NAMES, t, max_size=3) | st.lists(t, max_size=2), max_leaves=8
)
CHECKPOINTS = st.dictionaries(
    st.integers(0, 99), st.lists(st.dictionaries(NAMES, TREES, max_size=3), max_size=2), max_size=4
)


def read(path):
    return {number: make() for number, make in read_checkpoints(path).items()}


def same(one, other):
    assert type(one) is type(other)
    if isinstance(one, dict):
        assert list(one) == list(other)
        return all(same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        assert len(one) == len(other)
        return all(map(same, one, other))
    if isinstance(one, np.ndarray):
        assert (one.dtype, one.shape) == (other.dtype, other.shape)
        return one.tobytes() == other.tobytes()
    return repr(one) == repr(other)


@given(CHECKPOINTS)
def test_checkpoints_come_back_as_they_were(tmp_path_factory, checkpoints):
    path = tmp_path_factory.mktemp("packed") / "a.safetensors"
    write_checkpoints(path, checkpoints)
    found = read(path)
    assert sorted(found) == sorted(checkpoints)
    assert all(same(found[number], checkpoints[number]) for number in found)


def test_equal_ones_lie_side_by_side(tmp_path):
    rng = np.random.default_rng(0)

    def one(width):
        return [{"W": rng.random((width, 2), "f4"), "rng": rng.bit_generator.state, "epochs": 3}]

    checkpoints = {n: one(2 + n % 2) for n in range(100)}
    write_checkpoints(tmp_path / "a.safetensors", checkpoints)
    found = read(tmp_path / "a.safetensors")
    assert found[7][0]["W"].base is found[9][0]["W"].base
    assert all(same(found[number], checkpoints[number]) for number in checkpoints)
    assert (tmp_path / "a.safetensors").stat().st_size < 100 * 300


def test_damage_is_a_file_error(tmp_path):
    path = tmp_path / "a.safetensors"
    write_checkpoints(path, {1: [{"W": np.eye(3), "b": 1}], 2: [{"a": 1}]})
    content = path.read_bytes()
    with pytest.raises(FileError):
        read_checkpoints(tmp_path / "b")
    for at in range(0, len(content), 7):
        path.write_bytes(content[:at] + bytes([content[at] ^ 4]) + content[at + 1 :])
        try:
            found = read(path)
            np.testing.assert_array_equal(found[1][0]["W"], np.eye(3))
        except (ChainruleError, LookupError):
            pass


def test_no_bit_of_an_array_is_lost_unseen(tmp_path):
    path, values = tmp_path / "a.safetensors", np.random.default_rng(0).random(50)
    write_checkpoints(path, {1: [{"W": values}]})
    content = path.read_bytes()
    begin = content.index(values.tobytes())
    for at in range(begin, begin + values.nbytes, 37):
        path.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        with pytest.raises(FileError, match="checksum"):
            read_checkpoints(path)
