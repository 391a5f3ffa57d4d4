"""A program holds for the batch sizes for which that is proven; others are recorded for themselves.

Every function here does something else for some number of samples.
"""

import functools

import numpy as np
import pytest
from tests.interpreter import interpreted
from tests.uber import assert_same, run_text

import chainrule as cr
from chainrule.errors import TraceError

W = np.array([0.5, -1.0, 2.0])
X = np.random.default_rng(0).normal(size=(23, 3))
RATE = 0.01

LOSSES = {
    "slice": lambda w, X: np.mean(X[:5] @ w),
    "slice from the end": lambda w, X: np.mean((X[-4:] @ w) ** 2),
    "slice inside": lambda w, X: np.sum(np.tanh(X[1:3] @ w)) + np.mean(X @ w),
    "branch": lambda w, X: np.mean(X @ w) if len(X) > 4 else np.sum((X @ w) ** 2),
    "branch on one": lambda w, X: np.std(X @ w, ddof=1) if len(X) > 1 else np.sum(X @ w),
    "branch on two": lambda w, X: np.mean(X @ w) if len(X) > 2 else np.sum(X @ w),
    "branch below": lambda w, X: np.sum(X @ w) if len(X) < 10 else np.mean((X @ w) ** 2),
    "parity": lambda w, X: np.sum(X @ w) if len(X) % 2 else np.mean((X @ w) ** 2),
    "half": lambda w, X: np.sum(np.sin(X[: len(X) // 2 + 1] @ w)),
    "loop": lambda w, X: sum(np.sum(np.sin(X[i] * w)) for i in range(min(len(X), 3))),
    "diagonal": lambda w, X: np.sum(np.diag(X) * w[0]) + np.mean(X @ w),
    "squeezed": lambda w, X: np.sum(np.squeeze(X @ w[:, None]) ** 2),
    "broadcast": lambda w, X: np.sum((X * w) @ np.ones((3, 1)) * X[:1].T[0]),
    "constant": lambda w, X: np.sum(X @ w * np.linspace(0, 1, len(X))),
    "every size": lambda w, X: np.mean(np.logaddexp(0, X @ w)),
}
SIZES = (1, 2, 3, 4, 5, 6, 9, 10, 11, 23)


@functools.cache
def by_hand(loss, batch_size, epochs):
    w, losses = W, []
    for _ in range(epochs):
        total = 0.0
        for start in range(0, len(X), batch_size):
            batch = X[start : start + batch_size]
            value, gradient = cr.value_and_grad(loss)(w, batch)
            w, total = w - RATE * gradient, total + value * len(batch)
        losses.append(total / len(X))
    return w, losses


@pytest.mark.sampled(quick=8)
@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES.keys())
@pytest.mark.parametrize("engine", ["numpy", "compiled"])
def test_training_is_what_is_done_by_hand(loss, engine):
    for batch_size in (1, 2, 4, 5, 8, 10, 40):  # of 23: with a last batch of 1, 2, 3, 7 …
        with interpreted():
            w, history = cr.minimize(
                loss, W, X, optimizer=cr.optimizers.SGD(RATE), batch_size=batch_size, epochs=2,
                shuffle=False, engine=engine,
            )  # fmt: skip
        expected, losses = by_hand(loss, batch_size, 2)
        np.testing.assert_allclose(w, expected, rtol=1e-12, err_msg=str(batch_size))
        np.testing.assert_allclose(history.loss, losses, rtol=1e-12, err_msg=str(batch_size))


@pytest.mark.sampled(quick=4)
@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES.keys())
def test_a_program_and_a_text_give_the_right_numbers_or_none(loss):
    f = cr.value_and_grad(loss)
    for recorded in (1, 2, 4, 5, 10, 23):
        program = cr.trace(f)(W, X[:recorded])
        text = run_text(program)
        for n in SIZES:
            for run, refusal in ((program, cr.errors.ChainruleError), (text, AssertionError)):
                try:
                    found = run(W, X[:n])
                except refusal:
                    assert n != recorded
                else:
                    assert_same(f(W, X[:n]), found, rtol=1e-12, atol=1e-14)


def test_a_program_says_for_which_sizes_it_holds():
    program = cr.trace(LOSSES["slice"])(W, X)
    assert program(W, X[:5]) == LOSSES["slice"](W, X[:5])
    with pytest.raises(TraceError, match="something else for 4 samples"):
        program(W, X[:4])


@pytest.mark.parametrize(
    ("name", "rows", "line"),
    [
        ("slice", 8, "assert 5 <= len(X)\n"),
        ("branch on two", 8, "assert 3 <= len(X)\n"),
        ("branch on one", 8, "assert len(X) == 8\n"),  # 1 / (n - 1) is no multiple of 1 / n
        ("branch below", 3, "assert len(X) <= 9\n"),
        ("branch below", 23, "assert 10 <= len(X)\n"),
        ("branch on one", 1, "assert len(X) == 1\n"),
        ("parity", 4, "assert len(X) == 4\n"),
        ("every size", 4, None),
    ],
)
def test_a_text_says_for_which_sizes_it_holds(name, rows, line):
    text = cr.source(LOSSES[name])(W, X[:rows])
    assert line in text if line else "assert" not in text


def few(X):
    return len(X) in {6, 17}


def fewer(X, than=7):
    return len(X) < than


class Chooser:
    def __init__(self, than):
        self.than = than

    def __call__(self, X):
        return self.is_short(X)

    def is_short(self, X):
        return len(X) < self.than


def below(than):
    return lambda X: len(X) < than


BRANCHES = {
    "a global": few, "a default": fewer, "a closure": below(7), "an object": Chooser(7),
    "a method": Chooser(7).is_short, "a partial": functools.partial(fewer, than=7),
    "a wrapped function": functools.lru_cache(Chooser(7).is_short), "a tuple": (below(7),),
    "within a function": lambda X: (lambda X: fewer(X))(X),
}  # fmt: skip


@pytest.mark.parametrize("shorter", BRANCHES.values(), ids=BRANCHES.keys())
def test_a_text_knows_of_branches_in_what_the_function_calls(shorter):
    def loss(w, X):
        chosen = shorter if callable(shorter) else shorter[0]
        return np.mean(X @ w) if chosen(range(len(X))) else np.mean((X @ w) ** 2)

    f = cr.value_and_grad(loss)
    text = run_text(cr.trace(f)(W, X[:10]))
    assert_same(f(W, X[:10]), text(W, X[:10]), rtol=1e-12, atol=1e-14)
    for n in (6, 17) if shorter is few else (6, 1):
        with pytest.raises(AssertionError):
            text(W, X[:n])


def test_machine_code_reads_no_sample_that_is_not_there():
    w, _ = cr.minimize(
        LOSSES["slice"], np.ones(3), X[:11], engine="compiled", batch_size=8, shuffle=False
    )
    expected = np.ones(3)
    for batch in (X[:8], X[8:11]):
        expected = expected - 0.01 * cr.grad(LOSSES["slice"])(expected, batch)
    np.testing.assert_allclose(w, expected, rtol=1e-14)
    assert cr.jit(lambda w, X: np.mean(X[:2] @ w))(np.ones(3), 2 * np.ones((1, 3))) == 6.0


@pytest.mark.parametrize(
    ("row", "scale"), [(5, 1e200), (21, 1e200), (21, 1e100)],
    ids=["in the long batches", "in the short one", "after it"],
)  # fmt: skip
def test_what_was_good_before_a_loss_was_not_finite(row, scale):
    """The parameters are the last ones with a finite loss, whatever engine ran them."""
    y = np.ones(23)
    y[row] = scale

    def loss(w, X, y):
        return (1.0 if len(X) > 5 else 2.0) * np.mean((X @ w * y) ** 2)

    found = []
    for engine in ("numpy", "compiled"):
        with interpreted(), pytest.raises(cr.errors.DivergenceError) as error:
            cr.minimize(
                loss, W, X, y, batch_size=10, epochs=3, optimizer=cr.optimizers.SGD(RATE),
                shuffle=False, engine=engine,
            )  # fmt: skip
        found.append((str(error.value), error.value.params))
    assert found[0][0] == found[1][0]
    np.testing.assert_allclose(found[0][1], found[1][1], rtol=1e-12)
