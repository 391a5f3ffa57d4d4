"""One hidden sigmoid layer, softmax, mean negative log-likelihood."""

import numpy as np
from tests.check.collection import Wrong


def problem(rng):
    params = {
        "W_h": rng.normal(size=(4, 6)) * 0.8,
        "b_h": rng.normal(size=6) * 0.5,
        "W_o": rng.normal(size=(6, 3)) * 0.8,
        "b_o": rng.normal(size=3) * 0.5,
    }
    X = rng.normal(size=(10, 4))
    y = rng.integers(0, 3, 10)
    return params, X, y


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def sigma(x, deriv=False):
    if deriv:
        s = 1 / (1 + np.exp(-x))
        return s * (1 - s)
    return 1 / (1 + np.exp(-x))


def softmax(z):
    e = np.exp(z - np.max(z, axis=-1, keepdims=True))
    return e / np.sum(e, axis=-1, keepdims=True)


def forward(params, X):
    z_h = X @ params["W_h"] + params["b_h"]
    h = sigmoid(z_h)
    z_o = h @ params["W_o"] + params["b_o"]
    q = softmax(z_o)
    return {"X": X, "z_h": z_h, "h": h, "z_o": z_o, "q": q}


def loss(params, X, y):
    q = forward(params, X)["q"]
    return np.mean(-np.log(q[np.arange(len(y)), y]))


def plain(params, X, y):
    W_h, b_h, W_o, b_o = params["W_h"], params["b_h"], params["W_o"], params["b_o"]
    n = len(X)
    z_h = X @ W_h + b_h
    h = sigmoid(z_h)
    z_o = h @ W_o + b_o
    q = softmax(z_o)
    Y = np.eye(3)[y]

    d_z_o = (q - Y) / n
    d_W_o = h.T @ d_z_o
    d_b_o = np.sum(d_z_o, axis=0)
    d_h = d_z_o @ W_o.T
    d_z_h = d_h * h * (1 - h)
    d_W_h = X.T @ d_z_h
    d_b_h = np.sum(d_z_h, axis=0)
    return {"W_h": d_W_h, "b_h": d_b_h, "W_o": d_W_o, "b_o": d_b_o}


def slow(params, X, y):
    """From the loss back, through the probabilities."""
    cache = forward(params, X)
    q, h = cache["q"], cache["h"]
    n, k = q.shape
    Y = np.zeros((n, k))
    Y[np.arange(n), y] = 1.0
    d_q = -(Y / q) / n
    inner = (d_q * q).sum(axis=1, keepdims=True)
    d_z_o = q * (d_q - inner)
    d_h = np.matmul(d_z_o, params["W_o"].T)
    d_z_h = sigmoid(cache["z_h"]) * (1 - sigmoid(cache["z_h"])) * d_h
    grads = dict.fromkeys(params)
    grads["W_o"] = np.matmul(h.T, d_z_o)
    grads["b_o"] = d_z_o.sum(0)
    grads["W_h"] = np.matmul(cache["X"].T, d_z_h)
    grads["b_h"] = d_z_h.sum(0)
    return grads


def samples(params, X, y):
    grads = {name: np.zeros_like(value) for name, value in params.items()}
    for x, label in zip(X, y, strict=True):
        hidden = sigma(x.dot(params["W_h"]) + params["b_h"])
        output = softmax(hidden.dot(params["W_o"]) + params["b_o"])
        target = np.zeros(len(output))
        target[label] = 1
        delta_o = output - target
        delta_h = params["W_o"].dot(delta_o) * sigma(
            x.dot(params["W_h"]) + params["b_h"], deriv=True
        )
        grads["W_o"] += np.outer(hidden, delta_o)
        grads["b_o"] += delta_o
        grads["W_h"] += x[:, None] * delta_h[None, :]
        grads["b_h"] += delta_h
    for name in grads:
        grads[name] /= len(X)
    return grads


def columns(params, X, y):
    W1, b1 = params["W_h"].T, params["b_h"].reshape(-1, 1)
    W2, b2 = params["W_o"].T, params["b_o"].reshape(-1, 1)
    A0 = X.T
    m = A0.shape[1]
    Z1 = np.dot(W1, A0) + b1
    A1 = sigmoid(Z1)
    Z2 = np.dot(W2, A1) + b2
    A2 = softmax(Z2.T).T
    Y = (np.arange(3)[:, None] == y).astype(float)
    dZ2 = A2 - Y
    dW2 = (1 / m) * np.dot(dZ2, A1.T)
    db2 = (1 / m) * np.sum(dZ2, axis=1, keepdims=True)
    dZ1 = np.multiply(np.dot(W2.T, dZ2), A1 - np.power(A1, 2))
    dW1 = (1 / m) * np.dot(dZ1, A0.T)
    db1 = (1 / m) * np.sum(dZ1, axis=1, keepdims=True)
    return {"W_h": dW1.T, "b_h": np.squeeze(db1), "W_o": dW2.T, "b_o": np.squeeze(db2)}


class Dense:
    def __init__(self, W, b):
        self.W, self.b = W, b

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, grad):
        self.dW = self.x.T @ grad
        self.db = grad.sum(axis=0)
        return grad @ self.W.T


class Sigmoid:
    def forward(self, x):
        self.out = 1.0 / (1.0 + np.exp(-x))
        return self.out

    def backward(self, grad):
        return grad * self.out * (1.0 - self.out)


def layers(params, X, y):
    hidden = Dense(params["W_h"], params["b_h"])
    squash = Sigmoid()
    output = Dense(params["W_o"], params["b_o"])
    out = X
    for layer in [hidden, squash, output]:
        out = layer.forward(out)
    grad = softmax(out)
    grad[range(len(y)), y] -= 1
    grad = grad / len(y)
    for layer in [output, squash, hidden]:
        grad = layer.backward(grad)
    return {"W_h": hidden.dW, "b_h": hidden.db, "W_o": output.dW, "b_o": output.db}


def sums(params, X, y):
    """Everything by np.einsum."""
    z = np.einsum("ni,ij->nj", X, params["W_h"]) + params["b_h"]
    a = sigmoid(z)
    s = np.einsum("nj,jk->nk", a, params["W_o"]) + params["b_o"]
    e = softmax(s) - np.eye(3)[y]
    back = np.einsum("nk,jk,nj->nj", e, params["W_o"], a * (1 - a))
    total = {
        "W_h": np.einsum("ni,nj->ij", X, back),
        "b_h": np.einsum("nj->j", back),
        "W_o": np.einsum("nj,nk->jk", a, e),
        "b_o": np.einsum("nk->k", e),
    }
    return {name: value / X.shape[0] for name, value in total.items()}


WRONG = [
    Wrong("plain", "(q - Y) / n", "q - Y", r"average|mean|divi"),
    Wrong("plain", "(q - Y) / n", "(Y - q) / n", r"sign|minus|negat|order|q - Y"),
    Wrong("plain", "(q - Y) / n", "2 * (q - Y) / n", r"factor|\b2\b|twice|doubl"),
    Wrong("plain", "d_h * h * (1 - h)", "d_h", r"derivative|slope|missing|\(1 - h\)"),
    Wrong("plain", "d_h * h * (1 - h)", "d_h * (1 - h)", r"derivative|slope|h \* \(1 - h\)"),
    Wrong(
        "plain", "d_h * h * (1 - h)", "d_h * z_h * (1 - z_h)", r"z_h|derivative|slope|pre-?activ"
    ),
    Wrong("plain", "d_h * h * (1 - h)", "d_h * (1 - h**2)", r"tanh|derivative|slope|sigmoid"),
    Wrong(
        "plain",
        "d_h * h * (1 - h)",
        "d_h * sigmoid(h) * (1 - sigmoid(h))",
        r"sigmoid|twice|derivative|z_h|\bh\b",
    ),
    Wrong(
        "plain", "d_h * h * (1 - h)", "d_h * h * (1 + h)", r"sign|minus|derivative|slope|\(1 - h\)"
    ),
    Wrong("plain", "h.T @ d_z_o", "z_h.T @ d_z_o", r"z_h|\bh\b|activation"),
    Wrong("plain", "X.T @ d_z_h", "X.T @ d_h", r"d_z_h|d_h|derivative|slope"),
    Wrong("plain", "np.sum(d_z_h, axis=0)", "np.sum(d_h, axis=0)", r"d_z_h|d_h|derivative|slope"),
    Wrong("plain", "np.sum(d_z_o, axis=0)", "np.sum(d_z_o, axis=1)", r"axis|axes"),
    Wrong("plain", "np.sum(d_z_o, axis=0)", "np.mean(d_z_o, axis=0)", r"average|mean|divi|sum"),
    Wrong("plain", '"b_h": d_b_h', '"b_h": b_h', r"d_b_h|b_h|parameter|gradient"),
    Wrong("plain", "h = sigmoid(z_h)", "h = np.tanh(z_h)", r"tanh|sigmoid|forward|activation"),
    Wrong("plain", "h @ W_o + b_o", "h @ W_o", r"bias|b_o"),
    Wrong("plain", "h @ W_o + b_o", "z_h @ W_o + b_o", r"z_h|\bh\b|activation|sigmoid"),
    Wrong("slow", "-(Y / q) / n", "(Y / q) / n", r"sign|minus|negat"),
    Wrong(
        "slow",
        "q * (d_q - inner)",
        "q * d_q",
        r"softmax|inner|jacobian|missing|left out|derivative",
    ),
    Wrong(
        "slow",
        "q * (d_q - inner)",
        "q * (1 - q) * d_q",
        r"softmax|inner|jacobian|derivative|diagonal",
    ),
    Wrong("slow", "q * (d_q - inner)", "d_q - inner", r"softmax|\bq\b|derivative"),
    Wrong(
        "slow",
        '(1 - sigmoid(cache["z_h"])) * d_h',
        '(1 - cache["z_h"]) * d_h',
        r"sigmoid|derivative|slope|z_h",
    ),
    Wrong(
        "slow",
        '    grads["b_h"] = d_z_h.sum(0)',
        '    grads["b_h"] = d_z_h[0]',
        r"sum|sample|first|row",
    ),
    Wrong("samples", 'grads["W_o"] += ', 'grads["W_o"] = ', r"\+=|accumul|last sample|add"),
    Wrong(
        "samples",
        'params["W_o"].dot(delta_o) * sigma(',
        'params["W_o"].dot(output) * sigma(',
        r"delta_o|output|error",
    ),
    Wrong(
        "samples",
        "    for name in grads:\n        grads[name] /= len(X)\n",
        "",
        r"average|mean|divi",
    ),
    Wrong(
        "samples",
        '        delta_h = params["W_o"].dot(delta_o) * sigma(\n'
        '            x.dot(params["W_h"]) + params["b_h"], deriv=True\n        )\n',
        '        delta_h = params["W_o"].dot(delta_o) * sigma(hidden, deriv=True)\n',
        r"hidden|twice|derivative|slope|sigma|pre-?activ",
    ),
    Wrong("samples", ", deriv=True", "", r"deriv|slope"),
    Wrong(
        "sigma",
        "return s * (1 - s)",
        "return x * (1 - x)",
        r"derivative|slope|\bs\b|\bx\b|sigm",
        run="samples",
    ),
    Wrong(
        "columns", "A1 - np.power(A1, 2)", "1 - np.power(A1, 2)", r"tanh|derivative|slope|sigmoid"
    ),
    Wrong(
        "columns", "A1 - np.power(A1, 2)", "A1 + np.power(A1, 2)", r"sign|minus|derivative|slope"
    ),
    Wrong("columns", "dW1 = (1 / m) * np", "dW1 = np", r"average|mean|divi"),
    Wrong(
        "columns",
        "    dZ1 = np.multiply",
        "    dZ1 = (1 / m) * np.multiply",
        r"average|mean|divi|twice|1 / m",
    ),
    Wrong("columns", "np.sum(dZ1, axis=1, keepdims=True)", "np.sum(dZ1)", r"axis|axes|shape"),
    Wrong("columns", '"W_h": dW1.T', '"W_h": dW1', r"transpose|\.T|shape"),
    Wrong(
        "Dense",
        "self.x.T @ grad",
        "grad.T @ self.x",
        r"transpose|order|operand|swap|shape",
        run="layers",
    ),
    Wrong("Dense", "grad.sum(axis=0)", "grad.mean(axis=0)", r"average|mean|divi|sum", run="layers"),
    Wrong(
        "Sigmoid",
        "grad * self.out * (1.0 - self.out)",
        "self.out * (1.0 - self.out)",
        r"grad|chain|multipl|missing|left out",
        run="layers",
    ),
    Wrong(
        "layers",
        "for layer in [output, squash, hidden]",
        "for layer in [output, hidden]",
        r"derivative|slope|squash|sigmoid|activation|missing",
    ),
    Wrong("layers", "    grad = grad / len(y)\n", "", r"average|mean|divi"),
    Wrong("layers", "y] -= 1", "y] = -1", r"-=|subtract|label|\badd"),
    Wrong("sums", "a * (1 - a)", "a * a", r"derivative|slope|\(1 - a\)"),
    Wrong(
        "sums",
        '"nj,nk->jk", a, e',
        '"nj,nk->kj", a, e',
        r"transpose|order|swap|subscript|shape|->jk",
    ),
    Wrong(
        "sums",
        "{name: value / X.shape[0]",
        "{name: value / X.shape[1]",
        r"average|mean|divi|shape|number of",
    ),
    Wrong(
        "plain",
        ("(q - Y) / n", "d_h * h * (1 - h)"),
        ("q - Y", "d_h * h"),
        (r"average|mean|divi", r"derivative|slope|\(1 - h\)"),
    ),
    Wrong(
        "plain",
        ("d_h * h * (1 - h)", "np.sum(d_z_o, axis=0)"),
        ("d_h", "np.sum(d_z_o, axis=1)"),
        (r"derivative|slope|missing|\(1 - h\)", r"axis|axes"),
    ),
    Wrong(
        "columns",
        ("A2 - Y", '"W_h": dW1.T'),
        ("Y - A2", '"W_h": dW1'),
        (r"sign|minus|negat|order|A2 - Y", r"transpose|\.T|shape"),
    ),
    Wrong(
        "samples",
        ('grads["b_h"] += delta_h', "    for name in grads:\n        grads[name] /= len(X)\n"),
        ('grads["b_h"] = delta_h', ""),
        (r"\+=|accumul|last sample|add", r"average|mean|divi"),
    ),
]
