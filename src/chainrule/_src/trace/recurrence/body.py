"""The body of a recurrence: the program of one step, which is a parameter of the equation."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from chainrule._src.core.elementwise import ASTYPE
from chainrule._src.core.equations import Equation, Variable, at, needed_for
from chainrule._src.core.program import Program
from chainrule._src.core.tensor import Tensor
from chainrule._src.trace.batch import Nested, depends_on_n
from chainrule._src.trace.comparing import generalised, same
from chainrule._src.trace.keys import signature
from chainrule._src.trace.passes import copied, expand, fixed, needed
from chainrule._src.trace.recurrence.primitives import ITEM, SCAN
from chainrule._src.trace.recurrence.pullback import StepPullback, pullback
from chainrule._src.trace.recurrence.several import Adjoints, Several
from chainrule._src.trace.simplifying import simplified


class StepBody(Nested):
    """A program of ``carry``, ``closed`` and ``x``, lists of arrays, that returns carry and ``y``.

    ``closed`` are the values from outside, which are the same in every step (closed over). The
    operands of the recurrence are the first carry, ``closed``, and the arrays whose rows are the
    ``x``.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self._at: dict[int, StepBody] = {}
        self._pullbacks: dict[Any, StepPullback] = {}

    @property
    def equations(self) -> Sequence[Equation]:
        """The equations of a step."""
        return self.program.equations

    @property
    def carry(self) -> list[Variable]:
        """The variables that a step passes on to the next step."""
        return self.program.arguments["carry"]  # type: ignore[no-any-return]

    @property
    def closed(self) -> list[Variable]:
        """The variables that have the same value in every step."""
        return self.program.arguments["closed"]  # type: ignore[no-any-return]

    @property
    def xs(self) -> list[Variable]:
        """The variables that have another value in every step."""
        return self.program.arguments["x"]  # type: ignore[no-any-return]

    @property
    def results(self) -> list[Any]:
        """The new carry and the other results of a step, variables or constants."""
        carry, ys = self.program.result
        return [*carry, *ys]

    @cached_property
    def key(self) -> Hashable:
        """A hashable key; equal keys mean equal bodies."""
        return signature(self.program)

    @cached_property
    def _depends(self) -> bool:
        parts = [v.shape for v in self.program.variables]
        for equation in self.equations:
            parts += [*equation.operands, *equation.params.values()]
        return any(map(depends_on_n, [*parts, *self.results]))

    def depends_on_n(self) -> bool:
        """Return true if any part depends on the batch size."""
        return self._depends

    def at(self, n: int) -> StepBody:
        """Return the body for one batch size."""
        if not self._depends:
            return self
        if n not in self._at:
            if len(self._at) > 16:
                self._at.clear()
            self._at[n] = StepBody(simplified(fixed(self.program, n)))
        return self._at[n]

    def generalised(self, other: StepBody, sizes: tuple[int, int]) -> StepBody:
        """Return a body equal to this one for ``sizes[0]``, to ``other`` for ``sizes[1]``."""
        return StepBody(generalised(copied(self.program), copied(other.program), sizes))

    def equals(self, other: StepBody) -> bool:
        """Return true if the bodies are equal, except for rounding errors of numbers."""
        return same(self.program, other.program)

    def expanded(self) -> StepBody:
        """Return the body with composite operations replaced by the operations they call."""
        program = expand(self.program)
        return self if program is self.program else StepBody(program)

    # Running

    @cached_property
    def _lines(self) -> tuple[list[Any], list[tuple[Any, ...]], list[int]]:
        """The initial list of values, the equations, and the positions of the results.

        Values are numbered; an equation has its operands' and its output's positions in the list.
        """
        values: list[Any] = [None for _ in self.program.inputs]
        positions = {v: i for i, v in enumerate(self.program.inputs)}

        def of(operand: Any) -> int:
            if isinstance(operand, Variable):
                return positions[operand]
            values.append(at(operand, 0))
            return len(values) - 1

        lines = []
        for e in self.equations:
            inputs = tuple(map(of, e.operands))
            positions[e.output] = len(values)
            values.append(None)
            params = {name: at(value, 0) for name, value in e.params.items()}
            lines.append((e.primitive, inputs, params, positions[e.output]))
        return values, lines, list(map(of, self.results))

    def run(
        self, operands: tuple[Any, ...], steps: int, reverse: bool, sketch: bool = False
    ) -> Several:
        """Run all steps on plain arrays.

        If ``sketch``, only one step is run, for shapes and dtypes, and its results fill all rows.
        """
        initial, lines, ends = self._lines
        values, count = list(initial), len(self.carry)
        first = count + len(self.closed)
        values[: len(operands)] = operands
        xs, results = operands[first:], self.results[count:]
        stacks = [np.empty((steps, *np.shape(y)), y.dtype) for y in results]
        turns = range(steps)[::-1] if reverse else range(steps)
        for step in turns[:1] if sketch else turns:
            for i, x in enumerate(xs, first):
                values[i] = x[step]
            for primitive, inputs, params, position in lines:
                apply = (sketch and primitive.form) or primitive.value
                values[position] = apply(*[values[i] for i in inputs], **params)
            outputs = [values[i] for i in ends]
            values[:count] = outputs[:count]
            for stack, y in zip(stacks, outputs[count:], strict=True):
                stack[... if sketch else step] = y
        return Several((*map(np.asarray, values[:count]), *stacks))

    # Changing

    def pruned(self, live: set[int]) -> tuple[StepBody, list[int], list[int]]:
        """Return a body with only some of the results.

        Returns
        -------
        body : StepBody
        operands : list of int
            Positions of the operands that the body still needs.
        results : list of int
            Positions of the results that the body still has.
        """
        count, results, ends = len(self.carry), self.results, set(live)
        while True:
            parts = [results[i] for i in sorted(ends)]
            variables = needed_for(parts, self.equations)
            more = {i for i, v in enumerate(self.carry) if v in variables} - ends
            if not more:
                break
            ends |= more
        positions = sorted(ends)
        carry = [i for i in positions if i < count]
        inputs = list(self.program.inputs)
        operands = [i for i, v in enumerate(inputs) if (i in ends if i < count else v in variables)]
        arguments = {
            "carry": [self.carry[i] for i in carry],
            "closed": [v for v in self.closed if v in variables],
            "x": [v for v in self.xs if v in variables],
        }
        result = ([results[i] for i in carry], [results[i] for i in positions[len(carry) :]])
        return body_of(arguments, self.program.equations, result), operands, positions

    # Differentiating

    def keeping(self, recompute: bool) -> StepBody:
        """Return a body that also returns, for every step, the values that gradients need."""
        count, results = len(self.carry), self.results
        ys = tuple(i for i in range(count, len(results)) if results[i].dtype.kind == "f")
        positions = tuple(i for i, v in enumerate(self.program.inputs) if v.dtype.kind == "f")
        forward: StepBody = self._pullback(ys, positions, recompute).forward
        return forward

    def pulled(
        self, g: Adjoints, y: Any, positions: tuple[int, ...], operands: Any, how: Any
    ) -> dict[int, Any]:
        """Return the adjoints of the operands at these positions, if they have any."""
        count, inputs, results = len(self.carry), list(self.program.inputs), self.results
        floats = tuple(i for i in positions if inputs[i].dtype.kind == "f")
        ys = tuple(sorted(i for i in g if i >= count and results[i].dtype.kind == "f"))
        back = self._pullback(ys, floats, how["recompute"])
        while back.missing:  # the forward run did not save these values: run it again
            y = recurrence(back.forward, operands, **how)
            back = back.forward._pullback(ys, floats, how["recompute"])

        def adjoint(i: int) -> Any:
            result, g_result = results[i], g.get(i)
            if g_result is None:
                return np.zeros(np.shape(result), result.dtype)
            same = g_result.dtype == result.dtype
            return g_result if same else ASTYPE(g_result, dtype=result.dtype.type)

        back_operands = [
            *(adjoint(i) for i in back.carries),
            *(np.zeros(np.shape(inputs[i]), inputs[i].dtype) for i in back.sums),
            *(operands[i] for i in back.closed),
            *(ITEM(y, number=i) for i in back.residuals),
            *(operands[i] for i in back.xs),
            *(adjoint(i) for i in ys),
        ]
        adjoints = recurrence(back.back, back_operands, **{**how, "reverse": not how["reverse"]})
        numbered = enumerate([*back.carries, *back.sums, *back.steps])
        return {i: ITEM(adjoints, number=number) for number, i in numbered if i in floats}

    def _pullback(
        self, ys: tuple[int, ...], positions: tuple[int, ...], recompute: bool
    ) -> StepPullback:
        """Return the backward step from results to operands, both given by position."""
        key = (ys, positions, recompute)
        if key not in self._pullbacks:
            pulled_back = self._pullbacks[key] = pullback(self.program, ys, positions, recompute)
            back, joint = pulled_back.program, pulled_back.joint
            pulled_back.forward = self
            if not pulled_back.missing:
                pulled_back.back = body_of(back.arguments, back.equations, back.result)
            else:
                carry, outputs = joint.result[0]
                arguments = {name: joint.arguments[name] for name in ("carry", "closed", "x")}
                pulled_back.forward = body_of(
                    arguments, joint.equations, (carry, [*outputs, *pulled_back.missing])
                )
        return self._pullbacks[key]


def body_of(arguments: dict[str, Any], equations: Sequence[Equation], result: Any) -> StepBody:
    """Return a body with new variables, simplified and without unused equations."""
    program = needed(Program(arguments, list(equations), result))
    return StepBody(simplified(copied(program)))


def recurrence(body: StepBody, operands: Sequence[Any], **how: Any) -> Any:
    """Apply a body step by step; if it will be differentiated, save the values for gradients."""
    if any(map(_is_differentiated, operands)):
        body = body.keeping(how["recompute"])
    return SCAN(*operands, body=body, **how)


def _is_differentiated(value: Any) -> bool:
    while type(value) is Tensor:
        if not value.level.records_all:
            return True
        value = value.value
    return False
