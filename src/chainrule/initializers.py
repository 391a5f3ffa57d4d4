"""Initial weights."""

from chainrule._src.nn import initializers as _initializers
from chainrule._src.nn.initializers import *

__all__ = _initializers.__all__
