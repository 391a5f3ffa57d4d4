"""Where it is measured, with what, and where results go."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path


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


def _processor() -> str:
    name = platform.machine()
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                name = line.partition(": ")[2]
    except OSError:
        pass
    return f"{name}, {os.cpu_count()} cores"
