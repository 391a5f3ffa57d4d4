"""The backward step of a recurrence, and the values of the forward step that it needs.

The forward run saves these values, or the backward step recomputes them if that is cheap: moved
entries, and simple arithmetic on values that are available anyway. With ``recompute`` only the
carries are saved.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
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
    gradients, of_kind = joint.result[1], joint.arguments
    inputs = [*of_kind["carry"], *of_kind["closed"], *of_kind["x"]]
    count = len(of_kind["carry"])
    first = count + len(of_kind["closed"])  # position of the first x
    nonzero = [i for i, gradient in gradients.items() if isinstance(gradient, Variable)]
    carries = [i for i in range(count) if inputs[i].dtype.kind == "f"]
    sums = [i for i in nonzero if count <= i < first]
    steps = [i for i in nonzero if i >= first]
    needs = _Needs(joint, recompute)
    equations = needs.equations([gradients[i] for i in (*carries, *sums, *steps)])
    totals = [_sum_for(inputs[i]) for i in sums]
    additions = [
        _addition(gradients[i], total, inputs[i]) for i, total in zip(sums, totals, strict=True)
    ]
    saved = [v for v in needs.taken if v in needs.saved]
    recomputed = {v for v in needs.taken if v not in needs.saved}
    closed = [i for i in range(count, first) if inputs[i] in needs.taken]
    xs = [i for i in range(first, len(inputs)) if inputs[i] in recomputed]
    arguments = {
        "carry": [*of_kind["g_carry"], *totals],
        "closed": [inputs[i] for i in closed],
        "x": [*saved, *(inputs[i] for i in xs), *of_kind["g_y"]],
    }
    carry = [*(gradients[i] for i in carries), *(e.output for e in additions)]
    result = (carry, [gradients[i] for i in steps])
    return StepPullback(
        joint=joint,
        program=Program(arguments, [*equations, *additions], result),
        carries=carries,
        sums=sums,
        steps=steps,
        closed=closed,
        xs=xs,
        residuals=[needs.saved[v] for v in saved],
        missing=[v for v in needs.taken if v in recomputed and v not in inputs[count:]],
    )


def _sum_for(v: Variable) -> Variable:
    return Variable(None, v.shape, v.dtype, np.zeros(v.shape, v.dtype), v)


def _addition(gradient: Variable, total: Variable, v: Variable) -> Equation:
    """Return the equation that adds a step's gradient to the sum of the steps before."""
    gradient.adjoint_of = None  # the sum is the gradient
    return Equation(_sum_for(v), ADD, (total, gradient), {})


def _joint(body: Program, ys: tuple[int, ...], positions: tuple[int, ...]) -> Program:
    """Record a step and its operands' adjoints, for adjoints of the new carry and the results.

    The result is ``((carry, ys), adjoints by operand)``; the adjoints of carries are always
    included.
    """
    outer, inner = recording_level(), Level()
    inputs = {
        kind: [_tensor(v.name, v.value, outer) for v in variables]
        for kind, variables in body.arguments.items()
    }
    tensors: dict[Variable, Any] = {}
    for v, t in zip(body.inputs, chain(*inputs.values()), strict=True):
        tensors[v] = _tensor(v.name, t, inner) if v.dtype.kind == "f" else t
    results, count = _replayed(body, tensors), len(body.result[0])
    carry, outputs = body.arguments["carry"], body.result[1]
    floats = [i for i in range(count) if carry[i].dtype.kind == "f"]
    inputs["g_carry"] = [_seed(carry[i], outer) for i in floats]
    inputs["g_y"] = [_seed(outputs[i - count], outer) for i in ys]
    seeds = zip([*floats, *ys], [*inputs["g_carry"], *inputs["g_y"]], strict=True)
    by_order = adjoints_of([(results[i], g) for i, g in seeds if _is_of(results[i], inner)])
    active = {*floats, *(i for i in positions if i >= count)}
    gradients = {
        i: _converted(by_order.get(tensors[v].order), v)
        for i, v in enumerate(body.inputs)
        if i in active
    }
    outside = [y.value if _is_of(y, inner) else y for y in results]
    both = ((outside[:count], outside[count:]), gradients)
    return program_of(inputs, both, outer)[0]


def _tensor(name: str | None, value: Any, level: Level) -> Tensor:
    tensor = Tensor.made(value, level)
    tensor.name = name
    return tensor


def _seed(leaf: Any, level: Level) -> Tensor:
    """Return the adjoint of a result, as an input of the joint step."""
    name = leaf.name if isinstance(leaf, Variable) else None
    return _tensor(name and f"d_{name}", np.zeros(np.shape(leaf), leaf.dtype), level)


def _replayed(body: Program, tensors: dict[Variable, Any]) -> list[Any]:
    """Record a step's equations for the tensors of its inputs; return the carry and results."""

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
    return [value_of(leaf) for leaf in chain(*body.result)]


def _converted(gradient: Any, v: Variable) -> Any:
    """Return a gradient in its variable's dtype; None stands for zeros."""
    if gradient is None:
        return np.zeros(v.shape, v.dtype)
    return gradient if gradient.dtype == v.dtype else ASTYPE(gradient, dtype=v.dtype.type)


def _is_of(value: Any, level: Level) -> bool:
    return type(value) is Tensor and value.level is level


class _Needs:
    """The values of the forward step that the backward step needs.

    ``taken`` are the values that it receives, ``again`` those that it computes again.
    """

    def __init__(self, joint: Program, recompute: bool) -> None:
        self.joint, self.recompute = joint, recompute
        self.equation_of = {e.output: e for e in joint.equations}
        self.taken: dict[Variable, None] = {}
        self.free = set(joint.arguments["closed"])  # constant: equal in every step
        self.late = {*joint.arguments["g_carry"], *joint.arguments["g_y"]}  # adjoints
        for e in joint.equations:
            if self.free.issuperset(e.variables):
                self.free.add(e.output)
            if self.late.intersection(e.variables):
                self.late.add(e.output)
        carry, outputs = joint.result[0]
        numbered = [*enumerate(outputs, len(carry))]
        self.saved = {
            v: i
            for i, v in reversed(numbered)  # of a variable that is returned twice, the first
            if isinstance(v, Variable) and v not in self.free
        }
        self.at_hand = {*self.free, *self.saved, *joint.arguments["x"]}
        self.again: set[Variable] = set()

    def equations(self, results: Sequence[Any]) -> list[Equation]:
        """Return the equations of the backward step."""
        needed = {v for v in results if isinstance(v, Variable)}
        backward: set[Variable] = set()
        for e in reversed(self.joint.equations):
            if e.output in needed and e.output in self.late:
                backward.add(e.output)
                needed.update(e.variables)
        for v in self.joint.variables:
            if v in needed and v not in self.late:
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
