import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

import chainrule as cr
from chainrule._src.compile.running import bound, engines
from chainrule._src.compile.running import threads as turns
from chainrule._src.compile.running.threads import Paces
from chainrule._src.nn.network.forward import Forward
from chainrule._src.nn.training import supply


def measured(paces, seconds, count=1):
    """Let a run plan and note times, each the next of what ``seconds`` gives for its threads."""
    chosen = []
    for _ in range(count):
        n, updates = paces.plan(2, 32)
        paces.took(seconds[n](len(chosen)) * updates, updates, n, 32)
        chosen.append(n)
    return chosen


@pytest.fixture
def clock(monkeypatch):
    """A clock that the tests set."""
    now = [0.0]
    monkeypatch.setattr(turns.time, "perf_counter", lambda: now[0])
    return now


def test_each_is_tried_before_one_is_chosen(clock):
    slow, fast, slower = (lambda _: 0.012), (lambda _: 0.01), (lambda _: 0.02)
    chosen = measured(Paces(), {1: slow, 2: fast}, 20)
    assert sorted(chosen[:6]) == [1, 1, 1, 2, 2, 2]
    assert set(chosen[6:]) == {2}
    chosen = measured(Paces(), {1: slower, 2: fast}, 20)
    assert sorted(chosen[:5]) == [1, 1, 2, 2, 2], "one thread was tried a third time"
    assert set(chosen[5:]) == {2}
    chosen = measured(Paces(), {1: fast, 2: slow}, 20)
    assert sorted(chosen[:6]) == [1, 1, 1, 2, 2, 2]
    assert set(chosen[6:]) == {1}


def test_a_first_update_that_finds_all_cold_decides_nothing(clock):
    cold = {1: lambda at: 0.03 if at < 2 else 0.012, 2: lambda at: 0.05 if at < 2 else 0.015}
    assert set(measured(Paces(), cold, 20)[6:]) == {1}


@pytest.mark.parametrize("when", range(12))
def test_a_moment_that_is_slow_decides_nothing(clock, when):
    def held_up(at):
        return 0.5 if at == when else 0.01

    assert set(measured(Paces(), {1: lambda _: 0.016, 2: held_up}, 30)[6:]) == {2}


def test_threads_that_stop_helping_are_given_up_and_tried_again(clock):
    paces = Paces()
    busy = [0.01]
    seconds = {1: lambda _: 0.016, 2: lambda _: busy[0]}
    measured(paces, seconds, 10)
    busy[0] = 0.03
    chosen = measured(paces, seconds, 20)
    assert chosen[:4] == [2] * 4
    assert set(chosen[turns.LATEST :]) == {1}
    busy[0] = 0.01
    assert set(measured(paces, seconds, 5)) == {1}  # nobody knows yet
    clock[0] += turns.AGAIN  # too soon, as an update takes long
    assert set(measured(paces, seconds, 5)) == {1}
    clock[0] += turns.RARELY * 0.03
    assert set(measured(paces, seconds, 10)[4:]) == {2}


@pytest.mark.parametrize(("several", "least", "most"), [(0.025, 0.005, 0.03), (0.02, 6e-4, 4e-3)])
def test_trials_take_a_small_part_of_the_time(clock, several, least, most):
    paces, seconds, took = Paces(), {1: 0.03, 2: several}, {1: 0.0, 2: 0.0}
    while clock[0] < 60:
        threads, updates = paces.plan(2, 32)
        clock[0] += seconds[threads] * updates
        took[threads] += seconds[threads] * updates
        paces.took(seconds[threads] * updates, updates, threads, 32)
    assert least < took[1] / clock[0] < most


def mean_square(w, X):
    return np.mean((X @ w) ** 2)


def trained(rows=64, columns=8):
    X = np.random.default_rng(0).random((rows, columns))
    return cr.minimize(mean_square, np.ones(columns), X, engine="compiled", batch_size=16, seed=0)


@pytest.fixture
def made(monkeypatch):
    """The kernels that are made, as in a process where none was before."""
    kernels = []

    class Noted(bound.BoundKernel):
        def __init__(self, *args):
            kernels.append(self)
            super().__init__(*args)

    monkeypatch.setattr(bound, "BoundKernel", Noted)
    monkeypatch.setattr(bound, "_kept", [])
    return kernels


def test_the_memory_of_a_run_is_the_next_one_s(made):
    expected = trained()[0]
    np.testing.assert_array_equal(trained()[0], expected)
    assert len(made) == 1


def test_no_more_memory_is_kept_than_the_bound(made, monkeypatch):
    trained(columns=8)
    monkeypatch.setattr(bound, "KEPT", made[0].memory.bytes)
    trained(columns=80)  # too large
    assert bound._kept == made[:1]
    trained(columns=7)
    assert bound._kept == made[2:]
    trained(columns=7)
    assert len(made) == 3


def test_the_memory_of_few_kernels_is_kept(made, monkeypatch):
    monkeypatch.setattr(bound, "MOST", 3)
    for columns in range(2, 8):
        trained(columns=columns)
    assert bound._kept == made[-3:]


# Turns


def test_runs_begin_one_after_the_other(monkeypatch):
    monkeypatch.setattr(turns, "PATIENCE", 10)
    inside, most = [0], [0]
    began = threading.Barrier(4)

    def loss(w, X):
        inside[0] += 1
        most[0] = max(most[0], inside[0])
        time.sleep(0.002)  # lets the others try
        inside[0] -= 1
        return np.mean((X @ w) ** 2)

    def run():
        began.wait(10)
        cr.minimize(loss, np.ones(3), np.ones((4, 3)), engine="numpy")

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(run) for _ in range(4)]:
            done.result(20)
    assert most == [1]


def test_a_loss_that_waits_for_another_thread_ends(monkeypatch):
    monkeypatch.setattr(turns, "PATIENCE", 0.02)

    def inner():
        return cr.minimize(mean_square, np.ones(3), np.ones((4, 3)), seed=0)[0]

    def outer(w, X):
        with ThreadPoolExecutor(1) as pool:
            return np.mean((X @ w - pool.submit(inner).result(20)[0]) ** 2)

    assert np.all(np.isfinite(cr.minimize(outer, np.ones(3), np.ones((4, 3)), seed=0)[0]))
    assert not turns._turn.locked()


def test_a_run_that_fails_ends_its_turn():
    def fails(w, X):
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        cr.minimize(fails, np.ones(3), np.ones((4, 3)))
    assert not turns._turn.locked()


def product_threads():
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


@pytest.mark.parametrize("limit", [turns.one_for_products, turns.products_on_one_thread])
def test_products_are_made_by_one_thread_until_the_context_ends(limit):
    with threadpool_limits(2, "blas"):
        before = product_threads()
        with limit():
            assert product_threads() == {1}
        assert product_threads() == before != {1}


def test_the_last_thread_ends_the_limit_of_products():
    first, second = turns.products_on_one_thread(), turns.products_on_one_thread()
    with threadpool_limits(2, "blas"):
        first.__enter__()
        with second:
            first.__exit__(None, None, None)
            assert product_threads() == {1}
        assert product_threads() != {1}


def test_the_products_of_small_predictions_have_one_thread(monkeypatch):
    counts = []

    def program(forward, X):
        counts.append(product_threads())
        return lambda weights, X: counts.append(product_threads())

    monkeypatch.setattr(Forward, "program", program)
    model = cr.Sequential([cr.layers.Input((1,)), cr.layers.Dense(1)])
    with threadpool_limits(2, "blas"):
        model.predict_on_batch(np.ones((3, 1)))
        monkeypatch.setattr("chainrule._src.nn.network.forward.SMALL", 5)
        model.predict_on_batch(np.ones((3, 1)))
    many, one, *others = counts
    assert one == {1} != many
    assert others == [many, many]


def test_a_core_is_left_to_a_thread_that_prepares_what_comes_next(monkeypatch):
    monkeypatch.setenv("CHAINRULE_NUM_THREADS", "4")
    over = threading.Event()
    thread = threading.Thread(target=over.wait, args=(10,))
    thread.start()
    turns.is_busy(thread)
    try:
        assert [turns.free(most) for most in (1, 3, 4)] == [1, 3, 3]
        monkeypatch.setenv("CHAINRULE_NUM_THREADS", "1")
        assert turns.free(1) == 1
    finally:
        over.set()
        thread.join()
    assert turns.free(4) == 4


def test_work_that_fails_here_is_not_gone_on_with_elsewhere():
    done = []

    def work(thing):
        if threading.current_thread() is threading.main_thread():
            raise ZeroDivisionError
        done.append(thing)
        time.sleep(0.001)

    with pytest.raises(ZeroDivisionError):
        turns.shared_out(work, range(10_000), 1)
    assert len(done) < 1000


def test_what_fails_elsewhere_is_raised_here():
    began = threading.Event()

    def work(thing):
        if threading.current_thread() is threading.main_thread():
            assert began.wait(5)
        else:
            began.set()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        turns.shared_out(work, range(3), 1)


@pytest.mark.parametrize("engine", ["numpy", "compiled"])
def test_a_run_keeps_its_turn_until_updates_begin(engine, monkeypatch):
    seen = []

    def noting(where, name):
        method = getattr(where, name)

        def noted(*args, **keys):
            seen.append((name, turns._turn.locked()))
            return method(*args, **keys)

        monkeypatch.setattr(where, name, noted)

    def train():
        X, given = np.ones((4, 3)), {"engine": engine, "batch_size": 4}
        cr.minimize(lambda w, X: np.mean((X @ w) ** 2), np.ones(3), X, **given)

    train()  # to compile takes long: it ends a turn, too
    noting(supply.Samples, "begin")
    noting(bound.BoundKernel, "take")
    noting(bound.BoundKernel, "run")
    noting(engines, "updated")
    train()
    before, after = [("begin", True)], [("updated", False)]
    if engine == "compiled":
        before, after = [*before, ("take", True)], [("run", False)]
    assert seen == before + after
