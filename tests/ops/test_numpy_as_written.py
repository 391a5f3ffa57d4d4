"""NumPy's functions with the arguments that people give them: values, gradients, programs."""

import numpy as np
import pytest
from tests.uber import assert_gradients, assert_keeps_float32, assert_three_ways

import chainrule as cr
from chainrule.errors import DataError, ShapeError, TraceError


def numbers(*shape, seed=0, low=0.3, high=2.0):
    """Numbers with gaps between them, of both signs."""
    rng = np.random.default_rng(seed)
    size = int(np.prod(shape, dtype=int))
    grid = rng.permutation(np.linspace(low, high, size)) * rng.choice([-1, 1], size)
    return grid.reshape(shape)


A, B, SQUARE, VECTOR, CUBE = (
    numbers(3, 4), numbers(4, 2, seed=1), numbers(3, 3, seed=2), numbers(4, seed=3),
    numbers(2, 3, 4, seed=4),
)  # fmt: skip
MASK = np.arange(12).reshape(3, 4) % 5 != 0
SYMMETRIC = SQUARE + SQUARE.T + np.diag([1.0, 4.0, 9.0])

CASES = {
    "sum where": (lambda x: np.sum(x**2, axis=1, where=MASK), A),
    "sum where initial": (lambda x: np.sum(x**2, initial=3.0, where=MASK, keepdims=True), A),
    "prod where": (lambda x: np.prod(x, axis=0, where=MASK, initial=2.0), A),
    "max where": (lambda x: np.max(x, axis=1, where=MASK, initial=-9.0) ** 2, A),
    "min initial": (lambda x: np.min(x, axis=1, initial=-1.0) ** 2, A),
    "mean where": (lambda x: np.mean(x**2, axis=1, where=MASK), A),
    "var where": (lambda x: np.var(x, axis=1, where=MASK, ddof=1), A),
    "std where": (lambda x: np.std(x, where=MASK), A),
    "average": (lambda x, w: np.average(x, axis=1, weights=w**2), A, A + 0.1),
    "average along": (lambda x, w: np.average(x, axis=1, weights=w**2), A, VECTOR),
    "cumprod": (lambda x: np.cumprod(x, axis=1) + np.cumprod(x).reshape(3, 4), A),
    "cumprod with zeros": (lambda x: np.cumprod(x * MASK, axis=1) * x, A),
    "median": (lambda x: np.median(x, axis=0) ** 2 + np.median(x), A),
    "quantile": (lambda x: np.quantile(x, [0.1, 0.5, 0.9], axis=1) ** 2, A),
    "quantile of all": (lambda x: np.quantile(x, 0.3, keepdims=True) ** 2, A),
    "quantile over axes": (lambda x: np.quantile(x, 0.7, axis=(0, -1), keepdims=True) ** 2, CUBE),
    "quantile lower": (lambda x: np.quantile(x, 0.3, axis=1, method="lower") ** 2, A),
    "quantile higher": (lambda x: np.quantile(x, 0.3, axis=1, method="higher") ** 2, A),
    "quantile midpoint": (lambda x: np.quantile(x, 0.3, axis=1, method="midpoint") ** 2, A),
    "percentile": (lambda x: np.percentile(x, 30, axis=0) ** 2, A),
    "partition": (lambda x: np.partition(x, 2, axis=1) * np.arange(4, dtype=x.dtype), A),
    "degrees": (lambda x: np.rad2deg(x) ** 2 + np.degrees(x), A),
    "radians": (lambda x: np.deg2rad(x) ** 2 + np.radians(x), A),
    "sinc": (lambda x: np.sinc(x), A),
    "logaddexp2": (np.logaddexp2, A, A[:1] + 0.1),
    "nan_to_num": (lambda x: np.nan_to_num(x, nan=1.0, posinf=2.0) ** 2, A),
    "select": (lambda x: np.select([x > 1, x < 0], [x**2, x**3], default=2.0), A),
    "real and imaginary": (lambda x: np.real(x) * np.conj(x) + x.imag + x.real + np.angle(x), A),
    "linspace": (lambda a, b: np.linspace(a, b, 5) ** 2, VECTOR, VECTOR + 1),
    "linspace axis": (lambda a: np.linspace(a, 2.0, 3, endpoint=False, axis=-1) ** 2, VECTOR),
    "diff ends": (lambda x: np.diff(x, n=2, axis=0, prepend=1.0, append=x[:1]) ** 2, A),
    "gradient": (lambda x: np.stack(np.gradient(x)) ** 2, A),
    "gradient of order 2": (lambda x: np.gradient(x, 0.5, axis=1, edge_order=2) ** 2, A),
    "kron": (np.kron, A, B),
    "kron of ranks": (np.kron, VECTOR, CUBE),
    "cross": (np.cross, SQUARE, SQUARE + 1),
    "cross axes": (lambda a, b: np.cross(a, b, axisa=0, axisb=1, axisc=0), SQUARE, SQUARE + 1),
    "cross broadcast": (lambda a, b: np.cross(a[:, None], b), SQUARE, SQUARE[0] + 1),
    "flipud fliplr": (lambda x: np.flipud(x) * np.fliplr(x), A),
    "rot90": (lambda x: np.rot90(x) @ np.rot90(x, 2) + np.rot90(x, -1, (1, 0)) @ x, A),
    "rollaxis": (lambda x: np.rollaxis(x, 2) ** 2 + np.rollaxis(x, -1, 1).transpose(1, 0, 2), CUBE),
    "append": (lambda x, y: np.append(x, y) ** 2, A, B),
    "append axis": (lambda x, y: np.append(x, y, axis=0) ** 2, A, A[:1] + 1),
    "append a list": (lambda x: np.append(x, [1.0, 2.0]) ** 2, A),
    "column_stack": (lambda x, v: np.column_stack([x, v, x]) ** 2, A, numbers(3, seed=5)),
    "dstack": (lambda x, y: np.dstack([x, y, x * y]) ** 2, A, A + 1),
    "stack of rows with numbers": (lambda x: np.vstack([[x[0, 0], 2.0, x[1, 1], x[0, 0]], x]), A),
    "a list of tensors": (lambda x: x[:, :2] @ [x[0, 0], x[1, 1]] + x[:, 0] * [1, 2, 3], A),
    "array_split": (lambda x: np.array_split(x, 3, axis=1)[0] ** 2, A),
    "hsplit vsplit": (lambda x: np.hsplit(x, 2)[1] ** 2 + np.vsplit(x, [1])[0][:, 2:], A),
    "dsplit": (lambda x: np.dsplit(x, [1, 2])[2] ** 2, CUBE),
    "atleast_3d": (lambda x: np.atleast_3d(x) ** 2 + np.atleast_3d(x[0]) ** 3, A),
    "reshape in Fortran's order": (lambda x: x.reshape((2, 6), order="F") ** 2, A),
    "ravel in Fortran's order": (lambda x: np.ravel(x, order="F") ** 2 * x.flatten("C"), A),
    "astype copy": (lambda x: x.astype(x.dtype, copy=False) ** 2, A),
    "repeat a number": (lambda x: np.repeat(x[0, 0], 3, axis=0) * x[:, 1], A),
    "einsum of lists": (lambda a, b: np.einsum(a, [0, 1], b, [1, 2], [2, 0]), A, B),
    "einsum of lists, implicit": (lambda a, b: np.einsum(a, [0, 1], b, [1, 2]), A, B),
    "einsum of lists with dots": (lambda a, b: np.einsum(a, [..., 1], b, [1, 2]), CUBE, B),
    "isclose": (lambda x: np.where(np.isclose(x, A[0], rtol=0.01), x, x**2), A),
    "det": (lambda x: np.linalg.det(x), SQUARE),
    "det of several": (np.linalg.det, np.stack([SQUARE, SYMMETRIC])),
    "over nan": (
        lambda x: np.nansum(np.where(MASK, x, np.nan), axis=1) * np.nanmean(
            np.where(MASK, x, np.nan), axis=1) + np.nanstd(np.where(MASK, x, np.nan), axis=1), A,
    ),
    "extremes over nan": (
        lambda x: np.nanmax(np.where(MASK, x, np.nan), axis=1)
        * np.nanmin(np.where(MASK, x, np.nan)), A,
    ),
    "rounding": (lambda x: np.round(x, 1) * x + np.round(10 * x, -1), A),
    "count_nonzero": (lambda x: x / (1 + np.count_nonzero(x > 0, axis=0)).astype(x.dtype), A),
    "polyval": (lambda p, x: np.polyval(p, x), VECTOR, A),
    "trapezoid": (lambda y, x: np.trapezoid(y, x, axis=0), A, numbers(3, seed=6)),
    "trapezoid of equal steps": (lambda y: np.trapezoid(y, dx=0.5) ** 2, A),
    "convolve": (lambda a, v: np.convolve(a, v) ** 2, VECTOR, numbers(3, seed=6)),
    "convolve same": (lambda a, v: np.convolve(a, v, "same") ** 2, VECTOR, numbers(3, seed=6)),
    "convolve an even number": (lambda a, v: np.convolve(a, v, "same") ** 2, VECTOR, B[0]),
    "convolve valid": (lambda a, v: np.convolve(a, v, "valid") ** 2, numbers(3, seed=6), VECTOR),
    "meshgrid": (lambda a, b: np.stack(np.meshgrid(a, b)) ** 2, VECTOR, numbers(3, seed=6)),
    "meshgrid by rows": (
        lambda a, b: np.multiply(*np.meshgrid(a, b, indexing="ij", sparse=True)), VECTOR, VECTOR,
    ),
    "block": (lambda x: np.block([[x, x[:, :1] ** 2], [x[:1], 2 * x[:1, :1]]]) ** 2, A),
    "vecdot": (lambda a, b: np.vecdot(a, b) + np.linalg.vecdot(a, b, axis=-1) ** 2, A, A + 1),
    "multi_dot": (lambda a, b: np.linalg.multi_dot([b.T, a.T, a]), A, B),
    "matrix_power": (
        lambda x: np.linalg.matrix_power(x, 3) + np.linalg.matrix_power(x, 0)
        + np.linalg.matrix_power(x, -2) @ np.linalg.matrix_power(x, 6), SYMMETRIC / 5,
    ),
    "linalg.diagonal": (lambda x: np.linalg.diagonal(x, offset=1) ** 2, CUBE),
    "linalg.trace": (lambda x: np.linalg.trace(x) ** 2, CUBE),
    "linalg.outer": (lambda a: np.linalg.matmul(np.linalg.outer(a, a), a), VECTOR),
    "vector_norm": (
        lambda x: np.linalg.vector_norm(x) * np.linalg.vector_norm(x, axis=0, ord=3), A,
    ),
    "vector_norm of axes": (
        lambda x: np.linalg.vector_norm(x, axis=(0, -1), ord=3, keepdims=True)
        + np.linalg.vector_norm(x, keepdims=True), CUBE,
    ),
    "matrix_norm": (lambda x: np.linalg.matrix_norm(x) + np.linalg.matrix_norm(x, ord="nuc"), CUBE),
    "pinv": (np.linalg.pinv, A),
    "pinv of several": (np.linalg.pinv, CUBE.transpose(0, 2, 1)),
    "eigvalsh": (np.linalg.eigvalsh, SYMMETRIC),
    "eigh": (lambda x: np.linalg.eigh(x)[1] * np.linalg.eigh(x)[0], SYMMETRIC),
    "eigh upper": (lambda x: np.linalg.eigh(x, "U").eigenvectors ** 2, SYMMETRIC),
    "eig": (lambda x: np.linalg.eig(x)[1] * np.linalg.eig(x)[0], SYMMETRIC),
    "eigvals": (np.linalg.eigvals, SYMMETRIC + 0.1 * SQUARE),
    "svd of tall": (lambda x: _put_together(np.linalg.svd(x, full_matrices=False)), A.T),
    "svd of wide": (lambda x: _put_together(np.linalg.svd(x, full_matrices=False)), A),
    "svd of square": (lambda x: _put_together(np.linalg.svd(x)), SQUARE),
    "svd of several": (lambda x: _put_together(np.linalg.svd(x, full_matrices=False)), CUBE),
    "singular values": (lambda x: np.linalg.svd(x, compute_uv=False), CUBE),
    "norm 3": (lambda x: np.linalg.norm(x, 3, axis=1), A),
    "norm 4": (lambda x: np.linalg.norm(x, ord=4), VECTOR),
    "norm -inf": (lambda x: np.linalg.norm(x, -np.inf, axis=0), A),
    "norm nuc": (lambda x: np.linalg.norm(x, "nuc"), A),
    "norm nuc axes": (lambda x: np.linalg.norm(x, "nuc", axis=(2, 0), keepdims=True), CUBE),
    "spectral norm": (lambda x: np.linalg.norm(x, 2) + np.linalg.norm(x, -2), A),
    "norms by columns and rows": (lambda x: np.linalg.norm(x, 1) * np.linalg.norm(x, np.inf), A),
}  # fmt: skip


def _put_together(usv):
    u, s, vh = usv
    return u**2 @ (np.expand_dims(s, -1) * vh**3)


@pytest.mark.parametrize("name", CASES)
def test_gradients(name):
    f, *xs = CASES[name]
    assert_gradients(f, *xs)


WIDENED = {
    "diff ends",
    "append a list",
    "stack of rows with numbers",
    "a list of tensors",
    "quantile",
}  # as in NumPy: by a list


@pytest.mark.parametrize("name", sorted(CASES.keys() - WIDENED))
def test_keeps_float32(name):
    f, *xs = CASES[name]
    assert_keeps_float32(f, *xs)


@pytest.mark.sampled(quick=35)
@pytest.mark.parametrize("name", CASES)
def test_three_ways(name):
    f, *xs = CASES[name]
    assert_three_ways(lambda xs: np.sum(np.sin(f(*xs))), xs)


ROWS = {
    "sum where": lambda x: np.sum(x**2, axis=1, where=x > 0.5),
    "mean where": lambda x: np.mean(x, axis=1, where=np.abs(x) > 0.1),
    "max initial": lambda x: np.max(x, axis=1, initial=0.5),
    "average": lambda x: np.average(x, axis=1, weights=np.array([1.0, 2, 3, 4])),
    "cumprod": lambda x: np.cumprod(x, axis=1),
    "quantile": lambda x: np.quantile(x, 0.3, axis=1),
    "median": lambda x: np.median(x, axis=1, keepdims=True),
    "partition": lambda x: np.partition(x, 1, axis=1) * np.arange(4),
    "degrees": np.rad2deg,
    "sinc": np.sinc,
    "logaddexp2": lambda x: np.logaddexp2(x, 0.5),
    "nan_to_num": np.nan_to_num,
    "select": lambda x: np.select([x > 1, x < 0], [x**2, x**3], default=2.0),
    "linspace": lambda x: np.linspace(x, 2.0, 3, axis=-1),
    "diff": lambda x: np.diff(x, axis=1, prepend=x[:, :1]),
    "gradient": lambda x: np.gradient(x, axis=1),
    "kron": lambda x: np.kron(x, np.array([[1.0, 2.0]])),
    "cross": lambda x: np.cross(x[:, 1:], x[:, :3] + 1),
    "fliplr": np.fliplr,
    "rot90": lambda x: np.rot90(x, 2),
    "rollaxis": lambda x: np.rollaxis(x, 1),
    "append": lambda x: np.append(x, x[:, :2] ** 2, axis=1),
    "column_stack": lambda x: np.column_stack([x, x[:, 0] ** 2]),
    "dstack": lambda x: np.dstack([x, x**2]),
    "array_split": lambda x: np.array_split(x, 3, axis=1)[0],
    "hsplit": lambda x: np.hsplit(x, 2)[1],
    "atleast_3d": np.atleast_3d,
    "reshape": lambda x: np.reshape(x, (-1, 2, 2), order="F") ** 2,
    "einsum": lambda x: np.einsum(x, [0, 1], np.ones((4, 2)), [1, 2], [0, 2]),
    "norms": lambda x: np.linalg.norm(x, 3, axis=1) + np.linalg.norm(x, -np.inf, axis=1),
    "svd": lambda x: np.linalg.svd(x.reshape(-1, 2, 2), compute_uv=False),
    "pinv": lambda x: np.linalg.pinv(x.reshape(-1, 2, 2)),
    "det": lambda x: np.linalg.det(x.reshape(-1, 2, 2)),
}


@pytest.mark.sampled(quick=9)
@pytest.mark.parametrize("name", ROWS)
def test_rows_of_a_batch(name):
    """Recorded for one number of rows, right for others: what each row gives is its own."""
    w, X = numbers(4, seed=7), numbers(9, 4, seed=8)
    others = [(w, X[:3]), (w, X)]
    assert_three_ways(lambda w, X: np.sum(np.sin(ROWS[name](X * w))), w, X[:6], others=others)


@pytest.mark.parametrize("size", [1, 2, 3, 5])
@pytest.mark.parametrize("zeros", range(1 << 3))
def test_cumprod_is_exact_where_factors_are_zero(size, zeros):
    x = np.array([0.0 if zeros >> i & 1 else i + 2.0 for i in range(size)])
    jacobian = [
        [np.prod(np.delete(x[: i + 1], j)) if j <= i else 0.0 for j in range(size)]
        for i in range(size)
    ]
    np.testing.assert_array_equal(cr.jacobian(np.cumprod)(x), jacobian)


@pytest.mark.parametrize("rank", [0, 1, 2, 3])
def test_det_of_a_singular_matrix(rank):
    """The gradient is the matrix of cofactors; the second derivatives are minors."""
    x = np.diag([2.0, -3.0, 5.0][:rank] + [0.0] * (3 - rank))
    x = SQUARE @ x @ SQUARE.T
    cofactors = [
        [(-1) ** (i + j) * np.linalg.det(np.delete(np.delete(x, i, 0), j, 1)) for j in range(3)]
        for i in range(3)
    ]
    np.testing.assert_allclose(cr.grad(np.linalg.det)(x), cofactors, atol=1e-12)
    assert_gradients(np.linalg.det, x, step=1e-5)


def test_nan_to_num_stops_the_gradient_where_it_replaces():
    x = np.array([1.0, np.nan, np.inf, -np.inf])
    np.testing.assert_array_equal(cr.vjp(np.nan_to_num, x)[0], np.nan_to_num(x))
    np.testing.assert_array_equal(cr.grad(lambda x: np.sum(np.nan_to_num(x)))(x), [1, 0, 0, 0])


def test_a_quantile_of_nan_is_nan():
    x = np.array([1.0, np.nan, 3.0])
    assert np.isnan(cr.vjp(lambda x: np.quantile(x, 0.2), x)[0])


def test_sinc_at_zero():
    assert cr.grad(np.sinc)(0.0) == 0
    assert cr.grad(cr.grad(np.sinc))(0.0) == pytest.approx(-(np.pi**2) / 3)


def test_equal_eigenvalues_have_a_finite_gradient():
    gradient = cr.grad(lambda x: np.sum(np.linalg.eigh(x)[0] ** 2))(np.eye(3))
    np.testing.assert_allclose(gradient, 2 * np.eye(3), atol=1e-14)
    assert np.isfinite(cr.grad(lambda x: np.sum(np.linalg.eigh(x)[1]))(np.eye(3))).all()
    assert np.isfinite(cr.grad(lambda x: np.linalg.norm(x, "nuc"))(np.zeros((2, 3)))).all()


@pytest.mark.parametrize("p", [2, 3, 4, 1.5])
def test_norms_at_zero_have_gradient_zero(p):
    gradient = cr.grad(lambda x: np.linalg.norm(x, p))(np.zeros(3))
    np.testing.assert_array_equal(gradient, np.zeros(3))


REFUSED = {
    "full svd": (lambda x: np.linalg.svd(x), TraceError, "full_matrices=False"),
    "complex eigenvalues": (
        lambda x: np.linalg.eig(x[0, 0] * np.array([[0, 1], [-1, 0]]))[0], TraceError, "complex",
    ),
    "quantile method": (
        lambda x: np.quantile(x, 0.5, method="hazen"), TraceError, "linear, lower",
    ),
    "quantile of tensor": (lambda x: np.quantile(A, x[0, 0]), TraceError, "plain numbers"),
    "quantile share": (lambda x: np.quantile(x, 30), DataError, "from 0 to 1"),
    "gradient coordinates": (
        lambda x: np.gradient(x, np.arange(3.0), axis=0), TraceError, "one number as spacing",
    ),
    "norm of a cube": (lambda x: np.linalg.norm(x[None], 3), TraceError, "3 axes"),
    "matrix norm": (lambda x: np.linalg.norm(x, 3), TraceError, "'nuc'"),
    "max where": (lambda x: np.max(x, where=MASK), TraceError, "initial="),
    "order": (lambda x: x.reshape(-1, order="A"), TraceError, "'C' or 'F'"),
    "cross of two": (lambda x: np.cross(x[:, :2], x[:, :2]), ShapeError, "3 entries"),
    "hsplit": (lambda x: np.hsplit(x[0, 0], 1), ShapeError, "at least 1 axes"),
    "select": (lambda x: np.select([x > 0], [x, x]), ShapeError, "as many conditions"),
    "weights": (
        lambda x: np.average(x, axis=0, weights=np.ones(5)), ShapeError, "weights must have",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_says_why(name):
    f, error, message = REFUSED[name]
    with pytest.raises(error, match=message):
        cr.grad(lambda x: np.sum(f(x)))(A)
