"""Arrays that are written into: views, masks and index arrays share memory as NumPy's do."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.draws import draws
from tests.uber import run_text

import chainrule as cr

SHAPE = (4, 3)

# Statements of a program on arrays `a`, `b` (4, 3), views `v`, `u` (3,) and numbers of parameters.
STATEMENTS = [
    "a[{i}] = {vector}", "a[{i}, {j}] = {number}", "a[:, {j}] = {number}", "a[{i}:] += {number}",
    "a[::2] = a[1::2] * {number}", "a += b", "a *= {number}", "b = a", "b = a.copy()",
    "b = np.copy(a) + {number}", "v = a[{i}]", "v = b[{i}]", "u = v", "v += {vector}",
    "v[{j}] = {number}", "v *= u", "u = a.T[{j}, :3]", "b = a.reshape(3, 4).T",
    "b = a.reshape(-1)[::-1].reshape(4, 3)", "a[a > {number}] = 0.5", "b[b < {number}] *= 0.3",
    "a[np.array([{i}, {k}])] = {vector}", "a[np.array([{i}, {k}]), {j}] += {number}",
    "a[{i}] = a[{k}]", "a[...] = b", "a[:] = {number}", "b.fill({number})", "np.add(a, b, out=a)",
    "a[{i}], a[{k}] = a[{k}].copy(), a[{i}].copy()",
    "np.add.at(a, np.array([{i}, {i}, {k}]), {vector})", "b = np.zeros((4, 3))",
    "b = np.array([v, u, v, v])", "a = np.tanh(a)", "np.copyto(b, a)", "b = np.ones_like(a)",
    "a.T[{j}] = a[:, {l}] + {number}", "u = a[{i}, ::-1]", "b = a[:, None, :][:, 0]",
    "a = a[[{i}, {k}, 0, 1]]", "b = a[{i}:{i} + 1] * np.ones((4, 1))",
    "np.putmask(a, a > 0.5, {number})", "np.fill_diagonal(a, {number})",
    "np.put(a, [{i}, {k}], {number})", "np.put_along_axis(a, np.array([[{i}]]), {number}, 0)",
    "u = np.squeeze(a[{i}:{i} + 1])", "v = np.ravel(b)[3:6]", "v = b.flatten()[:3]",
    "a -= a.mean(axis=0)", "a[:] = a[::-1]", "b[...] = b[:, ::-1]", "a *= a[{i}]",
]  # fmt: skip
NUMBERS = ["w[0]", "w[{i}] * 2", "x[{i}, {j}]", "np.sin(w).sum()", "1.5", "a[{i}, {j}]", "v[{j}]"]
VECTORS = [
    "w[:3]", "x[{i}]", "np.cos(a[{i}])", "v", "u + 1", "b[{k}] * w[1]",
    "np.array([1.0, 2.0, 3.0])",
]  # fmt: skip


@st.composite
def programs(draw):
    def filled(text):
        for part, choices in (("number", NUMBERS), ("vector", VECTORS)):
            while "{" + part + "}" in text:
                text = text.replace("{" + part + "}", draw(st.sampled_from(choices)), 1)
        for letter, size in (("i", 4), ("k", 4), ("j", 3), ("l", 3)):
            text = text.replace("{" + letter + "}", str(draw(st.integers(0, size - 1))))
        return text

    lines = [filled(draw(st.sampled_from(STATEMENTS))) for _ in range(draw(st.integers(1, 9)))]
    return "\n    ".join([
        "def f(w, x):",
        f"a = {draw(st.sampled_from(STARTS))}", f"b = {draw(st.sampled_from(STARTS))}",
        "v, u = a[1], b[2]", *lines,
        "return np.sum(np.sin(a) + b * b) + np.sum(v * np.cos(u)) + np.sum(w)",
    ])  # fmt: skip


STARTS = [
    "np.zeros((4, 3))", "x * 1", "x + w[:3]", "np.ones((4, 3)) * w[:, None]",
    "np.full((4, 3), 0.7)",
]  # fmt: skip


def function_of(text):
    space = {"np": np}
    exec(compile(text, "<program>", "exec"), space)
    return space["f"]


W, X = np.array([0.3, -0.8, 1.1, 0.5]), np.random.default_rng(3).normal(size=SHAPE)


def slope(f, along, h=1e-6):
    return (f(W + h * along, X.copy()) - f(W - h * along, X.copy())) / (2 * h)


def is_smooth(f, along):
    """Return true if differences of two steps agree, so that no mask switches in between."""
    steps = [
        (f(W + h * along, X.copy()) - f(W - h * along, X.copy())) / (2 * h) for h in (1e-4, 1e-6)
    ]
    return np.isfinite(steps).all() and abs(steps[0] - steps[1]) < 1e-4 * (1 + abs(steps[1]))


@draws(50)
@given(programs())
def test_values_and_gradients_are_those_of_numpy(text):
    f = function_of(text)
    with np.errstate(all="ignore"):
        expected = f(W, X.copy())
        value, gradient = cr.value_and_grad(f)(W, X.copy())
    if np.isfinite(expected) and abs(expected) < 1e6:
        np.testing.assert_allclose(value, expected, rtol=1e-12)
        along = np.array([0.6, -0.2, 0.7, 0.3])
        if is_smooth(f, along):
            np.testing.assert_allclose(gradient @ along, slope(f, along), rtol=1e-4, atol=1e-4)


@draws(15)
@given(programs())
def test_programs_and_texts_give_the_same(text):
    graded = cr.value_and_grad(function_of(text))
    with np.errstate(all="ignore"):
        value, gradient = graded(W, X)
        if not np.isfinite(value):
            return
        program = cr.trace(graded)(W, X)
        for road in (program, run_text(program)):
            again = road(W, X)
            np.testing.assert_allclose(again[0], value, rtol=1e-9)
            np.testing.assert_allclose(again[1], gradient, rtol=1e-9, atol=1e-12)


@draws(5)
@given(programs())
def test_compiled_code_gives_the_same(text):
    graded = cr.value_and_grad(function_of(text))
    with np.errstate(all="ignore"):
        value, gradient = graded(W, X)
        if np.isfinite(value):
            again = cr.jit(graded)(W, X)
            np.testing.assert_allclose(again[0], value, rtol=1e-9)
            np.testing.assert_allclose(again[1], gradient, rtol=1e-9, atol=1e-10)


ALIASES = """
def f(w, x):
    a = np.zeros((4, 3))
    b, (v, u) = a, (a[1], a[2])
    a[1] = w[:3]
    v[2] = 4
    u += v
    return np.sum(b * x)
"""


def test_names_of_one_array_share_what_is_written():
    f = function_of(ALIASES)
    assert cr.value_and_grad(f)(W, X)[0] == f(W, X)


def test_of_values_for_one_entry_the_last_one_stays():
    """Rows that repeat pick entries twice, whatever the columns are."""
    rows, columns = np.array([[1], [0], [1]]), np.arange(3)

    def f(w):
        a = np.zeros((2, 3))
        a[rows, columns] = w
        return np.sum(a * a)

    w = np.arange(9.0).reshape(3, 3)
    np.testing.assert_array_equal(cr.grad(f)(w), 2 * w * [[0], [1], [1]])


def test_steps_of_a_recurrence_fill_arrays():
    def f(w):
        def step(h, x):
            h = h.copy()
            h[0] = x * h[1]
            y = np.zeros(2)
            y[0], y[1] = h[0], x
            return h, y

        h, y = cr.scan(step, w, np.arange(1.0, 4))
        return np.sum(h * [1, 2, 3]) + np.sum(y)

    w = np.array([1.0, 2, 3])
    for road in (cr.value_and_grad(f), cr.jit(cr.value_and_grad(f))):
        value, gradient = road(w)
        assert value == (3 * 2 + 2 * 2 + 3 * 3) + (2 + 4 + 6) + (1 + 2 + 3)
        np.testing.assert_array_equal(gradient, [0, 3 + 2 + 6, 3])


SWAPPED = """
def f(w, x):
    a = x + w[:3]
    a[0], a[1] = a[1].copy(), a[0].copy()
    return np.sum(np.sin(a) * x)
"""


def test_an_array_can_be_written_from_a_view_of_itself():
    def f(w, x):
        a = x * w[:3]
        a += 1.0
        b = np.sin(a)
        b[:] = b[::-1]
        return np.sum(b[..., 0] * a[:, 1])

    along = np.array([1.0, -0.5, 0.3, 0.2])
    assert np.sum(cr.grad(f)(W, X.copy()) * along) == pytest.approx(slope(f, along), rel=1e-6)


@pytest.mark.parametrize("index", ["0", "..., 0", "-3"])
@pytest.mark.parametrize("number", ["0.2", "1", "True", "np.float32(0.5)", "len(x)"])
def test_a_number_that_was_written_is_read_as_an_entry(index, number):
    f = function_of(
        f"def f(w, x):\n    v = w[:3] * 2\n    v[{index}] = {number}\n    v[{index}] += w[1]\n"
        f"    v[1] = {number}\n    return np.sum(v * x) + v[1] ** 2"
    )
    value, gradient = cr.value_and_grad(f)(W.copy(), X.copy())
    assert value == pytest.approx(f(W.copy(), X.copy()))
    along = np.array([1.0, -0.5, 0.3, 0.2])
    g = (f(W + 1e-6 * along, X.copy()) - f(W - 1e-6 * along, X.copy())) / 2e-6
    assert np.sum(gradient * along) == pytest.approx(g, rel=1e-6)


def test_a_text_does_not_read_what_it_has_written():
    f = function_of(SWAPPED)
    value, gradient = run_text(cr.trace(cr.value_and_grad(f))(W, X))(W, X)
    np.testing.assert_allclose(value, f(W, X))
    np.testing.assert_allclose(gradient, cr.grad(f)(W, X))


def test_a_single_entry_is_shared_only_where_an_ellipsis_picks_it():
    def f(w, x):
        a = x * w[0]
        v, u = a[0, 0, ...], a[1, 1]
        v += w[1]
        u += w[2]
        return np.sum(a**2) + u

    assert cr.value_and_grad(f)(W, X)[0] == f(W, X)
    np.testing.assert_allclose(cr.grad(f)(W, X) @ W, slope(lambda w, x: f(w, x), W), rtol=1e-6)
