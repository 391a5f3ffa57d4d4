"""A network as a list of layer objects, trained by their own backward methods."""

import numpy as np
from tests.check.collection import Run, Wrong


class Linear:
    def __init__(self, W, b):
        self.W, self.b = W, b

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, grad):
        self.dW = self.x.T @ grad
        self.db = grad.sum(axis=0)
        return grad @ self.W.T


class LeakyReLU:
    def __init__(self, slope=0.1):
        self.slope = slope

    def forward(self, x):
        self.x = x
        return np.where(x > 0, x, self.slope * x)

    def backward(self, grad):
        return grad * np.where(self.x > 0, 1.0, self.slope)


class Tanh:
    def forward(self, x):
        self.y = np.tanh(x)
        return self.y

    def backward(self, grad):
        return grad * (1 - self.y**2)


class CrossEntropy:
    def forward(self, scores, labels):
        shifted = scores - scores.max(axis=1, keepdims=True)
        self.probs = np.exp(shifted) / np.exp(shifted).sum(axis=1, keepdims=True)
        self.labels = labels
        return -np.log(self.probs[np.arange(len(labels)), labels]).mean()

    def backward(self):
        grad = self.probs.copy()
        grad[np.arange(len(self.labels)), self.labels] -= 1
        return grad / len(self.labels)


class Model:
    def __init__(self, weights):
        self.layers = []
        for i, (W, b) in enumerate(weights):
            self.layers.append(Linear(W, b))
            if i + 1 < len(weights):
                self.layers.append(Tanh() if i % 2 else LeakyReLU())
        self.criterion = CrossEntropy()

    def loss(self, x, labels):
        for layer in self.layers:
            x = layer.forward(x)
        return self.criterion.forward(x, labels)

    def backward(self):
        grad = self.criterion.backward()
        for layer in reversed(self.layers):
            grad = layer.backward(grad)
        return [(l.dW, l.db) for l in self.layers if isinstance(l, Linear)]


def loss(weights, x, labels):
    return Model(weights).loss(x, labels)


def gradients(weights, x, labels):
    model = Model(weights)
    model.loss(x, labels)
    return model.backward()


def problem(rng, n=6, sizes=(4, 5, 6, 3)):
    weights = [
        (rng.normal(size=(a, b)) / np.sqrt(a), rng.normal(size=b) * 0.1)
        for a, b in zip(sizes, sizes[1:])
    ]
    return weights, rng.normal(size=(n, sizes[0])), rng.integers(0, sizes[-1], n)


RUNS = {"net": Run("loss", "gradients", problem, {"n": 200, "sizes": (64, 50, 50, 10)})}


def wrong(style, right, bad, said, *also):
    return Wrong(style, right, bad, said, "net", also)


SLOPE = r"slope|derivative|relu|tanh|factor"
WRONG = [
    wrong("Linear.backward", "grad.sum(axis=0)", "grad.mean(axis=0)", "mean|sum|average"),
    wrong(
        "Linear.backward",
        "self.x.T @ grad",
        "self.x.T @ grad / len(self.x)",
        "average|twice|extra|divid|too (much|many)|len",
    ),
    wrong("LeakyReLU.backward", "1.0, self.slope)", "1.0, 0.0)", SLOPE),
    wrong(
        "LeakyReLU.backward",
        "grad * np.where(self.x > 0, 1.0, self.slope)",
        "np.where(self.x > 0, grad, grad)",
        SLOPE + "|where|missing",
    ),
    wrong("Tanh.backward", "(1 - self.y**2)", "self.y * (1 - self.y)", SLOPE),
    wrong("Tanh.backward", "(1 - self.y**2)", "(1 - self.y)", SLOPE + "|\\*\\* ?2|power|square"),
    wrong(
        "CrossEntropy.backward",
        "return grad / len(self.labels)",
        "return grad",
        "average|divid|mean|len|number of samples",
    ),
    wrong(
        "CrossEntropy.backward",
        "        grad[np.arange(len(self.labels)), self.labels] -= 1\n",
        "",
        "label|one.hot|subtract|- ?1",
    ),
    wrong("CrossEntropy.backward", "-= 1", "+= 1", "sign|subtract|minus|-=|\\+="),
    wrong(
        "Model.backward",
        "            grad = layer.backward(grad)",
        "            grad = layer.backward(grad) / len(grad)",
        "average|divid|len|too (much|many|often)|extra",
    ),
]
