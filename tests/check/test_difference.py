"""Two functions that should be equal: the line where the first goes wrong."""

import ast

import numpy as np
import pytest

import chainrule as cr
from chainrule._src.check.subject import FaultyProgram

pytestmark = pytest.mark.usefixtures("processor_time")

Z = np.random.default_rng(0).normal(size=(6, 4))


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def softmax_over_the_batch(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=0, keepdims=True)


def softmax_without_shift(z):
    e = np.exp(z)
    return e / e.sum(axis=1, keepdims=True)


def softmax_not_normalised(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e  # noqa: RET504


def sigmoid_of_the_wrong_sign(z):
    t = 1 + np.exp(z)
    return 1 / t


@pytest.mark.parametrize(
    ("wrong", "right", "line", "said"),
    [
        (softmax_over_the_batch, softmax, 2, "axis=1"),
        (softmax_not_normalised, softmax, 2, "normalised"),
        (sigmoid_of_the_wrong_sign, lambda z: 1 / (1 + np.exp(-z)), 1, "-z"),
    ],
)
def test_the_first_wrong_line_is_pointed_at(wrong, right, line, said):
    report = cr.explain_difference(wrong, right)(Z)
    assert not report.passed
    (diagnosis,) = report.diagnoses
    assert diagnosis.where.line == wrong.__code__.co_firstlineno + line
    assert said in str(report)


def test_other_ways_to_the_same_value_pass():
    report = cr.explain_difference(softmax_without_shift, softmax)(Z)
    assert report.passed
    assert str(report) == "both give the same"


def nll_summed(params, X, y):
    q = softmax(X @ params["W"])
    return -np.sum(np.log(q[np.arange(len(y)), y]))


def nll(params, X, y):
    q = softmax(X @ params["W"])
    return -np.mean(np.log(q[np.arange(len(y)), y]))


def test_a_loss_that_is_summed_and_not_averaged():
    args = {"W": np.ones((4, 3)) * np.arange(3.0)}, Z, np.arange(6) % 3
    report = cr.check_loss(nll_summed, nll)(*args)
    assert "average" in report.diagnoses[0].what
    assert report.diagnoses[0].where.line == nll_summed.__code__.co_firstlineno + 2
    assert cr.check_loss(nll, nll)(*args).passed


def test_what_no_small_change_explains_is_said_to_be_so():
    report = cr.explain_difference(lambda z: np.cos(z) ** 3 + z**5, softmax)(Z)
    assert report.diagnoses[0].kind == "not explained"


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: cr.explain_difference(3, softmax), "give two functions"),
        (lambda: cr.check_loss(nll, None), "give two functions"),
        (lambda: cr.check_loss(softmax, softmax)(Z), "a single number"),
        (lambda: cr.explain_difference(lambda z: "a", softmax)(Z), "arrays of real numbers"),
        (lambda: cr.explain_difference(softmax, lambda z: z / 0)(Z), "NaN or infinite"),
    ],
)
def test_what_cannot_be_compared_is_refused(make, match):
    with np.errstate(all="ignore"), pytest.raises(cr.errors.DataError, match=match):
        make()


def trained(rule):
    """Return a function of w and gradients: the weights after steps of a rule with a memory."""

    def run(w, gradients):
        state = {}
        for g in gradients:
            w, state = rule(w, g, state)
        return w

    return run


def scaled(w, g, state, rho=0.6):
    s = rho * state.get("s", 0.0) + (1 - rho) * g**2
    return w - 0.1 * g / np.sqrt(s + 1e-7), {"s": s}


def scaled_from_one(w, g, state, rho=0.6):
    s = rho * state.get("s", 1.0) + (1 - rho) * g**2
    return w - 0.1 * g / np.sqrt(s + 1e-7), {"s": s}


def scaled_by_the_other_share(w, g, state, rho=0.6):
    s = rho * state.get("s", 0.0) + rho * g**2
    return w - 0.1 * g / np.sqrt(s + 1e-7), {"s": s}


def scaled_without_the_share(w, g, state, rho=0.6):
    s = rho * state.get("s", 0.0) + g**2
    return w - 0.1 * g / np.sqrt(s + 1e-7), {"s": s}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (scaled_from_one, "the number 1.0 must be 0.0"),
        (scaled_by_the_other_share, "rho stands where 1 - rho belongs"),
        (scaled_without_the_share, "the factor 1 - rho is missing"),
    ],
)
def test_a_memory_of_shares_is_read_in_its_own_line(wrong, said):
    rng = np.random.default_rng(3)
    args = rng.normal(size=3), rng.normal(size=(4, 3))
    (diagnosis,) = cr.explain_difference(trained(wrong), trained(scaled))(*args).diagnoses
    assert diagnosis.what.startswith(said)
    assert "derivative" not in diagnosis.what
    assert diagnosis.where.line == wrong.__code__.co_firstlineno + 1


def sigmoid_of_two(z):
    return 1 / (2 + np.exp(-z))


def test_a_wrong_number_is_likelier_than_a_rare_function():
    report = cr.explain_difference(sigmoid_of_two, lambda z: 1 / (1 + np.exp(-z)))(Z)
    assert report.diagnoses[0].what.startswith("the number 2 must be 1")


def summed_over_the_batch(z):
    return -np.mean(np.sum(z**2, axis=0))


def test_another_axis_is_tried_although_the_shape_becomes_another_one():
    report = cr.explain_difference(summed_over_the_batch, lambda z: -np.mean((z**2).sum(axis=1)))(Z)
    assert report.diagnoses[0].kind == "axis"
    assert report.diagnoses[0].where.repaired.endswith("np.sum(z ** 2, axis=-1))")


def under_the_root(z):
    return z / np.sqrt(z**2 + 0.1)


def behind_the_root(z):
    return z / (np.sqrt(z**2) + 0.1)


@pytest.mark.parametrize(
    ("wrong", "right", "side"),
    [
        (under_the_root, behind_the_root, "inside the function and belongs behind it"),
        (behind_the_root, under_the_root, "behind the function and belongs inside it"),
    ],
)
def test_a_term_on_the_wrong_side_of_a_function_is_named(wrong, right, side):
    report = cr.explain_difference(wrong, right)(Z)
    assert f"the term 0.1 stands {side}" in report.diagnoses[0].what


def test_a_change_of_a_program_is_made_and_run_once(monkeypatch):
    runs = []
    tried = FaultyProgram.tried

    def counted(self, edits, call=None):
        if call is None:
            runs.append((id(self), *((e.kind, id(e.owner), e.field, _text(e)) for e in edits)))
        return tried(self, edits, call)

    monkeypatch.setattr(FaultyProgram, "tried", counted)
    report = cr.explain_difference(under_the_root, lambda z: z**3 / (1 + np.abs(z) ** 1.5))(Z)
    assert report.diagnoses
    assert len(runs) == len(set(runs)) > 0


def _text(edit):
    parts = edit.new if isinstance(edit.new, list) else [edit.new]
    return "; ".join(ast.dump(part) for part in parts), str(edit.where), str(edit.detail)
