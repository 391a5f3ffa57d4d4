"""Slices of the batch axis in machine code, for numbers of rows at which their bounds change."""

import itertools

import numpy as np
import pytest

import chainrule as cr

STARTS, STOPS, STEPS = (None, -7, -3, 1, 6), (None, -3, 1, 4), (None, 4, -1, -2)
SLICES = [slice(*ends) for ends in itertools.product(STARTS, STOPS, STEPS)]
ROWS = (6, 1, 2, 5, 13)
PARTS = 4


def values(X, slices):
    return [X[part] ** 2 for part in slices]


def from_the_length(X):
    """Slices whose bounds are computed from the number of rows."""
    n = len(X)
    bounds = (n - 5, n - 1, n - 2)
    return [X[start:stop:step] for start in bounds for stop in (None, n) for step in (1, 4, -3)]


def assert_equal_for_all_rows(f):
    """The compiled function returns what NumPy returns, whatever number of rows came before."""
    compiled = cr.jit(f)
    for n in ROWS:
        X = np.arange(1.0, n + 1)
        for i, (result, correct) in enumerate(zip(compiled(X), f(X), strict=True)):
            np.testing.assert_array_equal(result, correct, f"number {i}, {n} rows", strict=True)


@pytest.mark.sampled(quick=1)
@pytest.mark.parametrize("part", range(PARTS))
def test_entries_are_numpys_for_every_number_of_rows(part):
    assert_equal_for_all_rows(lambda X: values(X, SLICES[part::PARTS]))


@pytest.mark.sampled(quick=1)
@pytest.mark.parametrize("part", range(PARTS))
def test_gradients_reach_the_entries_that_numpy_takes(part):
    def loss(X):
        return sum((i + 1) * np.sum(y) for i, y in enumerate(values(X, SLICES[part::PARTS])))

    assert_equal_for_all_rows(cr.grad(loss))


def test_bounds_may_follow_the_number_of_rows():
    assert_equal_for_all_rows(from_the_length)
