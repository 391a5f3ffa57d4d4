"""
Which pixels a prediction rests on
==================================

The gradient of a class's score with respect to the pixels, times the pixels,
gives each pixel a share in the score. For a network of relu units without
biases these shares add up to the score itself.
"""

import matplotlib.pyplot as plt
import numpy as np

import chainrule as cr

digits = cr.data.load_digits()


def scores(params, X):
    return cr.relu(X @ params["W"]) @ params["V"]


def loss(params, X, y):
    return cr.nll(cr.one_hot(10, y), cr.softmax(scores(params, X)))


rng = np.random.default_rng(0)
start = {"W": rng.normal(size=(64, 32)) / 8, "V": rng.normal(size=(32, 10)) / 6}
params, history = cr.minimize(
    loss,
    start,
    digits.X_train,
    digits.y_train,
    optimizer="adam",
    epochs=30,
    seed=0,
)
predicted = scores(params, digits.X_test).argmax(axis=1)
print(f"test accuracy {np.mean(predicted == digits.y_test):.3f}")


# %%
# ``cr.grad`` of the score of one class for one digit; ``cr.vmap`` does it for
# several digits at once.


def score(x, digit):
    return scores(params, x) @ cr.one_hot(10, digit)


samples = [int(np.argmax(digits.y_test == digit)) for digit in range(6)]
X, y = digits.X_test[samples].astype(float), digits.y_test[samples]
shares = X * cr.vmap(cr.grad(score))(X, y)
assert np.allclose(
    shares.sum(axis=1), [score(x, digit) for x, digit in zip(X, y, strict=True)]
)

# %%
# Red pixels speak for the digit's own class, blue pixels against it. An empty
# pixel can speak for a class, too: pixels are standardised, so an empty one is
# a negative number.

figure, grid = plt.subplots(2, 6, figsize=(8.5, 3.3), layout="constrained")
largest = np.abs(shares).max()
for column, (x, share) in enumerate(zip(X, shares, strict=True)):
    cr.plots.image(digits.image(x), f"digit {y[column]}", grid[0, column])
    cr.plots.image(
        share.reshape(8, 8),
        f"score {share.sum():.1f}",
        grid[1, column],
        cmap="RdBu_r",
        vmin=-largest,
        vmax=largest,
    )
figure.colorbar(grid[1, 5].images[0], ax=grid[1], label="share in\nthe score")
plt.show()
