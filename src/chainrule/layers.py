"""Layers."""

from chainrule._src.nn import layers as _layers
from chainrule._src.nn.layers import *  # noqa: F403

__all__ = _layers.__all__
