"""Composite operations written out, and what is shorter where one follows another."""

import numpy as np
import pytest

import chainrule as cr
from chainrule._src.trace.passes import expand
from chainrule._src.trace.tracing import trace


def names(program):
    return [equation.primitive.name for equation in program.equations]


@pytest.mark.parametrize("axis", [-1, 0])
def test_exp_of_a_log_softmax_takes_its_own_exp(axis):
    def both(z):
        log_p = cr.functions.log_softmax(z, axis=axis)
        return log_p, np.exp(log_p)

    z = np.random.default_rng(0).normal(size=(4, 5)) * 10
    program = expand(trace(both)(z))
    assert names(program).count("exp") == 1
    assert names(program).count("sum") == 1
    for found, expected in zip(program(z), both(z), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-14)


def test_logits_far_apart_have_the_same_probabilities():
    program = expand(trace(lambda z: np.exp(cr.functions.log_softmax(z)))(np.zeros((3, 3))))
    z = np.array([[1e4, -1e4, 0], [-1e300, 1e300, 0], [-800, -800, -100]])
    np.testing.assert_allclose(program(z), np.exp(cr.functions.log_softmax(z)), rtol=1e-13)


def test_other_operations_on_a_log_softmax_stay():
    def entropy(z):
        log_p = cr.functions.log_softmax(z)
        return np.sum(np.exp(2 * log_p) * np.sin(log_p))

    z = np.random.default_rng(0).normal(size=(4, 5))
    program = expand(trace(entropy)(z))
    assert names(program).count("exp") == 2
    np.testing.assert_allclose(program(z), entropy(z), rtol=1e-13)


def test_a_kernel_of_the_cross_entropy_has_one_exp_per_logit():
    def loss(W, X, y):
        return -np.mean(cr.functions.log_softmax(X @ W)[np.arange(len(y)), y])

    X, y = np.ones((8, 4)), np.arange(8) % 3
    text = cr.source(loss, "kernel", batch_size=4)(np.zeros((4, 3)), X, y)
    assert text.count("exp(") == 1
