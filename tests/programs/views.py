"""Views that share what is written, and tables that are filled from the front."""

import numpy as np

from tests.programs.program import Program


def rows_loss(W, X):
    """A view of a row is written to, and the base is read."""
    out = np.zeros((2, 3))
    first = out[0]
    first += X[0] @ W
    out[1] = first * W[1]
    first *= 2
    return np.sum(out**2)


def rows_gradients(W, X):
    z = X[0] @ W
    second = z * W[1]
    dW = np.outer(X[0], 8 * z + 2 * second * W[1])
    dW[1] += 2 * second * z
    return dW


def shortest_paths(costs, steps):
    """A table of dynamic programming, smooth minima of three predecessors."""
    n = len(costs)
    table = np.full((steps, n), 0.0)
    table[0] = costs
    for t in range(1, steps):
        for j in range(n):
            before = np.stack(
                [table[t - 1, (j - 1) % n], table[t - 1, j], table[t - 1, (j + 1) % n]]
            )
            table[t, j] = costs[j] - np.log(np.sum(np.exp(-before)))
    return table


def paths_loss(costs, steps):
    return np.sum(shortest_paths(costs, steps)[-1])


def paths_gradients(costs, steps):
    n = len(costs)
    table = shortest_paths(costs, steps)
    dcosts, dtable = np.zeros(n), np.zeros((steps, n))
    dtable[-1] = 1
    for t in range(steps - 1, 0, -1):
        dcosts += dtable[t]
        for j in range(n):
            around = [(j - 1) % n, j, (j + 1) % n]
            e = np.exp(-table[t - 1, around])
            dtable[t - 1, around] += dtable[t, j] * e / e.sum()
    return dcosts + dtable[0]


def polynomial_loss(c, x, t):
    """A design matrix column by column."""
    A = np.empty((len(x), len(c)))
    for k in range(len(c)):
        A[:, k] = x**k * c[k]
    return np.mean((A.sum(axis=1) - t) ** 2)


def polynomial_gradients(c, x, t):
    A = x[:, None] ** np.arange(len(c))
    return 2 * A.T @ (A @ c - t) / len(x)


PROGRAMS = {
    "rows": Program(
        rows_loss, rows_gradients, lambda rng: (rng.normal(size=(3, 3)), rng.normal(size=(2, 3)))
    ),
    "table": Program(paths_loss, paths_gradients, lambda rng: (rng.random(4), 4)),
    "columns of a design": Program(
        polynomial_loss,
        polynomial_gradients,
        lambda rng: (rng.normal(size=3), rng.normal(size=5), rng.normal(size=5)),
    ),
}
