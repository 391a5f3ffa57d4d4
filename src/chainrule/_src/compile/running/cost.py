"""A cost model: the time of a step in NumPy and the work to compile it decide the engine."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from weakref import WeakKeyDictionary

from chainrule._src.compile.lower.operations import operations_of, shape_of
from chainrule._src.compile.running.form import Cost, keep
from chainrule._src.core.equations import Equation, at
from chainrule._src.core.kernel import Recurrence, Scatter
from chainrule._src.core.program import Program

# Seconds on a machine of 2024: the time of NumPy for each equation of an update, each computed
# entry, each scattered entry, and each operation of a product by BLAS or by einsum. Nothing is
# timed, so that the same run takes the same engine everywhere.
EQUATION, ENTRY, SCATTERED, BLAS, EINSUM = 3e-6, 7e-10, 2.5e-8, 1e-11, 1.5e-10


_costs: WeakKeyDictionary[Program, dict[int, Cost]] = WeakKeyDictionary()


def cost_of(program: Program, batch_size: int) -> Cost:
    """Return the seconds of an update in NumPy, and the number of equations to compile."""
    costs = _costs.setdefault(program, {})
    cost = costs.get(batch_size)
    if cost is None:
        runs = list(_runs(program.equations, batch_size))
        seconds = sum(times * _seconds(equation, batch_size) for equation, times in runs)
        cost = seconds, len(runs)
        keep(costs, batch_size, cost)
    return cost


def _seconds(equation: Equation, n: int) -> float:
    """Return the seconds of an equation in NumPy."""
    entries: int = math.prod(at(equation.output.shape, n))
    scatters = isinstance(equation.primitive.kernel, Scatter)
    scattered: int = math.prod(at(shape_of(equation.operands[0]), n)) if scatters else 0
    operation = EINSUM if equation.primitive.name == "einsum" else BLAS
    return (
        EQUATION + entries * ENTRY + scattered * SCATTERED + operations_of(equation, n) * operation
    )


def _runs(equations: Iterable[Equation], n: int, times: int = 1) -> Iterator[tuple[Equation, int]]:
    """Yield each equation with the number of its runs; a recurrence's body runs in every step."""
    for equation in equations:
        if isinstance(equation.primitive.kernel, Recurrence):
            steps = at(equation.params["steps"], n)
            yield from _runs(equation.params["body"].equations, n, times * steps)
        else:
            yield equation, times
