"""A loss is recorded until nothing new can come of it, and again when it may do something else."""

import gc
import threading
import weakref

import numpy as np
import pytest

import chainrule as cr
from chainrule.running import remembered
from chainrule.running.recorded import StepRecorder

X = np.random.default_rng(0).normal(size=(12, 3))
y = np.arange(12) % 3


@pytest.fixture
def recordings(monkeypatch):
    """Return the batch sizes that something was recorded for."""
    sizes = []
    recorded = StepRecorder.recorded

    def counted(self, n, *args, **options):
        sizes.append(n)
        return recorded(self, n, *args, **options)

    monkeypatch.setattr(StepRecorder, "recorded", counted)
    return sizes


def made(scale=1.0):
    def loss(w, X):
        return np.mean((X @ w) ** 2) * box[0]

    box = [scale]
    return loss, box


def trained(loss, params=None, data=X, engine="numpy", **options):
    params = np.ones(3) if params is None else params
    given = {"batch_size": 4, "seed": 0, "optimizer": cr.optimizers.SGD(0.1), **options}
    return cr.minimize(loss, params, data, engine=engine, **given)[0]


@pytest.fixture
def loss(recordings):
    """Return a loss that is known, and what it reads."""
    f, box = made()
    for _ in range(3):
        trained(f)
    recordings.clear()
    return f, box


def test_what_is_known_is_not_recorded_again(loss, recordings):
    f, _ = loss
    for options in ({}, {"optimizer": cr.optimizers.SGD(0.5)}, {"epochs": 3}, {"data": X[:8]}):
        trained(f, **options)
        trained(f, engine="compiled", **options)
    assert recordings == []


@pytest.mark.parametrize(
    "options",
    [
        {"batch_size": 5}, {"params": np.ones(3, "f4")}, {"data": X.astype("f4")},
        {"optimizer": cr.optimizers.SGD(0.1, momentum=0.5)}, {"optimizer": cr.optimizers.Adam(0.1)},
        {"optimizer": cr.optimizers.SGD(lambda t: 0.1)},
    ],
    ids=str,
)  # fmt: skip
def test_what_differs_is_recorded(loss, recordings, options):
    trained(loss[0], **options)
    assert recordings


def test_the_structure_of_parameters_counts(recordings):
    def loss(p, X):
        return np.mean((X @ p[0]) ** 2) * (2.0 if isinstance(p, list) else 3.0)

    for structure in (list, tuple):
        for _ in range(3):
            found = trained(loss, structure([np.ones(3)]))[0]
        np.testing.assert_array_equal(
            found, trained(lambda p, X: loss(p, X), structure([np.ones(3)]))[0]
        )
    assert recordings


def test_a_change_of_what_it_reads_is_followed(loss, recordings):
    f, box = loss
    for scale in (2.0, 1.0, 3.0, 3.0, 3.0, 4.0):
        box[0] = scale
        np.testing.assert_array_equal(trained(f), trained(made(scale)[0]))
    recordings.clear()
    trained(f)
    assert not recordings


def test_a_loss_that_counts_its_calls_is_never_known(recordings):
    count = [0]

    def loss(w, X):
        count[0] += 1
        return np.mean((X @ w) ** 2) * np.cos(count[0])

    for _ in range(5):
        recordings.clear()
        with pytest.warns(UserWarning, match="does something else each time"):
            trained(loss, engine="auto")
        assert recordings


def test_what_is_read_by_other_shapes_alone_is_looked_at_too(recordings):
    box = [2.0]

    def wide(w):
        return np.sum(w) * box[0]

    def loss(w, X):
        return np.mean((X @ w) ** 2) + (wide(w) if w.ndim > 1 else 0.0)

    flat, square = np.ones(3), np.ones((3, 2))
    for _ in range(4):
        trained(loss, flat), trained(loss, square)
    recordings.clear()
    trained(loss, flat), trained(loss, square)
    assert not recordings
    box[0] = 5.0
    found = trained(loss, square)
    np.testing.assert_array_equal(found, trained(lambda w, X: loss(w, X), square))


def test_a_method_is_known_by_its_object(recordings):
    class Model:
        strength = 1.0

        def loss(self, w, X):
            return np.mean((X @ w) ** 2) * self.strength

    one, other = Model(), Model()
    other.strength = 2.0
    for _ in range(3):
        found = [trained(one.loss), trained(other.loss)]
    recordings.clear()
    again = [trained(one.loss), trained(other.loss)]
    assert not recordings
    np.testing.assert_array_equal(found, again)
    assert (found[0] != found[1]).all()


def test_a_score_is_known_too(loss, recordings):
    for _ in range(3):
        trained(loss[0], validation_data=(X[:4],))
    recordings.clear()
    trained(loss[0], validation_data=(X[:4],))
    assert not recordings


def test_nothing_keeps_a_loss_alive():
    f, box = made()
    for _ in range(3):
        trained(f)
    gone = weakref.ref(f)
    count = len(remembered._memories)
    del f, box
    gc.collect()
    assert gone() is None
    assert len(remembered._memories) < count


def test_in_several_threads(recordings):
    def work():
        try:
            for scale in range(1, 30):
                for f, box in both:
                    box[0] = float(scale // 5)
                    found.append(trained(f, epochs=2))
        except Exception as error:
            errors.append(error)

    errors, found = [], []
    both = [made(), made()]
    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    np.testing.assert_array_equal(trained(both[0][0]), trained(made(both[0][1][0])[0]))
