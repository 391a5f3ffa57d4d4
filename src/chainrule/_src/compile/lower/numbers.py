"""The numbers in a kernel: small integers are written into the code, others are arguments."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule._src.compile.lower.nodes import (
    BOOL,
    WHOLE,
    Buffer,
    Call,
    Const,
    Expr,
    Load,
    Local,
    N,
    cast,
    whole,
)
from chainrule._src.compile.lower.statements import Let
from chainrule._src.text.naming import Names
from chainrule._src.trace.batch import BatchScaled, Linear

SMALL = 16  # the largest integer that is written into the code
FLOAT64 = np.dtype(np.float64)
FIXED = {
    name: Buffer(name, (), dtype, (), "fixed")
    for name, dtype in {
        "sizes": WHOLE, "constants": FLOAT64, "fault": WHOLE, "totals": FLOAT64, "order": WHOLE,
        "meeting": WHOLE,
    }.items()
}  # fmt: skip


class Numbers:
    """The numbers of a kernel. A number that is not literal has a local variable.

    Attributes
    ----------
    before : list of Let
        The assignments of these variables, which come before the loops.
    lifted : list of float
        The numbers that are arguments, so that the same kernel serves other numbers too.
    """

    def __init__(self, names: Names) -> None:
        self.names = names
        self.before: list[Let] = []
        self.lifted: list[float] = []
        self._known: dict[Any, Local] = {}

    def of(self, operand: Any, dtype: Any) -> Expr:
        """Return the expression of a number: small integers as literals, others as arguments."""
        dtype = np.dtype(dtype)
        if isinstance(operand, Linear):
            return self._set_before((dtype, operand), cast(whole(operand), dtype))
        if isinstance(operand, BatchScaled):
            factor = Const(float(operand.factor), FLOAT64)
            size = cast(N, FLOAT64)
            scaled = Call("div" if operand.divides else "mul", (factor, size), FLOAT64)
            return self._set_before((dtype, operand), cast(scaled, dtype))
        value = np.asarray(operand)[()]
        if dtype.kind == "b":
            return Const(bool(value), BOOL)
        if dtype.kind in "iu":
            return Const(int(value), dtype)
        if np.isinf(value) or (float(value).is_integer() and abs(value) <= SMALL):
            return Const(float(value), dtype)
        number = repr(float(value))  # as text, since NaN equals nothing
        texts = [repr(lifted) for lifted in self.lifted]
        if number not in texts:
            texts.append(number)
            self.lifted.append(float(value))
        argument = Load(FIXED["constants"], (Const(texts.index(number)),))
        return self._set_before((dtype, number), cast(argument, dtype))

    def _set_before(self, key: Any, value: Expr) -> Local:
        """Return a local variable for a value that is assigned once, before the loops."""
        if key not in self._known:
            local = self._known[key] = Local(self.names.fresh("c"), value.dtype)
            self.before.append(Let(local, value))
        return self._known[key]
