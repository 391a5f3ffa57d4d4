"""The way back through one step of a recurrence, and what of the way forward it needs.

A step's values are kept for it or, where that takes little, computed again: what moves entries, and
simple arithmetic on a value that is there anyway. To ``recompute`` is to keep the carries alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule._src.core.backward import adjoints_of
from chainrule._src.core.elementwise import ASTYPE
from chainrule._src.core.equations import Equation, Variable, at
from chainrule._src.core.kernel import Elementwise, Pieces
from chainrule._src.core.primitive import NUMPY
from chainrule._src.core.program import Program
from chainrule._src.core.recording import program_of, recording_level
from chainrule._src.core.tensor import Level, Tensor
from chainrule._src.trace.recurrence.primitives import SCAN

ADD: Any = NUMPY[np.add]
SIMPLE = {
    "square", "abs", "reciprocal", "sign", "logical_not", "negative", "add", "subtract", "multiply",
    "divide", "maximum", "minimum", "greater", "greater_equal", "less", "less_equal", "equal",
    "not_equal", "logical_and", "logical_or", "where", "astype", "stop_gradient",
}  # fmt: skip


@dataclass(eq=False)
class StepPullback:
    """The way back through a step.

    Attributes
    ----------
    joint : Program
        A step and its gradients.
    program : Program
        The step back: its carry are adjoints of the carry and sums, its results, besides, the
        adjoints of what is another in every step.
    carries, sums, steps : list of int
        The operands that these are the adjoints of.
    closed, xs : list of int
        The operands that it takes as they are.
    residuals : list of int
        The results of the way forward that it takes.
    missing : list of Variable
        What the way forward would have to give besides.
    """

    joint: Program
    program: Program
    carries: list[int]
    sums: list[int]
    steps: list[int]
    closed: list[int]
    xs: list[int]
    residuals: list[int]
    missing: list[Variable]
    back: Any = None  # the step back as a body
    forward: Any = None  # a step that gives what is missing, as a body


def pullback(
    body: Program, ys: tuple[int, ...], wanted: tuple[int, ...], recompute: bool
) -> StepPullback:
    """Return the way back from the carry and some results to some operands, by their numbers."""
    joint = _joint(body, ys, wanted)
    (carry, given), gradients = joint.result
    count, inputs = len(carry), [v for k in ("carry", "closed", "x") for v in joint.arguments[k]]
    first = count + len(joint.arguments["closed"])  # the first that is another in every step
    carries = [i for i in range(count) if inputs[i].dtype.kind == "f"]
    sums = [i for i in gradients if count <= i < first and isinstance(gradients[i], Variable)]
    steps = [i for i in gradients if i >= first and isinstance(gradients[i], Variable)]
    late = {*joint.arguments["g_carry"], *joint.arguments["g_y"]}
    for e in joint.equations:
        if late.intersection(e.variables):
            late.add(e.output)
    there = {v: i for i, v in [*enumerate(given, count)][::-1] if isinstance(v, Variable)}
    needs = _Needs(joint, inputs, count, first, there, recompute)
    results = [gradients[i] for i in (*carries, *sums, *steps)]
    equations = needs.equations(late, results)
    totals = [_sum_for(inputs[i]) for i in sums]
    for i, total in zip(sums, totals, strict=True):
        gradients[i].adjoint_of = None  # the sum is
        equations.append(Equation(_sum_for(inputs[i]), ADD, (total, gradients[i]), {}))
    new = [e.output for e in equations[len(equations) - len(sums) :]]
    kept = [v for v in needs.taken if v in needs.there]
    closed = [i for i in range(count, first) if inputs[i] in needs.taken]
    unkept = [i for i in range(first, len(inputs)) if inputs[i] not in kept]
    xs = [i for i in unkept if inputs[i] in needs.taken]
    arguments = {
        "carry": [*joint.arguments["g_carry"], *totals],
        "closed": [inputs[i] for i in closed],
        "x": [*kept, *(inputs[i] for i in xs), *joint.arguments["g_y"]],
    }
    result = ([*(gradients[i] for i in carries), *new], [gradients[i] for i in steps])
    return StepPullback(
        joint=joint,
        program=Program(arguments, equations, result),
        carries=carries,
        sums=sums,
        steps=steps,
        closed=closed,
        xs=xs,
        residuals=[needs.there[v] for v in kept],
        missing=[v for v in needs.taken if v not in needs.there and v not in inputs[count:]],
    )


def _sum_for(v: Variable) -> Variable:
    return Variable(None, v.shape, v.dtype, np.zeros(v.shape, v.dtype), v)


def _joint(body: Program, ys: tuple[int, ...], wanted: tuple[int, ...]) -> Program:
    """Record a step and the adjoints of its operands, given those of the new carry and results.

    The result is ``((carry, ys), adjoints by operand)``; those of carries are always there.
    """
    outer, inner = recording_level(), Level()
    made: dict[Variable, Any] = {}

    def tensor(v: Variable, name: str | None, level: Level, value: Any) -> Tensor:
        found = Tensor.made(value, level)
        found.name = name
        return found

    inputs = {
        kind: [tensor(v, v.name, outer, v.value) for v in variables]
        for kind, variables in body.arguments.items()
    }
    before = [t for found in inputs.values() for t in found]
    for v, t in zip(body.inputs, before, strict=True):
        made[v] = tensor(v, v.name, inner, t) if v.dtype.kind == "f" else t

    def known(operand: Any) -> Any:
        return made[operand] if isinstance(operand, Variable) else at(operand, 0)

    for e in body.equations:
        params = e.params
        if e.primitive is SCAN:
            params = {**params, "body": params["body"].keeping(params["recompute"])}
        result = e.primitive(*map(known, e.operands), **params)
        made[e.output] = result
        while type(result) is Tensor:
            result.name, result = e.output.name, result.value
    carry, given = body.result
    results, count = [known(leaf) for leaf in (*carry, *given)], len(carry)

    def seed(leaf: Any) -> Tensor:
        name = leaf.name if isinstance(leaf, Variable) else None
        zeros = np.zeros(np.shape(leaf), leaf.dtype)
        return tensor(leaf, name and f"d_{name}", outer, zeros)

    active = [i for i, leaf in enumerate(carry) if body.arguments["carry"][i].dtype.kind == "f"]
    inputs["g_carry"] = [seed(body.arguments["carry"][i]) for i in active]
    inputs["g_y"] = [seed(given[i - count]) for i in ys]
    seeds = zip([*active, *ys], [*inputs["g_carry"], *inputs["g_y"]], strict=True)
    reached = [(results[i], g) for i, g in seeds]
    found = adjoints_of([(y, g) for y, g in reached if _is_of(y, inner)])
    gradients = {}
    for i, v in enumerate(body.inputs):
        if i in active or (i in wanted and i >= count):
            g = found.get(made[v].order)
            if g is None:
                g = np.zeros(v.shape, v.dtype)
            gradients[i] = g if g.dtype == v.dtype else ASTYPE(g, dtype=v.dtype.type)
    outside = [y.value if _is_of(y, inner) else y for y in results]
    both = ((outside[:count], outside[count:]), gradients)
    return program_of(inputs, both, outer)[0]


def _is_of(value: Any, level: Level) -> bool:
    return type(value) is Tensor and value.level is level


class _Needs:
    """What the way back needs of the way forward; ``taken`` are the values that it is given."""

    def __init__(
        self,
        joint: Program,
        inputs: Sequence[Variable],
        count: int,
        first: int,
        there: dict[Variable, int],
        recompute: bool,
    ) -> None:
        self.joint, self.recompute = joint, recompute
        self.made = {e.output: e for e in joint.equations}
        self.taken: dict[Variable, None] = {}
        self.free = set(inputs[count:first])  # the same in every step
        for e in joint.equations:
            if all(v in self.free for v in e.variables):
                self.free.add(e.output)
        self.there = {v: i for v, i in there.items() if v not in self.free}
        self.at_hand = {*self.free, *self.there, *inputs[first:]}
        self.again: set[Variable] = set()

    def equations(self, late: set[Variable], results: Sequence[Any]) -> list[Equation]:
        """Return the equations of the way back."""
        wanted = {v for v in results if isinstance(v, Variable)}
        kept: set[Variable] = set()
        for e in reversed(self.joint.equations):
            if e.output in wanted and e.output in late:
                kept.add(e.output)
                wanted.update(e.variables)
        early = [v for v in wanted if v not in late]
        order = {v: i for i, v in enumerate(self.joint.variables)}
        for v in sorted(early, key=order.__getitem__):
            self._get(v)
        return [e for e in self.joint.equations if e.output in kept or e.output in self.again]

    def _get(self, v: Variable) -> None:
        """Have a value of the way forward at hand."""
        waiting = [v]
        while waiting:
            v = waiting.pop()
            if v in self.taken or v in self.again:
                continue
            e = self.made.get(v)
            if v in self.there or e is None or not self._computed_again(e):
                self.taken[v] = None
                self.at_hand.add(v)
            else:
                self.again.add(v)
                waiting += e.variables

    def _computed_again(self, e: Equation) -> bool:
        if self.recompute or e.output in self.free:
            return True
        new = {v for v in e.variables if v not in self.at_hand}
        return _is_simple(e) and len(new) <= 1


def _is_simple(e: Equation) -> bool:
    kernel, name = e.primitive.kernel, e.primitive.name
    if name == "power":
        return not isinstance(e.operands[1], Variable) and bool(np.all(e.operands[1] == 2))
    return isinstance(kernel, Pieces) or (isinstance(kernel, Elementwise) and name in SIMPLE)
