"""Data as objects, sentences of unequal length, dicts of arrays; labels as one-hot rows."""

import numpy as np
from tests.check.collection import Run, Wrong


class Dataset:
    def __init__(self, features, labels, names):
        self.features, self.labels, self.names = features, labels, names

    def __len__(self):
        return len(self.features)

    def one_hot(self, k):
        targets = np.zeros((len(self), k))
        for row, label in enumerate(self.labels):
            targets[row, label] = 1
        return targets


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


class Classifier:
    """Independent sigmoids, one for each class."""

    def __init__(self, weights):
        self.weights = weights

    def predict(self, dataset):
        return sigmoid(dataset.features @ self.weights["w"] + self.weights["bias"])

    def loss(self, dataset):
        p = self.predict(dataset)
        t = dataset.one_hot(p.shape[1])
        return -np.sum(t * np.log(p) + (1 - t) * np.log(1 - p)) / len(dataset)

    def grad(self, dataset):
        p = self.predict(dataset)
        t = np.zeros(p.shape)
        for row, label in enumerate(dataset.labels):
            t[row, label] = 1
        error = (p - t) / len(dataset)
        return {"w": dataset.features.T @ error, "bias": error.sum(axis=0)}


def loss(weights, dataset):
    return Classifier(weights).loss(dataset)


def gradients(weights, dataset):
    return Classifier(weights).grad(dataset)


def problem(rng, n=7, d=3, k=4):
    weights = {"w": rng.normal(size=(d, k)) / np.sqrt(d), "bias": rng.normal(size=k) * 0.3}
    return weights, Dataset(
        rng.normal(size=(n, d)), rng.integers(0, k, n).tolist(), list("abcdefg")
    )


def sentence_scores(params, sentences):
    """The mean of the word vectors, one hidden layer, a score."""
    E, W, u = params["E"], params["W"], params["u"]
    means = [E[words].mean(axis=0) for words in sentences]
    hidden = [np.tanh(W @ m) for m in means]
    return means, hidden, [u @ h for h in hidden]


def sentence_loss(params, sentences, ratings):
    _, _, scores = sentence_scores(params, sentences)
    return sum((s - r) ** 2 for s, r in zip(scores, ratings)) / len(sentences)


def sentence_gradients(params, sentences, ratings):
    grads = {name: np.zeros(p.shape) for name, p in params.items()}
    means, hidden, scores = sentence_scores(params, sentences)
    for words, rating, m, h, s in zip(sentences, ratings, means, hidden, scores):
        ds = 2 * (s - rating) / len(sentences)
        grads["u"] += ds * h
        dh = ds * params["u"]
        dz = dh * (1 - h**2)
        grads["W"] += np.outer(dz, m)
        dm = params["W"].T @ dz
        for word in words:
            grads["E"][word] += dm / len(words)
    return grads


def sentence_problem(rng, vocab=6, d=3, h=4, n=5):
    params = {
        "E": rng.normal(size=(vocab, d)),
        "W": rng.normal(size=(h, d)) * 0.6,
        "u": rng.normal(size=h) * 0.6,
    }
    sentences = [rng.integers(0, vocab, length).tolist() for length in rng.integers(1, 6, n)]
    return params, sentences, rng.normal(size=n).tolist()


RUNS = {
    "object": Run("loss", "gradients", problem, {"n": 1000, "d": 100, "k": 10}),
    "sentences": Run(
        "sentence_loss",
        "sentence_gradients",
        sentence_problem,
        {"vocab": 60, "d": 20, "h": 20, "n": 60},
    ),
}


def grad(right, wrong, said, *also):
    return Wrong("Classifier.grad", right, wrong, said, "object", also)


def words(right, wrong, said, *also):
    return Wrong("sentence_gradients", right, wrong, said, "sentences", also)


WRONG = [
    grad("t[row, label] = 1", "t[row, label - 1] = 1", r"off by one|label - 1|label|one.hot|index"),
    grad("(p - t) / len(dataset)", "(p - t)", r"average|divi"),
    grad("(p - t) / len(dataset)", "(p - t) / p.size", r"size|len|average|number of"),
    grad(
        "(p - t) / len(dataset)",
        "(p - t) * p * (1 - p) / len(dataset)",
        r"sigmoid|derivative|p \* \(1 - p\)|cancel|factor",
    ),
    grad("t[row, label] = 1", "t[row] = 1", r"label|index|one.hot|row"),
    grad(
        'dataset.features.T @ error, "bias": error.sum(axis=0)',
        'dataset.features.T @ error, "bias": error.mean(axis=0)',
        r"mean|sum|average",
    ),
    words(
        "2 * (s - rating) / len(sentences)",
        "(s - rating) / len(sentences)",
        r"factor|\b2\b|twice|half",
    ),
    words("2 * (s - rating) / len(sentences)", "2 * (s - rating)", r"average|divi"),
    words("dz = dh * (1 - h**2)", "dz = dh", r"tanh|derivative|slope"),
    words(
        'grads["E"][word] += dm / len(words)',
        'grads["E"][word] += dm',
        r"average|divi|mean|len\(words\)",
    ),
    words(
        'grads["E"][word] += dm / len(words)',
        'grads["E"][word] = dm / len(words)',
        r"\+=|accumul|overwrit|add|repeat|sum",
    ),
    words(
        'grads["W"] += np.outer(dz, m)',
        'grads["W"] = np.outer(dz, m)',
        r"\+=|accumul|overwrit|add|sum",
    ),
    words("np.outer(dz, m)", "np.outer(dh, m)", r"\bdz\b|\bdh\b|tanh|derivative"),
    words(
        ("dz = dh * (1 - h**2)", 'grads["E"][word] += dm / len(words)'),
        ("dz = dh * h * (1 - h)", 'grads["E"][word] += dm'),
        (r"tanh|sigmoid|derivative", r"average|divi|mean|len\(words\)"),
    ),
]
