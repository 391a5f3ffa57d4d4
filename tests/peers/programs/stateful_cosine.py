# A recurrent layer that keeps its state between batches
import numpy as np
from keras.layers import LSTM, Dense, Input
from keras.models import Sequential

tsteps = 2
batch_size = 4
epochs = 3
series = np.cos(np.arange(81) / 6).astype("float32")
x = np.stack([series[i : i + tsteps] for i in range(64)])[:, :, None]
y = series[tsteps : tsteps + 64][:, None]

model = Sequential()
model.add(Input(batch_shape=(batch_size, tsteps, 1)))
model.add(LSTM(6, return_sequences=True, stateful=True))
model.add(LSTM(6, stateful=True))
model.add(Dense(1))
model.compile(loss="mse", optimizer="rmsprop")
losses = []
for i in range(epochs):
    print("Epoch", i + 1, "/", epochs)
    history = model.fit(x, y, batch_size=batch_size, epochs=1, verbose=0, shuffle=False)
    losses.append(history.history["loss"][0])
    for layer in model.layers:
        if hasattr(layer, "reset_states"):
            layer.reset_states()
predicted_output = model.predict(x, batch_size=batch_size)
once_more = model.predict(x, batch_size=batch_size)
moved = bool(np.abs(once_more - predicted_output).max() > 1e-6)
