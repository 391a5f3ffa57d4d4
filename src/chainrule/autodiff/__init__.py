"""Automatic differentiation, and checking what was derived by hand."""

from chainrule.autodiff.checking import check_gradients, numerical_gradients
from chainrule.autodiff.diagnosis import Diagnosis
from chainrule.autodiff.report import GradientReport, ParameterCheck
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
    "Diagnosis",
    "GradientReport",
    "ParameterCheck",
    "Tensor",
    "check_gradients",
    "grad",
    "hessian",
    "hvp",
    "jacobian",
    "numerical_gradients",
    "stop_gradient",
    "value_and_grad",
    "vjp",
]
