"""Variables: arrays to NumPy, set as Keras's."""

import copy
import pickle

import numpy as np
import pytest

import chainrule as cr
from chainrule._src.base.handles import holding
from chainrule._src.base.variables import Variable
from chainrule.errors import DataError, ShapeError, TraceError


def test_a_variable_is_an_array_to_numpy():
    v = Variable([[1.0, 2.0], [3.0, 4.0]], name="v")
    assert (v.shape, v.dtype, v.ndim, len(v)) == ((2, 2), np.float32, 2, 2)
    np.testing.assert_array_equal(np.concatenate([v, v])[2:], v)
    np.testing.assert_array_equal(1 - v @ v, 1 - np.array(v) @ v.numpy())
    np.testing.assert_array_equal(v[0], [1, 2])
    assert np.sum(v) == v.sum() == 10


def test_what_is_assigned_keeps_dtype_and_is_a_copy():
    given, v = np.zeros(3), Variable(np.ones(3), dtype="int32")
    v.assign(given)
    given[0] = 5
    v.assign_add([1, 2, 3]).assign_sub(1)
    v += 1
    assert isinstance(v, Variable)
    assert v.dtype == np.int32
    np.testing.assert_array_equal(v, [1, 2, 3])


@pytest.mark.parametrize("twin", [copy.deepcopy, lambda v: pickle.loads(pickle.dumps(v))])
def test_a_copy_is_a_variable_of_its_own(twin):
    v = Variable(1.5, name="v")
    other = twin(v)
    other.assign(0)
    assert (float(v), float(other), other.name) == (1.5, 0.0, "v")


@pytest.mark.parametrize(("value", "error"), [(np.ones(2), ShapeError), ("a", DataError)])
def test_what_does_not_fit_is_refused(value, error):
    v = Variable(0.0)
    with pytest.raises(error):
        v.assign(value)
    assert float(v) == 0


def test_it_takes_part_in_what_is_differentiated():
    v = Variable([2.0, 3.0], dtype="float64")
    gradient = cr.grad(lambda w: np.sum(w * v + np.where(v > 2, w, v) ** 2))(np.ones(2))
    np.testing.assert_array_equal(gradient, [2, 5])


def test_no_tensor_stays_in_a_variable():
    v = Variable(0.0)
    with pytest.raises(TraceError, match="runs once"):
        cr.grad(lambda w: np.sum(v.assign(np.sum(w)) * w))(np.ones(2))
    with holding({v: np.float32(3)}):
        assert float(v.assign_add(1)) == 4
    assert float(v) == 0
