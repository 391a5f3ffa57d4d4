"""An autoencoder: two stacks, one for each half, and one stack of both."""

import keras
from keras import layers
from sklearn.datasets import load_digits

encoding_dim = 8
x = (load_digits().data / 16).astype("float32")
x_train, x_test = x[:400], x[400:500]

encoder = keras.Sequential(
    [
        keras.Input(shape=(64,)),
        layers.Dense(32, activation="relu"),
        layers.Dense(encoding_dim, activation="relu"),
    ],
    name="encoder",
)
decoder = keras.Sequential(
    [
        keras.Input(shape=(encoding_dim,)),
        layers.Dense(32, activation="relu"),
        layers.Dense(64, activation="sigmoid"),
    ],
    name="decoder",
)
autoencoder = keras.Sequential([encoder, decoder])
autoencoder.compile(optimizer="adam", loss="binary_crossentropy")
history = autoencoder.fit(
    x_train, x_train, epochs=4, batch_size=64, shuffle=False, validation_data=(x_test, x_test)
)
autoencoder.summary()
encoded_imgs = encoder.predict(x_test)
decoded_imgs = decoder.predict(encoded_imgs)
error = float(((decoded_imgs - x_test) ** 2).mean())
names = [layer.name for layer in autoencoder.layers]
inner = [layer.__class__.__name__ for layer in autoencoder.layers[0].layers]
parameters = autoencoder.count_params()
