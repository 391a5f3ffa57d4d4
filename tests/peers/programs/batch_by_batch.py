"""A training loop of one's own with train_on_batch."""

import keras
import numpy as np

rng = np.random.default_rng(5)
x = rng.normal(size=(64, 4)).astype("float32")
y = (x[:, 0] > 0).astype("float32").reshape(-1, 1)
model = keras.Sequential(
    [keras.layers.Dense(6, activation="relu"), keras.layers.Dense(1, "sigmoid")]
)
model.compile(loss="binary_crossentropy", optimizer="adam", metrics=["accuracy"])

batch_size = 16
log = []
for epoch in range(3):
    for start in range(0, len(x), batch_size):
        xb, yb = x[start : start + batch_size], y[start : start + batch_size]
        loss, accuracy = model.train_on_batch(xb, yb)
    log.append((float(loss), float(accuracy)))
    print(f"epoch {epoch}: loss {loss:.3f}, accuracy {accuracy:.3f}")

named = model.train_on_batch(x, y, return_dict=True)
tested = model.test_on_batch(x, y)
predicted = model.predict_on_batch(x[:5])
print(model.metrics_names)
plain = keras.Sequential([keras.layers.Dense(1)])
plain.compile("sgd", "mse")
alone = [float(plain.train_on_batch(x, y)) for _ in range(2)]
weighted = float(plain.train_on_batch(x, y, sample_weight=np.linspace(0, 1, 64)))
