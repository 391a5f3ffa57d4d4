"""A policy from pixels: stacks of episodes, discounted rewards, a log-likelihood weighted by them."""

import numpy as np

from tests.check.collection import Run, Wrong

GAMMA = 0.9


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


def discount_rewards(r):
    discounted_r = np.zeros(len(r))
    running_add = 0
    for t in reversed(range(len(r))):
        running_add = running_add * GAMMA + r[t]
        discounted_r[t] = running_add
    return (discounted_r - discounted_r.mean()) / discounted_r.std()


def policy_forward(model, x):
    h = np.dot(model["W1"], x)
    h[h < 0] = 0
    logp = np.dot(model["W2"], h)
    return sigmoid(logp), h


def loss(model, xs, actions, rewards):
    total = 0.0
    for x, a, A in zip(xs, actions, discount_rewards(rewards)):
        p, _ = policy_forward(model, x)
        total -= A * (a * np.log(p) + (1 - a) * np.log(1 - p))
    return total


def gradients(model, xs, actions, rewards):
    hs, dlogps = [], []
    for x, a in zip(xs, actions):
        aprob, h = policy_forward(model, x)
        hs.append(h)
        dlogps.append(a - aprob)
    eph = np.vstack(hs)
    epx = np.vstack(xs)
    epdlogp = np.array(dlogps)
    epdlogp = epdlogp * discount_rewards(rewards)
    dW2 = np.dot(eph.T, epdlogp).ravel()
    dh = np.outer(epdlogp, model["W2"])
    dh[eph <= 0] = 0
    dW1 = np.dot(dh.T, epx)
    return {"W1": -dW1, "W2": -dW2}


def softmax_policy_loss(theta, states, actions, advantages):
    z = states @ theta["W"] + theta["b"]
    z = z - z.max(axis=1, keepdims=True)
    logpi = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    pi = np.exp(logpi)
    entropy = -np.sum(pi * logpi, axis=1)
    chosen = logpi[np.arange(len(actions)), actions]
    return -np.mean(chosen * advantages) - 0.1 * np.mean(entropy)


def softmax_policy_gradients(theta, states, actions, advantages):
    n = len(actions)
    z = states @ theta["W"] + theta["b"]
    z = z - z.max(axis=1, keepdims=True)
    logpi = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    pi = np.exp(logpi)
    onehot = np.eye(pi.shape[1])[actions]
    dz = -advantages[:, None] * (onehot - pi)
    entropy = -np.sum(pi * logpi, axis=1, keepdims=True)
    dz += 0.1 * pi * (logpi + entropy)
    dz /= n
    return {"W": states.T @ dz, "b": dz.sum(axis=0)}


def problem(rng, n=6, d=4, h=5):
    model = {"W1": rng.normal(size=(h, d)) / np.sqrt(d), "W2": rng.normal(size=h) / np.sqrt(h)}
    xs = [rng.normal(size=d) for _ in range(n)]
    return model, xs, rng.integers(0, 2, n).tolist(), rng.normal(size=n).tolist()


def softmax_problem(rng, n=7, d=3, k=3):
    theta = {"W": rng.normal(size=(d, k)), "b": rng.normal(size=k)}
    return theta, rng.normal(size=(n, d)), rng.integers(0, k, n), rng.normal(size=n)


RUNS = {
    "pixels": Run("loss", "gradients", problem, {"n": 60, "d": 80, "h": 30}),
    "softmax": Run(
        "softmax_policy_loss",
        "softmax_policy_gradients",
        softmax_problem,
        {"n": 500, "d": 30, "k": 6},
    ),
}


def pixels(right, mistaken, said, *also):
    return Wrong("gradients", right, mistaken, said, "pixels", also)


def soft(right, mistaken, said, *also):
    return Wrong("softmax_policy_gradients", right, mistaken, said, "softmax", also)


RELU = r"relu|slope|derivative|eph <= 0|<= 0"
WRONG = [
    pixels("    dh[eph <= 0] = 0\n", "", RELU),
    pixels("dh[eph <= 0] = 0", "dh[dh <= 0] = 0", RELU + "|eph"),
    pixels(
        "    epdlogp = epdlogp * discount_rewards(rewards)\n",
        "",
        r"reward|advantage|discount|factor|missing",
    ),
    pixels("epdlogp * discount_rewards(rewards)", "epdlogp * rewards", r"discount|reward"),
    pixels(
        "dlogps.append(a - aprob)",
        "dlogps.append(aprob - a)",
        r"sign|minus|order|swap|negat",
        '"W1": -dW1',
        "epdlogp = ",
    ),
    pixels(
        '"W1": -dW1, "W2": -dW2',
        '"W1": dW1, "W2": dW2',
        r"sign|minus|negat",
        "dlogps.append",
        "epdlogp = ",
    ),
    pixels(
        "dlogps.append(a - aprob)",
        "dlogps.append((a - aprob) * aprob * (1 - aprob))",
        r"sigmoid|derivative|aprob|factor|cancel",
    ),
    pixels('np.outer(epdlogp, model["W2"])', "np.outer(epdlogp, dW2)", r"W2|dW2"),
    soft("    dz += 0.1 * pi * (logpi + entropy)\n", "", r"entropy|term|path|missing|pi"),
    soft("0.1 * pi * (logpi + entropy)", "0.1 * pi * (logpi + 1)", r"entropy|\+ 1|softmax"),
    soft("(onehot - pi)", "onehot", r"\bpi\b|softmax|subtract|term"),
    soft("-advantages[:, None] * (onehot - pi)", "(onehot - pi)", r"advantage|factor|sign|missing"),
    soft(
        "-advantages[:, None] * (onehot - pi)",
        "advantages[:, None] * (onehot - pi)",
        r"sign|minus|negat",
    ),
    soft("    dz /= n\n", "", r"average|divi"),
    soft(
        ("(onehot - pi)", "    dz /= n\n"),
        ("(pi - onehot)", ""),
        (r"sign|minus|order|swap|negat", r"average|divi"),
    ),
]
