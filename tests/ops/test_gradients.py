"""Every operation against central differences, to second order, in float64; dtype; three ways."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.draws import draws
from tests.uber import assert_gradients, assert_keeps_float32, assert_three_ways

import chainrule as cr

REAL, POSITIVE, UNIT, ABOVE_ONE = (-2.0, 2.0), (0.3, 3.0), (-0.8, 0.8), (1.2, 3.0)
shapes = st.lists(st.integers(1, 4), max_size=3).map(tuple)


def draw(rng, shape, interval=REAL):
    """Numbers spread over an interval, far from each other and from 0: no kink, no tie nearby."""
    low, high = interval
    size = int(np.prod(shape, dtype=int))
    grid = np.linspace(low, high, 2 * size + 2)[1:-1:2] + (high - low) / (9 * size + 9)
    return rng.permutation(grid).reshape(shape)


UNARY = {
    "exp": REAL, "expm1": REAL, "exp2": REAL, "log": POSITIVE, "log1p": POSITIVE,
    "log2": POSITIVE, "log10": POSITIVE, "sqrt": POSITIVE, "cbrt": POSITIVE, "square": REAL,
    "abs": REAL, "fabs": REAL, "reciprocal": POSITIVE, "sin": REAL, "cos": REAL, "tan": UNIT,
    "arcsin": UNIT, "arccos": UNIT, "arctan": REAL, "sinh": REAL, "cosh": REAL, "tanh": REAL,
    "arcsinh": REAL, "arccosh": ABOVE_ONE, "arctanh": UNIT, "negative": REAL, "positive": REAL,
}  # fmt: skip
BINARY = {
    "add": REAL, "subtract": REAL, "multiply": REAL, "divide": POSITIVE, "power": POSITIVE,
    "float_power": POSITIVE, "arctan2": POSITIVE, "hypot": POSITIVE, "logaddexp": REAL,
    "maximum": REAL, "minimum": REAL, "fmax": REAL, "fmin": REAL, "remainder": POSITIVE,
}  # fmt: skip
LIBRARY = [
    cr.sigmoid, cr.relu, cr.functions.softplus, cr.functions.elu, cr.functions.gelu,
    cr.functions.erf, cr.tanh, cr.functions.dsigmoid, cr.functions.dtanh,
]  # fmt: skip


@pytest.mark.parametrize("name", list(UNARY))
@given(shape=shapes, seed=st.integers(0, 99))
@draws(5)
def test_unary(name, shape, seed):
    f = getattr(np, name)
    x = draw(np.random.default_rng(seed), shape, UNARY[name])
    assert_gradients(f, x)
    assert_keeps_float32(f, x)


@pytest.mark.parametrize("name", list(BINARY))
@given(shape=shapes, data=st.data(), seed=st.integers(0, 99))
@draws(7)
def test_binary_with_broadcasting(name, shape, data, seed):
    f = getattr(np, name)
    start = data.draw(st.integers(0, len(shape)))
    other = tuple(1 if data.draw(st.booleans()) else size for size in shape[start:])
    rng = np.random.default_rng(seed)
    # Drawn together and dealt out, so that no entry of one is near an entry of the other.
    both = draw(rng, (int(np.prod(shape)) + int(np.prod(other)),), BINARY[name])
    a, b = both[: int(np.prod(shape))].reshape(shape), both[int(np.prod(shape)) :].reshape(other)
    if data.draw(st.booleans()):
        a, b = b, a
    assert_gradients(f, a, b)
    if name != "float_power":
        assert_keeps_float32(f, a, b)


@pytest.mark.parametrize("f", LIBRARY, ids=lambda f: f.__name__)
@given(shape=shapes, seed=st.integers(0, 99))
@draws(5)
def test_library_functions(f, shape, seed):
    x = draw(np.random.default_rng(seed), shape)
    assert_gradients(f, x)
    assert_keeps_float32(f, x)


@pytest.mark.parametrize(
    "f", [cr.softmax, cr.functions.log_softmax, cr.functions.logsumexp], ids=lambda f: f.__name__
)
@given(
    shape=st.lists(st.integers(1, 4), min_size=1, max_size=3).map(tuple), seed=st.integers(0, 99)
)
@draws(5)
def test_softmaxes(f, shape, seed):
    x = draw(np.random.default_rng(seed), shape)
    assert_gradients(f, x)
    assert_keeps_float32(f, x)


REDUCTIONS = ["sum", "mean", "prod", "max", "min", "var", "std", "ptp"]


@pytest.mark.parametrize("name", REDUCTIONS)
@given(shape=st.lists(st.integers(2, 3), min_size=1, max_size=3).map(tuple), data=st.data())
@draws(9)
def test_reductions(name, shape, data):
    x = draw(np.random.default_rng(data.draw(st.integers(0, 99))), shape)
    some = st.lists(
        st.integers(-len(shape), len(shape) - 1), min_size=1, unique_by=lambda a: a % len(shape)
    ).map(tuple)
    axis = data.draw(st.none() | st.integers(-len(shape), len(shape) - 1) | some)
    keepdims = data.draw(st.booleans())

    def f(x):
        return getattr(np, name)(x, axis=axis, keepdims=keepdims)

    assert_gradients(f, x)
    assert_keeps_float32(f, x)


A, B, SQUARE, VECTOR, CUBE = (
    draw(np.random.default_rng(i), shape)
    for i, shape in enumerate([(3, 4), (4, 2), (3, 3), (4,), (2, 3, 4)])
)
POSITIVE_DEFINITE = SQUARE @ SQUARE.T + 3 * np.eye(3)
INDEX = np.array([2, 0, 2, 2])
IMAGES, FILTERS = (
    draw(np.random.default_rng(i), shape) for i, shape in enumerate([(2, 5, 4, 2), (2, 2, 2, 3)])
)
windows = np.lib.stride_tricks.sliding_window_view

CASES = {
    "clip": (lambda x: np.clip(x, -0.7, 0.9), A),
    "clip one side": (lambda x: np.clip(x, None, 0.9) + x.clip(min=-1.1), A),
    "where": (lambda x, y: np.where(x > 0.1, x * y, y), A, A[:1] + 0.05),
    "var ddof": (lambda x: np.var(x, axis=1, ddof=1) + x.std(axis=1, ddof=1), A),
    "cumsum": (lambda x: np.cumsum(x, axis=0) * np.cumsum(x).reshape(3, 4), A),
    "prod with zeros": (lambda x: np.prod(x * np.array([1, 0, 1, 1], "f") + x * x, axis=1), A),
    "matmul": (np.matmul, A, B),
    "matmul vector matrix": (lambda v, B: v @ B, VECTOR, B),
    "matmul matrix vector": (lambda A, v: A @ v, A, VECTOR),
    "matmul vectors": (lambda v, w: v @ w, VECTOR, VECTOR + 1),
    "matmul batch": (np.matmul, CUBE, B),
    "matmul batch broadcast": (lambda a, b: a[:, None] @ b, CUBE, np.stack([B, B + 1])),
    "matmul batch vector": (np.matmul, CUBE, VECTOR),
    "matmul vector batch": (np.matmul, VECTOR, CUBE.transpose(0, 2, 1)),
    "dot": (np.dot, A, B),
    "dot scalars": (lambda x, y: np.dot(np.sum(x), y), A, B),
    "dot of cubes": (np.dot, CUBE, np.stack([B, B + 1])),
    "vdot": (np.vdot, A, A + 1),
    "inner": (np.inner, A, A + 1),
    "outer": (np.outer, A, B),
    "tensordot": (lambda a, b: np.tensordot(a, b, axes=1), CUBE, B),
    "tensordot axes": (lambda a, b: np.tensordot(a, b, axes=([0, 2], [1, 0])), CUBE, B),
    "einsum": (lambda a, b: np.einsum("ij,jk->ki", a, b), A, B),
    "einsum implicit": (lambda a, b: np.einsum("ij,jk", a, b), A, B),
    "einsum summed": (lambda a, b: np.einsum("ij,k->k", a, b), A, VECTOR),
    "einsum diagonal": (lambda a: np.einsum("ii->i", a), SQUARE),
    "einsum trace": (lambda a: np.einsum("ii", a), SQUARE),
    "einsum broadcast": (lambda a, b: np.einsum("ij,ij->ij", a, b), A[:1], A),
    "einsum dots": (lambda a, b: np.einsum("...ij,jk->...ik", a, b), CUBE, B),
    "reshape": (lambda x: np.reshape(x, (2, -1)) ** 2, A),
    "reshape method": (lambda x: x.reshape(6, 2) * x.reshape((6, 2)), A),
    "ravel": (lambda x: np.ravel(x) ** 2 + x.flatten(), A),
    "transpose": (lambda x: np.transpose(x, (2, 0, 1)) ** 2 * x.T.transpose(0, 2, 1), CUBE),
    "moveaxis": (lambda x: np.moveaxis(x, [0, 1], [-1, -2]) ** 2, CUBE),
    "swapaxes": (lambda x: np.swapaxes(x, 0, 2) ** 2, CUBE),
    "matrix_transpose": (lambda x: x.mT**2, CUBE),
    "squeeze": (lambda x: np.squeeze(x[:, :1], axis=1) ** 2 + x[:, 0].squeeze(), A),
    "expand_dims": (lambda x: np.expand_dims(x, (0, 2)) ** 2 + np.expand_dims(x, 1), A),
    "broadcast_to": (lambda x: np.broadcast_to(x, (2, 3, 4)) ** 2, A),
    "concatenate": (lambda x, y: np.concatenate([x, 2 * y, x], axis=-1) ** 2, A, SQUARE),
    "concatenate flat": (lambda x, y: np.concatenate([x, y], axis=None) ** 2, A, B),
    "stack": (lambda x, y: np.stack([x, x * y], axis=1) ** 2, A, A + 1),
    "vstack": (lambda x, y: np.vstack([x, y]) ** 2, A, VECTOR),
    "hstack": (lambda x, y: np.hstack([x, y]) ** 2, A, SQUARE),
    "hstack vectors": (lambda x, y: np.hstack([x, y]) ** 2, VECTOR, VECTOR + 1),
    "split": (lambda x: np.split(x, 2, axis=1)[1] ** 2 + np.split(x, [1, 2], axis=1)[0], A),
    "tile": (lambda x: np.tile(x, (2, 1, 3)) ** 2, A),
    "tile short": (lambda x: np.tile(x, 2) ** 2, CUBE),
    "repeat": (lambda x: np.repeat(x, 3, axis=1) ** 2, A),
    "repeat flat": (lambda x: np.repeat(x, 2) ** 2, A),
    "repeat each": (lambda x: np.repeat(x, [1, 0, 2], axis=0) ** 2, A),
    "roll": (lambda x: np.roll(x, 2, axis=1) * x + np.roll(x, (1, 2), axis=(0, 1)) ** 2, A),
    "roll flat": (lambda x: np.roll(x, 5) * x, A),
    "flip": (lambda x: np.flip(x) * x + np.flip(x, axis=0) ** 2, A),
    "pad": (lambda x: np.pad(x, ((1, 0), (2, 1)), constant_values=3.0) ** 2, A),
    "pad edge": (lambda x: np.pad(x, 2, mode="edge") ** 2, A),
    "pad reflect": (lambda x: np.pad(x, 1, mode="reflect") ** 2, A),
    "windows": (lambda x: windows(x, 2, axis=1) ** 2, A),
    "windows of all axes": (lambda x: windows(x, (2, 1, 3)) ** 2, CUBE),
    "windows twice along an axis": (lambda x: windows(x, (2, 2), axis=(-1, -1)) ** 2, A),
    "windows of windows": (lambda x: windows(windows(x, 2, axis=1), 2, axis=1) ** 3, A),
    "windows strided and dilated": (
        lambda x: windows(x, (3, 3), axis=(1, 2))[:, ::2, :, :, ::2, ::2] ** 2, IMAGES,
    ),
    "convolution": (
        lambda x, k: np.tensordot(
            windows(np.pad(x, ((0, 0), (1, 1), (1, 0), (0, 0))), (2, 2), axis=(1, 2))[:, ::2], k,
            axes=((4, 5, 3), (0, 1, 2)),
        ),
        IMAGES, FILTERS,
    ),
    "convolution by einsum": (
        lambda x, k: np.einsum("nhwcij,ijcf->nfhw", windows(x, (2, 2), axis=(1, 2)), k) ** 2,
        IMAGES, FILTERS,
    ),
    "max pooling": (
        lambda x: np.max(
            windows(
                np.pad(x, ((0, 0), (1, 0), (0, 1), (0, 0)), constant_values=-np.inf),
                (2, 2), axis=(1, 2),
            )[:, ::2, ::2],
            axis=(-2, -1),
        ) ** 2,
        IMAGES,
    ),
    "average pooling": (
        lambda x: np.mean(windows(x, (3, 2), axis=(1, 2))[:, :, ::2], axis=(-2, -1)) ** 2, IMAGES,
    ),
    "diag of matrix": (lambda x: np.diag(x, 1) ** 2, A),
    "diag of vector": (lambda x: np.diag(x, -1) ** 2, VECTOR),
    "diagonal": (lambda x: np.diagonal(x, axis1=0, axis2=2) ** 2, CUBE),
    "trace": (lambda x: np.trace(x) ** 2 + x.trace(1), A),
    "tril": (lambda x: np.tril(x) ** 2 + np.triu(x, 1), SQUARE),
    "sort": (lambda x: np.sort(x, axis=0) * np.arange(3, dtype=np.float32)[:, None], A),
    "sort last": (lambda x: np.sort(x) * np.arange(4, dtype=np.float32), A),
    "diff": (lambda x: np.diff(x, axis=0) ** 2, A),
    "index": (lambda x: x[1] ** 2 + x[-1, ::-1] * x[0], A),
    "index none and dots": (lambda x: x[..., None, 1:] ** 2, CUBE),
    "index repeated": (lambda x: x[INDEX] ** 2, A),
    "index pairs": (lambda x: x[INDEX, np.array([1, 1, 1, 0])] ** 2, A),
    "index mask": (lambda x: x[A > 0] ** 2, A),
    "index list": (lambda x: x[[0, 0, 1]] ** 2, A),
    "take": (lambda x: np.take(x, INDEX, axis=0) ** 2 + x.take(INDEX, axis=0), A),
    "take flat": (lambda x: np.take(x, INDEX) ** 2, A),
    "take_along_axis": (lambda x: np.take_along_axis(x, np.argsort(A, axis=1), axis=1) ** 2, A),
    "argmax": (
        lambda x: np.take_along_axis(x, np.argmax(x, axis=1, keepdims=True), axis=1) ** 2
        + np.max(x, axis=1, keepdims=True) * np.argmin(x, axis=0)[:3, None].astype(x.dtype),
        A,
    ),
    "argmax of all": (lambda x: np.argmax(x).astype(x.dtype) * x, A),
    "all and any": (
        lambda x: np.where(np.all(x > -1, axis=0) | np.any(x > 1), x, 2 * x) ** 2, A,
    ),
    "take_along_axis broadcast": (
        lambda x: np.take_along_axis(x, np.array([[0]]), axis=1) ** 2, A,
    ),
    "index empty": (lambda x: x[[]].sum() + x[()] ** 2, A),
    "reduce over no axes": (lambda x: np.sum(x, axis=()) * np.mean(x, axis=()), A),
    "iteration": (lambda x: sum(row * row[0] for row in x), A),
    "norm": (lambda x: np.linalg.norm(x), A),
    "norm axis": (
        lambda x: np.linalg.norm(x, axis=1, keepdims=True) * np.linalg.norm(x, axis=0), A,
    ),
    "norm 1": (lambda x: np.linalg.norm(x, 1, axis=1), A),
    "norm inf": (lambda x: np.linalg.norm(x, np.inf, axis=1) + np.linalg.norm(x, -np.inf, 1), A),
    "inv": (np.linalg.inv, POSITIVE_DEFINITE),
    "det": (np.linalg.det, POSITIVE_DEFINITE),
    "det stacked": (np.linalg.det, np.stack([POSITIVE_DEFINITE, 2 * POSITIVE_DEFINITE])),
    "slogdet": (lambda x: np.linalg.slogdet(x)[1] + np.linalg.slogdet(x).sign, POSITIVE_DEFINITE),
    "solve": (np.linalg.solve, POSITIVE_DEFINITE, A),
    "solve vector": (np.linalg.solve, POSITIVE_DEFINITE, A[:, 0]),
    "solve stacked": (
        lambda a, b: np.linalg.solve(np.stack([a, 2 * a]), b), POSITIVE_DEFINITE, A[:, 0],
    ),
    "cholesky": (lambda x: np.linalg.cholesky((x + x.T) / 2), POSITIVE_DEFINITE),
    "operators": (lambda x: (2 - x) / (3 + x) + (1 / (4 + x)) ** 2 - (+x) * -x % 7, A),
    "power of python": (lambda x: x**2 + x**3 + x**1 + x**0 + 2**x, A),
    "astype": (lambda x: x.astype(np.float64) * x, A),
    "full_like": (lambda x: np.full_like(x, np.sum(x)) * np.zeros_like(x) + np.ones_like(x) * x, A),
    "erf": (cr.functions.erf, A),
    "exact gelu": (lambda x: x / 2 * (1 + cr.functions.erf(x / 2**0.5)), A),
    "logsumexp axis": (
        lambda x: cr.functions.logsumexp(x, axis=0)
        + cr.functions.logsumexp(x, 0, keepdims=True), A,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", list(CASES))
def test_case(name):
    f, *xs = CASES[name]
    assert_gradients(f, *xs, step=1e-6)


@pytest.mark.parametrize("name", [name for name in CASES if name != "astype"])
def test_case_keeps_float32(name):
    f, *xs = CASES[name]
    assert_keeps_float32(f, *xs)


@pytest.mark.sampled(quick=36)
@pytest.mark.parametrize("name", list(CASES))
def test_case_three_ways(name):
    f, *xs = CASES[name]

    def loss(xs):
        return np.sum(np.sin(f(*xs)))

    assert_three_ways(loss, xs)


def test_every_numpy_function_named_is_covered():
    from chainrule._src.core.primitive import NUMPY

    named = [
        "exp",
        "log",
        "log1p",
        "expm1",
        "sqrt",
        "square",
        "abs",
        "sign",
        "sin",
        "cos",
        "tan",
        "arcsin",
        "arccos",
        "arctan",
        "arctan2",
        "sinh",
        "cosh",
        "tanh",
        "power",
        "maximum",
        "minimum",
        "fmax",
        "fmin",
        "where",
        "clip",
        "logaddexp",
        "reciprocal",
        "sum",
        "mean",
        "var",
        "std",
        "prod",
        "max",
        "min",
        "cumsum",
        "dot",
        "matmul",
        "inner",
        "outer",
        "tensordot",
        "einsum",
        "reshape",
        "ravel",
        "transpose",
        "moveaxis",
        "swapaxes",
        "squeeze",
        "expand_dims",
        "broadcast_to",
        "concatenate",
        "stack",
        "vstack",
        "hstack",
        "split",
        "tile",
        "repeat",
        "roll",
        "flip",
        "pad",
        "diag",
        "trace",
        "triu",
        "tril",
        "sort",
    ]
    missing = [name for name in named if getattr(np, name) not in NUMPY]
    named_linalg = ["norm", "inv", "solve", "det", "slogdet", "cholesky"]
    missing += [name for name in named_linalg if getattr(np.linalg, name) not in NUMPY]
    assert not missing


class TestConventions:
    def test_norm_at_zero_is_zero(self):
        np.testing.assert_array_equal(cr.grad(np.linalg.norm)(np.zeros(3)), np.zeros(3))

    def test_std_of_equal_entries_is_zero(self):
        np.testing.assert_array_equal(cr.grad(np.std)(np.ones(3)), np.zeros(3))

    def test_ties_share(self):
        np.testing.assert_array_equal(cr.grad(np.max)(np.array([1.0, 3, 3, 3])), [0, *[1 / 3] * 3])
        np.testing.assert_array_equal(cr.grad(np.min)(np.array([1.0, 1, 3, 3])), [0.5, 0.5, 0, 0])
        for f in (np.maximum, np.minimum, np.fmax, np.fmin):
            assert cr.grad(f, (0, 1))(2.0, 2.0) == (0.5, 0.5)

    def test_kinks(self):
        assert cr.grad(np.abs)(0.0) == 0
        assert cr.grad(cr.relu)(0.0) == 0
        assert cr.grad(lambda x: np.clip(x, 0.0, 1.0))(1.0) == 1
        assert cr.grad(lambda x: x**0)(0.0) == 0
        assert cr.grad(lambda p: 0.0**p)(2.0) == 0

    def test_fmax_ignores_nan(self):
        assert cr.grad(np.fmax, (0, 1))(np.nan, 2.0) == (0, 1)

    def test_product_with_a_zero(self):
        np.testing.assert_array_equal(cr.grad(np.prod)(np.array([0.0, 2, 3])), [6, 0, 0])
        np.testing.assert_array_equal(cr.grad(np.prod)(np.array([0.0, 0, 3])), [0, 0, 0])
