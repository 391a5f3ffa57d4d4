"""Losses."""

from chainrule._src.nn import losses as _losses
from chainrule._src.nn.losses import *

__all__ = _losses.__all__
