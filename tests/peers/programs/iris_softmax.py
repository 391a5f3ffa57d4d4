# Three kinds of flowers
import numpy as np
from keras.layers import Dense
from keras.models import Sequential
from keras.utils import to_categorical
from sklearn.datasets import load_iris
from sklearn.metrics import classification_report, confusion_matrix
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import LabelEncoder, StandardScaler

iris = load_iris()
names = iris.target_names[iris.target]
encoder = LabelEncoder()
labels = encoder.fit_transform(names)
Y = to_categorical(labels)
X = StandardScaler().fit_transform(iris.data)
X_train, X_test, y_train, y_test = train_test_split(X, Y, test_size=0.2, random_state=1)


def baseline_model():
    model = Sequential()
    model.add(Dense(8, input_shape=(4,), activation="relu", kernel_initializer="he_uniform"))
    model.add(Dense(3, activation="softmax"))
    model.compile(loss="categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
    return model


model = baseline_model()
model.fit(X_train, y_train, epochs=20, batch_size=5, verbose=0)
loss, accuracy = model.evaluate(X_test, y_test, verbose=0)
print(f"Test loss: {loss:.3f}, accuracy: {accuracy:.3f}")
y_pred = np.argmax(model.predict(X_test), axis=1)
print(classification_report(np.argmax(y_test, axis=1), y_pred, zero_division=0))
matrix = confusion_matrix(np.argmax(y_test, axis=1), y_pred)
