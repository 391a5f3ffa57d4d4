"""A stack of layers in three ways: as a list, layer by layer, with names."""

import keras
from keras import layers, ops

model = keras.Sequential(
    [
        layers.Dense(4, activation="relu", name="first"),
        layers.Dense(3, activation="relu", name="second"),
        layers.Dense(2, name="third"),
    ]
)
built_before = model.built
y = model(ops.ones((5, 6)))
shape = tuple(y.shape)
number_of_weights = len(model.weights)

grown = keras.Sequential(name="grown")
grown.add(layers.Dense(4, activation="relu"))
grown.add(layers.Dense(3, activation="relu"))
grown.add(layers.Dense(2))
grown.pop()
left = len(grown.layers)
name = grown.name

names = [layer.name for layer in model.layers]
first = model.get_layer("first")
units = first.units
kernel_shape = tuple(first.kernel.shape)
activation = first.get_config()["activation"]

lonely = layers.Dense(3)
before = len(lonely.weights)
answer = lonely(ops.ones((2, 4)))
after = len(lonely.weights)
model.summary()
