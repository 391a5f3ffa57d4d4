"""Highway and residual layers with samples in columns, caches in dicts, parameters by name."""

import numpy as np
from tests.check.collection import Run, Wrong


def sigmoid(Z):
    return 1 / (1 + np.exp(-Z))


def highway_forward(X, parameters, L):
    caches = {"A0": np.tanh(np.dot(parameters["Win"], X) + parameters["bin"])}
    A = caches["A0"]
    for l in range(1, L + 1):
        T = sigmoid(np.dot(parameters["WT" + str(l)], A) + parameters["bT" + str(l)])
        H = np.tanh(np.dot(parameters["WH" + str(l)], A) + parameters["bH" + str(l)])
        A = T * H + (1 - T) * A
        caches["T" + str(l)], caches["H" + str(l)], caches["A" + str(l)] = T, H, A
    return np.dot(parameters["Wout"], A), caches


def highway_cost(parameters, X, Y):
    L = sum(name.startswith("WT") for name in parameters)
    out, _ = highway_forward(X, parameters, L)
    m = X.shape[1]
    return np.squeeze(np.sum(np.log1p(np.exp(out)) - Y * out) / m)


def highway_backward(parameters, X, Y):
    L = sum(name.startswith("WT") for name in parameters)
    out, caches = highway_forward(X, parameters, L)
    m = X.shape[1]
    gradients = {}
    dout = (sigmoid(out) - Y) / m
    gradients["Wout"] = np.dot(dout, caches["A" + str(L)].T)
    dA = np.dot(parameters["Wout"].T, dout)
    for l in reversed(range(1, L + 1)):
        T, H = caches["T" + str(l)], caches["H" + str(l)]
        A_prev = caches["A" + str(l - 1)]
        dT = dA * (H - A_prev)
        dH = dA * T
        dZT = dT * T * (1 - T)
        dZH = dH * (1 - H**2)
        gradients["WT" + str(l)] = np.dot(dZT, A_prev.T)
        gradients["bT" + str(l)] = np.sum(dZT, axis=1, keepdims=True)
        gradients["WH" + str(l)] = np.dot(dZH, A_prev.T)
        gradients["bH" + str(l)] = np.sum(dZH, axis=1, keepdims=True)
        dA_prev = dA * (1 - T)
        dA_prev = dA_prev + np.dot(parameters["WT" + str(l)].T, dZT)
        dA_prev = dA_prev + np.dot(parameters["WH" + str(l)].T, dZH)
        dA = dA_prev
    dZ0 = dA * (1 - np.power(caches["A0"], 2))
    gradients["Win"] = np.dot(dZ0, X.T)
    gradients["bin"] = np.sum(dZ0, axis=1, keepdims=True)
    return {name: gradients[name] for name in parameters}


def highway_problem(rng, d=3, h=4, L=2, m=6):
    parameters = {"Win": rng.normal(size=(h, d)), "bin": rng.normal(size=(h, 1)) * 0.3}
    for l in range(1, L + 1):
        for kind in "TH":
            parameters[f"W{kind}{l}"] = rng.normal(size=(h, h)) * 0.7
            parameters[f"b{kind}{l}"] = rng.normal(size=(h, 1)) * 0.3
    parameters["Wout"] = rng.normal(size=(1, h))
    return parameters, rng.normal(size=(d, m)), rng.integers(0, 2, (1, m))


def identity_block(A, W1, W2):
    Z1 = W1 @ A
    R1 = np.maximum(Z1, 0)
    Z2 = W2 @ R1 + A
    return np.maximum(Z2, 0), (A, Z1, R1, Z2)


def identity_block_backward(dout, cache, W1, W2):
    A, Z1, R1, Z2 = cache
    dZ2 = dout * (Z2 > 0)
    dW2 = dZ2 @ R1.T
    dR1 = W2.T @ dZ2
    dZ1 = dR1 * (Z1 > 0)
    dW1 = dZ1 @ A.T
    dA = W1.T @ dZ1 + dZ2
    return dA, dW1, dW2


def resnet_cost(weights, X, Y, lambd):
    A = weights[0] @ X
    for W1, W2 in zip(weights[1::2], weights[2::2]):
        A, _ = identity_block(A, W1, W2)
    m = X.shape[1]
    data = np.sum((A - Y) ** 2) / (2 * m)
    return data + lambd / (2 * m) * sum(np.sum(W * W) for W in weights)


def resnet_backward(weights, X, Y, lambd):
    A = weights[0] @ X
    caches = []
    for W1, W2 in zip(weights[1::2], weights[2::2]):
        A, cache = identity_block(A, W1, W2)
        caches.append(cache)
    m = X.shape[1]
    dA = (A - Y) / m
    grads = []
    for k in range(len(caches) - 1, -1, -1):
        W1, W2 = weights[2 * k + 1], weights[2 * k + 2]
        dA, dW1, dW2 = identity_block_backward(dA, caches[k], W1, W2)
        grads = [dW1, dW2] + grads
    grads = [dA @ X.T] + grads
    return [g + lambd / m * W for g, W in zip(grads, weights)]


def resnet_problem(rng, d=3, h=4, blocks=2, m=6):
    weights = [rng.normal(size=(h, d))]
    weights += [rng.normal(size=(h, h)) * 0.6 for _ in range(2 * blocks)]
    return weights, rng.normal(size=(d, m)), rng.normal(size=(h, m)), 0.5


RUNS = {
    "highway": Run(
        "highway_cost", "highway_backward", highway_problem, {"d": 20, "h": 16, "m": 200}
    ),
    "residual": Run("resnet_cost", "resnet_backward", resnet_problem, {"d": 20, "h": 16, "m": 200}),
}


def way(right, wrong, said, *also):
    return Wrong("highway_backward", right, wrong, said, "highway", also)


def block(right, wrong, said, *also):
    return Wrong("identity_block_backward", right, wrong, said, "residual", also)


def res(right, wrong, said, *also):
    return Wrong("resnet_backward", right, wrong, said, "residual", also)


PATH = r"path|term|missing|left out|carry|skip|residual|shortcut"
SLOPE = r"tanh|sigmoid|relu|derivative|slope|1 - |gate"
AVERAGE = r"average|divi|mean|\bm\b"
WRONG = [
    way("dT = dA * (H - A_prev)", "dT = dA * H", PATH + r"|A_prev|carr"),
    way("dT = dA * (H - A_prev)", "dT = dA * (A_prev - H)", r"sign|minus|order|swap|negat"),
    way("dH = dA * T", "dH = dA * (1 - T)", r"\bT\b|1 - |gate|swap|carr"),
    way("dZT = dT * T * (1 - T)", "dZT = dT * (1 - T**2)", SLOPE),
    way("dZH = dH * (1 - H**2)", "dZH = dH * H * (1 - H)", SLOPE),
    way(
        "dA_prev = dA * (1 - T)\n",
        "dA_prev = np.zeros_like(dA)\n",
        PATH + r"|1 - T|\bT\b|zeros",
        "dA = dA_prev",
        "dA_prev = dA_prev +",
    ),
    way("dA_prev = dA * (1 - T)\n", "dA_prev = dA\n", r"1 - T|\bT\b|gate|factor|missing|carr"),
    way(
        '        dA_prev = dA_prev + np.dot(parameters["WT" + str(l)].T, dZT)\n',
        "",
        PATH + "|WT|dZT|gate",
    ),
    way(
        'dA_prev + np.dot(parameters["WH" + str(l)].T, dZH)',
        'np.dot(parameters["WH" + str(l)].T, dZH)',
        PATH + r"|overwrit|dA_prev|add|\+",
    ),
    way(
        '["WH" + str(l)] = np.dot(dZH, A_prev.T)',
        '["WH" + str(l)] = np.dot(dZH, caches["A" + str(l)].T)',
        r"A_prev|l - 1|previous|layer|input|caches|off by one",
    ),
    way("(sigmoid(out) - Y) / m", "(out - Y) / m", r"sigmoid"),
    way(
        'gradients["bT" + str(l)] = np.sum(',
        'gradients["bT" + str(l)] = np.mean(',
        r"mean|sum|average",
    ),
    way('(1 - np.power(caches["A0"], 2))', '(1 - np.power(caches["A1"], 2))', r"A0|A1|tanh|layer"),
    block("W1.T @ dZ1 + dZ2", "W1.T @ dZ1", PATH + "|dZ2"),
    block("W1.T @ dZ1 + dZ2", "W1.T @ dZ1 + dout", r"dZ2|dout|relu|slope|derivative"),
    block("dZ2 = dout * (Z2 > 0)", "dZ2 = dout * (R1 > 0)", r"Z2|R1|relu|slope|derivative"),
    block("dR1 = W2.T @ dZ2", "dR1 = W2 @ dZ2", r"transpos|\.T"),
    res(
        "g + lambd / m * W",
        "g + lambd / (2 * m) * W",
        r"factor|\b2\b|twice|half|penal|regulari|lambd",
    ),
    res("dA = (A - Y) / m", "dA = 2 * (A - Y) / m", r"factor|\b2\b|twice|half"),
    Wrong(
        "highway_backward",
        ("dT = dA * (H - A_prev)", "dZT = dT * T * (1 - T)"),
        ("dT = dA * H", "dZT = dT * (1 - T**2)"),
        (
            "path|term|missing|left out|carry|skip|residual|shortcut|A_prev|carr",
            "tanh|sigmoid|relu|derivative|slope|1 - |gate",
        ),
        "highway",
    ),
    Wrong(
        "highway_backward",
        (
            '        dA_prev = dA_prev + np.dot(parameters["WT" + str(l)].T, dZT)\n',
            'dA_prev + np.dot(parameters["WH" + str(l)].T, dZH)',
        ),
        ("", 'np.dot(parameters["WH" + str(l)].T, dZH)'),
        (
            "path|term|missing|left out|carry|skip|residual|shortcut|WT|dZT|gate",
            r"path|term|missing|left out|carry|skip|residual|shortcut|overwrit|dA_prev|add|\+",
        ),
        "highway",
    ),
    Wrong(
        "highway_backward",
        ("dT = dA * (H - A_prev)", "dZH = dH * (1 - H**2)"),
        ("dT = dA * H", "dZH = dH * H * (1 - H)"),
        (
            "path|term|missing|left out|carry|skip|residual|shortcut|A_prev|carr",
            "tanh|sigmoid|relu|derivative|slope|1 - |gate",
        ),
        "highway",
    ),
    way(
        "        dH = dA * T\n",
        "        dH = dA\n        dH *= T\n",
        r"in place|alias|copy|same array|overwrit|changed",
    ),
]
