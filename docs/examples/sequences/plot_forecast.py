"""
A forecast with a recurrent layer
=================================

The temperature has a rhythm of days and a slow drift of weather. A GRU reads
three days, hour by hour, and forecasts the next hour; fed with its own
forecasts, it goes on.
"""

import matplotlib.pyplot as plt
import numpy as np

import chainrule as cr

BLUE, ORANGE, *_ = cr.plots.COLOURS

rng = np.random.default_rng(0)
hours = np.arange(24 * 90)
weather = np.zeros(len(hours))
for hour in hours[1:]:
    weather[hour] = 0.98 * weather[hour - 1] + rng.normal(0, 0.3)
temperature = 12 + 5 * np.sin(2 * np.pi * (hours - 9) / 24) + weather
series = ((temperature - temperature.mean()) / temperature.std()).astype(
    "float32"
)

# %%
# A sample is 72 hours, its target the hour after them. The last ten days are
# kept aside.

PAST, TEST = 72, 240
windows = np.lib.stride_tricks.sliding_window_view(series, PAST + 1)[:-TEST:4]
model = cr.Sequential([cr.layers.GRU(16), cr.layers.Dense(1)], seed=0)
model.compile(cr.optimizers.Adam(0.01), "mse")
history = model.fit(
    windows[:, :PAST, None], windows[:, PAST:], epochs=12, verbose=0
)

# %%
# Two forecasts of 48 hours. Each hour that was forecast becomes the newest
# input of the next one.


def forecast(start, length=48):
    past = list(series[start - PAST : start])
    for _ in range(length):
        past.append(
            model.predict(np.array(past[-PAST:])[None, :, None], verbose=0)[
                0, 0
            ]
        )
    return np.array(past[PAST:]) * temperature.std() + temperature.mean()


figure, axes = plt.subplots(figsize=(9, 4), layout="constrained")
first = len(hours) - TEST
axes.plot(
    np.arange(TEST) / 24,
    temperature[first:],
    color=BLUE,
    linewidth=1.6,
    label="measured",
)
for number, start in enumerate([first + 72, first + 168]):
    ahead = forecast(start)
    error = np.abs(ahead - temperature[start : start + 48]).mean()
    print(f"from day {(start - first) // 24}: mean error {error:.1f} °C")
    axes.plot(
        (start - first + np.arange(48)) / 24,
        ahead,
        "--",
        color=ORANGE,
        linewidth=2,
        label="forecast of 48 hours" if number == 0 else None,
    )
axes.legend(frameon=False, loc="upper left", ncols=2)
cr.plots.finish(
    axes, xlabel="day", ylabel="temperature in °C", ylim=(None, 20.5)
)
plt.show()
