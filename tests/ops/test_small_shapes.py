"""Every function on numbers, vectors, single and no entries: NumPy's value, the input's shape."""

import operator
from itertools import product

import numpy as np
import pytest
from tests.uber import assert_gradients, assert_three_ways

import chainrule as cr
from chainrule._src.core.primitive import NUMPY
from chainrule._src.ops.special import SPECIAL
from chainrule._src.trace.tracing import trace

SHAPES = [(), (1,), (3,), (1, 1), (1, 3), (3, 1), (2, 2), (1, 2, 1), (0,), (0, 2)]
TWO = {
    "dot", "inner", "outer", "vdot", "solve", "append", "isclose", "allclose", "linspace", "kron",
    "matmul",
    "vecdot", "polyval", "convolve", "array_equal", "array_equiv", "polyadd", "polysub", "polymul",
    "correlate", "geomspace", "logspace",
}  # fmt: skip
CALLS = {
    "concatenate": lambda f, x: f([x, 2 * x]),
    "stack": lambda f, x: f([x, 2 * x], axis=-1),
    "vstack": lambda f, x: f([x, 2 * x]),
    "hstack": lambda f, x: f([x, 2 * x]),
    "where": lambda f, x: f(x > 0.5, x, 2 * x),
    "clip": lambda f, x: f(x, 0.1, 0.6),
    "take": lambda f, x: f(x, [0, 0]),
    "take_along_axis": lambda f, x: f(x, np.zeros(np.shape(x), int), axis=-1),
    "reshape": lambda f, x: f(x, -1),
    "broadcast_to": lambda f, x: f(x, (2, *np.shape(x))),
    "expand_dims": lambda f, x: f(x, -1),
    "swapaxes": lambda f, x: f(x, 0, -1),
    "moveaxis": lambda f, x: f(x, 0, -1),
    "roll": lambda f, x: f(x, 1),
    "tile": lambda f, x: f(x, 2),
    "repeat": lambda f, x: f(x, 2),
    "split": lambda f, x: f(x, 1)[0],
    "pad": lambda f, x: f(x, 1),
    "sliding_window_view": lambda f, x: f(x, np.shape(x)),
    "tensordot": lambda f, x: f(x, x, axes=min(np.ndim(x), 1)),
    "einsum": lambda f, x: f("...,...->...", x, x),
    "argpartition": lambda f, x: f(x, 0),
    "partition": lambda f, x: f(x, -1),
    "quantile": lambda f, x: f(x, 0.3),
    "percentile": lambda f, x: f(x, [0, 40, 100], axis=-1),
    "array_split": lambda f, x: f(x, 2)[0],
    "hsplit": lambda f, x: f(x, 1)[0],
    "vsplit": lambda f, x: f(x, 1)[0],
    "dsplit": lambda f, x: f(x, 1)[0],
    "eigh": lambda f, x: f(x)[1],
    "eig": lambda f, x: f(x + x.T)[1],
    "svd": lambda f, x: f(x, full_matrices=False)[0],
    "eigvals": lambda f, x: f(x + x.T),
    "select": lambda f, x: f([x > 0.5], [x]),
    "gradient": lambda f, x: f(x, axis=-1),
    "cross": lambda f, x: f(x, x + 0.25),
    "matrix_power": lambda f, x: f(x, 2),
    "meshgrid": lambda f, x: f(x, x)[1],
    "divmod": lambda f, x: f(x, x + 0.25)[1],
    "rollaxis": lambda f, x: f(x, -1),
    "cumprod": lambda f, x: f(x, axis=-1),
    "cumsum": lambda f, x: f(x, axis=0),
    "slogdet": lambda f, x: f(x)[1],
    "invert": lambda f, x: f(x > 0.5),
    "bitwise_and": lambda f, x: f(x > 0.5, x > 0.3),
    "bitwise_or": lambda f, x: f(x > 0.5, x > 0.3),
    "bitwise_xor": lambda f, x: f(x > 0.5, x > 0.3),
    "broadcast_arrays": lambda f, x: f(x, x[None])[0],
    "empty_like": lambda f, x: 0 * np.nan_to_num(f(x)),
    "copyto": lambda f, x: (y := np.copy(x), f(y, 2 * x))[0],
    "setitem": lambda f, x: (y := np.copy(x), f(y, ..., 2 * x))[0],
    "iadd": lambda f, x: f(np.copy(x), x),
    "astype": lambda f, x: f(x, np.float64),
    "tensorsolve": lambda f, x: f(x + np.eye(len(x)), x[0]),
    "tensorinv": lambda f, x: f(x, 1),
    "qr": lambda f, x: f(x)[1],
    "lstsq": lambda f, x: f(x, x[:, 0] + 0.25)[0],
    "nanquantile": lambda f, x: f(x, 0.3),
    "nanpercentile": lambda f, x: f(x, 40, axis=-1),
    "polydiv": lambda f, x: f(x, x[:1])[0],
    "polyfit": lambda f, x: f(x, x + 0.25, 0),
    "choose": lambda f, x: f(np.zeros(np.shape(x), int), [x, 2 * x]),
    "piecewise": lambda f, x: f(x, [x > 0.5], [np.exp, 2.0]),
    "compress": lambda f, x: f([True], x),
    "extract": lambda f, x: f(np.ones(np.shape(x)), x),
    "delete": lambda f, x: f(x, 0, axis=-1),
    "insert": lambda f, x: f(x, 0, x.flat[0]),
    "resize": lambda f, x: f(x, (2, 2)),
    "apply_along_axis": lambda f, x: f(np.cumsum, -1, x),
    "apply_over_axes": lambda f, x: f(np.sum, x, [-1]),
    "unstack": lambda f, x: f(x)[0],
    "cumulative_sum": lambda f, x: f(x, axis=-1, include_initial=True),
    "cumulative_prod": lambda f, x: f(x, axis=-1),
    "cov": lambda f, x: f(x, ddof=0),
    "modf": lambda f, x: f(3 * x)[0],
    "interp": lambda f, x: f(x, [0.0, 0.4, 1.0], [1.0, 3.0, 2.0]),
    "ldexp": lambda f, x: f(x, 3),
}


def call(function, x):
    """Apply a NumPy function to ``x``, as all its operands if it takes several."""
    name = function.__name__
    ufunc = getattr(function, "__self__", None)
    if isinstance(ufunc, np.ufunc):
        return of_ufunc(name, function, ufunc, x)
    if name in CALLS:
        return CALLS[name](function, x)
    operands = getattr(function, "nin", 2 if name in TWO else 1)
    return function(x, *[x + 0.25] * (operands - 1))


def of_ufunc(name, function, ufunc, x):
    """Apply a method of a ufunc, to truth values where the ufunc takes no others."""
    x = x if {"dd->d", "dd->?"} & {*ufunc.types} else x > 0.5
    if name == "at":
        y = np.copy(x)
        function(y, 0, 1.0)
        return y
    return function(x, x[..., :1]) if name == "outer" else function(x, axis=-1)


WRITING = {
    operator.setitem, operator.iadd, np.copyto, np.putmask,
    np.fill_diagonal, np.put, np.put_along_axis,
}  # fmt: skip
OTHERS = {*SPECIAL.numpy, list, operator.getitem, *WRITING}
COVERED = [function for function in NUMPY if function not in OTHERS]


@pytest.mark.sampled(quick=80)
@pytest.mark.parametrize("function", COVERED, ids=lambda f: f.__qualname__)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # outside a domain, or of nothing: NaN
@pytest.mark.filterwarnings("error::DeprecationWarning")  # what NumPy will refuse is refused
def test_every_function_on_every_small_shape(function):
    tried = 0
    for shape in SHAPES:
        x = np.random.default_rng(7).uniform(0.2, 0.9, size=shape)
        try:
            expected = call(function, x)
        except (ValueError, TypeError, IndexError, DeprecationWarning):
            continue
        tried += 1
        value, pullback = cr.vjp(lambda x: call(function, x), x)
        (gradient,) = pullback(np.ones(np.shape(value)))
        assert np.shape(gradient) == shape
        for y in (value, trace(lambda x: call(function, x))(x)(x)):
            assert np.shape(y) == np.shape(expected), shape
            np.testing.assert_allclose(y, expected, rtol=1e-13)
    assert tried


INDICES = {
    "number": 1,
    "numpy number": np.int64(-1),
    "slice": slice(None, None, -1),
    "none": None,
    "ellipsis": ...,
    "list": [0, 0, 2],
    "tuple in a tuple": ((0, 0, 2),),
    "nested lists": [[0, 2], [2, 2]],
    "range": range(2),
    "empty list": [],
    "array": np.array([2, 2, 0]),
    "array without axes": np.array(1),
    "mask": np.array([True, False, True]),
    "mask as a list": [True, False, True],
    "true": True,
    "numpy false": np.False_,
    "pairs": ((0, 0), [1, 1]),
    "pairs apart": ((0, 0), None, (1, 1)),
    "number and tuple": (1, (2, 2)),
    "slice and array": (slice(1, None), np.array([0, 0])),
    "mask and tuple": ([True, False, True], (1, 1)),
    "two masks": ([True, False, True], np.array([False, True, True])),
    "nothing": (),
}


@pytest.mark.parametrize("name", INDICES)
def test_every_kind_of_index_adds_up_where_it_repeats(name):
    x = np.random.default_rng(1).normal(size=(3, 3))
    index = INDICES[name]
    # By definition: entry i of x is taken as often as its number stands in the indexed numbers.
    numbers = np.arange(9).reshape(3, 3)[index]
    weights = np.random.default_rng(2).normal(size=np.shape(numbers))
    expected = np.bincount(np.ravel(numbers), np.ravel(weights), minlength=9).reshape(3, 3)
    np.testing.assert_array_equal(cr.vjp(lambda x: x[index], x)[0], x[index])
    np.testing.assert_allclose(cr.grad(lambda x: np.sum(x[index] * weights))(x), expected)
    assert_gradients(lambda x: x[index] ** 3, x)


@pytest.mark.parametrize("subscripts", ["ij,jk->ik", "ij,jk->j", "ij,jk", "ij,jk->", "ij,jk->ijk"])
def test_einsum_over_axes_of_size_one(subscripts):
    rng = np.random.default_rng(0)
    for j, other in product((1, 3), repeat=2):
        a, b = rng.normal(size=(2, j)), rng.normal(size=(other, 2))
        assert_gradients(lambda a, b: np.einsum(subscripts, a, b), a, b)


WRAPS = {"number": float, "array": np.asarray, "vector": lambda a: np.full(2, a)}


@pytest.mark.parametrize("wrap", WRAPS.values(), ids=WRAPS)
@pytest.mark.parametrize("x", [2.0, 0.7, 0.0])
@pytest.mark.parametrize("p", [0.0, 1.0, 2.0, 3.0])
def test_second_derivatives_of_a_power(x, p, wrap):
    """Against the formulas, where they are finite."""

    def second(first, then):
        def slope(x, p):
            return np.sum(cr.grad(lambda x, p: np.sum(x**p), first)(x, p))

        return np.mean(cr.grad(slope, then)(wrap(x), wrap(p)))

    assert second(0, 0) == pytest.approx(p * (p - 1) * x ** (p - 2) if p > 1 else 0)
    if x > 0:
        assert second(0, 1) == pytest.approx(x ** (p - 1) * (1 + p * np.log(x)))
        assert second(1, 0) == pytest.approx(x ** (p - 1) * (1 + p * np.log(x)))
        assert second(1, 1) == pytest.approx(x**p * np.log(x) ** 2)


@pytest.mark.parametrize("shape", [(0,), (0, 2), (3, 0, 2)])
def test_no_entries_reshaped_and_joined(shape):
    """Compiled too: there is nothing to move, and the rest moves as before."""

    def loss(w):
        nothing = np.zeros(shape) * np.sum(w)
        return np.sum(np.concatenate([np.ravel(nothing), np.sin(w), np.reshape(nothing, -1)]))

    assert_three_ways(loss, np.arange(1.0, 4.0))
