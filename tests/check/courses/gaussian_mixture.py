"""Mixtures fitted by gradient: free weights, widths as logarithms; students' t; soft k-means."""

import numpy as np
from tests.check.collection import Run, Wrong


def log_gauss(X, mu, log_sigma):
    """One row for each point, one column for each component."""
    N, D = X.shape
    K = mu.shape[0]
    out = np.zeros((N, K))
    for k in range(K):
        z = (X - mu[k]) / np.exp(log_sigma[k])
        out[:, k] = -0.5 * np.sum(z**2, axis=1) - np.sum(log_sigma[k]) - 0.5 * D * np.log(2 * np.pi)
    return out


def log_softmax(a):
    return a - np.max(a) - np.log(np.sum(np.exp(a - np.max(a))))


def gmm_nll(theta, X):
    joint = log_softmax(theta["logits"]) + log_gauss(X, theta["mu"], theta["log_sigma"])
    top = joint.max(axis=1, keepdims=True)
    return -np.mean(top[:, 0] + np.log(np.sum(np.exp(joint - top), axis=1)))


def gmm_grad(theta, X):
    N, D = X.shape
    joint = log_softmax(theta["logits"]) + log_gauss(X, theta["mu"], theta["log_sigma"])
    r = np.exp(joint - joint.max(axis=1, keepdims=True))
    r /= r.sum(axis=1, keepdims=True)
    pi = np.exp(log_softmax(theta["logits"]))
    g_logits = -(r.mean(axis=0) - pi)
    g_mu = np.zeros_like(theta["mu"])
    g_log_sigma = np.zeros_like(theta["log_sigma"])
    for k in range(len(pi)):
        sigma = np.exp(theta["log_sigma"][k])
        z = (X - theta["mu"][k]) / sigma
        g_mu[k] = -np.sum(r[:, k, None] * z / sigma, axis=0) / N
        g_log_sigma[k] = -np.sum(r[:, k, None] * (z**2 - 1), axis=0) / N
    return {"logits": g_logits, "mu": g_mu, "log_sigma": g_log_sigma}


def gmm_problem(rng, n=8, d=2, k=3):
    theta = {
        "logits": rng.normal(size=k),
        "mu": rng.normal(size=(k, d)) * 1.5,
        "log_sigma": rng.normal(size=(k, d)) * 0.3,
    }
    return theta, rng.normal(size=(n, d)) * 1.5


def student_nll(w, X, y, nu):
    """Regression with heavy tails; the last entry is the logarithm of the width."""
    s = np.exp(w[-1])
    t = (y - X @ w[:-1]) / s
    return np.sum((nu + 1) / 2 * np.log(1 + t**2 / nu) + w[-1])


def student_grad(w, X, y, nu):
    s = np.exp(w[-1])
    t = (y - X @ w[:-1]) / s
    dt = (nu + 1) * t / (nu + t**2)
    g = np.zeros(len(w))
    g[:-1] = -X.T @ dt / s
    g[-1] = len(y) - np.sum(dt * t)
    return g


def student_problem(rng, n=9, d=3):
    return rng.normal(size=d + 1) * 0.5, rng.normal(size=(n, d)), rng.standard_t(3, n), 3.5


def soft_kmeans(centers, X, beta):
    d2 = np.sum((X[:, None, :] - centers[None]) ** 2, axis=2)
    return -np.sum(np.log(np.sum(np.exp(-beta * d2), axis=1))) / (beta * len(X))


def soft_kmeans_grad(centers, X, beta):
    diff = centers[None] - X[:, None, :]
    d2 = np.sum(diff**2, axis=2)
    A = np.exp(-beta * d2)
    A = A / A.sum(axis=1, keepdims=True)
    return np.sum(2 * A[:, :, None] * diff, axis=0) / len(X)


def kmeans_problem(rng, n=7, d=2, k=3):
    return rng.normal(size=(k, d)), rng.normal(size=(n, d)), 0.8


RUNS = {
    "mixture": Run("gmm_nll", "gmm_grad", gmm_problem, {"n": 300, "d": 4, "k": 5}),
    "student": Run("student_nll", "student_grad", student_problem, {"n": 300, "d": 20}),
    "kmeans": Run("soft_kmeans", "soft_kmeans_grad", kmeans_problem, {"n": 300, "d": 5, "k": 6}),
}


def gmm(right, wrong, said, *also):
    return Wrong("gmm_grad", right, wrong, said, "mixture", also)


def student(right, wrong, said, *also):
    return Wrong("student_grad", right, wrong, said, "student", also)


def kmeans(right, wrong, said, *also):
    return Wrong("soft_kmeans_grad", right, wrong, said, "kmeans", also)


SIGN = r"sign|minus|negat|order|swap"
WRONG = [
    gmm("-(r.mean(axis=0) - pi)", "-r.mean(axis=0)", r"\bpi\b|softmax|term|missing|left out"),
    gmm("-(r.mean(axis=0) - pi)", "r.mean(axis=0) - pi", SIGN),
    gmm("-(r.mean(axis=0) - pi)", "-(r.sum(axis=0) - pi)", r"mean|average|sum|divi"),
    gmm("z / sigma, axis=0", "z, axis=0", r"sigma|divi|factor|missing"),
    gmm("g_mu[k] = -np.sum(", "g_mu[k] = np.sum(", SIGN),
    gmm("(z**2 - 1)", "(z**2)", r"- 1|term|missing|constant|one|left out|log_sigma"),
    gmm("(z**2 - 1), axis=0", "(z**2 - 1) / sigma, axis=0", r"sigma|log|exp|divi|factor"),
    gmm("(z**2 - 1)", "(z - 1)", r"square|\*\* ?2|power"),
    gmm(
        "    r /= r.sum(axis=1, keepdims=True)\n",
        "    r /= r.sum(axis=0, keepdims=True)\n",
        r"axis|row|column|softmax",
    ),
    gmm("    r /= r.sum(axis=1, keepdims=True)\n", "", r"normal|sum|divi|missing|softmax"),
    gmm('sigma = np.exp(theta["log_sigma"][k])', 'sigma = theta["log_sigma"][k]', r"exp|log"),
    student("(nu + 1) * t / (nu + t**2)", "(nu + 1) * t / (1 + t**2)", r"\bnu\b|factor|divi|1 \+"),
    student(
        "g[-1] = len(y) - np.sum(dt * t)",
        "g[-1] = -np.sum(dt * t)",
        r"len|term|missing|constant|left out|w\[-1\]",
    ),
    student(
        "g[-1] = len(y) - np.sum(dt * t)",
        "g[-1] = 1 - np.sum(dt * t)",
        r"len\(|number of|each sample|samples|factor|constant",
    ),
    student("-X.T @ dt / s", "-X.T @ dt", r"\bs\b|divi|factor|width|scale"),
    student("np.sum(dt * t)", "np.sum(dt * t) / s", r"\bs\b|divi|factor|chain|exp"),
    kmeans("2 * A[:, :, None]", "A[:, :, None]", r"factor|\b2\b|twice|half", "A = A / A.sum"),
    kmeans("2 * A[:, :, None]", "2 * beta * A[:, :, None]", r"beta|factor"),
    kmeans(
        "A.sum(axis=1, keepdims=True)", "A.sum(axis=0, keepdims=True)", r"axis|row|column|softmax"
    ),
    kmeans(
        "centers[None] - X[:, None, :]",
        "X[:, None, :] - centers[None]",
        SIGN,
        "return np.sum(2 * A",
        "A = A / A.sum",
    ),
    Wrong(
        "student_grad",
        ("(nu + 1) * t / (nu + t**2)", "g[-1] = len(y) - np.sum(dt * t)"),
        ("(nu + 1) * t / (1 + t**2)", "g[-1] = -np.sum(dt * t)"),
        (r"\bnu\b|factor|divi|1 \+", r"len|term|missing|constant|left out|w\[-1\]"),
        "student",
    ),
    Wrong(
        "gmm_grad",
        ("-(r.mean(axis=0) - pi)", 'sigma = np.exp(theta["log_sigma"][k])'),
        ("-r.mean(axis=0)", 'sigma = theta["log_sigma"][k]'),
        (r"\bpi\b|softmax|term|missing|left out", "exp|log"),
        "mixture",
    ),
    Wrong(
        "gmm_grad",
        ("z / sigma, axis=0", 'sigma = np.exp(theta["log_sigma"][k])'),
        ("z, axis=0", 'sigma = theta["log_sigma"][k]'),
        ("sigma|divi|factor|missing", "exp|log"),
        "mixture",
    ),
    gmm(
        "        g_mu[k] = -np.sum(r[:, k, None] * z / sigma, axis=0) / N\n",
        "        z /= sigma\n        g_mu[k] = -np.sum(r[:, k, None] * z, axis=0) / N\n",
        r"in place|alias|copy|same array|overwrit|changed|\bz\b|sigma",
        "g_log_sigma[k] = ",
    ),
]
