"""Rounds: their arithmetic, and that where they run changes no bit."""

import asyncio

import numpy as np
import pytest

import chainrule as cr
from chainrule._src.cluster import places
from chainrule._src.cluster.groups import dealt
from tests.cluster.models import X, Y, assert_same, fitted, network


def by_hand(model, groups, rate, epochs):
    """Large-batch SGD: the mean gradient over the union of the shards' batches."""
    for _ in range(epochs):
        for batch in groups:
            rows = np.concatenate(batch)
            gradients = model.gradients(X[rows], Y[rows])
            model.network.take(
                {n: w - rate * gradients[n] for n, w in model.network.params.items()}
            )
    return model


@pytest.mark.parametrize("n_shards", [4, 10])
def test_one_step_without_state_is_large_batch_sgd(n_shards):
    """With rounds of one step the mean of the shards is an update with their batches together."""
    size = 25
    model = fitted(
        model=network(cr.optimizers.SGD(0.5), "float64"), shards=n_shards, round_steps=1,
        batch_size=size, shuffle=False, epochs=2,
    )  # fmt: skip
    shards = np.split(np.arange(500), n_shards)
    union = [[s[at : at + size] for s in shards] for at in range(0, len(shards[0]), size)]
    expected = by_hand(network("sgd", "float64"), union, 0.5, 2)
    for a, b in zip(model.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-12)


def test_shards_of_unequal_size_weigh_as_many_samples_as_they_have():
    """Batches of 40 and of 10 rows make one update with 50."""
    model = fitted(
        X[:50], Y[:50], network(cr.optimizers.SGD(0.5), "float64"), shards=1, round_steps=1,
        batch_size=50, shuffle=False, epochs=3,
    )  # fmt: skip
    import dask.array as da

    other = fitted(
        da.from_array(X[:50], chunks=((40, 10), (6,))), da.from_array(Y[:50], chunks=(40, 10)),
        network(cr.optimizers.SGD(0.5), "float64"), shards=2, round_steps=1, batch_size=50,
        shuffle=False, epochs=3, n_workers=0,
    )  # fmt: skip
    for a, b in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-12)


def test_a_shard_alone_is_trained_as_fit_does():
    plain = network("momentum")
    plain.fit(X, Y, batch_size=16, epochs=3, shuffle=False)
    rounds = fitted(model=network("momentum"), shards=1, shuffle=False, epochs=3)
    assert plain.history.history["accuracy"] == rounds.history.history["accuracy"]
    for a, b in zip(plain.get_weights(), rounds.get_weights(), strict=True):
        assert a.tobytes() == b.tobytes()


def test_batches_go_on_over_the_edges_of_groups():
    """Groups of 7 rows, batches of 16: the last batch alone is smaller."""
    import dask.array as da

    x, y = da.from_array(X[:100], chunks=(7, 6)), da.from_array(Y[:100], chunks=7)
    parts = fitted(x, y, shards=1, shuffle=False, n_workers=0, round_steps=100)
    whole = fitted(X[:100], Y[:100], shards=1, shuffle=False, round_steps=100)
    assert_same(parts, whole)


def test_the_optimizers_state_is_averaged_and_its_numbers_are_those_of_the_longest_shard():
    """Adam's moments after a round are the means of the shards' moments."""
    whole = fitted(model=network("adam"), shards=2, shuffle=False, epochs=1, round_steps=100)
    halves = [
        fitted(
            X[part], Y[part], network("adam"), shards=1, shuffle=False, epochs=1, round_steps=100
        )
        for part in (slice(250), slice(250, None))
    ]
    a, b = (model.optimizer_state for model in halves)
    found = whole.optimizer_state
    assert found["iteration"] == a["iteration"] == 16
    for slot in (key for key, value in a.items() if isinstance(value, dict)):
        for name in a[slot]:
            mean = (np.asarray(a[slot][name], np.float64) + b[slot][name]) / 2
            np.testing.assert_allclose(found[slot][name], mean, rtol=1e-6, atol=1e-12)


def test_the_outer_momentum_is_nesterovs():
    """Two rounds by hand, from the means that plain rounds give."""
    how = {"shards": 2, "shuffle": False, "batch_size": 50, "round_steps": 5, "epochs": 1}
    start = {n: w.copy() for n, w in network("sgd", "float64").network.params.items()}
    one = fitted(model=network("sgd", "float64"), **how).network.params
    model = fitted(
        model=network("sgd", "float64"), outer_momentum=0.5, outer_rate=0.7, **how
    )  # fmt: skip
    for name, w in model.network.params.items():
        step = one[name] - start[name]
        np.testing.assert_allclose(w, start[name] + 0.7 * 1.5 * step, rtol=1e-12, atol=1e-14)


def test_layers_of_chance_draw_for_each_shard_what_others_do_not():
    def model():
        return network(more=[cr.layers.Dropout(0.5, seed=1)], engine="numpy")

    drops = model()
    seed = drops.network.state["dropout_seed_state"].copy()
    fitted(X[:32], Y[:32], drops, shards=2, batch_size=16, epochs=1)
    assert drops.network.state["dropout_seed_state"] == seed
    assert drops.network.state["dropout_counter"] == 1
    same = np.concatenate([X[:16], X[:16]]), np.concatenate([Y[:16], Y[:16]])
    one = fitted(X[:16], Y[:16], model(), shards=1, shuffle=False, epochs=1)
    two = fitted(*same, model(), shards=2, shuffle=False, epochs=1)
    assert not np.array_equal(one.get_weights()[0], two.get_weights()[0])


def test_moving_averages_are_averaged():
    def model():
        return network(more=[cr.layers.BatchNormalization()], engine="numpy")

    how = {"shuffle": False, "epochs": 1, "round_steps": 100}
    whole = fitted(model=model(), shards=2, **how)
    halves = [
        fitted(X[part], Y[part], model(), shards=1, **how)
        for part in (slice(250), slice(250, None))
    ]
    for name, value in whole.network.state.items():
        mean = np.mean([half.network.state[name] for half in halves], axis=0)
        np.testing.assert_allclose(value, mean, rtol=1e-6)


def test_groups_are_dealt_out_by_rows_alone():
    class Of:
        def __init__(self, rows):
            self.rows = rows

    assert dealt([Of(n) for n in (5, 0, 3, 2)], 2) == [[0], [2, 3]]
    assert dealt([Of(n) for n in (5, 0, 3, 2)], 8) == [[0], [2], [3]]


@pytest.mark.sampled(quick=1)
@pytest.mark.parametrize("optimizer", ["adam", "momentum"])
def test_where_rounds_run_changes_no_bit(client, optimizer):
    """This process and two others."""
    here = fitted(model=network(optimizer))
    assert_same(here, fitted(model=network(optimizer), client=client))


@pytest.mark.thorough  # clusters of its own
@pytest.mark.parametrize("count", [1, 8])
def test_the_number_of_workers_changes_no_bit(count):
    """Workers are threads of this process, whose memory is not theirs alone: it has no limit."""
    from distributed import Client, LocalCluster

    with (
        LocalCluster(n_workers=count, threads_per_worker=1, processes=False, host="127.0.0.1", protocol="tcp://",
                     dashboard_address="127.0.0.1:0", memory_limit=None) as local,
        Client(local, set_as_default=False) as client,
    ):  # fmt: skip
        here, there = fitted(model=network("adam")), fitted(model=network("adam"), client=client)
        assert_same(here, there)


@pytest.fixture
def begun(monkeypatch):
    """How many rounds before it each round that workers were asked for goes back to."""
    found, asked = [], places.Cluster._submit_round

    def noted(self, job, start, works, number):
        found.append(number)
        return asked(self, job, start, works, number)

    monkeypatch.setattr(places.Cluster, "_submit_round", noted)
    return found


def test_workers_go_on_with_the_next_round_and_no_further_than_the_run(client, begun, monkeypatch):
    monkeypatch.setattr(places, "CHAIN", 4)
    assert_same(fitted(epochs=3, shards=2), fitted(epochs=3, shards=2, client=client))
    n_rounds = 3 * -(-250 // (5 * 16))
    assert begun == [number % 4 for number in range(n_rounds)]


def halved(epoch, rate):
    return rate / 2


class Scaled(cr.callbacks.Callback):
    """Changes weights where they lie."""

    def on_epoch_end(self, epoch, logs=None):
        self.model.set_weights([w * np.float32(0.5) for w in self.model.get_weights()])


@pytest.mark.parametrize(
    "how",
    [{"callbacks": [cr.callbacks.LearningRateScheduler(halved)]}, {"callbacks": [Scaled()]},
     {"outer_momentum": 0.9}],
)  # fmt: skip
def test_what_workers_did_in_vain_is_not_taken(client, begun, how):
    options = {"epochs": 4, "shards": 2, "round_steps": 100, **how}
    assert_same(fitted(**options), fitted(**options, client=client))
    assert begun == [0, 1, 0, 0, 0]  # the second was asked for twice, and then no more ahead


def test_workers_of_this_machine_are_started_for_a_run_and_end_with_it():
    from multiprocessing import active_children

    before = set(active_children())
    assert_same(fitted(epochs=1), fitted(epochs=1, n_workers=1))
    assert set(active_children()) <= before


@pytest.mark.thorough  # many shards
def test_more_shards_than_are_summed_at_once(client):
    here = fitted(shards=40, epochs=1, batch_size=4)
    assert_same(here, fitted(shards=40, epochs=1, batch_size=4, client=client))


def test_training_learns_and_is_scored():
    model = fitted(model=network("momentum"), epochs=20, validation_data=(X, Y), shards=4)
    history = model.history.history
    assert history["accuracy"][-1] > 0.9
    assert history["val_accuracy"][-1] == pytest.approx(model.evaluate(X, Y)[1])
    assert list(history) == ["accuracy", "loss", "val_accuracy", "val_loss"]


def test_callbacks_steer():
    model = fitted(epochs=20, callbacks=[lambda epoch, logs: epoch == 2])
    assert model.history.epoch == [0, 1, 2]
    rates = cr.callbacks.LearningRateScheduler(lambda epoch: 0.0 if epoch else 0.01)
    model = fitted(epochs=2, callbacks=[rates])
    assert model.optimizer_state["learning_rate"] == 0


def test_what_diverges_says_so_and_keeps_the_last_good_weights():
    model = network(cr.optimizers.SGD(1e38))
    with pytest.raises(
        cr.errors.DivergenceError, match="the loss became NaN or infinite in epoch 1"
    ):
        fitted(model=model, epochs=2)
    assert all(np.isfinite(w).all() for w in model.get_weights())


def test_a_result_that_takes_long_is_fetched_by_one_wait(client, monkeypatch):
    """A fetch that is cancelled as it begins is one for which all later ones of its client wait."""
    fetched, ends = client._gather_remote, []

    async def fetched_slowly(*how):
        try:
            await asyncio.sleep(0.3)
            return await fetched(*how)
        except asyncio.CancelledError:
            ends.append("cancelled")
            raise

    monkeypatch.setattr(places, "GLANCE", 0.05)
    monkeypatch.setattr(client, "_gather_remote", fetched_slowly)
    cluster = places.Cluster(client, timeout=5)
    assert cluster.results(cluster.submit_each(places.same, [1, 2])) == [1, 2]
    assert not ends
