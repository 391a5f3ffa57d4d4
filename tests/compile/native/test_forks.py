"""A fork while other threads compile: the child compiles and trains, and nobody waits for ever."""

import os
import subprocess
import sys
from functools import partial

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no forks")
COMMON = """
import faulthandler, os, sys, threading, time, warnings
import numpy as np, chainrule as cr
FORKS, SECONDS = int(sys.argv[1]), 40
warnings.simplefilter("ignore", DeprecationWarning)  # that a fork with threads may hang


def compiles(i):
    x = np.ones((2, 1 + i % 30, 1 + i // 30))
    np.testing.assert_allclose(cr.jit(lambda x: np.sum(x * x, axis=(1, 2)))(x), x[0].size)


def trains(**options):
    X, y = np.ones((256, 120)), np.zeros((256, 1))
    model = cr.Sequential([cr.layers.Dense(120, activation="tanh"), cr.layers.Dense(1)])
    model.compile("sgd", "mse", engine="compiled")
    model.fit(X, y, batch_size=128, verbose=0, **{"epochs": 1} | options)
    assert np.isfinite(model.predict(X, verbose=0)).all()


def child(work):
    if pid := os.fork():
        return pid
    faulthandler.dump_traceback_later(SECONDS, exit=True)  # where it hangs
    code = 1
    try:
        work()
        code = 0
    finally:
        os._exit(code)


def ends(pid):
    status = os.waitpid(pid, 0)[1]
    assert status == 0, f"a child ended with {status}"
"""
WHILE_OTHERS_COMPILE = """
count, over = iter(range(10**6)), threading.Event()

def go_on():
    while not over.is_set():
        compiles(next(count))

def both():
    compiles(10**4 + os.getpid())
    trains()

others = [threading.Thread(target=go_on, daemon=True) for _ in range(2)]
for other in others:
    other.start()
chance = np.random.default_rng(0)
for _ in range(FORKS):
    time.sleep(chance.uniform(0, 0.1))
    ends(child(both))
over.set()
for other in others:
    other.join()
"""
FROM_A_CALLBACK = """
children = []

class Forks(cr.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        if epoch == 2 and not children:
            children.append(os.fork())
            if not children[0]:
                faulthandler.dump_traceback_later(SECONDS, exit=True)

trains(epochs=40, callbacks=[Forks()])
if not children[0]:
    trains()
    os._exit(0)
ends(children[0])
"""
OF_ONE_FUNCTION = """
def f(x):
    if threading.current_thread() is other:
        begun.set()
        assert ended.wait(60)
    return np.sin(x) * 3

begun, ended, f = threading.Event(), threading.Event(), cr.jit(f)
other = threading.Thread(target=f, args=(np.ones(5),), daemon=True)
other.start()
assert begun.wait(60)
ends(child(lambda: f(np.ones(5))))
ended.set()
other.join()
"""


@pytest.fixture
def run(new_cache):
    return partial(run_in_process, new_cache())


def run_in_process(cache, code, forks=0):
    environment = os.environ | {
        "CHAINRULE_CACHE": str(cache), "CHAINRULE_NUM_THREADS": "2",
        "PYTHONPATH": os.pathsep.join(sys.path),
    }  # fmt: skip
    command = [sys.executable, "-c", COMMON + code, str(forks)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=600)
    assert done.returncode == 0, done.stderr


@pytest.mark.thorough  # many forks
def test_while_others_compile(run):
    run(WHILE_OTHERS_COMPILE, forks=4)


def test_of_a_function_that_another_thread_compiles(run):
    run(OF_ONE_FUNCTION)


@pytest.mark.thorough  # one more moment
def test_from_a_callback_of_a_run_in_several_threads(run):
    run(FROM_A_CALLBACK)
