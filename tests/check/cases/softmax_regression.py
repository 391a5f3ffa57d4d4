"""Softmax regression: one layer, softmax, mean negative log-likelihood."""

import math

import numpy as np
from tests.check.collection import Wrong


def problem(rng):
    params = {"W": rng.normal(size=(5, 4)) * 0.7, "b": rng.normal(size=4) * 0.5}
    X = rng.normal(size=(13, 5))
    y = rng.integers(0, 4, 13)
    return params, X, y


def softmax(z):
    e = np.exp(z - np.max(z, axis=1, keepdims=True))
    return e / np.sum(e, axis=1, keepdims=True)


def loss(params, X, y):
    logits = X @ params["W"] + params["b"]
    correct = logits[np.arange(len(y)), y]
    return np.mean(np.log(np.sum(np.exp(logits), axis=1)) - correct)


def plain(params, X, y):
    W, b = params["W"], params["b"]
    n = X.shape[0]
    logits = X @ W + b
    logits -= logits.max(axis=1, keepdims=True)
    exps = np.exp(logits)
    probs = exps / exps.sum(axis=1, keepdims=True)
    d_logits = probs.copy()
    d_logits[np.arange(n), y] -= 1
    d_logits /= n
    return {"W": X.T @ d_logits, "b": d_logits.sum(axis=0)}


def one_hot(params, X, y):
    n, k = len(X), len(params["b"])
    Y = np.eye(k)[y]
    P = softmax(X @ params["W"] + params["b"])
    error = P - Y
    grads = {}
    grads["W"] = X.T @ error / n
    grads["b"] = np.mean(error, axis=0)
    return grads


def samples(params, X, y):
    W, b = params["W"], params["b"]
    n = len(X)
    dW = np.zeros_like(W)
    db = np.zeros_like(b)
    for i in range(n):
        x, label = X[i], y[i]
        scores = x @ W + b
        exps = np.exp(scores - scores.max())
        d = exps / exps.sum()
        d[label] -= 1
        dW += np.outer(x, d)
        db += d
    return {"W": dW / n, "b": db / n}


def jacobian(params, X, y):
    n = len(y)
    rows = np.arange(n)
    p = softmax(X @ params["W"] + params["b"])
    d_p = np.zeros_like(p)
    d_p[rows, y] = -1 / p[rows, y] / n
    diagonal = np.einsum("ij,jk->ijk", p, np.eye(p.shape[1]))
    products = np.einsum("ij,ik->ijk", p, p)
    J = diagonal - products
    d_z = np.einsum("ij,ijk->ik", d_p, J)
    return {"W": np.einsum("ni,nj->ij", X, d_z), "b": np.einsum("nj->j", d_z)}


def columns(params, X, y):
    A0 = X.T
    m = A0.shape[1]
    Z = np.dot(params["W"].T, A0) + params["b"].reshape(-1, 1)
    T = np.exp(Z)
    A = T / np.sum(T, axis=0, keepdims=True)
    Y = np.zeros(A.shape)
    Y[y, np.arange(m)] = 1
    dZ = A - Y
    dW = 1 / m * np.dot(dZ, A0.T)
    db = 1 / m * np.sum(dZ, axis=1, keepdims=True)
    return {"W": dW.T, "b": db.ravel()}


def elements(params, X, y):
    W, b = params["W"].tolist(), params["b"].tolist()
    n, d, k = len(X), len(W), len(b)
    dW = [[0.0] * k for _ in range(d)]
    db = [0.0] * k
    for i in range(n):
        z = [b[j] + sum(X[i][f] * W[f][j] for f in range(d)) for j in range(k)]
        total = sum(math.exp(v) for v in z)
        for j in range(k):
            q = math.exp(z[j]) / total
            delta = q - 1.0 if j == y[i] else q
            db[j] += delta / n
            for f in range(d):
                dW[f][j] += delta * X[i][f] / n
    return {"W": np.array(dW), "b": np.array(db)}


def single(params, X, y):
    """In single precision."""
    X = X.astype(np.float32)
    W, b = np.float32(params["W"]), np.float32(params["b"])
    D = softmax(X.dot(W) + b)
    D[range(len(y)), y] -= 1
    D *= np.float32(1 / len(y))
    return {"W": X.T.dot(D), "b": np.ones(len(y), dtype=np.float32).dot(D)}


WRONG = [
    Wrong("plain", "    d_logits /= n\n", "", r"average|mean|divi"),
    Wrong("plain", "d_logits.sum(axis=0)", "d_logits.mean(axis=0)", r"average|mean|divi|sum"),
    Wrong("plain", "d_logits.sum(axis=0)", "d_logits.sum(axis=1)", r"axis|axes"),
    Wrong("plain", "d_logits.sum(axis=0)", "d_logits.sum()", r"axis|axes|shape|each class"),
    Wrong("plain", "X.T @ d_logits", "d_logits.T @ X", r"transpose|order|operand|swap|shape"),
    Wrong("plain", "y] -= 1", "y] += 1", r"sign|minus|negat|subtract|-="),
    Wrong(
        "plain",
        "d_logits[np.arange(n), y]",
        "d_logits[:, y]",
        r"arange|index|row|\[:, y\]|label|every sample",
    ),
    Wrong(
        "plain", "    d_logits[np.arange(n), y] -= 1\n", "", r"label|one.?hot|target|missing|-= 1"
    ),
    Wrong("plain", "X @ W + b", "X @ W", r"bias|\bb\b"),
    Wrong("plain", "exps.sum(axis=1,", "exps.sum(axis=0,", r"axis|axes|softmax|normali"),
    Wrong("plain", "d_logits /= n", "d_logits /= X.shape[1]", r"average|mean|divi|number of|shape"),
    Wrong("one_hot", "P - Y", "Y - P", r"sign|minus|negat|order|P - Y"),
    Wrong("one_hot", "P - Y", "P - y[:, None]", r"one.?hot|label|P - Y"),
    Wrong(
        "one_hot",
        "P - Y",
        "(P - Y) * P * (1 - P)",
        r"derivative|softmax|twice|extra|already|P \* \(1 - P\)|P - Y",
    ),
    Wrong("one_hot", "error / n", "error", r"average|mean|divi"),
    Wrong("one_hot", "np.mean(error, axis=0)", "np.mean(error)", r"axis|axes"),
    Wrong(
        "one_hot",
        "np.mean(error, axis=0)",
        "np.mean(error, axis=0) / n",
        r"average|mean|divi|twice",
    ),
    Wrong(
        "softmax",
        "np.sum(e, axis=1, keepdims=True)",
        "np.sum(e)",
        r"axis|axes|softmax|normali",
        run="one_hot",
    ),
    Wrong(
        "softmax",
        "return e / np.sum(e, axis=1, keepdims=True)",
        "return e",
        r"softmax|normali|sum|divi",
        run="one_hot",
    ),
    Wrong("samples", "dW += np.outer(x, d)", "dW = np.outer(x, d)", r"\+=|accumul|last sample|add"),
    Wrong("samples", "db += d", "db = d", r"\+=|accumul|last sample|add"),
    Wrong("samples", "range(n)", "range(1, n)", r"first|range|off by one|sample|left out|skip"),
    Wrong("samples", "db / n", "db", r"average|mean|divi"),
    Wrong("samples", "np.zeros_like(b)", "b.copy()", r"zero|initial|start"),
    Wrong("samples", "    return {", "        return {", r"return|loop|indent|first sample|sample"),
    Wrong(
        "samples",
        "        d[label] -= 1\n",
        "        d[label - 1] -= 1\n",
        r"label|index|off by one",
    ),
    Wrong(
        "jacobian", "diagonal - products", "diagonal", r"softmax|jacobian|product|missing|left out"
    ),
    Wrong("jacobian", "diagonal - products", "diagonal + products", r"sign|minus|negat"),
    Wrong("jacobian", "-1 / p[rows, y] / n", "1 / p[rows, y] / n", r"sign|minus|negat"),
    Wrong("jacobian", "-1 / p[rows, y] / n", "-np.log(p[rows, y]) / n", r"log|derivative|-1 /"),
    Wrong("jacobian", '"ni,nj->ij"', '"ni,nj->ji"', r"transpose|order|swap|subscript|shape|->ij"),
    Wrong("columns", "dW.T,", "dW,", r"transpose|\.T|shape"),
    Wrong("columns", "np.sum(T, axis=0,", "np.sum(T, axis=1,", r"axis|axes|softmax|normali"),
    Wrong("columns", "    db = 1 / m * np.sum", "    db = np.sum", r"average|mean|divi"),
    Wrong("single", "    D *= np.float32(1 / len(y))\n", "", r"average|mean|divi"),
    Wrong("single", "1 / len(y))", "1 / len(b))", r"average|mean|divi|len\(y\)|number of"),
    Wrong("single", "    D[range(len(y)), y] -= 1\n", "", r"label|one.?hot|target|missing|-= 1"),
    Wrong("single", "y] -= 1", "y] -= 2", r"-= 1|factor|twice|doubl|label"),
    Wrong("elements", "delta * X[i][f] / n", "delta * X[i][f]", r"average|mean|divi"),
    Wrong("elements", "db[j] += delta", "db[j] = delta", r"\+=|accumul|last sample|add"),
    Wrong("elements", "j == y[i]", "j != y[i]", r"==|label|condition|class|swap"),
    Wrong("elements", "b[j] + sum(X", "sum(X", r"bias|\bb\b"),
    Wrong(
        "plain",
        ("y] -= 1", "    d_logits /= n\n"),
        ("y] += 1", ""),
        (r"sign|minus|negat|subtract|-=", r"average|mean|divi"),
    ),
    Wrong(
        "samples",
        ("dW / n", "db += d"),
        ("dW", "db = d"),
        (r"average|mean|divi", r"\+=|accumul|last sample|add"),
    ),
    Wrong(
        "one_hot",
        ("P - Y", "np.mean(error, axis=0)"),
        ("Y - P", "np.sum(error, axis=0)"),
        (r"sign|minus|negat|order|P - Y", r"average|mean|divi"),
    ),
]
