"""Recurrent networks: states in a dict or in one array, gates in slices of one array."""

import numpy as np

from tests.programs.program import Program


def characters_problem(rng):
    vocab_size, hidden_size = 5, 4
    params = {
        "Wxh": rng.normal(size=(hidden_size, vocab_size)) * 0.5,
        "Whh": rng.normal(size=(hidden_size, hidden_size)) * 0.5,
        "Why": rng.normal(size=(vocab_size, hidden_size)) * 0.5,
        "bh": rng.normal(size=(hidden_size, 1)) * 0.1,
        "by": rng.normal(size=(vocab_size, 1)) * 0.1,
    }
    return params, [0, 3, 1, 1, 4], [3, 1, 1, 4, 2], rng.normal(size=(hidden_size, 1))


def characters_forward(params, inputs, targets, hprev):
    xs, hs, ys, ps = {}, {}, {}, {}
    hs[-1] = np.copy(hprev)
    loss = 0
    for t in range(len(inputs)):
        xs[t] = np.zeros((len(params["by"]), 1))
        xs[t][inputs[t]] = 1
        hs[t] = np.tanh(
            np.dot(params["Wxh"], xs[t]) + np.dot(params["Whh"], hs[t - 1]) + params["bh"]
        )
        ys[t] = np.dot(params["Why"], hs[t]) + params["by"]
        ps[t] = np.exp(ys[t]) / np.sum(np.exp(ys[t]))
        loss += -np.log(ps[t][targets[t], 0])
    return loss, xs, hs, ps


def characters_loss(params, inputs, targets, hprev):
    return characters_forward(params, inputs, targets, hprev)[0]


def characters_gradients(params, inputs, targets, hprev):
    _, xs, hs, ps = characters_forward(params, inputs, targets, hprev)
    grads = {name: np.zeros_like(value) for name, value in params.items()}
    dhnext = np.zeros_like(hs[0])
    for t in reversed(range(len(inputs))):
        dy = np.copy(ps[t])
        dy[targets[t]] -= 1
        grads["Why"] += np.dot(dy, hs[t].T)
        grads["by"] += dy
        dh = np.dot(params["Why"].T, dy) + dhnext
        dhraw = (1 - hs[t] * hs[t]) * dh
        grads["bh"] += dhraw
        grads["Wxh"] += np.dot(dhraw, xs[t].T)
        grads["Whh"] += np.dot(dhraw, hs[t - 1].T)
        dhnext = np.dot(params["Whh"].T, dhraw)
    return grads


def both_loss(params, inputs, targets, hprev):
    """The loss comes with its gradient, as one function computes both."""
    loss, _, hs, ps = characters_forward(params, inputs, targets, hprev)
    dWhy = np.zeros_like(params["Why"])
    for t in reversed(range(len(inputs))):
        dy = np.copy(ps[t])
        dy[targets[t]] -= 1
        dWhy += np.dot(dy, hs[t].T)
    np.clip(dWhy, -5, 5, out=dWhy)
    return loss


def lstm_problem(rng):
    H = 3
    params = {
        "Wx": rng.normal(size=(2, 4 * H)) * 0.6,
        "Wh": rng.normal(size=(H, 4 * H)) * 0.6,
        "b": rng.normal(size=4 * H) * 0.3,
    }
    return params, rng.normal(size=(2, 4, 2)), rng.normal(size=(2, H)), rng.normal(size=(2, 4, H))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def lstm_forward(params, x, h0):
    N, T, _ = x.shape
    H = h0.shape[1]
    h, c, gates = np.zeros((N, T, H)), np.zeros((N, T + 1, H)), np.zeros((N, T, 4 * H))
    prev_h = h0
    for t in range(T):
        a = x[:, t].dot(params["Wx"]) + prev_h.dot(params["Wh"]) + params["b"]
        gates[:, t, : 3 * H] = sigmoid(a[:, : 3 * H])
        gates[:, t, 3 * H :] = np.tanh(a[:, 3 * H :])
        i, f, o, g = np.split(gates[:, t], 4, axis=1)
        c[:, t + 1] = f * c[:, t] + i * g
        h[:, t] = o * np.tanh(c[:, t + 1])
        prev_h = h[:, t]
    return h, c, gates


def lstm_loss(params, x, h0, dh):
    return np.sum(lstm_forward(params, x, h0)[0] * dh)


def lstm_gradients(params, x, h0, dh):
    h, c, gates = lstm_forward(params, x, h0)
    N, T, H = h.shape
    grads = {name: np.zeros_like(value) for name, value in params.items()}
    dnext_h, dnext_c = np.zeros((N, H)), np.zeros((N, H))
    for t in range(T - 1, -1, -1):
        i, f, o, g = np.split(gates[:, t], 4, axis=1)
        dht = dh[:, t] + dnext_h
        tanh_c = np.tanh(c[:, t + 1])
        dct = dnext_c + dht * o * (1 - tanh_c**2)
        da = np.zeros((N, 4 * H))
        da[:, :H] = dct * g * i * (1 - i)
        da[:, H : 2 * H] = dct * c[:, t] * f * (1 - f)
        da[:, 2 * H : 3 * H] = dht * tanh_c * o * (1 - o)
        da[:, 3 * H :] = dct * i * (1 - g**2)
        prev_h = h[:, t - 1] if t else h0
        grads["Wx"] += x[:, t].T.dot(da)
        grads["Wh"] += prev_h.T.dot(da)
        grads["b"] += da.sum(axis=0)
        dnext_h = da.dot(params["Wh"].T)
        dnext_c = dct * f
    return grads


def discounted_loss(theta, x):
    """A recurrence of numbers, each entry from the one before it."""
    h = np.zeros(len(x) + 1)
    h[0] = theta[0]
    for t in range(1, len(x) + 1):
        h[t] = theta[1] * h[t - 1] + theta[2] * x[t - 1]
    return np.mean(h[1:] ** 2)


def discounted_gradients(theta, x):
    T = len(x)
    h = np.zeros(T + 1)
    h[0] = theta[0]
    for t in range(1, T + 1):
        h[t] = theta[1] * h[t - 1] + theta[2] * x[t - 1]
    dtheta, dh = np.zeros(3), 0.0
    for t in range(T, 0, -1):
        dh += 2 * h[t] / T
        dtheta[1] += dh * h[t - 1]
        dtheta[2] += dh * x[t - 1]
        dh *= theta[1]
    dtheta[0] = dh
    return dtheta


def discounted_problem(rng):
    return rng.normal(size=3) * 0.7, rng.normal(size=6)


def accumulated_loss(W, X):
    """The state is added to in place and squashed."""
    h = np.zeros(W.shape[1])
    for i in range(len(X)):
        h += X[i] @ W
        h = np.tanh(h)
    return h.sum()


def accumulated_gradients(W, X):
    hs = [np.zeros(W.shape[1])]
    for row in X:
        hs.append(np.tanh(hs[-1] + row @ W))
    dW, dh = np.zeros_like(W), np.ones(W.shape[1])
    for row, h in zip(X[::-1], hs[:0:-1], strict=True):
        dh = dh * (1 - h**2)
        dW += np.outer(row, dh)
    return dW


PROGRAMS = {
    "characters": Program(characters_loss, characters_gradients, characters_problem),
    "characters, loss with its gradient": Program(
        both_loss, characters_gradients, characters_problem
    ),
    "gates in slices": Program(lstm_loss, lstm_gradients, lstm_problem),
    "discounted": Program(discounted_loss, discounted_gradients, discounted_problem),
    "accumulated": Program(
        accumulated_loss,
        accumulated_gradients,
        lambda rng: (rng.normal(size=(3, 2)) * 0.5, rng.normal(size=(4, 3))),
    ),
}
