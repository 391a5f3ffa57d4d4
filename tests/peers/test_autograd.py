"""Functions that autograd has too, with autograd as the judge of first and second derivatives."""

import autograd
import autograd.numpy as anp
import autograd.scipy.special as asp
import numpy as np
import pytest
import scipy.special as sp

import chainrule as cr

X = np.random.default_rng(0).uniform(0.2, 0.9, size=(3, 4))
SQUARE = X[:, :3] + np.diag([1.0, 2.0, 4.0])
SYMMETRIC = SQUARE + SQUARE.T
CASES = {
    "linspace": (lambda np, x: np.linspace(x[0], x[1], 5), X),
    "gradient": (lambda np, x: np.gradient(x, axis=1), X),
    "kron": (lambda np, x: np.kron(x, x[:2]), X),
    "cross": (lambda np, x: np.cross(x[:, :3], x[:, 1:]), X),
    "sinc": (lambda np, x: np.sinc(x), X),
    "nan_to_num": (lambda np, x: np.nan_to_num(x), X),
    "select": (lambda np, x: np.select([x > 0.7, x > 0.3], [x**2, x**3], 1.0), X),
    "partition": (lambda np, x: np.partition(x[0], 2) * np.arange(4), X),
    "rot90": (lambda np, x: np.rot90(x) * np.arange(3), X),
    "norm 3": (lambda np, x: np.linalg.norm(x[0], 3), X),
    "norm nuc": (lambda np, x: np.linalg.norm(x, "nuc"), X),
    "det": (lambda np, x: np.linalg.det(x), SQUARE),
    "pinv": (lambda np, x: np.linalg.pinv(x), X),
    "eigh": (lambda np, x: np.linalg.eigh(x)[1] * np.linalg.eigh(x)[0], SYMMETRIC),
    "svd": (
        lambda np, x: (
            np.abs(np.linalg.svd(x, full_matrices=False)[0])
            @ np.linalg.svd(x, full_matrices=False)[2] ** 2
        ),
        X,
    ),
    "einsum of lists": (lambda np, x: np.einsum(x, [0, 1], x, [0, 2], [1, 2]), X),
    "diff twice": (lambda np, x: np.diff(x, n=2, axis=0), X),
    "x ** x": (lambda np, x: x ** x[0], X),
}
SPECIAL = [
    "expit", "logit", "erf", "erfc", "erfinv", "erfcinv", "gammaln", "gamma", "rgamma", "psi", "i0",
    "i1", "j0", "j1", "y0", "y1",
]  # fmt: skip


def derivatives(f, grad, add, x):
    """Return the gradient of a projection of ``f``, and that of a projection of the gradient."""
    weights = np.random.default_rng(1).normal(size=np.shape(f(x)))
    first = grad(lambda x: add(f(x) * weights))
    return first(x), grad(lambda x: add(first(x) * x))(x)


def assert_same(ours, theirs, x):
    found = derivatives(ours, cr.grad, np.sum, x)
    expected = derivatives(theirs, autograd.grad, anp.sum, x)
    for got, right in zip(found, expected, strict=True):
        np.testing.assert_allclose(got, right, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("name", CASES)
def test_numpy(name):
    f, x = CASES[name]
    assert_same(lambda x: f(np, x), lambda x: f(anp, x), x)


@pytest.mark.parametrize("name", SPECIAL)
def test_special_functions(name):
    assert_same(getattr(sp, name), getattr(asp, name), X)


@pytest.mark.parametrize("axis", [0, 1])
def test_what_scipy_makes_an_array_of_first(axis):
    assert_same(
        lambda x: cr.functions.logsumexp(x, axis=axis), lambda x: asp.logsumexp(x, axis=axis), X
    )
