"""
A network learns the digits
===========================

The lab's network, trained with momentum.
"""

import matplotlib.pyplot as plt

import chainrule as cr

digits = cr.data.load_digits()
model = cr.Sequential(
    [cr.layers.Dense(10, activation="sigmoid"), cr.layers.Dense(10, activation="softmax")]
)
model.compile(cr.optimizers.SGD(1.0, momentum=0.9), "sparse_categorical_crossentropy", ["accuracy"])
history = model.fit(digits.X_train, digits.y_train, epochs=15, batch_size=32, verbose=0)
plt.plot(history.history["loss"])
plt.xlabel("epoch")
plt.ylabel("loss")
