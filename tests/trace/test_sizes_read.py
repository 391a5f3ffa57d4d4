"""A text of code that branches on the batch size holds for proven sizes alone, and says so."""

import builtins
import math
import threading
import warnings

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.draws import draws
from tests.uber import run_text

import chainrule as cr
from chainrule._src.trace.sizes import Size, SizeReader

W = np.array([0.5, -1.0, 2.0])
X = np.random.default_rng(0).normal(size=(150, 3))
LIST, TABLE = [1, 2, 3, 4, 5, 6, 7], {8: "eight"}
LONG = np.arange(200) // 59


class HIDDEN:
    """A number that no code mentions."""

    size = int("58")


def is_refused(function):
    try:
        function()
    except (ValueError, IndexError):
        return True
    return False


BRANCHES = {
    "a power": lambda X: len(X) ** 0.5 > 7,
    "the length of a list": lambda X: len(X) >= len(LIST),
    "a logarithm": lambda X: math.log2(len(X)) > 6.2,
    "a text": lambda X: "9" in str(len(X)),
    "a format": lambda X: f"{len(X):b}".count("1") == 3,
    "half": lambda X: len(X) / 2 > 23,
    "a sum": lambda X: 3 * len(X) - 5 > 2 * X.shape[0] + 71,
    "a share": lambda X: 1 / len(X) < 0.015,
    "the rest of a division": lambda X: len(X) % 97 == 3,
    "a quotient": lambda X: len(X) // 40 == 2,
    "a square": lambda X: len(X) * len(X) > 900,
    "a table": lambda X: len(X) in TABLE,
    "a float": lambda X: float(len(X)) > 60,
    "an int": lambda X: len(X) > 61,
    "NumPy's function": lambda X: np.log(len(X)) > 4,
    "NumPy's number": lambda X: len(X) > np.float32(52.5),
    "the size of an array": lambda X: np.size(X) > 200,
    "shapes": lambda X: X[2:].shape == (60, 3),
    "the smaller one": lambda X: min(len(X), 100) == 100,
    "the kind of a number": lambda X: isinstance(len(X), int) and len(X) > 70,
    "several": lambda X: 20 < len(X) <= 80,
    "rounding": lambda X: round(len(X) / 100) == 1,
    "bits": lambda X: len(X).bit_length() > 5,
    "the last number": lambda X: np.arange(len(X))[-1] > HIDDEN.size,
    "the largest number": lambda X: np.arange(len(X)).max() > HIDDEN.size,
    "numbers compared": lambda X: bool(np.any(np.arange(len(X)) > HIDDEN.size)),
    "numbers of a list": lambda X: np.arange(len(X)).tolist()[-1] > HIDDEN.size,
    "a range": lambda X: max(range(len(X))) > HIDDEN.size,
    "rows counted": lambda X: [i for i, _ in enumerate(X)][-1] > HIDDEN.size,
    "rows unpacked": lambda X: len([*X][2:]) > HIDDEN.size,
    "an entry of a table": lambda X: LONG[len(X) - 1] == 1,
    "a part of a table": lambda X: LONG[: len(X)].sum() > 0,
    "a text of the array": lambda X: str(X).count("array") + len(str(X)) > 20 * HIDDEN.size,
    "an error": lambda X: is_refused(lambda: X.reshape(-1, 5, 3)),
}


def loss_of(branch):
    return lambda w, X: np.mean(X @ w) if branch(X) else np.sum((X @ w) ** 2)


def assert_right_or_refused(loss, rows, sizes):
    """The text gives the loss's own numbers for every size that it does not refuse."""
    text = run_text(cr.trace(cr.value_and_grad(loss))(W, X[:rows]))
    holds = 0
    for n in sizes:
        try:
            got = text(W, X[:n])
        except AssertionError:
            assert n != rows
            continue
        holds += 1
        value, gradient = cr.value_and_grad(loss)(W, X[:n])
        np.testing.assert_allclose(got[0], value, rtol=1e-12)
        np.testing.assert_allclose(got[1], gradient, rtol=1e-12, atol=1e-14)
    return holds


@pytest.mark.sampled(quick=14)
@pytest.mark.parametrize("branch", BRANCHES.values(), ids=BRANCHES.keys())
@pytest.mark.parametrize("rows", [8, 75])
def test_numbers_are_right_for_every_size_that_is_not_refused(branch, rows):
    assert assert_right_or_refused(loss_of(branch), rows, range(1, 151)) > 0


EMPTY = {
    "a slice": lambda w, X: np.sum(w[: len(X)]),
    "a branch": lambda w, X: np.sum(w if X.shape[0] < 1 else X),
    "ones": lambda w, X: np.sum(np.ones(len(X)) * w[0]),
    "a sum": lambda w, X: np.sum((X @ w) ** 2),
    "a mean": lambda w, X: np.mean((X @ w) ** 2),
}


@pytest.mark.parametrize("loss", EMPTY.values(), ids=EMPTY.keys())
def test_an_empty_batch_is_right_or_refused(loss):
    text = run_text(cr.trace(cr.value_and_grad(loss))(W, X[:5]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the mean of nothing
        value, gradient = cr.value_and_grad(loss)(W, X[:0])
        try:
            got = text(W, X[:0])
        except (AssertionError, ZeroDivisionError):  # of a line that divides by the batch size
            return
    np.testing.assert_array_equal(got[0], value)
    np.testing.assert_array_equal(got[1], gradient)


FOLLOWED = {
    "a mean": lambda w, X: np.sum(X @ w) / len(X),
    "a factor": lambda w, X: np.sum(X @ w) * (1 / X.shape[0]),
    "ones": lambda w, X: np.mean(np.ones((len(X), 1)) * (X @ w)[:, None]),
    "numbered": lambda w, X: np.mean((X @ w)[np.arange(len(X))]),
    "reshaped": lambda w, X: np.mean(X.reshape(len(X), -1) @ w),
    "the same shape": lambda w, X: np.mean(X @ w) if X.shape == (len(X), 3) else 0 * np.sum(w),
    "some rows": lambda w, X: np.mean(X @ w) if len(X) > 0 else np.sum(w),
    "columns": lambda w, X: np.mean(X @ w) * X.shape[1] ** 0.5,
    "entries": lambda w, X: np.sum(X @ w) / X.size,
}


@pytest.mark.parametrize("loss", FOLLOWED.values(), ids=FOLLOWED.keys())
def test_arithmetic_that_is_followed_needs_no_assertion(loss):
    assert "assert" not in cr.source(loss)(W, X[:8])
    assert assert_right_or_refused(loss, 8, [1, 2, 3, 50, 150]) == 5


numbers = st.one_of(st.integers(-3, 12), st.floats(-3, 12).map(lambda x: round(x, 2)))


@draws(10)
@given(st.lists(st.tuples(st.sampled_from("+-*/"), numbers), max_size=3), numbers)
def test_the_size_at_which_a_comparison_changes_is_tried(steps, bound):
    def value(n):
        for operator, number in steps:
            if operator == "+":
                n = n + number
            elif operator == "-":
                n = number - n
            elif operator == "*":
                n = n * number
            elif number:
                n = n / number
        return n

    outcomes = [value(n) > bound for n in range(1, 200)]
    turns = {n for n in range(1, 199) if outcomes[n] != outcomes[n - 1]}
    reader = SizeReader(8)
    assert bool(value(Size(reader, 8, (0, 1))) > bound) == outcomes[7]
    assert reader.follows
    assert turns <= reader.turning_points


bounds = st.one_of(st.none(), st.integers(-7, 7))
steps = st.sampled_from([None, 1, 2, 3, -1, -2])


@draws(8)
@given(st.lists(st.builds(slice, bounds, bounds, steps), min_size=1, max_size=3), st.integers(1, 9))
@example([slice(4, -3)], 1)
@example([slice(None, None, 3), slice(2, None, 2), slice(4, -3)], 1)
def test_slices_are_right_for_every_size_that_is_not_refused(slices, rows):
    def loss(w, X):
        for part in slices:
            X = X[part]
        return np.sum((X @ w) ** 2)

    assert assert_right_or_refused(loss, rows, range(1, 40)) > 0


def test_the_length_function_is_pythons_again_afterwards():
    before = builtins.len, np.arange

    def loss(w, X):
        assert len(X) < 20, "too long"
        return np.mean(X @ w)

    lengths = []
    thread = threading.Thread(target=lambda: lengths.extend(len(LIST) for _ in range(100_000)))
    thread.start()
    for _ in range(5):
        cr.source(loss)(W, X[:9])
    thread.join()
    assert {*lengths} == {len(LIST)}
    assert (builtins.len, np.arange) == before


def test_an_index_that_counts_the_batch_holds_up_to_the_axis_that_it_indexes():
    def f(p, X):
        return p * np.sum(np.resize(X.T @ X, (len(X),)))

    text = run_text(cr.trace(cr.value_and_grad(f))(2.0, np.ones((3, 4))))
    assert text(2.0, np.ones((16, 4))) == (2.0 * 16 * 16, 16 * 16)
    with pytest.raises(AssertionError):
        text(2.0, np.ones((17, 4)))
