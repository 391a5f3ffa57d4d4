"""The backpropagation lab: its models, its data and its sections."""

from chainrule._src.teach import lab as _lab
from chainrule._src.teach.lab import *

__all__ = _lab.__all__
