"""
A recurrent network remembers
=============================

The network hears a signal, once, at the first moment of a sequence; then comes
noise. After the last moment it has to say what the signal was. The picture
shows how it carries the answer through time.
"""

import matplotlib.pyplot as plt
import numpy as np

import chainrule as cr

rng = np.random.default_rng(0)
STEPS, UNITS = 12, 8


def sequences(n):
    signal = rng.integers(0, 2, n)
    X = rng.normal(0, 0.3, (STEPS, n, 1))
    X[0, :, 0] += 2 * signal - 1
    return np.swapaxes(X, 0, 1), signal


# %%
# One step of the network: the new state is made of the old one and of what
# comes in. ``cr.scan`` applies it again and again; the gradient runs the loop
# backwards.


def states(params, X):
    def step(state, x):
        state = np.tanh(state @ params["again"] + x @ params["into"])
        return state, state

    return cr.scan(step, np.zeros((len(X), UNITS)), np.swapaxes(X, 0, 1))[1]


def loss(params, X, y):
    score = states(params, X)[-1] @ params["out"]
    return np.mean(cr.functions.softplus((1 - 2 * y) * score))


start = {
    "again": np.eye(UNITS) / 2 + rng.normal(size=(UNITS, UNITS)) * 0.1,
    "into": rng.normal(size=(1, UNITS)) * 0.5,
    "out": rng.normal(size=UNITS) * 0.5,
}
X, y = sequences(1000)
params, history = cr.minimize(
    loss, start, X, y, optimizer=cr.optimizers.Adam(0.01), epochs=20, seed=0
)

# %%
# New sequences. Each line is one of them; its height is the state as the output
# reads it. From the first moment on, the two kinds stay apart, in spite of the
# noise. The untrained network forgets.

X, y = sequences(200)
figure, panels = plt.subplots(1, 2, figsize=(8.5, 3.7), layout="constrained")
for axes, (name, weights) in zip(
    panels,
    {"before training": start, "after training": params}.items(),
    strict=True,
):
    score = states(weights, X) @ weights["out"]
    right = np.mean((score[-1] > 0) == y)
    print(f"{name}: {right:.0%} right")
    for signal, colour in enumerate(cr.plots.COLOURS[:2]):
        axes.plot(
            range(1, STEPS + 1),
            score[:, y == signal][:, :40],
            color=colour,
            linewidth=0.8,
            alpha=0.6,
        )
        axes.plot(
            [], [], color=colour, label=f"the signal was {2 * signal - 1:+d}"
        )
    cr.plots.finish(
        axes,
        title=f"{name}: {right:.0%} right",
        xlabel="time step",
        ylabel="score for +1",
    )
panels[1].legend(frameon=False, loc="center")
plt.show()
