"""Sums of products in a recurrence are computed as one product after the loop.

The backward pass through a layer adds ``x.T @ d_z`` to the gradient of its weights in every step.
No equation of the loop reads the sum, so the ``d_z`` of all steps are stacked and multiplied once,
after the loop.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from chainrule._src.core.equations import Equation, Variable, at
from chainrule._src.core.primitive import NUMPY, Primitive
from chainrule._src.core.program import Program
from chainrule._src.ops.linalg import MATMUL, TENSORDOT
from chainrule._src.ops.shape import TRANSPOSE
from chainrule._src.trace.passes import expand
from chainrule._src.trace.recurrence.body import StepBody, body_of
from chainrule._src.trace.recurrence.primitives import ITEM, SCAN
from chainrule._src.trace.recurrence.several import Several

ADD: Any = NUMPY[np.add]


class ProductSum(NamedTuple):
    """A carry that is a sum: every step adds ``left.T @ right``, two of its variables."""

    carry: int
    left: Variable
    right: Variable


class SumParts(NamedTuple):
    """The start of a sum, and its stacked factors: arrays, or positions of results."""

    start: Any
    left: Any
    right: Any


def prepared(program: Program) -> Program:
    """Return a program for many runs: composites expanded, sums of products after loops."""
    return summed_after(expand(program))


def summed_after(program: Program) -> Program:
    """Return the program with sums of products moved out of its recurrences."""
    split: dict[Variable, _SplitRecurrence] = {}
    equations: list[Equation] = []
    for e in program.equations:
        product_sums = sums(e) if e.primitive is SCAN and not e.params["recompute"] else []
        if product_sums:
            split[e.output] = _SplitRecurrence(e, product_sums)
            equations.append(split[e.output].without)
        elif e.primitive is ITEM and e.operands[0] in split:
            equations += split[e.operands[0]].item(e)
        else:
            equations.append(e)
    return replace(program, equations=equations) if split else program


def sums(e: Equation) -> list[ProductSum]:
    """Return the sums of products in a recurrence that no equation of the recurrence reads."""
    body: StepBody = e.params["body"]
    equation_of = {inner.output: inner for inner in body.equations}
    uses = Counter(v for inner in body.equations for v in inner.variables)
    uses.update(v for v in body.results if isinstance(v, Variable))

    def once(v: Any, primitive: Primitive) -> tuple[Any, ...]:
        """Return the operands of an operation whose result is used once; () for other values."""
        inner = equation_of.get(v)
        return inner.operands if inner and inner.primitive is primitive and uses[v] == 1 else ()

    product_sums = []
    for i, (carry, result) in enumerate(zip(body.carry, body.results, strict=False)):
        terms = once(result, ADD)
        if carry not in terms or uses[carry] != 1:
            continue
        factors = once(terms[terms[0] is carry], MATMUL)
        if [len(np.shape(v)) for v in factors] != [2, 2] or factors[0] not in equation_of:
            continue
        turned = equation_of[factors[0]]
        pair = (*turned.operands, factors[1])
        stacked = all(isinstance(v, Variable) and v not in body.closed for v in pair)
        if turned.primitive is TRANSPOSE and stacked and pair[1].dtype == carry.dtype:
            product_sums.append(ProductSum(i, *pair))
    return product_sums


class _SplitRecurrence:
    """A recurrence with its sums of products taken out.

    Attributes
    ----------
    without : Equation
        The recurrence without the sums; their factors are stacked as results.
    """

    def __init__(self, e: Equation, moved: Sequence[ProductSum]) -> None:
        body: StepBody = e.params["body"]
        self.steps: int = e.params["steps"]
        count, gone = len(body.carry), {s.carry for s in moved}
        others = [i for i in range(count) if i not in gone]
        carry, ys = body.program.result
        parts, ys = e.output.value.parts, list(ys)

        def stack(v: Variable) -> Any:
            if v in body.xs:
                return e.operands[count + len(body.closed) + body.xs.index(v)]
            if v not in ys:
                ys.append(v)
            return len(others) + ys.index(v)

        self.totals = {s.carry: SumParts(e.operands[s.carry], *map(stack, s[1:])) for s in moved}
        self.numbers = {old: new for new, old in enumerate([*others, *range(count, len(parts))])}
        more = [np.zeros((self.steps, *v.shape), v.dtype) for v in ys[len(parts) - count :]]
        value = Several((*(parts[i] for i in self.numbers), *more))
        arguments = {**body.program.arguments, "carry": [body.carry[i] for i in others]}
        new = body_of(arguments, body.equations, ([carry[i] for i in others], ys))
        operands = tuple(x for i, x in enumerate(e.operands) if i not in gone)
        self.output = Variable(None, value.shape, e.output.dtype, value)
        self.without = Equation(self.output, SCAN, operands, {**e.params, "body": new})

    def item(self, e: Equation) -> Iterator[Equation]:
        """Yield the equations of a result: an item with a new number, or a product."""
        number = e.params["number"]
        if number in self.numbers:
            yield Equation(e.output, ITEM, (self.output,), {"number": self.numbers[number]})
            return
        total, dtype = self.totals[number], e.output.dtype

        def equation(primitive: Primitive, *operands: Any, **params: Any) -> Equation:
            values = (o.value if isinstance(o, Variable) else at(o, 0) for o in operands)
            value = np.asarray(primitive.value(*values, **params))
            return Equation(Variable(None, value.shape, dtype, value), primitive, operands, params)

        factors = []
        for side in (total.left, total.right):
            stack = side
            if isinstance(side, int):
                yield (item := equation(ITEM, self.output, number=side))
                stack = item.output
            factors.append(stack)
        how = {"axes": ((0, 1), (0, 1))}
        if _is_zero(total.start):
            yield Equation(e.output, TENSORDOT, tuple(factors), how)
            return
        yield (product := equation(TENSORDOT, *factors, **how))
        yield Equation(e.output, ADD, (total.start, product.output), {})


def _is_zero(start: Any) -> bool:
    return not isinstance(start, Variable) and not np.any(at(start, 0))
