import mmap
import os
import shutil
import signal
import sys
import time
from functools import cache
from importlib.util import find_spec
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "jax")  # before anything imports Keras
# What JAX compiles here computes little.
os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")


JAX_COMPILES_QUICKLY = {
    "xla_cpu_use_fusion_emitters": "false",
    "xla_cpu_parallel_codegen_split_count": "1",
}


def compile_quickly():
    """Let JAX fuse loops in its older way and not in parts, which compiles four times as fast.

    XLA ends a process that names an option that it does not have; so its library is asked.
    """
    found = find_spec("jaxlib")
    for place in found.submodule_search_locations if found else ():
        for path in Path(place).glob("*.so"):
            with (
                path.open("rb") as file,
                mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content,
            ):
                known = [o for o in JAX_COMPILES_QUICKLY if content.find(o.encode()) >= 0]
            if known:
                flags = " ".join(f"--{o}={JAX_COMPILES_QUICKLY[o]}" for o in known)
                os.environ.setdefault("XLA_FLAGS", flags)


compile_quickly()

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from chainrule._src.base import validation
from chainrule._src.base.registered import REGISTERED
from chainrule._src.compile.native import helpers, verdict
from chainrule._src.compile.native.cache import VERDICT, cache_folder
from chainrule._src.compile.native.code import _verdict_key, this_machine
from chainrule.data import load_digits
from chainrule.lab import Lab
from tests.digits import with_few_digits
from tests.pace import SLOWNESS
from tests.tiers import mark_thorough, split_part

if find_spec("matplotlib"):  # quick tests of emulated machines go without
    import matplotlib as mpl

    mpl.use("agg")
# `make test` draws the same examples everywhere; `make fuzz` draws anew and keeps what it finds.
settings.register_profile(
    "fixed", deadline=None, derandomize=True, database=None, max_examples=15,
    suppress_health_check=[HealthCheck.too_slow] if SLOWNESS > 1 else [],
)  # fmt: skip
settings.register_profile("fuzz", deadline=None, derandomize=False, print_blob=True)
settings.load_profile("fixed")
verdict.PATIENCE *= SLOWNESS


def pytest_addoption(parser):
    text = "a part of the thorough tests, such as 2/5, with all quick ones"
    parser.addoption("--part", metavar="NUMBER/COUNT", help=text)


def pytest_ignore_collect(collection_path):
    """Leave out helpers: to look for doctests is to import them, with all that this changes."""
    is_helper = collection_path.suffix == ".py" and not collection_path.name.startswith("test_")
    return is_helper or None


@pytest.hookimpl(tryfirst=True)  # before pytest leaves out what -m says
def pytest_collection_modifyitems(config, items):
    mark_thorough(items)
    if part := config.getoption("--part"):
        items[:], others = split_part(items, part)
        config.hook.pytest_deselected(items=others)


@pytest.fixture(autouse=True)
def numbers_of_its_own(request):
    """Draw the same in a test, whichever tests ran before."""
    if isinstance(request.node, pytest.Function) and hasattr(request.module, "RNG"):
        request.module.RNG.bit_generator.state = np.random.default_rng(1).bit_generator.state


@pytest.fixture(autouse=True)
def no_seed_of_another(monkeypatch):
    """Let a test begin where nobody has seeded this process, whatever it or another one sets."""
    monkeypatch.setattr(validation, "_seeds", None)


@pytest.fixture(autouse=True)
def no_figures_of_another():
    """Close a test's figures, which a later test would take for its own."""
    yield
    if pyplot := sys.modules.get("matplotlib.pyplot"):
        pyplot.close("all")


@pytest.fixture(scope="session", autouse=True)
def known_machine():
    """Have it found out whether machine code works here before a test counts files of the cache."""
    this_machine()


@pytest.fixture(scope="session")
def digits():
    return load_digits()


@pytest.fixture(scope="session")
def quick_lab():
    """Return a quick lab with a quarter of the digits."""
    return with_few_digits(Lab(quick=True, log=lambda line: None))


@pytest.fixture(scope="session")
def full_lab():
    return Lab(log=lambda line: None)


@pytest.fixture
def interrupts():
    """Let Ctrl-C be heard, also where a shell has had it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def no_wall_limit(monkeypatch):
    """Let searches end by the processor's time alone, whatever else the machine does."""
    from chainrule._src.check import clock

    monkeypatch.setattr(clock, "WALL", 1000.0)


@pytest.fixture
def processor_time(no_wall_limit, monkeypatch):
    """Measure what may take so many seconds by the processor's, too."""
    monkeypatch.setattr(time, "perf_counter", time.process_time)


@pytest.fixture(autouse=True)
def nothing_stays_registered():
    """Forget the functions and classes of one's own that a test registers."""
    before = dict(REGISTERED)
    yield
    if REGISTERED != before:
        REGISTERED.clear()
        REGISTERED.update(before)


@pytest.fixture(scope="session")
def light_hosts(tmp_path_factory):
    """Have this process use hosts of submissions that start quickly; return the code for others."""
    from chainrule._src.teach import running
    from tests.hosts import light_hosts

    code = light_hosts(tmp_path_factory.mktemp("light"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(running, "SCRIPT", running.SCRIPT)
        patch.setattr(running, "STARTING", running.STARTING * SLOWNESS)
        exec(code, {})
        yield code


@pytest.fixture(scope="session")
def hosts(light_hosts):
    """Return hosts of submissions by their kind."""
    from chainrule._src.teach.running import Host

    with Host() as bare, Host("library") as library, Host("whole") as whole:
        yield {"bare": bare, "library": library, "whole": whole}


@pytest.fixture(scope="session")
def kernel_cache(known_machine):
    """Return the folder of this session's kernels, for child processes that are not about caches.

    It holds the machine's verdict. A child process that inherits the environment has it already.
    """
    return cache_folder()


@pytest.fixture(scope="session")
def new_cache(kernel_cache, tmp_path_factory):
    """Return a function that makes a cache without kernels, which holds the machine's verdict.

    In an empty folder each test would run the self-check in another process, which takes 0.2 s.
    """
    file = kernel_cache / f"{_verdict_key(this_machine())}.{VERDICT}"

    def make():
        folder = tmp_path_factory.mktemp("kernels")
        shutil.copy(file, folder)
        return folder

    return make


compile_once = cache(helpers.compiled)


@pytest.fixture
def compiled_once(monkeypatch):
    """Have LLVM compile a module once for all tests with an empty kernel cache that use this.

    Its code depends on the module and the machine alone.
    """
    monkeypatch.setattr(helpers, "compiled", compile_once)
