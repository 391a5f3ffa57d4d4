"""
Three optimizers in a narrow valley
===================================

The loss is a valley, fifty times as curved across as along. Gradient descent
zigzags across it, momentum rolls along it, and Adam gives each direction its
own step.
"""

import matplotlib.pyplot as plt
import numpy as np

import chainrule as cr


def height(position):
    along, across = position[0], position[1]
    return along**2 / 100 + across**2 / 2


# %%
# An optimizer of chainrule is a rule that can be called by hand: ``init`` makes
# its state, ``update`` returns the next position.

gradient = cr.grad(height)


def path(optimizer, updates=60):
    position = np.array([-9.0, 1.6])
    state = optimizer.init(position)
    positions = [position]
    for _ in range(updates):
        position, state = optimizer.update(position, gradient(position), state)
        positions.append(position)
    return np.array(positions)


paths = {
    "gradient descent": path(cr.optimizers.SGD(1.8)),
    "momentum 0.7": path(cr.optimizers.SGD(1.2, momentum=0.7)),
    "Adam": path(cr.optimizers.Adam(0.4)),
}

# %%
# All three start on the left and make 60 updates. The right picture shows how
# high above the lowest point they are.

figure, (left, right) = plt.subplots(
    1, 2, figsize=(9, 3.7), width_ratios=[1.5, 1], layout="constrained"
)
along, across = np.meshgrid(np.linspace(-10, 4, 120), np.linspace(-2, 2, 80))
left.contour(
    along,
    across,
    height(np.stack([along, across])),
    levels=np.geomspace(0.005, 3, 11),
    colors=cr.plots.COLOURS[5],
    linewidths=0.7,
)
for (name, positions), colour in zip(
    paths.items(), cr.plots.COLOURS, strict=False
):
    left.plot(
        *positions.T,
        ".-",
        label=name,
        color=colour,
        linewidth=1.3,
        markersize=5,
    )
    right.semilogy(height(positions.T), label=name, color=colour, linewidth=1.8)
    print(f"{name:17} ends at a height of {height(positions[-1]):.1e}")
left.plot(0, 0, "k*", markersize=12)
left.legend(loc="lower right", framealpha=0.9)
cr.plots.finish(left, xlabel="along the valley", ylabel="across the valley")
cr.plots.finish(right, xlabel="update", ylabel="height above the lowest point")
plt.show()
