# The same model with many optimizers, activations and initializers
import keras
import numpy as np
from keras.layers import Dense
from keras.models import Sequential

rng = np.random.default_rng(41)
X = rng.normal(size=(60, 4))
y = (X.sum(axis=1) > 0).astype(int)


def create_model(optimizer="adam", init="glorot_uniform", activation="relu"):
    model = Sequential()
    model.add(Dense(6, input_shape=(4,), kernel_initializer=init, activation=activation))
    model.add(Dense(1, kernel_initializer=init, activation="sigmoid"))
    model.compile(loss="binary_crossentropy", optimizer=optimizer, metrics=["accuracy"])
    return model


results = {}
for optimizer in [
    "SGD",
    "RMSprop",
    "Adagrad",
    "Adadelta",
    "Adam",
    "Adamax",
    "Nadam",
    "ftrl",
    "lion",
]:
    model = create_model(optimizer)
    results[optimizer] = model.fit(X, y, epochs=2, batch_size=20, verbose=0).history["loss"]
for activation in ["softmax", "softplus", "softsign", "relu", "tanh", "sigmoid", "hard_sigmoid",
                   "linear", "swish", "gelu", "mish", "exponential"]:  # fmt: skip
    model = create_model(activation=activation)
    results[activation] = model.evaluate(X, y, verbose=0)
for init in ["uniform", "lecun_uniform", "normal", "zeros", "glorot_normal", "he_normal",
             "orthogonal"]:  # fmt: skip
    results[init] = create_model(init=init).count_params()
small = keras.initializers.RandomNormal(stddev=0.01)
results["small"] = create_model(init=small).evaluate(X, y, verbose=0)
best = min(["SGD", "RMSprop", "Adam"], key=lambda name: results[name][-1])
