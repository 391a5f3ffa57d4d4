"""Square constants of the batch size: identity matrices, masks of triangles, diagonals."""

import numpy as np
import pytest
from tests.cases import case
from tests.uber import assert_three_ways

import chainrule as cr

RNG = np.random.default_rng(3)
W = RNG.normal(size=3)


def products(w, X):
    return np.tanh(np.outer(X @ w, X @ w))


CASES = {
    "identity": lambda w, X: products(w, X) + np.eye(len(X)),
    "ridge": lambda w, X: np.linalg.inv(products(w, X) + 3 * np.eye(len(X))),
    "identity of a dtype": lambda w, X: products(w, X) * np.eye(len(X), dtype=np.float32),
    "rows of an identity": lambda w, X: (X @ w)[:, None] * np.eye(len(X))[None],
    "others": lambda w, X: products(w, X) * (1 - np.eye(len(X))),
    "mask of the diagonal": lambda w, X: np.where(np.eye(len(X), dtype=bool), -1e9, products(w, X)),
    "lower triangle": lambda w, X: products(w, X) * np.tri(len(X)),
    "strictly lower triangle": lambda w, X: products(w, X) * np.tri(len(X), k=-1),
    "causal mask": lambda w, X: np.where(
        np.triu(np.ones((len(X), len(X)), bool), 1), -9.0, products(w, X)
    ),
    "diagonal matrix": lambda w, X: np.diag(X @ w) + products(w, X),
    "off the diagonal": lambda w, X: np.diag(X @ w, 1) ** 2,
    "diagonal": lambda w, X: np.diag(products(w, X)) ** 2,
    "trace": lambda w, X: np.trace(products(w, X)) + X @ w,
}


@pytest.mark.sampled(quick=4)
@pytest.mark.parametrize("name", CASES)
def test_one_recording_serves_all_sizes(name):
    f = CASES[name]
    batches = [RNG.normal(size=(n, 3)) for n in (5, 2, 9, 50)]
    assert_three_ways(
        lambda w, X: np.sum(f(w, X) ** 2), W, batches[0], others=[(W, X) for X in batches[1:]]
    )
    compiled = cr.jit(cr.grad(lambda w, X: np.sum(f(w, X) ** 2)))
    for X in batches:
        with case(len(X)):
            expected = cr.grad(lambda w, X: np.sum(f(w, X) ** 2))(W, X)
            if name != "ridge":
                np.testing.assert_allclose(compiled(W, X), expected, rtol=1e-9, atol=1e-9)
