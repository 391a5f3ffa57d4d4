"""Layers."""

from chainrule._src.nn import layers as _layers
from chainrule._src.nn.layers import *

__all__ = _layers.__all__
