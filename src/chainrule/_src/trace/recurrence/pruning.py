"""Pruning: recurrences without the results that no equation uses."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from chainrule._src.core.equations import Equation, Variable
from chainrule._src.core.kernel import Recurrence, ResultItem
from chainrule._src.trace.recurrence.several import Several


def pruned(equations: Sequence[Equation], result: Iterable[Any]) -> list[Equation]:
    """Return equations whose recurrences compute only the results that are used.

    ``result`` has the results of the program, which count as used.
    """
    used = {v for v in result if isinstance(v, Variable)}
    live: dict[Variable, set[int]] = {}
    numbers: dict[Variable, list[int]] = {}
    selected: list[Equation] = []
    for e in reversed(equations):
        if _is_result(e):
            if e.output in used:
                live.setdefault(e.variables[0], set()).add(e.params["number"])
        elif isinstance(e.primitive.kernel, Recurrence):
            if e.output not in live:
                continue
            e, numbers[e.output] = _pruned(e, live[e.output])
            used.update(e.variables)
        else:
            used.update(e.variables)
        selected.append(e)
    return [_renumbered(e, numbers) for e in reversed(selected) if _is_used(e, used)]


def _is_result(e: Equation) -> bool:
    return isinstance(e.primitive.kernel, ResultItem)


def _is_used(e: Equation, used: set[Variable]) -> bool:
    return not _is_result(e) or e.output in used


def _pruned(e: Equation, live: set[int]) -> tuple[Equation, list[int]]:
    body = e.params["body"]
    if len(live) == len(body.results):
        return e, sorted(live)
    body, operands, results = body.pruned(live)
    if isinstance(e.output.value, Several):
        e.output.value = Several(tuple(e.output.value.parts[i] for i in results))
    e.output.shape = tuple(e.output.shape[i] for i in results)
    new_operands = tuple(e.operands[i] for i in operands)
    return Equation(e.output, e.primitive, new_operands, {**e.params, "body": body}), results


def _renumbered(e: Equation, numbers: dict[Variable, list[int]]) -> Equation:
    if not _is_result(e) or e.variables[0] not in numbers:
        return e
    number = numbers[e.variables[0]].index(e.params["number"])
    return Equation(e.output, e.primitive, e.operands, {"number": number})
