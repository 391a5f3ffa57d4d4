"""
The worst predictions
=====================

The test digits to which the network gave the least probability for their true
class. To look at them is the quickest way to find wrong labels, and to learn
what a network cannot see.
"""

import matplotlib.pyplot as plt
import numpy as np

import chainrule as cr

digits = cr.data.load_digits()
model = cr.Sequential(
    [
        cr.layers.Dense(32, activation="relu"),
        cr.layers.Dense(10, activation="softmax"),
    ],
    seed=0,
)
model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
model.fit(digits.X_train, digits.y_train, epochs=20, verbose=0)

# %%
# ``predict`` returns ten probabilities for each digit. The loss of a digit is
# the negative logarithm of the one that belongs to its true class, so sorting
# by this probability sorts by the loss.

probabilities = model.predict(digits.X_test, verbose=0)
of_truth = probabilities[np.arange(len(digits.y_test)), digits.y_test]
worst = np.argsort(of_truth)[:10]
wrong = np.sum(probabilities.argmax(axis=1) != digits.y_test)
print(f"{wrong} of {len(digits.y_test)} test digits are wrong")

# %%
# Above each picture stands its label, and the class that the network saw with
# its probability. Some of the ten are right, but with little confidence.

figure, grid = plt.subplots(2, 5, figsize=(9, 4.6), layout="constrained")
for axes, sample in zip(grid.flat, worst, strict=True):
    label, guess = digits.y_test[sample], probabilities[sample].argmax()
    title = (
        f"label {label}\nseen as {guess}: {probabilities[sample, guess]:.0%}"
    )
    cr.plots.image(digits.image(digits.X_test[sample]), title, axes)
plt.show()
