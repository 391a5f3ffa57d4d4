"""A report in any case: whatever the data, and without a loss that can be recorded."""

import numpy as np
import pytest

import chainrule as cr


def plain(value):
    """Return an array that no tensor can pass."""
    return np.asarray(value, dtype=float)


def pairs_loss(params, data):
    total = 0.0
    for x, y in data:
        a = 1 / (1 + np.exp(-plain(np.dot(params["w"], x) + params["b"])))
        total += 0.5 * np.sum((a - y) ** 2)
    return total / len(data)


def pairs_gradients(params, data):
    dw, db = np.zeros_like(params["w"]), np.zeros_like(params["b"])
    for x, y in data:
        a = 1 / (1 + np.exp(-(np.dot(params["w"], x) + params["b"])))
        delta = (a - y) * a
        dw += np.dot(delta, x.T)
        db += delta
    return {"w": dw / len(data), "b": db / len(data)}


def test_pairs_of_columns():
    rng = np.random.default_rng(0)
    params = {"w": rng.normal(size=(3, 4)), "b": rng.normal(size=(3, 1))}
    data = [(rng.normal(size=(4, 1)), rng.random((3, 1))) for _ in range(5)]
    (diagnosis,) = cr.check_gradients(pairs_loss, pairs_gradients)(params, data).diagnoses
    assert diagnosis.where.code.strip() == "delta = (a - y) * a"
    assert diagnosis.where.repaired.strip() == "delta = (a - y) * a * (1 - a)"


class Batch:
    def __init__(self, X, y):
        self.X, self.y = X, y


class Value:
    """A number that remembers where it came from."""

    def __init__(self, data):
        self.data = data

    def __mul__(self, other):
        return Value(self.data * (other.data if isinstance(other, Value) else other))


def object_loss(w, batch):
    return float(np.mean((plain(batch.X @ w) - batch.y) ** 2))


def object_gradients(w, batch):
    error = batch.X @ w - batch.y
    return batch.X.T @ error / len(batch.y)


def test_an_object_for_the_data():
    rng = np.random.default_rng(1)
    batch = Batch(rng.normal(size=(9, 3)), rng.normal(size=9))
    report = cr.check_gradients(object_loss, object_gradients)(rng.normal(size=3), batch)
    assert "2" in report.diagnoses[0].what
    assert "batch" in report.diagnoses[0].where.code


def values_loss(w, numbers):
    return float(sum(float(w[0]) * v.data for v in numbers)) ** 2


def values_gradients(w, numbers):
    total = sum((v * w[0]).data for v in numbers)
    return np.array([total * sum(v.data for v in numbers)])


def test_a_class_of_values():
    numbers = [Value(0.3), Value(-1.2), Value(2.0)]
    report = cr.check_gradients(values_loss, values_gradients)(np.array([0.7]), numbers)
    assert not report.passed
    assert "2" in report.diagnoses[0].what


def sequences_loss(params, xs, ys):
    h, total = np.zeros(3), 0.0
    for x, y in zip(xs, ys, strict=True):
        h = np.tanh(plain(params["U"] @ x + params["V"] @ h))
        total += np.sum((h - y) ** 2)
    return total


def sequences_gradients(params, xs, ys):
    hs = [np.zeros(3)]
    for x in xs:
        hs.append(np.tanh(params["U"] @ x + params["V"] @ hs[-1]))
    dU, dV, dh = np.zeros_like(params["U"]), np.zeros_like(params["V"]), np.zeros(3)
    for t in reversed(range(len(xs))):
        dh = 2 * (hs[t + 1] - ys[t])
        da = dh * (1 - hs[t + 1] ** 2)
        dU += np.outer(da, xs[t])
        dV += np.outer(da, hs[t])
        dh = params["V"].T @ da
    return {"U": dU, "V": dV}


def test_lists_of_arrays():
    rng = np.random.default_rng(2)
    params = {"U": rng.normal(size=(3, 2)), "V": rng.normal(size=(3, 3))}
    xs, ys = [list(rng.normal(size=(6, k))) for k in (2, 3)]
    report = cr.check_gradients(sequences_loss, sequences_gradients)(params, xs, ys)
    assert report.diagnoses[0].where.code.strip() == "dh = 2 * (hs[t + 1] - ys[t])"
    assert "+=" in report.diagnoses[0].where.repaired


@pytest.mark.sampled(quick=1)
@pytest.mark.parametrize(
    "data", [None, "text", {"a": [1, (2, "b")]}, [object()], {1, 2}, [[1], [2, 3]], iter([1])]
)
def test_odd_data_give_a_report(data):
    def loss(w, data):
        return float(np.sum(plain(w) ** 2))

    report = cr.check_gradients(loss, lambda w, data: w)(np.array([1.0, -2.0]), data)
    assert not report.passed
    assert report.diagnoses


def test_a_fault_of_the_search_does_not_hide_the_report(monkeypatch):
    from chainrule._src.check import explain

    def broken(*arguments):
        raise KeyError("a fault")

    monkeypatch.setattr(explain, "repairs", broken)
    report = cr.check_gradients(lambda w: np.sum(w**2), lambda w: -2 * w)(np.ones(3))
    assert "the sign is wrong" in report.diagnoses[0].what
