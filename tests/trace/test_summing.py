"""Products that recurrences add up are one product behind the loop, where nothing reads the sum."""

import numpy as np
import pytest

import chainrule as cr
from chainrule._src.core.trees import leaves
from chainrule._src.trace.recurrence.primitives import SCAN
from chainrule._src.trace.recurrence.summing import prepared, sums

RNG = np.random.default_rng(0)
X = RNG.normal(size=(5, 4, 3))
P = {"W": RNG.normal(size=(3, 2)), "U": RNG.normal(size=(2, 2)), "b": RNG.normal(size=2)}


def rnn(p, X):
    def cell(h, x):
        h = np.tanh(x @ p["W"] + h @ p["U"] + p["b"])
        return h, h

    h, hs = cr.scan(cell, np.zeros((4, 2)), X)
    return np.sum(h**2) + np.mean(np.sin(hs))


def added_up(start, X):
    def step(total, x):
        return total + x.T @ np.cos(x), None

    return np.sum(np.sin(cr.scan(step, start, X)[0]))


def read_inside(start, X):
    def step(total, x):
        total = total + x.T @ np.cos(x)
        return total, np.sum(total)

    total, ys = cr.scan(step, start, X)
    return np.sum(np.sin(total)) + np.sum(ys)


def found(program):
    return [s for e in program.equations if e.primitive is SCAN for s in sums(e)]


def assert_equal(a, b):
    for (_, x), (_, y) in zip(leaves(a), leaves(b), strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize(("loss", "p", "count"), [(rnn, P, 2), (added_up, np.ones((3, 3)), 1)])
def test_sums_of_products_come_behind_the_loop(loss, p, count):
    program = cr.trace(cr.value_and_grad(loss))(p, X)
    alone = program.proof.alone()
    assert len(found(alone)) == count
    after = prepared(alone)
    assert found(after) == []
    assert_equal(after(p, X), program(p, X))


def test_a_sum_that_is_read_in_the_loop_stays_there():
    program = cr.trace(read_inside)(np.ones((3, 3)), X)
    assert prepared(program) is program


def test_what_is_to_be_computed_again_is_not_stacked():
    def loss(p, X):
        cell = lambda h, x: (np.tanh(x @ p["W"] + h @ p["U"]), None)  # noqa: E731
        return np.sum(cr.scan(cell, np.zeros((4, 2)), X, recompute=True)[0])

    program = cr.trace(cr.value_and_grad(loss))(P, X)
    assert len(found(program)) == 2
    assert prepared(program) is program


@pytest.mark.parametrize("engine", ["numpy", "compiled"])
def test_training_gives_what_steps_by_hand_give(engine):
    data, rows = np.swapaxes(X, 0, 1), 4

    def loss(p, X):
        return rnn(p, np.swapaxes(X, 0, 1)) / rows

    trained, _ = cr.minimize(
        loss, P, data, epochs=3, batch_size=rows, shuffle=False, engine=engine,
        optimizer=cr.optimizers.SGD(0.1),
    )  # fmt: skip
    p = dict(P)
    for _ in range(3):
        gradient = cr.grad(loss)(p, data)
        p = {name: p[name] - 0.1 * gradient[name] for name in p}
    assert_equal(trained, p)
