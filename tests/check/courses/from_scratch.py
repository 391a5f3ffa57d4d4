"""A multilayer perceptron from scratch, parameters in a list, and linear regression with decay."""

import numpy as np

from tests.check.collection import Run, Wrong


def softmax(O):
    O_exp = np.exp(O)
    partition = O_exp.sum(1, keepdims=True)
    return O_exp / partition


def relu(X):
    return np.maximum(X, 0)


def net(params, X):
    W1, b1, W2, b2 = params
    X = X.reshape((-1, W1.shape[0]))
    H = relu(np.matmul(X, W1) + b1)
    return H, np.matmul(H, W2) + b2


def cross_entropy(params, X, y):
    _, O = net(params, X)
    y_hat = softmax(O)
    return -np.log(y_hat[list(range(len(y_hat))), y]).mean()


def backward(params, X, y):
    W1, b1, W2, b2 = params
    X = X.reshape((-1, W1.shape[0]))
    H, O = net(params, X)
    y_hat = softmax(O)
    y_one_hot = np.zeros_like(y_hat)
    y_one_hot[np.arange(len(y)), y] = 1
    dO = (y_hat - y_one_hot) / len(y)
    dW2 = np.matmul(H.T, dO)
    db2 = dO.sum(0)
    dH = np.matmul(dO, W2.T)
    dZ = dH * (H > 0)
    dW1 = np.matmul(X.T, dZ)
    db1 = dZ.sum(0)
    return [dW1, db1, dW2, db2]


def squared_loss(params, X, y, lambd):
    w, b = params
    y_hat = np.matmul(X, w) + b
    l = (y_hat - y.reshape(y_hat.shape)) ** 2 / 2
    return l.mean() + lambd * (w**2).sum() / 2


def linreg_backward(params, X, y, lambd):
    w, b = params
    y_hat = np.matmul(X, w) + b
    error = (y_hat - y.reshape(y_hat.shape)) / len(y)
    dw = np.matmul(X.T, error) + lambd * w
    db = error.sum(0)
    return [dw, db]


def huber_loss(params, X, y):
    w, b = params
    r = X @ w + b - y
    small = np.abs(r) <= 1
    return np.sum(np.where(small, 0.5 * r**2, np.abs(r) - 0.5)) / len(y)


def huber_backward(params, X, y):
    w, b = params
    r = X @ w + b - y
    g = np.where(np.abs(r) <= 1, r, np.sign(r))
    g = g / len(y)
    return [X.T @ g, np.sum(g)]


def problem(rng, n=6, d=4, h=5, c=3):
    params = [
        rng.normal(size=(d, h)) / np.sqrt(d),
        rng.normal(size=h) * 0.3,
        rng.normal(size=(h, c)) / np.sqrt(h),
        rng.normal(size=c) * 0.3,
    ]
    return params, rng.normal(size=(n, d)), rng.integers(0, c, n)


def images(rng, n=1000, h=100):
    params, X, y = problem(rng, n, 784, h, 10)
    return params, X.reshape(n, 28, 28), y


def linreg_problem(rng, n=7, d=3):
    return (
        [rng.normal(size=(d, 1)), rng.normal(size=1)],
        rng.normal(size=(n, d)),
        rng.normal(size=n),
        0.3,
    )


def huber_problem(rng, n=9, d=3):
    return [rng.normal(size=d), 0.2], rng.normal(size=(n, d)), rng.normal(size=n) * 3


RUNS = {
    "mlp": Run("cross_entropy", "backward", problem, {"n": 1000, "d": 784, "h": 100, "c": 10}),
    "linear": Run("squared_loss", "linreg_backward", linreg_problem, {"n": 1000, "d": 200}),
    "huber": Run("huber_loss", "huber_backward", huber_problem, {"n": 500, "d": 20}),
}


def mlp(right, mistaken, said, *also):
    return Wrong("backward", right, mistaken, said, "mlp", also)


def linear(right, mistaken, said, *also):
    return Wrong("linreg_backward", right, mistaken, said, "linear", also)


def huber(right, mistaken, said, *also):
    return Wrong("huber_backward", right, mistaken, said, "huber", also)


RELU = r"relu|slope|derivative|H > 0|> 0"
WRONG = [
    mlp(
        "y_one_hot[np.arange(len(y)), y] = 1",
        "y_one_hot[np.arange(len(y)), y - 1] = 1",
        r"off by one|y - 1|label|one.hot|index",
    ),
    mlp(
        "y_one_hot[np.arange(len(y)), y] = 1",
        "y_one_hot[:, y] = 1",
        r"arange|row|index|label|one.hot",
    ),
    mlp("dZ = dH * (H > 0)", "dZ = dH * H * (1 - H)", RELU + "|sigmoid"),
    mlp("dZ = dH * (H > 0)", "dZ = dH * (dH > 0)", RELU),
    mlp("dZ = dH * (H > 0)", "dZ = relu(dH)", RELU),
    mlp(
        "(y_hat - y_one_hot) / len(y)",
        "(y_hat - y_one_hot) / y_hat.size",
        r"size|len|average|number of",
    ),
    mlp("(y_hat - y_one_hot) / len(y)", "(y_hat - y_one_hot)", r"average|divi"),
    mlp("(y_hat - y_one_hot) / len(y)", "(O - y_one_hot) / len(y)", r"y_hat|softmax|\bO\b"),
    mlp("dW2 = np.matmul(H.T, dO)", "dW2 = np.matmul(H.T, dO) / len(y)", r"average|twice|divi"),
    mlp("dH = np.matmul(dO, W2.T)", "dH = np.matmul(y_hat, W2.T)", r"dO|y_hat"),
    mlp("db1 = dZ.sum(0)", "db1 = dH.sum(0)", r"dZ|dH|" + RELU),
    mlp(
        "return [dW1, db1, dW2, db2]", "return [dW1, db1, dW2 / len(y), db2]", r"average|twice|divi"
    ),
    linear(
        "error = (y_hat - y.reshape(y_hat.shape)) / len(y)",
        "error = (y_hat - y) / len(y)",
        r"shape|reshape|broadcast|\(n, n\)|\(7, 7\)",
    ),
    linear(" + lambd * w", " + 2 * lambd * w", r"penal|regulari|lambd|factor|\b2\b|twice"),
    linear(" + lambd * w", " + lambd", r"penal|regulari|lambd|\bw\b"),
    linear(
        "+ lambd * w\n    db = error.sum(0)",
        "+ lambd * w\n    db = error.sum(0) + lambd * b",
        r"penal|regulari|lambd|bias|\bb\b",
    ),
    linear("/ len(y)", "* 2 / len(y)", r"factor|\b2\b|twice"),
    huber(
        "np.where(np.abs(r) <= 1, r, np.sign(r))",
        "np.where(np.abs(r) <= 1, r, 1.0)",
        r"sign|absolute|abs|derivative",
    ),
    huber(
        "np.where(np.abs(r) <= 1, r, np.sign(r))",
        "np.where(r <= 1, r, np.sign(r))",
        r"abs|absolute|condition",
    ),
    huber(
        "np.where(np.abs(r) <= 1, r, np.sign(r))",
        "np.where(np.abs(r) <= 1, 0.5 * r, np.sign(r))",
        r"factor|half|0\.5|\b2\b|derivative",
    ),
    huber("    g = g / len(y)\n", "", r"average|divi"),
    mlp(
        ("dZ = dH * (H > 0)", "(y_hat - y_one_hot) / len(y)"),
        ("dZ = dH", "(y_hat - y_one_hot)"),
        (RELU, r"average|divi"),
    ),
    linear(
        (" + lambd * w", "/ len(y)"), ("", ""), (r"penal|regulari|lambd|missing", r"average|divi")
    ),
]
