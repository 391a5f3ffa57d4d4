"""The equations that use a variable decide whether its entries are stored or computed inside."""

from __future__ import annotations

from collections import Counter

import numpy as np

from chainrule._src.compile.lower.selections import parts_of, selection
from chainrule._src.core.equations import Equation, Variable
from chainrule._src.core.kernel import Contraction, Elementwise, Reduction, Replacement, Scatter
from chainrule._src.core.primitive import NUMPY
from chainrule._src.core.program import Program
from chainrule._src.core.trees import leaves

_ADD = NUMPY[np.add]


class Uses:
    """The uses of a program's variables, also of programs inside of its equations."""

    def __init__(self, program: Program) -> None:
        self._count: Counter[Variable] = Counter()
        self._user: dict[Variable, Equation] = {}
        self._position: dict[Equation, int] = {}
        self._results: set[Variable] = set()
        self.enter(program)

    def enter(self, program: Program) -> None:
        """Record the uses of a program's variables."""
        self._count.update(v for e in program.equations for v in e.variables)
        self._user |= {v: e for e in program.equations for v in e.variables}
        first = len(self._position)
        self._position |= {e: first + i for i, e in enumerate(program.equations)}
        self._results |= {v for _, v in leaves(program.result) if isinstance(v, Variable)}

    def is_inlined(self, variable: Variable) -> bool:
        """Return true if the only use may compute the entries, so that they are not stored."""
        if not self._is_used_once(variable):
            return False
        user = self._user[variable]
        kernel = user.primitive.kernel
        if isinstance(kernel, Elementwise):
            return user.output.shape == variable.shape
        if isinstance(kernel, Replacement):
            return _is_written(variable, user)
        return isinstance(kernel, Reduction) or self._is_scattered(variable)

    def is_last(self, variable: Variable, equation: Equation) -> bool:
        """Return true if no later equation uses a variable, and it is no result."""
        return self._user[variable] is equation and variable not in self._results

    def is_open(self, variable: Variable, equation: Equation) -> bool:
        """Return true if a variable is a result, or an operand from an equation on."""
        if variable in self._results:
            return True
        user = self._user.get(variable)
        return user is not None and self._position[user] >= self._position[equation]

    def is_read_often(self, variable: Variable) -> bool:
        """Return true if entries are read more than once, so that they should be stored."""
        once = self._is_used_once(variable)
        return not once or isinstance(self._user[variable].primitive.kernel, Contraction)

    def scatters_again(self, variable: Variable) -> bool:
        """Return true if the only use of a scattered array is to be scattered again."""
        return self._is_used_once(variable) and self._is_scattered(variable)

    def is_added(self, variable: Variable) -> bool:
        """Return true if the only use of an array is to be added to another array of its form."""
        if not self._is_used_once(variable):
            return False
        user = self._user[variable]
        forms = {(o.shape, o.dtype) for o in (*user.variables, user.output)}
        return user.primitive is _ADD and len(forms) == 1 and len(user.variables) == 2

    def _is_used_once(self, variable: Variable) -> bool:
        return self._count[variable] == 1 and variable not in self._results

    def _is_scattered(self, variable: Variable) -> bool:
        user = self._user[variable]
        first = user.operands[0] is variable and bool(variable.shape)
        return first and isinstance(user.primitive.kernel, Scatter)


def _is_written(variable: Variable, user: Equation) -> bool:
    """Return true if every entry of a variable is written into an array once."""
    return any(
        part.operands[0] is variable
        and tuple(selection(part, user.output.shape)) == tuple(variable.shape)
        for part in parts_of(user)
    )
