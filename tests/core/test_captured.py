"""Arrays from outside that are written to later: NumPy's numbers, or an error with the line."""

import re
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.uber import run_text

import chainrule as cr
from chainrule._src.core.captured import LARGE as BYTES
from chainrule.errors import TraceError

LARGE = BYTES // 8 + 1  # entries of float64


def masked(w):
    mask, total = np.zeros(len(w)), 0.0
    for k in range(3):
        mask[:] = 0
        mask[k] = 1
        total = total + (k + 1) * np.sum(w * mask)
    return total


class Model:
    def __init__(self, size):
        self.mask = np.ones(size)

    def loss(self, w):
        first = np.sum(w * self.mask)
        self.mask[0] = 5.0
        return first + np.sum(w * self.mask)


def shuffled(w):
    order, total = np.arange(2 * LARGE), 0.0
    for seed in range(2):
        np.random.default_rng(seed).shuffle(order)
        total = total + np.sum(w * order[: len(w)])
    return total


def sorted_in_place(w):
    order = np.arange(len(w), 0, -1)
    first = np.sum(w * order)
    order.sort()
    return first + np.sum(w * order)


def accumulated(w):
    total = np.zeros(len(w))
    value = 0.0
    for k in range(3):
        total += k
        value = value + np.sum(w * total)
    return value


def summed(w, X):
    value = np.sum(w * X)
    X[:] = 0
    return value


SMALL_ONES = [masked, lambda w: Model(len(w)).loss(w), shuffled, sorted_in_place, accumulated]


@pytest.mark.parametrize("f", SMALL_ONES)
def test_small_arrays_are_taken_as_they_were(f):
    w = np.arange(1.0, 6.0)
    value, gradient = cr.value_and_grad(f)(w)
    assert value == f(w)
    for k in range(5):
        assert gradient[k] == pytest.approx(f(w + np.eye(5)[k]) - f(w))
    graded = cr.value_and_grad(f)
    for road in (cr.jit(graded), cr.trace(graded)(w), run_text(cr.trace(graded)(w))):
        np.testing.assert_allclose(road(w)[1], gradient, rtol=1e-13)
    np.testing.assert_allclose(cr.vmap(f)(np.stack([w, 2 * w])), [f(w), f(2 * w)])


MODEL = Model(LARGE)


def of_a_model(w):
    return MODEL.loss(w)


@pytest.mark.parametrize("f", [masked, lambda w: Model(len(w)).loss(w), accumulated])
def test_a_large_one_that_the_function_makes_may_be_written_to(f):
    w = np.linspace(0, 1, LARGE)
    value, gradient = cr.value_and_grad(f)(w)
    assert value == pytest.approx(f(w))
    for k in (0, 1, 2, LARGE - 1):
        unit = np.zeros(LARGE)
        unit[k] = 1
        assert gradient[k] == pytest.approx(f(w + unit) - f(w), abs=1e-4)


@pytest.mark.parametrize("road", [cr.grad, cr.jit, lambda f: cr.trace(cr.grad(f))])
@pytest.mark.parametrize(
    ("f", "name", "line"),
    [
        (shuffled, "order", "np.random.default_rng(seed).shuffle(order)"),
        (sorted_in_place, "order", "order.sort()"),
        (of_a_model, "self.mask", "self.mask[0] = 5.0"),
    ],
)
def test_a_write_to_a_large_one_is_refused_with_its_name_and_line(road, f, name, line):
    said = f"`{re.escape(line)}`: {re.escape(name)} is written to after a recorded operation"
    with pytest.raises(TraceError, match=said):
        road(f)(np.ones(LARGE))


def test_data_that_the_function_overwrites_are_captured_too():
    X = np.ones(3)
    np.testing.assert_array_equal(cr.grad(summed)(np.ones(3), X), [1, 1, 1])
    large = np.ones(LARGE)
    assert (cr.grad(summed)(large, large.copy()) == 1).all()


@pytest.mark.parametrize("size", [3, LARGE])
def test_a_pullback_and_tensors_do_not_change_with_their_arrays(size):
    x, factor = np.ones(size), np.full(size, 2.0)
    _, pullback = cr.vjp(lambda x: x * x * factor, x)
    x[:] = factor[:] = 9.0
    assert (pullback(np.ones(size))[0] == 4).all()
    tensor, factor = cr.Tensor(np.ones(size)), np.full(size, 2.0)
    total = np.sum(tensor * factor)
    factor[:] = 9.0
    total.backward()
    assert (tensor.grad == 2).all()


@pytest.mark.parametrize("size", [3, LARGE])
def test_a_program_owns_its_constants(size):
    factor = np.arange(1.0, size + 1)
    expected = factor.copy()
    program = cr.trace(cr.grad(lambda w: np.sum(w * factor)))(np.ones(size))
    compiled = cr.jit(lambda w: w * factor)
    compiled(np.ones(size))
    factor[:] = 0
    np.testing.assert_array_equal(program(np.ones(size)), expected)
    np.testing.assert_array_equal(compiled(np.ones(size)), expected)


@pytest.mark.parametrize("fails", [False, True])
def test_arrays_can_be_written_to_afterwards(fails):
    base = np.ones((2, LARGE))
    base.flags.writeable = True
    frozen = np.ones(LARGE)
    frozen.flags.writeable = False
    rows = base[0], base[1, :]

    def f(w):
        total = np.sum(w * rows[0]) + np.sum(w * base[1]) + np.sum(w * frozen)
        if fails:
            raise KeyError("of the user")
        return total

    try:
        cr.grad(f)(np.ones(LARGE))
    except KeyError:
        assert fails
    assert base.flags.writeable
    assert all(row.flags.writeable for row in rows)
    assert not frozen.flags.writeable


def test_memory_that_numpy_could_not_unlock_is_copied():
    frozen = np.frombuffer(bytes(8 * LARGE))
    np.testing.assert_array_equal(cr.grad(lambda w: np.sum(w * frozen))(np.ones(LARGE)), frozen)
    memory = bytearray(8 * LARGE)
    unlocked = np.frombuffer(memory)
    cr.grad(lambda w: np.sum(w * unlocked))(np.ones(LARGE))
    unlocked[0] = 1.0


def test_an_error_of_a_read_only_array_of_ones_own_stays_numpys():
    frozen = np.ones(3)
    frozen.flags.writeable = False

    def f(w):
        frozen[0] = 2
        return np.sum(w * frozen)

    with pytest.raises(ValueError, match="read-only"):
        cr.grad(f)(np.ones(3))


def test_threads_share_an_array():
    X = np.ones((LARGE, 2))
    gradients = []

    def work():
        for _ in range(20):
            gradients.append(cr.grad(lambda w: np.sum(X @ w))(np.ones(2)))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(gradients) == 80
    assert all((g == LARGE).all() for g in gradients)
    assert X.flags.writeable


def test_the_value_of_a_pullback_may_be_written_into():
    x = np.linspace(0.1, 1, 3)
    for f in (np.exp, np.sqrt, cr.softmax, lambda x: 1 / x, lambda x: np.exp(x)[::-1]):
        value, pullback = cr.vjp(f, x)
        expected = pullback(np.ones(3))[0].copy()
        value -= 1
        np.testing.assert_array_equal(pullback(np.ones(3))[0], expected)


def test_a_lock_ends_with_the_last_recording_that_has_it():
    shared = np.ones(LARGE)
    inside, done = threading.Event(), threading.Event()

    def waiting(w):
        total = np.sum(w * shared)
        inside.set()
        done.wait(20)
        return total

    thread = threading.Thread(target=lambda: cr.grad(waiting)(np.ones(LARGE)))
    thread.start()
    inside.wait(20)

    def writing(w):
        total = np.sum(w * w * shared[:])
        done.set()
        thread.join()
        shared[:] = 7
        return total

    with pytest.raises(TraceError, match="shared is written to"):
        cr.grad(writing)(np.ones(LARGE))
    assert shared.flags.writeable


def test_a_writable_view_of_a_read_only_array_is_copied():
    base = np.zeros(2 * LARGE)
    view, before, after = base[::2], np.zeros(LARGE), np.zeros(LARGE)
    base.flags.writeable = False
    w = np.ones(LARGE)
    cr.grad(lambda w: np.sum(w * before) + np.sum(w * view) + np.sum(w * after))(w)
    assert all(array.flags.writeable for array in (before, view, after))


def test_a_write_is_refused_by_the_name_of_the_array_that_the_line_mentions():
    data, masks = np.ones(LARGE), {"first": np.zeros(LARGE)}

    def f(w):
        total = np.sum(w * data) + np.sum(w * masks["first"])
        masks["first"][0] = 1
        return total

    with pytest.raises(TraceError, match=r"masks\['first'\] is written to"):
        cr.grad(f)(np.ones(LARGE))


@pytest.mark.parametrize("error", [ValueError("the database is read-only"), KeyError("writable")])
def test_other_errors_stay_what_they_are(error):
    data = np.ones(LARGE)

    def f(w):
        total = np.sum(w * data)
        if np.shape(total) == ():
            raise error
        return total

    with pytest.raises(type(error), match=str(error.args[0])):
        cr.grad(f)(np.ones(LARGE))


@settings(max_examples=25)
@given(st.lists(st.integers(0, 3), min_size=1, max_size=6), st.booleans())
def test_writes_between_operations(places, views):
    def f(w):
        buffer, total = np.ones(4), 0.0
        seen = buffer[:] if views else buffer
        for k, place in enumerate(places):
            total = total + np.sum(w * w * seen) * (k + 1)
            buffer[place] += k + 0.5
        return total

    w = np.arange(1.0, 5.0)
    differences = [(f(w + e) - f(w - e)) / 2 for e in np.eye(4)]  # exact: f is quadratic
    np.testing.assert_allclose(cr.grad(f)(w), differences, rtol=1e-12)
    np.testing.assert_allclose(cr.jit(cr.grad(f))(w), differences, rtol=1e-12)
