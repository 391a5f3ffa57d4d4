"""
An optimizer of your own: signs only
====================================

An optimizer is one method, ``step``: from weights, gradient and learning rate
it makes new weights. This one keeps a running mean of gradients and moves every
weight by the same amount, in the direction of its sign.
"""

import matplotlib.pyplot as plt
import numpy as np

import chainrule as cr


class SignMomentum(cr.optimizers.Optimizer):
    slots = ("mean",)

    def __init__(self, learning_rate=0.001, momentum=0.9):
        super().__init__(learning_rate)
        self.momentum = momentum

    def step(self, w, g, learning_rate, t, mean):
        mean = self.momentum * mean + (1 - self.momentum) * g
        return w - learning_rate * np.sign(mean), {"mean": mean}


# %%
# It is used like the others, and runs compiled like the others.

digits = cr.data.load_digits()


def fitted(optimizer):
    model = cr.Sequential(
        [
            cr.layers.Dense(32, activation="relu"),
            cr.layers.Dense(10, activation="softmax"),
        ],
        seed=0,
    )
    model.compile(optimizer, "sparse_categorical_crossentropy")
    return model.fit(
        digits.X_train, digits.y_train, epochs=12, verbose=0, seed=0
    )


histories = {
    "SignMomentum(0.003)": fitted(SignMomentum(0.003)),
    "Adam(0.003)": fitted(cr.optimizers.Adam(0.003)),
    "SGD(0.1)": fitted(cr.optimizers.SGD(0.1)),
}
for name, history in histories.items():
    print(f"{name:20} loss {history.loss[0]:.3f} → {history.loss[-1]:.4f}")

# %%
# Since every step is equally long, however small the gradient, the loss of the
# signs falls fast at first and does not settle; a learning rate that decreases
# would help.

cr.plots.curves(
    {name: (range(1, 13), history.loss) for name, history in histories.items()},
    xlabel="epoch",
    ylabel="training loss",
    yscale="log",
)
plt.show()
