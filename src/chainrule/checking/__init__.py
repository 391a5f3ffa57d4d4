"""Gradients by hand, held against the right ones; what is wrong with them, and in which line."""

from chainrule.checking.check import check_gradients, numerical_gradients
from chainrule.checking.diagnosis import Diagnosis, Where
from chainrule.checking.difference import DifferenceReport, check_loss, explain_difference
from chainrule.checking.report import GradientReport, ParameterCheck

__all__ = [
    "Diagnosis",
    "DifferenceReport",
    "GradientReport",
    "ParameterCheck",
    "Where",
    "check_gradients",
    "check_loss",
    "explain_difference",
    "numerical_gradients",
]
