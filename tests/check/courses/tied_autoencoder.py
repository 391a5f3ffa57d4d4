"""An autoencoder whose decoder is the encoder's transpose; noise, and a penalty on its units."""

import numpy as np
from tests.check.collection import Run, Wrong


class DenoisingAutoencoder:
    def __init__(self, W, b_hidden, b_visible, rho=0.2, beta=0.5, decay=0.05):
        self.W, self.b_hidden, self.b_visible = W, b_hidden, b_visible
        self.rho, self.beta, self.decay = rho, beta, decay

    def sigmoid(self, x):
        return 1.0 / (1.0 + np.exp(-x))

    def encode(self, x):
        return self.sigmoid(np.dot(x, self.W) + self.b_hidden)

    def decode(self, h):
        return self.sigmoid(np.dot(h, self.W.T) + self.b_visible)

    def cost(self, noisy, x):
        h = self.encode(noisy)
        z = self.decode(h)
        reconstruction = -np.sum(x * np.log(z) + (1 - x) * np.log(1 - z)) / len(x)
        rho_hat = np.mean(h, axis=0)
        kl = np.sum(
            self.rho * np.log(self.rho / rho_hat)
            + (1 - self.rho) * np.log((1 - self.rho) / (1 - rho_hat))
        )
        return reconstruction + self.beta * kl + 0.5 * self.decay * np.sum(self.W**2)

    def gradient(self, noisy, x):
        m = len(x)
        h = self.encode(noisy)
        z = self.decode(h)
        rho_hat = np.mean(h, axis=0)
        dz = (z - x) / m
        sparsity = self.beta * (-self.rho / rho_hat + (1 - self.rho) / (1 - rho_hat)) / m
        dh = np.dot(dz, self.W) + sparsity
        da = dh * h * (1 - h)
        dW = np.dot(noisy.T, da) + np.dot(dz.T, h)
        dW += self.decay * self.W
        return dW, np.sum(da, axis=0), np.sum(dz, axis=0)


def loss(params, noisy, x):
    return DenoisingAutoencoder(*params).cost(noisy, x)


def gradients(params, noisy, x):
    return DenoisingAutoencoder(*params).gradient(noisy, x)


def problem(rng, n=6, d=5, h=4):
    params = rng.normal(size=(d, h)) * 0.5, rng.normal(size=h) * 0.2, rng.normal(size=d) * 0.2
    x = rng.uniform(0.05, 0.95, size=(n, d))
    return params, x * (rng.random((n, d)) > 0.3), x


RUNS = {"autoencoder": Run("loss", "gradients", problem, {"n": 100, "d": 40, "h": 20})}


def wrong(right, bad, said, *also):
    return Wrong("DenoisingAutoencoder.gradient", right, bad, said, "autoencoder", also)


PENALTY = r"penal|regulari|decay|L2|weight"
WRONG = [
    wrong(
        "np.dot(noisy.T, da) + np.dot(dz.T, h)",
        "np.dot(noisy.T, da)",
        r"path|term|missing|left out|dz|tied|decod",
    ),
    wrong(
        "np.dot(noisy.T, da) + np.dot(dz.T, h)", "np.dot(x.T, da) + np.dot(dz.T, h)", r"noisy|\bx\b"
    ),
    wrong(
        "np.dot(dz, self.W) + sparsity",
        "np.dot(dz, self.W)",
        r"sparsity|term|path|missing|left out",
    ),
    wrong(
        "(-self.rho / rho_hat + (1 - self.rho) / (1 - rho_hat)) / m",
        "(-self.rho / rho_hat + (1 - self.rho) / (1 - rho_hat))",
        r"average|divid|\bm\b|number",
        "dh =",
    ),
    wrong("-self.rho / rho_hat +", "self.rho / rho_hat +", r"sign|minus|-"),
    wrong("(1 - self.rho) / (1 - rho_hat)", "(1 - self.rho) / rho_hat", r"1 - |rho_hat|complement"),
    wrong(
        "dz = (z - x) / m",
        "dz = (z - x) * z * (1 - z) / m",
        r"sigmoid|derivative|slope|factor|too (much|often)|twice|extra|z",
    ),
    wrong(
        "da = dh * h * (1 - h)",
        "da = np.dot(dz, self.W) * h * (1 - h)",
        r"\bdh\b|sparsity|term|missing|left out|path",
    ),
    wrong("        dW += self.decay * self.W\n", "", PENALTY, "dW ="),
    wrong("self.decay * self.W\n", "2 * self.decay * self.W\n", PENALTY + r"|factor|\b2\b|half"),
]
