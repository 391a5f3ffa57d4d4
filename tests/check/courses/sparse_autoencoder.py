"""Autoencoders: weights used twice, a penalty on the mean activation, a contractive part."""

import numpy as np

from tests.check.collection import Run, Wrong


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def tied_forward(params, X):
    hidden = sigmoid(X @ params["W"] + params["b"])
    out = hidden @ params["W"].T + params["c"]
    return hidden, out


def tied_loss(params, X):
    _, out = tied_forward(params, X)
    return np.sum((out - X) ** 2) / (2 * X.shape[0])


def tied_gradients(params, X):
    W = params["W"]
    hidden, out = tied_forward(params, X)
    delta = (out - X) / X.shape[0]
    grad_c = delta.sum(axis=0)
    grad_W_dec = delta.T @ hidden
    delta_h = (delta @ W) * hidden * (1 - hidden)
    grad_b = delta_h.sum(axis=0)
    grad_W_enc = X.T @ delta_h
    return {"W": grad_W_enc + grad_W_dec, "b": grad_b, "c": grad_c}


RHO, BETA, LAMBDA = 0.2, 0.5, 0.1


def sparse_cost(theta, data, visible, hid):
    W1, W2, b1, b2 = unpack(theta, visible, hid)
    m = data.shape[1]
    a2 = sigmoid(W1.dot(data) + b1[:, None])
    a3 = sigmoid(W2.dot(a2) + b2[:, None])
    rho_hat = a2.mean(axis=1)
    KL = RHO * np.log(RHO / rho_hat) + (1 - RHO) * np.log((1 - RHO) / (1 - rho_hat))
    cost = np.sum((a3 - data) ** 2) / (2 * m)
    cost += LAMBDA / 2 * (np.sum(W1**2) + np.sum(W2**2))
    return cost + BETA * np.sum(KL)


def unpack(theta, visible, hid):
    size = visible * hid
    W1 = theta[:size].reshape(hid, visible)
    W2 = theta[size : 2 * size].reshape(visible, hid)
    return W1, W2, theta[2 * size : 2 * size + hid], theta[2 * size + hid :]


def sparse_grad(theta, data, visible, hid):
    W1, W2, b1, b2 = unpack(theta, visible, hid)
    m = data.shape[1]
    a2 = sigmoid(W1.dot(data) + b1[:, None])
    a3 = sigmoid(W2.dot(a2) + b2[:, None])
    rho_hat = a2.mean(axis=1)
    sparsity_delta = BETA * (-RHO / rho_hat + (1 - RHO) / (1 - rho_hat))
    delta3 = (a3 - data) * a3 * (1 - a3)
    delta2 = (W2.T.dot(delta3) + sparsity_delta[:, None]) * a2 * (1 - a2)
    W2grad = delta3.dot(a2.T) / m + LAMBDA * W2
    W1grad = delta2.dot(data.T) / m + LAMBDA * W1
    b2grad = delta3.sum(axis=1) / m
    b1grad = delta2.sum(axis=1) / m
    return np.concatenate([W1grad.ravel(), W2grad.ravel(), b1grad, b2grad])


def tied_problem(rng, n=6, d=5, h=3):
    params = {
        "W": rng.normal(size=(d, h)) * 0.6,
        "b": rng.normal(size=h) * 0.3,
        "c": rng.normal(size=d) * 0.3,
    }
    return params, rng.normal(size=(n, d))


def sparse_problem(rng, n=6, d=4, h=3):
    theta = rng.normal(size=2 * d * h + h + d) * 0.6
    return theta, rng.random((d, n)), d, h


RUNS = {
    "tied": Run("tied_loss", "tied_gradients", tied_problem, {"n": 500, "d": 100, "h": 30}),
    "sparse": Run("sparse_cost", "sparse_grad", sparse_problem, {"n": 200, "d": 64, "h": 25}),
}


def tied(right, mistaken, said, *also):
    return Wrong("tied_gradients", right, mistaken, said, "tied", also)


def sparse(right, mistaken, said, *also):
    return Wrong("sparse_grad", right, mistaken, said, "sparse", also)


SLOPE = r"sigmoid|derivative|slope"
PENALTY = r"penal|regulari|LAMBDA|factor|\b2\b|half"
WRONG = [
    tied(
        '"W": grad_W_enc + grad_W_dec',
        '"W": grad_W_enc',
        r"twice|shared|tied|path|term|missing|grad_W_dec",
        "grad_W_enc = ",
    ),
    tied(
        '"W": grad_W_enc + grad_W_dec',
        '"W": grad_W_dec',
        r"twice|shared|tied|path|term|missing|grad_W_enc",
        "grad_W_dec = ",
    ),
    tied(
        '"W": grad_W_enc + grad_W_dec',
        '"W": (grad_W_enc + grad_W_dec) / 2',
        r"factor|\b2\b|half|average",
    ),
    tied("(delta @ W) * hidden * (1 - hidden)", "(delta @ W) * (1 - hidden**2)", SLOPE + "|tanh"),
    tied("delta = (out - X) / X.shape[0]", "delta = (out - X)", r"average|divi"),
    tied(
        "delta = (out - X) / X.shape[0]",
        "delta = (out - X) * out * (1 - out) / X.shape[0]",
        SLOPE + r"|out \* \(1 - out\)|factor|linear",
    ),
    tied("grad_b = delta_h.sum(axis=0)", "grad_b = (delta @ W).sum(axis=0)", r"delta_h|" + SLOPE),
    sparse(" + sparsity_delta[:, None]", "", r"sparsity|term|path|missing|penal"),
    sparse(
        "BETA * (-RHO / rho_hat + (1 - RHO) / (1 - rho_hat))",
        "BETA * (-RHO / rho_hat - (1 - RHO) / (1 - rho_hat))",
        r"sign|minus|\+",
    ),
    sparse(
        "BETA * (-RHO / rho_hat + (1 - RHO) / (1 - rho_hat))",
        "-RHO / rho_hat + (1 - RHO) / (1 - rho_hat)",
        r"BETA|factor",
    ),
    sparse(
        "(W2.T.dot(delta3) + sparsity_delta[:, None]) * a2 * (1 - a2)",
        "W2.T.dot(delta3) * a2 * (1 - a2) + sparsity_delta[:, None]",
        r"sparsity|bracket|parenthes|" + SLOPE,
    ),
    sparse("delta3 = (a3 - data) * a3 * (1 - a3)", "delta3 = a3 - data", SLOPE),
    sparse("delta2.dot(data.T) / m + LAMBDA * W1", "delta2.dot(data.T) / m", PENALTY + "|missing"),
    sparse(
        "delta3.dot(a2.T) / m + LAMBDA * W2",
        "delta3.dot(a2.T) / m + LAMBDA / m * W2",
        PENALTY + r"|average|/ m",
    ),
    sparse(
        "delta3.dot(a2.T) / m + LAMBDA * W2",
        "(delta3.dot(a2.T) + LAMBDA * W2) / m",
        PENALTY + r"|average|/ m|bracket",
    ),
    sparse("b1grad = delta2.sum(axis=1) / m", "b1grad = delta2.sum(axis=1)", r"average|divi|/ m"),
    tied(
        ('"W": grad_W_enc + grad_W_dec', "delta = (out - X) / X.shape[0]"),
        ('"W": grad_W_enc', "delta = out - X"),
        (r"twice|shared|tied|path|term|missing|grad_W_dec", r"average|divi"),
        "grad_W_enc = ",
        "delta = ",
    ),
]
