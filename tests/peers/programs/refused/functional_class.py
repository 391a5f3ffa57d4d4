"""The class Model with inputs and outputs."""

import keras

first = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, name="features")])
extractor = keras.Model(inputs=first.inputs, outputs=first.get_layer("features").output)
