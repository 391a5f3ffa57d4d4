"""Reverse mode over numbers: a Value that remembers its children, a neuron layer of Values."""

import numpy as np

from tests.check.collection import Run, Wrong


class Value:
    def __init__(self, data, _children=(), _op=""):
        self.data = data
        self.grad = 0.0
        self._backward = lambda: None
        self._prev = set(_children)
        self._op = _op

    def __add__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        out = Value(self.data + other.data, (self, other), "+")

        def _backward():
            self.grad += out.grad
            other.grad += out.grad

        out._backward = _backward
        return out

    def __mul__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        out = Value(self.data * other.data, (self, other), "*")

        def _backward():
            self.grad += other.data * out.grad
            other.grad += self.data * out.grad

        out._backward = _backward
        return out

    def __pow__(self, other):
        out = Value(self.data**other, (self,), f"**{other}")

        def _backward():
            self.grad += other * self.data ** (other - 1) * out.grad

        out._backward = _backward
        return out

    def tanh(self):
        t = (np.exp(2 * self.data) - 1) / (np.exp(2 * self.data) + 1)
        out = Value(t, (self,), "tanh")

        def _backward():
            self.grad += (1 - t**2) * out.grad

        out._backward = _backward
        return out

    def exp(self):
        out = Value(np.exp(self.data), (self,), "exp")

        def _backward():
            self.grad += out.data * out.grad

        out._backward = _backward
        return out

    def log(self):
        out = Value(np.log(self.data), (self,), "log")

        def _backward():
            self.grad += 1 / self.data * out.grad

        out._backward = _backward
        return out

    def backward(self):
        topo, visited = [], set()

        def build_topo(v):
            if v not in visited:
                visited.add(v)
                for child in v._prev:
                    build_topo(child)
                topo.append(v)

        build_topo(self)
        self.grad = 1.0
        for v in reversed(topo):
            v._backward()

    def __neg__(self):
        return self * -1

    def __radd__(self, other):
        return self + other

    def __sub__(self, other):
        return self + (-other)

    def __rmul__(self, other):
        return self * other

    def __truediv__(self, other):
        return self * other**-1


def forward(w, data):
    """One tanh unit, then a softmax of two scores, over a list of pairs."""
    losses = []
    for x, label in data:
        h = (w[0] * x[0] + w[1] * x[1] + w[2]).tanh()
        scores = [(h * w[3] + w[4]).exp(), (h * w[5] + w[6]).exp()]
        total = scores[0] + scores[1]
        losses.append(-(scores[label] / total).log())
    mean = sum(losses[1:], losses[0]) * (1.0 / len(losses))
    return mean + sum((p**2 for p in w[1:]), w[0] ** 2) * 0.05


def loss(w, data):
    total = 0.0
    for x, label in data:
        h = np.tanh(w[0] * x[0] + w[1] * x[1] + w[2])
        scores = [np.exp(h * w[3] + w[4]), np.exp(h * w[5] + w[6])]
        total += -np.log(scores[label] / (scores[0] + scores[1]))
    return total / len(data) + 0.05 * np.sum(np.asarray(w) ** 2)


def gradients(w, data):
    values = [Value(p) for p in w]
    out = forward(values, data)
    out.backward()
    return np.array([v.grad for v in values])


def problem(rng, n=4):
    data = [(rng.normal(size=2).tolist(), int(rng.integers(0, 2))) for _ in range(n)]
    return rng.normal(size=7), data


RUNS = {"values": Run("loss", "gradients", problem, {"n": 30}, given=True)}


def wrong(method, right, mistaken, said):
    return Wrong(f"Value.{method}", right, mistaken, said, "values")


WRONG = [
    wrong(
        "__add__",
        "            self.grad += out.grad\n            other.grad += out.grad",
        "            self.grad = out.grad\n            other.grad = out.grad",
        r"\+=|accumul|overwrit|add",
    ),
    wrong(
        "__mul__",
        "            self.grad += other.data * out.grad\n            other.grad += self.data * out.grad",
        "            self.grad = other.data * out.grad\n            other.grad = self.data * out.grad",
        r"\+=|accumul|overwrit|add",
    ),
    wrong(
        "__mul__",
        "self.grad += other.data * out.grad\n            other.grad += self.data * out.grad",
        "self.grad += self.data * out.grad\n            other.grad += other.data * out.grad",
        r"other\.data|self\.data|swap|operand",
    ),
    wrong(
        "__pow__",
        "other * self.data ** (other - 1)",
        "other * self.data ** other",
        r"other - 1|power|expon",
    ),
    wrong(
        "__pow__",
        "other * self.data ** (other - 1) * out.grad",
        "self.data ** (other - 1) * out.grad",
        r"other|factor|power|expon",
    ),
    wrong(
        "tanh",
        "(1 - t**2) * out.grad",
        "(1 - self.data**2) * out.grad",
        r"\bt\b|self\.data|tanh|derivative",
    ),
    wrong("tanh", "(1 - t**2) * out.grad", "(1 - t**2)", r"out\.grad|chain|missing"),
    wrong("tanh", "(1 - t**2) * out.grad", "t * (1 - t) * out.grad", r"tanh|sigmoid|derivative"),
    wrong("exp", "out.data * out.grad", "self.data * out.grad", r"out\.data|self\.data|exp"),
    wrong(
        "log",
        "1 / self.data * out.grad",
        "1 / out.data * out.grad",
        r"self\.data|out\.data|log|derivative",
    ),
    wrong(
        "log",
        "1 / self.data * out.grad",
        "self.data * out.grad",
        r"1 / |divi|log|derivative|invers",
    ),
    wrong("backward", "for v in reversed(topo):", "for v in topo:", r"revers|order|backward"),
]
