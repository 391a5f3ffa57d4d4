"""A generator against a logistic discriminator: the gradients of either one's loss."""

import numpy as np
from tests.check.collection import Run, Wrong


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def generator(G, z):
    h = np.tanh(z @ G["W1"] + G["b1"])
    return h @ G["W2"] + G["b2"], h


def discriminator(D, x):
    a = x @ D["V1"] + D["c1"]
    h = np.where(a > 0, a, 0.2 * a)
    return sigmoid(h @ D["V2"] + D["c2"]), (a, h)


def d_loss(D, G, z, real):
    fake, _ = generator(G, z)
    return -np.mean(np.log(discriminator(D, real)[0])) - np.mean(
        np.log(1 - discriminator(D, fake)[0])
    )


def g_loss(G, D, z):
    fake, _ = generator(G, z)
    return -np.mean(np.log(discriminator(D, fake)[0]))


def d_backward(D, x, cache, dlogit):
    a, h = cache
    grads = {"V2": h.T @ dlogit, "c2": dlogit.sum(axis=0)}
    dh = dlogit @ D["V2"].T
    da = dh * np.where(a > 0, 1, 0.2)
    grads["V1"] = x.T @ da
    grads["c1"] = da.sum(axis=0)
    return grads, da @ D["V1"].T


def d_gradients(D, G, z, real):
    fake, _ = generator(G, z)
    p_real, cache_real = discriminator(D, real)
    p_fake, cache_fake = discriminator(D, fake)
    grads_real, _ = d_backward(D, real, cache_real, (p_real - 1) / len(real))
    grads_fake, _ = d_backward(D, fake, cache_fake, p_fake / len(fake))
    return {k: grads_real[k] + grads_fake[k] for k in D}


def g_gradients(G, D, z):
    fake, h = generator(G, z)
    p, cache = discriminator(D, fake)
    dlogit = (p - 1) / len(z)
    _, dfake = d_backward(D, fake, cache, dlogit)
    dh = dfake @ G["W2"].T
    da = dh * (1 - h**2)
    return {"W1": z.T @ da, "b1": da.sum(axis=0), "W2": h.T @ dfake, "b2": dfake.sum(axis=0)}


def nets(rng, d=3, h=4, k=2):
    G = {
        "W1": rng.normal(size=(k, h)),
        "b1": rng.normal(size=h) * 0.3,
        "W2": rng.normal(size=(h, d)),
        "b2": rng.normal(size=d) * 0.3,
    }
    D = {
        "V1": rng.normal(size=(d, h)),
        "c1": rng.normal(size=h) * 0.3,
        "V2": rng.normal(size=(h, 1)) * 0.5,
        "c2": rng.normal(size=1) * 0.3,
    }
    return G, D


def d_problem(rng, n=6, d=3, h=4, k=2):
    G, D = nets(rng, d, h, k)
    return D, G, rng.normal(size=(n, k)), rng.normal(size=(n, d)) + 1


def g_problem(rng, n=6, d=3, h=4, k=2):
    G, D = nets(rng, d, h, k)
    return G, D, rng.normal(size=(n, k))


REAL = {"n": 100, "d": 8, "h": 20, "k": 4}
RUNS = {
    "discriminator": Run("d_loss", "d_gradients", d_problem),
    "generator": Run("g_loss", "g_gradients", g_problem),
}


def wrong(style, right, bad, said, run="discriminator", *also):
    return Wrong(style, right, bad, said, run, also)


WRONG = [
    wrong(
        "d_gradients",
        "(p_real - 1) / len(real)",
        "p_real / len(real)",
        r"label|- 1|1|subtract|term",
    ),
    wrong("d_gradients", "p_fake / len(fake)", "p_fake", r"average|divid|len|number"),
    wrong(
        "d_gradients",
        "p_fake / len(fake)",
        "(p_fake - 1) / len(fake)",
        r"- 1|1|label|term|extra|too much",
    ),
    wrong(
        "d_gradients",
        "grads_real[k] + grads_fake[k]",
        "grads_real[k] - grads_fake[k]",
        r"sign|\+|plus|added",
    ),
    wrong(
        "d_gradients",
        "grads_real[k] + grads_fake[k]",
        "grads_fake[k]",
        r"grads_real|term|path|missing|left out",
    ),
    wrong(
        "d_backward",
        "np.where(a > 0, 1, 0.2)",
        "np.where(a > 0, 1, 0)",
        r"0\.2|slope|relu|derivative",
    ),
    wrong(
        "d_backward",
        "np.where(a > 0, 1, 0.2)",
        "np.where(h > 0, 0.2, 1)",
        r"swap|order|exchang|slope|derivative|where|0\.2|condition|branch",
    ),
    wrong(
        "g_gradients",
        "dlogit = (p - 1) / len(z)",
        "dlogit = -1 / p / len(z)",
        r"sigmoid|p \* \(1 - p\)|derivative|1 - p|factor|slope",
        "generator",
    ),
    wrong(
        "g_gradients",
        "dlogit = (p - 1) / len(z)",
        "dlogit = p / len(z)",
        r"- 1|1|label|term|subtract",
        "generator",
    ),
    wrong(
        "g_gradients",
        "da = dh * (1 - h**2)",
        "da = dh * (1 - dh**2)",
        r"\bh\b|tanh|dh|derivative",
        "generator",
    ),
]
