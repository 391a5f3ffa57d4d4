"""Gradients, so far by hand: hold them against central differences."""

from chainrule.autodiff.checking import (
    GradientReport,
    ParameterCheck,
    check_gradients,
    numerical_gradients,
)

__all__ = ["GradientReport", "ParameterCheck", "check_gradients", "numerical_gradients"]
