"""Programs: recorded functions, run, shown and written as NumPy."""

from chainrule.program.program import Equation, Program, Variable, trace
from chainrule.program.text import module_text, source

__all__ = ["Equation", "Program", "Variable", "module_text", "source", "trace"]
