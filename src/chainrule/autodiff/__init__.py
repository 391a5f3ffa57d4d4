"""Automatic differentiation, and checking what was derived by hand.

The checks load when they are first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

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

if TYPE_CHECKING:
    from chainrule.autodiff.checking import check_gradients, numerical_gradients
    from chainrule.autodiff.diagnosis import Diagnosis
    from chainrule.autodiff.report import GradientReport, ParameterCheck

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

_LATER = {
    "Diagnosis": "diagnosis",
    "GradientReport": "report",
    "ParameterCheck": "report",
    "check_gradients": "checking",
    "numerical_gradients": "checking",
}


def __getattr__(name: str) -> Any:
    if name in _LATER:
        return getattr(importlib.import_module(f"chainrule.autodiff.{_LATER[name]}"), name)
    raise AttributeError(f"module 'chainrule.autodiff' has no attribute {name!r}")
