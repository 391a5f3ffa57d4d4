# Keep the best weights in a file, then load them into a model of the same shape
import os

import numpy as np
from tensorflow.keras.callbacks import ModelCheckpoint
from tensorflow.keras.layers import Dense
from tensorflow.keras.models import Sequential

np.random.seed(5)
X = np.random.rand(120, 4)
y = (X[:, 0] > X[:, 1]).astype("float32")


def create_model():
    model = Sequential()
    model.add(Dense(10, input_dim=4, activation="relu"))
    model.add(Dense(1, activation="sigmoid"))
    model.compile(loss="binary_crossentropy", optimizer="adam", metrics=["accuracy"])
    return model


model = create_model()
os.makedirs("weights", exist_ok=True)
filepath = "weights/best-{epoch:02d}.weights.h5"
every = ModelCheckpoint(filepath, save_weights_only=True, verbose=0)
best = ModelCheckpoint(
    "best.weights.h5",
    monitor="val_accuracy",
    verbose=1,
    save_best_only=True,
    save_weights_only=True,
    mode="max",
)
history = model.fit(
    X, y, validation_split=0.33, epochs=5, batch_size=10, callbacks=[every, best], verbose=0
)
files = sorted(os.listdir("weights"))

restored = create_model()
restored.load_weights("best.weights.h5")
scores = restored.evaluate(X, y, verbose=0)
third = create_model()
third.load_weights("weights/best-03.weights.h5")
at_third = third.evaluate(X, y, verbose=0)
third.save_weights("third.weights.h5")
