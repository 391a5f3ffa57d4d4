"""The primitives: value, gradient and text of every operation, by family."""

from chainrule.ops.elementwise import ELEMENTWISE
from chainrule.ops.index import INDEX
from chainrule.ops.linalg import LINALG
from chainrule.ops.nn import NN
from chainrule.ops.primitive import Primitive, Traced, tables
from chainrule.ops.random import RANDOM
from chainrule.ops.reduce import REDUCE
from chainrule.ops.shape import SHAPE

NUMPY = tables(ELEMENTWISE, REDUCE, SHAPE, INDEX, LINALG, NN, RANDOM)
"""NumPy function → what to call when a tensor takes part."""

__all__ = ["NUMPY", "Primitive", "Traced"]
