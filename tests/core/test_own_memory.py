"""Gradients are arrays of their own: writing into one changes nothing else."""

import numpy as np
import pytest
from tests.uber import assert_own_memory, run_text

import chainrule as cr

X = np.arange(6.0).reshape(3, 2)


def summed(p, X):
    return np.sum((X + p["W"] + p["b"]) ** 2)


def linear(p, X):
    return np.sum(X * p["W"]) + np.sum(X.T @ p["b"].T.reshape(3, 2))


def broadcast(p, X):
    return np.sum(p["W"]) + np.sum(p["b"][:2]) + np.sum(cr.stop_gradient(X) * p["W"])


def transposed(p, X):
    return np.sum(np.einsum("ab->ba", p["W"]) * X.T) + np.sum(p["b"] * np.einsum("ab->ab", X))


LOSSES = [summed, linear, broadcast, transposed]


@pytest.mark.parametrize("loss", LOSSES)
def test_on_every_road(loss):
    p = {"W": np.ones((3, 2)), "b": np.ones((3, 2))}
    graded = cr.value_and_grad(loss)
    program = cr.trace(graded)(p, X)
    for road in (graded, program, run_text(program), cr.jit(graded)):
        assert_own_memory(road(p, X)[1], p, X)


def test_an_update_in_place_changes_one_parameter():
    p = {"W": np.ones((3, 2)), "b": np.ones((3, 2))}
    gradient = cr.grad(summed)(p, X)
    before = gradient["b"].copy()
    gradient["W"] += 1
    assert (gradient["b"] == before).all()


def test_a_pullback_gives_new_arrays_at_every_call():
    v = np.ones(3)
    _, pullback = cr.vjp(lambda x: x + 1, np.zeros(3))
    (first,), (second,) = pullback(v), pullback(v)
    assert_own_memory([first, second], v)


def test_gradients_of_tensors():
    one, other = cr.Tensor([1.0, 2.0]), cr.Tensor([3.0, 4.0])
    np.sum(one + other).backward()
    assert_own_memory([one.grad, other.grad])


@pytest.mark.parametrize("engine", ["numpy", "compiled"])
def test_what_a_callback_reads_is_a_copy(engine):
    def spoil(training):
        training.params["w"][:] = 7.0

    class Spoiling(cr.callbacks.Callback):
        def on_epoch_end(self, epoch, logs):
            spoil(self.model)

    def loss(p, X):
        return np.mean((X @ p["w"]) ** 2)

    how = {"epochs": 2, "engine": engine, "seed": 0}
    plain, _ = cr.minimize(loss, {"w": np.ones(2)}, X, **how)
    spoiled, _ = cr.minimize(loss, {"w": np.ones(2)}, X, callbacks=[Spoiling()], **how)
    assert (plain["w"] == spoiled["w"]).all()
