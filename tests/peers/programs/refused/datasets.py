"""Data that come over the network."""

import keras

(x_train, y_train), (x_test, y_test) = keras.datasets.imdb.load_data(num_words=5000)
