"""Gradients written by hand, compared with the right ones; the mistake and its line are named."""

from chainrule._src.check.check import check_gradients, numerical_gradients
from chainrule._src.check.diagnosis import Diagnosis, Where
from chainrule._src.check.difference import DifferenceReport, check_loss, explain_difference
from chainrule._src.check.report import GradientReport, ParameterCheck

# The modules that other wings may import; the rest is private to this wing.
DOORS = ("clock", "code", "sandbox")

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
