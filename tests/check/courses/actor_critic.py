"""An actor and a critic with one body and a clipped ratio; a step of deep Q-learning."""

import numpy as np
from tests.check.collection import Run, Wrong

EPS, C_V, C_E, DISCOUNT = 0.2, 0.5, 0.05, 0.95


class ActorCritic:
    def __init__(self, weights):
        self.W1, self.b1, self.Wp, self.bp, self.Wv, self.bv = weights

    def forward(self, S):
        self.S = S
        self.H = np.tanh(S @ self.W1 + self.b1)
        logits = self.H @ self.Wp + self.bp
        e = np.exp(logits - logits.max(axis=1, keepdims=True))
        self.P = e / e.sum(axis=1, keepdims=True)
        self.V = (self.H @ self.Wv + self.bv)[:, 0]
        return self.P, self.V

    def backward(self, dlogits, dV):
        gWp = self.H.T @ dlogits
        gbp = dlogits.sum(axis=0)
        gWv = self.H.T @ dV[:, None]
        gbv = np.array([dV.sum()])
        dH = dlogits @ self.Wp.T + dV[:, None] @ self.Wv.T
        dZ = dH * (1 - self.H**2)
        return [self.S.T @ dZ, dZ.sum(axis=0), gWp, gbp, gWv, gbv]


def ppo_loss(weights, rollout):
    P, V = ActorCritic(weights).forward(rollout["states"])
    adv = rollout["returns"] - rollout["old_values"]
    logp = np.log(P[np.arange(len(V)), rollout["actions"]])
    ratio = np.exp(logp - rollout["old_logp"])
    surrogate = np.minimum(ratio * adv, np.clip(ratio, 1 - EPS, 1 + EPS) * adv)
    entropy = -(P * np.log(P)).sum(axis=1)
    value_loss = 0.5 * (rollout["returns"] - V) ** 2
    return np.mean(-surrogate + C_V * value_loss - C_E * entropy)


def ppo_grads(weights, rollout):
    net = ActorCritic(weights)
    P, V = net.forward(rollout["states"])
    n = len(V)
    adv = rollout["returns"] - rollout["old_values"]
    onehot = np.zeros_like(P)
    onehot[np.arange(n), rollout["actions"]] = 1
    logp = np.log(P[np.arange(n), rollout["actions"]])
    ratio = np.exp(logp - rollout["old_logp"])
    # where the clipped term is smaller nothing flows back
    active = ratio * adv <= np.clip(ratio, 1 - EPS, 1 + EPS) * adv
    dratio = -adv * active / n
    dlogp = dratio * ratio
    dlogits = dlogp[:, None] * (onehot - P)
    entropy = -(P * np.log(P)).sum(axis=1, keepdims=True)
    dlogits += C_E * P * (np.log(P) + entropy) / n
    dV = C_V * (V - rollout["returns"]) / n
    return net.backward(dlogits, dV)


def ppo_problem(rng, n=10, d=3, h=4, k=3):
    weights = [
        rng.normal(size=(d, h)) * 0.6,
        rng.normal(size=h) * 0.2,
        rng.normal(size=(h, k)) * 0.6,
        rng.normal(size=k) * 0.2,
        rng.normal(size=(h, 1)),
        rng.normal(size=1),
    ]
    states, actions = rng.normal(size=(n, d)), rng.integers(0, k, n)
    P, V = ActorCritic(weights).forward(states)
    shift = rng.choice([-0.5, -0.35, -0.06, 0.05, 0.4, 0.6], n)
    rollout = {
        "states": states,
        "actions": actions,
        "returns": rng.normal(size=n) * 2,
        "old_values": V + rng.normal(size=n) * 0.1,
        "old_logp": np.log(P[np.arange(n), actions]) - shift,
    }
    return weights, rollout


def q_values(net, s):
    h = np.maximum(0, net["W1"].T @ s + net["b1"])
    return net["W2"].T @ h + net["b2"], h


def dqn_loss(net, target_net, replay):
    total = 0.0
    for s, a, r, s2, done in replay:
        q, _ = q_values(net, s)
        y = r if done else r + DISCOUNT * q_values(target_net, s2)[0].max()
        delta = abs(q[a] - y)
        total += 0.5 * delta**2 if delta < 1 else delta - 0.5
    return total / len(replay)


def dqn_grads(net, target_net, replay):
    grads = {name: np.zeros_like(w) for name, w in net.items()}
    for s, a, r, s2, done in replay:
        q, h = q_values(net, s)
        y = r
        if not done:
            y += DISCOUNT * q_values(target_net, s2)[0].max()
        delta = np.clip(q[a] - y, -1, 1)
        dq = np.zeros_like(q)
        dq[a] = delta
        grads["W2"] += np.outer(h, dq)
        grads["b2"] += dq
        dh = net["W2"] @ dq
        dh[h <= 0] = 0
        grads["W1"] += np.outer(s, dh)
        grads["b1"] += dh
    for name in grads:
        grads[name] /= len(replay)
    return grads


def dqn_problem(rng, n=12, d=4, h=6, k=3):
    def net():
        return {
            "W1": rng.normal(size=(d, h)) * 0.6,
            "b1": rng.normal(size=h) * 0.2,
            "W2": rng.normal(size=(h, k)) * 0.5,
            "b2": rng.normal(size=k) * 0.2,
        }

    replay = [
        (
            rng.normal(size=d),
            int(rng.integers(0, k)),
            float(rng.normal()),
            rng.normal(size=d),
            i % 3 == 0,
        )
        for i in range(n)
    ]
    return net(), net(), replay


RUNS = {
    "ppo": Run("ppo_loss", "ppo_grads", ppo_problem, {"n": 256, "d": 20, "h": 32, "k": 4}),
    "dqn": Run("dqn_loss", "dqn_grads", dqn_problem, {"n": 32, "d": 8, "h": 32, "k": 4}),
}


def ppo(right, wrong, said, *also):
    return Wrong("ppo_grads", right, wrong, said, "ppo", also)


def back(right, wrong, said, *also):
    return Wrong("ActorCritic.backward", right, wrong, said, "ppo", also)


def dqn(right, wrong, said, *also):
    return Wrong("dqn_grads", right, wrong, said, "dqn", also)


CLIP = r"clip|active|mask|bound|outside|limit|flat"
ENTROPY = r"entropy|C_E|penalty|term|missing|left out"
WRONG = [
    ppo("    dlogits += C_E * P * (np.log(P) + entropy) / n\n", "", ENTROPY),
    ppo("dlogits += C_E", "dlogits -= C_E", r"sign|minus|\+=|add"),
    ppo("C_E * P * (np.log(P) + entropy) / n", "C_E * (np.log(P) + 1) / n", ENTROPY + r"|\bP\b"),
    ppo("-adv * active / n", "-adv / n", CLIP),
    ppo(
        "active = ratio * adv <= np.clip(ratio, 1 - EPS, 1 + EPS) * adv",
        "active = (ratio > 1 - EPS) & (ratio < 1 + EPS)",
        CLIP + r"|minimum|smaller|adv",
    ),
    ppo("dlogp = dratio * ratio", "dlogp = dratio", r"ratio|exp"),
    ppo("dlogp[:, None] * (onehot - P)", "dlogp[:, None] * (P - onehot)", r"sign|minus|order|swap"),
    ppo("dlogp[:, None] * (onehot - P)", "dlogp[:, None] * onehot", r"softmax|\bP\b|subtract"),
    ppo(
        "C_V * (V - rollout",
        "2 * C_V * (V - rollout",
        r"factor|\b2\b|twice|half|0\.5",
    ),
    ppo('(V - rollout["returns"]) / n', '(V - rollout["returns"])', r"average|divi|mean|\bn\b"),
    back(" + dV[:, None] @ self.Wv.T", "", r"value|critic|path|term|missing|left out|Wv|dV"),
    back("np.array([dV.sum()])", "np.array([dV.mean()])", r"mean|average|sum"),
    dqn("        dq[a] = delta\n", "        dq[:] = delta\n", r"\[a\]|action|index|all|entr|only"),
    dqn(
        "        if not done:\n            y +=",
        "        y +=",
        r"done|terminal|end of|condition|not done",
    ),
    dqn("q_values(target_net, s2)", "q_values(net, s2)", r"target_net|target|\bnet\b"),
    dqn("np.clip(q[a] - y, -1, 1)", "q[a] - y", CLIP + "|huber|-1"),
    dqn("[0].max()", "[0].argmax()", r"max|argmax|index|value"),
    dqn(
        ("        dh[h <= 0] = 0\n", "        grads[name] /= len(replay)\n"),
        ("", "        grads[name] *= 1\n"),
        (r"relu|slope|derivative|h <= 0|<= 0", r"average|divi|mean|len\(replay\)"),
        "dq[a] = delta",
        "dh = net[",
    ),
    Wrong(
        "ppo_grads",
        ("dlogits += C_E", "active = ratio * adv <= np.clip(ratio, 1 - EPS, 1 + EPS) * adv"),
        ("dlogits -= C_E", "active = (ratio > 1 - EPS) & (ratio < 1 + EPS)"),
        (r"sign|minus|\+=|add", "clip|active|mask|bound|outside|limit|flat|minimum|smaller|adv"),
        "ppo",
    ),
    Wrong(
        "dqn_grads",
        ("dq[a] = delta", "[0].max()"),
        ("dq[:] = delta", "[0].argmax()"),
        (r"\[a\]|action|index|all|entr|only", "max|argmax|index|value"),
        "dqn",
    ),
    ppo(
        '(V - rollout["returns"]) / n',
        '(V - rollout["returns"]) // n',
        r"//|integer|floor|whole|divi|round",
    ),
]
