"""The primitives: value, gradient and text of every operation, by family."""

from chainrule._src.core.elementwise import ELEMENTWISE
from chainrule._src.core.primitive import Primitive, Traced, tables
from chainrule._src.ops.composed import COMPOSED
from chainrule._src.ops.decompositions import DECOMPOSITIONS
from chainrule._src.ops.index import INDEX
from chainrule._src.ops.joining import JOINING
from chainrule._src.ops.linalg import LINALG
from chainrule._src.ops.matrices import MATRICES
from chainrule._src.ops.nn import NN
from chainrule._src.ops.ordering import ORDERING
from chainrule._src.ops.random import RANDOM
from chainrule._src.ops.reduce import REDUCE
from chainrule._src.ops.shape import SHAPE

NUMPY = tables(
    ELEMENTWISE,
    REDUCE,
    ORDERING,
    SHAPE,
    JOINING,
    INDEX,
    LINALG,
    MATRICES,
    DECOMPOSITIONS,
    COMPOSED,
    NN,
    RANDOM,
)
"""NumPy function → what to call when a tensor takes part."""

__all__ = ["NUMPY", "Primitive", "Traced"]
