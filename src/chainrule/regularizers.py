"""Penalties on weights."""

from chainrule._src.nn.regularizers import (
    EPSILON,
    L1,
    L1L2,
    L2,
    REGULARIZERS,
    OrthogonalRegularizer,
    Regularizer,
    deserialize,
    get,
    l1,
    l1_l2,
    l2,
    orthogonal_regularizer,
    serialize,
)

__all__ = [
    "EPSILON", "L1", "L1L2", "L2", "REGULARIZERS", "OrthogonalRegularizer", "Regularizer",
    "deserialize", "get", "l1", "l1_l2", "l2", "orthogonal_regularizer", "serialize",
]  # fmt: skip
