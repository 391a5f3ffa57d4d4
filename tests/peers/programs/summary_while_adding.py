"""Look at the summary after every few layers, to see how large the images still are."""

import keras
from keras import layers

model = keras.Sequential()
model.add(keras.Input(shape=(64, 48, 3)))
model.add(layers.Conv2D(8, 5, strides=2, activation="relu"))
model.add(layers.Conv2D(8, 3, activation="relu"))
model.add(layers.MaxPooling2D(3))
model.summary()
so_far = model.output_shape

model.add(layers.Conv2D(16, 3, activation="relu", padding="same"))
model.add(layers.MaxPooling2D(2))
model.summary()
model.add(layers.GlobalMaxPooling2D())
model.add(layers.Dense(10))
model.summary()

lines = []
model.summary(print_fn=lambda line, **kwargs: lines.append(line))
mentions_dense = "dense" in "\n".join(lines)
del lines

in_the_end = model.output_shape
taken = model.input_shape
parameters = model.count_params()
by_layer = [layer.count_params() for layer in model.layers]
kinds = [layer.__class__.__name__ for layer in model.layers]
trainable = len(model.trainable_weights)
