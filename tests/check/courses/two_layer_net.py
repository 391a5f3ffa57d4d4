"""A class with its parameters in a dict, whose method returns loss and gradients; relu, softmax."""

import numpy as np
from tests.check.collection import Run, Wrong

REG = 0.05


def problem(rng, n=8, d=4, h=6, c=3):
    params = {
        "W1": rng.normal(size=(d, h)) / np.sqrt(d),
        "b1": rng.normal(size=h) * 0.3,
        "W2": rng.normal(size=(h, c)) / np.sqrt(h),
        "b2": rng.normal(size=c) * 0.3,
    }
    return params, rng.normal(size=(n, d)), rng.integers(0, c, n)


class TwoLayerNet:
    def __init__(self, input_size, hidden_size, output_size, std=1e-4):
        self.params = {}
        self.params["W1"] = std * np.random.randn(input_size, hidden_size)
        self.params["b1"] = np.zeros(hidden_size)
        self.params["W2"] = std * np.random.randn(hidden_size, output_size)
        self.params["b2"] = np.zeros(output_size)

    def loss(self, X, y=None, reg=0.0):
        W1, b1 = self.params["W1"], self.params["b1"]
        W2, b2 = self.params["W2"], self.params["b2"]
        N, _ = X.shape

        hidden = np.maximum(0, X.dot(W1) + b1)
        scores = hidden.dot(W2) + b2
        if y is None:
            return scores

        scores -= np.max(scores, axis=1, keepdims=True)
        exp_scores = np.exp(scores)
        probs = exp_scores / np.sum(exp_scores, axis=1, keepdims=True)
        data_loss = np.sum(-np.log(probs[np.arange(N), y])) / N
        loss = data_loss + reg * (np.sum(W1 * W1) + np.sum(W2 * W2))

        grads = {}
        dscores = probs.copy()
        dscores[np.arange(N), y] -= 1
        dscores /= N
        grads["W2"] = np.dot(hidden.T, dscores)
        grads["b2"] = np.sum(dscores, axis=0)
        dhidden = np.dot(dscores, W2.T)
        dhidden[hidden <= 0] = 0
        grads["W1"] = np.dot(X.T, dhidden)
        grads["b1"] = np.sum(dhidden, axis=0)
        grads["W2"] += 2 * reg * W2
        grads["W1"] += 2 * reg * W1
        return loss, grads


class LeakyNet:
    """A leaky hidden layer; the loss is squared, the averages are taken where the parts are."""

    def __init__(self, params):
        self.params = params
        self.alpha = 0.01

    def forward(self, X):
        self.X = X
        self.z = X @ self.params["W1"] + self.params["b1"]
        self.a = np.where(self.z > 0, self.z, self.alpha * self.z)
        return self.a @ self.params["W2"] + self.params["b2"]

    def loss(self, X, Y):
        out = self.forward(X)
        return 0.5 * np.sum((out - Y) ** 2) / len(X)

    def backward(self, out, Y):
        m = len(Y)
        delta2 = (out - Y) / m
        dW2 = self.a.T @ delta2
        db2 = np.sum(delta2, axis=0)
        slope = np.ones_like(self.z)
        slope[self.z <= 0] = self.alpha
        delta1 = (delta2 @ self.params["W2"].T) * slope
        dW1 = self.X.T @ delta1
        db1 = np.sum(delta1, axis=0)
        return {"W1": dW1, "b1": db1, "W2": dW2, "b2": db2}


def two_layer(params, X, y):
    net = TwoLayerNet(1, 1, 1)
    net.params = params
    return net.loss(X, y, REG)[0]


def two_layer_gradients(params, X, y):
    net = TwoLayerNet(1, 1, 1)
    net.params = params
    return net.loss(X, y, REG)[1]


def leaky_problem(rng, n=7, d=3, h=5, c=2):
    params, X, _ = problem(rng, n, d, h, c)
    return params, X, rng.normal(size=(n, c))


def leaky(params, X, Y):
    return LeakyNet(params).loss(X, Y)


def leaky_gradients(params, X, Y):
    net = LeakyNet(params)
    return net.backward(net.forward(X), Y)


RUNS = {
    "net": Run(
        "two_layer", "two_layer_gradients", problem, {"n": 1000, "d": 784, "h": 100, "c": 10}
    ),
    "leaky": Run("leaky", "leaky_gradients", leaky_problem, {"n": 500, "d": 100, "h": 50, "c": 5}),
}


def net(right, wrong, said, *also):
    return Wrong("TwoLayerNet.loss", right, wrong, said, "net", also)


def back(right, wrong, said, *also):
    return Wrong("LeakyNet.backward", right, wrong, said, "leaky", also)


AVERAGE = r"average|mean|divi|/= N|/ N"
RELU = r"relu|hidden|slope|derivative|<= 0|> 0"
PENALTY = r"penal|regulari|reg\b|factor|\b2\b|twice|half"

WRONG = [
    net("        dhidden[hidden <= 0] = 0\n", "", RELU),
    net("dhidden[hidden <= 0] = 0", "dhidden[dhidden <= 0] = 0", RELU),
    net("dhidden[hidden <= 0] = 0", "dhidden[hidden > 0] = 0", RELU + "|<=|revers"),
    net(
        "        dhidden[hidden <= 0] = 0\n",
        "        dhidden = dhidden * hidden * (1 - hidden)\n",
        RELU + "|sigmoid",
    ),
    net("        dhidden[hidden <= 0] = 0\n", "        dhidden = np.maximum(0, dhidden)\n", RELU),
    net(
        'np.dot(hidden.T, dscores)\n        grads["b2"]',
        'np.dot(hidden.T, probs)\n        grads["b2"]',
        r"dscores|probs",
    ),
    net(
        'grads["W1"] = np.dot(X.T, dhidden)', 'grads["W1"] = np.dot(X.T, hidden)', r"dhidden|hidden"
    ),
    net("        dscores /= N\n", "", AVERAGE, 'grads["W2"] = '),
    net("        dscores[np.arange(N), y] -= 1\n", "", r"label|subtract|-= 1|y\b"),
    net("np.sum(dscores, axis=0)", "np.sum(dscores, axis=1)", r"axis|shape"),
    net("np.sum(dhidden, axis=0)", "np.sum(dhidden)", r"axis|shape"),
    net(
        '        grads["W1"] += 2 * reg * W1\n', "", PENALTY + "|missing|W1", 'grads["W1"] = np.dot'
    ),
    net(
        'grads["W1"] += 2 * reg * W1',
        'grads["W1"] += 2 * reg * W2.sum() * W1',
        r"W2|penal|regulari|reg\b",
    ),
    net('grads["W2"] += 2 * reg * W2', 'grads["W2"] = 2 * reg * W2', r"\+=|overwrit|add|lost"),
    net('grads["W2"] += 2 * reg * W2', 'grads["W2"] += reg * W2', PENALTY),
    net(
        "dhidden = np.dot(dscores, W2.T)",
        "dhidden = np.dot(dscores, W2.T) / N",
        r"average|twice|divi|/ N",
    ),
    net("np.dot(hidden.T, dscores)", "np.dot(hidden.T, scores)", r"dscores|scores"),
    net(
        ("        dscores /= N\n", "        dhidden[hidden <= 0] = 0\n"),
        ("", ""),
        (AVERAGE, RELU),
        'grads["W2"] = ',
    ),
    net(
        ('grads["W2"] += 2 * reg * W2', "np.sum(dscores, axis=0)"),
        ('grads["W2"] += reg * W2', "np.mean(dscores, axis=0)"),
        (PENALTY, r"mean|sum|average"),
    ),
    back("slope[self.z <= 0] = self.alpha", "slope[self.z <= 0] = 0", r"alpha|leak|slope|0\.01"),
    back("        slope[self.z <= 0] = self.alpha\n", "", r"alpha|leak|slope|missing"),
    back(
        "slope[self.z <= 0] = self.alpha",
        "slope[self.z > 0] = self.alpha",
        r"<=|> 0|slope|alpha|revers",
    ),
    back(
        "slope[self.z <= 0] = self.alpha",
        "slope[self.a <= 0.1] = self.alpha",
        r"self\.z|self\.a|slope|alpha|0\.1",
    ),
    back("(out - Y) / m", "2 * (out - Y) / m", r"factor|\b2\b|twice|doubl"),
    back("(out - Y) / m", "(out - Y)", r"average|mean|divi"),
    back("m = len(Y)", "m = Y.size", r"size|len|average|number of"),
    back("dW2 = self.a.T @ delta2", "dW2 = self.z.T @ delta2", r"self\.a|self\.z|activation"),
    back(
        '(delta2 @ self.params["W2"].T) * slope',
        '(delta2 @ self.params["W2"].T) * self.a',
        r"slope|self\.a|derivative",
    ),
    back(
        "db1 = np.sum(delta1, axis=0)",
        "db1 = np.sum(delta1, axis=0) / m",
        r"average|twice|divi|/ m",
    ),
    back("dW1 = self.X.T @ delta1", "dW1 = (delta1.T @ self.X)", r"transpos|\.T|order|shape|swap"),
]
