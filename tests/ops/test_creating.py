"""NumPy's creation functions are replaced for the recorded code alone, and only while it runs."""

import threading

import numpy as np
import pytest

import chainrule as cr
from chainrule._src.ops.creating import _CREATED
from chainrule._src.ops.fillable import Fillable
from chainrule.errors import TraceError

ORIGINAL = {name: getattr(np, name) for name in _CREATED}


@pytest.fixture(autouse=True)
def _restored():
    yield
    assert {name: getattr(np, name) for name in _CREATED} == ORIGINAL


def test_they_are_restored_after_errors_and_nested_recordings():
    def inner(w):
        a = np.zeros(2)
        a[0] = w
        return a.sum()

    def outer(w):
        slope = cr.grad(inner)(w)
        b = np.zeros(2)
        b[1] = w * slope
        return b.sum()

    assert cr.grad(outer)(3.0) == 1.0
    with pytest.raises(ZeroDivisionError):
        cr.grad(lambda w: 1 / 0)(1.0)


def test_other_threads_get_plain_arrays():
    kinds, recording, asked = [], threading.Event(), threading.Event()

    def other():
        recording.wait(10)
        kinds.append(type(np.zeros(3)))
        asked.set()

    def f(w):
        recording.set()
        asked.wait(10)
        kinds.append(type(np.zeros(3)))
        return w * 2

    thread = threading.Thread(target=other)
    thread.start()
    cr.grad(f)(1.0)
    thread.join()
    assert kinds == [np.ndarray, Fillable]


def test_libraries_get_plain_arrays():
    seen = []

    def f(w):
        library = {"np": np, "seen": seen}
        code = "seen.append(type(np.ones(3)))"
        exec(compile(code, f"{np.__file__}/../../site-packages/library/file.py", "exec"), library)
        return w * 2

    cr.grad(f)(1.0)
    assert seen == [np.ndarray]


def test_an_array_that_the_function_keeps_holds_numbers_afterwards():
    kept = {}

    def f(w):
        a = np.zeros((2, 3))
        kept["a"], kept["row"] = a, a[1]
        a[1] = w * 2
        return a.sum()

    cr.grad(f)(np.array([1.0, 2.0, 3.0]))
    np.testing.assert_array_equal(kept["a"], [[0, 0, 0], [2, 4, 6]])
    np.testing.assert_array_equal(kept["row"], [2, 4, 6])
    assert (np.asarray(kept["a"]) + 1).sum() == 18


def test_an_array_of_an_outer_recording_takes_what_an_inner_one_writes():
    def f(w):
        a = np.zeros(2)

        def inner(v):
            a[0] = v * w
            return a[0] ** 2

        slope = cr.grad(inner)(3.0)  # 2 v w²
        return slope * a[0]  # 2 v² w³

    assert cr.grad(f)(2.0) == pytest.approx(6 * 9 * 4)


@pytest.mark.parametrize("road", [lambda f: f, cr.jit])
def test_second_derivatives(road):
    def f(w):
        a = np.zeros(3)
        a[:2] = w**3
        a[2] = w[0] * w[1]
        a *= a
        return np.sum(a)

    w = np.array([0.5, -1.5])
    expected = cr.hessian(lambda w: np.sum(w**6) + (w[0] * w[1]) ** 2)(w)
    np.testing.assert_allclose(road(cr.hessian(f))(w), expected, rtol=1e-9)


def test_data_are_filled_as_numpy_fills_them():
    def f(w, X):
        X -= X.mean(axis=0)
        return np.sum((X * w) ** 2)

    X, other = np.arange(6.0).reshape(3, 2), np.arange(6.0).reshape(3, 2)
    value, _ = cr.value_and_grad(f)(np.ones(2), X)
    assert value == f(np.ones(2), other)
    np.testing.assert_array_equal(X, other)


def test_lists_of_the_caller_are_filled():
    log = []

    def f(w, log):
        log.append(1)
        return w * 2

    cr.grad(f)(1.0, log)
    assert log == [1]


def test_training_fills_arrays():
    def loss(w, X, y):
        scores = np.zeros((len(X), 2))
        scores[:, 0] = X @ w
        scores[:, 1] -= scores[:, 0] * 0.5
        scores[scores < 0] *= 0.1
        return np.mean((scores.sum(axis=1) - y) ** 2)

    rng = np.random.default_rng(0)
    X = rng.normal(size=(50, 3))
    y = X @ np.array([1.0, -2.0, 0.5])
    runs = [
        cr.minimize(loss, np.zeros(3), X, y, optimizer="sgd", epochs=3, seed=0, engine=engine)
        for engine in ("numpy", "compiled")
    ]
    np.testing.assert_allclose(runs[0][0], runs[1][0], rtol=1e-9)
    assert runs[0][1].loss[-1] < runs[0][1].loss[0]


def test_what_cannot_be_shared_is_refused():
    def f(w):
        a = np.zeros(4)
        a[0] = w
        a.sort()
        return a.sum()

    with pytest.raises(TraceError, match=r"np\.sort"):
        cr.grad(f)(1.0)


@pytest.mark.parametrize("write", ["p[:, 0] = 0.2", "z += 1.0", "z[0] = 0.0", "pass"])
def test_losses_take_what_stands_in_the_predictions(write):
    space = {"cr": cr, "np": np}
    exec(
        "def f(w, X, y):\n    z = X @ w\n    p = cr.softmax(z)\n"
        f"    {write}\n    return cr.losses.SparseCategoricalCrossentropy()(y, p)",
        space,
    )
    f, rng = space["f"], np.random.default_rng(0)
    w, X, y = rng.normal(size=(3, 4)), rng.normal(size=(5, 3)), np.array([0, 1, 2, 3, 1])
    value, gradient = cr.value_and_grad(f)(w, X, y)
    assert value == pytest.approx(f(w, X, y))
    along = rng.normal(size=w.shape)
    slope = (f(w + 1e-6 * along, X, y) - f(w - 1e-6 * along, X, y)) / 2e-6
    assert np.sum(gradient * along) == pytest.approx(slope, rel=1e-4)
