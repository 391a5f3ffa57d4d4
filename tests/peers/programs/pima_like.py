# Binary classification of a table, as in many first tutorials
from keras.layers import Dense
from keras.models import Sequential
from numpy import random

random.seed(7)
dataset = random.normal(size=(200, 9))
dataset[:, 8] = dataset[:, 0] + dataset[:, 1] * dataset[:, 2] > 0
# split into input (X) and output (Y) variables
X = dataset[:, 0:8]
Y = dataset[:, 8]
# create model
model = Sequential()
model.add(Dense(12, input_dim=8, kernel_initializer="uniform", activation="relu"))
model.add(Dense(8, kernel_initializer="uniform", activation="relu"))
model.add(Dense(1, kernel_initializer="uniform", activation="sigmoid"))
# Compile model
model.compile(loss="binary_crossentropy", optimizer="adam", metrics=["accuracy"])
# Fit the model
history = model.fit(X, Y, validation_split=0.33, epochs=15, batch_size=10, verbose=0)
print(history.history.keys())
# evaluate the model
scores = model.evaluate(X, Y)
print("\n%s: %.2f%%" % (model.metrics_names[1], scores[1] * 100))
# calculate predictions
predictions = model.predict(X)
rounded = [round(float(x[0])) for x in predictions]
classes = (predictions > 0.5).astype(int)
for i in range(5):
    print("%s => %d (expected %d)" % (X[i].tolist(), classes[i, 0], Y[i]))
