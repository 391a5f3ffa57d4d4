"""The primitives: value, gradient and text of every operation, by family."""

from chainrule.ops.composed import COMPOSED
from chainrule.ops.decompositions import DECOMPOSITIONS
from chainrule.ops.elementwise import ELEMENTWISE
from chainrule.ops.index import INDEX
from chainrule.ops.joining import JOINING
from chainrule.ops.linalg import LINALG
from chainrule.ops.matrices import MATRICES
from chainrule.ops.nn import NN
from chainrule.ops.ordering import ORDERING
from chainrule.ops.primitive import Primitive, Traced, tables
from chainrule.ops.random import RANDOM
from chainrule.ops.reduce import REDUCE
from chainrule.ops.shape import SHAPE

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
