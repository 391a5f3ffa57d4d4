"""Counter-based random numbers: bit for bit the numbers of `chainrule._src.ops.random`."""

from __future__ import annotations

import numpy as np

from chainrule._src.core.equations import Equation
from chainrule._src.export.onnx.graph import FLOAT32, INT64, Graph, Rule, count_of
from chainrule._src.trace.batch import Counted

UINT32 = np.dtype(np.uint32)


def _random_uniform(g: Graph, e: Equation) -> str:
    """Write `chainrule._src.ops.random.random_numbers`; 32-bit integers wrap around."""
    seed, counter = (g.value(operand, UINT32) for operand in e.operands)
    shape, dtype = e.output.shape, e.output.dtype
    start = _mixed(g, seed)
    key = _mixed(g, g.node("BitwiseXor", counter, start))
    places = g.value(Counted((count_of(shape),), INT64), UINT32)
    hashed = _mixed(g, g.node("BitwiseXor", places, key))
    bits = _mixed(g, g.node("Add", hashed, _mixed(g, g.node("Add", key, start))))
    digits = 24 if dtype == FLOAT32 else 32
    if digits == 24:
        bits = _shifted(g, bits, 8)
    numbers = g.node("Mul", g.cast(bits, dtype), g.constant(2.0**-digits, dtype))
    return g.reshape(numbers, shape)


def _mixed(g: Graph, h: str) -> str:
    """Write the hash function `chainrule._src.ops.random.mixed`."""
    for by, factor in ((16, 0x7FEB352D), (15, 0x846CA68B)):
        h = g.node("BitwiseXor", h, _shifted(g, h, by))
        h = g.node("Mul", h, g.constant(factor, UINT32))
    return g.node("BitwiseXor", h, _shifted(g, h, 16))


def _shifted(g: Graph, h: str, by: int) -> str:
    return g.node("BitShift", h, g.constant(by, UINT32), direction="RIGHT")


RANDOM: dict[str, Rule] = {"random_uniform": _random_uniform}
