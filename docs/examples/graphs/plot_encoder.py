"""
An encoder with attention: does the first letter come again?
============================================================

Attention lets each position of a sequence look at all others. An encoder is
attention and a small network, each with a connection past it (Vaswani et al.,
2017). Letter by letter the question cannot be answered: one has to compare.
"""

import matplotlib.pyplot as plt
import numpy as np

from chainrule import keras
from chainrule.keras import layers

keras.utils.set_random_seed(0)
LETTERS, LENGTH, WIDTH = 8, 10, 16

# %%
# Sequences of letters. In half of them no letter equals the first, in the other
# half one does.

rng = np.random.default_rng(0)
first = rng.integers(LETTERS, size=(3000, 1))
others = (first + rng.integers(1, LETTERS, size=(3000, LENGTH - 1))) % LETTERS
words = np.concatenate([first, others], axis=1)
again = rng.integers(2, size=3000)
place = rng.integers(1, LENGTH, size=3000)
words[again == 1, place[again == 1]] = first[again == 1, 0]

# %%
# The model: a graph, in which a value goes through a layer and past it. The
# first position has a mark.

mark = np.zeros((LENGTH, WIDTH), "float32")
mark[0, 0] = 1


def encoder(x):
    h = layers.LayerNormalization()(x)
    x = x + layers.MultiHeadAttention(num_heads=2, key_dim=8)(h, h)
    h = layers.LayerNormalization()(x)
    h = layers.Dense(32, activation="relu")(h)
    return x + layers.Dense(WIDTH)(h)


inputs = keras.Input((LENGTH,), dtype="int32")
x = encoder(layers.Embedding(LETTERS, WIDTH)(inputs) + mark)
x = layers.GlobalMaxPooling1D()(layers.LayerNormalization()(x))
model = keras.Model(inputs, layers.Dense(1, activation="sigmoid")(x))
model.compile(
    keras.optimizers.Adam(0.01), "binary_crossentropy", metrics=["accuracy"]
)
history = model.fit(
    words, again[:, None], epochs=15, batch_size=50, validation_split=0.1,
    verbose=0,
)  # fmt: skip
scores = history.history
print(f"answers that are right: {scores['val_accuracy'][-1]:.0%}")

# %%
# One sequence in which the fourth letter is changed to each of the eight: only
# that which equals the first makes a difference.

word = np.array([[3, 1, 0, 6, 2, 7, 5, 1, 4, 0]] * LETTERS)
word[:, 3] = range(LETTERS)
chances = model.predict(word, verbose=0)[:, 0]
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
left.plot(scores["accuracy"], label="in training")
left.plot(scores["val_accuracy"], label="of other sequences")
left.set(xlabel="epoch", ylabel="accuracy")
left.legend()
right.bar(range(LETTERS), chances)
right.set(
    xlabel="fourth letter; the first is 3", ylabel="chance that it comes again",
    xticks=range(LETTERS),
)  # fmt: skip
plt.show()
