"""What holds for tests and doctests alike."""

import gc
import os
import sys
import threading
from pathlib import Path

# Kernels are compiled once for all tests and runs of this checkout; `make clean` takes them away.
os.environ.setdefault("CHAINRULE_CACHE", str(Path(__file__).parent / "build" / "kernels"))
# So is Python's code, also in containers where it is usual to forbid that: the tests start
# hundreds of processes, each of which would compile all that it imports.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
# Before anything imports NumPy: products here are small, and threads of BLAS that wait for work
# take the processor from the other tests.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import pytest
from _pytest.doctest import DoctestModule


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """Look for garbage seldom, and never among the million objects that are there for all tests."""
    gc.disable()
    found = yield
    gc.freeze()
    gc.set_threshold(50_000, 10, 10)
    gc.enable()
    return found


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers():
    """Ask for a process more than there are processors: some tests wait for browsers and others."""
    mine = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return (mine or 1) + 1


@pytest.fixture(autouse=True)
def keras_for_examples_with_keras(request):
    """Run the examples that need Keras where it is installed, as all tests that need it."""
    # `to_keras` and `from_keras` need it; `chainrule.keras` does not.
    if isinstance(request.node, pytest.DoctestItem) and "_keras" in request.node.name:
        pytest.importorskip("keras")


@pytest.fixture(autouse=True)
def nothing_has_run_yet():
    """Begin every test as a new process does: earlier tests do not decide which engine runs."""
    account = sys.modules.get("chainrule._src.compile.running.account")
    if account is not None:
        account._seconds.clear()


@pytest.fixture(autouse=True)
def threads_end():
    """See that what a test has started ends with it: no later test finds threads of ours."""
    yield
    for thread in threading.enumerate():
        if thread.name.startswith("chainrule"):
            thread.join(10)
            assert not thread.is_alive(), f"{thread.name} is still there"


@pytest.hookimpl(wrapper=True)
def pytest_collect_file(file_path):
    """Look for doctests where there are some; each process would look through 700 other modules.

    A public module has the examples of what it takes from `_src`, which its text does not show.
    """
    collectors = yield
    may_lack_them = "_src" in file_path.parts or file_path.name.startswith("test_")
    if may_lack_them and b">>> " not in file_path.read_bytes():
        return [each for each in collectors if not isinstance(each, DoctestModule)]
    return collectors
