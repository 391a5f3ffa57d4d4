"""A learner's code is run many times, changed: in bounded time, and nothing is left changed."""

import gc
import itertools
import sys
import threading
import time
import warnings
from functools import partial

import numpy as np
import pytest

import chainrule as cr
from chainrule._src.check import check
from chainrule._src.check.explain import SECONDS, explain
from chainrule._src.check.quiet import quiet
from chainrule._src.check.sandbox import MOST_GARBAGE, Sandbox, TooLong

RNG = np.random.default_rng(0)
X, Y, W = RNG.normal(size=(12, 4)), RNG.normal(size=12), RNG.normal(size=4)
MASK = np.array([1.0, 1.0, 0.0, 1.0])
LOG: list = []
COUNT = 0


def loss(w, X, y):
    return np.mean((X @ w - y) ** 2)


def without_factor(w, X, y):
    return X.T @ (X @ w - y) / len(X)


def explained(gradient, f=loss, args=(W, X, Y), seconds=SECONDS):
    start = time.process_time()
    report = cr.check_gradients(f, gradient)(*args)
    assert time.process_time() - start < 1.4 * seconds
    assert not report.passed
    return report.diagnoses


def root(x):
    """Newton's method: ends when it has converged, which disturbed numbers may never do."""
    r = x
    while abs(r * r - x) > 1e-10 * x:
        r = (r + x / r) / 2
    return r


def by_convergence(w, X, y):
    r = X @ w - y
    return X.T @ r / root(float(len(X)) ** 2)


def by_search(w, X, y):
    k = next(k for k in itertools.count() if 2.0**k >= len(X))
    return X.T @ (X @ w - y) * 2.0**k / 16 / len(X)


@pytest.mark.thorough  # long searches
@pytest.mark.sampled(quick=1)
@pytest.mark.parametrize("gradient", [by_convergence, by_search])
def test_what_may_never_end_is_left(gradient, monkeypatch):
    monkeypatch.setattr(check, "explain", partial(explain, seconds=1.0))
    explained(gradient, seconds=1.0)


def test_a_run_that_takes_too_long_is_ended():
    with Sandbox((), 0.1) as sandbox:
        with pytest.raises(TooLong):
            sandbox.run(lambda: all(True for _ in itertools.count()))
        assert sandbox.run(lambda: 3) == 3


def in_place(w, X, y):
    global COUNT
    m = MASK
    m = m * w
    LOG.append(1)
    COUNT += 1
    return X.T @ (X @ m - y) / len(X)


def test_what_changed_code_writes_into_is_put_back():
    def masked(w, X, y):
        return np.mean((X @ (MASK * w) - y) ** 2)

    mask = MASK.copy()
    LOG.clear()
    explained(in_place, masked)
    np.testing.assert_array_equal(MASK, mask)
    assert len(LOG) < 5
    assert COUNT < 5


class Net:
    """Names itself, calls itself, and holds what a changed program could write into."""

    def __init__(self):
        self.w, self.mean, self.__scale = W.copy(), np.zeros(4), 1.0

    @staticmethod
    def residual(X, w, y):
        return X @ w - y

    def loss(self, X, y):
        return np.mean(Net.residual(X, self.w, y) ** 2)

    def grad_loss(self, X, y):
        mean = self.mean
        mean = mean + self.w
        y -= 0.0
        return {"w": self.__scale * (X.T @ Net.residual(X, mean, y)) / len(X)}


def test_a_class_that_names_itself():
    net, y = Net(), Y.copy()
    report = cr.check_gradients(net)(X, y)
    assert "factor 2" in report.diagnoses[0].what
    np.testing.assert_array_equal(net.mean, np.zeros(4))
    np.testing.assert_array_equal(y, Y)


def depth(k):
    return 0 if k == 0 else 1 + depth(k - 1)


def matching(w, X, y):
    match X.shape:
        case (int(n), _):
            pass
    with np.errstate(all="ignore") as before:
        r = X @ w - y + 0 * depth(3) * (before is None)
    return X.T @ r / n


def test_recursion_match_and_with():
    assert "factor 2" in explained(matching)[0].what


def test_threads_that_check_at_once_leave_all_as_it_was():
    out, filters, code = sys.stdout, list(warnings.filters), without_factor.__code__
    found = []

    def check():
        found.append(explained(without_factor)[0].what)

    threads = [threading.Thread(target=check) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(set(found)) == 1
    assert len(found) == 4
    assert sys.stdout is out
    assert warnings.filters == filters
    assert without_factor.__code__ is code


def test_only_the_threads_own_output_is_dropped(capsys):
    with quiet():
        print("mine")
        other = threading.Thread(target=lambda: print("another's"))
        other.start()
        other.join()
    assert capsys.readouterr().out == "another's\n"


def test_a_repair_does_not_speak_of_the_few_samples_that_it_was_tried_on():
    for diagnosis in explained(without_factor):
        text = str(diagnosis)
        assert "0.28" not in text
        assert "/ 7" not in text


def test_a_gradient_of_tiny_numbers_is_not_taken_for_noise():
    def tiny(w, X, y):
        return 1e-12 * loss(w, X, y)

    wrong = cr.check_gradients(tiny, lambda w, X, y: 1e-12 * without_factor(w, X, y))(W, X, Y)
    assert not wrong.passed
    assert cr.check_gradients(tiny, cr.grad(tiny))(W, X, Y).passed


def test_one_of_several_equal_maxima_may_be_chosen():
    Z = np.array([[1.0, 2.0], [2.0, 1.0]])

    def pooled(w, Z):
        return np.sum(np.max(Z * w, axis=1))

    def first(w, Z):
        z = Z * w
        rows = np.arange(len(Z))
        found = np.zeros(2)
        np.add.at(found, z.argmax(axis=1), Z[rows, z.argmax(axis=1)])
        return found

    assert cr.check_gradients(pooled, first)(np.array([2.0, 1.0]), Z).passed


class Cyclic:
    def __init__(self):
        self.me = self


def test_objects_in_cycles_do_not_pile_up_while_the_collector_is_off():
    def run():
        return len([Cyclic() for _ in range(1000)])

    with quiet(), Sandbox([run], 10.0) as sandbox:
        counts = [sandbox.run(run) for _ in range(100)]
        alive = sum(isinstance(obj, Cyclic) for obj in gc.get_objects())
    assert counts == [1000] * 100
    assert alive <= 2 * MOST_GARBAGE
