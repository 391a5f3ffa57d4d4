"""The backward step of a recurrence, and the values of the forward step that it needs.

The forward run saves these values, or the backward step recomputes them if that is cheap: moved
entries, and simple arithmetic on values that are available anyway. With ``recompute`` only the
carries are saved.
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
    """The backward step of a recurrence.

    Attributes
    ----------
    joint : Program
        The forward step together with its gradients.
    program : Program
        The backward step. Its carry has the adjoints of the forward carry and the sums of the
        adjoints of ``closed``; its other results are the adjoints of ``x``.
    carries, sums, steps : list of int
        Positions of the operands whose adjoints are carries, sums, and results of each step.
    closed, xs : list of int
        Positions of the forward operands that the backward step takes, too.
    residuals : list of int
        Positions of the forward results that it takes.
    missing : list of Variable
        Values that the forward step must return in addition.
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
    back: Any = None  # the backward step as a body
    forward: Any = None  # the forward step that also returns the missing values, as a body


def pullback(
    body: Program, ys: tuple[int, ...], positions: tuple[int, ...], recompute: bool
) -> StepPullback:
    """Return the backward step from the carry and some results to some operands, by position."""
    joint = _joint(body, ys, positions)
    (carry, outputs), gradients = joint.result
    count, inputs = len(carry), [v for k in ("carry", "closed", "x") for v in joint.arguments[k]]
    first = count + len(joint.arguments["closed"])  # position of the first x
    carries = [i for i in range(count) if inputs[i].dtype.kind == "f"]
    sums = [i for i in gradients if count <= i < first and isinstance(gradients[i], Variable)]
    steps = [i for i in gradients if i >= first and isinstance(gradients[i], Variable)]
    late = {*joint.arguments["g_carry"], *joint.arguments["g_y"]}
    for e in joint.equations:
        if late.intersection(e.variables):
            late.add(e.output)
    numbers = {v: i for i, v in [*enumerate(outputs, count)][::-1] if isinstance(v, Variable)}
    needs = _Needs(joint, inputs, count, first, numbers, recompute)
    results = [gradients[i] for i in (*carries, *sums, *steps)]
    equations = needs.equations(late, results)
    totals = [_sum_for(inputs[i]) for i in sums]
    for i, total in zip(sums, totals, strict=True):
        gradients[i].adjoint_of = None  # the sum is the gradient
        equations.append(Equation(_sum_for(inputs[i]), ADD, (total, gradients[i]), {}))
    new = [e.output for e in equations[len(equations) - len(sums) :]]
    saved = [v for v in needs.taken if v in needs.saved]
    closed = [i for i in range(count, first) if inputs[i] in needs.taken]
    unkept = [i for i in range(first, len(inputs)) if inputs[i] not in saved]
    xs = [i for i in unkept if inputs[i] in needs.taken]
    arguments = {
        "carry": [*joint.arguments["g_carry"], *totals],
        "closed": [inputs[i] for i in closed],
        "x": [*saved, *(inputs[i] for i in xs), *joint.arguments["g_y"]],
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
        residuals=[needs.saved[v] for v in saved],
        missing=[v for v in needs.taken if v not in needs.saved and v not in inputs[count:]],
    )


def _sum_for(v: Variable) -> Variable:
    return Variable(None, v.shape, v.dtype, np.zeros(v.shape, v.dtype), v)


def _joint(body: Program, ys: tuple[int, ...], positions: tuple[int, ...]) -> Program:
    """Record a step and its operands' adjoints, for adjoints of the new carry and the results.

    The result is ``((carry, ys), adjoints by operand)``; the adjoints of carries are always
    included.
    """
    outer, inner = recording_level(), Level()
    tensors: dict[Variable, Any] = {}

    def tensor(v: Variable, name: str | None, level: Level, value: Any) -> Tensor:
        wrapped = Tensor.made(value, level)
        wrapped.name = name
        return wrapped

    inputs = {
        kind: [tensor(v, v.name, outer, v.value) for v in variables]
        for kind, variables in body.arguments.items()
    }
    before = [t for group in inputs.values() for t in group]
    for v, t in zip(body.inputs, before, strict=True):
        tensors[v] = tensor(v, v.name, inner, t) if v.dtype.kind == "f" else t

    def value_of(operand: Any) -> Any:
        return tensors[operand] if isinstance(operand, Variable) else at(operand, 0)

    for e in body.equations:
        params = e.params
        if e.primitive is SCAN:
            params = {**params, "body": params["body"].keeping(params["recompute"])}
        result = e.primitive(*map(value_of, e.operands), **params)
        tensors[e.output] = result
        while type(result) is Tensor:
            result.name, result = e.output.name, result.value
    carry, outputs = body.result
    results, count = [value_of(leaf) for leaf in (*carry, *outputs)], len(carry)

    def seed(leaf: Any) -> Tensor:
        name = leaf.name if isinstance(leaf, Variable) else None
        zeros = np.zeros(np.shape(leaf), leaf.dtype)
        return tensor(leaf, name and f"d_{name}", outer, zeros)

    active = [i for i, leaf in enumerate(carry) if body.arguments["carry"][i].dtype.kind == "f"]
    inputs["g_carry"] = [seed(body.arguments["carry"][i]) for i in active]
    inputs["g_y"] = [seed(outputs[i - count]) for i in ys]
    seeds = zip([*active, *ys], [*inputs["g_carry"], *inputs["g_y"]], strict=True)
    reached = [(results[i], g) for i, g in seeds]
    by_order = adjoints_of([(y, g) for y, g in reached if _is_of(y, inner)])
    gradients = {}
    for i, v in enumerate(body.inputs):
        if i in active or (i in positions and i >= count):
            g = by_order.get(tensors[v].order)
            if g is None:
                g = np.zeros(v.shape, v.dtype)
            gradients[i] = g if g.dtype == v.dtype else ASTYPE(g, dtype=v.dtype.type)
    outside = [y.value if _is_of(y, inner) else y for y in results]
    both = ((outside[:count], outside[count:]), gradients)
    return program_of(inputs, both, outer)[0]


def _is_of(value: Any, level: Level) -> bool:
    return type(value) is Tensor and value.level is level


class _Needs:
    """The values of the forward step that the backward step needs.

    ``taken`` are the values that it receives, ``again`` those that it computes again.
    """

    def __init__(
        self,
        joint: Program,
        inputs: Sequence[Variable],
        count: int,
        first: int,
        numbers: dict[Variable, int],
        recompute: bool,
    ) -> None:
        self.joint, self.recompute = joint, recompute
        self.equation_of = {e.output: e for e in joint.equations}
        self.taken: dict[Variable, None] = {}
        self.free = set(inputs[count:first])  # constant: equal in every step
        for e in joint.equations:
            if all(v in self.free for v in e.variables):
                self.free.add(e.output)
        self.saved = {v: i for v, i in numbers.items() if v not in self.free}
        self.at_hand = {*self.free, *self.saved, *inputs[first:]}
        self.again: set[Variable] = set()

    def equations(self, late: set[Variable], results: Sequence[Any]) -> list[Equation]:
        """Return the equations of the backward step."""
        needed = {v for v in results if isinstance(v, Variable)}
        backward: set[Variable] = set()
        for e in reversed(self.joint.equations):
            if e.output in needed and e.output in late:
                backward.add(e.output)
                needed.update(e.variables)
        early = [v for v in needed if v not in late]
        order = {v: i for i, v in enumerate(self.joint.variables)}
        for v in sorted(early, key=order.__getitem__):
            self._get(v)
        return [e for e in self.joint.equations if e.output in backward or e.output in self.again]

    def _get(self, v: Variable) -> None:
        """Make a value of the forward step available: receive it, or compute it again."""
        waiting = [v]
        while waiting:
            v = waiting.pop()
            if v in self.taken or v in self.again:
                continue
            e = self.equation_of.get(v)
            if v in self.saved or e is None or not self._computed_again(e):
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
