"""Tests that ask another library are collected where it is installed."""

import re
from importlib.util import find_spec
from pathlib import Path

import pytest

PEERS = ("autograd", "jax", "keras", "mygrad", "nbgrader", "otter", "torch")
collect_ignore = ["programs"]  # programs, not tests: test_programs.py runs them
IMPORTED = re.compile(rf"^(?:import|from) ({'|'.join(PEERS)})\b", re.MULTILINE)
OWN = re.compile(r"^from tests\.peers\.(\w+) import", re.MULTILINE)  # a file beside this one


def pytest_ignore_collect(collection_path):
    """Leave out a file that imports a library which is not there."""
    if collection_path.suffix != ".py":
        return None
    return not all(map(find_spec, needed(collection_path))) or None


def needed(path):
    """Yield the libraries that a file imports, or that files do which it imports from here."""
    text = path.read_text(encoding="utf-8")
    yield from IMPORTED.findall(text)
    for name in OWN.findall(text):
        if (file := Path(__file__).with_name(f"{name}.py")).exists():
            yield from needed(file)


@pytest.fixture
def exact_judge(monkeypatch):
    """Let Keras compute in float64, also where it makes float32 of all that it mixes."""
    import jax
    import keras
    from keras.src.backend.common import dtypes

    monkeypatch.setitem(dtypes.BIT64_TO_BIT32_DTYPE, "float64", "float64")
    dtypes._resolve_weak_type.cache_clear()  # it may have been asked before
    for choose in (keras.config.set_floatx, keras.config.set_dtype_policy):
        choose("float64")
    with jax.enable_x64(True):
        yield
    for choose in (keras.config.set_floatx, keras.config.set_dtype_policy):
        choose("float32")
    dtypes._resolve_weak_type.cache_clear()


@pytest.fixture
def drawn_by_numpy(monkeypatch):
    """Let NumPy draw the first weights of Keras's layers.

    JAX compiles a program for each shape to draw them.
    """
    import keras
    import numpy as np

    def draw(self, shape, dtype=None):
        return np.random.default_rng(list(shape)).normal(size=shape).astype(dtype) / 2

    for cls in (keras.initializers.VarianceScaling, keras.initializers.Orthogonal):
        monkeypatch.setattr(cls, "__call__", draw)
