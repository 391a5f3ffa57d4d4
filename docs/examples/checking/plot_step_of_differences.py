"""
The best step of a difference quotient
======================================

A derivative can be measured: evaluate the function twice, divide the difference
by the step. The step must not be too large, for the function bends, nor too
small, for numbers are rounded.
"""

import matplotlib.pyplot as plt
import numpy as np

import chainrule as cr

*_, GREY = cr.plots.COLOURS


def function(x):
    return np.exp(np.sin(3 * x))


x = 0.7
exact = cr.grad(function)(x)
steps = np.logspace(-15, 0, 300)

# %%
# Two quotients: forward, and central, which takes a step to both sides. The
# error of the first grows with the step, that of the second with its square.

forward = (function(x + steps) - function(x)) / steps
central = (function(x + steps) - function(x - steps)) / (2 * steps)
errors = {
    "forward difference": np.abs(forward - exact),
    "central difference": np.abs(central - exact),
}


def trend(errors):
    """Return the median error over twenty neighbouring steps."""
    return np.array(
        [np.median(errors[max(0, i - 10) : i + 10]) for i in range(len(errors))]
    )


# %%
# The right arms of both curves are the bending of the function, the left arm is
# rounding. The best central step is near the cube root of the machine's
# precision.

figure, axes = plt.subplots(figsize=(7.5, 4.5), layout="constrained")
for (name, error), colour in zip(
    errors.items(), cr.plots.COLOURS, strict=False
):
    axes.loglog(
        steps,
        np.maximum(error, 1e-16),
        ".",
        color=colour,
        markersize=3,
        alpha=0.5,
    )
    axes.loglog(steps, trend(error), color=colour, linewidth=2, label=name)
    best, least = steps[trend(error).argmin()], trend(error).min()
    print(f"{name}: best step about {best:.0e}, error {least:.0e}")
cube_root = np.cbrt(np.finfo(float).eps)
print(f"cube root of the precision: {cube_root:.0e}")
assert cube_root / 10 < best < cube_root * 10
axes.axvline(
    cube_root,
    color=GREY,
    linestyle="--",
    linewidth=1,
    label="cube root of the precision",
)
axes.legend(frameon=False, loc="lower left")
cr.plots.finish(axes, xlabel="step", ylabel="error of the derivative")
axes.set_xticks(
    10.0 ** np.arange(-15, 1, 3),
    [f"$10^{{{power}}}$" for power in range(-15, 1, 3)],
)
axes.set_yticks(
    10.0 ** np.arange(-15, 2, 3),
    [f"$10^{{{power}}}$" for power in range(-15, 2, 3)],
)
plt.show()
