"""Many models: which settings to try, trained in one go, kept on disk."""

from chainrule._src.sweeps.dimensions import integers, log, uniform
from chainrule._src.sweeps.sweep import sweep

__all__ = ["integers", "log", "sweep", "uniform"]
