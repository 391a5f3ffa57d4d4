"""Structure after structure in one process: ``python -m tests.torture.structures COUNT``.

Each is compiled, run and never asked for again. Memory and its maps must stay flat; a system ends a
process that has more than 65,530 maps.
"""

import ctypes
import gc
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import chainrule as cr
from chainrule._src.compile.native import code

SETTLED = 1_500  # structures until every table is as long as it becomes
SHAPES = 150  # widths and depths; early structures are as large as late ones, for tables hold some
MORE_MAPS, MORE_BYTES = 500, 2e3  # that may be added from there on: at most, and for a structure


def structures(count):
    """Run so many functions of other shapes; a tenth of them is trained."""
    for i in range(count):
        width, depth = (1 + number for number in divmod(i * 7919 % SHAPES**2, SHAPES))
        if i % 10:
            found = cr.jit(lambda x: np.sum(x * x, axis=(1, 2)))(np.ones((2, width, depth)))
            np.testing.assert_allclose(found, width * depth)
        else:
            start, X = np.zeros((width, depth)), np.ones((4, width, depth))
            cr.minimize(
                lambda w, X: np.mean((X - w) ** 2), start, X,
                optimizer="sgd", batch_size=2, epochs=1, seed=0, engine="compiled",
            )  # fmt: skip
        yield i + 1


def used():
    """Return this process's maps of memory and bytes in memory, without those that are free."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)  # else up to 30 MB of free pages come and go
    maps = Path("/proc/self/maps").read_text(encoding="utf-8").count("\n")
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return maps, 1024 * int(status.partition("VmRSS:")[2].split()[0])


def main(count):
    """Print what is used along the way, and hold the end against the beginning."""
    assert count <= SHAPES**2, f"there are {SHAPES**2:,} structures"
    began, (maps, size) = time.perf_counter(), used()
    for n in structures(count):
        if n == SETTLED:
            maps, size = used()
        if n % max(1, count // 20) == 0:
            now, in_memory = used()
            each = (time.perf_counter() - began) / n * 1e3
            there = f"{in_memory / 1e6:.0f} MB, {now:,} maps, {len(code._loaded)} kernels"
            print(f"{n:6,} structures: {there}, {each:.0f} ms each", flush=True)
    now, in_memory = used()
    assert now <= maps + MORE_MAPS, f"{maps:,} maps became {now:,}"
    more = (in_memory - size) / max(1, count - SETTLED)
    assert more <= MORE_BYTES, f"a structure takes {more:.0f} bytes that are not given back"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        os.environ["CHAINRULE_CACHE"] = folder
        main(int(sys.argv[1]))
