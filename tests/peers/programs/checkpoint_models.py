"""Whole models in files: one per epoch, the best one, and the newest taken up again."""

import os

import keras
import numpy as np

rng = np.random.default_rng(11)
x = rng.normal(size=(90, 6)).astype("float32")
y = rng.integers(0, 3, size=90)
folder = "./ckpt"
if not os.path.exists(folder):
    os.makedirs(folder)


def make_or_restore():
    found = [os.path.join(folder, name) for name in sorted(os.listdir(folder))]
    if found:
        print("Restoring from", found[-1])
        return keras.models.load_model(found[-1])
    model = keras.Sequential(
        [
            keras.Input((6,)),
            keras.layers.Dense(12, activation="relu"),
            keras.layers.Dense(3, activation="softmax"),
        ]
    )
    model.compile(
        "rmsprop", "sparse_categorical_crossentropy", metrics=["sparse_categorical_accuracy"]
    )
    return model


model = make_or_restore()
callbacks = [
    keras.callbacks.ModelCheckpoint(filepath=os.path.join(folder, "model_{epoch}.keras")),
    keras.callbacks.ModelCheckpoint("best.keras", monitor="val_loss", save_best_only=True),
]
history = model.fit(x, y, epochs=3, validation_split=0.2, callbacks=callbacks, verbose=0)
model = make_or_restore()
more = model.fit(x, y, epochs=2, batch_size=16, verbose=0)
best = keras.saving.load_model("best.keras")
score = best.evaluate(x, y, verbose=0)
probabilities = best.predict(x[:4], verbose=0)

model.save("final.keras")
final = keras.models.load_model("final.keras")
same = bool(np.allclose(final.predict(x, verbose=0), model.predict(x, verbose=0)))
names = sorted(os.listdir(folder))
