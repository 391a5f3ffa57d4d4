"""Logistic regression with an elastic net, as a class, and one against the rest by a loop."""

import numpy as np
from tests.check.collection import Run, Wrong


class ElasticNetLogistic:
    def __init__(self, alpha=0.3, l1_ratio=0.4):
        self.alpha, self.l1_ratio = alpha, l1_ratio

    def objective(self, w, X, y):
        z = y * (X @ w[1:] + w[0])
        data = np.mean(np.log(1 + np.exp(-z)))
        l1 = np.sum(np.abs(w[1:]))
        l2 = np.sum(w[1:] ** 2)
        return data + self.alpha * (self.l1_ratio * l1 + 0.5 * (1 - self.l1_ratio) * l2)

    def gradient(self, w, X, y):
        n, d = X.shape
        z = y * (X @ w[1:] + w[0])
        s = -y / (1 + np.exp(z))
        g = np.empty(d + 1)
        g[0] = s.sum() / n
        g[1:] = X.T @ s / n
        g[1:] += self.alpha * self.l1_ratio * np.sign(w[1:])
        g[1:] += self.alpha * (1 - self.l1_ratio) * w[1:]
        return g


def elastic_loss(w, X, y):
    return ElasticNetLogistic().objective(w, X, y)


def elastic_gradient(w, X, y):
    return ElasticNetLogistic().gradient(w, X, y)


def rest_loss(theta, X, labels, weights):
    total = 0.0
    for c in range(theta.shape[0]):
        for x, label, weight in zip(X, labels, weights):
            t = 1.0 if label == c else 0.0
            h = 1 / (1 + np.exp(-np.dot(theta[c], x)))
            total += weight * (-t * np.log(h) - (1 - t) * np.log(1 - h))
    return total / np.sum(weights)


def rest_gradient(theta, X, labels, weights):
    grad = np.zeros(theta.shape)
    for c in range(theta.shape[0]):
        for i in range(len(X)):
            t = 1.0 if labels[i] == c else 0.0
            h = 1 / (1 + np.exp(-np.dot(theta[c], X[i])))
            grad[c] += weights[i] * (h - t) * X[i]
    grad /= np.sum(weights)
    return grad


def elastic_problem(rng, n=8, d=4):
    X = rng.normal(size=(n, d))
    return rng.normal(size=d + 1), X, np.sign(rng.normal(size=n))


def rest_problem(rng, n=7, d=3, k=3):
    X = rng.normal(size=(n, d))
    return rng.normal(size=(k, d)), X, rng.integers(0, k, n), rng.uniform(0.5, 2, size=n)


RUNS = {
    "elastic": Run("elastic_loss", "elastic_gradient", elastic_problem, {"n": 200, "d": 20}),
    "rest": Run("rest_loss", "rest_gradient", rest_problem, {"n": 60, "d": 10, "k": 4}),
}


def elastic(right, bad, said, *also):
    return Wrong("ElasticNetLogistic.gradient", right, bad, said, "elastic", also)


def rest(right, bad, said, *also):
    return Wrong("rest_gradient", right, bad, said, "rest", also)


PENALTY = r"penal|regulari|alpha|L1|L2"
WRONG = [
    elastic("* np.sign(w[1:])", "* np.abs(w[1:])", r"sign|abs"),
    elastic("* np.sign(w[1:])", "", r"sign|factor|missing"),
    elastic(
        "        g[1:] += self.alpha * self.l1_ratio * np.sign(w[1:])\n",
        "",
        PENALTY + "|sign|term|missing",
        "g[1:]",
    ),
    elastic(
        "(1 - self.l1_ratio) * w[1:]", "self.l1_ratio * w[1:]", r"1 - |l1_ratio|complement|share"
    ),
    elastic("-y / (1 + np.exp(z))", "-y / (1 + np.exp(-z))", r"sign|-z|minus|exp"),
    elastic("-y / (1 + np.exp(z))", "-1 / (1 + np.exp(z))", r"\by\b|factor"),
    elastic(
        "        g[1:] += self.alpha * (1 - self.l1_ratio) * w[1:]\n",
        "        g += self.alpha * (1 - self.l1_ratio) * w\n",
        r"1:|index|slice|first|intercept|bias",
    ),
    elastic("g[0] = s.sum() / n", "g[0] = s.sum()", r"average|divid|\bn\b|number"),
    rest("grad[c] += weights[i] * (h - t) * X[i]", "grad[c] += (h - t) * X[i]", r"weights|factor"),
    rest("/= np.sum(weights)", "/= len(X)", r"weights|sum|len"),
    rest("(h - t) * X[i]", "(t - h) * X[i]", r"sign|order|swap|minus"),
    rest(
        "grad[c] += weights[i] * (h - t) * X[i]",
        "grad[c] = weights[i] * (h - t) * X[i]",
        r"\+=|accumul|overwrit|add|term",
    ),
    rest(
        "if labels[i] == c",
        "if labels[i] == c + 1",
        r"c \+ 1|off by one|index|label|condition|compar",
    ),
]
