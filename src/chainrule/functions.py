"""The lab's functions, with activations in pairs with their derivatives."""

from chainrule._src.nn import functions as _functions
from chainrule._src.nn.functions import *

__all__ = _functions.__all__
