"""A line that is missing in a loop is found; a repair holds on other values than the given ones."""

import numpy as np
import pytest

import chainrule as cr
from chainrule._src.check.code import written

pytestmark = pytest.mark.usefixtures("processor_time")

RECURRENT = """
import numpy as np

def gradients(params, X, y):
    W, U, V = params["W"], params["U"], params["V"]
    dW, dU, dV = np.zeros_like(W), np.zeros_like(U), np.zeros_like(V)
    for x, label in zip(X, y):
        hs = [np.zeros(4)]
        for x_t in x:
            hs.append(np.tanh(W @ x_t + U @ hs[-1]))
        p = np.exp(V @ hs[-1])
        p /= p.sum()
        p[label] -= 1
        p /= len(X)
        dV += np.outer(p, hs[-1])
        d = V.T @ p
        for t in range(len(x) - 1, -1, -1):
            d = d * (1 - hs[t + 1] ** 2)
            dW += np.outer(d, x[t])
            dU += np.outer(d, hs[t])
            d = U.T @ d
    return {"W": dW, "U": dU, "V": dV}
"""


def recurrent_loss(params, X, y):
    h = np.zeros((len(X), 4))
    for t in range(X.shape[1]):
        h = np.tanh(X[:, t] @ params["W"].T + h @ params["U"].T)
    s = h @ params["V"].T
    return np.mean(np.log(np.exp(s).sum(axis=1)) - s[np.arange(len(y)), y])


def recurrent_problem():
    rng = np.random.default_rng(0)
    shapes = {"W": (4, 2), "U": (4, 4), "V": (3, 4)}
    params = {name: 0.5 * rng.normal(size=shape) for name, shape in shapes.items()}
    return params, rng.normal(size=(9, 3, 2)), rng.integers(0, 3, 9)


@pytest.mark.sampled(quick=1)
@pytest.mark.parametrize(
    ("lost", "line", "found"),
    [
        ("        p[label] -= 1\n", 13, "p[label] -= 1"),
        ("            d = d * (1 - hs[t + 1] ** 2)\n", 18, "d *= 1 - hs[t + 1] ** 2"),
        ("            d = U.T @ d\n", 20, "d = U.T @ d"),
        ("            dU += np.outer(d, hs[t])\n", 20, "dU += np.outer(d, hs[t])"),
    ],
)
def test_a_line_that_a_loop_lacks_is_said(lost, line, found):
    args = recurrent_problem()
    right = written(RECURRENT, "gradients", "right.py")
    assert cr.check_gradients(recurrent_loss, right)(*args).passed
    text = RECURRENT.replace(lost, "")
    assert text != RECURRENT
    report = cr.check_gradients(recurrent_loss, written(text, "gradients", "lost.py"))(*args)
    (diagnosis,) = report.diagnoses
    assert diagnosis.where.repaired.endswith(f"it)  {found}"), diagnosis
    assert abs(diagnosis.where.line - line) <= 1


def test_what_fits_the_given_values_by_chance_is_not_believed():
    def loss(w, X, y):
        return np.mean(np.maximum(0, 1 - y * (X @ w)))

    def gradient(w, X, y):
        inside = y * (X @ w) < 0
        return -(y * inside) @ X / len(y)

    X = np.array([[1.0, 2.0], [0.5, -1.0], [-1.0, 1.0], [0.2, 0.1], [2.0, -0.5]])
    y = np.array([1.0, -1.0, -1.0, 1.0, 1.0])
    report = cr.check_gradients(loss, gradient)(np.array([0.4, 0.3]), X, y)
    assert report.diagnoses[0].where.repaired.strip() == "inside = y * (X @ w) < 1"


def check(loss, text, *args):
    (diagnosis,) = cr.check_gradients(loss, written(text, "gradient", "homework.py"))(
        *args
    ).diagnoses
    return diagnosis


def ridge_loss(w, X, y):
    return 0.5 * np.mean((X @ w - y) ** 2) + 0.5 * w @ w


RIDGE = """
import numpy as np

def gradient(w, X, y):
    total = w.copy()
    for x, t in zip(X, y):
        e = (w @ x - t) / len(X)
        total += e * x
    return total
"""


@pytest.mark.parametrize(
    ("right", "wrong"), [("w.copy()", "np.zeros_like(w)"), ("/ len(X)", "/ 3")]
)
def test_advice_can_be_followed(right, wrong):
    rng = np.random.default_rng(0)
    args = rng.normal(size=4), rng.normal(size=(8, 4)), rng.normal(size=8)
    diagnosis = check(ridge_loss, RIDGE.replace(right, wrong), *args)
    assert right in diagnosis.where.repaired
    repaired = RIDGE.replace(right, wrong).replace(
        diagnosis.where.code.strip(), diagnosis.where.repaired.strip()
    )
    assert cr.check_gradients(ridge_loss, written(repaired, "gradient", "repaired.py"))(
        *args
    ).passed


def test_where_samples_are_columns_the_result_is_to_be_turned():
    text = """
def gradient(W, X, Y):
    A = X.T
    Z = W.T @ A
    E = Z - Y.T
    D = E / Y.size
    G = 2 * D @ A.T
    return G
"""

    def loss(W, X, Y):
        Z = X @ W
        E = Z - Y
        return np.mean(E**2)

    rng = np.random.default_rng(0)
    args = rng.normal(size=(3, 3)), rng.normal(size=(8, 3)), rng.normal(size=(8, 3))
    assert check(loss, text, *args).where.repaired.strip() == "return G.T"
