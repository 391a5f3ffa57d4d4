"""The last good carry is found again, however seldom it was copied."""

import math
import time

import numpy as np
import pytest

import chainrule as cr
from chainrule._src.compile.running import engines, trail
from chainrule._src.compile.running.memory import Carry
from chainrule.callbacks import Callback
from chainrule.errors import DataError, DivergenceError

ROWS, BATCH = 24, 4
X = np.random.default_rng(0).normal(size=(ROWS, 3))
START = np.ones(3)


def loss(w, X):
    return np.mean((X @ w - 1) ** 2)


@pytest.fixture(params=[0.0, math.inf], ids=["copied every time", "copied once"])
def copies(request, monkeypatch):
    """Copy the carry before every turn, or only where a part of it is written."""
    monkeypatch.setattr(trail, "SHARE", request.param)
    monkeypatch.setattr(trail, "LONGEST", request.param)


@pytest.fixture(params=[0.0, 10.0], ids=["turn by turn", "at once"])
def turns(request, monkeypatch):
    """Make one update a turn, or all."""
    monkeypatch.setattr(engines, "TURN", request.param)


def spoilt(row, epochs=2, rule=cr.optimizers.Adam, data=X, **options):
    """Return the last good parameters of each engine, where a row is not finite."""
    data = data.copy()
    data[row] = np.nan
    found = []
    for engine in ("numpy", "compiled"):
        with pytest.raises(DivergenceError) as error:
            cr.minimize(
                loss, START, options.get("source", data), optimizer=rule(0.1), batch_size=BATCH,
                epochs=epochs, shuffle=False, engine=engine, callbacks=options.get("callbacks", ()),
            )  # fmt: skip
        found.append((error.value.params, str(error.value).partition(";")[0]))
    return found


@pytest.mark.usefixtures("copies", "turns")
class TestWays:
    @pytest.mark.parametrize("update", range(ROWS // BATCH))
    def test_wherever_a_loss_is_not_finite(self, update):
        (expected, said), (got, told) = spoilt(BATCH * update)
        np.testing.assert_allclose(got, expected, rtol=1e-12)
        assert said == told
        before, _ = cr.minimize(
            loss, START, X[: BATCH * max(update - 1, 1)], optimizer=cr.optimizers.Adam(0.1),
            batch_size=BATCH, shuffle=False, engine="compiled",
        )  # fmt: skip
        np.testing.assert_array_equal(got, before if update > 1 else START)

    def test_in_the_first_update_of_a_later_epoch(self):
        """What callbacks have written in between is not lost, nor is it taken for trained."""

        class Setting(Callback):
            def on_epoch_end(self, epoch, logs=None):
                self.model.learning_rate = 0.05
                if epoch == 1:
                    self.model.params = START * np.inf

        (expected, _), (got, _) = spoilt([], epochs=4, callbacks=[Setting()])
        np.testing.assert_allclose(got, expected, rtol=1e-12)

    def test_with_learning_rates_set_in_between(self):
        class Setting(Callback):
            def on_epoch_begin(self, epoch, logs=None):
                self.model.learning_rate *= 0.9
                growing[:, 0] = 10.0 ** (60 * (epoch == 3))

        growing = np.ones((ROWS, 3))
        for engine in ("numpy", "compiled"):
            growing[:] = X
            with pytest.raises(DivergenceError) as error:
                cr.minimize(
                    lambda w, X: loss(w, X) ** 3, START, growing, optimizer=cr.optimizers.SGD(1e-3),
                    batch_size=BATCH, epochs=9, shuffle=False, engine=engine,
                    callbacks=[Setting()],
                )  # fmt: skip
            if engine == "numpy":
                expected = error.value.params
        np.testing.assert_allclose(error.value.params, expected, rtol=1e-10)

    @pytest.mark.parametrize("update", range(4))
    def test_batches_in_memory_that_is_used_again(self, update):
        def batches():
            memory = np.zeros((BATCH, 3))
            for start in range(0, ROWS, BATCH):
                memory[:] = X[start : start + BATCH]
                if start == update * BATCH:
                    memory[0] = np.nan
                yield memory

        (expected, _), (got, _) = spoilt([], source=batches)
        np.testing.assert_allclose(got, expected, rtol=1e-12)

    def test_an_index_out_of_range_leaves_the_turn_undone(self):
        def picking(w, X, y):
            return np.mean((X @ w)[np.arange(len(y)), y] ** 2)

        y = np.arange(ROWS) % 2
        y[-1] = 2
        with pytest.raises(DataError, match=rf"index 2 .* in row {ROWS - 1}"):
            cr.minimize(
                picking, np.ones((3, 2)), X, y, batch_size=BATCH, shuffle=False, engine="compiled"
            )

    def test_a_last_batch_that_runs_in_numpy(self):
        def turning(w, X):
            return np.mean((X @ w - 1) ** 2) * (2.0 if len(X) == 3 else 1.0)

        data = X[:19].copy()
        for row in (0, 4, 16):
            found = []
            for engine in ("numpy", "compiled"):
                data[:] = X[:19]
                data[row] = np.nan
                with pytest.raises(DivergenceError) as error:
                    cr.minimize(
                        turning, START, data, optimizer=cr.optimizers.Adam(0.1), batch_size=BATCH,
                        shuffle=False, engine=engine,
                    )  # fmt: skip
                found.append(error.value.params)
            np.testing.assert_allclose(found[0], found[1], rtol=1e-12)


def test_copies_take_a_small_share_of_the_time(monkeypatch):
    spent, copy = [], Carry.copy

    def slow(self, into=None):
        time.sleep(0.005)  # a carry that is large
        spent.append(1)
        return copy(self, into)

    monkeypatch.setattr(Carry, "copy", slow)
    monkeypatch.setattr(engines, "TURN", 0.001)
    began = time.perf_counter()
    data, epochs = np.tile(X, (100, 1)), 2000
    cr.minimize(loss, START, data, epochs=epochs, batch_size=BATCH, engine="compiled")
    took = time.perf_counter() - began
    assert len(spent) <= 3 + took / (trail.SHARE * 0.005)


def test_memory_is_left_for_the_next_run_without_what_was_in_it():
    def run(data, start):
        return cr.minimize(loss, start, data, epochs=3, batch_size=BATCH, seed=0, engine="compiled")

    fresh = run(X, START)
    run(X[:8] * 3, 2 * START)
    again = run(X, START)
    np.testing.assert_array_equal(fresh[0], again[0])
    assert fresh[1].loss == again[1].loss


def test_what_watched_a_run_sees_its_parameters_when_others_have_run():
    class Kept(Callback):
        def on_train_end(self, logs=None):
            models.append(self.model)

    models = []
    runs = [
        cr.minimize(loss, START, X, epochs=e, batch_size=BATCH, engine="compiled",
                    callbacks=[Kept()])[0]
        for e in (1, 2, 3)
    ]  # fmt: skip
    for model, params in zip(models, runs, strict=True):
        np.testing.assert_array_equal(model.params, params)
