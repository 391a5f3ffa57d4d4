"""Gradients by hand, held against the right ones; what is wrong with them."""

from chainrule.checking.check import check_gradients, numerical_gradients
from chainrule.checking.diagnosis import Diagnosis
from chainrule.checking.report import GradientReport, ParameterCheck

__all__ = [
    "Diagnosis",
    "GradientReport",
    "ParameterCheck",
    "check_gradients",
    "numerical_gradients",
]
