"""
A network as a file that needs NumPy alone
==========================================

``eject`` writes a trained network as a Python module: its prediction, its
gradient and its training, in code to be read. The module does not import
chainrule.
"""

import importlib.util
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_iris

import chainrule as cr

X, y = load_iris(return_X_y=True)
X = X[:, 2:]  # length and width of the petals, in centimetres
model = cr.Sequential(
    [
        cr.layers.Input((2,)),
        cr.layers.Dense(8, "tanh"),
        cr.layers.Dense(3, "softmax"),
    ],
    seed=0,
)
model.compile(cr.optimizers.Adam(0.03), "sparse_categorical_crossentropy")
model.fit(X, y, epochs=60, verbose=0)

# %%
# The module and its weights are two files; they are imported like any other
# module.

with tempfile.TemporaryDirectory() as folder:
    path = Path(folder, "petals.py")
    model.eject(path)
    text = path.read_text(encoding="utf-8")
    specification = importlib.util.spec_from_file_location("petals", path)
    petals = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(petals)
    weights = petals.load()
print(f"{len(text.splitlines())} lines, {len(weights)} arrays of weights")
assert "chainrule" not in "".join(
    line for line in text.splitlines() if "import" in line
)

# %%
# The first lines of what one reads in it: the prediction.

start = text.index("def predict")
print(text[start : text.index("\n\n\n", start)])

# %%
# The picture is made with the module's ``predict`` and NumPy.

length, width = np.meshgrid(
    np.linspace(0.5, 7.5, 150), np.linspace(0, 2.7, 120)
)
points = np.column_stack([length.ravel(), width.ravel()]).astype("float32")
species = petals.predict(weights, points).argmax(axis=1).reshape(length.shape)
assert np.array_equal(
    species.ravel(), model.predict(points, verbose=0).argmax(axis=1)
)

figure, axes = plt.subplots(figsize=(7, 4.4), layout="constrained")
axes.contourf(
    length,
    width,
    species,
    [-0.5, 0.5, 1.5, 2.5],
    colors=cr.plots.COLOURS[:3],
    alpha=0.25,
)
for kind, (name, marker) in enumerate(
    {"setosa": "o", "versicolor": "s", "virginica": "^"}.items()
):
    axes.plot(
        *X[y == kind].T,
        marker,
        color=cr.plots.COLOURS[kind],
        markersize=5,
        label=name,
    )
axes.legend(loc="upper left", title="iris")
cr.plots.finish(
    axes, xlabel="length of a petal in cm", ylabel="width of a petal in cm"
)
plt.show()
