"""
The law of a pendulum from its swings
=====================================

A pendulum is filmed, and its length and friction are to be found. The
simulation is a loop of small time steps; ``cr.scan`` differentiates through it,
so gradient descent fits the constants.
"""

import matplotlib.pyplot as plt
import numpy as np

import chainrule as cr

BLUE, ORANGE, *_, GREY = cr.plots.COLOURS

STEP, STEPS = 0.02, 300  # seconds, and their number
time = STEP * np.arange(1, STEPS + 1)


def swing(constants, angle):
    """Return the angle after each time step."""
    gravity_by_length, friction = np.exp(constants)

    def step(state, _):
        angle, speed = state
        speed = speed - STEP * (
            gravity_by_length * np.sin(angle) + friction * speed
        )
        angle = angle + STEP * speed
        return (angle, speed), angle

    return cr.scan(step, (angle, 0.0 * angle), length=STEPS)[1]


# %%
# The film, made by the same law with a length of 0.8 m and a friction of 0.3
# per second, and with errors of measurement. The pendulum is let go at 2
# radians.

LENGTH, FRICTION = 0.8, 0.3
rng = np.random.default_rng(0)
filmed = swing(np.log([9.81 / LENGTH, FRICTION]), np.float64(2.0)) + rng.normal(
    0, 0.08, STEPS
)

# %%
# The logarithms of both constants are fitted, so that the constants stay
# positive. The window of time grows: a guess that is wrong would be out of step
# with the film after some swings, and the gradient of little use.


def loss(constants, filmed, weight):
    return np.sum(
        weight * (swing(constants, np.float64(2.0)) - filmed) ** 2
    ) / np.sum(weight)


gradient = cr.jit(cr.value_and_grad(loss))
optimizer = cr.optimizers.Adam(0.02)
constants = np.log([9.81 / 1.5, 1.0])
state = optimizer.init(constants)
guesses = [swing(constants, np.float64(2.0))]
for update in range(600):
    weight = (time < 1 + update / 80).astype(float)
    value, slope = gradient(constants, filmed, weight)
    constants, state = optimizer.update(constants, slope, state)
guesses.append(swing(constants, np.float64(2.0)))

length, friction = 9.81 / np.exp(constants[0]), np.exp(constants[1])
print(f"length {length:.3f} m, friction {friction:.3f} per second")
assert abs(length - LENGTH) < 0.01
assert abs(friction - FRICTION) < 0.03

# %%
# The first guess, a long pendulum with much friction, is far off; the fitted
# law goes through the measured points.

figure, axes = plt.subplots(figsize=(9, 4), layout="constrained")
axes.plot(time[::3], filmed[::3], ".", color=GREY, label="filmed")
axes.plot(
    time, guesses[0], "--", color=ORANGE, linewidth=1.8, label="first guess"
)
axes.plot(time, guesses[1], color=BLUE, linewidth=2, label="fitted")
axes.legend(frameon=False, loc="lower right", ncols=3)
cr.plots.finish(
    axes, xlabel="time in seconds", ylabel="angle in radians", ylim=(-2.6, 2.2)
)
plt.show()
