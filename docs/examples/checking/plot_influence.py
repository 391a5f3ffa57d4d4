"""
Wrong labels by the gradients of single samples
===============================================

``cr.vmap`` of ``cr.grad`` gives the gradient of every sample. Samples that pull
hardest at a trained model are those that it cannot explain: among them are
wrong labels.
"""

import matplotlib.pyplot as plt
import numpy as np

import chainrule as cr

BLUE, *_, GREY = cr.plots.COLOURS

digits = cr.data.load_digits()
X, y = digits.X_train.astype(float), digits.y_train.copy()
rng = np.random.default_rng(0)
mislabelled = rng.choice(len(y), 40, replace=False)
y[mislabelled] = (
    y[mislabelled] + rng.integers(1, 10, 40)
) % 10  # forty wrong labels


def loss(params, X, y):
    return cr.nll(cr.one_hot(10, y), cr.softmax(X @ params["W"] + params["b"]))


start = {"W": np.zeros((64, 10)), "b": np.zeros(10)}
params, history = cr.minimize(
    loss, start, X, y, optimizer="adam", epochs=30, seed=0
)

# %%
# ``in_axes`` tells that the parameters are shared, and that samples and labels
# are taken one by one. The result has the structure of the parameters, with one
# more axis, the samples'.


def loss_of_one(params, x, label):
    return loss(params, x[None], np.reshape(label, (1,)))


gradients = cr.vmap(cr.grad(loss_of_one), in_axes=(None, 0, 0))(params, X, y)
lengths = np.sqrt(
    sum(np.sum(g.reshape(len(X), -1) ** 2, axis=1) for g in gradients.values())
)
ranking = np.argsort(-lengths)
hits = np.isin(ranking, mislabelled)
print(f"wrong labels among the 40 longest gradients: {hits[:40].sum()}")
print(f"wrong labels among the 80 longest gradients: {hits[:80].sum()}")
assert hits[:80].sum() >= 36

# %%
# Nearly all wrong labels are among the first eighty of 1,527 samples. On the
# right, the first eight and their labels.

figure = plt.figure(figsize=(8.5, 3.7), layout="constrained")
left, right = figure.subfigures(1, 2)
axes = left.subplots()
axes.plot(
    np.arange(1, 201),
    np.cumsum(hits)[:200],
    color=BLUE,
    linewidth=2,
    label="by length of gradient",
)
axes.plot(
    [1, 200],
    np.array([1, 200]) * 40 / len(y),
    "--",
    color=GREY,
    label="at random",
)
axes.legend(frameon=False, loc="center right")
cr.plots.finish(
    axes, xlabel="samples looked at", ylabel="wrong labels found (of 40)"
)
for panel, sample in zip(right.subplots(2, 4).flat, ranking, strict=False):
    cr.plots.image(
        digits.image(digits.X_train[sample]), f"label {y[sample]}", panel
    )
plt.show()
