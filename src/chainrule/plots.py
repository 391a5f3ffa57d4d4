"""Figures: each function draws on given axes."""

from chainrule._src.base import plots as _plots
from chainrule._src.base.plots import *

__all__ = _plots.__all__
