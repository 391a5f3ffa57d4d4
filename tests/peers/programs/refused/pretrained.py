"""A network that others have trained."""

import keras

base = keras.applications.MobileNetV2(weights=None, input_shape=(32, 32, 3), include_top=False)
