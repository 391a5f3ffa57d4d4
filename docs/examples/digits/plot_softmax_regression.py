"""
Softmax regression as ten pictures
==================================

Without a hidden layer, every class has one weight per pixel. The ten pictures
of weights show all that such a model knows about digits.
"""

import matplotlib.pyplot as plt

import chainrule as cr

digits = cr.data.load_digits()
model = cr.estimators.SoftmaxRegression(alpha=10.0).fit(
    digits.X_train, digits.y_train
)
print(f"test accuracy {model.score(digits.X_test, digits.y_test):.3f}")

# %%
# Red pixels speak for the class, blue ones against it. The zero has a blue
# middle, because ink there makes a zero unlikely. The penalty ``alpha`` keeps
# weights small and the pictures smooth.

assert model.coefs_[0][:, 0].reshape(8, 8)[2:6, 3:5].mean() < 0
figure = plt.figure(figsize=(9, 4))
axes = figure.add_axes((0.02, 0.04, 0.9, 0.86))
cr.plots.weight_images(
    model.coefs_[0], [f"class {digit}" for digit in range(10)], axes
)
plt.show()
