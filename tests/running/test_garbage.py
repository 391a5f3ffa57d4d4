"""While a step is recorded and compiled, the collector does not go through everything."""

import gc
import threading

import numpy as np
import pytest

from chainrule.running.garbage import young_alone
from chainrule.running.steps import make_engine


@pytest.fixture(autouse=True)
def as_python_sets_it():
    usual = gc.get_threshold()
    gc.set_threshold(700, 10, 10)
    yield
    gc.set_threshold(*usual)


def full_collections():
    return gc.get_stats()[2]["collections"]


class Ring:
    """Refers to itself."""

    def __init__(self):
        self.itself = self


def many_that_stay():
    return [[i] for i in range(300_000)]


def test_all_is_not_gone_through_for_objects_that_stay():
    gc.collect()
    before = full_collections()
    with young_alone():
        kept = many_that_stay()
        within = full_collections()
    assert within == before
    kept += many_that_stay()
    assert full_collections() > before


def test_young_garbage_is_collected():
    alive = []
    with young_alone():
        for _ in range(20_000):
            alive.append(0)
            Ring()
        left = sum(type(thing) is Ring for thing in gc.get_objects())
    assert left < 10_000


def test_thresholds_are_as_before_whatever_happens():
    usual = gc.get_threshold()
    with pytest.raises(ZeroDivisionError), young_alone(), young_alone():
        1 / 0  # noqa: B018
    assert gc.get_threshold() == usual


def test_several_threads_at_once():
    usual, within, over = gc.get_threshold(), threading.Event(), threading.Event()

    def other():
        with young_alone():
            within.set()
            over.wait(5)

    thread = threading.Thread(target=other)
    with young_alone():
        thread.start()
        assert within.wait(5)
    assert gc.get_threshold() != usual  # the other is still at it
    over.set()
    thread.join(5)
    assert gc.get_threshold() == usual


def test_a_step_is_compiled_without(tmp_path, monkeypatch):
    monkeypatch.setenv("CHAINRULE_CACHE", str(tmp_path))

    def step(carry, X):
        loss = np.mean((X @ carry["params"] + len(str(tmp_path))) ** 2)
        return loss, {"params": carry["params"] * 0.9}

    gc.collect()
    with young_alone():
        kept = many_that_stay()
        gc.collect(1)  # all is due now
    before = full_collections()
    carry, X = {"params": np.ones(3)}, np.ones((9, 3))
    engine = make_engine(step, lambda params, X: 0.0, carry, (X,), 4, "compiled", 1)
    assert full_collections() == before
    assert engine.holds(3)
    assert full_collections() == before
    kept += many_that_stay()
    assert full_collections() > before
