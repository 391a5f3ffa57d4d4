"""A network that is written number by number, its values in lists that grow."""

import math

import numpy as np
from tests.check.collection import Run, Wrong


def forward(weights, rows):
    hidden, outputs = [], []
    for x in rows:
        h = []
        for j in range(len(weights["w1"])):
            z = weights["b1"][j]
            for i in range(len(x)):
                z += weights["w1"][j][i] * x[i]
            h.append(np.tanh(z))
        hidden.append(h)
        scores = []
        for k in range(len(weights["w2"])):
            s = weights["b2"][k]
            for j in range(len(h)):
                s += weights["w2"][k][j] * h[j]
            scores.append(s)
        exps = [np.exp(s) for s in scores]
        outputs.append([e / sum(exps) for e in exps])
    return hidden, outputs


def loss(weights, rows, labels):
    _, outputs = forward(weights, rows)
    total = 0.0
    for p, label in zip(outputs, labels):
        total -= np.log(p[label])
    return total / len(rows)


def softmax_backward(outputs, douts):
    """The Jacobian of each row, entry by entry."""
    dscores = []
    for p, dp in zip(outputs, douts):
        row = []
        for i in range(len(p)):
            total = 0.0
            for j in range(len(p)):
                if i == j:
                    total += dp[j] * p[i] * (1 - p[i])
                else:
                    total -= dp[j] * p[i] * p[j]
            row.append(total)
        dscores.append(row)
    return np.array(dscores)


def gradients(weights, rows, labels):
    hidden, outputs = forward(weights, rows)
    douts = []
    for p, label in zip(outputs, labels):
        d = [0.0] * len(p)
        d[label] = -1 / p[label] / len(rows)
        douts.append(d)
    dscores = softmax_backward(outputs, douts)
    grads = {name: np.zeros_like(w) for name, w in weights.items()}
    for x, h, ds in zip(rows, hidden, dscores):
        dh = [0.0] * len(h)
        for k in range(len(ds)):
            grads["b2"][k] += ds[k]
            for j in range(len(h)):
                grads["w2"][k][j] += ds[k] * h[j]
                dh[j] += ds[k] * weights["w2"][k][j]
        for j in range(len(h)):
            dz = dh[j] * (1 - h[j] ** 2)
            grads["b1"][j] += dz
            for i in range(len(x)):
                grads["w1"][j][i] += dz * x[i]
    return grads


def problem(rng, n=4, d=2, h=3, c=3):
    weights = {
        "w1": rng.normal(size=(h, d)),
        "b1": rng.normal(size=h) * 0.3,
        "w2": rng.normal(size=(c, h)),
        "b2": rng.normal(size=c) * 0.3,
    }
    return weights, rng.normal(size=(n, d)).tolist(), rng.integers(0, c, n).tolist()


def logistic_units(theta, rows, targets):
    error = 0.0
    for x, t in zip(rows, targets):
        z = theta[0]
        for i in range(len(x)):
            z += theta[i + 1] * x[i]
        y = 1 / (1 + math.e ** (-z))
        error += 0.5 * (y - t) ** 2
    return error


def logistic_gradient(theta, rows, targets):
    grad = [0.0] * len(theta)
    for x, t in zip(rows, targets):
        z = theta[0] + sum(theta[i + 1] * x[i] for i in range(len(x)))
        y = 1 / (1 + math.e ** (-z))
        delta = (y - t) * y * (1 - y)
        grad[0] += delta
        for i in range(len(x)):
            grad[i + 1] += delta * x[i]
    return np.array(grad)


def logistic_problem(rng, n=6, d=3):
    return rng.normal(size=d + 1), rng.normal(size=(n, d)).tolist(), rng.random(n).tolist()


RUNS = {
    "net": Run("loss", "gradients", problem, {"n": 10, "d": 5, "h": 6, "c": 4}),
    "unit": Run("logistic_units", "logistic_gradient", logistic_problem, {"n": 100, "d": 10}),
}


def soft(right, wrong, said, *also):
    return Wrong("softmax_backward", right, wrong, said, "net", also)


def net(right, wrong, said, *also):
    return Wrong("gradients", right, wrong, said, "net", also)


def unit(right, wrong, said, *also):
    return Wrong("logistic_gradient", right, wrong, said, "unit", also)


SLOPE = r"tanh|sigmoid|derivative|slope|1 - "
WRONG = [
    soft("total -= dp[j] * p[i] * p[j]", "total += dp[j] * p[i] * p[j]", r"sign|minus|-=|subtract"),
    soft("dp[j] * p[i] * (1 - p[i])", "dp[j] * p[i]", r"1 - p|softmax|derivative"),
    soft("if i == j:", "if i != j:", r"==|!=|compar|condition|revers"),
    net("-1 / p[label] / len(rows)", "-1 / p[label]", r"average|divi"),
    net("-1 / p[label] / len(rows)", "1 / p[label] / len(rows)", r"sign|minus|negat"),
    net("-1 / p[label] / len(rows)", "-1 / len(rows)", r"p\[label\]|log|derivative|divi"),
    net("dh[j] += ds[k] * weights", "dh[j] = ds[k] * weights", r"\+=|accumul|overwrit|add|sum"),
    net("dh[j] * (1 - h[j] ** 2)", "dh[j] * h[j] * (1 - h[j])", SLOPE),
    net(
        'grads["w2"][k][j] += ds[k] * h[j]',
        'grads["w2"][k][j] += ds[j] * h[k]',
        r"index|\bk\b|\bj\b|swap|order",
    ),
    net('grads["w1"][j][i] += dz * x[i]', 'grads["w1"][j][i] += dh[j] * x[i]', SLOPE + "|dz|dh"),
    unit("(y - t) * y * (1 - y)", "(y - t)", SLOPE),
    unit("(y - t) * y * (1 - y)", "(t - y) * y * (1 - y)", r"sign|minus|order|swap|negat"),
    unit("(y - t) * y * (1 - y)", "(y - t) * z * (1 - z)", SLOPE + r"|\by\b|\bz\b"),
    unit("grad[i + 1] += delta * x[i]", "grad[i] += delta * x[i]", r"i \+ 1|index|off by one"),
    unit("        grad[0] += delta\n", "", r"grad\[0\]|bias|intercept|missing|zero|theta"),
]
