"""Callbacks: what happens before, during and after training."""

from chainrule._src.nn import callbacks as _callbacks
from chainrule._src.nn.callbacks import *
from chainrule._src.nn.callbacks import __getattr__ as __getattr__

__all__ = _callbacks.__all__
