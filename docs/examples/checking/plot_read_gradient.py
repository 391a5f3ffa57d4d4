"""
Read the gradient of a network
==============================

``cr.source`` writes the value and the gradient of a function as a NumPy module,
with the names of its author.
"""

import matplotlib.pyplot as plt
import numpy as np

import chainrule as cr

BLUE, ORANGE, *_ = cr.plots.COLOURS


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
lines = [line[4:] for line in code.splitlines()]
turn = lines.index("# backward")
figure, axes = plt.subplots(figsize=(8, 4.4), layout="constrained")
for row, line in enumerate(lines):
    axes.text(0, -row, line, family="monospace", fontsize=12, va="center")
for first, last, colour in [(0, turn - 2, BLUE), (turn, row, ORANGE)]:
    axes.fill_betweenx([-last - 0.5, 0.5 - first], -0.04, -0.02, color=colour)
axes.set(xlim=(-0.04, 1), ylim=(-row - 0.6, 0.6))
axes.set_axis_off()
plt.show()
