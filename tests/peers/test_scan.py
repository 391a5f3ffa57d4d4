"""`scan`, with JAX as the judge of values, gradients and second derivatives."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tests.uber import assert_same

import chainrule as cr

RNG = np.random.default_rng(0)
P = {"W": RNG.normal(size=(3, 4)), "U": RNG.normal(size=(4, 4)) / 2, "b": RNG.normal(size=4)}
X = RNG.normal(size=(6, 5, 3))


def network(np, scan, p, X, **how):
    def cell(carry, x):
        h, total = carry
        h = np.tanh(x @ p["W"] + h @ p["U"] + p["b"])
        return (h, total + np.sum(h)), {"h": h, "top": np.max(h, axis=1)}

    (h, total), ys = scan(cell, (np.zeros((5, 4)), np.sum(p["b"])), X, **how)
    return np.sum(h**2) * total + np.sum(ys["h"][::2] ** 3) + np.sum(ys["top"])


@pytest.mark.parametrize("reverse", [False, True])
def test_value_gradient_and_hessian_product(reverse):
    def ours(p):
        return network(np, cr.scan, p, X, reverse=reverse)

    def theirs(p):
        return network(jnp, jax.lax.scan, p, X, reverse=reverse)

    def along(grad, total, f):
        return grad(lambda p: sum(total(g * P[k]) for k, g in grad(f)(p).items()))(P)

    with jax.enable_x64(True):
        wanted = jax.value_and_grad(theirs)(P)
        second = along(jax.grad, jnp.sum, theirs)
    assert_same(cr.value_and_grad(ours)(P), wanted, rtol=1e-11, atol=1e-13)
    assert_same(along(cr.grad, np.sum, ours), second, rtol=1e-10, atol=1e-12)


def test_structures_come_back_as_from_jax():
    def f(c, x):
        return {"a": c["a"] * 2, "b": c["b"]}, (x, None, {"s": c["a"]})

    init = {"a": np.float32(1), "b": np.arange(3)}
    for how in ({"xs": np.arange(4.0)}, {"xs": None, "length": 3}):
        ours = cr.scan(f, init, **how)
        with jax.enable_x64(True):
            theirs = jax.lax.scan(f, init, **how)
        assert_same(ours, theirs)
        assert jax.tree.structure(ours) == jax.tree.structure(theirs)
        assert ours[0]["a"].dtype == np.float32
