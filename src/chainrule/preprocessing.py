"""Columns of tables as numbers."""

from chainrule._src.data import preprocessing as _preprocessing
from chainrule._src.data.preprocessing import *

__all__ = _preprocessing.__all__
