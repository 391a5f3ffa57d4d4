"""
Intervals instead of single numbers
===================================

A prediction of a quantity should say how sure it is. Two networks with the
quantile loss predict the bounds between which nine values in ten lie, also
where the noise is different from place to place.
"""

import matplotlib.pyplot as plt
import numpy as np

import chainrule as cr

BLUE, *_, GREY = cr.plots.COLOURS

rng = np.random.default_rng(0)


def measured(n):
    x = rng.uniform(0, 10, n)
    return x[:, None], np.sin(x) + x / 5 + rng.normal(size=n) * (0.1 + 0.06 * x)


X, y = measured(2000)
X_margin, y_margin = measured(1000)
X_test, y_test = measured(1000)

# %%
# The quantile loss for 0.95 asks for a value that 95 % of the measurements stay
# below.


def fitted(quantile):
    model = cr.estimators.MLPRegressor(
        "quantile",
        (64, 64),
        quantile=quantile,
        activation="gelu",
        columns="auto",
        batch_size=32,
        learning_rate_init=0.003,
        max_iter=500,
        random_state=0,
    )
    return model.fit(X, y)


low, middle, high = (fitted(quantile) for quantile in (0.05, 0.5, 0.95))

# %%
# Networks know their own samples better than new ones, so the interval is
# somewhat narrow. Measurements that were held back tell how far it must be
# widened for nine in ten to be inside (conformalized quantile regression).

outside = np.maximum(
    low.predict(X_margin) - y_margin, y_margin - high.predict(X_margin)
)
margin = np.quantile(outside, 0.9)


def interval(X):
    return low.predict(X) - margin, high.predict(X) + margin


bottom, top = interval(X_test)
within = np.mean((bottom <= y_test) & (y_test <= top))
print(f"{within:.1%} of 1,000 new measurements lie within the interval")
assert 0.87 < within < 0.93

# %%
# The interval is narrow on the left, where measurements are precise, and wide
# on the right.

line = np.linspace(0, 10, 200)[:, None]
figure, axes = plt.subplots(figsize=(8, 4.4), layout="constrained")
axes.plot(
    X_test[:, 0],
    y_test,
    ".",
    color=GREY,
    markersize=4,
    label="new measurements",
)
axes.fill_between(
    line[:, 0], *interval(line), color=BLUE, alpha=0.35, label="90 % interval"
)
axes.plot(line, middle.predict(line), color=BLUE, linewidth=2, label="median")
axes.legend(frameon=False, loc="upper left")
cr.plots.finish(axes, xlabel="time in seconds", ylabel="signal in volts")
plt.show()
