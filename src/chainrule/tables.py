"""Tables from files of many formats."""

from chainrule._src.data import tables as _tables
from chainrule._src.data.tables import *

__all__ = _tables.__all__
