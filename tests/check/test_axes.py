"""A repair that is named for a batch is right for one sample, too."""

import linecache

import numpy as np
import pytest

from chainrule._src.check import explain_difference

SOFTMAX = "def softmax(X):\n    e = np.exp(X)\n    return e / {}\n"
LOSS = "def loss(Y, P):\n    likelihoods = {}\n    return -np.mean(likelihoods)\n"
DRAW = np.random.default_rng(3)
P = DRAW.dirichlet(np.ones(3), size=4)
Y = np.eye(3)[[0, 2, 1, 1]]
CASES = [
    (SOFTMAX, "np.sum(e, axis=-1, keepdims=True)", wrong, (DRAW.normal(size=(4, 3)),))
    for wrong in ("np.sum(e)", "np.sum(e, axis=0, keepdims=True)", "e.sum(0)", "e.sum(axis=0)")
] + [
    (LOSS, "np.sum(Y * np.log(P), axis=-1)", wrong, (Y, P))
    for wrong in ("np.sum(Y * np.log(P), axis=0)", "Y * np.log(P)")
]  # fmt: skip


def function(text):
    file = f"/axes/{abs(hash(text))}.py"
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    names = {"np": np, "__name__": "axes"}
    exec(compile(text, file, "exec"), names)
    return names[text[4 : text.index("(")]]


@pytest.mark.parametrize(("text", "right", "wrong", "args"), CASES)
def test_the_last_axis_is_named_from_the_end(text, right, wrong, args):
    begun = text.format(wrong)
    diagnosis = explain_difference(function(begun), function(text.format(right)))(*args).diagnoses[
        0
    ]
    mended = begun.splitlines()
    mended[diagnosis.where.line - 1] = diagnosis.where.repaired
    mended, solution = function("\n".join(mended) + "\n"), function(text.format(right))
    np.testing.assert_allclose(mended(*args), solution(*args))
    one = [arg[0] for arg in args]
    np.testing.assert_allclose(mended(*one), solution(*one))
