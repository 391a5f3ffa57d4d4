"""Trust: a right gradient is never called WRONG, and what is not known is not said."""

import numpy as np
import pytest
import tests.check.programs_more  # noqa: F401  # adds its programs
from tests.check.programs import PROGRAMS

import chainrule as cr

DRAWS = 5


@pytest.mark.sampled(quick=1)
@pytest.mark.parametrize("name", PROGRAMS)
def test_right_gradients_at_real_sizes_are_not_accused(name):
    for seed in range(DRAWS):
        loss, gradients, args = PROGRAMS[name](np.random.default_rng(seed))
        report = cr.check_gradients(loss, gradients)(*args)
        assert report.passed, f"seed {seed}\n{report}"


@pytest.mark.sampled(quick=1)
@pytest.mark.parametrize("name", PROGRAMS)
def test_a_gradient_that_is_a_little_off_is_caught(name):
    loss, gradients, args = PROGRAMS[name](np.random.default_rng(0))

    def wrong(*args):
        result = gradients(*args)
        if not isinstance(result, dict):
            return 1.01 * result
        key = next(iter(result))
        first = result[key]
        return {
            **result,
            key: [1.01 * first[0], *first[1:]] if type(first) is list else 1.01 * first,
        }

    assert not cr.check_gradients(loss, wrong)(*args).passed


def test_a_loss_that_changes_from_call_to_call_is_said_first():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(8, 5))

    def forward(w, X):
        mask = rng.random(X.shape) < 0.5
        return mask, (X * mask) @ w

    def loss(w, X):
        return np.mean(forward(w, X)[1] ** 2)

    def right(w, X):
        mask, out = forward(w, X)
        return 2 * (X * mask).T @ out / len(X)

    def wrong(w, X):
        _, out = forward(w, X)
        return 2 * X.T @ out / len(X)

    for gradients, passes in ((right, True), (wrong, False)):
        report = cr.check_gradients(loss, gradients)(np.ones(5), X)
        assert report.passed == passes
        assert "the loss changes from call to call" in report.notes[0]
        assert "starts from the same random state" in report.notes[0]


def test_a_loss_that_counts_its_calls_has_no_gradient():
    calls = []

    def loss(w):
        calls.append(1)
        return len(calls) * np.sum(w**2)

    with pytest.raises(cr.errors.DataError, match="the loss changes from call to call: it is"):
        cr.check_gradients(loss, lambda w: 2 * w)(np.ones(3))


def test_an_epsilon_is_found_in_a_loss_that_cannot_be_recorded():
    def loss(w, X, y):
        p = 1 / (1 + np.exp(-np.asarray(X @ w, dtype=float)))
        eps = 1e-4
        return -np.mean(np.log(np.where(y, p, 1 - p) + eps))

    def gradients(w, X, y):
        return X.T @ (1 / (1 + np.exp(-X @ w)) - y) / len(y)

    rng = np.random.default_rng(0)
    args = rng.normal(size=4), rng.normal(size=(30, 4)), rng.integers(0, 2, 30)
    report = cr.check_gradients(loss, gradients)(*args)
    assert report.passed
    assert any("adds a small constant" in note for note in report.notes)
