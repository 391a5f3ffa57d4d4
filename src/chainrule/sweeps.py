"""Many models trained at once: the search, its dimensions, and scikit-learn's interface."""

import typing

from chainrule._src.base.interrupts import load
from chainrule._src.sweeps.dimensions import Choice, IntRange, LogUniform, Uniform
from chainrule._src.sweeps.sweep import sweep

if typing.TYPE_CHECKING:
    from chainrule._src.sweeps.search_cv import SweepCV

__all__ = ["Choice", "IntRange", "LogUniform", "SweepCV", "Uniform", "sweep"]


def __getattr__(name: str) -> typing.Any:
    if name == "SweepCV":  # which needs scikit-learn
        return load("chainrule._src.sweeps.search_cv").SweepCV
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
