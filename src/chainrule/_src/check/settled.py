"""The statements that decide the value of the loss: they are right, since the loss is."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from chainrule._src.check.clock import Deadline
from chainrule._src.check.code import FunctionSource
from chainrule._src.check.sandbox import FAILURES
from chainrule._src.check.watching import Site, Watch, is_number


def settled_statements(
    codes: Sequence[FunctionSource], loss: Callable[[], Any], deadline: Deadline
) -> set[int]:
    """Return the ids of the statements of a gradient's functions that decide the loss.

    The ids of the functions that the loss runs are among them.

    Where one function computes the loss and its gradient, or both call the same forward pass, a
    change of the forward pass would change the loss, too. A statement counts if the loss changes
    when noise is added to its value.
    """
    try:
        watch = Watch(codes, loss, scopes=False)
    except FAILURES:
        return set()
    if not is_number(watch.result):
        return set()
    value = float(watch.result)
    settled: set[int] = set()
    for site in outermost(watch):
        if deadline.has_passed:
            break
        try:
            if float(watch.disturbed(site)[0]) != value and not _returns_several(site.statement):
                settled.add(id(site.statement))
        except FAILURES:  # the code may refuse random numbers
            continue
    for code in codes:
        _settle_compounds(code.tree, settled)
    return settled | {id(site.code.tree) for site in watch.sites if site.trace.values}


def _returns_several(statement: ast.AST) -> bool:
    """Return true for the return of a tuple, such as the loss and its gradient."""
    return isinstance(statement, ast.Return) and isinstance(statement.value, ast.Tuple)


def outermost(watch: Watch) -> Iterator[Site]:
    """Yield the outermost expressions that hold numbers, of every statement that ran."""
    above: set[int] = set()
    for site in watch.sites:
        if id(site.owner) in above:
            above.add(id(site.node))
        elif is_number(site.value):
            above.add(id(site.node))
            yield site


def _settle_compounds(tree: ast.AST, settled: set[int]) -> bool:
    """Add the loops and conditions all of whose statements are settled."""
    parts = [p for p in ast.iter_child_nodes(tree) if isinstance(p, ast.stmt)]
    all_settled = bool(parts)
    for part in parts:
        if isinstance(part, ast.For | ast.While | ast.If | ast.With):
            if _settle_compounds(part, settled):
                settled.add(id(part))
        elif isinstance(part, ast.FunctionDef):
            _settle_compounds(part, settled)
        all_settled &= id(part) in settled
    return all_settled
