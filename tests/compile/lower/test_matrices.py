"""Sorting, linear equations and Cholesky factors, compiled: NumPy's values and gradients."""

import numpy as np
import pytest
from tests.cases import case
from tests.uber import assert_three_ways

import chainrule as cr

RNG = np.random.default_rng(5)
SHAPES = [(1,), (2,), (7,), (16,), (33,), (4, 6), (6, 4), (2, 3, 5), (100, 3), (3, 100), (0, 3)]


def numbers(shape, dtype):
    return RNG.integers(-9, 9, shape).astype(dtype)


@pytest.mark.sampled(quick=5)
@pytest.mark.parametrize("dtype", ["float64", "float32", "int64", "int32", "uint8", "bool"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_argsort_is_stable_and_sort_is_numpys(shape, dtype):
    x = numbers(shape, "int64").astype(dtype)
    for axis in range(-1, len(shape) - 1):
        order = cr.jit(lambda x, axis=axis: np.argsort(x, axis=axis))(x)
        np.testing.assert_array_equal(order, np.argsort(x, axis=axis, kind="stable"))
        ordered = cr.jit(lambda x, axis=axis: np.sort(x, axis=axis))(x)
        np.testing.assert_array_equal(ordered, np.sort(x, axis=axis))


def test_nan_is_last():
    x = np.array([2.0, np.nan, -np.inf, 1.0, np.nan, np.inf, -0.0, 0.0])
    np.testing.assert_array_equal(cr.jit(np.argsort)(x), np.argsort(x, kind="stable"))


def test_a_sort_for_any_number_of_rows():
    order = cr.jit(lambda x: np.argsort(x, axis=0))
    for n in (5, 9, 64, 1000, 2, 3):
        x = RNG.normal(size=(n, 3))
        with case(n):
            np.testing.assert_array_equal(order(x), np.argsort(x, axis=0))


def regular(*shape):
    n = shape[-1]
    return RNG.normal(size=shape) + 0.1 * np.eye(n)


def positive(*shape):
    a = RNG.normal(size=shape)
    return a @ np.swapaxes(a, -1, -2) + 0.1 * np.eye(shape[-1])


FUNCTIONS = {
    "inverse": (np.linalg.inv, regular(5, 5)),
    "inverse of one": (np.linalg.inv, regular(1, 1)),
    "inverses": (np.linalg.inv, regular(3, 4, 4)),
    "inverse of a transpose": (lambda a: np.linalg.inv(a.T), regular(4, 4)),
    "equations": (np.linalg.solve, regular(6, 6), RNG.normal(size=6)),
    "several right-hand sides": (np.linalg.solve, regular(6, 6), RNG.normal(size=(6, 3))),
    "several equations": (np.linalg.solve, regular(3, 4, 4), RNG.normal(size=(3, 4, 2))),
    "one matrix for all": (np.linalg.solve, regular(4, 4), RNG.normal(size=(3, 4, 2))),
    "matrices for one": (np.linalg.solve, regular(3, 4, 4), RNG.normal(size=(4, 2))),
    "matrices for a vector": (np.linalg.solve, regular(3, 4, 4), RNG.normal(size=4)),
    "zero pivots": (np.linalg.solve, np.eye(4)[[1, 2, 3, 0]], RNG.normal(size=4)),
    "factor": (np.linalg.cholesky, positive(5, 5)),
    "factors": (np.linalg.cholesky, positive(3, 4, 4)),
    "larger": (np.linalg.solve, regular(60, 60), RNG.normal(size=(60, 2))),
}


@pytest.mark.sampled(quick=4)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_values_and_gradients(name):
    f, *xs = FUNCTIONS[name]
    compiled = cr.jit(f)(*xs)
    np.testing.assert_allclose(compiled, f(*xs), rtol=1e-9, atol=1e-9)

    def loss(*xs):
        return np.sum(np.sin(f(*xs)))

    argnums = tuple(range(len(xs)))
    gradients = cr.grad(loss, argnums)(*xs)
    for one, other in zip(cr.jit(cr.grad(loss, argnums))(*xs), gradients, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-8 * np.abs(other).max())
    if name != "larger":
        assert_three_ways(lambda xs: loss(*xs), xs)
        half = [x.astype(np.float32) for x in xs]
        assert cr.jit(f)(*half).dtype == np.float32
        np.testing.assert_allclose(cr.jit(f)(*half), f(*half), rtol=2e-3, atol=2e-3)


@pytest.mark.parametrize("f", [np.linalg.inv, np.linalg.cholesky])
def test_a_matrix_without_a_result_raises_numpys_error(f):
    for a in (np.zeros((3, 3)), -np.ones((2, 2))):
        with pytest.raises(np.linalg.LinAlgError) as expected:
            f(a)
        with pytest.raises(np.linalg.LinAlgError) as raised:
            cr.jit(f)(a)
        assert str(raised.value) == str(expected.value)
