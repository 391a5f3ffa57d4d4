"""
The weights of hidden units as pictures
=======================================

A hidden unit adds up the pixels of a digit, each with its own weight. The 64
weights of a unit make a picture of what the unit responds to.
"""

import matplotlib.pyplot as plt

import chainrule as cr
from chainrule.lab import NeuralNet

digits = cr.data.load_digits()
net = NeuralNet(64, 10, 10, seed=0)
net.fit(digits.X_train, digits.y_train, epochs=15, batch_size=32, momentum=0.9)

# %%
# Ink on a red pixel drives the unit towards 1, ink on a blue pixel towards 0.
# The units do not stand for digits: they look for strokes and gaps, which
# several digits have.

figure = plt.figure(figsize=(9, 4))
axes = figure.add_axes((0.02, 0.04, 0.9, 0.86))
cr.plots.weight_images(net.W_h, [f"unit {unit}" for unit in range(10)], axes)

# %%
# The weights of the output tell which classes a unit speaks for. Each row is a
# hidden unit, each column a class.

figure, axes = plt.subplots(figsize=(8, 4.5), layout="constrained")
cr.plots.heat_map(
    net.W_o,
    range(10),
    range(10),
    xlabel="digit class",
    ylabel="hidden unit",
    title="weights from the hidden units to the classes",
    write="{:.1f}".format,
    cmap="RdBu_r",
    around_zero=True,
    ax=axes,
)
plt.show()
