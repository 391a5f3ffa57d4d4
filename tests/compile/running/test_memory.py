"""The memory of a kernel: a leaf is read and written whatever the order of its axes in memory."""

import numpy as np
import pytest

from chainrule._src.compile.running.form import ArraySpec
from chainrule._src.compile.running.memory import ALIGNED, Carry

FLOAT = np.dtype(np.float32)
W = np.arange(24, dtype=FLOAT).reshape(2, 3, 4)
PARAMS = {"W": W, "layers": [np.ones(3, FLOAT), None], "unused": np.full(2, 7, FLOAT)}


def spec(name, path, order, sizes):
    return ArraySpec(name, "state", path, FLOAT, order, sizes, False)


def carry_of(order):
    laid = tuple(W.shape[axis] for axis in order)
    return Carry(
        [
            spec("W", ("carry", "params", "W"), order, laid),
            spec("b", ("carry", "params", "layers", 0), (0,), (3,)),
            spec("step", ("carry", "step"), (), ()),
        ],
        1,
    )


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0), (2, 1, 0)])
def test_what_is_written_is_read_and_lies_in_the_order_of_the_kernel(order):
    carry = carry_of(order)
    carry.write("params", PARAMS)
    carry.write("step", np.float32(5))
    np.testing.assert_array_equal(carry.arrays["W"], W.transpose(order))
    read = carry.read("params", PARAMS)
    np.testing.assert_array_equal(read["W"], W)
    assert read["W"].flags.owndata
    np.testing.assert_array_equal(read["layers"][0], np.ones(3))
    assert read["layers"][1] is None
    assert carry.read("step", 0) == 5


def test_a_leaf_that_the_kernel_does_not_use_is_the_given_one():
    assert carry_of((0, 1, 2)).read("params", PARAMS)["unused"] is PARAMS["unused"]


def test_a_copy_restores_all_at_once():
    carry = carry_of((2, 0, 1))
    carry.write("params", PARAMS)
    block = carry.copy()
    carry.write("params", {"W": 0 * W})
    assert carry.copy(into=np.empty_like(block)).tobytes() != block.tobytes()
    carry.restore(block)
    np.testing.assert_array_equal(carry.read("params", PARAMS)["W"], W)
    assert carry.size == block.nbytes
    assert all(array.ctypes.data % ALIGNED == 0 for array in carry.arrays.values())
