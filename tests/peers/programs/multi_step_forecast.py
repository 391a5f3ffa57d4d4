# Several steps ahead for several series
import numpy as np
from keras.layers import GRU, LSTM, Dense, Reshape, TimeDistributed
from keras.models import Sequential


def split_sequences(sequence, n_steps_in, n_steps_out):
    X, y = list(), list()
    for i in range(len(sequence)):
        end_ix = i + n_steps_in
        out_end_ix = end_ix + n_steps_out
        if out_end_ix > len(sequence):
            break
        seq_x, seq_y = sequence[i:end_ix], sequence[end_ix:out_end_ix]
        X.append(seq_x)
        y.append(seq_y)
    return np.array(X), np.array(y)


t = np.linspace(0, 12, 70)
sequence = np.stack([np.sin(t), np.cos(2 * t)], axis=1)
n_steps_in, n_steps_out = 6, 2
X, y = split_sequences(sequence, n_steps_in, n_steps_out)
n_features = X.shape[2]
model = Sequential()
model.add(LSTM(10, activation="relu", return_sequences=True, input_shape=(n_steps_in, n_features)))
model.add(LSTM(10, activation="relu"))
model.add(Dense(n_steps_out * n_features))
model.add(Reshape((n_steps_out, n_features)))
model.compile(optimizer="adam", loss="mse")
history = model.fit(X, y, epochs=3, verbose=0)
x_input = X[-1].reshape((1, n_steps_in, n_features))
yhat = model.predict(x_input, verbose=0)
print(yhat)

backwards = Sequential()
backwards.add(
    GRU(6, go_backwards=True, return_sequences=True, input_shape=(n_steps_in, n_features))
)
backwards.add(TimeDistributed(Dense(3)))
backwards.add(LSTM(4, recurrent_activation="hard_sigmoid", unit_forget_bias=False))
backwards.add(Dense(1))
backwards.compile(loss="mae", optimizer="rmsprop")
second = backwards.fit(X, y[:, 0, :1], epochs=3, batch_size=16, verbose=0)
