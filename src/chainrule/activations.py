"""Activations by name, with Keras's options."""

from chainrule._src.nn import activations as _activations
from chainrule._src.nn.activations import *

__all__ = _activations.__all__
