"""Variables that are named after a gradient: the first that holds another one tells the line."""

import numpy as np
import pytest

import chainrule as cr
from chainrule._src.check import explain
from chainrule._src.check.code import codes_called, written
from chainrule._src.check.meaning import LossVariables, variable_of
from chainrule._src.check.watching import Watch

pytestmark = pytest.mark.usefixtures("processor_time")

STEPS = """
import numpy as np

def forward(p, X):
    mu = X.mean(axis=0)
    centered = X - mu
    var = (centered**2).mean(axis=0)
    root = np.sqrt(var + 1e-3)
    hat = centered / root
    return centered, root, hat, np.tanh(hat * p["gamma"]) @ p["W"]

def loss(p, X, Y):
    return np.mean((forward(p, X)[-1] - Y) ** 2)

def gradients(p, X, Y):
    Z = X @ p["A"]
    centered, root, hat, out = forward(p, Z)
    dout = 2 * (out - Y) / Y.size
    a = np.tanh(hat * p["gamma"])
    dhat = dout @ p["W"].T * (1 - a**2) * p["gamma"]
    droot = -np.sum(dhat * centered, axis=0) / root**2
    dvar = droot / (2 * root)
    dcentered = dhat / root + 2 * centered * dvar / len(X)
    dmu = -dcentered.sum(axis=0)
    dZ = dcentered + dmu / len(X)
    return {"A": X.T @ dZ, "W": a.T @ dout}

def of_inputs(p, X, Y):
    return loss(p, X @ p["A"], Y)
"""


def arguments():
    rng = np.random.default_rng(0)
    p = {"A": rng.normal(size=(3, 4)), "W": rng.normal(size=(4, 2))}
    return p | {"gamma": 1 + rng.random(4)}, rng.normal(size=(9, 3)), rng.normal(size=(9, 2))


def checked(right, wrong):
    p, X, Y = arguments()
    gamma = p.pop("gamma")
    text = STEPS.replace('p["gamma"]', f"np.array({gamma.tolist()})")
    assert right in text
    loss = written(text, "of_inputs", "steps.py")
    gradients = written(text.replace(right, wrong), "gradients", f"steps {wrong}.py")
    return cr.check_gradients(loss, gradients)(p, X, Y)


@pytest.mark.parametrize(("right", "wrong"), [
    ("axis=0) / root**2", "axis=0) / root"),
    ("droot / (2 * root)", "droot / root"),
    ("dmu = -dcentered", "dmu = dcentered"),
])  # fmt: skip
def test_of_mistakes_that_later_lines_can_mend_the_line_is_said_that_belies_its_name(right, wrong):
    (found,) = checked(right, wrong).diagnoses
    assert wrong in found.where.code
    assert found.where.repaired


def test_right_gradients_with_these_names_pass():
    assert checked("root", "root").passed


def test_a_line_without_a_repair_is_named_by_its_variable(monkeypatch):
    monkeypatch.setattr(explain, "repairs", lambda *_, **__: [])
    monkeypatch.setattr(explain, "_by_path", lambda *_: ())
    (found,) = checked("dhat * centered", "np.cos(dhat) * centered**3").diagnoses
    assert found.where.code.strip().startswith("droot =")
    assert "droot should be the gradient at root" in found.what
    assert found.others == ("line 22, which reads it",)


def test_the_gradients_at_the_variables_of_a_loss_are_sums_over_all_reads():
    def loss():
        kept = []
        for x in X:
            h = np.sin(x)  # read once here, and once behind the loop
            kept.append(h)
        return sum(np.sum(k * h) for k in kept)

    X = np.arange(6.0).reshape(3, 2) + 1
    variables = LossVariables(codes_called(loss), loss, None)
    (site, *_) = Watch(codes_called(loss), loss).sites
    last = np.sin(X).sum(axis=0) + np.sin(X[-1])
    assert variables.is_at("h", site, last)
    assert not variables.is_at("h", site, np.sin(X[-1]) ** 2)


def test_names_of_gradients():
    names = {"dh": "h", "d_h": "h", "grad_h": "h", "h_grad": "h", "dL_dh": "h", "gh": "h", "x": ""}
    assert {name: variable_of(name) for name in names} == names


def test_a_constant_inside_a_logarithm_counts_for_code_whose_gradient_has_it():
    def loss(p, X, Y):
        return np.mean(np.log(np.exp(X @ p["s"]) + 1e-3) + (X @ p["w"] - Y) ** 2)

    def gradients(p, X, Y):
        e = np.exp(X @ p["s"])
        return {"s": X.T @ (e / (e + 1e-3)) / len(X), "w": X.T @ (X @ p["w"] - Y) / len(X)}

    p, X, _ = arguments()
    (found,) = cr.check_gradients(loss, gradients)(
        {"s": p["A"][:, 0] - 1, "w": p["A"][:, 1]}, X, X[:, 0]
    ).diagnoses
    assert found.parameters == ("w",)
    assert "factor 2" in found.what
