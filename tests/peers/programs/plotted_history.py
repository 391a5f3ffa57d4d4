# Curves of loss and accuracy, as at the end of many notebooks
import matplotlib

matplotlib.use("Agg")
import keras
import matplotlib.pyplot as plt
import numpy as np

rng = np.random.default_rng(67)
X = rng.normal(size=(100, 6))
y = (np.abs(X[:, 0]) > 0.6).astype(int)
model = keras.Sequential()
model.add(keras.layers.Dense(12, activation="relu", input_shape=(6,)))
model.add(keras.layers.Dense(1, activation="sigmoid"))
model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
history = model.fit(X, y, epochs=5, validation_split=0.3, verbose=0)

print(history.history.keys())
for what in ("accuracy", "loss"):
    plt.figure()
    plt.plot(history.history[what])
    plt.plot(history.history["val_" + what])
    plt.title("model " + what)
    plt.ylabel(what)
    plt.xlabel("epoch")
    plt.legend(["train", "val"], loc="upper left")
    plt.savefig(what + ".png")
    plt.close()
acc, val_acc = history.history["accuracy"], history.history["val_accuracy"]
epochs = range(1, len(acc) + 1)
best_epoch = int(np.argmin(history.history["val_loss"])) + 1
