"""Penalties on weights."""

from chainrule._src.nn.regularizers import (
    EPSILON,
    L1,
    L1L2,
    L2,
    REGULARIZERS,
    OrthogonalRegularizer,
    Regularizer,
    get,
)

__all__ = [
    "EPSILON",
    "L1",
    "L1L2",
    "L2",
    "REGULARIZERS",
    "OrthogonalRegularizer",
    "Regularizer",
    "get",
]
