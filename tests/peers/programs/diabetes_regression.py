"""Regression with scaled inputs, several errors, early stopping and its best weights."""

import keras
from keras import layers
from keras.callbacks import EarlyStopping
from sklearn.datasets import load_diabetes
from sklearn.metrics import r2_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

X, y = load_diabetes(return_X_y=True)
y = y / 100
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.25, random_state=42)
scaler = StandardScaler()
X_train = scaler.fit_transform(X_train)
X_test = scaler.transform(X_test)

model = keras.Sequential()
model.add(layers.Input(shape=(X_train.shape[1],)))
model.add(layers.Dense(32, activation="relu"))
model.add(layers.Dense(16, activation="relu"))
model.add(layers.Dense(1))
model.compile(
    optimizer=keras.optimizers.Adam(learning_rate=0.01),
    loss="mse",
    metrics=["mae", "mse", keras.metrics.RootMeanSquaredError(name="rmse")],
)
stop = EarlyStopping(monitor="val_loss", patience=3, restore_best_weights=True, verbose=1)
history = model.fit(
    X_train, y_train, epochs=30, batch_size=32, validation_split=0.2, callbacks=[stop], verbose=0
)
epochs_done = len(history.history["loss"])
stopped = stop.stopped_epoch
results = model.evaluate(X_test, y_test, verbose=0, return_dict=True)
y_pred = model.predict(X_test).flatten()
r2 = r2_score(y_test, y_pred)
