"""`minimize`: engines agree; runs end well."""

import _thread
import functools
import gc
import itertools
import threading
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.draws import draws
from tests.interpreter import interpreted
from tests.tolerances import assert_apart, assert_engines_agree, bounds
from tests.uber import assert_same

import chainrule as cr
from chainrule import optimizers
from chainrule._src.compile.running.bound import BoundKernel
from chainrule._src.compile.running.threads import running
from chainrule._src.core.recording import tape
from chainrule._src.core.trees import map_leaves
from chainrule._src.nn.training.minimize import Update
from chainrule._src.trace.keys import tape_key
from chainrule.callbacks import Callback, LambdaCallback
from chainrule.errors import (
    CompileError,
    DataError,
    DivergenceError,
    ShapeError,
    TraceError,
    UnknownNameError,
)

ACTIVATIONS = {
    "sigmoid": cr.sigmoid,
    "tanh": np.tanh,
    "relu": cr.relu,
    "softplus": cr.functions.softplus,
}


def network(widths, activation, dtype="f8", seed=0):
    rng = np.random.default_rng(seed)
    pairs = list(itertools.pairwise(widths))
    params = {
        f"{name}{i}": value.astype(dtype)
        for i, (a, b) in enumerate(pairs)
        for name, value in (("W", rng.normal(size=(a, b)) / np.sqrt(a)), ("b", np.zeros(b)))
    }

    def loss(params, X, y):
        h = X
        for i in range(len(pairs) - 1):
            h = ACTIVATIONS[activation](h @ params[f"W{i}"] + params[f"b{i}"])
        z = h @ params[f"W{len(pairs) - 1}"] + params[f"b{len(pairs) - 1}"]
        return -np.mean(cr.functions.log_softmax(z)[np.arange(len(y)), y])

    return loss, params


def samples(rows, features, classes, dtype="f8", seed=1):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(rows, features)).astype(dtype), rng.integers(0, classes, rows)


OPTIMIZERS = {
    "sgd": lambda: optimizers.SGD(0.05),
    "momentum": lambda: optimizers.SGD(0.02, momentum=0.9),
    "nesterov": lambda: optimizers.SGD(0.02, momentum=0.9, nesterov=True, l2=1e-3),
    "rmsprop": lambda: optimizers.RMSprop(0.002),
    "rmsprop all": lambda: optimizers.RMSprop(0.002, momentum=0.5, centered=True),
    "adam": lambda: optimizers.Adam(0.003),
    "amsgrad clipped": lambda: optimizers.Adam(0.003, amsgrad=True, clipnorm=0.5),
    "adamw": lambda: optimizers.AdamW(optimizers.CosineDecay(0.005, 100), global_clipnorm=1.0),
    "adagrad": lambda: optimizers.Adagrad(0.05, clipvalue=0.1),
    "exponential": lambda: optimizers.SGD(optimizers.ExponentialDecay(0.1, 20, 0.5)),
    "piecewise": lambda: optimizers.SGD(
        optimizers.PiecewiseConstantDecay([5, 9], [0.1, 0.05, 0.01])
    ),
}  # fmt: skip

COMPILED = [  # widths, activation, optimizer, batch size, dtype
    ([6, 5, 4], "sigmoid", "sgd", 1, "f4"),
    ([6, 5, 4], "tanh", "adam", 1, "f8"),
    ([16, 20, 3], "tanh", "momentum", 7, "f8"),
    ([16, 20, 3], "relu", "nesterov", 32, "f4"),
    ([8, 30, 12, 5], "relu", "adamw", 24, "f8"),
    ([8, 30, 12, 5], "softplus", "rmsprop all", 50, "f8"),
    ([200, 120, 10], "tanh", "momentum", 100, "f4"),  # shared among threads
    ([200, 120, 10], "relu", "adam", 100, "f8"),
]


@pytest.mark.sampled(quick=2)
@pytest.mark.parametrize(
    ("widths", "activation", "name", "batch_size", "dtype"), COMPILED, ids=lambda x: str(x)
)
def test_compiled_and_numpy_agree(widths, activation, name, batch_size, dtype):
    loss, params = network(widths, activation, dtype)
    rows, epochs = 3 * batch_size, 1
    if dtype == "f8":
        rows, epochs = 250, -(-200 // -(-250 // batch_size))  # 200 updates and more
    X, y = samples(rows, widths[0], widths[-1], dtype)

    def run(engine, params, X):
        trained, history = cr.minimize(
            loss, params, X, y, optimizer=OPTIMIZERS[name](), epochs=epochs,
            batch_size=batch_size, seed=3, engine=engine, validation_data=(X[:60], y[:60]),
        )  # fmt: skip
        assert all(trained[key].dtype == dtype for key in params)
        assert history.loss[-1] < history.loss[0] or epochs == 1
        return trained, history.loss, history.val_loss

    assert_engines_agree(run, params, X)


@given(
    hidden=st.lists(st.integers(1, 6), max_size=2),
    activation=st.sampled_from(list(ACTIVATIONS)),
    name=st.sampled_from(list(OPTIMIZERS)),
    batch_size=st.integers(1, 4),
    order=st.sampled_from([(), (0, 1), (1, 0), (2, 0, 1)]),
    dtype=st.sampled_from(["f4", "f8"]),
)
@draws(5)
def test_kernels_and_numpy_agree(hidden, activation, name, batch_size, order, dtype):
    loss, params = network([3, *hidden, 2], activation, dtype)
    X, y = samples(5, 3, 2, dtype)

    def run(engine, params, X):
        trained, history = cr.minimize(
            loss, params, X, y, optimizer=OPTIMIZERS[name](), epochs=2, batch_size=batch_size,
            seed=0, engine=engine,
        )  # fmt: skip
        return trained, history.loss

    with interpreted(order):
        assert_engines_agree(run, params, X)


def test_threads_change_no_bit():
    loss, params = network([200, 120, 10], "relu", "f4")
    X, y = samples(300, 200, 10, "f4")

    def run():
        return cr.minimize(
            loss, params, X, y, optimizer="adam", epochs=3, batch_size=100, seed=0,
            engine="compiled",
        )[0]  # fmt: skip

    together = run()
    with running(lambda: None):  # as if another run had the threads
        alone = run()
    for key, value in together.items():
        np.testing.assert_array_equal(value, alone[key])
        np.testing.assert_array_equal(value, run()[key])


def test_a_second_thread_that_hurts_is_left_out(monkeypatch):
    loss, params = network([200, 120, 10], "relu", "f4")
    X, y = samples(300, 200, 10, "f4")
    updates = {1: 0, 2: 0}
    run = BoundKernel.run

    def slow(self, first, count, threads=1):
        updates[threads] += count
        time.sleep(0.01 * count * (threads - 1))  # a machine whose cores are far apart
        return run(self, first, count, 1)

    monkeypatch.setattr(BoundKernel, "run", slow)
    monkeypatch.setenv("CHAINRULE_NUM_THREADS", "2")
    cr.minimize(loss, params, X, y, epochs=300, batch_size=100, seed=0, engine="compiled")
    assert updates[1] > 10 * updates[2] > 0


def test_the_last_short_batch_and_data_of_other_kinds(tmp_path):
    loss, params = network([5, 2], "relu", "f4")
    X, y = samples(23, 5, 2)

    def run(data, params=params, engine="numpy"):
        return cr.minimize(loss, params, data, y, batch_size=4, seed=0, engine=engine)[0]

    expected, allowed = run(X.astype("f4")), bounds(run, X.astype("f4"), params)
    file = np.memmap(tmp_path / "X", "f4", "w+", shape=X.shape)
    file[:] = X
    kinds = [X, file, X.astype(">f4"), np.asfortranarray(X, "f4")]
    for data in kinds:
        for engine in ("numpy", "compiled"):
            assert_apart(run(data, engine=engine), expected, allowed)


@pytest.mark.parametrize("engine", ["numpy", "compiled"])
def test_batches_from_an_iterator(engine):
    loss, params = network([5, 2], "relu")
    X, y = samples(20, 5, 2)
    batches = [(X[i : i + 7], y[i : i + 7]) for i in range(0, 20, 7)]
    expected, history = cr.minimize(
        loss, params, X, y, batch_size=7, epochs=3, shuffle=False, engine=engine
    )
    for source in (batches, lambda: iter(batches)):
        got, other = cr.minimize(loss, params, source, epochs=3, engine=engine)
        assert_same(got, expected, rtol=1e-12)
        np.testing.assert_allclose(other.loss, history.loss, rtol=1e-12)
    growing = [(X[:3], y[:3]), (X[3:], y[3:])]
    spread = [(X[:, ::-1][:, ::-1][i : i + 10], y[i : i + 10]) for i in (0, 10)]
    other = [(X[:10], y[:10]), (np.asfortranarray(X[10:], "f4"), y[10:].astype("i4"))]
    for source in (growing, spread, other):
        runs = [cr.minimize(loss, params, source, epochs=2, engine=e)[0] for e in ("numpy", engine)]
        assert_same(*runs, rtol=1e-12)
    with pytest.raises(ShapeError):
        cr.minimize(loss, params, [(X[:10], y[:10]), (X[10:, :4], y[10:])], engine=engine)
    with pytest.raises(DataError, match="gone through once"):
        cr.minimize(loss, params, iter(batches), engine=engine)
    with pytest.raises(DataError, match="gives no batch"):
        cr.minimize(loss, params, lambda: iter([]), engine=engine)


def test_a_loss_without_y_and_data_in_a_tree():
    def loss(w, data):
        return np.mean((data["a"] @ w - data["b"]) ** 2)

    rng = np.random.default_rng(0)
    data = {"a": rng.normal(size=(30, 2))}
    data["b"] = data["a"] @ [1.0, -2.0]
    for engine in ("numpy", "compiled"):
        w, _ = cr.minimize(loss, np.zeros(2), data, epochs=100, batch_size=3, engine=engine)
        np.testing.assert_allclose(w, [1, -2], rtol=0.2)


class Lion(optimizers.Optimizer):
    slots = ("momentum",)

    def step(self, w, g, learning_rate, t, momentum):
        update = np.sign(0.9 * momentum + 0.1 * g)
        return w - learning_rate * update, {"momentum": 0.99 * momentum + 0.01 * g}


def test_an_optimizer_of_ones_own_compiles():
    loss, params = network([5, 4, 2], "tanh")
    X, y = samples(40, 5, 2)
    one, other = (
        cr.minimize(loss, params, X, y, optimizer=Lion(0.01), epochs=3, seed=0, engine=engine)[0]
        for engine in ("numpy", "compiled")
    )
    assert_same(one, other, rtol=1e-10, atol=1e-12)


class TestEnds:
    def branching(self, w, X):
        error = X @ w
        if np.sum(error) > 0:
            return np.mean(error**2)
        return np.mean(np.abs(error))

    def test_what_cannot_be_compiled_names_the_line_and_runs(self):
        with pytest.warns(UserWarning, match=r"test_training\.py, line \d+, `if np.sum\(error\)"):
            w, _ = cr.minimize(self.branching, np.ones(2), np.ones((4, 2)), epochs=5)
        assert np.abs(w).max() < 1
        with pytest.raises(CompileError, match=r"np\.where"):
            cr.minimize(self.branching, np.ones(2), np.ones((4, 2)), engine="compiled")

    def test_an_operation_that_runs_in_numpy_alone(self):
        def loss(w, X):
            return np.sum(np.linalg.det(w * np.eye(2)) * np.mean(X))

        with pytest.warns(UserWarning, match="cannot be compiled: det runs in NumPy alone"):
            cr.minimize(loss, np.array(2.0), np.ones((2000, 2)), epochs=4, batch_size=1)

    @pytest.mark.parametrize("engine", ["numpy", "compiled"])
    @pytest.mark.parametrize("batch_size", [1, 4])
    def test_a_loss_that_becomes_infinite(self, engine, batch_size):
        def loss(w, X):
            return np.mean((X @ w - 1) ** 4)

        X = np.random.default_rng(0).normal(size=(50, 3))
        with pytest.raises(DivergenceError, match=r"epoch \d+, batch \d+, at learning rate 5") as e:
            cr.minimize(
                loss, np.ones(3), X, optimizer=optimizers.SGD(5.0), epochs=9, seed=0,
                batch_size=batch_size, engine=engine,
            )  # fmt: skip
        assert np.isfinite(e.value.params).all()
        assert "largest gradient" in str(e.value)

    def test_both_engines_stop_at_the_same_place(self):
        def loss(w, X):
            return np.mean((X @ w - 1) ** 4)

        X = np.random.default_rng(0).normal(size=(64, 3))
        found = []
        for engine in ("numpy", "compiled"):
            with pytest.raises(DivergenceError) as e:
                cr.minimize(
                    loss, np.ones(3), X, optimizer=optimizers.SGD(2.0), batch_size=2, seed=1,
                    engine=engine,
                )  # fmt: skip
            found.append((str(e.value).split(";")[0], e.value.params))
        assert found[0][0] == found[1][0]
        np.testing.assert_allclose(found[0][1], found[1][1], rtol=1e-9)

    def test_a_label_out_of_range(self):
        loss, params = network([5, 2], "relu")
        X, y = samples(20, 5, 2)
        y[7] = 2
        for engine, batch_size in (("compiled", 4), ("numpy", 4), ("compiled", 20)):
            with pytest.raises(DataError, match=r"index 2 is out of bounds .* size 2 in row 7"):
                cr.minimize(loss, params, X, y, engine=engine, batch_size=batch_size)

    @pytest.mark.parametrize("engine", ["numpy", "compiled"])
    def test_interrupted(self, engine, interrupts):
        loss, params = network([30, 40, 5], "tanh")
        X, y = samples(2000, 30, 5)
        soon = threading.Timer(0.3, _thread.interrupt_main)
        begin = LambdaCallback(on_train_begin=lambda logs: soon.start())
        with pytest.warns(UserWarning, match="interrupted in epoch"):
            trained, history = cr.minimize(
                loss, params, X, y, epochs=10**7, batch_size=50, engine=engine, seed=0,
                callbacks=[begin],
            )  # fmt: skip
        assert 0 < len(history.loss) < 10**6
        assert history.loss[-1] < history.loss[0]
        assert np.isfinite(trained["W0"]).all()

    def test_callbacks_watch_set_and_stop(self):
        class Halving(Callback):
            def on_epoch_begin(self, epoch, logs=None):
                self.model.learning_rate /= 2

        loss, params = network([5, 2], "relu")
        X, y = samples(20, 5, 2)
        seen = []

        def stop(epoch, logs):
            seen.append((epoch, logs["loss"]))
            return epoch == 2

        for engine in ("numpy", "compiled"):
            halving = Halving()
            _, history = cr.minimize(
                loss, params, X, y, optimizer=optimizers.SGD(0.8), epochs=10, engine=engine,
                callbacks=[halving, stop], seed=0,
            )  # fmt: skip
            assert halving.model.learning_rate == 0.1
            assert history.epoch == [0, 1, 2]
        np.testing.assert_allclose(seen[:3], seen[3:], rtol=1e-12)


def test_auto_compiles_long_runs():
    loss, params = network([5, 2], "relu")
    X, y = samples(20, 5, 2)
    kinds = []

    def kind(epochs):
        def look(*_):
            kinds.append(watcher.model._engine.name)
            watcher.model.stop_training = True

        watcher = LambdaCallback(on_epoch_end=look)
        cr.minimize(loss, params, X, y, epochs=epochs, callbacks=[watcher])
        return kinds[-1]

    assert kind(1) == "numpy"
    assert kind(10**6) == "compiled"
    assert kind(1) == "compiled"  # this process has run the structure for long


BAD = {
    "loss": ({"loss": 3}, DataError),
    "epochs": ({"epochs": 0}, DataError),
    "batch size": ({"batch_size": 2.5}, DataError),
    "seed": ({"seed": "x"}, DataError),
    "engine": ({"engine": "numba"}, UnknownNameError),
    "optimizer name": ({"optimizer": "addam"}, UnknownNameError),
    "optimizer": ({"optimizer": 3}, DataError),
    "callback": ({"callbacks": [3]}, DataError),
    "params dtype": ({"params": {"W": "x"}}, DataError),
    "params nan": ({"params": {"W": np.nan}}, DataError),
    "params empty": ({"params": {}}, DataError),
    "lengths": ({"y": np.zeros(3, int)}, ShapeError),
    "X empty": ({"X": np.zeros((0, 5)), "y": np.zeros(0, int)}, DataError),
    "X words": ({"X": np.array([["a"] * 5] * 20)}, DataError),
    "X scalar": ({"X": 3.0}, DataError),
    "validation": ({"validation_data": 3}, DataError),
    "features": ({"X": np.zeros((20, 4))}, ShapeError),
}


@pytest.mark.parametrize("name", list(BAD))
def test_bad_input(name):
    loss, params = network([5, 2], "relu")
    X, y = samples(20, 5, 2)
    given, error = BAD[name]
    arguments = {"loss": loss, "params": params, "X": X, "y": y, **given}
    with pytest.raises(error):
        cr.minimize(**arguments)


STRENGTH = 0.1


class TestRememberedPrograms:
    """A loss is recorded once as long as nothing that it refers to has changed."""

    def trained(self, loss):
        X = np.random.default_rng(0).normal(size=(20, 3))
        return cr.minimize(loss, np.ones(3), X, batch_size=5, seed=0, engine="compiled")[0]

    def assert_same_as_numpy(self, loss):
        X = np.random.default_rng(0).normal(size=(20, 3))
        other, _ = cr.minimize(loss, np.ones(3), X, batch_size=5, seed=0, engine="numpy")
        np.testing.assert_allclose(self.trained(loss), other, rtol=1e-10)

    def test_a_global_number_and_a_closure(self, monkeypatch):
        scale = [1.0]

        def loss(w, X):
            return np.mean((X @ w) ** 2) * scale[0] + STRENGTH * np.sum(w**2)

        for strength, factor in ((0.1, 1.0), (0.7, 1.0), (0.7, 3.0)):
            monkeypatch.setitem(globals(), "STRENGTH", strength)
            scale[0] = factor
            self.assert_same_as_numpy(loss)

    @pytest.mark.parametrize("size", [3, 3000])  # one is looked at, the other cannot be
    def test_an_array_changed_in_place(self, size):
        weights = np.ones(size)

        def loss(w, X):
            return np.mean((X @ w) ** 2) * np.mean(weights)

        for value in (1.0, 2.0):
            weights[:] = value
            self.assert_same_as_numpy(loss)

    def test_what_a_partial_holds(self):
        def loss(w, X, strength):
            return np.mean((X @ w) ** 2) + strength * np.sum(w**2)

        for strength in (0.1, 0.9):
            self.assert_same_as_numpy(functools.partial(loss, strength=strength))

    def test_an_object_with_a_state(self):
        class Model:
            strength = 0.1

            def loss(self, w, X):
                return np.mean((X @ w) ** 2) + self.strength * np.sum(w**2)

        model = Model()
        for strength in (0.1, 0.9):
            model.strength = strength
            self.assert_same_as_numpy(model.loss)

    def test_what_has_no_gradient(self):
        def fixed(w, X):
            return np.mean((X @ w) * cr.stop_gradient(X @ w))

        for loss in (lambda w, X: np.mean((X @ w) * (X @ w)), fixed):
            self.assert_same_as_numpy(loss)

    def test_a_gradient_within_the_loss(self):
        def loss(w, X, inner):
            return np.mean((X @ w) ** 2) + np.sum(cr.grad(inner)(w) ** 2)

        for inner in (lambda w: np.sum(w**3), lambda w: np.sum(w * cr.stop_gradient(w) ** 2)):
            self.assert_same_as_numpy(functools.partial(loss, inner=inner))

    def test_an_optimizer_that_looks_at_its_learning_rate(self):
        class Own(optimizers.Optimizer):
            def step(self, w, g, learning_rate, t):
                return w - self.learning_rate * g, {}

        def loss(w, X):
            return np.mean((X @ w) ** 2)

        X = np.random.default_rng(0).normal(size=(20, 3))
        for rate in (0.01, 0.3):
            one, other = (
                cr.minimize(loss, np.ones(3), X, optimizer=Own(rate), batch_size=5, seed=0,
                            engine=engine)[0] for engine in ("numpy", "compiled")
            )  # fmt: skip
            np.testing.assert_allclose(one, other, rtol=1e-10)


def test_a_loss_that_is_an_object_is_recorded_again_when_its_call_changes():
    X, y = samples(20, 1, 2)

    def trained(power):
        class Loss:
            def __call__(self, w, X, y):
                return np.mean((X[:, 0] * w - 1) ** power)

        Loss.__qualname__ = "Loss"
        return cr.minimize(Loss(), np.ones(()), X, y, seed=0, engine="numpy")[0]

    assert trained(2) != trained(4)


@pytest.mark.parametrize("size", [7, 20, 100])
def test_a_sum_is_scored_in_the_batches_that_it_is_trained_in(size):
    X, y = np.random.default_rng(0).normal(size=(40, 3)), np.arange(40.0)

    def loss(w, X, y):
        return np.sum((X @ w - y) ** 2)

    _, history = cr.minimize(
        loss, np.ones(3), X, y, optimizer=cr.optimizers.SGD(0.0), batch_size=size, shuffle=False,
        epochs=1, validation_data=(X, y),
    )  # fmt: skip
    assert history.val_loss == pytest.approx(history.loss)


OPTIONS = {
    "weight_decay": 0.1, "clipnorm": 1.0, "clipvalue": 0.5, "global_clipnorm": 2.0, "use_ema": True,
    "gradient_accumulation_steps": 2, "l2": 0.01, "learning_rate_multipliers": {"b": 3.0},
    "beta_1": 0.5, "beta_2": 0.8, "epsilon": 1e-3, "momentum": 0.3, "rho": 0.6, "nesterov": True,
    "centered": True, "amsgrad": True,
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(optimizers.OPTIMIZERS))
def test_a_rule_is_known_by_its_settings(name):
    """Whatever settings tell apart or not: a rule is what a recording says."""
    params = {"w": np.ones((3, 2)), "b": np.ones(2)}
    kind = optimizers.OPTIMIZERS[name]
    allowed = kind().get_config()
    rules = [kind(), kind(learning_rate=0.5), kind(learning_rate=lambda t: 0.1 / (1 + t))]
    rules += [kind(**{option: OPTIONS[option]}) for option in OPTIONS if option in allowed]
    if "nesterov" in allowed and "momentum" in allowed:
        rules.append(kind(momentum=0.3, nesterov=True))
    rules.append(kind(weight_decay=0.1))
    rules[-1].exclude_from_weight_decay(var_names=["b"])
    told = []
    for rule in rules:
        state = map_leaves(np.asarray, rule.init(params))
        given = {"params": params, "gradients": params, "state": state}
        fresh = tape_key(tape(rule.update, given, named=False))
        update = Update(np.sum, rule)
        assert update._rule_told(params, state) == fresh
        assert update._rule_told(params, state) == fresh
        told.append(fresh)
    assert len(set(map(repr, told))) > 5


def test_a_rule_is_recorded_again_where_it_may_do_something_else(monkeypatch):
    X, y = samples(20, 3, 2)
    recorded = []
    monkeypatch.setitem(
        Update.told.__globals__, "tape",
        lambda f, *args, **options: recorded.append(f) or tape(f, *args, **options),
    )  # fmt: skip

    def loss(w, X, y):
        return np.mean((X @ w - y) ** 2)

    class Halving(optimizers.SGD):
        def step(self, w, g, learning_rate, t):
            return w / factor, {}

    def trained(rule):
        recorded.clear()
        w, _ = cr.minimize(loss, np.ones(3), X, y, optimizer=rule, seed=0, engine="compiled")
        return w, recorded.count(rule.update)

    assert trained(optimizers.SGD(0.1, weight_decay=0.125))[1] == 1
    slow, count = trained(optimizers.SGD(0.01, weight_decay=0.125))
    assert count == 0
    assert not np.array_equal(slow, trained(optimizers.SGD(0.1, weight_decay=0.125))[0])
    assert trained(optimizers.SGD(0.1, weight_decay=0.25))[1] == 1
    for factor in (2.0, 4.0):
        np.testing.assert_array_equal(trained(Halving())[0], np.ones(3) / factor)
    monkeypatch.setattr(optimizers.SGD, "step", lambda self, w, g, learning_rate, t: (w / 8, {}))
    rule = optimizers.SGD(0.1, weight_decay=0.125)
    np.testing.assert_allclose(trained(rule)[0], np.ones(3) * (1 - 0.1 * 0.125) / 8)


@pytest.mark.parametrize("was", [True, False])
def test_python_looks_for_no_garbage_while_a_step_is_made(was):
    seen = []

    def loss(params, X):
        seen.append(gc.isenabled())
        return np.sum((X * params) ** 2)

    (gc.enable if was else gc.disable)()
    try:
        cr.minimize(loss, np.ones(2), np.ones((4, 2)), batch_size=2, epochs=1, engine="compiled")
        assert seen
        assert not any(seen)
        assert gc.isenabled() is was
        with pytest.raises(ShapeError):
            cr.minimize(loss, np.ones(2), np.ones((4, 3)), batch_size=2, epochs=1)
        assert gc.isenabled() is was
    finally:
        gc.enable()


@pytest.mark.parametrize("engine", ["numpy", "compiled"])
@pytest.mark.parametrize("at", [0, 2, 5])
def test_a_callback_that_changes_what_the_loss_reads_is_refused(engine, at):
    """The loss was recorded with the old number: to go on would train with that in silence."""
    temperature = [1.0]

    def loss(w, X):
        return np.mean((X @ w - temperature[0]) ** 2)

    def anneal(epoch, logs):
        if epoch == at:
            temperature[0] = 0.5

    with pytest.raises(TraceError, match="has changed a global or an attribute"):
        cr.minimize(
            loss, np.zeros(2), np.ones((6, 2)), epochs=7, batch_size=2, callbacks=[anneal],
            engine=engine,
        )  # fmt: skip
    temperature[0] = 1.0
    _, history = cr.minimize(
        loss, np.zeros(2), np.ones((6, 2)), epochs=7, callbacks=[lambda epoch, logs: None]
    )
    assert len(history.loss) == 7


def test_a_source_of_batches_that_changes_what_the_loss_reads_is_refused():
    weight = [1.0]

    def batches():
        weight[0] *= 0.5
        yield np.ones((4, 2))

    def loss(w, X):
        return np.mean((X @ w - 1) ** 2) + weight[0] * np.sum(w**2)

    with pytest.raises(TraceError, match="the source of batches has changed a global"):
        cr.minimize(loss, np.zeros(2), batches, epochs=3)
