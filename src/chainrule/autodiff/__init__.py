"""Gradients: checking them."""

from chainrule.autodiff.checking import (
    GradientReport,
    ParameterCheck,
    check_gradients,
    numerical_gradients,
)

__all__ = ["GradientReport", "ParameterCheck", "check_gradients", "numerical_gradients"]
