"""
A program of Keras with one import changed
==========================================

A program for Keras trains a network of convolutions on scikit-learn's digits.
One line of it differs here: the import, which in Keras is ``import keras``.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from chainrule import keras  # in Keras: import keras

# %%
# From here on each line is Keras's, down to the callback that stops the
# training and restores the best weights.

keras.utils.set_random_seed(0)
images, labels = load_digits(return_X_y=True)
images = images.reshape(-1, 8, 8, 1).astype("float32") / 16
x_train, x_test, y_train, y_test = train_test_split(
    images, keras.utils.to_categorical(labels, 10), random_state=0
)

model = keras.Sequential(
    [
        keras.Input(shape=(8, 8, 1)),
        keras.layers.Conv2D(16, 3, activation="relu"),
        keras.layers.MaxPooling2D(2),
        keras.layers.Flatten(),
        keras.layers.Dropout(0.2),
        keras.layers.Dense(10, activation="softmax"),
    ]
)
model.compile(
    optimizer=keras.optimizers.Adam(learning_rate=0.01),
    loss="categorical_crossentropy",
    metrics=["accuracy"],
)
model.summary()

# %%
stop = keras.callbacks.EarlyStopping(
    monitor="val_loss", patience=3, restore_best_weights=True
)
history = model.fit(
    x_train,
    y_train,
    batch_size=32,
    epochs=30,
    validation_split=0.1,
    callbacks=[stop],
    verbose=0,
)
loss, accuracy = model.evaluate(x_test, y_test, verbose=0)
print(f"{len(history.epoch)} epochs, test accuracy {accuracy:.3f}")

# %%
# ``history`` is like Keras's, too. :doc:`/keras` lists what is there, and what
# differs.

figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
for name, label in {"loss": "training", "val_loss": "validation"}.items():
    axes.plot(history.epoch, history.history[name], label=label)
best = int(np.argmin(history.history["val_loss"]))
axes.axvline(best, color="0.5", linestyle=":", label="restored weights")
axes.set(xlabel="epoch", ylabel="cross-entropy loss", yscale="log")
axes.legend()
plt.show()
