"""Value and gradient of a 64-32-10 network, batch 32, against the peers in one run: `make bench`.

Every peer computes the same loss of the same float64 numbers as its own users would write it; the
gradients are compared before anything is timed. A round times every peer once, in turn, so that the
machine's drift meets all alike; the median over the rounds is reported, and ratios to the same
round's hand-written NumPy.
"""

from __future__ import annotations

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")  # so small that a second thread costs every peer time

import argparse
import statistics
import timeit
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import chainrule as cr
from machine import measured_on

N, D, H, K = 32, 64, 32, 10
RNG = np.random.default_rng(0)
PARAMS = {
    "W_h": RNG.normal(size=(D, H)) / 8, "b_h": np.zeros(H),
    "W_o": RNG.normal(size=(H, K)) / 6, "b_o": np.zeros(K),
}  # fmt: skip
X = RNG.normal(size=(N, D))
Y_LABELS = RNG.integers(0, K, size=N)
Y = np.eye(K)[Y_LABELS]
NAMES = list(PARAMS)


def by_hand() -> Callable[[], Any]:
    def value_and_gradient() -> Any:
        n = len(X)
        z_h = X @ PARAMS["W_h"] + PARAMS["b_h"]
        h = 1 / (1 + np.exp(-z_h))
        z_o = h @ PARAMS["W_o"] + PARAMS["b_o"]
        shifted = z_o - z_o.max(axis=1, keepdims=True)
        log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        loss = -np.mean(np.sum(Y * log_p, axis=1))
        d_z_o = (np.exp(log_p) - Y) / n
        d_z_h = d_z_o @ PARAMS["W_o"].T * h * (1 - h)
        return loss, [X.T @ d_z_h, d_z_h.sum(axis=0), h.T @ d_z_o, d_z_o.sum(axis=0)]

    return value_and_gradient


def chainrule() -> Callable[[], Any]:
    def loss(params: Any) -> Any:
        h = cr.sigmoid(X @ params["W_h"] + params["b_h"])
        log_p = cr.functions.log_softmax(h @ params["W_o"] + params["b_o"])
        return -np.mean(np.sum(Y * log_p, axis=1))

    value_and_grad = cr.value_and_grad(loss)

    def value_and_gradient() -> Any:
        value, gradient = value_and_grad(PARAMS)
        return value, list(gradient.values())

    return value_and_gradient


def generated_text() -> Callable[[], Any]:
    def loss(params: Any, X: Any, Y: Any) -> Any:
        h = cr.sigmoid(X @ params["W_h"] + params["b_h"])
        log_p = cr.functions.log_softmax(h @ params["W_o"] + params["b_o"])
        return -np.mean(np.sum(Y * log_p, axis=1))

    space: dict[str, Any] = {}
    exec(cr.source(loss)(PARAMS, X, Y), space)

    def value_and_gradient() -> Any:
        value, gradient = space["value_and_gradients"](PARAMS, X, Y)
        return value, list(gradient.values())

    return value_and_gradient


def autograd() -> Callable[[], Any]:
    import autograd.numpy as anp
    from autograd import value_and_grad
    from autograd.scipy.special import logsumexp

    def loss(params: Any) -> Any:
        h = 1 / (1 + anp.exp(-(anp.dot(X, params["W_h"]) + params["b_h"])))
        z_o = anp.dot(h, params["W_o"]) + params["b_o"]
        log_p = z_o - logsumexp(z_o, axis=1, keepdims=True)
        return -anp.mean(anp.sum(Y * log_p, axis=1))

    f = value_and_grad(loss)

    def value_and_gradient() -> Any:
        value, gradient = f(PARAMS)
        return value, [gradient[name] for name in NAMES]

    return value_and_gradient


def mygrad() -> Callable[[], Any]:
    import mygrad as mg
    from mygrad.nnet.activations import sigmoid
    from mygrad.nnet.losses import softmax_crossentropy

    mg.turn_memory_guarding_off()  # its own documentation's advice for speed

    def value_and_gradient() -> Any:
        params = {name: mg.tensor(value, copy=False) for name, value in PARAMS.items()}
        h = sigmoid(mg.matmul(X, params["W_h"]) + params["b_h"])
        loss = softmax_crossentropy(mg.matmul(h, params["W_o"]) + params["b_o"], Y_LABELS)
        loss.backward()
        return loss.item(), [params[name].grad for name in NAMES]

    return value_and_gradient


def pytorch() -> Callable[[], Any]:
    import torch
    from torch.nn.functional import cross_entropy, linear

    torch.set_num_threads(1)
    weights = [torch.tensor(PARAMS[n].T.copy() if "W" in n else PARAMS[n]) for n in NAMES]
    weights = [w.requires_grad_() for w in weights]
    W_h, b_h, W_o, b_o = weights
    x, y = torch.tensor(X), torch.tensor(Y_LABELS)

    def value_and_gradient() -> Any:
        loss = cross_entropy(linear(torch.sigmoid(linear(x, W_h, b_h)), W_o, b_o), y)
        gradients = torch.autograd.grad(loss, weights)
        return loss.item(), [g.T if g.ndim == 2 else g for g in gradients]

    return value_and_gradient


PEERS = {
    "NumPy by hand": by_hand, "chainrule, generated text": generated_text,
    "chainrule, value_and_grad": chainrule, "PyTorch eager": pytorch,
    "MyGrad": mygrad, "autograd": autograd,
}  # fmt: skip


def timed(f: Callable[[], Any], repeats: int) -> float:
    return timeit.timeit(f, number=repeats) / repeats  # its rules: the collector rests meanwhile


def overheads() -> list[tuple[str, float, float]]:
    """Microseconds of one forward and backward of tanh on one number, per operation in a chain."""
    import torch

    length = 200

    def numpy_chain(x: Any) -> Any:
        for _ in range(length):
            x = np.tanh(x)
        return x

    one = np.float64(0.5)
    leaf = torch.tensor(0.5, dtype=torch.float64, requires_grad=True)

    def torch_chain() -> Any:
        x = leaf
        for _ in range(length):
            x = torch.tanh(x)
        return torch.autograd.grad(x, leaf)

    from autograd import grad as autograd_grad
    from autograd import numpy as anp

    def autograd_chain(x: Any) -> Any:
        for _ in range(length):
            x = anp.tanh(x)
        return x

    import mygrad as mg

    def mygrad_chain() -> Any:
        x = mg.tensor(0.5)
        y = x
        for _ in range(length):
            y = mg.tanh(y)
        y.backward()
        return x.grad

    subjects = {
        "NumPy, forward alone": lambda: numpy_chain(one),
        "chainrule": lambda: cr.grad(numpy_chain)(one),
        "PyTorch eager": torch_chain,
        "MyGrad": mygrad_chain,
        "autograd": lambda: autograd_grad(autograd_chain)(one),
    }
    rounds = [{name: timed(f, 5) for name, f in subjects.items()} for _ in range(25)]
    middle = {name: statistics.median(r[name] for r in rounds) / length * 1e6 for name in subjects}
    return [(name, us, us / middle["NumPy, forward alone"]) for name, us in middle.items()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=40)
    rounds = parser.parse_args().rounds

    subjects = {name: make() for name, make in PEERS.items()}
    value, gradients = subjects["NumPy by hand"]()
    for name, f in subjects.items():
        v, g = f()
        np.testing.assert_allclose(float(v), value, rtol=1e-9, err_msg=name)
        for mine, right in zip(g, gradients, strict=True):
            np.testing.assert_allclose(np.asarray(mine), right, atol=1e-12, err_msg=name)
    for f in subjects.values():
        timed(f, 50)
    times = [{name: timed(f, 60) for name, f in subjects.items()} for _ in range(rounds)]

    lines = [
        measured_on("numpy", "autograd", "mygrad", "torch")
        + f"; one thread each, {rounds} rounds.",
        "",
        "| value and gradient, 64-32-10, batch 32, float64 | µs, median | × NumPy by hand |",
        "|---|---|---|",
    ]
    for name in subjects:
        us = statistics.median(t[name] for t in times) * 1e6
        ratio = statistics.median(t[name] / t["NumPy by hand"] for t in times)
        lines.append(f"| {name} | {us:.0f} | {ratio:.2f} |")
    lines += ["", "| tanh of one number, in a chain of 200 | µs an operation | × NumPy forward |",
              "|---|---|---|"]  # fmt: skip
    lines += [f"| {name} | {us:.2f} | {ratio:.1f} |" for name, us, ratio in overheads()]
    text = "\n".join(lines) + "\n"
    print(text)
    path = Path(__file__).parent / "autodiff.md"
    path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
