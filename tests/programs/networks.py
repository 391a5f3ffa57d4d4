"""Networks: a class, lists of weights, batch norm with running means, dropout, embeddings."""

from itertools import pairwise

import numpy as np

from tests.programs.program import Program


class TwoLayerNet:
    """Loss and gradients by one method, the parameters in a dict."""

    def __init__(self, params):
        self.params = params

    def loss(self, X, y, reg):
        W1, b1, W2, b2 = (self.params[name] for name in ("W1", "b1", "W2", "b2"))
        N = X.shape[0]
        hidden = X.dot(W1) + b1
        hidden[hidden < 0] = 0
        scores = hidden.dot(W2) + b2
        scores -= scores.max(axis=1, keepdims=True)
        probs = np.exp(scores)
        probs /= probs.sum(axis=1, keepdims=True)
        loss = np.sum(-np.log(probs[range(N), y])) / N + reg * (np.sum(W1 * W1) + np.sum(W2 * W2))
        dscores = probs
        dscores[range(N), y] -= 1
        dscores /= N
        grads = {"W2": hidden.T.dot(dscores) + 2 * reg * W2, "b2": np.sum(dscores, axis=0)}
        dhidden = dscores.dot(W2.T)
        dhidden[hidden <= 0] = 0
        grads["W1"] = X.T.dot(dhidden) + 2 * reg * W1
        grads["b1"] = np.sum(dhidden, axis=0)
        return loss, {name: grads[name] for name in self.params}


def two_layer_problem(rng):
    params = {
        "W1": rng.normal(size=(4, 5)),
        "b1": rng.normal(size=5),
        "W2": rng.normal(size=(5, 3)),
        "b2": rng.normal(size=3),
    }
    return params, rng.normal(size=(6, 4)), rng.integers(0, 3, 6), 0.05


def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))


class Network:
    """Weights and biases in lists, column vectors, one sample after the other."""

    def __init__(self, weights, biases):
        self.weights, self.biases = weights, biases

    def feedforward(self, a):
        for b, w in zip(self.biases, self.weights, strict=True):
            a = sigmoid(np.dot(w, a) + b)
        return a

    def cost(self, data):
        errors = np.zeros(len(data))
        for k, (x, y) in enumerate(data):
            errors[k] = 0.5 * np.sum((self.feedforward(x) - y) ** 2)
        return np.mean(errors)

    def backprop(self, x, y):
        nabla_b = [np.zeros(b.shape) for b in self.biases]
        nabla_w = [np.zeros(w.shape) for w in self.weights]
        activation, activations = x, [x]
        for b, w in zip(self.biases, self.weights, strict=True):
            activation = sigmoid(np.dot(w, activation) + b)
            activations.append(activation)
        delta = (activations[-1] - y) * activations[-1] * (1 - activations[-1])
        nabla_b[-1] = delta
        nabla_w[-1] = np.dot(delta, activations[-2].transpose())
        for layer in range(2, len(self.weights) + 1):
            a = activations[-layer]
            delta = np.dot(self.weights[-layer + 1].transpose(), delta) * a * (1 - a)
            nabla_b[-layer] = delta
            nabla_w[-layer] = np.dot(delta, activations[-layer - 1].transpose())
        return nabla_w, nabla_b


def lists_loss(params, data):
    return Network(*params).cost(data)


def lists_gradients(params, data):
    net = Network(*params)
    nabla_w, nabla_b = ([np.zeros(p.shape) for p in part] for part in params)
    for x, y in data:
        delta_w, delta_b = net.backprop(x, y)
        nabla_w = [nw + dw / len(data) for nw, dw in zip(nabla_w, delta_w, strict=True)]
        nabla_b = [nb + db / len(data) for nb, db in zip(nabla_b, delta_b, strict=True)]
    return [nabla_w, nabla_b]


def lists_problem(rng):
    sizes = [3, 4, 2]
    weights = [rng.normal(size=(m, n)) for n, m in pairwise(sizes)]
    biases = [rng.normal(size=(m, 1)) for m in sizes[1:]]
    return [weights, biases], [(rng.normal(size=(3, 1)), np.eye(2)[:, [k % 2]]) for k in range(3)]


def batchnorm_forward(x, gamma, beta, bn_param):
    _, D = x.shape
    momentum = bn_param.get("momentum", 0.9)
    running_mean = bn_param.get("running_mean", np.zeros(D))
    running_var = bn_param.get("running_var", np.zeros(D))
    mu = np.mean(x, axis=0)
    xmu = x - mu
    var = np.mean(xmu**2, axis=0)
    ivar = 1 / np.sqrt(var + 1e-5)
    xhat = xmu * ivar
    bn_param["running_mean"] = momentum * running_mean + (1 - momentum) * mu
    bn_param["running_var"] = momentum * running_var + (1 - momentum) * var
    cache = {"xhat": xhat, "ivar": ivar, "gamma": gamma}
    return gamma * xhat + beta, cache


def batchnorm_backward(dout, cache):
    xhat = cache["xhat"]
    dxhat = dout * cache["gamma"]
    dx = cache["ivar"] * (dxhat - dxhat.mean(axis=0) - xhat * (dxhat * xhat).mean(axis=0))
    return dx, np.sum(dout * xhat, axis=0), np.sum(dout, axis=0)


def batchnorm_loss(params, X, dout):
    bn_param = {"mode": "train"}
    out, _ = batchnorm_forward(X.dot(params["W"]), params["gamma"], params["beta"], bn_param)
    return np.sum(out * dout) + np.sum(bn_param["running_mean"])


def batchnorm_gradients(params, X, dout):
    _, cache = batchnorm_forward(X.dot(params["W"]), params["gamma"], params["beta"], {})
    dx, dgamma, dbeta = batchnorm_backward(dout, cache)
    dx += 0.1 / len(X)  # of the running mean
    return {"W": X.T.dot(dx), "gamma": dgamma, "beta": dbeta}


def batchnorm_problem(rng):
    params = {"W": rng.normal(size=(4, 3)), "gamma": rng.normal(size=3), "beta": rng.normal(size=3)}
    return params, rng.normal(size=(6, 4)), rng.normal(size=(6, 3))


def dropout_forward(W, X, t, keep, seed):
    h = np.tanh(X @ W)
    rng = np.random.default_rng(seed)
    mask = np.zeros(h.shape)
    mask[rng.random(h.shape) < keep] = 1 / keep
    out = h.copy()
    out *= mask
    return 0.5 * np.sum((out - t) ** 2) / len(X), h, mask, out


def dropout_loss(*args):
    return dropout_forward(*args)[0]


def dropout_gradients(W, X, t, keep, seed):
    _, h, mask, out = dropout_forward(W, X, t, keep, seed)
    return X.T @ ((out - t) / len(X) * mask * (1 - h**2))


def embedding_loss(W, words, dout):
    N, T = words.shape
    out = np.zeros((N, T, W.shape[1]))
    for n in range(N):
        for t in range(T):
            out[n, t] = W[words[n, t]]
    return np.sum(out**2 * dout)


def embedding_gradients(W, words, dout):
    dW = np.zeros_like(W)
    np.add.at(dW, words, 2 * W[words] * dout)
    return dW


PROGRAMS = {
    "class with parameters": Program(
        lambda p, X, y, reg: TwoLayerNet(p).loss(X, y, reg)[0],
        lambda p, X, y, reg: TwoLayerNet(p).loss(X, y, reg)[1],
        two_layer_problem,
    ),
    "lists of weights": Program(lists_loss, lists_gradients, lists_problem),
    "batch norm": Program(batchnorm_loss, batchnorm_gradients, batchnorm_problem),
    "dropout": Program(
        dropout_loss,
        dropout_gradients,
        lambda rng: (
            rng.normal(size=(4, 5)),
            rng.normal(size=(6, 4)),
            rng.normal(size=(6, 5)),
            0.6,
            3,
        ),
    ),
    "embedding": Program(
        embedding_loss,
        embedding_gradients,
        lambda rng: (
            rng.normal(size=(5, 3)),
            rng.integers(0, 5, (2, 4)),
            rng.normal(size=(2, 4, 3)),
        ),
    ),
}
