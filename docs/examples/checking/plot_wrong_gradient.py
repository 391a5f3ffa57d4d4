"""
A wrong gradient is found, and its line
=======================================

Somebody derived a gradient by hand and made a mistake. ``cr.check_gradients``
compares it with the right one, and tells what is wrong and where.
"""

import matplotlib.pyplot as plt
import numpy as np

import chainrule as cr


def loss(params, X, y):
    h = np.tanh(X @ params["W"] + params["b"])
    error = h @ params["v"] - y
    return np.mean(error**2)


def my_gradient(params, X, y):
    h = np.tanh(X @ params["W"] + params["b"])
    d_error = 2 * (h @ params["v"] - y) / len(X)
    d_h = np.outer(d_error, params["v"])
    return {"W": X.T @ d_h, "b": d_h.sum(axis=0), "v": h.T @ d_error}


# %%
# The check needs parameters and a few samples. It looks for a small change of
# the code after which the gradient is right.

rng = np.random.default_rng(0)
params = {
    "W": rng.normal(size=(3, 4)),
    "b": np.zeros(4),
    "v": rng.normal(size=4),
}
report = cr.check_gradients(loss, my_gradient)(
    params, rng.normal(size=(8, 3)), rng.normal(size=8)
)
for diagnosis in report.diagnoses:
    print(diagnosis.what)
    print("it must be:", diagnosis.where.repaired.strip())
assert not report.passed

# %%
# The picture shows the gradient by hand, the right one, and their difference.
# The gradient of ``v`` is right and not drawn; so the mistake is on the way
# from ``h`` back to ``W`` and ``b``: the derivative of the tanh.

report.plot()
plt.show()
