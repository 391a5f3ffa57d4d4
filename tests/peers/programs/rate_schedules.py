"""Learning rates that follow a schedule, for every schedule there is."""

import keras
import numpy as np
from keras.optimizers import schedules

rng = np.random.default_rng(1)
x = rng.normal(size=(96, 3))
y = (x @ [1.0, -2.0, 0.5])[:, None]

plans = {
    "exponential": schedules.ExponentialDecay(0.1, decay_steps=4, decay_rate=0.9),
    "staircase": schedules.ExponentialDecay(0.1, decay_steps=4, decay_rate=0.5, staircase=True),
    "piecewise": schedules.PiecewiseConstantDecay([3, 6], [0.1, 0.05, 0.01]),
    "polynomial": schedules.PolynomialDecay(0.1, decay_steps=8, end_learning_rate=0.01, power=2.0),
    "inverse": schedules.InverseTimeDecay(0.1, decay_steps=2, decay_rate=0.5),
    "cosine": schedules.CosineDecay(0.0, 8, warmup_target=0.1, warmup_steps=2),
    "restarts": schedules.CosineDecayRestarts(0.1, 3),
}
losses = {}
values = {}
for name, plan in plans.items():
    keras.backend.clear_session()
    model = keras.Sequential([keras.Input(shape=(3,)), keras.layers.Dense(1)])
    model.compile(optimizer=keras.optimizers.SGD(learning_rate=plan), loss="mse")
    history = model.fit(x, y, epochs=2, batch_size=32, verbose=0)
    losses[name] = history.history["loss"]
    values[name] = [float(plan(step)) for step in (0, 3, 7)]
