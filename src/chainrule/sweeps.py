"""Many models trained at once."""

from chainrule._src.sweeps import (
    integers,
    log,
    sweep,
    uniform,
)

__all__ = [
    "integers",
    "log",
    "sweep",
    "uniform",
]
