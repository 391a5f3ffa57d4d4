"""Many models: which settings to try, trained in one go, kept on disk."""

from chainrule.sweeps.dimensions import integers, log, uniform

__all__ = ["integers", "log", "uniform"]
