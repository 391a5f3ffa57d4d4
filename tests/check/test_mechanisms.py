"""Each way of the checker to come from a wrong gradient to its mistake, on a small program."""

import itertools

import numpy as np
import pytest

import chainrule as cr
from chainrule._src.check.code import codes_called
from chainrule._src.check.comparing import difference
from chainrule._src.check.problem import function_problem
from chainrule._src.check.sandbox import Sandbox
from chainrule._src.check.subject import FaultyProgram
from chainrule._src.check.surroundings import BuildingBlocks
from chainrule._src.check.trial import elsewhere, trials
from chainrule._src.check.watching import Watch, is_number

pytestmark = pytest.mark.usefixtures("processor_time")
rng = np.random.default_rng(0)
X, Y, labels = rng.normal(size=(8, 3)), rng.normal(size=(8, 2)), rng.integers(0, 2, 8)
W = {"W": rng.normal(size=(3, 2))}


def said(loss, gradients, *args):
    """Return the text of the first diagnosis, and its line as it must be."""
    first = cr.check_gradients(loss, gradients)(*args).diagnoses[0]
    return str(first), first.where.repaired.strip() if first.where is not None else ""


class Gated:
    """A recurrent unit whose gate stands in an attribute, an entry a step."""

    def __init__(self, params):
        self.p = params

    def forward(self, rows):
        p, T = self.p, len(rows)
        self.g, self.h = np.zeros((T, 2)), np.zeros((T + 1, 2))
        for t in range(T):
            self.g[t] = cr.sigmoid(rows[t] @ p["Wg"] + self.h[t - 1] @ p["Ug"])
            self.h[t] = self.g[t] * np.tanh(rows[t] @ p["Wc"]) + self.h[t - 1]
        return self.h[:-1]


def gated_loss(params, rows):
    return np.mean(Gated(params).forward(rows) ** 2)


def gated_gradients(params, rows):
    unit = Gated(params)
    d_all, T = 2 * unit.forward(rows) / (2 * len(rows)), len(rows)
    grads = {name: np.zeros_like(value) for name, value in params.items()}
    d_next = np.zeros(2)
    for t in reversed(range(T)):
        d_h = d_all[t] + d_next
        c = np.tanh(rows[t] @ params["Wc"])
        d_g = d_h * c * (1 - unit.g[t])
        grads["Wg"] += np.outer(rows[t], d_g)
        grads["Ug"] += np.outer(unit.h[t - 1], d_g)
        grads["Wc"] += np.outer(rows[t], d_h * unit.g[t] * (1 - c**2))
        d_next = d_h + params["Ug"] @ d_g
    return grads


def test_a_gate_in_an_attribute_is_found_in_a_loop_that_feeds_itself():
    rng = np.random.default_rng(1)
    params = {name: rng.normal(size=(3, 2)) for name in ("Wg", "Wc")}
    params["Ug"] = rng.normal(size=(2, 2))
    _, line = said(gated_loss, gated_gradients, params, rng.normal(size=(4, 3)))
    assert line == "d_g = d_h * c * (1 - unit.g[t]) * unit.g[t]"


def weights_of(rewards):
    total, weights = 0.0, np.zeros(len(rewards))
    for t in reversed(range(len(rewards))):
        total = 0.5 * total + rewards[t]
        weights[t] = total
    return weights


def weighted_loss(p, X, rewards):
    return np.sum(weights_of(rewards)[:, None] * (X @ p["W"]) ** 2)


def test_an_expression_of_the_loss_is_tried_in_the_gradient():
    def gradients(p, X, rewards):
        r = X @ p["W"]
        return {"W": 2 * X.T @ r}

    text, line = said(weighted_loss, gradients, W, X, Y[:, 0].tolist())
    assert "the factor weights_of(rewards)" in text
    assert line == 'return {"W": 2 * X.T * weights_of(rewards) @ r}'


def entropy_loss(p, X, y):
    z = X @ p["W"]
    q = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    entropy = -np.sum(q * np.log(q), axis=1)
    return np.mean(-np.log(q[np.arange(len(y)), y])) - 0.3 * np.mean(entropy)


@pytest.mark.thorough  # long
def test_a_path_that_no_line_computes_is_said_by_its_name():
    def gradients(p, X, y):
        z = X @ p["W"]
        q = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
        d_z = (q - np.eye(2)[y]) / len(y)
        return {"W": X.T @ d_z}

    text, _ = said(entropy_loss, gradients, W, X, labels)
    assert "missing" in text
    assert "entropy" in text


def huber_loss(p, X, targets, weights):
    total = 0.0
    for x, target, weight in zip(X, targets, weights, strict=True):
        total += weight.max() * np.abs(x @ p["W"] - target).sum()
    return total / len(X)


def test_small_slips_of_lines_have_their_changes():
    def without_sign(p, X, targets, weights):
        d_W = np.zeros_like(p["W"])
        for x, target, weight in zip(X, targets, weights, strict=True):
            d = x @ p["W"] - target
            d_W += weight.max() * np.outer(x, d)
        return {"W": d_W / len(X)}

    def position_for_value(p, X, targets, weights):
        d_W = np.zeros_like(p["W"])
        for x, target, weight in zip(X, targets, weights, strict=True):
            d = np.sign(x @ p["W"] - target)
            d_W += weight.argmax() * np.outer(x, d)
        return {"W": d_W / len(X)}

    data = X, Y, 1 + np.abs(Y)
    assert said(huber_loss, without_sign, W, *data)[1] == "d = np.sign(x @ p['W'] - target)"
    assert "weight.max()" in said(huber_loss, position_for_value, W, *data)[1]


def picked_loss(p, X, y):
    total = 0.0
    for x, k in zip(X, y, strict=True):
        counts = bool(x[0] > -0.5)
        total += (x @ p["W"])[k] ** 2 if counts else 0.0
    return total


def test_an_entry_for_a_row_and_a_line_without_its_condition():
    def all_entries(p, X, y):
        d_W = np.zeros_like(p["W"])
        for x, k in zip(X, y, strict=True):
            counts = bool(x[0] > -0.5)
            d = np.zeros(2)
            d[:] = 2 * (x @ p["W"])[k]
            if counts:
                d_W += np.outer(x, d)
        return {"W": d_W}

    def in_any_case(p, X, y):
        d_W = np.zeros_like(p["W"])
        for x, k in zip(X, y, strict=True):
            counts = bool(x[0] > -0.5)
            d = np.zeros(2)
            d[k] = 2 * (x @ p["W"])[k]
            d_W += np.outer(x, d)
            if not counts:
                continue
        return {"W": d_W}

    assert said(picked_loss, all_entries, W, X, labels)[1] == "d[k] = 2 * (x @ p['W'])[k]"
    text, _ = said(picked_loss, in_any_case, W, X, labels)
    assert "counts only on a condition (indent it): if counts" in text


def scaled_loss(p, X, Y):
    var = X.var(axis=0, ddof=1)
    scaled = X / (p["s"] ** 2 + var) ** 0.5
    return np.mean((scaled @ p["W"] - Y) ** 2)


def test_another_exponent():
    def gradients(p, X, Y):
        n, var = len(X), X.var(axis=0, ddof=1)
        inverse = (p["s"] ** 2 + var) ** -0.5
        d = 2 * (X * inverse @ p["W"] - Y) / (2 * n)
        d_inverse = ((d @ p["W"].T) * X).sum(axis=0)
        d_sum = -0.5 * (p["s"] ** 2 + var) ** -0.5 * d_inverse
        return {"W": (X * inverse).T @ d, "s": 2 * p["s"] * d_sum}

    _, line = said(scaled_loss, gradients, {**W, "s": np.ones(3)}, X, Y)
    assert "** -1.5" in line.replace("(-1.5)", "-1.5")


def chain_loss(p, X, Y):
    a = X @ p["W"]
    b = np.tanh(a)
    return np.sum((b - Y) ** 2) / len(X)


def test_the_first_line_that_is_off_is_said_of_lines_that_pass_a_factor_on():
    def gradients(p, X, Y):
        b = np.tanh(X @ p["W"])
        d_b = -2 * (b - Y) / len(X)
        d_copy = d_b.copy()
        d_a = d_copy * (1 - b**2)
        return {"W": X.T @ d_a}

    report = cr.check_gradients(chain_loss, gradients)(W, X, Y)
    assert report.diagnoses[0].where.code.strip().startswith("d_b = ")


def test_changes_that_cannot_mend_are_not_run():
    """Without one recording that tells them, the search calls this gradient 6,600 times."""
    calls = itertools.count()
    rng = np.random.default_rng(1)
    params = {name: rng.normal(size=(3, 2)) for name in ("Wg", "Wc")}
    params["Ug"] = rng.normal(size=(2, 2))

    def gradients(params, rows):
        next(calls)
        return gated_gradients(params, rows)

    cr.check_gradients(gated_loss, gradients)(params, rng.normal(size=(4, 3)))
    assert next(calls) < 1200


def test_noise_is_never_so_small_that_a_curved_response_looks_straight():
    def halved(x):
        for _ in range(50):
            x = x / 2
        return {"x": x}

    def call():
        return halved(1.0)

    watch = Watch(codes_called(call), call)
    for site in (site for site in watch.sites if is_number(site.value)):
        _, shifts = watch.disturbed(site)
        assert min(map(abs, shifts)) >= 0.05


def test_a_mask_is_a_factor_and_no_derivative_of_a_relu():
    mask = np.array([[1.0, 0.0, 1.0], [0.0, 1.0, 1.0]])
    value = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    text = difference(value, value * mask, 2, [("active", mask)], {})
    assert text == "the factor active is missing: multiply by it"


def step(d_next, before, now, w):
    d = (d_next + now) * (1 - now**2)
    return d * w, d * before, d


def steps_loss(params, start):
    h, total = start, 0.0
    for x in params["x"]:
        h = np.tanh(h * params["w"] + x)
        total = total + np.sum(h**2) / 2
    return total


def steps_gradients(params, start):
    h, d_x = [start], np.zeros_like(params["x"])
    for x in params["x"]:
        h.append(np.tanh(h[-1] * params["w"] + x))
    d_next, d_w = np.zeros(2), np.zeros(2)
    for t in reversed(range(len(d_x))):
        d_next, share, d_x[t] = step(d_next, h[t + 1], h[t + 1], params["w"])
        d_w += share
    return {"w": d_w, "x": d_x}


def test_of_several_arguments_of_a_call_one_may_be_the_mistake():
    """That no values of one make the results right tells nothing of the others."""
    rng = np.random.default_rng(3)
    params = {"w": rng.normal(size=2), "x": rng.normal(size=(4, 2))}
    _, line = said(steps_loss, steps_gradients, params, rng.normal(size=2))
    assert line == 'd_next, share, d_x[t] = step(d_next, h[t], h[t + 1], params["w"])'


def test_a_value_within_no_bounds_does_not_end_the_search(monkeypatch):
    monkeypatch.setattr(FaultyProgram, "_admits", lambda self, site, shift: True)
    monkeypatch.setattr(BuildingBlocks, "tells", lambda self, site: True)

    def loss(w, x):
        return np.mean(np.clip(x @ w, -1.5, 1.5) ** 2)

    def gradient(w, x):
        z = x @ w
        g = 2 * np.clip(z, -1.5, 1.5)
        return x.T @ g / len(x)

    (diagnosis,) = cr.check_gradients(loss, gradient)(2 * W["W"][:, 0], X).diagnoses
    assert diagnosis.kind == "missing factor", diagnosis


def test_a_trial_has_another_number_of_samples_than_any_size_or_whole_number():
    def loss(p, X, width, rate):
        return np.sum(np.tanh(X @ p["W"])) * rate * width / len(X)

    def gradients(p, X, width, rate):
        return {"W": X.T @ (1 - np.tanh(X @ p["W"]) ** 2) * rate * width / len(X)}

    args = {"W": rng.normal(size=(6, 3))}, rng.normal(size=(20, 6)), 7, 0.5
    problem = function_problem(loss, gradients, args)
    with Sandbox((), 10.0) as sandbox:
        trial = next(trials(problem, problem.parameters, problem.data, 20, sandbox))
        other = elsewhere(trial, problem.data, 20, sandbox)
    assert trial.n not in (3, 6, 7)
    assert other.n not in (trial.n, 3, 6, 7)
    assert other.data[1:] == (7, 0.4)  # a whole number may be a size, another float is a float
