"""Learning rates that change from update to update."""

from chainrule._src.nn import schedules as _schedules
from chainrule._src.nn.schedules import *

__all__ = _schedules.__all__
