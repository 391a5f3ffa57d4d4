"""Constraints: what weights must satisfy after every update."""

from chainrule._src.nn import constraints as _constraints
from chainrule._src.nn.constraints import *

__all__ = _constraints.__all__
