"""
Read the gradient of a network
==============================

``cr.source`` writes the value and the gradient of a function as a NumPy module,
with the names of its author.
"""

import matplotlib.pyplot as plt
import numpy as np

import chainrule as cr


def loss(params, X, y):
    h = np.tanh(X @ params["W"] + params["b"])
    error = h @ params["v"] - y
    return np.mean(error**2)


rng = np.random.default_rng(0)
params = {
    "W": rng.normal(size=(3, 4)),
    "b": np.zeros(4),
    "v": rng.normal(size=4),
}
X, y = rng.normal(size=(8, 3)), rng.normal(size=8)
text = cr.source(loss)(params, X, y)
print(text)

# %%
# The text is code that runs: it imports NumPy alone, and gives the numbers that
# ``cr.value_and_grad`` gives.

module = {}
exec(text, module)
value, gradients = module["value_and_gradients"](params, X, y)
expected, slopes = cr.value_and_grad(loss)(params, X, y)
assert np.isclose(value, expected)
assert all(np.allclose(gradients[name], slopes[name]) for name in params)

# %%
# The same as a picture. The variables of the forward pass come first, and the
# gradients in reverse order.

code = text[text.index("    # forward") : text.index("    return")].rstrip()
figure, axes = plt.subplots(figsize=(8, 4.4))
axes.set_axis_off()
for row, line in enumerate(code.splitlines()):
    colour = cr.plots.COLOURS[1 if "d_" in line or "backward" in line else 0]
    axes.text(
        0,
        -row,
        line[4:],
        family="monospace",
        fontsize=11,
        color=colour,
        va="center",
    )
axes.set(xlim=(0, 1), ylim=(-row - 0.6, 0.6))
plt.show()
