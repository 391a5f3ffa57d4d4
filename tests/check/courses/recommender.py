"""Matrix factorisation of ratings that are partly missing; one-against-all; a hinge with a count."""

import numpy as np

from tests.check.collection import Run, Wrong


def cofi_cost(params, Y, R, lambd):
    X, Theta, bias = params["X"], params["Theta"], params["bias"]
    error = (X @ Theta.T + bias - Y) * R
    J = 0.5 * np.sum(error**2)
    return J + lambd / 2 * np.sum(Theta**2) + lambd / 2 * np.sum(X**2)


def cofi_grad(params, Y, R, lambd):
    X, Theta, bias = params["X"], params["Theta"], params["bias"]
    error = (X @ Theta.T + bias - Y) * R
    X_grad = error @ Theta + lambd * X
    Theta_grad = error.T @ X + lambd * Theta
    bias_grad = np.sum(error, axis=1, keepdims=True)
    return {"X": X_grad, "Theta": Theta_grad, "bias": bias_grad}


def ratings_cost(params, ratings, reg):
    """A loop over a list of (user, item, rating)."""
    P, Q, b_u, b_i = params
    total = 0.0
    for u, i, r in ratings:
        e = r - (b_u[u] + b_i[i] + P[u] @ Q[i])
        total += e**2 + reg * (P[u] @ P[u] + Q[i] @ Q[i] + b_u[u] ** 2 + b_i[i] ** 2)
    return total / len(ratings)


def ratings_grad(params, ratings, reg):
    P, Q, b_u, b_i = params
    dP, dQ = np.zeros_like(P), np.zeros_like(Q)
    dbu, dbi = np.zeros_like(b_u), np.zeros_like(b_i)
    n = len(ratings)
    for u, i, r in ratings:
        e = r - (b_u[u] + b_i[i] + P[u] @ Q[i])
        dP[u] += -2 * e * Q[i] + 2 * reg * P[u]
        dQ[i] += -2 * e * P[u] + 2 * reg * Q[i]
        dbu[u] += -2 * e + 2 * reg * b_u[u]
        dbi[i] += -2 * e + 2 * reg * b_i[i]
    return [dP / n, dQ / n, dbu / n, dbi / n]


def hinge_cost(theta, X, y):
    """Labels -1 and 1, a squared norm and the mean hinge."""
    w, b = theta["w"], theta["b"]
    distances = np.maximum(0, 1 - y * (X @ w - b))
    return 0.5 * w @ w + 10 * distances.mean()


def hinge_grad(theta, X, y):
    w, b = theta["w"], theta["b"]
    dw, db = np.zeros_like(w), 0.0
    for x_i, y_i in zip(X, y):
        d = 1 - y_i * (x_i @ w - b)
        if max(0, d) == 0:
            dw += w
        else:
            dw += w - 10 * y_i * x_i
            db += 10 * y_i
    return {"w": dw / len(y), "b": db / len(y)}


def cofi_problem(rng, movies=5, users=4, features=3):
    params = {
        "X": rng.normal(size=(movies, features)),
        "Theta": rng.normal(size=(users, features)),
        "bias": rng.normal(size=(movies, 1)),
    }
    R = rng.integers(0, 2, (movies, users)).astype(float)
    R[0] = 1
    return params, rng.integers(1, 6, (movies, users)) * 1.0, R, 0.7


def ratings_problem(rng, users=4, items=5, k=3, n=9):
    params = [
        rng.normal(size=(users, k)),
        rng.normal(size=(items, k)),
        rng.normal(size=users),
        rng.normal(size=items),
    ]
    ratings = [
        (int(rng.integers(0, users)), int(rng.integers(0, items)), float(rng.integers(1, 6)))
        for _ in range(n)
    ]
    return params, ratings, 0.1


def hinge_problem(rng, n=8, d=3):
    return {"w": rng.normal(size=d), "b": 0.2}, rng.normal(size=(n, d)), rng.choice([-1.0, 1.0], n)


RUNS = {
    "matrix": Run(
        "cofi_cost", "cofi_grad", cofi_problem, {"movies": 100, "users": 80, "features": 10}
    ),
    "ratings": Run(
        "ratings_cost",
        "ratings_grad",
        ratings_problem,
        {"users": 30, "items": 40, "k": 8, "n": 300},
    ),
    "hinge": Run("hinge_cost", "hinge_grad", hinge_problem, {"n": 300, "d": 50}),
}


def wrong(style, right, mistaken, said, run, *also):
    return Wrong(style, right, mistaken, said, run, also)


PENALTY = r"penal|regulari|lambd|reg\b"
WRONG = [
    wrong(
        "cofi_grad",
        "(X @ Theta.T + bias - Y) * R",
        "X @ Theta.T + bias - Y",
        r"\bR\b|mask|missing",
        "matrix",
    ),
    wrong(
        "cofi_grad",
        "error @ Theta + lambd * X",
        "error @ Theta + lambd * Theta.sum(axis=0)",
        PENALTY + r"|\bX\b|Theta",
        "matrix",
    ),
    wrong(
        "cofi_grad", "error.T @ X + lambd * Theta", "error.T @ X", PENALTY + "|missing", "matrix"
    ),
    wrong(
        "cofi_grad",
        "error @ Theta + lambd * X",
        "error @ Theta - lambd * X",
        PENALTY + r"|sign|minus",
        "matrix",
    ),
    wrong(
        "cofi_grad",
        "np.sum(error, axis=1, keepdims=True)",
        "np.mean(error, axis=1, keepdims=True)",
        r"mean|sum|average",
        "matrix",
    ),
    wrong(
        "cofi_grad",
        "error @ Theta + lambd * X",
        "2 * error @ Theta + lambd * X",
        r"factor|\b2\b|twice",
        "matrix",
    ),
    wrong(
        "ratings_grad",
        "dP[u] += -2 * e * Q[i]",
        "dP[u] += 2 * e * Q[i]",
        r"sign|minus|negat",
        "ratings",
    ),
    wrong(
        "ratings_grad",
        "dQ[i] += -2 * e * P[u]",
        "dQ[i] = -2 * e * P[u]",
        r"\+=|accumul|overwrit|add|sum",
        "ratings",
    ),
    wrong(
        "ratings_grad",
        "dQ[i] += -2 * e * P[u]",
        "dQ[i] += -2 * e * Q[i]",
        r"P\[u\]|Q\[i\]",
        "ratings",
    ),
    wrong(
        "ratings_grad",
        "dbu[u] += -2 * e + 2 * reg * b_u[u]",
        "dbu[u] += -2 * e",
        PENALTY + "|missing|b_u",
        "ratings",
    ),
    wrong(
        "ratings_grad",
        "[dP / n, dQ / n, dbu / n, dbi / n]",
        "[dP, dQ, dbu, dbi]",
        r"average|divi",
        "ratings",
    ),
    wrong(
        "ratings_grad",
        "-2 * e * Q[i] + 2 * reg * P[u]",
        "-e * Q[i] + reg * P[u]",
        r"factor|\b2\b|twice|half",
        "ratings",
    ),
    wrong(
        "hinge_grad", "dw += w - 10 * y_i * x_i", "dw += w - y_i * x_i", r"\b10\b|factor", "hinge"
    ),
    wrong(
        "hinge_grad",
        "dw += w - 10 * y_i * x_i",
        "dw += -10 * y_i * x_i",
        r"\bw\b|penal|norm|term|missing",
        "hinge",
    ),
    wrong("hinge_grad", "db += 10 * y_i", "db -= 10 * y_i", r"sign|minus|\+=", "hinge"),
    wrong(
        "hinge_grad",
        "dw += w - 10 * y_i * x_i",
        "dw += w - 10 * d * y_i * x_i",
        r"\bd\b|margin|factor|hinge|derivative",
        "hinge",
    ),
    wrong(
        "hinge_grad",
        "        if max(0, d) == 0:\n",
        "        if d < 1:\n",
        r"== 0|< 1|condition|compar|margin|threshold|max",
        "hinge",
    ),
    wrong(
        "cofi_grad",
        ("error.T @ X + lambd * Theta", "np.sum(error, axis=1, keepdims=True)"),
        ("error.T @ X + 2 * lambd * Theta", "np.mean(error, axis=1, keepdims=True)"),
        (PENALTY + r"|factor|\b2\b", r"mean|sum|average"),
        "matrix",
    ),
]
