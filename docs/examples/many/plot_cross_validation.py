"""
A search by cross-validation
============================

``SweepCV`` has the interface of scikit-learn's searches. It searches the
penalty and the size of a network for two interleaving half moons, with five
folds.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import make_moons

import chainrule as cr

X, y = make_moons(400, noise=0.25, random_state=0)


def build(penalty, hidden):
    model = cr.Sequential(
        [
            cr.layers.Dense(
                hidden, "tanh", kernel_regularizer=cr.regularizers.L2(penalty)
            ),
            cr.layers.Dense(2, "softmax"),
        ]
    )
    model.compile(
        cr.optimizers.Adam(0.03),
        "sparse_categorical_crossentropy",
        ["accuracy"],
    )
    return model


# %%
# A grid of 20 settings, each trained on five folds: a hundred networks. All
# with the same number of hidden units share one compiled training loop.

penalties, sizes = [0.0, 0.0001, 0.001, 0.01, 0.1], [1, 2, 4, 16]
search = cr.sweeps.SweepCV(
    build,
    {"penalty": penalties, "hidden": sizes},
    search="grid",
    cv=5,
    epochs=40,
    batch_size=16,
    monitor="val_accuracy",
    verbose=0,
)
search.fit(X, y)
print(search.best_params_, f"accuracy {search.best_score_:.3f}")

# %%
# The mean accuracy of the five folds. One or two hidden units cannot bend the
# boundary enough, and a strong penalty keeps it straight.

results = search.cv_results_
accuracy = {
    (setting["hidden"], setting["penalty"]): score
    for setting, score in zip(
        results["params"], results["mean_test_score"], strict=True
    )
}
scores = np.array(
    [[accuracy[size, penalty] for penalty in penalties] for size in sizes]
)
assert scores[0].max() < scores[-1, 0] > scores[-1, -1]
figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
cr.plots.heat_map(
    scores,
    sizes,
    penalties,
    xlabel="weight of the penalty",
    ylabel="hidden units",
    title="accuracy, mean of five folds",
    write="{:.3f}".format,
    mark=np.unravel_index(scores.argmax(), scores.shape),
    ax=axes,
)
plt.show()
