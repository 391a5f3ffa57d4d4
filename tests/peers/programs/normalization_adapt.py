"""Inputs are normalized within the model, by what a layer has seen beforehand."""

import keras
import numpy as np
from keras import layers
from sklearn.datasets import load_wine

features, cultivar = load_wine(return_X_y=True)
features = features.astype("float32")
order = np.random.RandomState(0).permutation(len(features))
features, cultivar = features[order], cultivar[order]

normalizer = layers.Normalization(axis=-1)
normalizer.adapt(features)
scaled = np.array(normalizer(features[:5]))

model = keras.Sequential(
    [normalizer, layers.Dense(16, activation="relu"), layers.Dense(3, activation="softmax")]
)
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
history = model.fit(features[:140], cultivar[:140], epochs=6, batch_size=20, verbose=0,
                    validation_data=(features[140:], cultivar[140:]))  # fmt: skip
loss, accuracy = model.evaluate(features[140:], cultivar[140:], verbose=0)
fixed = layers.Normalization(mean=3.0, variance=2.0)(np.array([[1.0, 5.0]], "float32"))
unit = keras.utils.normalize(np.array([[3.0, 4.0]]))
