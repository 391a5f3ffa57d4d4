"""The primitives that implement NumPy's functions: value, gradient and text, by family.

Importing this package fills `NUMPY`. SciPy's functions are added when one of them is first called
with a tensor.
"""

from chainrule._src.core.primitive import LOADED_LATER
from chainrule._src.ops import (  # noqa: F401  (each fills the tables)
    advice,
    alternatives,
    composed,
    creating,
    decompositions,
    elementwise,
    index,
    joining,
    linalg,
    matrices,
    nn,
    ordering,
    polynomials,
    random,
    reduce,
    sampled,
    selecting,
    shape,
    statistics,
    ufunc_methods,
)


def _load_special() -> None:
    from chainrule._src.ops import special  # noqa: F401


LOADED_LATER["scipy.special"] = _load_special
