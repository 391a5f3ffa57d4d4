"""
A loss of your own: lines that outliers do not pull
===================================================

Any function of parameters and data, written in NumPy, can be a loss. Three of
them fit a line to the same points, of which some are wrong.
"""

import matplotlib.pyplot as plt
import numpy as np

import chainrule as cr

*_, GREY = cr.plots.COLOURS

rng = np.random.default_rng(0)
x = np.linspace(0, 10, 60)
y = 0.5 * x + 1 + rng.normal(0, 0.3, 60)
y[45:55] -= 6  # a loose contact

# %%
# The Huber loss is a parabola near zero and a line beyond, so that a far point
# pulls no harder than a near one. The Cauchy loss grows like a logarithm: the
# farther a point, the less it pulls.


def square(residual):
    return residual**2


def huber(residual, width=0.5):
    size = np.abs(residual)
    return np.where(size < width, residual**2 / 2, width * (size - width / 2))


def cauchy(residual, width=0.5):
    return np.log1p((residual / width) ** 2)


def fitted(penalty, start):
    def loss(line, x, y):
        return np.mean(penalty(line[0] + line[1] * x - y))

    adam = cr.optimizers.Adam(0.03)
    return cr.minimize(
        loss, start, x, y, optimizer=adam, batch_size=60, epochs=1500
    )[0]


# %%
# The true slope is 0.5. The square loss bends the line towards the ten wrong
# points. The Cauchy loss has several lowest points, since it can take other
# points for the wrong ones; so each fit begins with the line of the one before.

figure, (left, right) = plt.subplots(
    1, 2, figsize=(8.5, 3.7), width_ratios=[1.4, 1], layout="constrained"
)
left.plot(x, y, "o", color=GREY, markersize=4)
residuals = np.linspace(-4, 4, 201)
slopes, line = {}, np.zeros(2)
for penalty, style, colour in zip(
    [square, huber, cauchy], ["-.", "--", "-"], cr.plots.COLOURS, strict=False
):
    line = fitted(penalty, line)
    slopes[penalty.__name__] = line[1]
    print(f"{penalty.__name__:7} slope {line[1]:.2f}")
    left.plot(
        x,
        line[0] + line[1] * x,
        style,
        color=colour,
        linewidth=2,
        label=penalty.__name__,
    )
    right.plot(
        residuals,
        penalty(residuals),
        style,
        color=colour,
        linewidth=2,
        label=penalty.__name__,
    )
assert abs(slopes["cauchy"] - 0.5) < 0.05 < 0.1 < abs(slopes["square"] - 0.5)
left.legend(frameon=False)
cr.plots.finish(left, xlabel="time in seconds", ylabel="voltage in volts")
cr.plots.finish(right, xlabel="residual in volts", ylabel="loss", ylim=(0, 6))
plt.show()
