"""Many different networks in one process: compiled code and recordings are bounded."""

import gc
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import chainrule as cr
from chainrule._src.compile.native import code
from chainrule._src.compile.running import bound, form, recorded, steps

STRUCTURES = 300


def fit(units):
    X = np.random.default_rng(0).normal(size=(32, 3)).astype(np.float32)
    hidden = cr.layers.Dense(units, "relu")
    model = cr.Sequential([hidden, cr.layers.Dense(2, "softmax")], seed=0)
    model.compile("sgd", "sparse_categorical_crossentropy", engine="compiled")
    model.fit(X, np.arange(32) % 2, batch_size=16, epochs=1, verbose=0)


def resident():
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1000


def grown():
    """Return the megabytes that the last third of the structures took."""
    for units in range(1, STRUCTURES + 1):
        fit(units)
        if units == 2 * STRUCTURES // 3:
            gc.collect()
            before = resident()
    tables = recorded._programs, form._written, steps._read
    assert max(map(len, tables)) <= form.REMEMBERED
    assert len(bound._kept) <= bound.MOST
    assert len(code._loaded) <= code.CODES + 2  # the matrix products stay
    gc.collect()
    return resident() - before


@pytest.mark.thorough
@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_hundreds_of_structures_take_no_more_memory_than_the_limits_allow():
    command = [sys.executable, __file__]
    result = subprocess.run(command, capture_output=True, text=True, check=True, timeout=1200)
    assert float(result.stdout) < 40


if __name__ == "__main__":
    print(grown())
