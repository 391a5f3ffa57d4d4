"""Activations with odd slopes, each a class: gelu, selu, mish, softplus, hard swish, prelu."""

import numpy as np
from tests.check.collection import Run, Wrong


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


class Gelu:
    """By tanh, as in the paper."""

    c = np.sqrt(2 / np.pi)

    def __call__(self, x):
        self.x = x
        self.t = np.tanh(self.c * (x + 0.044715 * x**3))
        return 0.5 * x * (1 + self.t)

    def gradient(self, grad):
        x, t = self.x, self.t
        dinner = self.c * (1 + 3 * 0.044715 * x**2)
        return grad * (0.5 * (1 + t) + 0.5 * x * (1 - t**2) * dinner)


class Selu:
    alpha, scale = 1.6732632423543772, 1.0507009873554805

    def __call__(self, x):
        self.x = x
        return self.scale * np.where(x > 0, x, self.alpha * (np.exp(x) - 1))

    def gradient(self, grad):
        slope = np.where(self.x > 0, 1.0, self.alpha * np.exp(self.x))
        return grad * self.scale * slope


class Mish:
    def __call__(self, x):
        self.x = x
        self.sp = np.log1p(np.exp(x))
        return x * np.tanh(self.sp)

    def gradient(self, grad):
        th = np.tanh(self.sp)
        d = th + self.x * (1 - th**2) * sigmoid(self.x)
        return grad * d


class HardSwish:
    def __call__(self, x):
        self.x = x
        return x * np.clip(x + 3, 0, 6) / 6

    def gradient(self, grad):
        x = self.x
        d = np.where(x <= -3, 0, np.where(x >= 3, 1, (2 * x + 3) / 6))
        return d * grad


class PRelu:
    """One slope for each channel, learned."""

    def __init__(self, a):
        self.a = a

    def __call__(self, x):
        self.x = x
        return np.maximum(x, 0) + self.a * np.minimum(x, 0)

    def gradient(self, grad):
        self.da = np.sum(grad * np.minimum(self.x, 0), axis=0)
        return np.where(self.x > 0, 1, self.a) * grad


class Net:
    def __init__(self, weights, slopes):
        self.weights = weights
        self.prelu = PRelu(slopes)
        self.acts = [Gelu(), Selu(), self.prelu, Mish(), HardSwish()]

    def forward(self, x):
        self.inputs = []
        for w, act in zip(self.weights, self.acts):
            self.inputs.append(x)
            x = act(x @ w)
        return x

    def backward(self, grad):
        grads = [None] * len(self.weights)
        for i in range(len(self.weights) - 1, -1, -1):
            grad = self.acts[i].gradient(grad)
            grads[i] = self.inputs[i].T @ grad
            grad = grad @ self.weights[i].T
        return grads


def log_cosh(params, x, y):
    out = Net(params["weights"], params["slopes"]).forward(x)
    return np.sum(np.log(np.cosh(out - y))) / len(y)


def gradients(params, x, y):
    net = Net(params["weights"], params["slopes"])
    out = net.forward(x)
    grads = net.backward(np.tanh(out - y) / len(y))
    return {"weights": grads, "slopes": net.prelu.da}


def problem(rng, n=6, d=3, h=4):
    sizes = [d, h, h, h, h, 2]
    weights = [
        1.2 * min(1.0, 2 / np.sqrt(a)) * rng.normal(size=(a, b)) for a, b in zip(sizes, sizes[1:])
    ]
    params = {"weights": weights, "slopes": rng.uniform(0.1, 0.6, h)}
    return params, rng.normal(size=(n, d)) * 1.5, rng.normal(size=(n, 2))


RUNS = {"net": Run("log_cosh", "gradients", problem, {"n": 200, "d": 20, "h": 10})}


def wrong(style, right, mistaken, said, *also):
    return Wrong(style, right, mistaken, said, "net", also)


GELU = r"derivative|slope|term|product"
WRONG = [
    wrong(
        "Gelu.gradient",
        " + 0.5 * x * (1 - t**2) * dinner",
        "",
        r"derivative|term|product|path|missing|left out",
    ),
    wrong(
        "Gelu.gradient",
        "(1 - t**2) * dinner",
        "(1 - t**2)",
        r"derivative|term|product|dinner|chain|factor|inner",
    ),
    wrong(
        "Gelu.gradient",
        "1 + 3 * 0.044715 * x**2",
        "1 + 0.044715 * x**2",
        GELU + r"|\b3\b|factor|cube|power|x\*\*",
    ),
    wrong("Gelu.gradient", "(1 - t**2)", "(1 - t)", GELU + r"|square|tanh|\*\*"),
    wrong(
        "Gelu.gradient", "0.5 * x * (1 - t**2)", "x * (1 - t**2)", GELU + r"|0\.5|half|factor|\b2\b"
    ),
    wrong(
        "Selu.gradient",
        "self.alpha * np.exp(self.x)",
        "np.exp(self.x)",
        r"alpha|factor|derivative",
    ),
    wrong("Selu.gradient", "grad * self.scale * slope", "grad * slope", r"scale|factor|missing"),
    wrong(
        "Selu.gradient", "np.exp(self.x)", "(np.exp(self.x) - 1)", r"- 1|exp|derivative|slope|elu"
    ),
    wrong(
        "Mish.gradient",
        "* sigmoid(self.x)",
        "* sigmoid(self.sp)",
        r"self\.x|self\.sp|sigmoid|softplus|derivative|slope",
    ),
    wrong(
        "Mish.gradient",
        "th + self.x",
        "self.x",
        r"\bth\b|term|product|path|missing|tanh|derivative",
    ),
    wrong(
        "Mish.gradient",
        " * sigmoid(self.x)",
        "",
        r"sigmoid|softplus|chain|factor|missing|derivative|slope",
    ),
    wrong(
        "HardSwish.gradient",
        "(2 * x + 3) / 6",
        "(x + 3) / 6",
        r"factor|\b2\b|product|derivative|slope|term|x \+ 3",
    ),
    wrong(
        "HardSwish.gradient",
        "np.where(x <= -3, 0, np.where(x >= 3, 1, (2 * x + 3) / 6))",
        "(2 * x + 3) / 6",
        r"clip|np\.where|bound|saturat|flat|region|piece|derivative",
    ),
    wrong(
        "PRelu.gradient",
        "grad * np.minimum(self.x, 0)",
        "grad * self.x",
        r"minimum|negative|< 0|mask|clip|where",
    ),
    wrong(
        "PRelu.gradient",
        "np.where(self.x > 0, 1, self.a)",
        "np.where(self.x > 0, self.a, 1)",
        r"swap|order|where|> 0|branch|slope|relu|self\.a|derivative",
    ),
    wrong(
        "PRelu.gradient",
        "np.where(self.x > 0, 1, self.a) * grad",
        "(self.x > 0) * grad",
        r"self\.a|leak|slope|relu|where|derivative|negative",
    ),
    wrong(
        "Net.backward",
        "            grads[i] = self.inputs[i].T @ grad\n            grad = grad @ ",
        "            grads[i] = self.inputs[i].T @ grad\n            grad = grad / len(grad) @ ",
        r"average|divi|len|twice|factor",
    ),
    wrong(
        "gradients",
        "np.tanh(out - y) / len(y)",
        "np.tanh(out - y)",
        r"average|divi|mean|len",
        "d = np.where(x <= -3",
        "return d * grad",
    ),
    Wrong(
        "Gelu.gradient",
        ("1 + 3 * 0.044715 * x**2", "0.5 * x * (1 - t**2)"),
        ("1 + 0.044715 * x**2", "x * (1 - t**2)"),
        (
            r"derivative|slope|term|product|\b3\b|factor|cube|power|x\*\*",
            r"derivative|slope|term|product|0\.5|half|factor|\b2\b",
        ),
        "net",
    ),
    Wrong(
        "PRelu.gradient",
        ("grad * np.minimum(self.x, 0)", "np.where(self.x > 0, 1, self.a)"),
        ("grad * self.x", "np.where(self.x > 0, self.a, 1)"),
        (
            "minimum|negative|< 0|mask|clip|where",
            r"swap|order|where|> 0|branch|slope|relu|self\.a|derivative",
        ),
        "net",
    ),
    Wrong(
        "Gelu.gradient",
        (" + 0.5 * x * (1 - t**2) * dinner", "1 + 3 * 0.044715 * x**2"),
        ("", "1 + 0.044715 * x**2"),
        (
            r"derivative|term|product|path|missing|left out",
            r"derivative|slope|term|product|\b3\b|factor|cube|power|x\*\*",
        ),
        "net",
    ),
]
