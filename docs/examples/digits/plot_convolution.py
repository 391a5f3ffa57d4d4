"""
The filters of a convolution, and what they find
================================================

A convolution slides small filters over the picture. Each filter makes a picture
of its own, a feature map, which is bright where the filter fits.
"""

import matplotlib.pyplot as plt
import numpy as np

import chainrule as cr

digits = cr.data.load_digits()
images = digits.X_train.reshape(-1, 8, 8, 1)
test_images = digits.X_test.reshape(-1, 8, 8, 1)
model = cr.Sequential(
    [
        cr.layers.Conv2D(8, 3, activation="relu"),
        cr.layers.MaxPooling2D(),
        cr.layers.Flatten(),
        cr.layers.Dense(10, activation="softmax"),
    ],
    seed=0,
)
model.compile(
    cr.optimizers.Adam(0.01), "sparse_categorical_crossentropy", ["accuracy"]
)
model.fit(images, digits.y_train, epochs=8, verbose=0)
loss, accuracy = model.evaluate(test_images, digits.y_test, verbose=0)
print(f"{model.count_params()} weights, test accuracy {accuracy:.3f}")

# %%
# The first layer alone is a function of a picture: a digit of 8 × 8 pixels
# becomes 8 maps of 6 × 6.

sample = int(np.argmax(digits.y_test == 4))
layer = model.layers[0]
maps = np.asarray(layer(test_images[sample : sample + 1]))[0]
print(test_images[sample].shape, "→", maps.shape)

# %%
# The upper row shows the filters (red: positive weights, blue: negative ones),
# the lower row the map that each of them makes of the digit on the left. Nobody
# designed the filters: they are learned from the labels alone.

figure, grid = plt.subplots(2, 9, figsize=(9, 2.5), layout="constrained")
filters = np.asarray(layer.kernel)[:, :, 0]
largest = np.abs(filters).max()
grid[0, 0].set_axis_off()
cr.plots.image(digits.image(digits.X_test[sample]), "the digit", grid[1, 0])
for index in range(8):
    cr.plots.image(
        filters[:, :, index],
        f"filter {index}",
        grid[0, index + 1],
        cmap="RdBu_r",
        vmin=-largest,
        vmax=largest,
    )
    cr.plots.image(
        maps[:, :, index],
        f"map {index}",
        grid[1, index + 1],
        cmap="viridis",
        vmin=0,
        vmax=maps.max(),
    )
plt.show()
