"""Mistakes as learners make them: the right sentence, at the line where the mistake is."""

import runpy
from pathlib import Path

import numpy as np
import pytest
from tests.check.collection import wrong_case

import chainrule as cr
from chainrule._src.check.code import written

pytestmark = pytest.mark.usefixtures("processor_time")

STEPS = """import numpy as np

def gradients(params, xs, ys):
    W, U, V = params["W"], params["U"], params["V"]
    hs = {-1: np.zeros((3, 1))}
    ps = {}
    for t in range(len(xs)):
        x = np.zeros((4, 1))
        x[xs[t]] = 1
        hs[t] = np.tanh(np.dot(W, x) + np.dot(U, hs[t - 1]))
        ps[t] = np.exp(np.dot(V, hs[t]))
        ps[t] /= np.sum(ps[t])
    dW, dU, dV = np.zeros_like(W), np.zeros_like(U), np.zeros_like(V)
    dhnext = np.zeros_like(hs[0])
    for t in reversed(range(len(xs))):
        x = np.zeros((4, 1))
        x[xs[t]] = 1
        dy = np.copy(ps[t])
        dy[ys[t]] -= 1
        dV += np.dot(dy, hs[t].T)
        dh = np.dot(V.T, dy) + dhnext
        draw = (1 - hs[t] * hs[t]) * dh
        dW += np.dot(draw, x.T)
        dU += np.dot(draw, hs[t - 1].T)
        dhnext = np.dot(U.T, draw)
    return {"W": dW, "U": dU, "V": dV}
"""


def steps_loss(params, xs, ys):
    h, total = np.zeros((3, 1)), 0.0
    for t in range(len(xs)):
        x = np.eye(4)[:, [xs[t]]]
        h = np.tanh(params["W"] @ x + params["U"] @ h)
        p = np.exp(params["V"] @ h)
        total = total - np.log(p[ys[t], 0] / np.sum(p))
    return total


SOFTMAX = """import numpy as np

def gradients(W, X, y, reg):
    p = np.exp(X @ W)
    p /= p.sum(axis=1, keepdims=True)
    dscores = p.copy()
    dscores[np.arange(len(y)), y] -= 1
    dscores /= len(y)
    dW = X.T @ dscores
    dW += 2 * reg * W
    return dW
"""


def softmax_loss(W, X, y, reg):
    s = X @ W
    data = np.mean(np.log(np.exp(s).sum(axis=1)) - s[np.arange(len(y)), y])
    return data + reg * np.sum(W * W)


def steps_args(rng):
    params = {"W": rng.normal(size=(3, 4)), "U": rng.normal(size=(3, 3)),
              "V": rng.normal(size=(4, 3))}  # fmt: skip
    text = [int(k) for k in rng.integers(0, 4, 6)]
    return params, text[:-1], text[1:]


def softmax_args(rng):
    return rng.normal(size=(5, 3)), rng.normal(size=(12, 5)), rng.integers(0, 3, 12), 0.1


@pytest.mark.sampled(quick=2)
@pytest.mark.parametrize(
    ("text", "right", "wrong", "line", "said"),
    [
        (STEPS, "np.dot(V.T, dy) + dhnext", "np.dot(V.T, dy)", 21, "dhnext is missing"),
        (STEPS, "        dy[ys[t]] -= 1\n", "", 18, "labels are not subtracted"),
        (STEPS, "(1 - hs[t] * hs[t]) * dh", "dh", 22, "derivative of the tanh"),
        (STEPS, "dV += np.dot(dy, hs[t].T)", "dV = np.dot(dy, hs[t].T)", 20, "+="),
        (SOFTMAX, "/= len(y)", "/= W.shape[1]", 8, "len"),
        (SOFTMAX, "    dscores /= len(y)\n", 2 * "    dscores /= len(y)\n", 9, "twice"),
        (SOFTMAX, "2 * reg * W", "reg * W", 10, "factor 2"),
    ],
)
def test_a_mistake_is_named_at_its_line(text, right, wrong, line, said):
    loss, args = (steps_loss, steps_args) if text is STEPS else (softmax_loss, softmax_args)
    args = args(np.random.default_rng(0))
    assert cr.check_gradients(loss, written(text, "gradients", "right.py"))(*args).passed
    mistaken = written(text.replace(right, wrong), "gradients", f"wrong{line}.py")
    report = cr.check_gradients(loss, mistaken)(*args)
    (diagnosis,) = report.diagnoses
    assert said in diagnosis.what
    assert diagnosis.where.line == line, report


def test_two_mistakes_in_one_gradient_are_both_named():
    text = SOFTMAX.replace("    dscores /= len(y)\n", "").replace("2 * reg * W", "reg * W")
    args = softmax_args(np.random.default_rng(0))
    report = cr.check_gradients(softmax_loss, written(text, "gradients", "two.py"))(*args)
    said = " ".join(diagnosis.what for diagnosis in report.diagnoses)
    assert "average over the batch" in said
    assert "factor 2" in said


def test_what_the_forward_pass_keeps_is_not_the_place_of_a_mistake():
    text = STEPS.replace("np.dot(U.T, draw)", "np.dot(U, draw)")
    report = cr.check_gradients(steps_loss, written(text, "gradients", "kept.py"))(
        *steps_args(np.random.default_rng(1))
    )
    assert report.diagnoses[0].where.code.strip() == "dhnext = np.dot(U, draw)"


def test_the_documentation_prints_what_a_check_says(tmp_path, capsys):
    page = (Path(__file__).parents[2] / "docs" / "checking.md").read_text(encoding="utf-8")
    code, printed = (page.split(f"```{kind}\n")[1].split("```")[0] for kind in ("python", "text"))
    homework = tmp_path / "homework.py"
    homework.write_text(code, encoding="utf-8")
    runpy.run_path(str(homework))
    assert capsys.readouterr().out.split("•")[1] == printed.split("•")[1]


@pytest.mark.thorough
def test_of_a_sum_each_term_that_is_wrong_is_described():
    case = wrong_case("hinge", 63)  # no average of the data's term, half of the penalty
    (diagnosis,) = cr.check_gradients(case.loss, case.gradients)(*case.args).diagnoses
    assert "counts 0.5 times" in diagnosis.what
    assert "the average over the batch is missing" in diagnosis.what


RIDGE = """import numpy as np

def loss(w, X, y, reg):
    return np.mean((X @ w - y) ** 2) + reg * np.sum(w * w)

def gradient(w, X, y, reg):
    return X.T @ (X @ w - y) / len(X) - 2 * reg * w
"""


def test_a_line_that_is_rewritten_is_shown_as_a_whole(tmp_path):
    path = tmp_path / "ridge.py"
    path.write_text(RIDGE)
    names = runpy.run_path(str(path))
    rng = np.random.default_rng(0)
    args = rng.normal(size=3), rng.normal(size=(8, 3)), rng.normal(size=8), 0.3
    (diagnosis,) = cr.check_gradients(names["loss"], names["gradient"])(*args).diagnoses
    mended = diagnosis.where.repaired.removeprefix("    return ")
    np.testing.assert_allclose(
        eval(mended, {"np": np, **dict(zip(("w", "X", "y", "reg"), args, strict=True))}),
        cr.grad(names["loss"])(*args),
    )
