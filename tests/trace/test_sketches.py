"""What is recorded without its numbers is the same program."""

import numpy as np
import pytest
from tests.fuzz.grammar import program_of

import chainrule as cr
from chainrule._src.core import forms
from chainrule._src.ops import linalg
from chainrule._src.trace.comparing import same
from chainrule._src.trace.tracing import Recorder


@pytest.fixture(autouse=True)
def nothing_is_small(monkeypatch):
    monkeypatch.setattr(forms, "SMALL", 0)


def repeats(a):
    return isinstance(a, np.ndarray) and a.size > 1 and not any(a.strides)


@pytest.mark.parametrize("start", range(4))
def test_random_programs_are_recorded_the_same_without_numbers(start):
    left_out = 0
    for seed in range(start, 100, 4):
        program = program_of(seed)
        recorder = Recorder(cr.value_and_grad(program.function()), program.arguments(program.n))
        try:
            expected = recorder.recorded(program.n, named=True)
        except Exception:  # of a program that makes no sense
            continue
        sketched = recorder.recorded(program.n)
        assert same(sketched, expected), program.pasted()
        left_out += any(repeats(variable.value) for variable in sketched.variables)
    assert left_out > 4


@pytest.mark.parametrize(
    "text",
    [
        "np.sum((W @ X.T)[:, X[:, 0] > 0.0])", "np.sum(np.tanh(W)[np.argmax(X @ W.T, axis=1)])",
        "np.sum(W[np.floor(np.exp(W[:, 0])).astype(int)])", "np.max(np.exp(X @ W.T)[X > 0.1])",
    ],
)  # fmt: skip
def test_what_needs_numbers_is_recorded_with_them(text):
    W, X = np.log([[0.5, 1.5], [1.5, 2.5]]), np.array([[1.0, -1], [0.3, 0.2], [-1, 1]])
    recorder = Recorder(eval(f"lambda W, X: {text}", {"np": np}), (W, X))
    assert same(recorder.recorded(3), recorder.recorded(3, named=True))


@pytest.mark.parametrize("text", ["W @ X", "W + X[:, :1]", "np.einsum('ab,cb->', W, X)"])
def test_what_does_not_fit_is_refused_in_numpys_words(text):
    f = eval(f"lambda W, X: {text}", {"np": np})
    W, X = np.ones((2, 2)), np.ones((3, 3))
    words = "mismatch|broadcast"
    with pytest.raises(ValueError, match=words) as expected:
        f(W, X)
    with pytest.raises(ValueError, match=words) as told:
        Recorder(f, (W, X)).recorded(3)
    assert str(expected.value) in str(told.value)


def test_a_recurrence_and_its_way_back_are_recorded_without_numbers(monkeypatch):
    monkeypatch.setattr(linalg, "FEW", 0)
    rng = np.random.default_rng(0)

    def loss(w, xs):
        def step(h, x):
            return np.tanh(h @ w + x), h

        return np.sum(cr.scan(step, np.zeros_like(xs[0]), xs)[0])

    recorder = Recorder(cr.value_and_grad(loss), (rng.normal(size=(4, 4)), np.ones((6, 3, 4))))
    expected, sketched = recorder.recorded(6, named=True), recorder.recorded(6)
    assert same(sketched, expected)
    bodies = [e.params["body"] for e in sketched.equations if e.primitive.name == "scan"]
    assert len(bodies) == 2
    for body in bodies:
        products = [e.output for e in body.equations if e.primitive.name == "matmul"]
        assert products
        assert all(repeats(v.value) for v in products)
