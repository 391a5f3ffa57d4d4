"""A small language model: causal attention blocks that predict the next token everywhere."""

import keras
import numpy as np
from keras import layers, ops

vocab_size, maxlen, embed_dim, heads = 12, 8, 16, 2


class CausalBlock(layers.Layer):
    def __init__(self, dim, heads, **kwargs):
        super().__init__(**kwargs)
        self.att = layers.MultiHeadAttention(heads, dim // heads)
        self.dense1 = layers.Dense(4 * dim, activation="gelu")
        self.dense2 = layers.Dense(dim)
        self.norm1 = layers.LayerNormalization()
        self.norm2 = layers.LayerNormalization()

    def call(self, x):
        h = self.norm1(x)
        x = x + self.att(h, h, use_causal_mask=True)
        return x + self.dense2(self.dense1(self.norm2(x)))


class Tokens(layers.Layer):
    def __init__(self, vocab_size, maxlen, dim, **kwargs):
        super().__init__(**kwargs)
        self.tokens = layers.Embedding(vocab_size, dim)
        self.positions = layers.Embedding(maxlen, dim)

    def call(self, x):
        return self.tokens(x) + self.positions(ops.arange(x.shape[-1]))


text = np.tile(np.arange(vocab_size), 20)
windows = np.stack([text[i : i + maxlen + 1] for i in range(96)])
x, y = windows[:, :-1], windows[:, 1:]
model = keras.Sequential(
    [
        keras.Input((maxlen,), dtype="int32"),
        Tokens(vocab_size, maxlen, embed_dim),
        CausalBlock(embed_dim, heads),
        CausalBlock(embed_dim, heads),
        layers.LayerNormalization(),
        layers.Dense(vocab_size),
    ]
)
loss_fn = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
model.compile("adam", loss=loss_fn, metrics=["accuracy"])
history = model.fit(x, y, batch_size=32, epochs=3, verbose=0)
parameters = model.count_params()
tokens = list(range(maxlen))
for _ in range(3):
    logits = model.predict(np.array([tokens[-maxlen:]]), verbose=0)
    tokens.append(int(logits[0, -1].argmax()))
