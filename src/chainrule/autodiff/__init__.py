"""Automatic differentiation of functions written in NumPy."""

from chainrule.autodiff.tensor import Tensor
from chainrule.autodiff.transforms import (
    grad,
    hessian,
    hvp,
    jacobian,
    stop_gradient,
    value_and_grad,
    vjp,
)

__all__ = [
    "Tensor",
    "grad",
    "hessian",
    "hvp",
    "jacobian",
    "stop_gradient",
    "value_and_grad",
    "vjp",
]
