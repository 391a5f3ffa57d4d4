"""A multilayer perceptron in lists of coefficients, deltas and activations; weight decay."""

import numpy as np
from tests.check.collection import Run, Wrong


def logistic(z):
    return 1.0 / (1.0 + np.exp(-z))


class MLP:
    def __init__(self, coefs, intercepts, alpha=0.3):
        self.coefs_, self.intercepts_, self.alpha = coefs, intercepts, alpha
        self.n_layers_ = len(coefs) + 1

    def _forward_pass(self, activations):
        for i in range(self.n_layers_ - 1):
            activations[i + 1] = activations[i] @ self.coefs_[i]
            activations[i + 1] = activations[i + 1] + self.intercepts_[i]
            if i + 1 != self.n_layers_ - 1:
                activations[i + 1] = logistic(activations[i + 1])
        return activations

    def cost(self, X, y):
        activations = self._forward_pass([X] + [None] * (self.n_layers_ - 1))
        loss = ((y - activations[-1]) ** 2).mean() / 2
        values = 0
        for s in self.coefs_:
            values += np.sum(s**2)
        return loss + (0.5 * self.alpha) * values / X.shape[0]

    def _loss_grad(self, layer, n_samples, activations, deltas, coef_grads, intercept_grads):
        coef_grads[layer] = activations[layer].T @ deltas[layer]
        coef_grads[layer] = coef_grads[layer] + self.alpha * self.coefs_[layer]
        coef_grads[layer] = coef_grads[layer] / n_samples
        intercept_grads[layer] = np.sum(deltas[layer], axis=0) / n_samples

    def backprop(self, X, y):
        n_samples = X.shape[0]
        activations = self._forward_pass([X] + [None] * (self.n_layers_ - 1))
        deltas = [None] * (self.n_layers_ - 1)
        coef_grads = [None] * (self.n_layers_ - 1)
        intercept_grads = [None] * (self.n_layers_ - 1)
        last = self.n_layers_ - 2
        deltas[last] = (activations[-1] - y) / y.shape[1]
        self._loss_grad(last, n_samples, activations, deltas, coef_grads, intercept_grads)
        for i in range(last, 0, -1):
            deltas[i - 1] = deltas[i] @ self.coefs_[i].T
            deltas[i - 1] = deltas[i - 1] * activations[i] * (1 - activations[i])
            self._loss_grad(i - 1, n_samples, activations, deltas, coef_grads, intercept_grads)
        return {"coefs": coef_grads, "intercepts": intercept_grads}


def loss(params, X, y):
    return MLP(params["coefs"], params["intercepts"]).cost(X, y)


def gradients(params, X, y):
    return MLP(params["coefs"], params["intercepts"]).backprop(X, y)


def problem(rng, n=6, sizes=(3, 4, 5, 2)):
    coefs = [rng.normal(size=(a, b)) for a, b in zip(sizes, sizes[1:])]
    intercepts = [rng.normal(size=b) * 0.2 for b in sizes[1:]]
    X = rng.normal(size=(n, sizes[0]))
    return {"coefs": coefs, "intercepts": intercepts}, X, rng.normal(size=(n, sizes[-1]))


RUNS = {"mlp": Run("loss", "gradients", problem, {"n": 200, "sizes": (30, 50, 20, 3)})}


def wrong(style, right, bad, said, *also):
    return Wrong(style, right, bad, said, "mlp", also)


PENALTY = r"penal|regulari|weight decay|alpha|L2"
WRONG = [
    wrong(
        "MLP._loss_grad",
        "        coef_grads[layer] = coef_grads[layer] + self.alpha * self.coefs_[layer]\n",
        "",
        PENALTY,
        "coef_grads[layer] =",
    ),
    wrong(
        "MLP._loss_grad",
        "self.alpha * self.coefs_[layer]",
        "2 * self.alpha * self.coefs_[layer]",
        PENALTY + "|factor|\\b2\\b|half",
    ),
    wrong(
        "MLP._loss_grad",
        "        coef_grads[layer] = coef_grads[layer] / n_samples\n",
        "",
        "average|n_samples|divid|number of samples",
        "coef_grads[layer] =",
    ),
    wrong(
        "MLP._loss_grad",
        "axis=0) / n_samples",
        "axis=0)",
        "average|n_samples|divid|number of samples",
    ),
    wrong(
        "MLP.backprop",
        "deltas[i - 1] * activations[i] * (1 - activations[i])",
        "deltas[i - 1] * (1 - activations[i])",
        "activations|factor|derivative|sigmoid|slope",
    ),
    wrong(
        "MLP.backprop",
        "(1 - activations[i])",
        "(1 - activations[i] ** 2)",
        "sigmoid|tanh|derivative|slope|\\*\\* ?2|power",
    ),
    wrong(
        "MLP.backprop",
        "(activations[-1] - y) / y.shape[1]",
        "(activations[-1] - y)",
        "divid|shape\\[1\\]|average|mean|number",
    ),
    wrong(
        "MLP.backprop",
        "(activations[-1] - y) / y.shape[1]",
        "(y - activations[-1]) / y.shape[1]",
        "sign|swap|order|minus",
    ),
    wrong(
        "MLP.backprop",
        "        self._loss_grad(last, n_samples,",
        "        self._loss_grad(last, y.size,",
        "n_samples|size|number of samples|average",
    ),
    wrong(
        "MLP._loss_grad",
        "np.sum(deltas[layer], axis=0) / n_samples",
        "np.mean(deltas[layer])",
        "axis|mean|sum",
    ),
    wrong(
        "MLP._loss_grad",
        "self.alpha * self.coefs_[layer]",
        "self.alpha * np.abs(self.coefs_[layer])",
        PENALTY + "|abs",
    ),
]
