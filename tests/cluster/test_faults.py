"""Workers and schedulers that are killed, runs that break off, code that cannot travel."""

import os
import signal
import subprocess
import sys
import threading
import time

import dask.array as da
import numpy as np
import pytest

import chainrule as cr
from chainrule._src.cluster.places import LocalExecutor
from tests.cluster.models import Scale, X, Y, assert_same, fitted, network

CLUSTER = """
import sys, time
from distributed import LocalCluster

if __name__ == "__main__":
    with LocalCluster(
        n_workers=1, threads_per_worker=1, processes=True, host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
    ) as cluster:
        print(cluster.scheduler_address, flush=True)
        time.sleep(60)
"""


class Broken(Exception):
    pass


def arrays():
    return da.from_array(X, chunks=(100, 6)), da.from_array(Y, chunks=100)


def kill_a_worker(cluster, number):
    """Kill one of the workers that run, if there are any; say whether."""
    nannies = cluster.workers.values()
    running = [n.pid for n in nannies if n.process and n.process.status.name == "running"]
    running = [pid for pid in running if pid]
    if running:  # a nanny does not get over the loss of a worker that is starting
        os.kill(running[number % len(running)], signal.SIGKILL)
    return bool(running)


@pytest.mark.parametrize(
    ("given", "epochs"), [(arrays(), (0, 1)), ((X, Y), (1,))], ids=["dask", "memory"]
)
def test_workers_killed_in_an_epoch_change_no_bit(cluster, client, given, epochs):
    """In each of two epochs, or in the second: a new process takes more than a second."""
    killed = []

    class Kills(cr.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch in epochs:
                killed.append(kill_a_worker(cluster, epoch))

    expected = fitted(*given, n_workers=0)
    assert_same(expected, fitted(*given, client=client, callbacks=[Kills()]))
    assert any(killed)


@pytest.mark.thorough
@pytest.mark.parametrize("outer", [0.0, 0.9])
def test_a_run_that_broke_off_in_any_round_goes_on_to_the_same_bits(tmp_path, monkeypatch, outer):
    how = {"shards": 3, "epochs": 2, "outer_momentum": outer, "validation_data": (X, Y)}
    more = [cr.layers.Dropout(0.2, seed=1)]
    peace = fitted(model=network("momentum", more=more), **how)
    run, n_rounds = LocalExecutor.round, 6  # of two epochs
    for at in range(n_rounds):
        path, calls = tmp_path / f"{at}", []

        def breaks(self, *args, at=at, calls=calls):
            calls.append(1)
            if len(calls) > at:
                raise Broken
            return run(self, *args)

        monkeypatch.setattr(LocalExecutor, "round", breaks)
        with pytest.raises(Broken):
            fitted(model=network("momentum", more=[cr.layers.Dropout(0.2, seed=1)]),
                   checkpoint=path, **how)  # fmt: skip
        assert path.exists() == (at > 0)
        monkeypatch.setattr(LocalExecutor, "round", run)
        model = network("momentum", more=[cr.layers.Dropout(0.2, seed=1)])
        assert_same(peace, fitted(model=model, checkpoint=path, seed=None if at else 0, **how))
    again = fitted(model=network("momentum", more=[cr.layers.Dropout(0.2, seed=1)]),
                   checkpoint=path, **how)  # fmt: skip
    assert_same(peace, again)  # it was at its end
    assert_same_weights(peace, cr.load_model(path))


def assert_same_weights(a, b):
    for one, other in zip(a.get_weights(), b.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_checkpoint_goes_on_only_as_it_began(tmp_path):
    path = tmp_path / "run"
    fitted(checkpoint=path, shards=2)
    with pytest.raises(cr.errors.DataError, match="shards is 4, it was 2; "):
        fitted(checkpoint=path, shards=4)
    with pytest.raises(cr.errors.DataError, match="batch_size is 8, it was 16"):
        fitted(checkpoint=path, shards=2, batch_size=8)
    network().save(path)
    with pytest.raises(cr.errors.DataError, match="no checkpoint of rounds"):
        fitted(checkpoint=path, shards=2)


def squared(y_true, y_pred):
    return (y_true - y_pred) ** 2


@pytest.mark.filterwarnings("ignore:.*has from_logits=True")
@pytest.mark.sampled(quick=2)
@pytest.mark.parametrize(
    ("change", "match"),
    [({"seed": 1}, "seed is 1, it was 0"),
     ({"class_weight": {0: 2.0}}, "class_weight is .*2.0.*, it was None"),
     ({"class_weight": None, "sample_weight": np.ones(500)}, "sample_weight is True, it was False"),
     ({"optimizer": "sgd"}, r"optimizer is SGD\(.*\), it was Adam\("),
     ({"optimizer": cr.optimizers.Adam(0.5)}, r"is Adam\(learning_rate=0.5.*=0.001"),
     ({"metrics": []}, r"metrics is \[\], it was \['accuracy'\]"),
     ({"loss": cr.losses.SparseCategoricalCrossentropy(from_logits=True)}, "loss is .*True"),
     ({"weighted_metrics": ["accuracy"]}, "weighted_metrics is"),
     ({"engine": "compiled"}, "engine is compiled, it was numpy")],
)  # fmt: skip
def test_a_checkpoint_goes_on_with_what_decides_its_bits_alone(tmp_path, change, match):
    path = tmp_path / "run"
    compiled = {"optimizer": "adam", "loss": "sparse_categorical_crossentropy",
                "metrics": ["accuracy"], "engine": "numpy"}  # fmt: skip
    rates = cr.callbacks.LearningRateScheduler(lambda epoch: 0.001 / (1 + epoch))

    def run(**how):
        model = network()
        model.compile(**compiled | {name: how.pop(name) for name in list(how) if name in KINDS})
        fitted(model=model, checkpoint=path, shards=2, callbacks=[rates], **how)

    run()
    with pytest.raises(cr.errors.DataError, match=match):
        run(**change)
    run(epochs=3)  # with the rate that it began with
    assert cr.load_model(path).history.epoch == [0, 1, 2]


KINDS = ("optimizer", "loss", "metrics", "weighted_metrics", "engine")


@pytest.mark.sampled(quick=1)
@pytest.mark.parametrize("wrong", ["x", "label", "rows"])
def test_data_that_are_refused_in_the_middle_leave_the_model_as_it_was(client, wrong):
    """The last partition of many is read after rounds that went well."""
    x, y = X.copy(), Y.copy()
    if wrong == "label":
        y[470] = 7
    else:
        x[470, 2] = np.nan
    parts = da.from_array(x, chunks=(100, 6)), da.from_array(y, chunks=100)
    if wrong == "rows":
        parts = parts[0].map_blocks(lambda part: part[: 99 if np.isnan(part).any() else None],
                                    dtype=float), parts[1]  # fmt: skip
    for how in ({"n_workers": 0}, {"client": client}):
        model = fitted(epochs=1)
        before, history, random = model.get_weights(), model.history, model.rng.bit_generator.state
        memory = model.optimizer_state
        with pytest.raises((cr.errors.DataError, cr.errors.ShapeError), match="partition 4"):
            fitted(*parts, model=model, shards=1, shuffle=False, round_steps=2, **how)
        assert model.history is history
        assert model.rng.bit_generator.state == random
        for one, other in zip(before, model.get_weights(), strict=True):
            np.testing.assert_array_equal(one, other)
        assert model.optimizer_state is memory
    with pytest.raises(Broken):  # what a callback raises leaves what was trained
        fitted(model=model, callbacks=[Raises()])
    assert not np.array_equal(before[0], model.get_weights()[0])


class Raises(cr.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        raise Broken


@pytest.mark.thorough  # a cluster of its own
def test_a_scheduler_that_is_killed_is_told_and_the_run_goes_on_without_it(tmp_path):
    from distributed import Client

    script, path = tmp_path / "cluster.py", tmp_path / "run"
    script.write_text(CLUSTER)
    process = subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True)
    how = {"epochs": 4, "shards": 2}
    try:
        client = Client(process.stdout.readline().strip(), set_as_default=False, timeout=20)

        killed = []

        def kill(epoch, logs):
            if epoch == 1:
                process.kill()
                killed.append(time.monotonic())

        with pytest.raises(cr.errors.ClusterError, match="checkpoint=path, fit called again"):
            fitted(client=client, checkpoint=path, callbacks=[kill], timeout=60, **how)
        assert time.monotonic() - killed[0] < 10  # two seconds, on a machine that has time
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        client.close(timeout=1)
    assert cr.load_model(path).history.epoch == [0, 1]
    assert_same(fitted(**how), fitted(checkpoint=path, **how))


def test_waiting_ends(client):
    """A layer that takes its time: nothing is finished before the timeout."""

    class Slow(cr.layers.Layer):
        def call(self, x):
            time.sleep(0.4)
            return x

    with pytest.raises(
        cr.errors.ClusterError, match=r"nothing was finished in 0\.1 s, by 2 workers"
    ):
        fitted(
            X[:64], Y[:64], network(more=[Slow()]), client=client, timeout=0.1, epochs=1, shards=1
        )


@pytest.mark.thorough  # a cluster of its own
def test_workers_that_are_paused_are_named_in_the_error():
    from distributed import Client, LocalCluster

    with (
        LocalCluster(n_workers=1, threads_per_worker=1, processes=False, host="127.0.0.1", protocol="tcp://",
                     dashboard_address="127.0.0.1:0", memory_limit="10 MB") as local,
        Client(local, set_as_default=False) as other,
    ):  # fmt: skip
        (worker,) = local.scheduler.workers.values()
        while worker.status.name != "paused":
            time.sleep(0.05)
        with pytest.raises(cr.errors.ClusterError, match=r"of which 1 are paused: their memory"):
            fitted(client=other, timeout=0.5)


def test_layers_of_ones_own_travel_with_the_model(client):
    class Halves(cr.layers.Layer):
        def call(self, x):
            return x / 2

    def model():
        return network(more=[Scale(3.0), Halves()])

    assert_same(fitted(model=model()), fitted(model=model(), client=client))


def test_what_cannot_travel_is_said_at_once(client):
    lock = threading.Lock()

    class Locked(cr.layers.Layer):
        def call(self, x):
            with lock:
                return x

    with pytest.raises(cr.errors.DataError, match=r"cannot be sent to other machines: .*lock"):
        fitted(model=network(more=[Locked()]), client=client)
    with pytest.raises(cr.errors.DataError, match="cannot be described by plain values"):
        fitted(model=network(more=[cr.layers.Activation(lambda x: x)]), client=client)


INTERRUPTED = """
import chainrule as cr
from tests.cluster.models import X, Y, network

if __name__ == "__main__":
    model = network()
    tell = lambda epoch, logs: print(epoch, flush=True)
    model.fit(X, Y, n_workers=2, epochs=100_000, callbacks=[tell], verbose=0)
    print("ended in epoch", model.history.epoch[-1])
"""


@pytest.mark.thorough  # a cluster of its own
def test_ctrl_c_on_a_terminal_ends_the_run_and_not_its_workers(tmp_path, interrupts):
    """A terminal sends it to all processes of the group."""
    script = tmp_path / "run.py"
    script.write_text(INTERRUPTED)
    process = subprocess.Popen(
        [sys.executable, script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    try:
        for epoch in ("0", "1"):  # when the second is told the first is over
            assert process.stdout.readline().strip() == epoch
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert "ended in epoch" in out, err
    assert err.count("InterruptedWarning") == 1
    assert "Traceback" not in err
    assert process.returncode == 0


def test_what_a_lost_cluster_says_ends_with_one_full_stop(client):
    from chainrule._src.cluster.places import Cluster

    for reason in ("no worker", "re-run your work.", "wait ... "):
        assert ".." not in str(Cluster(client, 1.0)._lost(reason))
