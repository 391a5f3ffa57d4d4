"""What would lose a gradient: each is tried, and says what to write instead."""

import numpy as np
import pytest
import scipy.special
import scipy.stats

import chainrule as cr
from chainrule.errors import TraceError


def fill_entries(w):
    squares = np.zeros(3)
    for i in range(3):
        squares[i] = w[i] ** 2
    return np.sum(squares)


def fill_rows(w):
    rows = np.zeros((2, 3))
    rows[0] = w
    return np.sum(rows)


X = np.eye(3)
REFUSED = {
    "entry by entry": (fill_entries, r"entry of a plain array.*np\.stack\(entries\)"),
    "row by row": (fill_rows, r"^a tensor cannot become.*np\.stack"),
    "dot of an array": (lambda w: X.dot(w), r"for array\.dot\(t\) write array @ t"),
    "mean of a list": (lambda w: np.mean([w[0], w[1]]), r"^np\.mean: a tensor.*np\.stack"),
    "array of a list": (lambda w: np.array([w[0], w[1]]), r"^a tensor cannot.*np\.stack"),
    "full": (lambda w: np.full((2, 3), w), r"write np\.broadcast_to\(t, shape\)"),
    "r_": (lambda w: np.r_[w, w], "^a tensor cannot become"),
    "logsumexp": (scipy.special.logsumexp, r"^scipy\.special\.logsumexp.*write cr\.logsumexp"),
    "softmax": (scipy.special.softmax, r"^scipy\.special\.softmax.*write cr\.softmax"),
    "log_softmax": (scipy.special.log_softmax, r"write cr\.log_softmax"),
    "polygamma": (lambda w: scipy.special.polygamma(1, w), r"scipy\.special\.polygamma makes"),
    "statistics": (scipy.stats.norm.logpdf, r"^scipy\.stats\..*docs/functions\.md"),
    "ufunc of scipy": (scipy.special.dawsn, "^dawsn has no gradient"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_would_lose_the_gradient_says_what_to_write(name):
    f, message = REFUSED[name]
    with pytest.raises(TraceError, match=message) as raised:
        cr.grad(lambda w: np.sum(f(w)))(np.ones(3))
    assert raised.value.__cause__ is None


def test_other_errors_in_the_function_pass_as_they_are():
    def wrong(w):
        raise ValueError("setting an array element: mine")

    with pytest.raises(ValueError, match="mine"):
        cr.grad(wrong)(1.0)
