import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from chainrule._src.blackboard.frames import DTYPES, decode, encode

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text()
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inside: st.lists(inside) | st.dictionaries(st.text(), inside),
)  # fmt: skip
ARRAYS = st.dictionaries(
    st.text(max_size=9),
    st.sampled_from(DTYPES).flatmap(lambda d: hnp.arrays(d, hnp.array_shapes(min_dims=0))),
    max_size=4,
)
HEADERS = st.dictionaries(st.text().filter(lambda n: n not in ("type", "arrays")), PLAIN)


@given(HEADERS, ARRAYS)
def test_a_message_comes_back(header, arrays):
    found, read = decode(encode("kind", header, arrays))
    assert found == {"type": "kind", **header}
    assert read.keys() == arrays.keys()
    for name, array in arrays.items():
        assert read[name].dtype == array.dtype
        np.testing.assert_array_equal(read[name], array)


def test_numbers_that_are_not_finite_are_null():
    header, _ = decode(encode("kind", {"loss": np.nan, "all": [np.inf, (1.0, np.float32(2))]}))
    assert header == {"type": "kind", "loss": None, "all": [None, [1.0, 2.0]]}


@pytest.mark.parametrize("name", ["b", "be", "été", "雪"])
def test_arrays_begin_where_typed_arrays_may(name):
    message = encode("k", {"n": name}, {"a": np.zeros(3, "u1"), "b": np.zeros(2)})
    start = message.index(b"}}}") + 3
    start += -start % 8
    assert decode(message)[1]["b"].ctypes.data % 1 == 0
    assert (len(message) - start) % 8 == 0
    assert len(message) == start + 8 + 16
