"""Regression of counts and waiting times: Poisson with exposure, too many zeros, gamma."""

import numpy as np
from tests.check.collection import Run, Wrong


def poisson_nll(beta, X, y, exposure, lam):
    """The first column of X is the intercept, which is not penalised."""
    eta = X @ beta + np.log(exposure)
    mu = np.exp(eta)
    return np.mean(mu - y * eta) + 0.5 * lam * np.sum(beta[1:] ** 2)


def poisson_grad(beta, X, y, exposure, lam):
    n = len(y)
    mu = exposure * np.exp(X @ beta)
    grad = X.T @ (mu - y) / n
    penalty = lam * beta
    penalty[0] = 0
    return grad + penalty


def zip_nll(params, X, y):
    """Zero-inflated: with probability pi a zero that is no count."""
    beta, gamma = params["beta"], params["gamma"]
    total = 0
    for i in range(len(y)):
        mu = np.exp(X[i] @ beta)
        pi = 1 / (1 + np.exp(-X[i] @ gamma))
        if y[i] == 0:
            total -= np.log(pi + (1 - pi) * np.exp(-mu))
        else:
            total -= np.log(1 - pi) + y[i] * np.log(mu) - mu
    return total


def zip_grad(params, X, y):
    beta, gamma = params["beta"], params["gamma"]
    g_beta = np.zeros(len(beta))
    g_gamma = np.zeros(len(gamma))
    for i in range(len(y)):
        mu = np.exp(X[i] @ beta)
        pi = 1 / (1 + np.exp(-X[i] @ gamma))
        if y[i] == 0:
            p0 = pi + (1 - pi) * np.exp(-mu)
            dmu = (1 - pi) * np.exp(-mu) / p0
            dpi = -(1 - np.exp(-mu)) / p0
        else:
            dmu = 1 - y[i] / mu
            dpi = 1 / (1 - pi)
        g_beta += dmu * mu * X[i]
        g_gamma += dpi * pi * (1 - pi) * X[i]
    return {"beta": g_beta, "gamma": g_gamma}


def gamma_deviance(w, X, y):
    mu = np.exp(X.dot(w[:-1]) + w[-1])
    return 2 * np.sum(-np.log(y / mu) + (y - mu) / mu)


def gamma_gradient(w, X, y):
    mu = np.exp(X.dot(w[:-1]) + w[-1])
    dmu = 2 * (1 / mu - y / mu**2)
    deta = dmu * mu
    grad = np.empty_like(w)
    grad[:-1] = X.T.dot(deta)
    grad[-1] = deta.sum()
    return grad


def poisson_problem(rng, n=8, d=3):
    X = np.column_stack([np.ones(n), rng.normal(size=(n, d - 1))])
    return rng.normal(size=d) * 0.4, X, rng.poisson(2.0, n), rng.uniform(0.5, 2, n), 0.3


def zip_problem(rng, n=9, d=3):
    params = {"beta": rng.normal(size=d) * 0.4, "gamma": rng.normal(size=d) * 0.4}
    y = rng.poisson(1.5, n)
    y[:3] = 0
    y[3:5] = 2
    return params, rng.normal(size=(n, d)), y


def gamma_problem(rng, n=7, d=2):
    return rng.normal(size=d + 1) * 0.4, rng.normal(size=(n, d)), rng.gamma(2.0, size=n)


RUNS = {
    "poisson": Run("poisson_nll", "poisson_grad", poisson_problem, {"n": 1000, "d": 20}),
    "zip": Run("zip_nll", "zip_grad", zip_problem, {"n": 100, "d": 10}),
    "gamma": Run("gamma_deviance", "gamma_gradient", gamma_problem, {"n": 500, "d": 20}),
}


def poisson(right, wrong, said, *also):
    return Wrong("poisson_grad", right, wrong, said, "poisson", also)


def zeros(right, wrong, said, *also):
    return Wrong("zip_grad", right, wrong, said, "zip", also)


def gamma(right, wrong, said, *also):
    return Wrong("gamma_gradient", right, wrong, said, "gamma", also)


SIGN = r"sign|minus|negat|order|swap"
PENALTY = r"penal|regulari|lam\b|beta"
WRONG = [
    poisson("exposure * np.exp(X @ beta)", "np.exp(X @ beta)", r"exposure|factor|missing"),
    poisson("exposure * np.exp(X @ beta)", "exposure * (X @ beta)", r"exp\b|np\.exp|exponent|link"),
    poisson("X.T @ (mu - y) / n", "X.T @ (y - mu) / n", SIGN),
    poisson("X.T @ (mu - y) / n", "X.T @ (mu - y)", r"average|divi|mean|\bn\b"),
    poisson("X.T @ (mu - y) / n", "X.T @ ((mu - y) * mu) / n", r"\bmu\b|factor|derivative|exp"),
    poisson("    penalty[0] = 0\n", "", r"intercept|bias|penalty\[0\]|first|\[0\]|\[1:\]"),
    poisson("penalty = lam * beta", "penalty = 2 * lam * beta", PENALTY + r"|factor|\b2\b"),
    poisson("return grad + penalty", "return grad - penalty", PENALTY + "|" + SIGN),
    zeros("dmu = 1 - y[i] / mu", "dmu = 1 - y[i]", r"mu|divi|log"),
    zeros("dpi = -(1 - np.exp(-mu)) / p0", "dpi = (1 - np.exp(-mu)) / p0", SIGN),
    zeros("dmu = (1 - pi) * np.exp(-mu) / p0", "dmu = (1 - pi) * np.exp(-mu)", r"p0|divi|log"),
    zeros("dpi = 1 / (1 - pi)", "dpi = -1 / pi", r"1 - pi|\bpi\b|log"),
    zeros("g_beta += dmu * mu * X[i]", "g_beta += dmu * X[i]", r"\bmu\b|exp|factor|missing|chain"),
    zeros("dpi * pi * (1 - pi) * X[i]", "dpi * X[i]", r"pi\b|sigmoid|derivative|1 - "),
    zeros("if y[i] == 0:", "if y[i] > 0:", r"== 0|> 0|condition|compar|branch|swap"),
    gamma("y / mu**2", "y / mu", r"square|\*\* ?2|power|mu"),
    gamma("2 * (1 / mu", "(1 / mu", r"factor|\b2\b|twice|half"),
    gamma("deta = dmu * mu", "deta = dmu", r"\bmu\b|exp|chain|missing|factor"),
    gamma("grad[-1] = deta.sum()", "grad[-1] = deta.mean()", r"mean|sum|average"),
    gamma("1 / mu - y / mu**2", "1 / mu + y / mu**2", SIGN + r"|\+"),
    poisson(
        ("X.T @ (mu - y) / n", "    penalty[0] = 0\n"),
        ("X.T @ (mu - y)", ""),
        (r"average|divi|mean|\bn\b", r"intercept|bias|penalty\[0\]|first|\[0\]|\[1:\]"),
    ),
    Wrong(
        "zip_grad",
        ("dmu = (1 - pi) * np.exp(-mu) / p0", "g_beta += dmu * mu * X[i]"),
        ("dmu = (1 - pi) * np.exp(-mu)", "g_beta += dmu * X[i]"),
        ("p0|divi|log", r"\bmu\b|exp|factor|missing|chain"),
        "zip",
    ),
    Wrong(
        "poisson_grad",
        ("exposure * np.exp(X @ beta)", "return grad + penalty"),
        ("np.exp(X @ beta)", "return grad - penalty"),
        (r"exposure|factor|missing", r"penal|regulari|lam\b|beta|sign|minus|negat|order|swap"),
        "poisson",
    ),
]
