"""Machine code that was used longest ago goes; what runs it, or is about to, keeps it."""

import gc
import sys
import threading
import weakref

import numpy as np
import pytest
from tests.torture.structures import used

import chainrule as cr
from chainrule._src.compile.native import code as native
from chainrule._src.compile.native import llvm
from chainrule._src.compile.native.function import _provided
from chainrule._src.compile.native.machine import host
from chainrule._src.compile.running import bound, form

FEW = 8


@pytest.fixture(autouse=True)
def few(tmp_path, monkeypatch):
    """Keep little, so that a hundred structures are many."""
    monkeypatch.setenv("CHAINRULE_CACHE", str(tmp_path))
    monkeypatch.setattr(native, "_loaded", {})
    monkeypatch.setattr(native, "CODES", FEW)
    monkeypatch.setattr(form, "REMEMBERED", FEW)
    monkeypatch.setattr(bound, "MOST", FEW)


def run(i, f=None):
    """Run the machine code of one structure of many."""
    f = f or cr.jit(lambda x: np.sum(x * x, axis=(1, 2)))
    np.testing.assert_allclose(
        f(np.ones((2, 1 + i % 20, 1 + i // 20))), (1 + i % 20) * (1 + i // 20)
    )
    return f


def train(i):
    start, X = np.zeros((1 + i % 20, 1 + i // 20)), np.ones((4, 1 + i % 20, 1 + i // 20))
    options = {"optimizer": "sgd", "batch_size": 2, "epochs": 1, "engine": "compiled"}
    cr.minimize(lambda w, X: np.mean((X - w) ** 2), start, X, **options)


@pytest.mark.skipif(sys.platform != "linux", reason="maps of memory are read in /proc")
@pytest.mark.parametrize("work", [run, train])
def test_many_structures_take_no_more_memory_than_some(work):
    sizes = []
    for i in range(160):
        work(i)
        if i % 20 == 19:  # else the garbage of a hundred lies between what stays
            sizes.append(used())
    (maps, size), (now, in_memory) = sizes[2], sizes[-1]
    assert now < maps + 60  # 3 for each structure where code is never freed
    assert in_memory < size + 100 * 6e3  # 15 kB where a table holds 128 programs more


def test_what_was_used_longest_ago_goes():
    functions = [weakref.ref(native._loaded[each]) for each in loaded_by(lambda: run(0))]
    first = run(1)
    for i in range(2, 2 + FEW):
        run(i)
    gc.collect()
    assert len(native._loaded) == FEW
    assert [function() for function in functions] == [None]
    run(1, first)  # what runs it keeps it


def loaded_by(work):
    before = {*native._loaded}
    work()
    return {*native._loaded} - before


def test_what_is_used_again_stays():
    (key,) = loaded_by(lambda: run(0))
    for i in range(1, 3 * FEW):
        run(i)
        run(0)
    assert key in native._loaded


def test_large_code_goes_sooner(monkeypatch):
    for i in range(3):
        run(i)
    monkeypatch.setattr(native, "BYTES", 1)
    run(3)
    assert len(native._loaded) == 1


def test_products_stay():
    A = np.ones((64, 64))

    def multiply():
        np.testing.assert_array_equal(cr.jit(np.matmul)(A, A), 64.0)

    multiply()
    for i in range(2 * FEW):
        run(i)
    (product,) = (f for f in native._loaded.values() if f.is_provided)
    multiply()
    assert _provided["chainrule_dgemm"][-1] is product


def test_code_goes_while_others_run_it():
    ends, wrong = threading.Event(), []

    def keep_running(i):
        mine = run(i)
        while not ends.is_set():
            try:
                run(i, mine)
            except AssertionError as error:
                wrong.append(error)

    threads = [threading.Thread(target=keep_running, args=(i,)) for i in range(2)]
    for thread in threads:
        thread.start()
    for i in range(2, 5 * FEW):
        run(i)
    ends.set()
    for thread in threads:
        thread.join()
    assert not wrong


TEXT = llvm.Text("define double @f(double %x) {\n  %y = fmul double %x, %x\n  ret double %y\n}\n")


def test_tools_are_used_again_and_give_the_same_code():
    target = host()
    assert len({llvm.compiled(TEXT, target) for _ in range(llvm.MODULES + 2)}) == 1
    assert len(llvm._idle[target, llvm.BEST, False]) >= 1


@pytest.mark.skipif(sys.platform != "linux", reason="bytes in memory are read in /proc")
def test_making_machine_code_leaves_little_in_memory():
    text, target = TEXT._replace(passes=llvm.FEW), host()
    for _ in range(300):
        llvm.compiled(text, target)
    _, size = used()
    for _ in range(1000):
        llvm.compiled(text, target)
    _, in_memory = used()
    assert in_memory < size + 1000 * 500  # 1.5 kB where each has a builder of passes for itself
