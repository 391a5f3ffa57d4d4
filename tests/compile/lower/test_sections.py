"""What threads share, and where they meet."""

from unittest import mock

import numpy as np
import pytest
from tests.interpreter import after_an_update

import chainrule as cr
from chainrule._src.compile.lower import fusing, kernels
from chainrule._src.compile.running.recorded import RecordedStep

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("order", [(), (0, 1), (1, 0), (2, 0, 1, 3)])
def test_a_sum_over_samples_beside_a_loop_over_weights(order):
    """They read the same, and are not joined: parts of the sum are no parts of the weights."""

    def step(carry, X):
        weights = carry["params"]["weights"]
        sums = np.sum(np.cos(X * weights), axis=0)
        moved = carry["moved"] * weights[:, np.newaxis]
        return np.sum(sums), {"params": carry["params"], "moved": moved, "sums": sums}

    X, weights, moved = RNG.normal(size=(64, 3)), RNG.normal(size=3), RNG.normal(size=(3, 40))
    carry = {"params": {"weights": weights}, "moved": moved, "sums": np.zeros(3)}
    program = RecordedStep(step, lambda params, X: 0.0, carry, (X,)).program(len(X))
    engine = after_an_update(program, carry, (X,), order)
    np.testing.assert_allclose(engine.read("sums"), np.cos(X * weights).sum(axis=0), rtol=1e-12)
    np.testing.assert_array_equal(engine.read("moved"), moved * weights[:, np.newaxis])


@pytest.mark.parametrize("order", [(), (0, 1), (1, 0), (2, 0, 1, 3)])
def test_norms_of_what_is_large_are_summed_by_parts(order):
    def step(carry, X):
        weights = carry["params"]["weights"]
        norm = np.sqrt(np.sum(weights**2))
        sums = np.mean(X, axis=0)
        new = {"weights": weights / norm - sums}
        return norm, {"params": new, "highest": np.max(weights)}

    X, weights = RNG.normal(size=(20, 40)), RNG.normal(size=(30, 40))
    carry = {"params": {"weights": weights}, "highest": np.zeros(())}
    program = RecordedStep(step, lambda params, X: 0.0, carry, (X,)).program(len(X))
    engine = after_an_update(program, carry, (X,), order)
    expected = weights / np.sqrt(np.sum(weights**2)) - X.mean(axis=0)
    np.testing.assert_allclose(engine.read("params")["weights"], expected, rtol=1e-12)
    assert engine.read("highest") == weights.max()


@pytest.mark.parametrize("large", [-1.0, np.inf])
def test_twice_as_long_a_program_takes_about_twice_the_work(large):
    """It is counted which indices and loops are looked at, wherever threads share them or not."""

    def looked_at(depth):
        def loss(weights, X):
            for weight in weights:
                X = np.tanh(X * weight) * X
            return np.mean(X)

        def step(carry, X):
            value, gradient = cr.value_and_grad(loss)(carry["params"], X)
            pairs = zip(carry["params"], gradient, strict=True)
            return value, {"params": [weight - 0.1 * g for weight, g in pairs]}

        X, carry = np.ones((64, 40)), {"params": [np.ones(40)] * depth}
        program = RecordedStep(step, loss, carry, (X,)).program(len(X))
        with (
            mock.patch.object(kernels, "LARGE", large),
            mock.patch.object(fusing, "same_turn", wraps=fusing.same_turn) as indices,
            mock.patch.object(fusing, "shareable", wraps=fusing.shareable) as loops,
        ):
            kernels.training_kernel(program, len(X), {("X",): X.dtype})
        return indices.call_count + 100 * loops.call_count

    assert looked_at(40) < 3 * looked_at(20)
