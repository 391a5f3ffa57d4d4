"""Python's numbers as arguments: results have the dtype of NumPy's own run on every road."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.draws import draws
from tests.uber import run_text

import chainrule as cr
from chainrule._src.core.tensor import Level, Tensor
from chainrule._src.core.trees import map_leaves
from chainrule._src.core.weak import Weak, as_value, innermost
from chainrule._src.text.text import function_text
from chainrule.errors import CompileError

DTYPES = ["bool", "int8", "uint8", "int32", "int64", "float32", "float64"]
EXPRESSIONS = [
    "x * s", "s + x", "x - s", "s - x", "x / (s + 4)", "x ** 2 * s", "x // (s + 4)", "x % (s + 4)",
    "x > s", "s <= x", "x == s", "s * 2", "s * t * x", "(s + t) * x", "-s * x", "+s * x",
    "s / 8 * x", "abs(s) * x", "np.abs(s) * x",
    "np.exp(s) * x", "np.multiply(s, t) * x", "np.negative(s) * x",
    "np.maximum(x, s)", "np.fmin(s, x)", "np.where(x > 0, x, s)", "np.where(x > 0, s, t)",
    "np.hypot(x, s)", "np.arctan2(s, x)", "np.logaddexp(x, s)", "np.sum(x) * s", "np.mean(x) + s",
    "np.sum(x * s)", "x[0] * s", "np.sqrt(np.abs(x)) * s", "np.clip(x, s, s + 3)", "np.tanh(x) * s",
    "np.outer(x, s)", "np.stack([x * s, x])", "np.full_like(x, s)", "np.float64(2) * s * x",
    "np.float32(2) * s * x", "(s > 1) * x", "(s > 1) + x", "np.sign(s) * x", "np.float_power(x, s)",
    "np.square(s) * x", "s ** 2 * x", "2 ** s + x", "np.add(x, s)", "np.power(x + 1, s)",
]  # fmt: skip
NUMBERS = st.one_of(st.sampled_from([0, 1, 3, 0.5, 2.0, 1.25, True, False]), st.integers(0, 5))


def entries(dtype):
    return np.array([1, 0, 3, 2]).astype(dtype)


def function(texts):
    """Return a function of all expressions, which gives their values by the text."""
    inside = ", ".join(f"{text!r}: {text}" for text in texts)
    return eval(f"lambda x, s, t: {{{inside}}}", {"np": np})


def eager(f):
    def run(*args):
        level = Level(records_all=True)
        results = f(*(Tensor.made(as_value(each), level) for each in args))
        return map_leaves(lambda leaf: innermost(leaf), results)

    return run


def gradient(f):
    """Return what a function gives while something else is differentiated."""
    return lambda *args: cr.value_and_grad(lambda w: (w, f(*args)), has_aux=True)(1.0)[0][1]


def traced(f):
    return lambda *args: cr.trace(f)(*args)(*args)


def text(f):
    def run(*args):
        space = {"np": np}
        exec(function_text(cr.trace(f)(*args), "f", ""), space)
        return space["f"](*args)

    return run


def compiled(f):
    """Return the function compiled, or None for dtypes that kernels do not work on."""

    def run(*args):
        try:
            return cr.jit(f)(*args)
        except CompileError as error:
            if "float16" not in str(error) and "bool numbers" not in str(error):
                raise
            return None

    return run


ROADS = {"eager": eager, "gradient": gradient, "trace": traced, "text": text, "jit": compiled}


def numpys(f, args):
    """Return NumPy's results, or None where it refuses."""
    try:
        return f(*args)
    except (TypeError, OverflowError, ZeroDivisionError, ValueError):
        return None


@given(
    st.sampled_from(DTYPES), NUMBERS, NUMBERS,
    st.lists(st.sampled_from(EXPRESSIONS), min_size=1, max_size=4), st.sampled_from(list(ROADS)),
)  # fmt: skip
@example("float32", 2.0, 1.25, EXPRESSIONS, "jit")
@example("float32", 3, 2, EXPRESSIONS, "jit")
@example("int8", 2.0, 3, EXPRESSIONS, "text")
@example("float32", True, 2, EXPRESSIONS, "eager")
@draws(20)
def test_results_have_numpys_dtype(dtype, s, t, texts, road):
    args = entries(dtype), s, t
    with np.errstate(all="ignore"):
        known = [text for text in texts if numpys(function([text]), args) is not None]
        f = function(known)
        results = ROADS[road](f)(*args) if known else None
        if results is not None:
            for name, expected in f(*args).items():
                assert_same(results[name], expected, f"{name} {road}")


def assert_same(got, expected, what):
    got, expected = np.asarray(got), np.asarray(expected)
    assert (got.dtype, got.shape) == (expected.dtype, expected.shape), what
    digits = 0 if expected.dtype.kind != "f" else 8 * np.finfo(expected.dtype).eps
    np.testing.assert_allclose(got, expected, rtol=digits, atol=digits, err_msg=what)


X = np.array([1.0, 0.5, 2.0], np.float32)


def loss(w, x):
    return np.sum(np.tanh(x * w) * abs(w))


GRADIENTS = {
    "eager": lambda f: f,
    "trace": lambda f: lambda *args: cr.trace(f)(*args)(*args),
    "text": lambda f: lambda *args: run_text(cr.trace(f)(*args))(*args),
    "jit": cr.jit,
}


@pytest.mark.parametrize("w", [2.0, 2, np.float64(2.0), np.float32(2.0)])
@pytest.mark.parametrize("road", GRADIENTS)
def test_a_parameter_of_pythons_has_a_gradient_of_numpys(road, w):
    """The value has the dtype of NumPy's run, the gradient that of the parameter as an array."""
    value, gradient = GRADIENTS[road](cr.value_and_grad(loss))(w, X)
    assert_same(value, loss(w, X), road)
    expected = np.float32 if isinstance(w, np.float32) else np.float64
    exact = cr.grad(loss)(np.float64(w), X.astype(np.float64))
    assert np.asarray(gradient).dtype == expected
    np.testing.assert_allclose(gradient, exact, rtol=1e-6)


@pytest.mark.parametrize("w", [2.0, 3])
def test_eager_gradients_of_numbers_are_numpys(w):
    value, gradient = cr.value_and_grad(lambda w: w * 2)(w)
    assert (type(value), type(gradient)) == (np.float64, np.float64)
    assert type(cr.grad(cr.grad(lambda w: w**3))(w)) is np.float64


def test_a_division_by_zero_is_numpys():
    """The number is another in the next run, where Python would raise an error."""
    program = cr.trace(lambda x, s: (x * (1 / s), (s - 3) ** 0.5 * x))(X, 4.0)
    with np.errstate(all="ignore"):
        quotients, roots = program(X, 0.0)
    assert np.isinf(quotients).all()
    assert np.isnan(roots).all()
    assert (quotients.dtype, roots.dtype) == (np.float32, np.float32)


def test_numbers_of_python_and_numpy_are_two_recordings():
    f = cr.jit(lambda x, s: x * s)
    for s in (2.0, np.float64(2.0), 2, np.int64(2), 3.0, np.float32(3.0), True):
        assert_same(f(X, s), X * s, repr(s))


def test_whole_numbers_that_do_not_fit_are_refused_as_in_numpy():
    f, x = cr.jit(lambda x, s: x + s), np.arange(3, dtype=np.int8)
    assert_same(f(x, 3), x + 3, "")
    with pytest.raises(OverflowError, match="300"):
        f(x, 300)
    compare = cr.jit(lambda x, s: x > s)
    for s in (1, 300, -300):
        assert_same(compare(x, s), x > s, str(s))


def test_numbers_for_all_examples_and_steps():
    rows = np.stack([X, 2 * X])
    scaled = cr.vmap(lambda x, s: x * s, in_axes=(0, None))

    def decayed(x, s):
        return cr.scan(lambda c, v: (c * s + v, c * s), np.float32(0), x)[1]

    for f, x in ((scaled, rows), (decayed, X)):
        for road in (lambda f: f, traced, cr.jit):
            assert road(f)(x, 0.5).dtype == np.float32
    assert cr.jit(cr.vmap(decayed, in_axes=(0, None)))(rows, 0.5).dtype == np.float32
    value, gradient = cr.jit(cr.value_and_grad(lambda s, x: np.sum(decayed(x, s))))(0.5, X)
    assert (value.dtype, gradient.dtype) == (np.float32, np.float64)


def test_what_numpy_makes_of_such_a_number():
    number = Weak(2.0)
    assert type(number * 3) is type(-number) is Weak
    assert type(np.exp(number)) is type(np.sum(number)) is np.float64
    assert (X * number).dtype == np.where(X > 1, X, number).dtype == np.float32
    assert np.stack([number, X[0]]).dtype == np.float64
    assert (float(number), int(number), bool(number), repr(number)) == (2.0, 2, True, "2.0")
    assert X[Weak(1)] == 0.5
