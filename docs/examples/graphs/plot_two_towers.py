"""
Two towers: who likes which film
================================

A recommender learns a point for every user and a point for every film; the
product of the two says how much the user likes the film. Two inputs go through
two embeddings, the towers, and meet at the end.
"""

import matplotlib.pyplot as plt
import numpy as np

import chainrule as cr
from chainrule import keras
from chainrule.keras import layers

keras.utils.set_random_seed(0)
BLUE, ORANGE, *_ = cr.plots.COLOURS

# %%
# Ratings are made up: users have a taste between quiet and loud, and rate the
# films that agree with it high. Nobody has seen more than a part of the films.

rng = np.random.default_rng(0)
taste, loudness = rng.normal(size=60), rng.normal(size=40)
users, films = rng.integers(60, size=1200), rng.integers(40, size=1200)
ratings = 3 + taste[users] * loudness[films] + rng.normal(0, 0.2, size=1200)
ratings = ratings.astype("float32")

# %%
# The model. An embedding is a table with a row for each user or film.

user = layers.Input((1,), name="user", dtype="int32")
film = layers.Input((1,), name="film", dtype="int32")
film_table = layers.Embedding(40, 2, name="films")
u = layers.Flatten()(layers.Embedding(60, 2, name="users")(user))
f = layers.Flatten()(film_table(film))
usual = layers.Flatten()(layers.Embedding(40, 1, name="usual")(film))
model = keras.Model([user, film], layers.Dot(axes=1)([u, f]) + usual)
model.compile(keras.optimizers.Adam(0.02), "mse", metrics=["mae"])
history = model.fit(
    {"user": users, "film": films}, ratings, epochs=40, batch_size=32,
    validation_split=0.2, verbose=0,
)  # fmt: skip
print(
    f"mean absolute error of new ratings: {history.history['val_mae'][-1]:.2f}"
)

# %%
# Nobody told the model how loud a film is, and it has found out.

points = film_table.get_weights()[0]
direction = np.linalg.svd(points - points.mean(0), full_matrices=False)[2][0]
learned = points @ direction
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
for name, colour in (("loss", BLUE), ("val_loss", ORANGE)):
    left.plot(history.history[name], color=colour, label=name)
left.set(xlabel="epoch", ylabel="mean squared error", yscale="log")
left.legend()
right.scatter(loudness, learned, color=BLUE)
right.set(xlabel="loudness of the film", ylabel="learned coordinate")
plt.show()
