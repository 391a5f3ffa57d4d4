"""Addition as translation: the sum of two numbers, digit by digit."""

import keras
import numpy as np
from keras import layers

DIGITS = 2
MAXLEN = DIGITS + 1 + DIGITS
chars = "0123456789+ "


class CharacterTable:
    def __init__(self, chars):
        self.chars = sorted(set(chars))
        self.char_indices = {c: i for i, c in enumerate(self.chars)}

    def encode(self, text, num_rows):
        x = np.zeros((num_rows, len(self.chars)))
        for i, c in enumerate(text):
            x[i, self.char_indices[c]] = 1
        return x

    def decode(self, x):
        return "".join(self.chars[i] for i in x.argmax(axis=-1))


table = CharacterTable(chars)
rng = np.random.default_rng(0)
pairs = rng.integers(0, 10**DIGITS, size=(120, 2))
x = np.array([table.encode(f"{a}+{b}".ljust(MAXLEN), MAXLEN) for a, b in pairs])
y = np.array([table.encode(str(a + b).ljust(DIGITS + 1), DIGITS + 1) for a, b in pairs])

model = keras.Sequential()
model.add(layers.Input((MAXLEN, len(chars))))
model.add(layers.LSTM(16))
model.add(layers.RepeatVector(DIGITS + 1))
model.add(layers.LSTM(16, return_sequences=True))
model.add(layers.TimeDistributed(layers.Dense(8, activation="relu")))
model.add(layers.Dense(len(chars), activation="softmax"))
model.compile(loss="categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
model.summary()
for _ in range(2):
    history = model.fit(x[:100], y[:100], batch_size=20, epochs=1,
                        validation_data=(x[100:], y[100:]))  # fmt: skip
preds = np.argmax(model.predict(x[100:103]), axis=-1)
guess = table.decode(np.eye(len(chars))[preds[0]])
