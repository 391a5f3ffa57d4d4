"""Four layers in a list: leaky ReLU, tanh, softplus, ELU; half the squared error per sample."""

from itertools import pairwise

import numpy as np
from tests.check.collection import Wrong

SIZES = [4, 6, 5, 5, 3]
NAMES = ["leaky", "tanh", "softplus", "elu"]


def problem(rng):
    params = [(rng.normal(size=(m, n)) * 0.7, rng.normal(size=n) * 0.4) for m, n in pairwise(SIZES)]
    X = rng.normal(size=(8, 4))
    Y = rng.normal(size=(8, 3))
    return params, X, Y


def activate(z, name):
    if name == "leaky":
        return np.where(z > 0, z, 0.1 * z)
    if name == "tanh":
        return np.tanh(z)
    if name == "softplus":
        return np.log(1 + np.exp(z))
    return np.where(z > 0, z, np.exp(z) - 1)


def activation_prime(z, name):
    if name == "leaky":
        return np.where(z > 0, 1.0, 0.1)
    if name == "tanh":
        return 1 - np.tanh(z) ** 2
    if name == "softplus":
        return 1 / (1 + np.exp(-z))
    return np.where(z > 0, 1.0, np.exp(z))


def loss(params, X, Y):
    a = X
    for (W, b), name in zip(params, NAMES, strict=True):
        a = activate(a @ W + b, name)
    return 0.5 * np.sum((a - Y) ** 2) / len(X)


def plain(params, X, Y):
    activations = [X]
    zs = []
    for (W, b), name in zip(params, NAMES, strict=True):
        z = activations[-1] @ W + b
        zs.append(z)
        activations.append(activate(z, name))
    grads = [None] * len(params)
    delta = (activations[-1] - Y) / len(X)
    for layer in reversed(range(len(params))):
        delta = delta * activation_prime(zs[layer], NAMES[layer])
        grads[layer] = (activations[layer].T @ delta, delta.sum(axis=0))
        delta = delta @ params[layer][0].T
    return grads


def negative_indices(params, X, Y):
    """Counted from the end, per sample, in column vectors (as in a well-known online book)."""
    L = len(params)
    nabla_b = [np.zeros(b.shape) for _, b in params]
    nabla_w = [np.zeros(W.shape) for W, _ in params]
    for x, t in zip(X, Y, strict=True):
        activation = x
        activations = [x]
        zs = []
        for (W, b), name in zip(params, NAMES, strict=True):
            z = np.dot(activation, W) + b
            zs.append(z)
            activation = activate(z, name)
            activations.append(activation)
        delta = (activations[-1] - t) * activation_prime(zs[-1], NAMES[-1])
        nabla_b[-1] += delta
        nabla_w[-1] += np.outer(activations[-2], delta)
        for k in range(2, L + 1):
            slope = activation_prime(zs[-k], NAMES[-k])
            delta = np.dot(params[-k + 1][0], delta) * slope
            nabla_b[-k] += delta
            nabla_w[-k] += np.outer(activations[-k - 1], delta)
    return [(w / len(X), b / len(X)) for w, b in zip(nabla_w, nabla_b, strict=True)]


FORWARD = [
    lambda z: np.where(z > 0, z, 0.1 * z),
    np.tanh,
    lambda z: np.log1p(np.exp(z)),
    lambda z: np.where(z > 0, z, np.expm1(z)),
]


def leaky_slope(a):
    return 0.1 + 0.9 * (a > 0)


def tanh_slope(a):
    return 1 - a * a


def softplus_slope(a):
    return 1 - np.exp(-a)


def elu_slope(a):
    return np.where(a > 0, 1, a + 1)


def from_outputs(params, X, Y):
    """The slopes from the outputs of the layers: no pre-activations are kept."""
    slopes = [leaky_slope, tanh_slope, softplus_slope, elu_slope]
    outputs = []
    h = X
    for i, (W, b) in enumerate(params):
        h = FORWARD[i](h @ W + b)
        outputs.append(h)
    inputs = [X, *outputs[:-1]]
    grads = []
    back = outputs[-1] - Y
    for i in range(len(params) - 1, -1, -1):
        back = back * slopes[i](outputs[i])
        grads.insert(0, (inputs[i].T @ back / len(X), back.mean(axis=0)))
        back = back @ params[i][0].T
    return grads


class Layer:
    def __init__(self, W, b, name):
        self.W = W
        self.b = b
        self.name = name

    def forward(self, x):
        self.x = x
        self.z = x @ self.W + self.b
        return activate(self.z, self.name)

    def backward(self, grad):
        grad = grad * activation_prime(self.z, self.name)
        self.dW = self.x.T @ grad
        self.db = grad.sum(axis=0)
        return grad @ self.W.T


def objects(params, X, Y):
    layers = [Layer(W, b, name) for (W, b), name in zip(params, NAMES, strict=True)]
    out = X
    for layer in layers:
        out = layer.forward(out)
    grad = (out - Y) / X.shape[0]
    for layer in layers[::-1]:
        grad = layer.backward(grad)
    return [(layer.dW, layer.db) for layer in layers]


def recursive(params, X, Y):
    grads = []

    def visit(x, depth):
        if depth == len(params):
            return (x - Y) / len(Y)
        W, b = params[depth]
        z = x @ W + b
        back = visit(activate(z, NAMES[depth]), depth + 1)
        back = back * activation_prime(z, NAMES[depth])
        grads.append((x.T @ back, back.sum(0)))
        return np.einsum("nj,ij->ni", back, W)

    visit(X, 0)
    return grads[::-1]


def caches(params, X, Y):
    """A dictionary per layer, columns are samples, the slopes in the forward pass."""
    memory = []
    A = X.T
    m = A.shape[1]
    for number, (W, b) in enumerate(params):
        Z = W.T @ A + b[:, None]
        cache = {"A_prev": A, "W": W}
        if number == 0:
            A, cache["slope"] = np.maximum(0.1 * Z, Z), np.where(Z > 0, 1, 0.1)
        elif number == 1:
            A = np.tanh(Z)
            cache["slope"] = 1 - A**2
        elif number == 2:
            A = np.log(1 + np.exp(Z))
            cache["slope"] = np.exp(Z) / (1 + np.exp(Z))
        else:
            A = np.where(Z > 0, Z, np.exp(Z) - 1)
            cache["slope"] = np.exp(np.minimum(Z, 0))
        memory.append(cache)
    dA = A - Y.T
    grads = []
    while memory:
        cache = memory.pop()
        dZ = dA * cache["slope"]
        dW = cache["A_prev"] @ dZ.T / m
        db = dZ.mean(axis=1)
        grads = [(dW, db), *grads]
        dA = cache["W"] @ dZ
    return grads


MEAN = r"average|mean|divi"
SLOPE = r"derivative|slope|activation_prime"

WRONG = [
    Wrong("plain", "(activations[-1] - Y) / len(X)", "activations[-1] - Y", MEAN),
    Wrong(
        "plain",
        "(activations[-1] - Y) / len(X)",
        "2 * (activations[-1] - Y) / len(X)",
        r"factor|\b2\b|twice|doubl|half",
    ),
    Wrong(
        "plain",
        "(activations[-1] - Y) / len(X)",
        "(Y - activations[-1]) / len(X)",
        r"sign|minus|negat|order",
    ),
    Wrong(
        "plain",
        "(activations[-1] - Y) / len(X)",
        "(zs[-1] - Y) / len(X)",
        r"zs|activation|pre-?activ",
    ),
    Wrong(
        "plain",
        "(activations[-1] - Y) / len(X)",
        "(activations[-1] - Y) / Y.size",
        r"average|mean|divi|size|factor",
    ),
    Wrong(
        "plain",
        "activations[layer].T @ delta",
        "activations[layer + 1].T @ delta",
        r"layer \+ 1|off by one|activations\[layer\]|index|shape|input",
    ),
    Wrong(
        "plain",
        "activations[layer].T @ delta",
        "delta.T @ activations[layer]",
        r"transpose|order|operand|swap|shape",
    ),
    Wrong(
        "plain",
        "activation_prime(zs[layer], NAMES[layer])",
        "activation_prime(activations[layer + 1], NAMES[layer])",
        r"zs|activations|pre-?activ|derivative",
    ),
    Wrong(
        "plain",
        "activation_prime(zs[layer], NAMES[layer])",
        'activation_prime(zs[layer], "tanh")',
        r"tanh|NAMES|name|derivative|slope",
    ),
    Wrong(
        "plain",
        "activation_prime(zs[layer], NAMES[layer])",
        "activation_prime(zs[layer], NAMES[layer - 1])",
        r"NAMES|layer - 1|off by one|derivative|slope|name",
    ),
    Wrong(
        "plain", "        delta = delta * activation_prime(zs[layer], NAMES[layer])\n", "", SLOPE
    ),
    Wrong(
        "plain",
        "delta * activation_prime(zs[layer], NAMES[layer])",
        "delta * activate(zs[layer], NAMES[layer])",
        r"derivative|slope|activation_prime|activate",
    ),
    Wrong("plain", "delta.sum(axis=0)", "delta.mean(axis=0)", r"average|mean|divi|sum"),
    Wrong("plain", "delta.sum(axis=0)", "delta.sum(axis=1)", r"axis|axes"),
    Wrong("plain", "zs.append(z)", "zs.append(z - b)", r"bias|\bb\b"),
    Wrong("plain", "activations[-1] @ W + b", "activations[-1] @ W", r"bias|\bb\b"),
    Wrong(
        "plain",
        "activations.append(activate(z, name))",
        "activations.append(z)",
        r"activat|forward|missing|\bz\b",
    ),
    Wrong(
        "plain",
        "(activations[layer].T @ delta, delta",
        "(zs[layer].T @ delta, delta",
        r"activations|zs|input|shape",
    ),
    Wrong(
        "activation_prime",
        "np.where(z > 0, 1.0, 0.1)",
        "np.where(z > 0, 1.0, 0.0)",
        r"leaky|slope|derivative|0\.1",
        run="plain",
    ),
    Wrong(
        "activation_prime",
        "np.where(z > 0, 1.0, 0.1)",
        "np.where(z > 0, 1.0, 0.01)",
        r"leaky|slope|derivative|0\.1",
        run="plain",
    ),
    Wrong(
        "activation_prime",
        "np.where(z > 0, 1.0, 0.1)",
        "np.where(z > 0, 1.0, 0.1 * z)",
        r"leaky|slope|derivative|0\.1|\bz\b",
        run="plain",
    ),
    Wrong(
        "activation_prime",
        "1 - np.tanh(z) ** 2",
        "1 - np.tanh(z)",
        r"square|\*\*|derivative|slope|tanh",
        run="objects",
    ),
    Wrong(
        "activation_prime", "1 - np.tanh(z) ** 2", "1 - z**2", r"tanh|derivative|slope", run="plain"
    ),
    Wrong(
        "activation_prime",
        "1 / (1 + np.exp(-z))",
        "1 / (1 + np.exp(z))",
        r"sign|minus|negat|softplus|derivative|slope",
        run="plain",
    ),
    Wrong(
        "activation_prime",
        "return 1 / (1 + np.exp(-z))",
        "return np.exp(z)",
        r"softplus|derivative|slope|sigmoid",
        run="recursive",
    ),
    Wrong(
        "activation_prime",
        "np.where(z > 0, 1.0, np.exp(z))",
        "np.where(z > 0, 1.0, np.exp(z) - 1)",
        r"elu|exp|derivative|slope|- 1",
        run="plain",
    ),
    Wrong(
        "activation_prime",
        "np.where(z > 0, 1.0, np.exp(z))",
        "np.where(z > 0, z, np.exp(z))",
        r"elu|derivative|slope|\b1\b|1\.0",
        run="recursive",
    ),
    Wrong(
        "negative_indices",
        "range(2, L + 1)",
        "range(2, L)",
        r"range|L \+ 1|off by one|first|layer|zero|missing",
    ),
    Wrong("negative_indices", " * slope\n", "\n", SLOPE),
    Wrong("negative_indices", " * activation_prime(zs[-1], NAMES[-1])", "", SLOPE),
    Wrong(
        "negative_indices",
        "activation_prime(zs[-k], NAMES[-k])",
        "activation_prime(zs[-k], NAMES[-k + 1])",
        r"NAMES|-k|off by one|derivative|slope|name",
    ),
    Wrong(
        "negative_indices",
        "nabla_b[-k] += delta",
        "nabla_b[-k] = delta",
        r"\+=|accumul|last sample|add",
    ),
    Wrong(
        "negative_indices",
        "nabla_w[-1] += np.outer",
        "nabla_w[-1] = np.outer",
        r"\+=|accumul|last sample|add",
    ),
    Wrong("negative_indices", "(w / len(X), b / len(X))", "(w, b)", MEAN),
    Wrong("negative_indices", "activations[-1] - t", "activations[-1] + t", r"sign|minus|negat"),
    Wrong(
        "leaky_slope",
        "0.1 + 0.9 * (a > 0)",
        "0.1 + (a > 0)",
        r"leaky|slope|derivative|0\.9",
        run="from_outputs",
    ),
    Wrong(
        "softplus_slope",
        "1 - np.exp(-a)",
        "1 / (1 + np.exp(-a))",
        r"softplus|sigmoid|derivative|slope|twice|pre-?activ|1 - np\.exp",
        run="from_outputs",
    ),
    Wrong(
        "elu_slope",
        "a + 1",
        "np.exp(a)",
        r"elu|exp|derivative|slope|twice|a \+ 1",
        run="from_outputs",
    ),
    Wrong(
        "tanh_slope",
        "1 - a * a",
        "a * (1 - a)",
        r"tanh|sigmoid|derivative|slope",
        run="from_outputs",
    ),
    Wrong(
        "from_outputs",
        "slopes = [leaky_slope, tanh_slope, ",
        "slopes = [tanh_slope, leaky_slope, ",
        r"leaky|tanh|order|swap|exchang|slope|derivative",
    ),
    Wrong(
        "from_outputs",
        "back @ params[i][0].T",
        "back @ params[i][0].T / len(X)",
        r"average|mean|divi|twice|extra",
    ),
    Wrong("from_outputs", "back.mean(axis=0)", "back.sum(axis=0)", MEAN),
    Wrong(
        "from_outputs",
        "grads.insert(0, (",
        "grads.append((",
        r"order|insert|append|revers|shape|swap",
    ),
    Wrong(
        "from_outputs", "outputs[-1] - Y", "(outputs[-1] - Y) ** 2", r"square|\*\*|derivative|power"
    ),
    Wrong(
        "Layer",
        "        grad = grad * activation_prime(self.z, self.name)\n",
        "",
        SLOPE,
        run="objects",
    ),
    Wrong(
        "Layer",
        "activation_prime(self.z, self.name)",
        "activation_prime(self.x @ self.W, self.name)",
        r"bias|self\.b|self\.z",
        run="objects",
    ),
    Wrong(
        "Layer",
        "self.db = grad.sum(axis=0)",
        "self.db = grad[0]",
        r"sum|sample|first|row",
        run="objects",
    ),
    Wrong(
        "Layer",
        "        return grad @ self.W.T\n",
        "        self.W = self.W - 0.1 * self.dW\n        return grad @ self.W.T\n",
        r"updated|self\.W|stale|before|after|0\.1",
        run="objects",
    ),
    Wrong(
        "objects",
        "(out - Y) / X.shape[0]",
        "(out - Y) / X.shape[1]",
        r"average|mean|divi|shape|number of",
    ),
    Wrong(
        "recursive",
        "(x.T @ back, back.sum(0))",
        "(z.T @ back, back.sum(0))",
        r"\bx\b|\bz\b|input|shape",
    ),
    Wrong("recursive", "grads[::-1]", "grads", r"revers|order|\[::-1\]|shape|swap"),
    Wrong(
        "recursive",
        "back * activation_prime(z, NAMES[depth])",
        "back + activation_prime(z, NAMES[depth])",
        r"multipl|\*|product|chain|derivative|slope",
    ),
    Wrong(
        "recursive",
        "activation_prime(z, NAMES[depth])",
        "activation_prime(x @ W, NAMES[depth])",
        r"bias|\bb\b|\bz\b",
    ),
    Wrong("caches", "1 - A**2", "1 - Z**2", r"\bA\b|\bZ\b|tanh|derivative|slope"),
    Wrong(
        "caches",
        "np.exp(Z) / (1 + np.exp(Z))",
        "1 / (1 + np.exp(Z))",
        r"softplus|sigmoid|derivative|slope|exp",
    ),
    Wrong(
        "caches",
        "np.exp(np.minimum(Z, 0))",
        "np.exp(np.maximum(Z, 0))",
        r"minimum|maximum|elu|derivative|slope",
    ),
    Wrong(
        "caches",
        "np.where(Z > 0, 1, 0.1)",
        "np.where(Z > 0, 0.1, 1)",
        r"leaky|order|swap|derivative|slope|exchang",
    ),
    Wrong("caches", "dZ.T / m", "dZ.T", MEAN),
    Wrong("caches", 'dA * cache["slope"]', "dA", SLOPE),
    Wrong("caches", "dZ.mean(axis=1)", "dZ.mean(axis=0)", r"axis|axes"),
    Wrong(
        "plain",
        ("(activations[-1] - Y) / len(X)", "delta.sum(axis=0)"),
        ("activations[-1] - Y", "delta.sum(axis=1)"),
        (MEAN, r"axis|axes"),
    ),
    Wrong(
        "activation_prime",
        ("np.where(z > 0, 1.0, 0.1)", "1 - np.tanh(z) ** 2"),
        ("np.where(z > 0, 1.0, 0.0)", "1 - np.tanh(z)"),
        (r"leaky|slope|derivative|0\.1", r"square|\*\*|derivative|slope|tanh"),
        run="plain",
    ),
    Wrong(
        "negative_indices",
        ("(w / len(X), b / len(X))", "nabla_b[-k] += delta"),
        ("(w, b)", "nabla_b[-k] = delta"),
        (MEAN, r"\+=|accumul|last sample|add"),
    ),
    Wrong(
        "caches",
        ("A - Y.T", "1 - A**2"),
        ("Y.T - A", "1 - A"),
        (r"sign|minus|negat|order", r"square|\*\*|derivative|slope|tanh"),
    ),
    Wrong(
        "from_outputs",
        ("back.mean(axis=0)", "outputs[-1] - Y"),
        ("back.sum(axis=0)", "Y - outputs[-1]"),
        (MEAN, r"sign|minus|negat|order"),
    ),
    Wrong(
        "Layer",
        ("self.x.T @ grad", "grad.sum(axis=0)"),
        ("self.x.T @ grad / len(grad)", "grad.mean(axis=0)"),
        (r"average|mean|divi|twice|extra", r"average|mean|divi|sum"),
        run="objects",
    ),
]
