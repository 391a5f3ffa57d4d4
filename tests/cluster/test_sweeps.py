"""Sweeps on a cluster: the same table as here, whoever is lost."""

import threading

import dask.array as da
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

import chainrule as cr
from chainrule._src.sweeps.cluster import _parts
from tests.cluster.models import X, Y, build, share_of_ones
from tests.cluster.test_faults import kill_a_worker

HOW = {"models": 12, "halving": 2, "epochs": 4, "verbose": 0, "seeds": 2}
SPACE = {"lr": cr.sweeps.LogUniform(1e-2, 1.0), "hidden": [4, 6]}


def swept(made=build, space=SPACE, **options):
    return cr.sweep(made, space, X[:200], Y[:200], **HOW | options)


def assert_same_table(a, b):
    for name, column in a.table.items():
        np.testing.assert_array_equal(column, b.table[name], name)
    assert a.best.settings == b.best.settings
    for one, other in zip(a.best.model.get_weights(), b.best.model.get_weights(), strict=True):
        assert one.tobytes() == other.tobytes()


@pytest.fixture(scope="module")
def here():
    """The sweep in this process."""
    return swept()


def test_the_table_is_the_same_as_without_a_cluster(here, client):
    assert_same_table(here, swept(client=client))


@pytest.mark.parametrize("kind", ["npy", "collection"])
def test_workers_read_files_themselves(tmp_path, client, kind):
    if kind == "npy":
        x, y = tmp_path / "x.npy", tmp_path / "y.npy"
        np.save(x, X[:200])
        np.save(y, Y[:200])
    else:
        x, y = da.from_array(X[:200], chunks=(90, -1)), da.from_array(Y[:200], chunks=90)
    options = HOW | {"models": 3, "seeds": 1}
    assert_same_table(
        cr.sweep(build, SPACE, x, y, **options),
        cr.sweep(build, SPACE, x, y, client=client, **options),
    )


def test_the_last_tasks_are_divided_among_all():
    source = iter(range(50))
    sizes = [[len(part) for part in _parts(source, size, 4)] for size in (1, 8, 8, 8)]
    assert sizes == [[1] * 4, [8] * 4, [2] * 7, []]


@pytest.mark.thorough  # the same for a fleet
def test_members_side_by_side_too(client):
    options = {"models": 90, "seeds": 1, "batch_size": 1, "space": SPACE | {"hidden": [4]}}
    assert_same_table(swept(**options), swept(**options, client=client))


@pytest.mark.thorough  # a cluster of its own
def test_a_batch_of_a_killed_worker_runs_again(cluster, client, here):
    killed = []

    class Kills(cr.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch != 1:  # the first rung of three and the last
                killed.append(kill_a_worker(cluster, epoch))

    assert_same_table(here, swept(client=client, callbacks=[Kills()]))
    assert any(killed)


def test_settings_for_which_build_raises_are_noted(client):
    def raises(lr, hidden):
        if hidden == 4:
            raise ValueError("four is too few")
        return build(lr, hidden)

    assert_same_table(swept(raises), swept(raises, client=client))


def test_a_build_that_cannot_travel_is_said_at_once(client):
    lock = threading.Lock()

    def locked(lr, hidden):
        with lock:
            return build(lr, hidden)

    with pytest.raises(
        cr.errors.DataError, match=r"build cannot be sent to other machines: .*lock"
    ):
        swept(locked, client=client)


@pytest.mark.thorough  # as without a cluster
def test_sweep_cv(client):
    here, there = (
        cr.sweeps.SweepCV(build, SPACE, cv=2, models=4, epochs=2, client=each).fit(X, Y)
        for each in (None, client)
    )
    assert here.best_params_ == there.best_params_
    assert here.best_score_ == there.best_score_


@pytest.mark.thorough  # as in this process
def test_a_score_of_ones_own(client):
    here, there = (
        cr.sweeps.SweepCV(
            LogisticRegression(max_iter=1000), {"C": [0.01, 1.0]}, scoring=share_of_ones,
            client=each,
        ).fit(X, Y)
        for each in (None, client)
    )  # fmt: skip
    np.testing.assert_array_equal(
        here.cv_results_["mean_test_score"], there.cv_results_["mean_test_score"]
    )
