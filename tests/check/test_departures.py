"""The first line that departs from the right program: in helpers, caches, arguments and loops."""

import inspect
import linecache

import numpy as np
import pytest

import chainrule as cr
from chainrule._src.check.known import ValueTable

pytestmark = pytest.mark.usefixtures("processor_time")
PENALTY = 0.3


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def slope(z):
    return sigmoid(z) * (1 - sigmoid(z))


def decay(W):
    return 2 * PENALTY * W


def layers_loss(params, X, Y):
    h = sigmoid(X @ params["W1"])
    q = sigmoid(h @ params["W2"])
    return np.sum((q - Y) ** 2) + PENALTY * np.sum(params["W1"] ** 2)


def layers(params, X, Y):
    z1 = X @ params["W1"]
    h = sigmoid(z1)
    z2 = h @ params["W2"]
    q = sigmoid(z2)
    d2 = 2 * (q - Y) * slope(z2)
    d1 = d2 @ params["W2"].T * slope(z1)
    return {"W1": X.T @ d1 + decay(params["W1"]), "W2": h.T @ d2}


def pairs_loss(params, pairs):
    E = params["E"]
    return sum(np.log(1 + np.exp(-E[i] @ E[k])) for i, k in pairs) / len(pairs)


def pairs(params, pairs):
    E = params["E"]
    dE = np.zeros_like(E)
    for i, k in pairs:
        g = -sigmoid(-E[i] @ E[k]) / len(pairs)
        dE[i] += g * E[k]
        dE[k] += g * E[i]
    return {"E": dE}


def through(dy, h, W):
    dz = dy * (1 - h**2)
    return dz @ W.T, h


def skipped_loss(params, X):
    x = X @ params["U"]
    return np.sum((x + np.tanh(x @ params["W"])) ** 2)


def skipped(params, X):
    x = X @ params["U"]
    h = np.tanh(x @ params["W"])
    dy = 2 * (x + h)
    dx, h = through(dy, h, params["W"])
    dx += dy
    return {"U": X.T @ dx, "W": x.T @ (dy * (1 - h**2))}


MISTAKES = {  # where a line is left out, one beside it counts
    "a helper's slope": (layers, "sigmoid(z) * (1 - sigmoid(z))", "z * (1 - z)"),
    "another activation": (layers, "sigmoid(z) * (1 - sigmoid(z))", "1 - np.tanh(z) ** 2"),
    "a constant of the loss": (layers, "2 * PENALTY * W", "2 * W"),
    "an entry's index": (pairs, "dE[k] += g", "dE[i] += g"),
    "a path that a function returns": (skipped, "    dx += dy\n", ""),
}
HELPERS = {layers: (sigmoid, slope, decay), pairs: (), skipped: ()}


def reported(function, right, wrong, data):
    """Return the number of the mistaken line, and the report on a function with the mistake."""
    text = "".join(map(inspect.getsource, (*HELPERS[function], function)))
    assert text.count(right) == 1
    mistaken, file = text.replace(right, wrong), f"<{right}{wrong}>"
    linecache.cache[file] = (len(mistaken), None, mistaken.splitlines(keepends=True), file)
    names = dict(globals())
    exec(compile(mistaken, file, "exec"), names)
    loss = globals()[f"{function.__name__}_loss"]
    assert cr.check_gradients(loss, function)(*data).passed
    report = cr.check_gradients(loss, names[function.__name__])(*data)
    return text[: text.index(right)].count("\n") + 1, report


def data_of(function):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(8, 3))
    square = {"U": rng.normal(size=(3, 4)), "W": rng.normal(size=(4, 4))}
    return {
        layers: ({"W1": rng.normal(size=(3, 4)), "W2": rng.normal(size=(4, 2))}, X,
                 rng.random((8, 2))),
        pairs: ({"E": rng.normal(size=(5, 3))}, [(0, 1), (2, 0), (3, 4), (1, 3), (4, 2)]),
        skipped: (square, X),
    }[function]  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
def test_the_line_of_a_mistake_is_among_those_that_are_named(name):
    function, right, wrong = MISTAKES[name]
    line, report = reported(function, right, wrong, data_of(function))
    first = report.diagnoses[0]
    said = [first.where.line, *(int(o.split()[1].strip(":,")) for o in first.others)]
    assert len(said) <= 3
    assert {line, line - bool(not wrong)} & set(said)


@pytest.mark.parametrize("name", ["a helper's slope", "another activation", "an entry's index"])
def test_the_line_that_departs_is_mended_as_it_was(name):
    function, right, wrong = MISTAKES[name]
    _, report = reported(function, right, wrong, data_of(function))
    assert any(right in d.where.repaired for d in report.diagnoses)


def test_parts_of_known_arrays_and_their_numbers_are_known():
    array = np.random.default_rng(0).normal(size=(4, 3, 5))
    table = ValueTable([("a", array)], 4)
    for part in (array[1, 2], array[:, 1].T, array[2, 1, 3], 4 * array[0, :, 1], np.zeros(3)):
        assert table.knows(part)
    for other in (array[1, 2] + array[0, 0], 3 * array[0, 1], array[1, 1, 1] + 1e-3):
        assert not table.knows(other)
