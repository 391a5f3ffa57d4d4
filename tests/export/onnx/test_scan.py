"""Recurrences in ONNX models: written out turn by turn."""

import numpy as np
import pytest
from tests.export.onnx.test_model import assert_exports
from tests.trace.test_scan import data, lstm, made, masked, within_another

import chainrule as cr


def states(p, X):
    def cell(h, x):
        h = np.tanh(x @ p["W"] + h @ p["U"] + p["b"])
        return h, {"h": h, "sum": np.sum(h, axis=1)}

    _, ys = cr.scan(cell, np.zeros((len(X), 4), X.dtype), np.swapaxes(X, 0, 1), reverse=True)
    return ys["h"] * ys["sum"][:, :, None]


@pytest.mark.parametrize("body", [lstm, masked, within_another])
def test_bodies(body):
    assert_exports(lambda p, X: body(cr.scan, p, X), made(), data(4))


def test_states_of_all_steps():
    assert_exports(states, made(), data(4))


def test_a_gradient():
    def gradient(p, X):
        return cr.grad(lambda p: lstm(cr.scan, p, X))(p)["W"]

    assert_exports(gradient, made(), data(4))


def test_as_many_steps_as_samples_are_refused():
    def f(p, X):
        return cr.scan(lambda h, x: (h + x @ p["W"], None), p["b"], X)[0]

    with pytest.raises(cr.errors.ExportError, match="number of steps"):
        cr.onnx.onnx_model(f, made(), data(4)[:, 0])
