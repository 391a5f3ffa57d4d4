"""Layers frozen one by one: all but the last, then thawed again."""

import keras
import numpy as np

layer1 = keras.layers.Dense(3, activation="relu")
layer2 = keras.layers.Dense(3, activation="sigmoid")
model = keras.Sequential([keras.Input(shape=(3,)), layer1, layer2])
layer1.trainable = False
initial_layer1_weights = layer1.get_weights()
model.compile(optimizer="adam", loss="mse")
rng = np.random.RandomState(2)
x, y = rng.random_sample((6, 3)), rng.random_sample((6, 3))
first = model.fit(x, y, epochs=2)
final_layer1_weights = layer1.get_weights()
np.testing.assert_allclose(initial_layer1_weights[0], final_layer1_weights[0])
np.testing.assert_allclose(initial_layer1_weights[1], final_layer1_weights[1])

deep = keras.Sequential(
    [
        keras.Input(shape=(3,)),
        keras.layers.Dense(8, activation="relu"),
        keras.layers.Dense(8, activation="relu"),
        keras.layers.Dense(3),
    ]
)
for layer in deep.layers[:-1]:
    layer.trainable = False
counts = [len(deep.trainable_weights), len(deep.non_trainable_weights), len(deep.weights)]
deep.compile("sgd", "mse")
second = deep.fit(x, y, epochs=2, verbose=0)
for layer in deep.layers:
    layer.trainable = True
deep.compile(keras.optimizers.SGD(1e-3), "mse")
third = deep.fit(x, y, epochs=2, verbose=0)
flags = [layer.trainable for layer in deep.layers]

layer = keras.layers.BatchNormalization()
layer.build((None, 4))
normal = [len(layer.weights), len(layer.trainable_weights), len(layer.non_trainable_weights)]
