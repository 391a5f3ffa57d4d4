"""Penalties on weights."""

from chainrule._src.nn import regularizers as _regularizers
from chainrule._src.nn.regularizers import *

__all__ = _regularizers.__all__
