"""A small network taught by a large one: soft targets at a temperature, and the labels."""

import numpy as np
from tests.check.collection import Run, Wrong

TEMPERATURE, SHARE = 3.0, 0.7


def softmax(z):
    e = np.exp(z - np.max(z, axis=1, keepdims=True))
    return e / np.sum(e, axis=1, keepdims=True)


def student(w, x):
    z1 = np.dot(x, w["W1"]) + w["b1"]
    a1 = z1 * (1 / (1 + np.exp(-z1)))
    return z1, a1, np.dot(a1, w["W2"]) + w["b2"]


def loss(w, x, teacher, labels):
    logits = student(w, x)[2]
    soft_targets = softmax(teacher / TEMPERATURE)
    soft = -np.sum(soft_targets * np.log(softmax(logits / TEMPERATURE))) / len(x)
    hard = -np.mean(np.log(softmax(logits)[range(len(x)), labels]))
    return SHARE * TEMPERATURE**2 * soft + (1 - SHARE) * hard


def gradients(w, x, teacher, labels):
    n = len(x)
    z1, a1, logits = student(w, x)
    soft_targets = softmax(teacher / TEMPERATURE)
    one_hot = np.zeros_like(logits)
    one_hot[np.arange(n), labels] = 1
    dsoft = (softmax(logits / TEMPERATURE) - soft_targets) * TEMPERATURE / n
    dhard = (softmax(logits) - one_hot) / n
    dlogits = SHARE * dsoft + (1 - SHARE) * dhard
    s = 1 / (1 + np.exp(-z1))
    da1 = np.dot(dlogits, w["W2"].T)
    dz1 = da1 * (s + z1 * s * (1 - s))
    return {
        "W1": np.dot(x.T, dz1),
        "b1": dz1.sum(axis=0),
        "W2": np.dot(a1.T, dlogits),
        "b2": dlogits.sum(axis=0),
    }


def problem(rng, n=6, d=4, h=5, k=3):
    w = {
        "W1": rng.normal(size=(d, h)),
        "b1": rng.normal(size=h) * 0.3,
        "W2": rng.normal(size=(h, k)),
        "b2": rng.normal(size=k) * 0.3,
    }
    return w, rng.normal(size=(n, d)), 3 * rng.normal(size=(n, k)), rng.integers(0, k, n)


RUNS = {"student": Run("loss", "gradients", problem, {"n": 100, "d": 30, "h": 40, "k": 10})}


def wrong(right, bad, said, *also):
    return Wrong("gradients", right, bad, said, "student", also)


WRONG = [
    wrong(
        "- soft_targets) * TEMPERATURE / n",
        "- soft_targets) / n",
        r"TEMPERATURE|factor|3",
        "dlogits =",
    ),
    wrong(
        "- soft_targets) * TEMPERATURE / n",
        "- soft_targets) * TEMPERATURE**2 / n",
        r"TEMPERATURE|power|factor|square",
        "dlogits =",
    ),
    wrong(
        "softmax(logits / TEMPERATURE) - soft_targets",
        "softmax(logits) - soft_targets",
        r"TEMPERATURE|divid",
    ),
    wrong("softmax(teacher / TEMPERATURE)", "softmax(teacher)", r"TEMPERATURE|divid"),
    wrong(
        "SHARE * dsoft + (1 - SHARE) * dhard",
        "SHARE * dsoft + dhard",
        r"1 - SHARE|SHARE|factor|share",
    ),
    wrong(
        "SHARE * dsoft + (1 - SHARE) * dhard",
        "(1 - SHARE) * dsoft + SHARE * dhard",
        r"swap|exchang|SHARE",
    ),
    wrong("(s + z1 * s * (1 - s))", "s * (1 - s)", r"derivative|slope|z1|term|missing"),
    wrong("(s + z1 * s * (1 - s))", "(s + s * (1 - s))", r"z1|factor|derivative|slope"),
    wrong("- one_hot) / n", "- labels[:, None]) / n", r"one.hot|label"),
    wrong(
        "dhard = (softmax(logits) - one_hot) / n",
        "dhard = softmax(logits) - one_hot",
        r"average|divid|\bn\b|number",
    ),
]
