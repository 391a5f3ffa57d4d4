"""Word vectors: softmax and negative sampling over a centre word and its context, in loops."""

import numpy as np

from tests.check.collection import Run, Wrong


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def neg_sampling_loss(params, centers, outsides, negatives):
    """Sum over the pairs of a list: one true word and some drawn ones."""
    V, U = params
    loss = 0.0
    for c, o, ks in zip(centers, outsides, negatives):
        v_c = V[c]
        loss -= np.log(sigmoid(U[o].dot(v_c)))
        for k in ks:
            loss -= np.log(sigmoid(-U[k].dot(v_c)))
    return loss / len(centers)


def neg_sampling_gradient(params, centers, outsides, negatives):
    V, U = params
    grad_V, grad_U = np.zeros(V.shape), np.zeros(U.shape)
    for c, o, ks in zip(centers, outsides, negatives):
        v_c = V[c]
        u_o = U[o]
        p = sigmoid(np.dot(u_o, v_c))
        grad_V[c] += (p - 1) * u_o
        grad_U[o] += (p - 1) * v_c
        for k in ks:
            u_k = U[k]
            z = sigmoid(-np.dot(u_k, v_c))
            grad_V[c] += (1 - z) * u_k
            grad_U[k] += (1 - z) * v_c
    grad_V /= len(centers)
    grad_U /= len(centers)
    return [grad_V, grad_U]


def softmax_cost(params, center, outside):
    V, U = params
    scores = U.dot(V[center])
    scores -= scores.max()
    y_hat = np.exp(scores) / np.sum(np.exp(scores))
    return -np.sum(np.log(y_hat[outside]))


def softmax_gradient(params, center, outside):
    V, U = params
    v = V[center]
    scores = U.dot(v)
    scores -= scores.max()
    y_hat = np.exp(scores) / np.sum(np.exp(scores))
    delta = np.zeros(len(U))
    for o in outside:
        d = y_hat.copy()
        d[o] -= 1
        delta += d
    grad_V = np.zeros_like(V)
    grad_V[center] = U.T.dot(delta)
    grad_U = np.outer(delta, v)
    return [grad_V, grad_U]


def problem(rng, vocab=6, d=3, n=5, K=3):
    params = [rng.normal(size=(vocab, d)), rng.normal(size=(vocab, d))]
    centers, outsides = rng.integers(0, vocab, n), rng.integers(0, vocab, n)
    negatives = [rng.integers(0, vocab, K).tolist() for _ in range(n)]
    return params, centers.tolist(), outsides.tolist(), negatives


def softmax_problem(rng, vocab=6, d=3, n=4):
    params = [rng.normal(size=(vocab, d)), rng.normal(size=(vocab, d))]
    return params, int(rng.integers(0, vocab)), rng.integers(0, vocab, n).tolist()


RUNS = {
    "negative": Run(
        "neg_sampling_loss", "neg_sampling_gradient", problem, {"vocab": 50, "d": 20, "n": 40}
    ),
    "softmax": Run("softmax_cost", "softmax_gradient", softmax_problem, {"vocab": 200, "d": 30}),
}


def neg(right, mistaken, said, *also):
    return Wrong("neg_sampling_gradient", right, mistaken, said, "negative", also)


def soft(right, mistaken, said, *also):
    return Wrong("softmax_gradient", right, mistaken, said, "softmax", also)


WRONG = [
    neg("grad_V[c] += (p - 1) * u_o", "grad_V[c] += p * u_o", r"- 1|label|target|term"),
    neg("grad_V[c] += (1 - z) * u_k", "grad_V[c] = (1 - z) * u_k", r"\+=|accumul|overwrit|add|sum"),
    neg("grad_V[c] += (1 - z) * u_k", "grad_V[c] -= (1 - z) * u_k", r"sign|minus|\+=|subtract"),
    neg(
        "grad_U[k] += (1 - z) * v_c",
        "grad_U[k] = (1 - z) * v_c",
        r"\+=|accumul|overwrit|add|sum|repeat|twice",
    ),
    neg("z = sigmoid(-np.dot(u_k, v_c))", "z = sigmoid(np.dot(u_k, v_c))", r"sign|minus|negat|-"),
    neg("grad_U[o] += (p - 1) * v_c", "grad_U[o] += (p - 1) * u_o", r"v_c|u_o"),
    neg("    grad_V /= len(centers)\n", "", r"average|divi"),
    neg(
        "grad_U[k] += (1 - z) * v_c",
        "grad_U[k] += (1 - z) * v_c / len(ks)",
        r"average|divi|len\(ks\)|factor",
    ),
    neg("            grad_V[c] += (1 - z) * u_k\n", "", r"term|path|missing|grad_V|left out"),
    soft("        d[o] -= 1\n", "", r"label|target|- ?= ?1|subtract"),
    soft("delta += d", "delta = d", r"\+=|accumul|overwrit|add|sum|last"),
    soft("grad_V[center] = U.T.dot(delta)", "grad_V[center] = U.T.dot(y_hat)", r"delta|y_hat"),
    soft("grad_U = np.outer(delta, v)", "grad_U = np.outer(y_hat, v)", r"delta|y_hat"),
]
