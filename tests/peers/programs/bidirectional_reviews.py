"""Reviews as numbers of words, read from both ends."""

import keras
import numpy as np
from keras import layers

max_features = 50
maxlen = 16
rng = np.random.default_rng(23)
texts = [list(rng.integers(1, max_features, size=rng.integers(4, 24))) for _ in range(96)]
labels = np.array([int(sum(t) / len(t) > max_features / 2) for t in texts])
x_train = keras.utils.pad_sequences(texts[:64], maxlen=maxlen)
x_val = keras.utils.pad_sequences(texts[64:], maxlen=maxlen)
y_train, y_val = labels[:64], labels[64:]
print(len(x_train), "Training sequences")

model = keras.Sequential()
model.add(keras.Input(shape=(None,), dtype="int32"))
model.add(layers.Embedding(max_features, 8))
model.add(layers.Bidirectional(layers.LSTM(6, return_sequences=True)))
model.add(layers.Bidirectional(layers.LSTM(6)))
model.add(layers.Dense(1, activation="sigmoid"))
model.summary()
model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
history = model.fit(
    x_train, y_train, batch_size=32, epochs=2, validation_data=(x_val, y_val), verbose=0
)
probabilities = model.predict(x_val, verbose=0)
