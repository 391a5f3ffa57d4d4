"""What compile takes besides loss and optimizer, given in many ways."""

import keras
import numpy as np

x = np.random.RandomState(0).rand(40, 3)
y = x.sum(axis=1, keepdims=True)


def model():
    return keras.Sequential([keras.layers.Dense(4, activation="relu"), keras.layers.Dense(1)])


histories = []
for options in [
    {"run_eagerly": False},
    {"jit_compile": True},
    {"steps_per_execution": 2},
    {"metrics": ["mae", keras.metrics.MeanSquaredError(), keras.losses.mean_absolute_error]},
    {"weighted_metrics": ["mse"]},
]:
    one = model()
    one.compile(optimizer="sgd", loss="mse", **options)
    history = one.fit(x, y, epochs=2, batch_size=10, verbose=0)
    histories.append(history.history)

clipped = model()
clipped.compile(keras.optimizers.SGD(1.0, clipvalue=0.01, nesterov=True, momentum=0.5), "mae")
histories.append(clipped.fit(x, y, epochs=2, verbose=0).history)
averaged = model()
averaged.compile(keras.optimizers.Adam(0.01, use_ema=True, ema_momentum=0.9, amsgrad=True), "mse")
histories.append(averaged.fit(x, y, epochs=2, verbose=0).history)
again = model()
again.compile("adam", "mse")
again.fit(x, y, epochs=1, verbose=0)
steps_done = int(again.optimizer.iterations)
