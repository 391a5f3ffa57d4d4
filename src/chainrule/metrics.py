"""Metrics."""

from chainrule._src.nn import metrics as _metrics
from chainrule._src.nn.metrics import *

__all__ = _metrics.__all__
