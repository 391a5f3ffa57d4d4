# Images through a bottleneck and back
import numpy as np
from keras.layers import Conv2D, Input, MaxPooling2D, UpSampling2D, ZeroPadding2D
from keras.models import Sequential

rng = np.random.default_rng(3)
images = rng.uniform(size=(40, 7, 7, 1)).astype("float32")
padded = np.pad(images, ((0, 0), (0, 1), (0, 1), (0, 0)))

model = Sequential()
model.add(Input(shape=(7, 7, 1)))
model.add(ZeroPadding2D(((0, 1), (0, 1))))
model.add(Conv2D(8, (3, 3), activation="relu", padding="same"))
model.add(MaxPooling2D((2, 2), padding="same"))
model.add(Conv2D(4, (3, 3), activation="relu", padding="same"))
model.add(MaxPooling2D((2, 2), padding="same"))
encoded_shape = model.output_shape
model.add(Conv2D(4, (3, 3), activation="relu", padding="same"))
model.add(UpSampling2D((2, 2)))
model.add(Conv2D(8, (3, 3), activation="relu", padding="same"))
model.add(UpSampling2D(size=2, interpolation="nearest"))
model.add(Conv2D(1, (3, 3), activation="sigmoid", padding="same"))
model.compile(optimizer="adadelta", loss="mse")
history = model.fit(images, padded, epochs=3, batch_size=10, verbose=2)
decoded = model.predict(images)
