"""Logistic regression and shallow networks with samples in columns, or one sample after another."""

import numpy as np
from tests.check.collection import Run, Wrong


def sigmoid(z):
    s = 1 / (1 + np.exp(-z))
    return s


def propagate(w, b, X, Y):
    m = X.shape[1]
    A = sigmoid(np.dot(w.T, X) + b)
    cost = -1 / m * np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A))
    dw = 1 / m * np.dot(X, (A - Y).T)
    db = 1 / m * np.sum(A - Y)
    return {"w": dw, "b": db}, cost


def cost(params, X, Y):
    return propagate(params["w"], params["b"], X, Y)[1]


def gradients(params, X, Y):
    return propagate(params["w"], params["b"], X, Y)[0]


def problem(rng, d=4, n=7):
    params = {"w": rng.normal(size=(d, 1)) / np.sqrt(d), "b": 0.3}
    return params, rng.normal(size=(d, n)), rng.integers(0, 2, (1, n)).astype(float)


def loop_cost(theta, X, y):
    J = 0.0
    for i in range(len(X)):
        h = sigmoid(X[i].dot(theta))
        J += -(y[i] * np.log(h) + (1 - y[i]) * np.log(1 - h))
    return J / len(X) + 0.1 / (2 * len(X)) * np.sum(theta[1:] ** 2)


def loop_gradient(theta, X, y):
    m = len(X)
    grad = np.zeros(theta.shape)
    for i in range(m):
        h = sigmoid(X[i].dot(theta))
        error = h - y[i]
        for j in range(len(theta)):
            grad[j] += error * X[i, j]
    grad /= m
    grad[1:] += 0.1 / m * theta[1:]
    return grad


def loop_problem(rng, n=8, d=3):
    X = np.hstack([np.ones((n, 1)), rng.normal(size=(n, d))])
    return rng.normal(size=d + 1), X, rng.integers(0, 2, n).astype(float)


def forward_propagation(X, parameters):
    Z1 = np.dot(parameters["W1"], X) + parameters["b1"]
    A1 = np.tanh(Z1)
    Z2 = np.dot(parameters["W2"], A1) + parameters["b2"]
    A2 = sigmoid(Z2)
    return A2, {"Z1": Z1, "A1": A1, "Z2": Z2, "A2": A2}


def compute_cost(parameters, X, Y):
    A2, _ = forward_propagation(X, parameters)
    m = Y.shape[1]
    logprobs = np.multiply(np.log(A2), Y) + np.multiply(np.log(1 - A2), 1 - Y)
    return -np.sum(logprobs) / m


def backward_propagation(parameters, X, Y):
    _, cache = forward_propagation(X, parameters)
    m = X.shape[1]
    W2 = parameters["W2"]
    A1, A2 = cache["A1"], cache["A2"]
    dZ2 = A2 - Y
    dW2 = (1 / m) * np.dot(dZ2, A1.T)
    db2 = (1 / m) * np.sum(dZ2, axis=1, keepdims=True)
    dZ1 = np.dot(W2.T, dZ2) * (1 - np.power(A1, 2))
    dW1 = (1 / m) * np.dot(dZ1, X.T)
    db1 = (1 / m) * np.sum(dZ1, axis=1, keepdims=True)
    return {"W1": dW1, "b1": db1, "W2": dW2, "b2": db2}


def shallow_problem(rng, d=3, h=4, n=6):
    params = {
        "W1": rng.normal(size=(h, d)),
        "b1": rng.normal(size=(h, 1)) * 0.3,
        "W2": rng.normal(size=(1, h)),
        "b2": rng.normal(size=(1, 1)) * 0.3,
    }
    return params, rng.normal(size=(d, n)), rng.integers(0, 2, (1, n)).astype(float)


def squared_loss(w, X, y):
    return np.sum((X @ w - y) ** 2) / len(y)


def squared_gradient(w, X, y):
    residual = X @ w - y
    return 2 / len(y) * X.T @ residual


def squared_problem(rng, n=6, d=3):
    return rng.normal(size=(d, 1)), rng.normal(size=(n, d)), rng.normal(size=(n, 1))


RUNS = {
    "columns": Run("cost", "gradients", problem, {"d": 784, "n": 1000}),
    "loop": Run("loop_cost", "loop_gradient", loop_problem, {"n": 100, "d": 20}),
    "shallow": Run(
        "compute_cost", "backward_propagation", shallow_problem, {"d": 50, "h": 20, "n": 400}
    ),
    "squared": Run("squared_loss", "squared_gradient", squared_problem, {"n": 1000, "d": 100}),
}


def wrong(style, right, mistaken, said, run, *also):
    return Wrong(style, right, mistaken, said, run, also)


AVERAGE = r"average|mean|divi|/ ?m|1 ?/ ?m"
SIGMOID = r"sigmoid|derivative|slope"

WRONG = [
    wrong("propagate", "dw = 1 / m * np.dot", "dw = np.dot", AVERAGE, "columns"),
    wrong(
        "propagate",
        "dw = 1 / m * np.dot",
        "dw = 1 // m * np.dot",
        r"//|integer|whole|floor|division",
        "columns",
    ),
    wrong(
        "propagate",
        "np.dot(X, (A - Y).T)",
        "np.dot(X, (Y - A).T)",
        r"sign|minus|order|swap|negat",
        "columns",
    ),
    wrong("propagate", "db = 1 / m * np.sum(A - Y)", "db = np.sum(A - Y)", AVERAGE, "columns"),
    wrong(
        "propagate",
        "np.dot(X, (A - Y).T)",
        "np.dot(X, (A * (1 - A) * (A - Y)).T)",
        SIGMOID + "|A \\* \\(1 - A\\)|twice|cancel",
        "columns",
    ),
    wrong(
        "loop_gradient", "h = sigmoid(X[i].dot(theta))", "h = X[i].dot(theta)", r"sigmoid", "loop"
    ),
    wrong(
        "loop_gradient",
        "error = h - y[i]",
        "error = y[i] - h",
        r"sign|minus|order|swap|negat",
        "loop",
    ),
    wrong(
        "loop_gradient",
        "    grad /= m\n",
        "",
        AVERAGE,
        "loop",
        "grad[j] += ",
        "grad[1:]",
        "error = ",
    ),
    wrong(
        "loop_gradient",
        "grad[j] += error * X[i, j]",
        "grad[j] = error * X[i, j]",
        r"\+=|accumul|overwrit|add|sum",
        "loop",
    ),
    wrong(
        "loop_gradient",
        "grad[1:] += 0.1 / m * theta[1:]",
        "grad += 0.1 / m * theta",
        r"\[1:\]|intercept|bias|penal|regulari|theta",
        "loop",
    ),
    wrong(
        "loop_gradient",
        "grad[1:] += 0.1 / m * theta[1:]",
        "grad[1:] += 0.1 * theta[1:]",
        AVERAGE + "|penal|regulari",
        "loop",
    ),
    wrong(
        "loop_gradient",
        "error = h - y[i]",
        "error = (h - y[i]) * h * (1 - h)",
        SIGMOID + r"|h \* \(1 - h\)|1 - h",
        "loop",
    ),
    wrong(
        "backward_propagation",
        "(1 - np.power(A1, 2))",
        "A1 * (1 - A1)",
        r"tanh|sigmoid|derivative|slope",
        "shallow",
    ),
    wrong(
        "backward_propagation",
        "(1 - np.power(A1, 2))",
        '(1 - np.power(cache["Z1"], 2))',
        r"tanh|derivative|slope|A1|Z1",
        "shallow",
    ),
    wrong(
        "backward_propagation",
        "dZ2 = A2 - Y",
        "dZ2 = (A2 - Y) * A2 * (1 - A2)",
        SIGMOID + "|A2",
        "shallow",
    ),
    wrong(
        "backward_propagation",
        "np.dot(dZ2, A1.T)",
        "np.dot(dZ2, A1.T) / m",
        r"average|twice|divi",
        "shallow",
    ),
    wrong(
        "backward_propagation",
        "db1 = (1 / m) * np.sum(dZ1, axis=1, keepdims=True)",
        "db1 = (1 / m) * np.sum(dZ1)",
        r"axis|shape|sum",
        "shallow",
    ),
    wrong(
        "backward_propagation",
        "np.dot(W2.T, dZ2) * (1 - np.power(A1, 2))",
        "np.dot(W2.T, dZ2)",
        r"tanh|derivative|slope",
        "shallow",
    ),
    wrong(
        "squared_gradient",
        "residual = X @ w - y",
        "residual = X @ w - y.ravel()",
        r"shape|ravel|broadcast|\(n, n\)|\(6, 6\)|y\b",
        "squared",
    ),
    wrong(
        "squared_gradient",
        "2 / len(y) * X.T",
        "1 / len(y) * X.T",
        r"factor|\b2\b|twice|half",
        "squared",
    ),
    wrong(
        "squared_gradient",
        "2 / len(y) * X.T",
        "2 / len(w) * X.T",
        r"len\(w\)|len\(y\)|average|number of",
        "squared",
    ),
    wrong(
        "squared_gradient",
        "2 / len(y) * X.T",
        "2 // len(y) * X.T",
        r"//|integer|whole|floor|division",
        "squared",
    ),
    wrong(
        "squared_gradient",
        "residual = X @ w - y",
        "residual = X @ w + y",
        r"sign|minus|- y",
        "squared",
    ),
]
