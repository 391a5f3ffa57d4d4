"""A sweep on two workers against the same on two threads: ``python benchmarks/cluster_sweep.py``.

Models are the lab's network. Efficiency is the threads' time divided by the workers'; the clusters
are up before, and a short sweep has let every process compile. Less than three minutes.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np
from distributed import Client, LocalCluster

import chainrule as cr

SPACE = {"lr": cr.sweeps.LogUniform(1e-2, 1.0)}


def build(lr: Any) -> Any:
    """Return the lab's network."""
    layers = cr.layers
    model = cr.Sequential([layers.Dense(10, "sigmoid"), layers.Dense(10, "softmax")])
    model.compile(cr.optimizers.SGD(lr), "sparse_categorical_crossentropy", ["accuracy"])
    return model


def timed(models: int, **how: Any) -> tuple[float, float, Any]:
    """Return wall and processor seconds of a sweep, and its scores."""
    digits = cr.data.load_digits()
    X, y = digits.X_train.astype(np.float32), digits.y_train
    wall, cpu = time.perf_counter(), time.process_time()
    result = cr.sweep(build, SPACE, X, y, models=models, epochs=15, verbose=0, **how)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return wall, cpu, result.table["val_loss"]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--models", type=int, default=4000)
    models = options.parse_args().models
    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
        ) as cluster,
        Client(cluster) as client,
    ):  # fmt: skip
        for where in ({"workers": 2}, {"client": client}):
            timed(40, **where)
        threads, cpu, first = timed(models, workers=2)
        before = sum(client.run(time.process_time).values())
        workers, driver, second = timed(models, client=client)
        spent = sum(client.run(time.process_time).values()) - before
    print(f"{models} models on two threads: {threads:.2f} s, processor time {cpu:.2f} s")
    print(
        f"on two workers: {workers:.2f} s, processor time {spent:.2f} s of workers and "
        f"{driver:.2f} s here"
    )
    print(f"efficiency: {threads / workers:.0%}, by processor time {cpu / (spent + driver):.0%}; "
          f"same table: {np.array_equal(first, second)}")  # fmt: skip


if __name__ == "__main__":
    main()
