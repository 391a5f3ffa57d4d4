"""A recurrent network learns to remember a bit over a number of steps."""

from pathlib import Path

import numpy as np
from extensions.figures import COLOURS, axes, save

import chainrule as cr

STEPS, UNITS = 20, 8


def states(params, X):
    """Return the hidden states (n, steps, units) of a network with a gate.

    X holds an input and a mark for each step.
    """

    def step(h, x):
        gate = cr.sigmoid(x @ params["W_g"] + h @ params["U_g"] + params["b_g"])
        new = np.tanh(x @ params["W"] + h @ params["U"] + params["b"])
        h = gate * h + (1 - gate) * new
        return h, h

    inputs = np.swapaxes(X.reshape(-1, STEPS, 2), 0, 1)
    _, history = cr.scan(step, np.zeros((len(X), UNITS), np.float32), inputs)
    return np.swapaxes(history, 0, 1)


def score(params, h):
    """Return the log-odds that the bit was 1, from hidden states."""
    return h @ params["v"] + params["c"]


def network(params, X):
    """Return for each sequence the probabilities of 1 at each step, and then the hidden states."""
    h = states(params, X)
    return np.concatenate([cr.sigmoid(score(params, h)), h.reshape(-1, STEPS * UNITS)], axis=1)


def loss(params, X, y):
    """Return the mean cross-entropy at the last step."""
    z = score(params, states(params, X)[:, -1])
    return np.mean(np.logaddexp(0, z) - y * z)


def sequences(rng, n: int, ago: int):
    """Return sequences of noise with a marked bit `ago` steps before the last, and the bits."""
    X = rng.choice([-1.0, 1.0], (n, STEPS, 2)).astype(np.float32)
    X[:, :, 1] = 0
    X[:, STEPS - 1 - ago, 1] = 1
    return X.reshape(n, -1), (X[:, STEPS - 1 - ago, 0] > 0).astype(np.float32)


def build(folder: Path) -> None:
    """Write the network; draw its hidden state before and after training."""
    rng = np.random.default_rng(1)
    params = {
        "W": rng.normal(size=(2, UNITS)),
        "U": rng.normal(size=(UNITS, UNITS)) / 3,
        "b": np.zeros(UNITS),
        "W_g": rng.normal(size=(2, UNITS)),
        "U_g": rng.normal(size=(UNITS, UNITS)) / 3,
        "b_g": np.ones(UNITS),
        "v": rng.normal(size=UNITS) / 3,
        "c": np.zeros(1),
    }
    params = {name: value.astype(np.float32) for name, value in params.items()}
    X, y = sequences(rng, 1024, 10)
    rule = cr.optimizers.Adam(0.02)
    cr.export_web(loss, params, X, y, path=folder / "net.mjs", optimizer=rule, predict=network)
    trained, _ = cr.minimize(loss, params, X, y, optimizer=rule, batch_size=32, epochs=10, seed=0)
    figure, plots = axes(2, sharey=True)
    for plot, weights, title in zip(
        plots, (params, trained), ("untrained", "trained"), strict=True
    ):
        p = network(weights, X[:16])[:, :STEPS]
        for bit, colour in ((1, COLOURS[0]), (0, COLOURS[1])):
            plot.plot(range(1, STEPS + 1), p[y[:16] == bit].T, color=colour, lw=0.7)
        plot.axvline(STEPS - 10, color="gray", ls=":")
        plot.set(title=title, xlabel="step", ylim=(0, 1))
    plots[0].set_ylabel("probability that the bit is 1")
    save(figure, folder)
