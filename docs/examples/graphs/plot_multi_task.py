"""
Two questions to one network: species and petal
===============================================

From the sepals of an iris, a network tells the species and the length of the
petals. The two answers share a hidden layer. Each has its own loss, and the
losses are weighed against one another.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_iris

from chainrule import keras
from chainrule.keras import layers

keras.utils.set_random_seed(0)
iris = load_iris()
order = np.random.default_rng(0).permutation(150)
flowers = iris.data[order].astype("float32")
sepals, petals = flowers[:, :2], flowers[:, 2:3]
species = iris.target[order]
train, held = slice(100), slice(100, None)

# %%
# The model. Outputs have names, by which they get losses, weights and metrics.

inputs = keras.Input((2,), name="sepals")
scale = layers.Normalization()
scale.adapt(sepals[train])
shared = layers.Dense(16, activation="relu")(scale(inputs))
kind = layers.Dense(3, activation="softmax", name="species")(shared)
length = layers.Dense(1, name="petal")(shared)
model = keras.Model(inputs, [kind, length])
model.compile(
    optimizer=keras.optimizers.Adam(0.02),
    loss={"species": "sparse_categorical_crossentropy", "petal": "mse"},
    loss_weights={"species": 1.0, "petal": 0.5},
    metrics={"species": ["accuracy"], "petal": ["mae"]},
)
history = model.fit(
    sepals[train], {"species": species[train], "petal": petals[train]},
    validation_data=(sepals[held], [species[held], petals[held]]),
    epochs=60, batch_size=16, verbose=0,
)  # fmt: skip
scores = history.history
print(f"species that are right: {scores['val_species_accuracy'][-1]:.0%}")
print(f"mean error of the length: {scores['val_petal_mae'][-1]:.2f} cm")

# %%
# Both answers to flowers that were not seen in training.

chances, lengths = model.predict(sepals[held], verbose=0)
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
for name in ("species_loss", "petal_loss"):
    left.plot(scores[name], label=name)
left.set(xlabel="epoch", ylabel="loss", yscale="log")
left.legend()
for number, name in enumerate(iris.target_names):
    of_kind = chances.argmax(axis=1) == number
    right.scatter(petals[held][of_kind], lengths[of_kind], label=name)
right.axline((1, 1), slope=1, color="gray", linewidth=1)
right.set(xlabel="length of the petals, cm", ylabel="answer, cm")
right.legend(title="answer")
plt.show()
