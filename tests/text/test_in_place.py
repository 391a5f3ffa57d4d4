"""Texts write into arrays in place, where nothing reads the old array any more."""

import numpy as np
import pytest
from tests.uber import assert_same, run_text

import chainrule as cr

X, W = np.linspace(-1, 1, 8), np.array([0.5, 2.0])


def filled(x, w):
    y = x * 2
    for i in range(0, 6, 2):
        y[i + 1 : i + 3] = y[i : i + 2] * w
    y[:2] += w[0]
    return y


def loss_of(f):
    def loss(x, w):
        y = f(x, w)
        return np.sum(np.sin(y) * y)

    return loss


def test_assignments_stand_as_a_person_writes_them():
    text = cr.source(loss_of(filled))(X, W)
    forward = text.split("# forward\n")[1].split("loss = ")[0].splitlines()
    assert [line.split("#")[0].strip() for line in forward][:5] == [
        "y = x * 2",
        "y[1:3] = y[0:2] * w",
        "y[3:5] = y[2:4] * w",
        "y[5:7] = y[4:6] * w",
        "y[:2] += w[0]",
    ]


def view_read_later(x, w):
    y = x * 2
    part = y.T[1:3]
    y[1] = w[0]
    return part * y[:2]


def expression_read_later(x, w):
    y = x * 2
    part = np.sin(y[1:3])
    y[1] = w[0]
    y[2] = 3
    return part * y[1:3] + w


def array_read_later(x, w):
    y = x * 2
    z = y.copy()
    z[1] = w[0]
    return y * z


def swapped(x, w):
    y = x * 2
    y[0], y[1] = y[1] * w[0], y[0] * w[1]
    return y


def of_an_argument(x, w):
    y = x.copy()
    y[0] = w[0]
    return y


def of_a_view(x, w):
    y = (x * w[0]).reshape(2, 4)
    z = y.T.copy()
    z[1] = w
    return z @ y


READERS = (view_read_later, expression_read_later, array_read_later, swapped)


@pytest.mark.parametrize("f", [filled, *READERS, of_an_argument, of_a_view])
def test_what_is_read_later_is_copied(f):
    graded = cr.value_and_grad(loss_of(f), (0, 1))
    x = X.copy()
    found = run_text(cr.trace(graded)(X, W))(x, W)
    assert_same(found, graded(X, W), rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(x, X)


def set_and_added(x, w):
    y = x * 2
    y[0] = w[0]
    y[1:] += w[1]
    return y


def from_itself(x, w):
    y = np.sin(x) * w[1]
    y[0] = y[1] * 2
    y[2:4] = y[4:6] * w
    return y


def recurrence(x, w):
    y = np.zeros(8)
    y[0] = w[0]
    for i in range(1, 8):
        y[i] = np.tanh(y[i - 1] * w[1] + x[i])
    return y


@pytest.mark.parametrize("f", [filled, set_and_added, from_itself, recurrence])
def test_gradients_are_read_before_a_part_of_them_is_set_to_zero(f):
    graded = cr.value_and_grad(loss_of(f), (0, 1))
    program = cr.trace(graded)(X, W)
    x, w = X.copy(), W.copy()
    assert_same(run_text(program)(x, w), graded(X, W), rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal([*x, *w], [*X, *W])
    assert ".copy()" not in cr.source(loss_of(f))(X, W)
