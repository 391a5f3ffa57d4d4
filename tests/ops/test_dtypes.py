"""Booleans, whole numbers and Python's numbers mixed in: the value and the dtype are NumPy's."""

import itertools

import numpy as np
import pytest
from tests.cases import case
from tests.uber import run_text

import chainrule as cr
from chainrule._src.core.tensor import Level, Tensor
from chainrule.errors import TraceError

DTYPES = ["bool", "int8", "uint8", "int64", "float16", "float32", "float64"]
ONE = [
    "np.sum(x, axis=0)", "np.sum(x, initial=2.5)", "np.prod(x, initial=2)", "np.max(x, initial=2)",
    "np.max(x, axis=0, initial=0.5)", "np.max(x, where=x > 0, initial=0.5)", "np.min(x, initial=2)",
    "np.mean(x, where=x > 0)", "np.var(x, where=x > 0)", "np.nanmean(x)", "np.nanmax(x, axis=0)",
    "np.nanmin(x)", "np.cumsum(x, axis=1)", "np.cumprod(x, axis=1)", "np.median(x, axis=0)",
    "np.quantile(x, 1)", "np.quantile(x, [0.0, 1.0], method='lower')", "np.percentile(x + 0, [30])",
    "np.average(x, axis=1, weights=[1, 2, 3])", "np.clip(x, -1, 2)", "np.clip(x, 0, 300)",
    "np.clip(x, 0.5, 2)", "np.clip(x, np.float64(0.5), 2)", "x**2", "x * True - 0.5",
    "np.where(x > 0, 1, x)", "np.select([x > 0, x > 1], [x, x], 0.5)", "np.logaddexp2(x, 1)",
    "np.select([x > 0], [1], x)",
    "np.angle(x)", "np.isclose(x, 255, atol=2)", "np.allclose(x, x)", "np.round(x)",
    "np.round(x + 12, -1)", "(x * 1.26).round(1)",
    "np.polyval([1, 2], x)", "np.polyval(x[0], 2)",
    "np.trapezoid(x, x[0])", "np.linspace(x, 3, 4)", "np.linspace(2, x, 3)", "np.diff(x, n=2)",
    "np.gradient(x + 0, axis=1)", "np.gradient(x[0] + 0, edge_order=2)", "np.dot(x, 2)",
    "np.inner(0.5, x)", "np.vecdot(x, x)", "np.linalg.norm(x)", "np.linalg.norm(x, 1)",
    "np.linalg.norm(x, np.inf, axis=1)", "np.linalg.norm(x[0], 0)", "np.linalg.vector_norm(x)",
    "np.full_like(x, x[1, 0])", "np.delete(x, 1, axis=1)", "np.insert(x, 1, 2.7, axis=1)",
    "np.fmod(x, 2)", "np.fmod(5, x + 1)", "np.fmod(x, -0.7)", "np.copysign(x, -1)",
    "np.heaviside(x, 0.5)", "np.modf(x)[0]", "np.ldexp(x, 3)", "np.cov(x)",
    "np.corrcoef(x[0], x[0, ::-1])", "np.cov(x, dtype=np.float32)",
    "np.interp(x, [0, 1, 2], [1, 3, 2])", "np.unwrap(x * 3)",
    "np.correlate(x[0], x[1])", "np.nanmedian(x, axis=0)", "np.nanquantile(x + 0, 0.3)",
    "np.sum(x, dtype=np.float32)", "np.mean(x, dtype=np.float64)", "np.prod(x, 0, np.int32)",
    "np.cumsum(x, 0, dtype=np.float32)", "np.cumprod(x, dtype=np.float64)", "np.vander(x[0])",
    "np.polyadd(x[0], [1, 2])", "np.polysub(x[0], x[1, 1:])", "np.geomspace(x + 1, 5, 3)",
    "np.logspace(x, 2, 3)", "np.ediff1d(x * 1)", "np.resize(x, (2, 2))",
    "np.piecewise(x, [x > 1], [2.7, 1])", "np.extract(x > 0, x)", "np.polyint(x[0])",
    "np.polyder(x[0])", "np.nancumsum(x)", "np.choose(x % 2, [x, 0.5])",
    "np.choose([0, 1, 0], [x, 2])", "np.var(x, dtype=np.float32)", "np.std(x, 0, np.float64)",
    "np.add.reduce(x, dtype=np.float32)", "np.subtract.reduce(x)", "np.maximum.accumulate(x)",
    "np.logical_and.reduce(x)", "np.multiply.outer(x, x)", "np.poly(x[0])",
    "np.polymul(x[0], x[1])",
]  # fmt: skip
TWO = [
    "np.clip(x > 0, -1, y)", "np.clip(x, 0.5, y)", "np.clip(1, x, y)", "np.clip(x, y, y)",
    "np.logaddexp2(x, y)", "np.select([x > 0, y > 0], [x, y], 0.5)", "np.average(x, weights=y)",
    "np.linspace(x, y, 3)", "np.vecdot(x, y)", "np.full_like(x, y[0, 0])", "np.where(x, y, 1)",
    "np.copysign(x, y)", "np.heaviside(x, y)", "np.fmod(x, y + 1)",
    "np.insert(x, 1, y[:, 0], axis=1)",
    "np.choose([0, 1, 0], [x, y])", "np.cov(x, y)", "np.add.outer(x, y)",
    "np.max(x, initial=y[0, 0])", "np.isclose(x, y)", "np.average(x, axis=1, weights=y[0])",
]  # fmt: skip


def entries(dtype, more=0):
    return ((np.array([[1, 0, 2], [3, 1, 1]]) + more) % (2 if dtype == "bool" else 9)).astype(dtype)


def function(text):
    return eval(f"lambda x, y=None: {text}", {"np": np})


def assert_equal(got, expected):
    got, expected = np.asarray(got), np.asarray(expected)
    assert (got.dtype, got.shape) == (expected.dtype, expected.shape)
    exact = expected.dtype.kind != "f"
    digits = 0 if exact else 8 * np.finfo(expected.dtype).eps
    np.testing.assert_allclose(got, expected, rtol=digits, atol=digits)


def accepted(f, inputs):
    """Yield the inputs that NumPy's function takes, by their dtypes, and what it returns."""
    taken = 0
    for dtypes, arrays in inputs.items():
        try:
            expected = f(*arrays)
        except (TypeError, OverflowError):
            continue
        taken += 1
        yield dtypes, arrays, expected
    assert taken > len(inputs) / 2


def assert_numpys(text, inputs):
    f = function(text)
    for dtypes, arrays, expected in accepted(f, inputs):
        level = Level(records_all=True)
        with case(dtypes):
            assert_equal(f(*(Tensor.made(x, level) for x in arrays)).value, expected)


@pytest.mark.parametrize("text", ONE)
def test_of_one_array(text):
    assert_numpys(text, {dtype: (entries(dtype),) for dtype in DTYPES})


@pytest.mark.parametrize("text", TWO)
def test_of_two_arrays(text):
    pairs = itertools.product(DTYPES, DTYPES)
    assert_numpys(text, {pair: (entries(pair[0]), entries(pair[1], 1)) for pair in pairs})


@pytest.mark.sampled(quick=24)
@pytest.mark.parametrize("text", ONE)
def test_on_every_road(text):
    """The value has the function's dtype, whole where that is whole."""
    f, p = function(f"np.sum({text})"), np.ones(2)
    inputs = {dtype: (entries(dtype),) for dtype in ("bool", "uint8", "int64", "float32")}
    for dtype, (x,), expected in accepted(f, inputs):
        both = cr.value_and_grad(lambda p, X: f(X))
        with case(dtype):
            program = cr.trace(both)(p, x)
            for road in (both, program, run_text(program)):
                value, gradient = road(p, x)
                assert_equal(value, expected)
                assert_equal(gradient, np.zeros(2))


@pytest.mark.parametrize("result", [3, True, 2.5, np.float32(1), np.uint8(7)])
def test_a_constant_keeps_its_dtype(result):
    assert_equal(cr.value_and_grad(lambda p: result)(1.0)[0], result)
    assert_equal(cr.vjp(lambda p: result, 1.0)[0], result)


@pytest.mark.parametrize("mode", ["mean", "maximum", "minimum", "median", "linear_ramp", "empty"])
def test_padding_with_what_is_no_entry_is_refused(mode):
    with pytest.raises(TraceError, match=r"np\.pad of a tensor takes mode"):
        cr.grad(lambda p: np.sum(np.pad(p, 1, mode=mode)))(np.ones(3))
