"""`vmap`, with JAX as the judge: programs, gradients per sample, trees of axes, recurrences."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tests.uber import assert_same

import chainrule as cr

RNG = np.random.default_rng(0)
P = {"W": RNG.normal(size=(4, 6)), "b": RNG.normal(size=6), "V": RNG.normal(size=(6, 3))}
MANY = {name: np.stack([x, x / 2, -x], axis=-1) for name, x in P.items()}
X, Y = RNG.normal(size=(8, 4)), np.eye(3)[RNG.integers(0, 3, 8)]
STEPS = RNG.normal(size=(5, 7, 4))


def loss(np, p, x, y):
    z = np.tanh(x @ p["W"] + p["b"]) @ p["V"]
    return np.mean(np.log(np.sum(np.exp(z), axis=-1)) - np.sum(y * z, axis=-1))


def per_sample(lib, np, p):
    gradient = lib.grad(lambda p, x, y: loss(np, p, x, y))
    return lib.vmap(gradient, in_axes=(None, 0, 0), out_axes={"W": 1, "b": 0, "V": -1})(p, X, Y)


def models_and_samples(lib, np, p):
    sample = lib.vmap(lambda p, x, y: loss(np, p, x, y), in_axes=(None, 0, 0))
    axes = ({"W": -1, "b": 1, "V": 2}, None, None)
    value = lib.vmap(sample, in_axes=axes, out_axes=1)
    total = lib.grad(lambda p: np.sum(np.sin(value(p, X, Y))))
    return value(MANY, X, Y), total(MANY)


def curvature(lib, np, p):
    return lib.vmap(lib.hessian(lambda x: loss(np, p, x, Y[0])))(X)


def recurrence(lib, np, p):
    scan = cr.scan if lib is cr else jax.lax.scan

    def last(h, x):
        def cell(h, x):
            h = np.tanh(x @ p["W"] + p["b"] * h)
            return h, np.sum(h)

        h, ys = scan(cell, h, x)
        return np.sum(h * ys[0])

    value = lib.vmap(last, in_axes=(None, 1))
    return value(p["b"], STEPS), lib.grad(lambda h: np.sum(value(h, STEPS)))(p["b"])


def sorts_and_indices(lib, np, p):
    def f(x, i):
        order = np.argsort(x)
        return np.take(x, order[1:]) * np.take(x, i) + np.cumsum(x)[order[0]]

    i = np.array([[0, 3, 1]] * 4 + [[2, 2, 0]] * 4)
    value = lib.vmap(f)
    return value(X, i), lib.grad(lambda X: np.sum(np.sin(value(X, i))))(X)


def by_keyword(lib, np, p):
    return lib.vmap(lambda x, *, y: x[:3] * y, in_axes=1)(X[:4].T, y=Y[:4])


@pytest.mark.parametrize(
    "program",
    [per_sample, models_and_samples, curvature, recurrence, sorts_and_indices, by_keyword],
    ids=lambda program: program.__name__,
)
def test_as_in_jax(program):
    with jax.enable_x64(True):
        wanted = jax.tree.map(np.asarray, program(jax, jnp, P))
    assert_same(program(cr, np, P), wanted, rtol=1e-11, atol=1e-13)
