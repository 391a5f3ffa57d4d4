"""
A network in a web page
=======================

A trained network becomes a module of JavaScript that predicts and trains in a
browser, or a page that is one file. Neither needs Python or a server.
"""

import gzip
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import chainrule as cr

digits = cr.data.load_digits()
model = cr.Sequential(
    [
        cr.layers.Input((64,)),
        cr.layers.Dense(10, activation="sigmoid"),
        cr.layers.Dense(10, activation="softmax"),
    ],
    seed=0,
)
model.compile(
    cr.optimizers.SGD(0.5, momentum=0.9),
    "sparse_categorical_crossentropy",
    ["accuracy"],
)
model.fit(digits.X_train, digits.y_train, epochs=15, verbose=0)

# %%
# ``.mjs`` is a module for a page of one's own, ``.html`` a whole page with a
# pad to draw on. The page also holds 24 examples, and takes from them what a
# typical digit looks like.

examples = digits.X_test[:24], digits.y_test[:24]
with tempfile.TemporaryDirectory() as folder:
    module, page = Path(folder, "trains.mjs"), Path(folder, "page.html")
    model.export(module, training=True)
    model.export(page, examples=examples)
    files = {file.name: file.read_bytes() for file in (module, page)}

# %%
# The use of the module, in a page's script:
#
# .. code-block:: js
#
#    import { load } from "./trains.mjs";
#    const net = await load();
#    const scores = await net.predict(pixels);  // 64 numbers
#    await net.train(X, y, { epochs: 15 });
#
# A web server sends files compressed by gzip. These are the sizes of what
# travels.

weights = b"".join(np.asarray(array).tobytes() for array in model.get_weights())
files = {"the weights alone": weights, **files}
sizes = {name: len(gzip.compress(file)) / 1000 for name, file in files.items()}
for name, size in sizes.items():
    print(f"{name:18} {size:5.1f} kB")

figure, axes = plt.subplots(figsize=(7, 3), layout="constrained")
bars = axes.barh(
    list(sizes),
    list(sizes.values()),
    color=[cr.plots.COLOURS[i] for i in (5, 0, 1)],
)
axes.bar_label(bars, [f"{size:.0f} kB" for size in sizes.values()], padding=4)
axes.invert_yaxis()
cr.plots.finish(
    axes, xlabel="kilobytes, compressed", xlim=(0, max(sizes.values()) * 1.15)
)
plt.show()
