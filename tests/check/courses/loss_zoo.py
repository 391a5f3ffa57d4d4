"""Losses beyond cross-entropy on a weight-normalised layer, samples in columns."""

import numpy as np
from tests.check.collection import Run, Wrong

FOCUS, SMOOTH, TEMP = 2.0, 0.1, 2.5


def normalised_weight(V, g):
    norms = np.sqrt(np.sum(V**2, axis=1, keepdims=True))
    return g * V / norms, norms


def weightnorm_backward(dW, V, g, norms):
    dg = np.sum(dW * V, axis=1, keepdims=True) / norms
    dV = g / norms * dW - g * dg / norms**2 * V
    return dV, dg


def softmax(Z):
    E = np.exp(Z - np.max(Z, axis=0, keepdims=True))
    return E / np.sum(E, axis=0, keepdims=True)


def focal_forward(params, X):
    W, norms = normalised_weight(params["V"], params["g"])
    Z = np.dot(W, X) + params["b"]
    P = 1 / (1 + np.exp(-Z))
    return P, norms


def focal_loss(params, X, Y):
    """Every row is a class of its own: yes or no."""
    P, _ = focal_forward(params, X)
    pt = np.where(Y == 1, P, 1 - P)
    return -np.sum((1 - pt) ** FOCUS * np.log(pt)) / X.shape[1]


def focal_backward(params, X, Y):
    P, norms = focal_forward(params, X)
    m = X.shape[1]
    pt = np.where(Y == 1, P, 1 - P)
    dpt = FOCUS * (1 - pt) ** (FOCUS - 1) * np.log(pt) - (1 - pt) ** FOCUS / pt
    dP = np.where(Y == 1, dpt, -dpt) / m
    dZ = dP * P * (1 - P)
    dW = np.dot(dZ, X.T)
    db = np.sum(dZ, axis=1, keepdims=True)
    dV, dg = weightnorm_backward(dW, params["V"], params["g"], norms)
    return {"V": dV, "g": dg, "b": db}


def focal_problem(rng, d=4, k=3, m=6):
    params = {
        "V": rng.normal(size=(k, d)),
        "g": 1 + 0.3 * rng.normal(size=(k, 1)),
        "b": rng.normal(size=(k, 1)) * 0.3,
    }
    return params, rng.normal(size=(d, m)), rng.integers(0, 2, (k, m))


def distill_loss(params, X, labels, teacher_logits):
    """Hard labels, smoothed, and the soft ones of a teacher at a temperature."""
    Z = np.dot(params["W"], X) + params["b"]
    k, m = Z.shape
    Y = np.eye(k)[:, labels] * (1 - SMOOTH) + SMOOTH / k
    hard = -np.sum(Y * np.log(softmax(Z))) / m
    Q = softmax(teacher_logits / TEMP)
    P = softmax(Z / TEMP)
    soft = TEMP**2 * np.sum(Q * (np.log(Q) - np.log(P))) / m
    return 0.3 * hard + 0.7 * soft


def distill_backward(params, X, labels, teacher_logits):
    Z = np.dot(params["W"], X) + params["b"]
    k, m = Z.shape
    Y = np.zeros((k, m))
    Y[labels, np.arange(m)] = 1
    Y = Y * (1 - SMOOTH) + SMOOTH / k
    dZ_hard = (softmax(Z) - Y) / m
    Q = softmax(teacher_logits / TEMP)
    P = softmax(Z / TEMP)
    dZ_soft = TEMP * (P - Q) / m
    dZ = 0.3 * dZ_hard + 0.7 * dZ_soft
    return {"W": np.dot(dZ, X.T), "b": np.sum(dZ, axis=1, keepdims=True)}


def distill_problem(rng, d=4, k=3, m=7):
    params = {"W": rng.normal(size=(k, d)), "b": rng.normal(size=(k, 1))}
    labels = rng.integers(0, k, m)
    return params, rng.normal(size=(d, m)), labels, 2 * rng.normal(size=(k, m))


RUNS = {
    "focal": Run("focal_loss", "focal_backward", focal_problem, {"d": 50, "k": 10, "m": 200}),
    "distill": Run(
        "distill_loss", "distill_backward", distill_problem, {"d": 50, "k": 10, "m": 200}
    ),
}


def norm(right, wrong, said, *also):
    return Wrong("weightnorm_backward", right, wrong, said, "focal", also)


def focal(right, wrong, said, *also):
    return Wrong("focal_backward", right, wrong, said, "focal", also)


def distill(right, wrong, said, *also):
    return Wrong("distill_backward", right, wrong, said, "distill", also)


SLOPE = r"sigmoid|derivative|slope|1 - "
TEMPER = r"TEMP|temperature|factor|scale|divi"
WRONG = [
    norm(" - g * dg / norms**2 * V", "", r"norm|term|path|missing|left out|project"),
    norm("norms**2 * V", "norms * V", r"square|\*\* ?2|power|norm"),
    norm("dV = g / norms * dW", "dV = g * dW", r"norm|divi|factor"),
    norm(
        "np.sum(dW * V, axis=1, keepdims=True) / norms",
        "np.sum(dW * V, axis=1, keepdims=True)",
        r"norm|divi|factor",
    ),
    norm("g * dg / norms**2 * V", "dg / norms**2 * V", r"\bg\b|factor|missing|scale"),
    focal("np.log(pt) - (1 - pt)", "np.log(pt) + (1 - pt)", r"sign|minus|negat|\+"),
    focal(
        "FOCUS * (1 - pt) ** (FOCUS - 1) * np.log(pt) - ",
        "-",
        r"FOCUS|term|path|product|missing|left out|log",
    ),
    focal("(FOCUS - 1)", "FOCUS", r"FOCUS|power|exponent|- 1"),
    focal(
        "np.where(Y == 1, dpt, -dpt)",
        "dpt",
        r"where|sign|minus|Y == 1|negat|label|class",
        "dZ = dP",
    ),
    focal("dZ = dP * P * (1 - P)", "dZ = dP", SLOPE),
    focal("dZ = dP * P * (1 - P)", "dZ = dP * pt", SLOPE + "|pt|factor"),
    focal(
        "dP = np.where(Y == 1, dpt, -dpt) / m",
        "dP = np.where(Y == 1, dpt, -dpt)",
        r"average|divi|mean|\bm\b",
        "dpt = ",
        "dZ = dP",
    ),
    focal(
        "db = np.sum(dZ, axis=1, keepdims=True)",
        "db = np.sum(dZ, axis=1, keepdims=True) / m",
        r"average|divi|twice|\bm\b",
    ),
    distill("dZ_soft = TEMP * (P - Q) / m", "dZ_soft = (P - Q) / m", TEMPER, "dZ = 0.3"),
    distill(
        "dZ_soft = TEMP * (P - Q) / m",
        "dZ_soft = TEMP**2 * (P - Q) / m",
        TEMPER + r"|square|power|\*\*",
        "dZ = 0.3",
    ),
    distill("(P - Q) / m", "(Q - P) / m", r"sign|minus|order|swap|negat", "dZ = 0.3"),
    distill("P = softmax(Z / TEMP)", "P = softmax(Z)", TEMPER),
    distill("    Y = Y * (1 - SMOOTH) + SMOOTH / k\n", "", r"smooth|label|target|\bY\b|one-hot"),
    distill(
        "Y * (1 - SMOOTH) + SMOOTH / k",
        "Y * (1 - SMOOTH) + SMOOTH",
        r"\bk\b|smooth|number of (classes|rows)|average",
    ),
    distill(
        "0.3 * dZ_hard + 0.7 * dZ_soft",
        "0.7 * dZ_hard + 0.3 * dZ_soft",
        r"swap|0\.3|0\.7|weight|factor",
    ),
    distill(
        ("dZ_hard = (softmax(Z) - Y) / m", "dZ_soft = TEMP * (P - Q) / m"),
        ("dZ_hard = softmax(Z) / m", "dZ_soft = (P - Q) / m"),
        (r"label|subtract|\bY\b|target|missing", TEMPER),
    ),
    Wrong(
        "distill_backward",
        ("dZ_soft = TEMP * (P - Q) / m", "P = softmax(Z / TEMP)"),
        ("dZ_soft = TEMP**2 * (P - Q) / m", "P = softmax(Z)"),
        (
            r"TEMP|temperature|factor|scale|divi|square|power|\*\*",
            "TEMP|temperature|factor|scale|divi",
        ),
        "distill",
    ),
    Wrong(
        "focal_backward",
        ("np.log(pt) - (1 - pt)", "dZ = dP * P * (1 - P)"),
        ("np.log(pt) + (1 - pt)", "dZ = dP * pt"),
        (r"sign|minus|negat|\+", "sigmoid|derivative|slope|1 - |pt|factor"),
        "focal",
    ),
    distill(
        "Y * (1 - SMOOTH) + SMOOTH / k",
        "Y * (1 - SMOOTH) + SMOOTH // k",
        r"//|integer|floor|whole|smooth|divi|round",
    ),
]
