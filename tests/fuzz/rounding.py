"""How far may two roads be apart that compute the same in another order?

Every result of a recorded computation is moved by one unit in the last place, up or down at random,
as if rounded otherwise. What comes out differs from what came out before by about as much as
another order of the same sums would: the bound follows from the computation itself.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from tests.fuzz.programs import Failure

import chainrule as cr
from chainrule._src.core.equations import at
from chainrule._src.core.program import Variable
from chainrule._src.core.trees import leaves
from chainrule.errors import TraceError

DRAWS, FACTOR = 6, 32  # the largest of six draws is below a sixth of the deviation once in 60,000


def moved(value: Any, rng: Any) -> Any:
    """Return a value with each entry rounded otherwise."""
    if value.dtype.kind != "f":
        return value
    signs = rng.integers(0, 2, size=value.shape) * 2 - 1
    return (value * (1 + signs * np.finfo(value.dtype).eps)).astype(value.dtype)


def bounds(f: Any, p: Any, *data: Any) -> list[Any]:
    """Return how far apart two results of ``f(p, *data)`` may be, for each leaf of what it returns.

    What is computed of data alone rounds as well. What cannot be recorded may be any distance
    apart.
    """
    try:
        program = cr.trace(lambda given: f(*given))((p, *data))
    except TraceError:
        if data:
            return bounds(lambda p: f(p, *data), p)
        return [np.full(np.shape(leaf), np.inf) for _, leaf in leaves(f(p))]
    rng = np.random.default_rng(0)
    inputs = [variable for _, variable in leaves(program.arguments)]
    given = [np.asarray(leaf) for _, leaf in leaves((p, *data))]
    plain = _run(program, dict(zip(inputs, given, strict=True)), lambda value: value)
    spread = [np.zeros(np.shape(result)) for result in plain]
    for _ in range(DRAWS):
        start = {v: moved(value, rng) for v, value in zip(inputs, given, strict=True)}
        noisy = _run(program, start, lambda value: moved(np.asarray(value), rng))
        for i, (a, b) in enumerate(zip(noisy, plain, strict=True)):
            apart = np.abs(np.asarray(a, float) - np.asarray(b, float))
            spread[i] = np.fmax(spread[i], np.where(np.isfinite(apart), apart, np.inf))
    return [
        FACTOR * s + 8 * np.finfo(np.result_type(r, np.float32)).eps * np.abs(r)
        for s, r in zip(spread, plain, strict=True)
    ]


def _run(program: Any, values: dict[Any, Any], change: Any) -> list[Any]:
    def known(operand: Any) -> Any:
        return values[operand] if isinstance(operand, Variable) else at(operand, 0)

    for equation in program.equations:
        operands = [known(operand) for operand in equation.operands]
        params = {name: at(value, 0) for name, value in equation.params.items()}
        try:
            values[equation.output] = change(equation.primitive.value(*operands, **params))
        except Exception as error:
            way = f"{equation.primitive.name} raises {type(error).__name__}"
            raise Failure("program", way, str(error)) from error
    return [np.asarray(known(leaf)) for _, leaf in leaves(program.result)]
