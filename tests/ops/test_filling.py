"""Gradients of slices come together as one concatenation."""

import numpy as np
import pytest

import chainrule as cr


def gradient(f):
    return cr.trace(cr.grad(lambda w, x: np.sum(f(x * w) ** 3)))(np.ones(6), np.ones((3, 6)))


def parts(z):
    return np.tanh(z[:, :2]) @ np.ones((2, 2)) + np.exp(z[:, 2:4]) * z[:, 4:]


def names(program):
    return [equation.primitive.name for equation in program.equations]


def test_slices_that_fill_an_array():
    program, x = gradient(parts), np.random.default_rng(0).normal(size=(4, 6))
    assert names(program).count("concatenate") == 1
    assert "scatter" not in names(program)
    wanted = cr.grad(lambda w, x: np.sum(parts(x * w) ** 3))(np.ones(6), x)
    np.testing.assert_allclose(program(np.ones(6), x), wanted, rtol=1e-12)
    compiled = cr.jit(cr.grad(lambda w, x: np.sum(parts(x * w) ** 3)))
    np.testing.assert_allclose(compiled(np.ones(6), x), wanted, rtol=1e-12)


@pytest.mark.parametrize(
    "f",
    [
        lambda z: z[:, :2] * z[:, 3:5],
        lambda z: np.sum(z[:, :4]) + np.sum(z[:, 2:]),
        lambda z: z[:, ::2] * z[:, 1::2],
        lambda z: z[:, :3] * z[:, 3:] * np.sum(z),
        lambda z: np.sum(z[:, :3]) * np.sum(z[:1]),
    ],
)
def test_others_are_left_as_they_are(f):
    program, x = gradient(f), np.random.default_rng(0).normal(size=(3, 6))
    wanted = cr.grad(lambda w, x: np.sum(f(x * w) ** 3))(np.ones(6), x)
    np.testing.assert_allclose(program(np.ones(6), x), wanted, rtol=1e-12)
