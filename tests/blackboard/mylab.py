import numpy as np

rng = np.random.default_rng(0)
X = rng.normal(size=(90, 6))
y = (X[:, 0] > 0) * 1 + (X[:, 1] > 0)


def params(seed):
    rng = np.random.default_rng(seed)
    return {
        "W": rng.normal(0, 0.5, (6, 5)), "b": np.zeros(5),
        "V": rng.normal(0, 0.5, (5, 3)), "c": np.zeros(3),
    }  # fmt: skip


def forward(params, X):
    h = np.tanh(X @ params["W"] + params["b"])
    z = h @ params["V"] + params["c"]
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def loss(params, X, y):
    q = forward(params, X)
    return -np.mean(np.log(q[np.arange(len(y)), y]))


def gradients(params, X, y):
    h = np.tanh(X @ params["W"] + params["b"])
    d_z = forward(params, X)
    d_z[np.arange(len(y)), y] -= 1
    d_z /= len(y)
    d_h = d_z @ params["V"].T
    d_a = d_h * (1 - h**2)
    return {"W": X.T @ d_a, "b": d_a.sum(axis=0), "V": h.T @ d_z, "c": d_z.sum(axis=0)}
