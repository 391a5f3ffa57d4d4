"""Programs: recorded functions, run, shown and written as NumPy."""

from chainrule.program.equations import Equation, Variable
from chainrule.program.program import Program
from chainrule.program.tracing import trace

__all__ = ["Equation", "Program", "Variable", "trace"]
