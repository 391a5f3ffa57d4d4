"""Constraints: what weights must satisfy after every update."""

from chainrule._src.nn.constraints import (
    CONSTRAINTS,
    EPSILON,
    Constraint,
    MaxNorm,
    MinMaxNorm,
    NonNeg,
    UnitNorm,
    get,
)

__all__ = [
    "CONSTRAINTS",
    "EPSILON",
    "Constraint",
    "MaxNorm",
    "MinMaxNorm",
    "NonNeg",
    "UnitNorm",
    "get",
]
