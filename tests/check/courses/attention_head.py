"""One head of attention over a sentence, and a denoising pair of layers that share weights."""

import numpy as np
from tests.check.collection import Run, Wrong


def softmax(scores):
    exp = np.exp(scores - np.max(scores, axis=-1, keepdims=True))
    return exp / np.sum(exp, axis=-1, keepdims=True)


class Head:
    def __init__(self, params):
        self.Wq, self.Wk, self.Wv = params["Wq"], params["Wk"], params["Wv"]
        self.d = self.Wq.shape[1]

    def forward(self, X):
        self.X = X
        self.Q, self.K, self.V = X @ self.Wq, X @ self.Wk, X @ self.Wv
        self.A = softmax(self.Q @ self.K.T / np.sqrt(self.d))
        return self.A @ self.V

    def backward(self, dZ):
        dV = self.A.T @ dZ
        dA = dZ @ self.V.T
        dS = np.zeros_like(dA)
        for i in range(len(dA)):
            jacobian = np.diag(self.A[i]) - np.outer(self.A[i], self.A[i])
            dS[i] = jacobian @ dA[i]
        dS = dS / np.sqrt(self.d)
        dQ = dS @ self.K
        dK = dS.T @ self.Q
        return {"Wq": self.X.T @ dQ, "Wk": self.X.T @ dK, "Wv": self.X.T @ dV}


def loss(params, X, T):
    return 0.5 * np.sum((Head(params).forward(X) - T) ** 2)


def gradients(params, X, T):
    head = Head(params)
    return head.backward(head.forward(X) - T)


def problem(rng, n=5, c=4, d=3):
    params = {name: rng.normal(size=(c, d)) * 0.6 for name in ("Wq", "Wk", "Wv")}
    return params, rng.normal(size=(n, c)), rng.normal(size=(n, d))


class Denoiser:
    """``W`` reads the noisy rows and, transposed, writes the clean ones."""

    def __init__(self, W, b, c):
        self.W, self.b, self.c = W, b, c

    def forward(self, noisy):
        self.noisy = noisy
        self.h = np.tanh(noisy @ self.W + self.b)
        return self.h @ self.W.T + self.c

    def gradients(self, out, clean):
        d_out = 2 * (out - clean) / out.size
        d_h = d_out @ self.W
        d_z = d_h * (1 - self.h**2)
        d_W = d_out.T @ self.h
        d_W += self.noisy.T @ d_z
        return [d_W, d_z.sum(0), d_out.sum(0)]


def denoising_loss(weights, noisy, clean):
    return np.mean((Denoiser(*weights).forward(noisy) - clean) ** 2)


def denoising_gradients(weights, noisy, clean):
    model = Denoiser(*weights)
    return model.gradients(model.forward(noisy), clean)


def denoising_problem(rng, n=6, d=5, h=3):
    weights = [rng.normal(size=(d, h)) * 0.5, rng.normal(size=h) * 0.2, rng.normal(size=d) * 0.2]
    clean = rng.normal(size=(n, d))
    return weights, clean + 0.1 * rng.normal(size=(n, d)), clean


RUNS = {
    "head": Run("loss", "gradients", problem, {"n": 40, "c": 32, "d": 16}),
    "denoiser": Run(
        "denoising_loss", "denoising_gradients", denoising_problem, {"n": 500, "d": 64, "h": 20}
    ),
}


def head(right, wrong, said, *also):
    return Wrong("Head.backward", right, wrong, said, "head", also)


def denoiser(right, wrong, said, *also):
    return Wrong("Denoiser.gradients", right, wrong, said, "denoiser", also)


SCALE = r"sqrt|root|scale|factor|self\.d"
TIED = r"twice|shared|tied|path|term|missing|d_W|left out"
WRONG = [
    head("        dS = dS / np.sqrt(self.d)\n", "", SCALE),
    head("dS = dS / np.sqrt(self.d)", "dS = dS / self.d", SCALE),
    head("dS = dS / np.sqrt(self.d)", "dS = dS * np.sqrt(self.d)", SCALE),
    head(
        "np.diag(self.A[i]) - np.outer(self.A[i], self.A[i])",
        "np.diag(self.A[i])",
        r"outer|softmax|jacobian|term",
    ),
    head("np.diag(self.A[i]) - np.outer", "np.diag(self.A[i]) + np.outer", r"sign|minus|softmax|-"),
    head("jacobian @ dA[i]", "self.A[i] * (1 - self.A[i]) * dA[i]", r"jacobian|softmax|outer"),
    head("dK = dS.T @ self.Q", "dK = dS @ self.Q", r"transpos|\.T"),
    head("dV = self.A.T @ dZ", "dV = self.A @ dZ", r"transpos|\.T"),
    head("dA = dZ @ self.V.T", "dA = dZ @ self.K.T", r"self\.V|self\.K"),
    denoiser("        d_W += self.noisy.T @ d_z\n", "", TIED),
    denoiser("d_W += self.noisy.T @ d_z", "d_W = self.noisy.T @ d_z", r"\+=|overwrit|" + TIED),
    denoiser("d_W += self.noisy.T @ d_z", "d_W += clean.T @ d_z", r"noisy|clean"),
    denoiser("(1 - self.h**2)", "(1 - self.h)", r"square|\*\* ?2|tanh|derivative"),
    denoiser(
        "2 * (out - clean) / out.size",
        "2 * (out - clean) / len(out)",
        r"size|len|average|number of",
    ),
    denoiser(
        "2 * (out - clean) / out.size", "(out - clean) / out.size", r"factor|\b2\b|twice|half"
    ),
    denoiser(
        ("        d_W += self.noisy.T @ d_z\n", "2 * (out - clean) / out.size"),
        ("", "2 * (out - clean)"),
        (TIED, r"average|divi|mean|size"),
    ),
]
