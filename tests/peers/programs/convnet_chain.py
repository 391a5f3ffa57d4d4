# model.add chains, TensorFlow's import path, the short names of layers
import numpy as np
from sklearn.datasets import load_digits
from tensorflow.keras.layers import (
    BatchNormalization,
    Conv2D,
    Dense,
    Flatten,
    GlobalAveragePooling2D,
    LeakyReLU,
    MaxPool2D,
)
from tensorflow.keras.models import Sequential
from tensorflow.keras.optimizers import RMSprop
from tensorflow.keras.utils import to_categorical

X, y = load_digits(return_X_y=True)
X = X.reshape(-1, 8, 8, 1)[:300] / 16.0
Y = to_categorical(y[:300], num_classes=10)
X_train, X_val = X[:240], X[240:]
Y_train, Y_val = Y[:240], Y[240:]

model = Sequential()
model.add(Conv2D(filters=8, kernel_size=(3, 3), padding="Same", input_shape=(8, 8, 1)))
model.add(LeakyReLU(negative_slope=0.1))
model.add(BatchNormalization())
model.add(MaxPool2D(pool_size=(2, 2), strides=(2, 2)))
model.add(Conv2D(8, (3, 3), padding="same", use_bias=False))
model.add(BatchNormalization(momentum=0.9))
model.add(LeakyReLU())
model.add(GlobalAveragePooling2D())
model.add(Flatten())
model.add(Dense(10, activation="softmax"))

optimizer = RMSprop(learning_rate=0.001, rho=0.9, epsilon=1e-08)
model.compile(optimizer=optimizer, loss="categorical_crossentropy", metrics=["accuracy"])
history = model.fit(
    X_train, Y_train, batch_size=86, epochs=2, validation_data=(X_val, Y_val), verbose=2
)
val_loss, val_acc = model.evaluate(X_val, Y_val)
moving = model.layers[2].get_weights()[2]
trainable = sum(int(np.prod(w.shape)) for w in model.trainable_weights)
frozen = sum(int(np.prod(w.shape)) for w in model.non_trainable_weights)
