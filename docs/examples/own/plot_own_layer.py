"""
A layer of your own: attention
==============================

An attention layer weighs the positions of a sequence, so that its output can
pick the ones that matter. The layer is a class of twenty lines in NumPy; it is
differentiated and compiled like those that are there already.
"""

import matplotlib.pyplot as plt
import numpy as np

import chainrule as cr

_, ORANGE, *_ = cr.plots.COLOURS


class Attention(cr.layers.Layer):
    """Weighted mean over the positions, with weights that a query decides."""

    def build(self, input_shape):
        self.query = self.add_weight((input_shape[-1],), name="query")
        self.value = self.add_weight(
            (input_shape[-1], input_shape[-1]), name="value"
        )

    def shares(self, x):
        return cr.softmax(x @ self.query)

    def call(self, x):
        return np.sum(self.shares(x)[:, :, None] * (x @ self.value), axis=1)


# %%
# The task: of ten numbers, one is marked. The network shall return it. Each
# position has two features, the number and the mark.

rng = np.random.default_rng(0)


def sequences(n):
    X = np.stack([rng.normal(size=(n, 10)), np.zeros((n, 10))], axis=2)
    marked = rng.integers(0, 10, n)
    X[np.arange(n), marked, 1] = 1
    return X.astype("float32"), X[np.arange(n), marked, 0].astype("float32")[
        :, None
    ]


X, y = sequences(2000)
attention = Attention()
model = cr.Sequential([attention, cr.layers.Dense(1)], seed=0)
model.compile(cr.optimizers.Adam(0.03), "mse")
history = model.fit(X, y, epochs=30, verbose=0)
print(f"mean squared error {history.loss[0]:.3f} → {history.loss[-1]:.4f}")

# %%
# Where the layer looks. Each row is a sequence; a frame is around the position
# that was marked.

X, y = sequences(8)
weights = np.asarray(attention.shares(X))
marked = X[:, :, 1].argmax(axis=1)
assert np.all(weights.argmax(axis=1) == marked)
figure, axes = plt.subplots(figsize=(8, 4.2), layout="constrained")
picture = axes.imshow(weights, cmap="viridis", vmin=0, vmax=1)
for row, column in enumerate(marked):
    axes.add_patch(
        plt.Rectangle(
            (column - 0.5, row - 0.5),
            1,
            1,
            fill=False,
            edgecolor=ORANGE,
            linewidth=3,
        )
    )
for (row, column), number in np.ndenumerate(X[:, :, 0]):
    dark = weights[row, column] < 0.5
    axes.text(
        column,
        row,
        f"{number:.1f}",
        ha="center",
        va="center",
        fontsize=8,
        color="white" if dark else "black",
    )
axes.set(xlabel="position", ylabel="sequence", xticks=range(10))
figure.colorbar(picture, label="weight of attention")
plt.show()
