import os
import signal

os.environ.setdefault("KERAS_BACKEND", "jax")  # before anything imports Keras

import matplotlib as mpl
import pytest
from hypothesis import settings

from chainrule.data import load_digits
from chainrule.lab import Lab

mpl.use("agg")
settings.register_profile("chainrule", deadline=None, derandomize=True)
settings.load_profile("chainrule")


@pytest.fixture(scope="session")
def digits():
    return load_digits()


@pytest.fixture(scope="session")
def quick_lab():
    return Lab(quick=True, log=lambda line: None)


@pytest.fixture(scope="session")
def full_lab():
    return Lab(log=lambda line: None)


@pytest.fixture
def interrupts():
    """Let Ctrl-C be heard, also where a shell has had it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
