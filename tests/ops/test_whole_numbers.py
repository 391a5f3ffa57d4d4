"""Reductions of booleans and whole numbers: the value and the dtype are NumPy's on every road."""

import numpy as np
import pytest

import chainrule as cr
from chainrule._src.core import trees
from chainrule._src.core.tensor import Level, Tensor
from chainrule._src.text.text import function_text

DTYPES = ["bool", *(f"{sign}{bits}" for sign in ("int", "uint") for bits in (8, 16, 32, 64))]
COMPILED = [
    "sum", "mean", "prod", "max", "min", "var", "std", "any", "all", "argmax", "argmin", "ptp",
    "average", "count_nonzero", "nansum", "nanmean", "nanprod", "nanvar", "nanstd", "nanmax",
    "nanmin",
]  # fmt: skip
IN_NUMPY = ["median"]
# With keepdims: every axis, either way, and what they make of all axes; `test_axes` has the others.
AXES = [(None, False), (0, True), (-1, False), ((0, 1), True)]
OTHERS = {
    "cumsum": lambda x: (np.cumsum(x), np.cumsum(x, axis=0)),
    "cumprod": lambda x: (np.cumprod(x), np.cumprod(x, axis=-1)),
    "trace": lambda x: (np.trace(x), x.trace()),
    "products": lambda x: (x @ x.T, x @ x[0], np.dot(x, x.T), np.inner(x, x), np.vdot(x, x)),
    "vecdot": lambda x: (np.vecdot(x, x), np.tensordot(x, x, 2)),
    "einsum": lambda x: (np.einsum("ij->i", x), np.einsum("ij,kj->ik", x, x)),
    "weighted": lambda x: np.average(x, axis=1, weights=np.arange(1.0, x.shape[1] + 1)),
    "chosen": lambda x: (np.mean(x, where=x > 0), np.var(x, axis=0, where=x >= 0)),
    "freedom": lambda x: (np.var(x, axis=0, ddof=1), np.std(x, ddof=2)),
    "methods": lambda x: (x.sum(0), x.mean(), x.var(1), x.std(-1), x.prod()),
    "centred": lambda x: x - x.mean(axis=0),
}


def entries(dtype):
    """Return entries of the dtype's whole range: few of them add up to more than it holds."""
    rng = np.random.default_rng(0)
    if dtype == "bool":
        return rng.integers(0, 2, (4, 5)).astype(bool)
    info = np.iinfo(dtype)
    return rng.integers(info.min, info.max, (4, 5), dtype, endpoint=True)


def reductions(names):
    """Return a function that gives each reduction along each axis, by its name."""

    def f(x):
        results = {}
        for name in names:
            if name == "ptp" and x.dtype == bool:
                continue  # NumPy subtracts no booleans
            for axis, keepdims in AXES:
                if not (isinstance(axis, tuple) and name.startswith("arg")):
                    call = getattr(np, name)
                    results[f"{name} {axis}"] = call(x, axis=axis, keepdims=keepdims)
        return results

    return f


def others(x):
    return {name: f(x) for name, f in OTHERS.items()}


def assert_numpys(road, f, x):
    with np.errstate(all="ignore"):
        expected = dict(trees.leaves(f(x)))
    results = dict(trees.leaves(road(x)))
    assert results.keys() == expected.keys()
    for name, value in expected.items():
        got, value = np.asarray(results[name]), np.asarray(value)
        assert (got.dtype, got.shape) == (value.dtype, value.shape), name
        if value.dtype.kind == "f":
            size = np.abs(np.nan_to_num(value)).max()
            np.testing.assert_allclose(got, value, rtol=1e-12, atol=1e-12 * size, err_msg=str(name))
        else:
            np.testing.assert_array_equal(got, value, err_msg=str(name))


def eager(f, x):
    level = Level(records_all=True)
    return trees.map_leaves(lambda leaf: leaf.value, f(Tensor.made(x, level)))


def of_text(program):
    space = {"np": np}
    exec(function_text(program, "f", ""), space)
    return space["f"]


@pytest.mark.sampled(quick=1)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("f", [reductions(COMPILED), others], ids=["reductions", "others"])
def test_on_every_road(f, dtype):
    x = entries(dtype)
    with np.errstate(all="ignore"):
        program = cr.trace(f)(x)
        for road in (lambda x: eager(f, x), program, of_text(program), cr.jit(f)):
            assert_numpys(road, f, x)


@pytest.mark.parametrize("dtype", DTYPES)
def test_in_numpy(dtype):
    f, x = reductions(IN_NUMPY), entries(dtype)
    program = cr.trace(f)(x)
    for road in (lambda x: eager(f, x), program, of_text(program)):
        assert_numpys(road, f, x)


def test_a_mean_of_nanoseconds():
    times = np.datetime64("2024-01-01", "ns").astype(np.int64) + np.arange(10)
    assert cr.jit(np.mean)(times) == np.mean(times) > 0
