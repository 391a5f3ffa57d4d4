"""Machine code that was used longest ago goes; what runs it, or is about to, keeps it."""

import gc
import json
import os
import subprocess
import sys
import threading
import weakref

import numpy as np
import pytest

import chainrule as cr
from chainrule._src.compile.native import code as native
from chainrule._src.compile.native import llvm
from chainrule._src.compile.native.function import _provided
from chainrule._src.compile.native.machine import host
from chainrule._src.compile.running import bound, form

pytestmark = pytest.mark.usefixtures("compiled_once")
FEW = 4


@pytest.fixture(autouse=True)
def few(new_cache, monkeypatch):
    """Keep little, so that some ten structures are many."""
    monkeypatch.setenv("CHAINRULE_CACHE", str(new_cache()))
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


# One process for each kind of work: the memory of a long one has gaps that come and go.
MANY = """
import json, sys
import numpy as np, chainrule as cr
from chainrule._src.compile.native import code, llvm
from chainrule._src.compile.native.machine import host
from chainrule._src.compile.running import bound, form
from tests.torture.structures import used

work, few, count, every = sys.argv[1], *map(int, sys.argv[2:])
code.CODES = form.REMEMBERED = bound.MOST = few
X = np.ones((4, 2, 3))
TEXT = llvm.Text("define void @f() { ret void }", llvm.FEW)

def mixed(i, x):
    for bit in range(6):  # another structure for each i, all of one size
        x = x * x if i >> bit & 1 else x + x
    return x

def run(i):
    np.testing.assert_array_equal(cr.jit(lambda x: mixed(i, x))(X), mixed(i, X))

def train(i):
    options = {"optimizer": "sgd", "batch_size": 2, "epochs": 1, "engine": "compiled"}
    cr.minimize(lambda w, X: np.mean((X - mixed(i, w)) ** 2), np.zeros((2, 3)), X, **options)

def compile(i):
    for _ in range(10):
        llvm.compiled(TEXT, host())

for i in range(count):
    globals()[work](i)
    if (i + 1) % every == 0:
        print(json.dumps([*used(), len(code._loaded)]))
"""
SETTLED, COUNT, EVERY = 20, 56, 4


@pytest.mark.thorough  # many structures
@pytest.mark.skipif(sys.platform != "linux", reason="maps of memory are read in /proc")
@pytest.mark.parametrize(("work", "most"), [
    ("run", 6e3),  # 15 kB where a table holds 128 programs more
    ("train", 6e3),
    ("compile", 5e3),  # 15 kB where each of ten has a builder of passes for itself
])  # fmt: skip
def test_many_structures_take_no_more_memory_than_some(work, most, new_cache):
    done = subprocess.run(
        [sys.executable, "-c", MANY, work, *map(str, (FEW, COUNT, EVERY))],
        env=os.environ | {
            "CHAINRULE_CACHE": str(new_cache()), "PYTHONPATH": os.pathsep.join(sys.path),
        }, capture_output=True, text=True,
    )  # fmt: skip
    assert not done.returncode, done.stderr
    samples = [*map(json.loads, done.stdout.splitlines())]
    maps, size, _ = samples[SETTLED // EVERY - 1]
    now, in_memory, kernels = map(min, zip(*samples[-3:], strict=True))  # threads come and go
    assert kernels == (0 if work == "compile" else FEW)
    assert now < maps + 0.6 * (COUNT - SETTLED)  # 3 for each structure where code is never freed
    # The heap grows by half a megabyte now and then: what is never freed grows in both halves.
    middle = samples[(SETTLED + COUNT) // 2 // EVERY - 1][1]
    growth = min(middle - size, in_memory - middle)
    assert growth < (COUNT - SETTLED) // 2 * most


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
        while not ends.wait(1e-3):  # else this thread would have Python to itself most of the time
            try:
                run(i, mine)
            except AssertionError as error:
                wrong.append(error)

    threads = [threading.Thread(target=keep_running, args=(i,)) for i in range(2)]
    for thread in threads:
        thread.start()
    for i in range(2, 3 * FEW):
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
