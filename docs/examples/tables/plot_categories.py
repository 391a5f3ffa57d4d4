"""
A table with categories and gaps
================================

A table of rented bicycles has numbers, a category, and missing values.
``RealMLPRegressor`` takes it as it is, and a permutation of each column tells
what the predictions rest on.
"""

import matplotlib.pyplot as plt
import numpy as np
import pyarrow as pa

import chainrule as cr

BLUE, *_ = cr.plots.COLOURS

rng = np.random.default_rng(0)
n = 2000
hour = rng.integers(0, 24, n)
weather = rng.choice(["clear", "clouds", "rain"], n, p=[0.5, 0.3, 0.2])
temperature = rng.normal(15, 8, n)
commute = np.exp(-(((hour - 8) / 1.5) ** 2)) + np.exp(
    -(((hour - 17.5) / 2) ** 2)
)
bikes = (
    40
    + 180 * commute
    + 3 * temperature
    - 60 * (weather == "rain")
    + rng.normal(0, 15, n)
)
temperature[rng.random(n) < 0.1] = np.nan  # the thermometer was broken

table = pa.table(
    {
        "hour": hour,
        "weather": weather,
        "temperature": temperature,
        "coin": rng.choice(["heads", "tails"], n),  # says nothing
    }
)
print(table.slice(0, 3).to_pylist())

# %%
# The estimator's defaults were tuned on many tables; here it is smaller than
# by default, to be quick. It is fitted on the first 1,600 rows.

train, test = table.slice(0, 1600), table.slice(1600)
model = cr.estimators.RealMLPRegressor(
    hidden_layer_sizes=(64, 64), epochs=50, batch_size=128, random_state=0
)
model.fit(train, bikes[:1600])
score = model.score(test, bikes[1600:])
print(f"R² on the other rows: {score:.3f}")

# %%
# How much does R² fall where one column is shuffled? The hour matters most, and
# the coin nothing. On the right, the model's answer for each hour of a day at
# 15 °C.

importance = {}
for position, name in enumerate(table.column_names):
    shuffled = test.column(name).take(pa.array(rng.permutation(len(test))))
    importance[name] = score - model.score(
        test.set_column(position, name, shuffled), bikes[1600:]
    )
assert max(importance, key=importance.get) == "hour"
assert abs(importance["coin"]) < 0.01

figure, (left, right) = plt.subplots(
    1, 2, figsize=(8.5, 3.7), layout="constrained"
)
left.barh(list(importance), list(importance.values()), color=BLUE)
left.invert_yaxis()
cr.plots.finish(left, xlabel="fall of R² where the column is shuffled")
hours = np.arange(24)
for (name, style), colour in zip(
    {"clear": "-", "rain": "--"}.items(), cr.plots.COLOURS, strict=False
):
    day = {
        "hour": hours,
        "weather": [name] * 24,
        "temperature": [15.0] * 24,
        "coin": ["heads"] * 24,
    }
    right.plot(
        hours,
        model.predict(pa.table(day)),
        style,
        color=colour,
        linewidth=2,
        label=name,
    )
right.legend(frameon=False, title="weather")
right.set_xticks(range(0, 25, 6))
cr.plots.finish(
    right,
    xlabel="hour of the day",
    ylabel="bicycles in an hour",
    ylim=(0, None),
)
plt.show()
