"""What weights are brought back to."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule as cr
from chainrule import constraints
from chainrule._src.base.config import made, plain
from chainrule.errors import DataError, UnknownNameError

CASES = [
    ("NonNeg", {}),
    ("UnitNorm", {}),
    ("UnitNorm", {"axis": 1}),
    ("MaxNorm", {}),
    ("MaxNorm", {"max_value": 0.5, "axis": [0, 1]}),
    ("MinMaxNorm", {}),
    ("MinMaxNorm", {"min_value": 0.3, "max_value": 0.6, "rate": 0.5}),
]


def norms(w):
    return np.sqrt(np.sum(w**2, axis=0))


@given(st.integers(0, 99))
def test_norms_are_within_their_bounds(seed):
    w = np.random.default_rng(seed).normal(size=(4, 3))
    assert np.all(norms(constraints.MaxNorm(0.5)(w)) <= 0.5)
    bounded = norms(constraints.MinMaxNorm(0.9, 1.1)(w))
    assert np.all((bounded >= 0.9 - 1e-6) & (bounded <= 1.1))
    np.testing.assert_allclose(norms(constraints.UnitNorm()(w)), 1, rtol=1e-5)


@pytest.mark.parametrize(("name", "options"), CASES, ids=str)
def test_the_dtype_and_vectors_of_zeros_stay(name, options):
    constraint = getattr(constraints, name)(**options)
    w = constraint(np.zeros((2, 3), np.float32))
    assert w.dtype == np.float32
    np.testing.assert_array_equal(w, 0)


@pytest.mark.parametrize(("name", "options"), CASES, ids=str)
def test_a_constraint_is_recorded(name, options):
    constraint = getattr(constraints, name)(**options)
    w = np.random.default_rng(0).normal(size=(4, 3))
    np.testing.assert_allclose(cr.jit(constraint)(w), constraint(w), rtol=1e-12)


@pytest.mark.parametrize(("name", "options"), CASES, ids=str)
def test_a_description_makes_the_same_again(name, options):
    constraint = getattr(constraints, name)(**options)
    again = [made(plain(constraint)), constraints.get(plain(constraint))]
    assert {repr(one) for one in again} == {repr(constraint)}


def test_what_get_takes():
    assert constraints.get("max_norm").max_value == constraints.get("MaxNorm").max_value == 2
    assert constraints.get({"class_name": "max_norm", "config": {"max_value": 3}}).max_value == 3
    assert type(constraints.get(constraints.NonNeg)) is constraints.NonNeg
    assert constraints.get(np.abs) is np.abs
    assert constraints.get(None) is None


def test_what_is_refused():
    with pytest.raises(UnknownNameError, match="did you mean 'max_norm'"):
        constraints.get("maxnorn", "test")
    with pytest.raises(DataError, match="test: a constraint must be a name"):
        constraints.get(3, "test")
    with pytest.raises(DataError, match="MinMaxNorm: max_value must be a finite number of at leas"):
        constraints.MinMaxNorm(2.0, 1.0)
    with pytest.raises(DataError, match="UnitNorm: axis must be a whole number, received 'a'"):
        constraints.UnitNorm("a")
    assert constraints.UnitNorm(np.int64(1)).get_config() == {"axis": 1}
