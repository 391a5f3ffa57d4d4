"""Optimizers."""

from chainrule._src.nn import optimizers as _optimizers
from chainrule._src.nn.optimizers import *
from chainrule._src.nn.optimizers import __getattr__ as __getattr__

__all__ = _optimizers.__all__
