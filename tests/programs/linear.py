"""Linear classifiers: margins, probabilities and one-hot labels are written by assignment."""

import numpy as np

from tests.programs.program import Program


def problem(rng):
    return rng.normal(size=(4, 3)) * 0.5, rng.normal(size=(7, 4)), rng.integers(0, 3, 7), 0.1


def svm_forward(W, X, y, reg):
    num_train = X.shape[0]
    scores = X.dot(W)
    margins = np.maximum(0, scores - scores[np.arange(num_train), y][:, np.newaxis] + 1)
    margins[np.arange(num_train), y] = 0
    return np.sum(margins) / num_train + reg * np.sum(W * W), margins


def svm_loss(W, X, y, reg):
    return svm_forward(W, X, y, reg)[0]


def svm_gradients(W, X, y, reg):
    mask = (svm_forward(W, X, y, reg)[1] > 0).astype(float)
    mask[np.arange(len(y)), y] = -mask.sum(axis=1)
    return X.T.dot(mask) / len(y) + 2 * reg * W


def naive_svm(W, X, y, reg):
    """Loss and gradient in one loop over the samples."""
    dW = np.zeros(W.shape)
    loss = 0.0
    for i in range(X.shape[0]):
        scores = X[i].dot(W)
        for j in range(W.shape[1]):
            if j == y[i]:
                continue
            margin = scores[j] - scores[y[i]] + 1
            if margin > 0:
                loss += margin
                dW[:, j] += X[i]
                dW[:, y[i]] -= X[i]
    loss /= X.shape[0]
    dW /= X.shape[0]
    return loss + reg * np.sum(W * W), dW + 2 * reg * W


def softmax_forward(W, X, y, reg):
    scores = X.dot(W)
    scores -= np.max(scores, axis=1, keepdims=True)
    probs = np.exp(scores)
    probs /= np.sum(probs, axis=1, keepdims=True)
    loss = -np.log(probs[np.arange(len(y)), y]).sum() / len(y)
    loss += 0.5 * reg * np.sum(W * W)
    dscores = probs.copy()
    dscores[np.arange(len(y)), y] -= 1
    dscores /= len(y)
    return loss, X.T.dot(dscores) + reg * W


def naive_softmax(W, X, y, reg):
    loss = 0.0
    dW = np.zeros_like(W)
    for i in range(X.shape[0]):
        f = X[i].dot(W)
        f -= np.max(f)
        p = np.exp(f) / np.sum(np.exp(f))
        loss += -np.log(p[y[i]])
        for k in range(W.shape[1]):
            dW[:, k] += (p[k] - (k == y[i])) * X[i]
    return loss / len(y) + reg * np.sum(W**2), dW / len(y) + 2 * reg * W


def one_hot_loss(W, X, y, reg):
    targets = np.zeros((len(y), W.shape[1]))
    targets[np.arange(len(y)), y] = 1
    scores = np.zeros(targets.shape)
    scores[:] = X @ W
    scores[scores < 0] *= 0.1
    return np.mean((scores - targets) ** 2) + reg * np.sum(np.abs(W))


def one_hot_gradients(W, X, y, reg):
    targets = np.eye(W.shape[1])[y]
    z = X @ W
    slope = np.where(z < 0, 0.1, 1.0)
    return X.T @ (2 * (z * slope - targets) * slope / z.size) + reg * np.sign(W)


def logistic_loss(w, X, y):
    """Sample by sample, the errors collected in an array."""
    errors = np.empty(len(X))
    for i in range(len(X)):
        p = 1 / (1 + np.exp(-(X[i].dot(w[:-1]) + w[-1])))
        errors[i] = -(y[i] * np.log(p) + (1 - y[i]) * np.log(1 - p))
    return errors.mean()


def logistic_gradients(w, X, y):
    dw = np.zeros_like(w)
    for x, t in zip(X, y, strict=True):
        p = 1 / (1 + np.exp(-(x @ w[:-1] + w[-1])))
        dw[:-1] += (p - t) * x
        dw[-1] += p - t
    return dw / len(X)


PROGRAMS = {
    "margins": Program(svm_loss, svm_gradients, problem),
    "margins in loops": Program(
        lambda *a: naive_svm(*a)[0], lambda *a: naive_svm(*a)[1], problem, branches=True
    ),
    "softmax": Program(
        lambda *a: softmax_forward(*a)[0], lambda *a: softmax_forward(*a)[1], problem
    ),
    "softmax in loops": Program(
        lambda *a: naive_softmax(*a)[0], lambda *a: naive_softmax(*a)[1], problem
    ),
    "one-hot by assignment": Program(one_hot_loss, one_hot_gradients, problem),
    "logistic": Program(
        logistic_loss,
        logistic_gradients,
        lambda rng: (
            rng.normal(size=4),
            rng.normal(size=(6, 3)),
            rng.integers(0, 2, 6).astype(float),
        ),
    ),
}
