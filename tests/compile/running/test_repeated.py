"""Keys by comparison with an earlier recording equal those of a new recording."""

import numpy as np
import pytest
from tests.fuzz.grammar import program_of

import chainrule as cr
from chainrule._src.compile.running import repeated
from chainrule._src.compile.running.repeated import recorded_key
from chainrule._src.core.recording import tape
from chainrule._src.trace.keys import tape_key

W, X = np.ones(3), np.ones((5, 3))
SCALE, TABLE = 2.0, np.arange(3.0)


def reads_globals(w, X):
    return np.mean(np.sin(X @ w) * SCALE + TABLE[1])


def branches(w, X):
    return np.sum(w) if SCALE > 5 else np.sum(w * X)


def without_an_operation(w, X):
    return (w * X).sum() if SCALE > 5 else np.negative((w * X).sum())


def of_other_axes(w, X):
    return np.sum(X * w, axis=0 if SCALE > 5 else 1).max()


def as_list(w, X):
    return [X @ w, np.stack([w, w * SCALE])]


def key(f, *arguments):
    return recorded_key(f, dict(zip(("w", "X"), arguments, strict=True)))


def new_key(f, *arguments):
    return tape_key(tape(f, dict(zip(("w", "X"), arguments, strict=True)), named=False))


@pytest.fixture(autouse=True)
def _no_recordings(monkeypatch):
    monkeypatch.setattr(repeated, "_recordings", {})


FUNCTIONS = [reads_globals, branches, without_an_operation, of_other_axes, as_list]


@pytest.mark.parametrize("f", FUNCTIONS)
def test_a_repeated_function_is_not_recorded_again(f, monkeypatch):
    first = key(f, W, X)
    monkeypatch.setattr(repeated, "tape", None)
    assert key(f, W + 1, X - 1) == first


@pytest.mark.parametrize("f", FUNCTIONS)
def test_a_changed_global_changes_the_key(f, monkeypatch):
    first = key(f, W, X)
    monkeypatch.setattr(f"{__name__}.SCALE", 7.0)
    second = key(f, W, X)
    assert first != second == new_key(f, W, X)
    monkeypatch.setattr(f"{__name__}.SCALE", 2.0)
    assert key(f, W, X) == first


def test_a_changed_array_changes_the_key():
    first = key(reads_globals, W, X)
    TABLE[1] += 1
    assert first != key(reads_globals, W, X) == new_key(reads_globals, W, X)


def test_closures_of_one_code_are_told_apart():
    def scaled(factor):
        return lambda w, X: np.sum(X @ w * factor)

    keys = [key(scaled(factor), W, X) for factor in (2.0, 3.0, 2, np.float32(2), 2.0)]
    assert len(set(keys)) == 4
    assert keys[0] == keys[-1]


@pytest.mark.parametrize("arguments", [(W, X[:4]), (W.astype("f4"), X), ({"b": W}, X), (W, 2.0)])
def test_other_arguments_have_another_key(arguments):
    def f(w, X):
        return np.sum(X * (w["b"] if isinstance(w, dict) else w))

    first = key(f, W, X)
    assert first != key(f, *arguments) == new_key(f, *arguments)


def test_an_error_of_the_function_is_its_own(monkeypatch):
    def f(w, X):
        if SCALE > 5:
            raise ValueError("of the function")
        return np.sum(w)

    key(f, W, X)
    monkeypatch.setattr(f"{__name__}.SCALE", 7.0)
    with pytest.raises(ValueError, match="of the function"):
        key(f, W, X)


def test_results_that_nothing_uses_do_not_count():
    def f(w, X):
        if SCALE > 1:
            np.sin(w)
        return np.sum(np.cos(X @ w))

    first = key(f, W, X)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(repeated, "tape", None)
        patch.setattr(f"{__name__}.SCALE", 0.0)
        assert key(f, W, X) == first


@pytest.mark.parametrize("seeds", [range(first, first + 40) for first in (0, 40, 80)])
def test_random_programs(seeds):
    n_repeated = 0
    for seed in seeds:
        program = program_of(seed)
        f, args = program.function(), program.arguments(program.n)
        names = ["p", *(name for name, _ in program.data)]
        try:
            with np.errstate(all="ignore"):
                expected = tape_key(tape(f, dict(zip(names, args, strict=True)), named=False))
        except Exception:  # NumPy, or the recording, refuses the program
            continue
        for _ in range(2):
            with np.errstate(all="ignore"):
                assert recorded_key(f, dict(zip(names, args, strict=True))) == expected
        n_repeated += repeated._repeats(
            repeated._recordings[next(reversed(repeated._recordings))], f
        )
    assert n_repeated > 30


def test_a_loop_is_recorded_each_time():
    def f(w, X):
        return cr.scan(lambda h, x: (np.tanh(h + x * w), h), np.zeros(3), X)[0].sum()

    assert key(f, W, X) == key(f, W, X) == new_key(f, W, X)
