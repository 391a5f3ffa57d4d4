"""
A network learns the digits
===========================

The network of the lab has 64 inputs, 10 hidden units and 10 classes. It is
trained by stochastic gradient descent with momentum, with a gradient that is
derived by hand.
"""

import matplotlib.pyplot as plt

import chainrule as cr
from chainrule.lab import NeuralNet

digits = cr.data.load_digits()
net = NeuralNet(64, 10, 10, seed=0)

# %%
# Each of 15 epochs shows the network all training digits once, in batches of
# 32. After every epoch the loss and the accuracy are computed, on the digits of
# training and on digits that the network has not seen.

history = net.fit(
    digits.X_train,
    digits.y_train,
    epochs=15,
    batch_size=32,
    momentum=0.9,
    validation_data=(digits.X_test, digits.y_test),
)
print(f"loss {history.loss[0]:.2f} → {history.loss[-1]:.2f}")
print(f"test accuracy {net.accuracy(digits.X_test, digits.y_test):.3f}")

# %%
# Before the first epoch the network guesses: the loss is near log(10) = 2.30,
# that of ten equal probabilities. Most is learned within five epochs.

figure, (left, right) = plt.subplots(
    1, 2, figsize=(9, 3.8), layout="constrained"
)
epochs = range(len(history.loss))
cr.plots.curves(
    {"training": (epochs, history.loss), "test": (epochs, history.val_loss)},
    xlabel="epoch",
    ylabel="cross-entropy loss",
    ax=left,
)
cr.plots.curves(
    {
        "training": (epochs, history.accuracy),
        "test": (epochs, history.val_accuracy),
    },
    xlabel="epoch",
    ylabel="share of correct answers",
    ylim=(0, 1.02),
    ax=right,
)
plt.show()
