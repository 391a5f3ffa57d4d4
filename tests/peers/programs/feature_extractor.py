"""What a layer within a trained model gives, and a new head on frozen layers."""

import numpy as np
import keras

rng = np.random.default_rng(1)
x = rng.normal(size=(40, 4)).astype("float32")
y = (x[:, :1] > 0).astype("float32")

first = keras.Sequential(
    [
        keras.Input((4,)),
        keras.layers.Dense(3, activation="tanh", name="features"),
        keras.layers.Dense(1, activation="sigmoid"),
    ]
)
first.compile("sgd", "binary_crossentropy")
first.fit(x, y, epochs=2, batch_size=8, verbose=0, shuffle=False)
extractor = keras.Model(inputs=first.inputs, outputs=first.get_layer("features").output)
features = extractor.predict(x, verbose=0)

extractor.trainable = False
inputs = keras.Input((4,))
outputs = keras.layers.Dense(2, activation="softmax")(extractor(inputs, training=False))
second = keras.Model(inputs, outputs)
second.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
second.fit(x, y[:, 0].astype("int32"), epochs=2, batch_size=8, verbose=0, shuffle=False)
unchanged = extractor.predict(x, verbose=0)
trained = len(second.trainable_weights)
