"""Alias analysis: the results of a program that share memory when it runs in NumPy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chainrule._src.core.equations import Equation, Listing, Variable
from chainrule._src.core.kernel import Checked, Contraction, Gather, Pieces, ResultItem
from chainrule._src.core.trees import Path, leaves
from chainrule._src.ops import moves

# Kernels that only move the entries of one operand; NumPy may return a view, as np.einsum can.
_MOVES = (Checked, Contraction, Gather, Pieces)
_REPEATS = (moves.broadcast, moves.windows)  # views in which an entry occurs several times
Equations = Mapping[Variable, Equation]


def shared_results(program: Listing) -> set[Path]:
    """Return the paths of the results that may be views of an input or of an earlier result.

    Views that NumPy makes read-only are included. Results without axes, which cannot be written
    into, are not.
    """
    equations = {equation.output: equation for equation in program.equations}
    owners: set[Variable] = {*program.inputs}
    shared = set()
    for path, leaf in leaves(program.result):
        if isinstance(leaf, Variable) and leaf.shape:
            owner, repeats = _owner(leaf, equations)
            if owner in owners or repeats:
                shared.add(path)
            owners.add(owner)
    return shared


def _owner(variable: Variable, equations: Equations) -> tuple[Variable, bool]:
    """Return the variable whose memory this one may share, and whether entries are repeated."""
    repeats = False
    while (equation := equations.get(variable)) is not None:
        source = _source(equation, equations)
        if source is None:
            break
        repeats |= getattr(equation.primitive.kernel, "rule", None) in _REPEATS
        if not isinstance(source, Variable):
            break
        variable = source
    return variable, repeats


def _source(equation: Equation, equations: Equations) -> Any:
    """Return the operand that the result may be a view of; None if the result has new memory."""
    kernel, operands = equation.primitive.kernel, equation.operands
    if isinstance(kernel, ResultItem):
        return _handed_on(equations[operands[0]], equation.params["number"])
    moves_entries = isinstance(kernel, _MOVES) or equation.primitive.text == "_0"
    return operands[0] if moves_entries and len(operands) == 1 else None


def _handed_on(recurrence: Equation, number: int) -> Any:
    """Return the operand that a recurrence's steps return unchanged as this result, or None."""
    body = recurrence.params["body"].program
    last_carry, _ = body.result
    if number >= len(last_carry) or not isinstance(last_carry[number], Variable):
        return None
    owner, _ = _owner(last_carry[number], {e.output: e for e in body.equations})
    inputs = [*body.inputs]
    return recurrence.operands[inputs.index(owner)] if owner in inputs else None
