"""Two workers against one, on the network of workload D: ``python benchmarks/cluster.py``.

Rows lie on the workers, as Dask's arrays. For each number of workers a cluster of this machine's
processes is started, a short run compiles, then a run is timed; the same run in this process, with
one thread, tells what exchange and scheduling cost. Less than three minutes.
"""

from __future__ import annotations

import argparse
import os
import time
from typing import Any

os.environ["CHAINRULE_NUM_THREADS"] = "1"  # of this process, as of each worker

import dask.array as da
import numpy as np
from distributed import Client, LocalCluster

import chainrule as cr
from workloads import D

ROWS, SHARDS, STEPS = 102_400, 8, 100  # rows of an epoch; updates of a round


def model() -> Any:
    """Return workload D as a model."""
    sizes = D.network.sizes
    hidden = [cr.layers.Dense(n, D.network.activation) for n in sizes[1:-1]]
    made = cr.Sequential(
        [cr.layers.Input(sizes[:1]), *hidden, cr.layers.Dense(sizes[-1], "softmax")], seed=0
    )
    made.compile(D.optimizer, "sparse_categorical_crossentropy", engine="compiled")
    return made


def data() -> tuple[Any, Any]:
    """Return random rows, the same everywhere."""
    rng = np.random.default_rng(0)
    return rng.random((ROWS, D.network.sizes[0]), dtype=np.float32), rng.integers(0, 10, ROWS)


def timed(x: Any, y: Any, epochs: int, **how: Any) -> tuple[float, Any]:
    """Return the seconds of a run, and its weights."""
    options = {"batch_size": D.batch_size, "shards": SHARDS, "round_steps": STEPS, "seed": 0}
    network = model()
    began = time.perf_counter()
    network.fit(x, y, epochs=epochs, verbose=0, **options, **how)
    return time.perf_counter() - began, network.get_weights()


def on_workers(count: int, epochs: int) -> tuple[float, float, Any]:
    """Return wall and processor seconds of a run on so many workers, and its weights."""
    with (
        LocalCluster(
            n_workers=count, threads_per_worker=1, processes=True, host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
        ) as cluster,
        Client(cluster) as client,
    ):  # fmt: skip
        X, y = data()
        rows = ROWS // SHARDS
        x = da.from_array(X, chunks=(rows, X.shape[1])).persist()
        labels = da.from_array(y, chunks=rows).persist()
        timed(x, labels, 1, client=client)
        before = sum(client.run(time.process_time).values())
        seconds, weights = timed(x, labels, epochs, client=client)
        return seconds, sum(client.run(time.process_time).values()) - before, weights


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--epochs", type=int, default=10)
    epochs = options.parse_args().epochs
    X, labels = data()
    rows = ROWS // SHARDS  # the same partitions: what lies together is part of the result
    x, y = da.from_array(X, chunks=(rows, X.shape[1])), da.from_array(labels, chunks=rows)
    timed(x, y, 1, n_workers=0)
    here, weights = timed(x, y, epochs, n_workers=0)
    print(f"in this process: {here:.2f} s")
    one, cpu, first = on_workers(1, epochs)
    print(f"one worker: {one:.2f} s, {one / here:.2f} of that, processor time {cpu:.2f} s")
    two, both, second = on_workers(2, epochs)
    print(f"two workers: {two:.2f} s, processor time {both:.2f} s")
    same = all(
        np.array_equal(a, b) for w in (first, second) for a, b in zip(weights, w, strict=True)
    )
    print(f"two workers are {one / two:.2f} times as fast as one; same bits: {same}")
    print(f"processor time: {both / cpu:.3f} of that of one worker")


if __name__ == "__main__":
    main()
