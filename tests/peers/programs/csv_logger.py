# A log of every epoch in a table, and an end at NaN
import csv

import keras
import numpy as np
from keras.callbacks import CSVLogger, TerminateOnNaN

keras.utils.set_random_seed(12)
x = np.random.uniform(size=(50, 3))
y = x.max(axis=1)
model = keras.models.Sequential()
model.add(keras.layers.Dense(8, activation="sigmoid", input_shape=(3,)))
model.add(keras.layers.Dense(1, activation="linear"))
model.compile(optimizer="nadam", loss="mae", metrics=["mse"])
csv_logger = CSVLogger("training.log", separator=",", append=False)
model.fit(x, y, epochs=4, validation_split=0.2, callbacks=[csv_logger, TerminateOnNaN()], verbose=0)

with open("training.log") as file:
    rows = tuple(csv.DictReader(file))
columns = list(rows[0])
epochs = [int(row["epoch"]) for row in rows]
losses = [float(row["val_loss"]) for row in rows]
del rows
