# Activities from windows of sensors: one-dimensional convolutions and pools
from numpy import dstack, mean, random, std
from tensorflow.keras.layers import AveragePooling1D, Conv1D, Dense, Flatten, MaxPooling1D
from tensorflow.keras.layers import GlobalAveragePooling1D, UpSampling1D, ZeroPadding1D
from tensorflow.keras.models import Sequential
from tensorflow.keras.utils import to_categorical

random.seed(1)
trainX = dstack([random.randn(80, 32) for _ in range(3)])
labels = (trainX[:, :, 0].mean(axis=1) > 0).astype(int) + (trainX[:, 0, 1] > 0)
trainy = to_categorical(labels)
testX, testy = trainX[60:], trainy[60:]
trainX, trainy = trainX[:60], trainy[:60]


def evaluate_model(trainX, trainy, testX, testy):
    verbose, epochs, batch_size = 0, 2, 16
    n_timesteps, n_features, n_outputs = trainX.shape[1], trainX.shape[2], trainy.shape[1]
    model = Sequential()
    model.add(ZeroPadding1D(2, input_shape=(n_timesteps, n_features)))
    model.add(Conv1D(filters=8, kernel_size=3, activation="relu"))
    model.add(AveragePooling1D(2))
    model.add(Conv1D(filters=8, kernel_size=3, activation="relu", strides=2, padding="same"))
    model.add(UpSampling1D(2))
    model.add(MaxPooling1D(pool_size=2, strides=1))
    model.add(Flatten())
    model.add(Dense(10, activation="relu"))
    model.add(Dense(n_outputs, activation="softmax"))
    model.compile(loss="categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
    model.fit(trainX, trainy, epochs=epochs, batch_size=batch_size, verbose=verbose)
    _, accuracy = model.evaluate(testX, testy, batch_size=batch_size, verbose=0)
    return accuracy


scores = [evaluate_model(trainX, trainy, testX, testy) * 100.0 for _ in range(2)]
m, s = mean(scores), std(scores)
print("Accuracy: %.3f%% (+/-%.3f)" % (m, s))
pooled = Sequential([Conv1D(4, 3, activation="relu"), GlobalAveragePooling1D(), Dense(3)])
pooled.compile("sgd", "mse")
history = pooled.fit(trainX, trainy, epochs=2, verbose=0)
