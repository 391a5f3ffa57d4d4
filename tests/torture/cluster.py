"""Workers and schedulers killed at random moments: ``python -m tests.torture.cluster COUNT SEED``.

A run in rounds loses workers again and again, and must end as a run in peace, to the bit. Another
loses its whole cluster, and goes on from its checkpoint on a new one.
"""

import os
import random
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from contextlib import contextmanager
from pathlib import Path

from distributed import Client, LocalCluster
from tests.cluster.models import X, Y, assert_same, fitted, network
from tests.cluster.test_faults import CLUSTER, arrays

import chainrule as cr

HOW = {"epochs": 10, "timeout": 120}


def run(**how):
    return fitted(*arrays(), network("momentum"), **HOW, **how)


class Workers:
    """Two processes of workers of a scheduler, started again whenever they end.

    Dask's nannies would do that, but now and then one does not start another worker.
    """

    def __init__(self, address, folder):
        self.command = [
            sys.executable, "-m", "dask", "worker", address, "--no-nanny", "--nthreads", "1",
            "--no-dashboard", "--host", "127.0.0.1", "--local-directory", folder,
        ]  # fmt: skip
        self.over = threading.Event()
        self.processes = [self.started(), self.started()]
        self.watcher = threading.Thread(target=self.watch)
        self.watcher.start()

    def started(self):
        return subprocess.Popen(self.command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def watch(self):
        while not self.over.wait(0.1):
            for number, process in enumerate(self.processes):
                if process.poll() is not None:
                    self.processes[number] = self.started()

    def end(self):
        self.over.set()
        self.watcher.join()
        for process in self.processes:
            process.kill()
            process.wait()


@contextmanager
def two_workers():
    """Give two workers on this machine, and a client."""
    with (
        LocalCluster(n_workers=0, host="127.0.0.1", dashboard_address="127.0.0.1:0") as cluster,
        Client(cluster) as client,
        tempfile.TemporaryDirectory() as folder,
    ):
        workers = Workers(cluster.scheduler_address, folder)
        try:
            yield workers, client
        finally:
            workers.end()


def kill_workers(count, chance, expected):
    """Kill workers in one run after another; return how many runs that took."""
    n_runs = n_killed = 0
    with two_workers() as (workers, client):
        while n_killed < count:
            over = threading.Event()

            def kills(over=over):
                nonlocal n_killed
                while n_killed < count and not over.wait(chance.uniform(0.1, 4.0)):
                    if len(client.nthreads()) >= 1 + n_killed % 2:  # the last one, one of two
                        workers.processes[chance.randrange(2)].kill()
                        n_killed += 1

            thread = threading.Thread(target=kills)
            thread.start()
            try:
                assert_same(expected, run(client=client))
            finally:
                over.set()
                thread.join()
            n_runs += 1
    return n_runs


def kill_clusters(count, chance, expected):
    """Kill the process with the scheduler, until a run is at its end; so many times over all."""
    n_killed = n_ended = 0
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "cluster.py"
        script.write_text(CLUSTER)
        while n_killed < count:
            process = subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True)
            client = Client(process.stdout.readline().strip(), timeout=60)
            timer = threading.Timer(chance.uniform(0.1, 3.0), process.kill)
            timer.start()
            path = Path(folder) / f"run-{n_ended}"
            try:
                assert_same(expected, run(client=client, checkpoint=path))
                n_ended += 1
            except (cr.errors.ClusterError, OSError):
                n_killed += 1
            finally:
                timer.cancel()
                process.kill()
                process.wait()
                process.stdout.close()
                client.close(timeout=1)
    return n_ended


def kill_by_build():
    """Search with models that end the process in which they are built; return how many."""

    def build(lr, hidden):
        if hidden == 7:
            os._exit(1)
        model = cr.Sequential([cr.layers.Dense(hidden, "tanh"), cr.layers.Dense(3, "softmax")])
        model.compile(cr.optimizers.SGD(lr), "sparse_categorical_crossentropy")
        return model

    space = {"lr": [0.1], "hidden": [4, 5, 6, 7]}
    how = {"search": "grid", "epochs": 2, "verbose": 0}
    with two_workers() as (_, client):
        table = cr.sweep(build, space, X, Y, client=client, **how).table
    here = cr.sweep(build, space | {"hidden": [4, 5, 6]}, X, Y, **how).table
    fails = table["hidden"] == 7
    assert all("KilledWorker" in error for error in table["error"][fails])
    by_settings = [dict(zip(zip(t["lr"], t["hidden"], strict=True), t["val_loss"], strict=True))
                   for t in (table, here)]  # fmt: skip
    assert all(by_settings[0][key] == score for key, score in by_settings[1].items())
    return int(fails.sum())


def main(count, seed):
    chance = random.Random(seed)
    warnings.simplefilter("ignore")
    expected = run(n_workers=0)
    began = time.perf_counter()
    n_runs = kill_workers(count, chance, expected)
    print(f"{count} kills of workers in {n_runs} runs: each ended the same, to the bit")
    print(f"{kill_by_build()} models that end their process: errors in the table, others there")
    n_ended = kill_clusters(max(1, count // 4), chance, expected)
    print(
        f"{max(1, count // 4)} kills of a scheduler: {n_ended} runs ended the same, to the bit; "
        f"{time.perf_counter() - began:.0f} s"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0)
