"""The first line that departs from the right program, where a later line can compensate for it."""

import inspect
import linecache

import numpy as np
import pytest

import chainrule as cr
from chainrule._src.check.known import ValueTable

pytestmark = pytest.mark.usefixtures("processor_time")


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def slope(z):
    return sigmoid(z) * (1 - sigmoid(z))


def loss(params, X, Y):
    return np.sum((sigmoid(sigmoid(X @ params["W1"]) @ params["W2"]) - Y) ** 2)


def gradients(params, X, Y):
    z1 = X @ params["W1"]
    h = sigmoid(z1)
    z2 = h @ params["W2"]
    d2 = 2 * (sigmoid(z2) - Y) * slope(z2)
    d1 = d2 @ params["W2"].T * slope(z1)
    return {"W1": X.T @ d1, "W2": h.T @ d2}


@pytest.mark.parametrize("wrong", ["z * (1 - z)", "1 - np.tanh(z) ** 2"])
def test_a_helper_is_mended_rather_than_both_lines_that_call_it(wrong):
    rng = np.random.default_rng(0)
    data = {"W1": rng.normal(size=(3, 4)), "W2": rng.normal(size=(4, 2))}, rng.normal(size=(8, 3))
    args = (*data, rng.random((8, 2)))
    right = inspect.getsource(slope).splitlines()[1].removeprefix("    return ")
    text = "".join(map(inspect.getsource, (sigmoid, slope, gradients))).replace(right, wrong)
    file, names = f"<{wrong}>", dict(globals())
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    exec(compile(text, file, "exec"), names)
    assert cr.check_gradients(loss, gradients)(*args).passed
    (found,) = cr.check_gradients(loss, names["gradients"])(*args).diagnoses
    assert (found.where.code.strip(), found.where.repaired.strip()) == (
        f"return {wrong}",
        f"return {right}",
    )


def test_parts_of_known_arrays_and_their_numbers_are_known():
    array = np.random.default_rng(0).normal(size=(4, 3, 5))
    table = ValueTable([("a", array)], 4)
    for part in (array[1, 2], array[:, 1].T, array[2, 1, 3], 4 * array[0, :, 1], np.zeros(3)):
        assert table.knows(part)
    for other in (array[1, 2] + array[0, 0], 3 * array[0, 1], array[1, 1, 1] + 1e-3):
        assert not table.knows(other)
