"""Arrays that are written into, compiled: equal to NumPy, and written in place."""

import re

import numpy as np
import pytest
from hypothesis import given, reject
from hypothesis import strategies as st
from tests.draws import draws
from tests.uber import assert_same

import chainrule as cr
from chainrule._src.compile.lower.kernels import function_kernel
from chainrule._src.trace.batch import depends_on_n
from chainrule._src.trace.passes import expand
from chainrule._src.trace.recurrence.summing import prepared
from chainrule._src.trace.tracing import Recorder

RNG = np.random.default_rng(0)
X, W = RNG.normal(size=(6, 5)), RNG.normal(size=5)
DIGITS = {"rtol": 1e-12, "atol": 1e-12}


def kernel_of(f, *args):
    return function_kernel(expand(Recorder(f, args, values=False).alone()))


def entries_moved(kernel, size):
    """Return how many loops over ``size`` entries copy one array to another."""
    copy = rf"for (\w) in range\({size}\):\n +\w+\[\1\] = \w+\[\1\]\n"
    return len(re.findall(copy, kernel.text))


STATEMENTS = [
    "y[{i}] = y[{j}] * w", "y[{i}, {k}] = np.tanh(y[{j}, {k}])", "y[:, {k}] = x[:, {l}] * w[{k}]",
    "y[1:] = y[:-1]", "y[::2] += 1", "y[::-2, 1:3] = w[1:3]", "y[{i}:] = 2",
    "y[:{j}, ::2] = w[{k}]", "y[-3:] *= 0.5", "y[-7:2] = w", "y[{i}::-1] = 1", "y[:{j}:-2] = w",
    "z = y.T", "y[:, {k}] = z[{l}]", "z = y * 2", "y += z[:, :1]",
    "y[np.array([{i}, {j}, {i}])] = x[:3]", "v = y[{i}]", "y[{j}] = v",
    "y[np.arange(len(y)), np.argmax(y, axis=1)] = 0", "y = y * x", "y[{i}][1:] = v[:-1]",
    "y[x > 0.3] = 0.1", "y[[{i}, {j}], [{k}, {l}]] += w[0]", "y[len(y) - 1] = w",
    "y[: len(y) - 1] = 3",
]  # fmt: skip


@st.composite
def programs(draw):
    lines = draw(st.lists(st.sampled_from(STATEMENTS), min_size=1, max_size=7))
    numbers = st.fixed_dictionaries({name: st.integers(0, 4) for name in "ijkl"})
    body = [line.format(**draw(numbers)) for line in lines]
    start = draw(st.sampled_from(["np.zeros(x.shape)", "x * w", "x.copy()"]))
    lines = ["def f(x, w):", f"y = {start}", "z, v = y.T, y[0]", *body]
    return "\n    ".join([*lines, "return np.sum(np.sin(y)) + np.sum(z * z) + np.sum(v * w)"])


@pytest.mark.thorough  # random programs
@draws(15)
@given(programs(), st.booleans())
def test_random_programs(text, square):
    space = {"np": np}
    exec(compile(text, "<program>", "exec"), space)
    x = X[:5] if square else X
    try:
        space["f"](x, W)
    except ValueError:  # of shapes that do not fit
        reject()
    graded = cr.value_and_grad(space["f"], (0, 1))
    expected = graded(x, W)
    assert_same(cr.jit(graded)(x, W), expected, **DIGITS)


@pytest.mark.parametrize("which", [
    np.s_[1:], np.s_[:-1], np.s_[::2], np.s_[1:4], np.s_[2:11:3], np.s_[7:9, 1], np.s_[1::3],
    np.s_[::-2], np.s_[5:1:-2], np.s_[-3:], np.s_[:-3], np.s_[-9:2], np.s_[9:], np.s_[9::-3],
    np.s_[-2:0:-1], np.s_[None, 2:], np.s_[2:, 1], np.s_[1:, [0, 2]], np.s_[..., 1:, 0],
])  # fmt: skip
def test_numbers_along_slices_of_the_samples(which):
    """One kernel serves all numbers of rows, and none writes outside of the slice."""

    def f(x):
        y = x * 1
        y[which] = 7
        return y

    program = Recorder(f, (X,), prepared, lambda path: True, values=False).serving(6)
    assert program is not None
    assert depends_on_n(program.result.shape)
    compiled = cr.jit(f)
    for n in range(2, 13):
        x = RNG.normal(size=(n, 5))
        np.testing.assert_array_equal(compiled(x), f(x))


@pytest.mark.parametrize("which", [np.s_[-9:], np.s_[:9], np.s_[:-9:-1]])
def test_slices_that_have_all_samples_of_small_batches(which):
    def f(x):
        y = x * 1
        y[which] = 7
        return y

    compiled = cr.jit(f)
    for n in (6, 5, 8, 9, 10, 12, 2, 3):
        np.testing.assert_array_equal(compiled(np.ones((n, 2))), f(np.ones((n, 2))))


def test_assignments_are_made_in_place():
    def f(x, w):
        y = x * 2
        for i in range(1, 4):
            y[i * 10 : i * 10 + 3] = np.tanh(y[i : i + 3] * w)
        y[5] = np.sum(y)
        return np.sum(y * y)

    x, w = RNG.normal(size=1000), W[:3]
    kernel = kernel_of(f, x, w)
    assert entries_moved(kernel, 1000) == 0
    assert kernel.text.count("(1000,)") == 2  # x and y
    assert_same(cr.jit(f)(x, w), f(x, w), **DIGITS)


def test_what_is_needed_later_is_not_overwritten():
    def f(x):
        y = x * 2
        before = y.copy()
        y[3] = 1
        after = y * 3
        y[4] = 2
        return np.sum(before * after * y)

    x = RNG.normal(size=40)
    kernel = kernel_of(f, x)
    assert kernel.text.count("range(40)") >= 2
    assert_same(cr.jit(cr.grad(f))(x), cr.grad(f)(x), **DIGITS)


def test_the_gradient_is_written_in_place_too():
    def f(x):
        y = np.tanh(x)
        for i in range(5):
            y[i] = x[i] * 3
        y[::2] = x[7]
        return np.sum(y * y)

    x = RNG.normal(size=100)
    assert entries_moved(kernel_of(cr.grad(f), x), 100) == 0
    assert_same(cr.jit(cr.grad(f))(x), cr.grad(f)(x), **DIGITS)


def test_values_are_computed_where_they_are_written():
    def f(x):
        y = np.zeros(100)
        y[20:30] = np.exp(x) * 2
        return y

    assert re.search(r"\[j \+ 20\] = exp\(x\[j\]\) \* 2\.0", kernel_of(f, X[0, :1].repeat(10)).text)


def test_a_value_for_several_entries_is_computed_once():
    def f(x):
        y = np.zeros((50, 10))
        y[5:] = np.exp(x)
        return y

    text = kernel_of(f, X[0, :1].repeat(10)).text
    assert re.search(r"for (\w) in range\(10\):\n +\w+\[\1\] = exp\(x\[\1\]\)", text)


@pytest.mark.parametrize("rows", [40, 100])
def test_gradients_of_parts_are_added_in_place(rows):
    """Each part of an array that is read adds to its gradient; at most one array is zeroed."""

    def f(x):
        y = np.tanh(x)
        return np.sum(y * y) + sum(np.sum(y[i : i + 5] ** 2) for i in range(3, 30, 4))

    x = RNG.normal(size=rows)
    text = kernel_of(cr.grad(f), x).text
    assert text.count("[j] = 0.0") <= 1
    assert len(re.findall(r"\[\w \+ \d+\] \+= ", text)) == 7
    assert text.count(f"range({rows})") <= 3
    assert_same(cr.jit(cr.grad(f))(x), cr.grad(f)(x), **DIGITS)
