"""One network for two or three inputs: contrastive and triplet distances, cosine of pairs."""

import numpy as np
from tests.check.collection import Run, Wrong

MARGIN = 1.0


def encode(params, x):
    z1 = np.dot(x, params["W1"]) + params["b1"]
    a1 = np.where(z1 > 0, z1, 0.1 * z1)
    e = np.dot(a1, params["W2"])
    return e, (x, z1, a1)


def encode_backward(params, de, cache):
    x, z1, a1 = cache
    grads = {}
    grads["W2"] = np.dot(a1.T, de)
    da1 = np.dot(de, params["W2"].T)
    dz1 = da1 * np.where(z1 > 0, 1, 0.1)
    grads["W1"] = np.dot(x.T, dz1)
    grads["b1"] = np.sum(dz1, axis=0)
    return grads


def contrastive_loss(params, left, right, same):
    e1, _ = encode(params, left)
    e2, _ = encode(params, right)
    d = np.sqrt(np.sum((e1 - e2) ** 2, axis=1) + 1e-6)
    pull = same * d**2
    push = (1 - same) * np.maximum(0, MARGIN - d) ** 2
    return np.mean(pull + push) / 2


def contrastive_grads(params, left, right, same):
    e1, cache1 = encode(params, left)
    e2, cache2 = encode(params, right)
    diff = e1 - e2
    d = np.sqrt(np.sum(diff**2, axis=1) + 1e-6)
    n = len(same)
    dd = same * d - (1 - same) * np.maximum(0, MARGIN - d)
    ddiff = (dd / d)[:, np.newaxis] * diff / n
    g1 = encode_backward(params, ddiff, cache1)
    g2 = encode_backward(params, -ddiff, cache2)
    grads = {}
    for key in params:
        grads[key] = g1[key] + g2[key]
    return grads


def pair_problem(rng, n=8, d=3, h=4, k=2):
    params = {
        "W1": rng.normal(size=(d, h)),
        "b1": rng.normal(size=h) * 0.2,
        "W2": rng.normal(size=(h, k)),
    }
    same = np.arange(n) % 3 == 0
    return params, rng.normal(size=(n, d)), rng.normal(size=(n, d)), same * 1


def triplet_loss(params, anchors, positives, negatives):
    total = 0.0
    for a, p, n in zip(anchors, positives, negatives):
        ea, ep, en = a @ params[0], p @ params[0], n @ params[0]
        gap = np.sum((ea - ep) ** 2) - np.sum((ea - en) ** 2) + MARGIN
        if gap > 0:
            total += gap
    return total / len(anchors) + 0.01 * np.sum(params[0] ** 2)


def triplet_grads(params, anchors, positives, negatives):
    (W,) = params
    dW = 0.02 * W
    for a, p, n in zip(anchors, positives, negatives):
        ea, ep, en = a @ W, p @ W, n @ W
        gap = np.sum((ea - ep) ** 2) - np.sum((ea - en) ** 2) + MARGIN
        if gap <= 0:
            continue
        dea = 2 * (en - ep)
        dep = 2 * (ep - ea)
        den = 2 * (ea - en)
        g = np.outer(a, dea) + np.outer(p, dep) + np.outer(n, den)
        dW += g / len(anchors)
    return [dW]


def triplet_problem(rng, n=6, d=4, k=3):
    triple = [rng.normal(size=(n, d)) for _ in range(3)]
    return [rng.normal(size=(d, k)) * 0.5], *triple


def cosine_loss(params, u, v, target):
    a, b = u @ params["A"], v @ params["B"]
    cos = np.sum(a * b, axis=1) / (np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1))
    return np.mean((cos - target) ** 2)


def cosine_grads(params, u, v, target):
    a, b = u @ params["A"], v @ params["B"]
    na = np.linalg.norm(a, axis=1, keepdims=True)
    nb = np.linalg.norm(b, axis=1, keepdims=True)
    cos = np.sum(a * b, axis=1, keepdims=True) / (na * nb)
    dcos = 2 * (cos - target[:, None]) / len(target)
    da = dcos * (b / (na * nb) - cos * a / na**2)
    db = dcos * (a / (na * nb) - cos * b / nb**2)
    return {"A": u.T @ da, "B": v.T @ db}


def cosine_problem(rng, n=6, d=4, k=3):
    params = {"A": rng.normal(size=(d, k)), "B": rng.normal(size=(d, k))}
    return params, rng.normal(size=(n, d)), rng.normal(size=(n, d)), rng.choice([0.0, 1.0], n)


RUNS = {
    "pairs": Run(
        "contrastive_loss", "contrastive_grads", pair_problem, {"n": 100, "d": 30, "h": 20, "k": 8}
    ),
    "triplets": Run("triplet_loss", "triplet_grads", triplet_problem, {"n": 60, "d": 20, "k": 8}),
    "cosine": Run("cosine_loss", "cosine_grads", cosine_problem, {"n": 100, "d": 30, "k": 10}),
}


def pairs(right, wrong, said, *also):
    return Wrong("contrastive_grads", right, wrong, said, "pairs", also)


def encoder(right, wrong, said, *also):
    return Wrong("encode_backward", right, wrong, said, "pairs", also)


def triplets(right, wrong, said, *also):
    return Wrong("triplet_grads", right, wrong, said, "triplets", also)


def cosine(right, wrong, said, *also):
    return Wrong("cosine_grads", right, wrong, said, "cosine", also)


SIGN = r"sign|minus|negat|order|swap"
SLOPE = r"relu|leaky|slope|derivative|z1 > 0|0\.1"
WRONG = [
    pairs(
        "g1[key] + g2[key]", "g1[key]", r"g2|path|second|other|term|missing|shared|twice|left out"
    ),
    pairs(
        "encode_backward(params, -ddiff, cache2)",
        "encode_backward(params, ddiff, cache2)",
        SIGN,
        "grads[key] = g1",
    ),
    pairs(
        "encode_backward(params, -ddiff, cache2)",
        "encode_backward(params, -ddiff, cache1)",
        r"cache",
    ),
    pairs(
        "np.maximum(0, MARGIN - d)\n", "(MARGIN - d)\n", r"maximum|margin|clip|mask|zero|> 0|hinge"
    ),
    pairs("same * d - (1 - same)", "same * d + (1 - same)", SIGN + r"|\+"),
    pairs(
        "(1 - same) * np.maximum(0, MARGIN - d)\n",
        "(1 - same) * (d < MARGIN)\n",
        r"margin|maximum|derivative|factor|square|mask|- d",
    ),
    pairs("(dd / d)[:, np.newaxis]", "dd[:, np.newaxis]", r"\bd\b|sqrt|root|distance|divi|norm"),
    pairs("* diff / n", "* diff", r"average|divi|mean|\bn\b", "dd = same", "grads[key] = g1"),
    pairs("same * d - (1 - same)", "(1 - same) * d - same", r"swap|same|label|1 - |invert"),
    encoder("np.where(z1 > 0, 1, 0.1)", "np.where(z1 > 0, 1, 0)", SLOPE),
    encoder("np.where(z1 > 0, 1, 0.1)", "np.where(da1 > 0, 1, 0.1)", SLOPE + "|z1|da1"),
    encoder("np.where(z1 > 0, 1, 0.1)", "np.where(z1 > 0, z1, 0.1 * z1)", SLOPE + "|z1"),
    triplets(
        "dea = 2 * (en - ep)", "dea = 2 * (ea - ep)", r"\ben\b|term|path|missing|negative|\bea\b"
    ),
    triplets(
        "        if gap <= 0:\n            continue\n", "", r"gap|margin|condition|hinge|mask|if"
    ),
    triplets(" + np.outer(n, den)", "", r"den|negative|path|term|missing|left out"),
    triplets("den = 2 * (ea - en)", "den = 2 * (en - ea)", SIGN),
    triplets("dW = 0.02 * W", "dW = 0.01 * W", r"factor|\b2\b|penal|regulari|half|0\.0"),
    cosine(" - cos * a / na**2", "", r"norm|term|path|missing|left out|na\b|cos"),
    cosine("cos * b / nb**2", "cos * b / nb", r"square|\*\* ?2|power|nb|norm|divi"),
    cosine("dcos = 2 * (cos", "dcos = (cos", r"factor|\b2\b|twice|half"),
    cosine("db = dcos * (a / (na * nb)", "db = dcos * (b / (na * nb)", r"\ba\b|\bb\b"),
    pairs(
        ("g1[key] + g2[key]", "* diff / n"),
        ("g1[key] - g2[key]", "* diff"),
        (SIGN + r"|\+", r"average|divi|mean|\bn\b"),
    ),
    Wrong(
        "contrastive_grads",
        ("* diff / n", "same * d - (1 - same)"),
        ("* diff", "(1 - same) * d - same"),
        (r"average|divi|mean|\bn\b", "swap|same|label|1 - |invert"),
        "pairs",
    ),
    Wrong(
        "contrastive_grads",
        ("encode_backward(params, -ddiff, cache2)", "np.maximum(0, MARGIN - d)\n"),
        ("encode_backward(params, ddiff, cache2)", "(MARGIN - d)\n"),
        ("sign|minus|negat|order|swap", "maximum|margin|clip|mask|zero|> 0|hinge"),
        "pairs",
    ),
]
