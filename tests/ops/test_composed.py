"""Functions that are composed of others: NumPy's value, the gradient, every road."""

import numpy as np
import pytest
from tests.uber import assert_gradients, assert_three_ways

import chainrule as cr
from chainrule.errors import ShapeError


def numbers(*shape, seed=0, low=0.3, high=2.0):
    """Numbers with gaps between them, of both signs."""
    rng = np.random.default_rng(seed)
    size = int(np.prod(shape, dtype=int))
    grid = rng.permutation(np.linspace(low, high, size)) * rng.choice([-1, 1], size)
    return grid.reshape(shape)


A, SQUARE, VECTOR, CUBE = (
    numbers(3, 4), numbers(3, 3, seed=2), numbers(4, seed=3), numbers(2, 3, 4, seed=4),
)  # fmt: skip
TALL, DATA = numbers(5, 3, seed=5), numbers(6, seed=6)
REGULAR = SQUARE + np.diag([2.0, 4.0, 9.0])
SORTED = np.array([-1.5, -0.4, 0.7, 1.3])
GAPS = np.arange(12).reshape(3, 4) % 5 == 1
NUMBERS = np.array([[0, 2, 1, 0], [1, 1, 0, 2], [2, 0, 1, 1]])

CASES = {
    "delete a row": (lambda x: np.delete(x, 1, axis=0) ** 2, A),
    "delete the last": (lambda x: np.delete(x, -1) ** 2, A),
    "delete several": (lambda x: np.delete(x, [0, 2], axis=1) ** 2, A),
    "delete a slice": (lambda x: np.delete(x, slice(0, 3, 2), axis=-1) ** 2, A),
    "delete by a mask": (lambda x: np.delete(x, [True, False, True], axis=0) ** 2, A),
    "insert a number": (lambda x: np.insert(x, 2, 7.0) ** 2, VECTOR),
    "insert a row": (lambda x, r: np.insert(x, 1, r, axis=0) ** 2, A, VECTOR),
    "insert a column": (lambda x: np.insert(x, -1, x[:, 0] ** 2, axis=1) ** 2, A),
    "insert columns": (lambda x: np.insert(x, [1], x[:, :2] ** 2, axis=1) ** 2, A),
    "insert at several places": (lambda x, v: np.insert(x, [3, 0, 3], v) ** 2, A, SORTED[:3]),
    "insert at a slice": (lambda x: np.insert(x, slice(0, 3, 2), 5.0, axis=1) ** 2, A),
    "insert into a plain array": (lambda v: np.insert(np.ones(3), 1, v) ** 2, VECTOR),
    "unstack": (lambda x: np.multiply(*np.unstack(x)), CUBE),
    "unstack by columns": (lambda x: np.unstack(x, axis=-1)[1] ** 2, A),
    "compress": (lambda x: np.compress([True, False, True], x, axis=1) ** 2, A),
    "compress all": (lambda x: x.compress([False, True, True, True]) ** 2, A),
    "extract": (lambda x: np.extract(np.arange(12).reshape(3, 4) % 2, x) ** 2, A),
    "extract by itself": (lambda x: np.extract(x > 0, x) ** 2, A),
    "choose": (lambda x, y: np.choose(NUMBERS, [x, y, 2.0]) ** 2, A, A + 1),
    "choose wrapped": (lambda x: np.choose(NUMBERS, list(x), mode="wrap") ** 2, A),
    "choose clipped": (lambda x: np.choose(NUMBERS + 1, [x, x**2], mode="clip"), A),
    "piecewise": (lambda x: np.piecewise(x, [x < 0, x >= 0], [np.exp, np.sqrt]), A),
    "piecewise otherwise": (lambda x: np.piecewise(x, [x > 1], [lambda x: x**2, -1.0]), A),
    "piecewise with arguments": (
        lambda x: np.piecewise(x, x > 0, [lambda x, k: k * x, lambda x, k: x**k], 3), VECTOR,
    ),
    "resize": (lambda x: np.resize(x, (2, 9)) ** 2, A),
    "resize to fewer": (lambda x: np.resize(x, 5) ** 2, A),
    "diagflat": (lambda x: np.diagflat(x, 1) @ np.diagflat(x, -1), VECTOR),
    "ediff1d": (lambda x: np.ediff1d(x, to_end=x[0], to_begin=[1.0, 2.0]) ** 2, A),
    "apply_along_axis": (lambda x: np.apply_along_axis(lambda r: r / r.sum(), 1, x), CUBE),
    "apply_along_axis to a number": (lambda x: np.apply_along_axis(np.prod, 0, x), A),
    "apply_over_axes": (lambda x: np.apply_over_axes(np.sum, x**2, [0, -1]), CUBE),
    "fftshift": (lambda x: np.fft.fftshift(x) ** 2 + np.fft.ifftshift(x, axes=1) * x, A),
    "broadcast_arrays": (lambda x, v: np.multiply(*np.broadcast_arrays(x, v)), A, VECTOR),
    "fmod": (lambda a, b: np.fmod(3 * a, b), A, A[::-1] + 0.05),
    "fmod by a number": (lambda a: np.fmod(a, 0.7) + np.fmod(2.5, a), A),
    "modf": (lambda x: np.modf(2.9 * x)[0] ** 2 + np.modf(2.9 * x)[1], A),
    "ldexp": (lambda x: np.ldexp(x, np.arange(4)), A),
    "copysign": (lambda a, b: np.copysign(a, b) ** 3, A, A[::-1] + 0.05),
    "heaviside": (lambda a, b: np.heaviside(a, b) * a * b, A, A[::-1] + 0.05),
    "fix": (lambda x: np.fix(2.9 * x) * x, A),
    "signs and equality": (
        lambda x: x * np.signbit(x) + x * np.isposinf(x) + x * np.isneginf(x)
        + x * np.array_equal(x, x) + x * np.array_equiv(x[:1], x), A,
    ),
    "cov": (lambda x: np.cov(x), A),
    "cov of two": (lambda x, y: np.cov(x, y, ddof=0), VECTOR, SORTED),
    "cov of columns": (lambda x: np.cov(x, rowvar=False, bias=True), TALL),
    "cov of one": (lambda x: np.cov(x), VECTOR),
    "cov with weights": (
        lambda x, w: np.cov(x, fweights=[1, 2, 1, 3], aweights=w**2), A, SORTED,
    ),
    "corrcoef": (lambda x: np.corrcoef(x), A),
    "corrcoef of two": (lambda x, y: np.corrcoef(x, y), VECTOR, SORTED),
    "nancumsum": (lambda x: np.nancumsum(np.where(GAPS, np.nan, x), axis=1) ** 2, A),
    "nancumprod": (lambda x: np.nancumprod(np.where(GAPS, np.nan, x)) ** 2, A),
    "nanmedian": (lambda x: np.nanmedian(np.where(GAPS, np.nan, x), axis=1) ** 2, A),
    "nanquantile": (
        lambda x: np.nanquantile(np.where(GAPS, np.nan, x), [0.2, 0.7], axis=0) ** 2, A,
    ),
    "nanpercentile": (
        lambda x: np.nanpercentile(np.where(GAPS, np.nan, x), 30, method="lower") ** 2, A,
    ),
    "cumulative_sum": (lambda x: np.cumulative_sum(x, axis=1, include_initial=True) ** 2, A),
    "cumulative_prod": (lambda x: np.cumulative_prod(x, axis=0) ** 2, A),
    "correlate": (lambda a, v: np.correlate(a, v) ** 2, DATA, SORTED),
    "correlate with more": (lambda a, v: np.correlate(a, v, "same") ** 2, SORTED, DATA),
    "correlate with fewer": (lambda a, v: np.correlate(a, v, "same") ** 2, DATA, SORTED),
    "correlate with all": (lambda a, v: np.correlate(a, v, "full") ** 2, SORTED, DATA),
    "interp": (lambda x, xp, fp: np.interp(x, xp, fp) ** 2, A, SORTED, VECTOR),
    "interp with ends": (lambda x, fp: np.interp(x, SORTED, fp, -1.0, fp[0] ** 2), A, VECTOR),
    "interp of one": (lambda x, xp, fp: np.interp(x, xp[:1], fp[:1]) ** 2, A, SORTED, VECTOR),
    "interp around": (lambda x, xp, fp: np.interp(x, xp, fp, period=1.9), A, SORTED, VECTOR),
    "interp of a number": (lambda x, fp: np.interp(x, SORTED, fp), np.array(0.3), VECTOR),
    "geomspace": (lambda a, b: np.geomspace(a**2, b**2, 4, axis=-1), VECTOR, VECTOR + 3),
    "logspace": (lambda a, b: np.logspace(a, 1.0, 4, endpoint=False, base=b**2), VECTOR, VECTOR),
    "unwrap": (lambda p: np.unwrap(np.cumsum(p, 1), axis=1) ** 2, 3 * A),
    "unwrap degrees": (lambda p: np.unwrap(p, period=1.5, discont=0.9) ** 2, DATA),
    "vander": (lambda x: np.vander(x), VECTOR),
    "vander increasing": (lambda x: np.vander(x, 3, increasing=True), VECTOR),
    "polyadd": (lambda p, q: np.polyadd(p, q) ** 2 + np.polyadd(q, p), VECTOR, DATA),
    "polysub": (lambda p, q: np.polysub(p, q) ** 2, VECTOR, DATA),
    "polymul": (lambda p, q: np.polymul(p, q) ** 2 + np.polymul(p, [1.0, 2, 3, 4, 5, 6]), VECTOR,
                DATA),
    "polydiv": (lambda p, q: np.concatenate(np.polydiv(p, q)) ** 2, DATA, VECTOR),
    "polydiv by more": (lambda p, q: np.polydiv(p, q)[1] ** 2, VECTOR, DATA),
    "polyder": (lambda p: np.polyder(p) ** 2, DATA),
    "polyder twice": (lambda p: np.polyder(p, 2) ** 2, DATA),
    "polyint": (lambda p: np.polyint(p, 2, [1.0, 2.0]) ** 2, DATA),
    "polyfit": (lambda x, y: np.polyfit(x, y, 2), DATA, numbers(6, seed=7)),
    "polyfit with weights": (
        lambda x, y, w: np.polyfit(x, y, 1, w=w), DATA, numbers(6, 2, seed=7), DATA + 0.1,
    ),
    "poly": (np.poly, VECTOR),
    "qr": (lambda x: np.linalg.qr(x).Q ** 3 @ np.linalg.qr(x).R, TALL),
    "qr of wide": (lambda x: np.linalg.qr(x)[0] ** 3 @ np.linalg.qr(x)[1] ** 2, A),
    "qr of several": (lambda x: np.linalg.qr(x)[0] ** 3 @ np.linalg.qr(x)[1] ** 2, CUBE),
    "qr, r alone": (lambda x: np.linalg.qr(x, mode="r") ** 2, TALL),
    "lstsq": (lambda a, b: np.linalg.lstsq(a, b)[0], TALL, numbers(5, seed=8)),
    "lstsq of several": (
        lambda a, b: np.linalg.lstsq(a, b)[1] * np.sum(np.linalg.lstsq(a, b)[3]), TALL,
        numbers(5, 2, seed=8),
    ),
    "lstsq of wide": (lambda a, b: np.linalg.lstsq(a, b)[0], A, numbers(3, seed=8)),
    "cond": (lambda x: np.linalg.cond(x) + np.linalg.cond(x, 1) + np.linalg.cond(x, -2), REGULAR),
    "tensorsolve": (np.linalg.tensorsolve, numbers(2, 3, 6, seed=9), numbers(2, 3, seed=1)),
    "tensorinv": (lambda x: np.linalg.tensorinv(x), numbers(2, 3, 6, seed=9)),
    "matvec": (lambda a, v: np.matvec(a, v) ** 2, CUBE, VECTOR),
    "vecmat": (lambda v, a: np.vecmat(v, a) ** 2, numbers(3, seed=1), CUBE),
    "sum dtype": (lambda x: np.sum(x, axis=1, dtype=np.float64) ** 2, A),
    "mean dtype": (lambda x: x.mean(0, np.float64) ** 2 + np.var(x, dtype=float), A),
    "running dtype": (
        lambda x: np.cumsum(x, 1, dtype=float) * np.cumprod(x, 1, dtype=float)
        + np.prod(x, dtype=float), A,
    ),
    "sort kind": (lambda x: np.sort(x, kind="stable") * np.argsort(x, kind="mergesort"), A),
    "sort stable": (lambda x: np.sort(x, axis=0, stable=True) * np.arange(4.0), A),
    "reduce": (lambda x: np.add.reduce(x**2, axis=1, keepdims=True), A),
    "reduce from a start": (lambda x: np.multiply.reduce(x, initial=2.0, where=x > 0), A),
    "reduce in order": (lambda x: np.subtract.reduce(x**2, axis=1) + np.hypot.reduce(x, 1), A),
    "reduce in a dtype": (lambda x: np.logaddexp.reduce(x, axis=0, dtype=float), A),
    "reduce where": (lambda x: np.logaddexp.reduce(x, initial=-1.0, where=~GAPS), A),
    "accumulate": (lambda x: np.add.accumulate(x) * np.multiply.accumulate(x, axis=1), A),
    "accumulate in order": (
        lambda x: np.maximum.accumulate(x, axis=1) ** 2 + np.divide.accumulate(x), A,
    ),
    "r_": (lambda x, y: np.r_[x, 1.0, 0:3, y, y[0]] ** 2, VECTOR, DATA),
    "r_ of matrices": (lambda x, v: np.r_[x, v[None], [[1.0, 2, 3, 4]]] ** 2, A, VECTOR),
    "r_ with directives": (lambda x, v: np.r_["1,3,0", x, v] ** 2, TALL, numbers(5, seed=1)),
    "r_ along an axis": (lambda x: np.r_["-1", x, x[:, :1]] ** 2, A),
    "r_ with axes": (lambda v: np.r_["0,2", v, v] ** 2 + np.r_["0,2,0", v].T, VECTOR),
    "c_": (lambda x, v: np.c_[v, x, 2 * v] ** 2, TALL, numbers(5, seed=1)),
    "c_ of columns": (lambda v: np.c_[v, v**2, np.ones(4)] ** 2, VECTOR),
    "array with a dtype": (lambda x: np.array(x, dtype=float, ndmin=3) ** 2, A),
    "outer": (lambda x, y: np.subtract.outer(x, y) ** 2 * np.power.outer(x**2, y), VECTOR, DATA),
}  # fmt: skip
SINCE = {"unstack": "2.1", "cumulative": "2.1", "matvec": "2.2", "vecmat": "2.2"}
CASES = {
    name: functions
    for name, functions in CASES.items()
    if np.lib.NumpyVersion(np.__version__)
    >= next((f"{v}.0" for start, v in SINCE.items() if name.startswith(start)), "2.0.0")
}


@pytest.mark.parametrize("name", CASES)
def test_gradients(name):
    f, *xs = CASES[name]
    assert_gradients(f, *xs)


@pytest.mark.sampled(quick=20)
@pytest.mark.parametrize("name", CASES)
def test_three_ways(name):
    f, *xs = CASES[name]
    assert_three_ways(lambda xs: np.sum(np.sin(f(*xs))), xs)


def test_results_by_name_of_data():
    def loss(w, X):
        return np.sum(w * np.linalg.qr(X).R) + np.sum(w * np.linalg.svd(X, False).U)

    np.testing.assert_allclose(
        cr.grad(loss)(1.0, SQUARE), np.sum(np.linalg.qr(SQUARE).R) + np.sum(np.linalg.svd(SQUARE).U)
    )


def test_data_that_a_method_returns_as_they_are():
    def loss(w, X):
        return w * np.mean(X.astype(np.float64, copy=False) ** 2)

    assert cr.grad(loss)(1.0, np.array([1.0, 3.0])) == 5.0


def test_equations_of_other_shapes_are_refused():
    for a, b in ((VECTOR, VECTOR), (A, VECTOR), (A, CUBE)):
        with pytest.raises(ShapeError, match=r"np\.linalg\.lstsq takes a matrix"):
            cr.grad(lambda a, b=b: np.sum(np.linalg.lstsq(a, b)[0]))(a)


def test_a_number_beside_tensors_keeps_float32():
    x = np.ones(2, np.float32)
    assert cr.vjp(lambda x: np.r_[x, 1.0], x)[0].dtype == np.r_[x, 1.0].dtype == np.float32
    assert cr.vjp(lambda x: np.c_[x, x], x)[0].dtype == np.float32


def test_piecewise_of_nothing_and_outside_of_the_domain():
    def loss(p, X):
        return np.sum(p) + np.sum(np.piecewise(X - p, [X > 0, X <= 0], [np.sqrt, 0.5]))

    X = np.array([4.0, -9.0, 16.0])
    program = cr.trace(cr.value_and_grad(loss))(0.0, X)
    for part in (X, X[:2], X[1:2], X[:0]):
        value, slope = program(0.0, part)
        assert value == np.sum(np.where(part > 0, np.sqrt(np.abs(part)), 0.5))
        np.testing.assert_allclose(slope, 1 - np.sum((part > 0) / (2 * np.sqrt(np.abs(part)))))


@pytest.mark.parametrize("name", [name for name in CASES if name != "extract by itself"])
def test_vmap(name):
    f, *xs = CASES[name]
    samples = [np.stack([x, x + 0.01]) for x in xs]
    expected = np.stack([f(*sample) for sample in zip(*samples, strict=True)])
    np.testing.assert_allclose(cr.vmap(f)(*samples), expected, rtol=1e-9, atol=1e-12)
