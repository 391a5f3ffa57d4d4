"""Where it is measured, with what, and where results go."""

from __future__ import annotations

import functools
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

# Compiles one small kernel; the machine's first compilation runs the self-check, too.
COMPILES = "import numpy, chainrule; chainrule.jit(lambda x: numpy.tanh(x) * 2)(numpy.ones(3))"


def measured_on(*packages: str) -> str:
    """Return a line that names the processor, Python and the packages' versions."""
    found = [f"{name} {version(name)}" for name in packages]
    return ", ".join([f"Measured on {_processor()}, Python {platform.python_version()}", *found])


def results(quick: bool) -> Path:
    """Return the folder for results: those of a quick run are not to be published."""
    here = Path(__file__).parent
    folder = here.parent / "build" / "bench" if quick else here
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def empty_cache() -> Iterator[str]:
    """Context manager: a folder for machine code, empty but for the result of the self-check.

    A machine runs the self-check once in its life, so that first runs are timed without it;
    `self_check_seconds` tells its time.
    """
    with tempfile.TemporaryDirectory() as folder:
        for name, content in _self_check()[0].items():
            Path(folder, name).write_bytes(content)
        yield folder


def self_check_seconds() -> float:
    """Return how much longer the first compilation on a machine takes than on a checked one."""
    return _self_check()[1]


@functools.cache
def _self_check() -> tuple[dict[str, bytes], float]:
    """Return the files that the self-check writes, by name, and its seconds."""
    with tempfile.TemporaryDirectory() as folder:
        seconds = []
        for _ in range(2):
            began = time.perf_counter()
            environment = {**os.environ, "CHAINRULE_CACHE": folder}
            subprocess.run([sys.executable, "-c", COMPILES], env=environment, check=True)
            seconds.append(time.perf_counter() - began)
            for path in Path(folder).iterdir():
                if path.suffix != ".verdict":
                    path.unlink()
        files = {path.name: path.read_bytes() for path in Path(folder).iterdir()}
    return files, seconds[0] - seconds[1]


def _processor() -> str:
    name = platform.machine()
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                name = line.partition(": ")[2]
    except OSError:
        pass
    return f"{name}, {os.cpu_count()} cores"
