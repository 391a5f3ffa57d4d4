"""Layers as objects that keep what came in, activations as objects with value and derivative."""

import numpy as np

from tests.check.collection import Run, Wrong


class Tanh:
    def fn(self, z):
        return np.tanh(z)

    def grad(self, x):
        return 1 - np.tanh(x) ** 2


class SoftPlus:
    def fn(self, z):
        return np.log(np.exp(z) + 1)

    def grad(self, x):
        exp_x = np.exp(x)
        return exp_x / (exp_x + 1)


class ELU:
    def __init__(self, alpha=0.8):
        self.alpha = alpha

    def fn(self, z):
        return np.where(z > 0, z, self.alpha * (np.exp(z) - 1))

    def grad(self, x):
        return np.where(x > 0, np.ones_like(x), self.alpha * np.exp(x))


class Sigmoid:
    def fn(self, z):
        return 1 / (1 + np.exp(-z))

    def grad(self, x):
        fn_x = self.fn(x)
        return fn_x * (1 - fn_x)


class FullyConnected:
    def __init__(self, W, b, act_fn):
        self.act_fn = act_fn
        self.parameters = {"W": W, "b": b}
        self.gradients = {"W": np.zeros_like(W), "b": np.zeros_like(b)}
        self.X = []

    def forward(self, X):
        Y, Z = self._fwd(X)
        self.X.append(X)
        return Y

    def _fwd(self, X):
        Z = X @ self.parameters["W"] + self.parameters["b"]
        return self.act_fn.fn(Z), Z

    def backward(self, dLdy):
        dX, dW, dB = self._bwd(dLdy, self.X.pop())
        self.gradients["W"] += dW
        self.gradients["b"] += dB
        return dX

    def _bwd(self, dLdy, X):
        W, b = self.parameters["W"], self.parameters["b"]
        Z = X @ W + b
        dZ = dLdy * self.act_fn.grad(Z)
        dX = dZ @ W.T
        dW = X.T @ dZ
        dB = dZ.sum(axis=0, keepdims=True)
        return dX, dW, dB


class Softmax:
    def forward(self, X):
        e = np.exp(X - X.max(axis=-1, keepdims=True))
        self.y = e / e.sum(axis=-1, keepdims=True)
        return self.y

    def backward(self, dLdy):
        dX = []
        for dy, y in zip(dLdy, self.y):
            dxi = []
            for i in range(len(y)):
                total = 0.0
                for j in range(len(y)):
                    if i == j:
                        total += dy[j] * y[i] * (1 - y[i])
                    else:
                        total -= dy[j] * y[i] * y[j]
                dxi.append(total)
            dX.append(dxi)
        return np.array(dX)


class SquaredError:
    def loss(self, y, y_pred):
        return 0.5 * np.linalg.norm(y_pred - y) ** 2

    def grad(self, y, y_pred):
        return y_pred - y


class CrossEntropy:
    def loss(self, y, y_pred):
        return -np.sum(y * np.log(y_pred)) / len(y)

    def grad(self, y, y_pred):
        return -(y / y_pred) / len(y)


def build(params):
    return [
        FullyConnected(params["W1"], params["b1"], SoftPlus()),
        FullyConnected(params["W2"], params["b2"], Tanh()),
        FullyConnected(params["W3"], params["b3"], ELU()),
    ]


def run(layers, X):
    for layer in layers:
        X = layer.forward(X)
    return X


def loss(params, X, y):
    return SquaredError().loss(y, run(build(params), X))


def gradients(params, X, y):
    layers = build(params)
    dLdy = SquaredError().grad(y, run(layers, X))
    for layer in reversed(layers):
        dLdy = layer.backward(dLdy)
    grads = {}
    for k, layer in enumerate(layers, 1):
        grads[f"W{k}"] = layer.gradients["W"]
        grads[f"b{k}"] = layer.gradients["b"]
    return grads


def classes(params):
    return [
        FullyConnected(params["W1"], params["b1"], Sigmoid()),
        FullyConnected(params["W2"], params["b2"], Tanh()),
        Softmax(),
    ]


def class_loss(params, X, y):
    return CrossEntropy().loss(y, run(classes(params), X))


def class_gradients(params, X, y):
    layers = classes(params)
    dLdy = CrossEntropy().grad(y, run(layers, X))
    for layer in layers[::-1]:
        dLdy = layer.backward(dLdy)
    first, second = layers[0].gradients, layers[1].gradients
    return {"W1": first["W"], "b1": first["b"], "W2": second["W"], "b2": second["b"]}


def problem(rng, n=6, d=3, h=4, c=2):
    sizes = [d, h, h, c]
    params = {}
    for k in (1, 2, 3):
        params[f"W{k}"] = rng.normal(size=(sizes[k - 1], sizes[k])) / np.sqrt(sizes[k - 1])
        params[f"b{k}"] = rng.normal(size=(1, sizes[k])) * 0.3
    return params, rng.normal(size=(n, d)), rng.normal(size=(n, c))


def class_problem(rng, n=5, d=3, h=4, c=3):
    params = {
        "W1": rng.normal(size=(d, h)),
        "b1": rng.normal(size=(1, h)) * 0.3,
        "W2": rng.normal(size=(h, c)),
        "b2": rng.normal(size=(1, c)) * 0.3,
    }
    return params, rng.normal(size=(n, d)), np.eye(c)[rng.integers(0, c, n)]


RUNS = {
    "regression": Run("loss", "gradients", problem, {"n": 200, "d": 50, "h": 30, "c": 5}),
    "classes": Run(
        "class_loss", "class_gradients", class_problem, {"n": 100, "d": 30, "h": 20, "c": 5}
    ),
}


def wrong(style, right, mistaken, said, run="regression", *also):
    return Wrong(style, right, mistaken, said, run, also)


SLOPE = r"derivative|slope|act_fn|activation"

WRONG = [
    wrong(
        "FullyConnected._bwd",
        "dLdy * self.act_fn.grad(Z)",
        "dLdy * self.act_fn.fn(Z)",
        SLOPE + "|grad",
    ),
    wrong(
        "FullyConnected._bwd",
        "dLdy * self.act_fn.grad(Z)",
        "dLdy * self.act_fn.grad(self.act_fn.fn(Z))",
        SLOPE + "|twice|Z",
    ),
    wrong("FullyConnected._bwd", "dLdy * self.act_fn.grad(Z)", "dLdy", SLOPE),
    wrong("FullyConnected._bwd", "dW = X.T @ dZ", "dW = X.T @ dLdy", r"dZ|dLdy|" + SLOPE),
    wrong("FullyConnected._bwd", "dX = dZ @ W.T", "dX = dLdy @ W.T", r"dZ|dLdy|" + SLOPE),
    wrong(
        "FullyConnected._bwd",
        "dZ.sum(axis=0, keepdims=True)",
        "dZ.mean(axis=0, keepdims=True)",
        r"mean|sum|average",
    ),
    wrong(
        "SoftPlus.grad",
        "exp_x / (exp_x + 1)",
        "1 / (exp_x + 1)",
        r"exp_x|softplus|sigmoid|" + SLOPE,
    ),
    wrong("ELU.grad", "self.alpha * np.exp(x)", "np.exp(x)", r"alpha|elu|" + SLOPE),
    wrong(
        "ELU.grad",
        "self.alpha * np.exp(x)",
        "self.alpha * (np.exp(x) - 1)",
        r"- 1|exp|elu|" + SLOPE,
    ),
    wrong("Tanh.grad", "1 - np.tanh(x) ** 2", "1 - x ** 2", r"tanh|" + SLOPE),
    wrong("SquaredError.grad", "y_pred - y", "y - y_pred", r"sign|minus|order|swap|negat"),
    wrong("SquaredError.grad", "y_pred - y", "(y_pred - y) / len(y)", r"average|divi|len\(y\)"),
    wrong("Sigmoid.grad", "fn_x * (1 - fn_x)", "x * (1 - x)", r"fn_x|sigmoid|" + SLOPE, "classes"),
    wrong(
        "Softmax.backward",
        "total -= dy[j] * y[i] * y[j]",
        "total += dy[j] * y[i] * y[j]",
        r"sign|minus|-=|softmax",
        "classes",
    ),
    wrong(
        "Softmax.backward",
        "dy[j] * y[i] * (1 - y[i])",
        "dy[j] * y[i]",
        r"1 - y|softmax|derivative",
        "classes",
    ),
    wrong(
        "Softmax.backward",
        "total -= dy[j] * y[i] * y[j]",
        "continue",
        r"softmax|missing|off-diagonal|term|left out",
        "classes",
    ),
    wrong(
        "CrossEntropy.grad",
        "-(y / y_pred) / len(y)",
        "(y_pred - y) / len(y)",
        r"softmax|y / y_pred|derivative|log",
        "classes",
    ),
    wrong(
        "CrossEntropy.grad",
        "-(y / y_pred) / len(y)",
        "-(y / y_pred)",
        r"average|divi|len\(y\)",
        "classes",
    ),
    wrong(
        "CrossEntropy.grad",
        "-(y / y_pred) / len(y)",
        "(y / y_pred) / len(y)",
        r"sign|minus|negat",
        "classes",
    ),
]
