"""The body of a recurrence: what is done in every step, as a program within an equation."""

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

    What is ``closed`` over is the same in every step; the recurrence's operands are the first
    carry, that, and what the steps are run over.
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
        """What is handed on."""
        return self.program.arguments["carry"]  # type: ignore[no-any-return]

    @property
    def closed(self) -> list[Variable]:
        """What is the same in every step."""
        return self.program.arguments["closed"]  # type: ignore[no-any-return]

    @property
    def xs(self) -> list[Variable]:
        """What is another in every step."""
        return self.program.arguments["x"]  # type: ignore[no-any-return]

    @property
    def results(self) -> list[Any]:
        """The new carry and what a step gives, variables or constants."""
        carry, ys = self.program.result
        return [*carry, *ys]

    @cached_property
    def key(self) -> Hashable:
        """Something that is equal where bodies are the same."""
        return signature(self.program)

    @cached_property
    def _depends(self) -> bool:
        things = [v.shape for v in self.program.variables]
        for equation in self.equations:
            things += [*equation.operands, *equation.params.values()]
        return any(map(depends_on_n, [*things, *self.results]))

    def depends_on_n(self) -> bool:
        """Whether the batch size is in it."""
        return self._depends

    def at(self, n: int) -> StepBody:
        """Return the same for a batch size."""
        if not self._depends:
            return self
        if n not in self._at:
            if len(self._at) > 16:
                self._at.clear()
            self._at[n] = StepBody(simplified(fixed(self.program, n)))
        return self._at[n]

    def generalised(self, other: StepBody, sizes: tuple[int, int]) -> StepBody:
        """Return what is this for the first batch size and the other for the second."""
        return StepBody(generalised(copied(self.program), copied(other.program), sizes))

    def equals(self, other: StepBody) -> bool:
        """Whether another is the same, but for the rounding of numbers."""
        return same(self.program, other.program)

    def expanded(self) -> StepBody:
        """Return the same with composite operations written out in others."""
        program = expand(self.program)
        return self if program is self.program else StepBody(program)

    # Running

    @cached_property
    def _lines(self) -> tuple[list[Any], list[tuple[Any, ...]], list[int]]:
        """The values by their places, constants filled in; the equations; where results are."""
        values: list[Any] = [None for _ in self.program.inputs]
        place = {v: i for i, v in enumerate(self.program.inputs)}

        def of(operand: Any) -> int:
            if isinstance(operand, Variable):
                return place[operand]
            values.append(at(operand, 0))
            return len(values) - 1

        lines = []
        for e in self.equations:
            given = tuple(map(of, e.operands))
            place[e.output] = len(values)
            values.append(None)
            params = {name: at(value, 0) for name, value in e.params.items()}
            lines.append((e.primitive, given, params, place[e.output]))
        return values, lines, list(map(of, self.results))

    def run(
        self, operands: tuple[Any, ...], steps: int, reverse: bool, sketch: bool = False
    ) -> Several:
        """Run all steps on plain arrays; for a ``sketch``, the form of one stands for all."""
        known, lines, ends = self._lines
        values, count = list(known), len(self.carry)
        first = count + len(self.closed)
        values[: len(operands)] = operands
        xs, results = operands[first:], self.results[count:]
        stacks = [np.empty((steps, *np.shape(y)), y.dtype) for y in results]
        turns = range(steps)[::-1] if reverse else range(steps)
        for step in turns[:1] if sketch else turns:
            for i, x in enumerate(xs, first):
                values[i] = x[step]
            for primitive, given, params, place in lines:
                apply = (sketch and primitive.form) or primitive.value
                values[place] = apply(*[values[i] for i in given], **params)
            found = [values[i] for i in ends]
            values[:count] = found[:count]
            for stack, y in zip(stacks, found[count:], strict=True):
                stack[... if sketch else step] = y
        return Several((*map(np.asarray, values[:count]), *stacks))

    # Changing

    def pruned(self, live: set[int]) -> tuple[StepBody, list[int], list[int]]:
        """Return a body that gives some results alone.

        Returns
        -------
        body : StepBody
        operands : list of int
            Which operands it takes.
        results : list of int
            Which results it gives.
        """
        count, results, ends = len(self.carry), self.results, set(live)
        while True:
            parts = [results[i] for i in sorted(ends)]
            wanted = needed_for(parts, self.equations)
            more = {i for i, v in enumerate(self.carry) if v in wanted} - ends
            if not more:
                break
            ends |= more
        kept = sorted(ends)
        carry = [i for i in kept if i < count]
        inputs = list(self.program.inputs)
        operands = [i for i, v in enumerate(inputs) if (i in ends if i < count else v in wanted)]
        taken = {
            "carry": [self.carry[i] for i in carry],
            "closed": [v for v in self.closed if v in wanted],
            "x": [v for v in self.xs if v in wanted],
        }
        result = ([results[i] for i in carry], [results[i] for i in kept[len(carry) :]])
        return body_of(taken, self.program.equations, result), operands, kept

    # Differentiating

    def keeping(self, recompute: bool) -> StepBody:
        """Return a body that also gives what any gradient needs of every step."""
        count, results = len(self.carry), self.results
        ys = tuple(i for i in range(count, len(results)) if results[i].dtype.kind == "f")
        wanted = tuple(i for i, v in enumerate(self.program.inputs) if v.dtype.kind == "f")
        forward: StepBody = self._pullback(ys, wanted, recompute).forward
        return forward

    def pulled(
        self, g: Adjoints, y: Any, wanted: tuple[int, ...], operands: Any, how: Any
    ) -> dict[int, Any]:
        """Return the adjoints of the operands that are asked for, where they have any."""
        count, inputs, results = len(self.carry), list(self.program.inputs), self.results
        floats = tuple(i for i in wanted if inputs[i].dtype.kind == "f")
        ys = tuple(sorted(i for i in g if i >= count and results[i].dtype.kind == "f"))
        back = self._pullback(ys, floats, how["recompute"])
        while back.missing:  # what was run did not give it: run again
            y = recurrence(back.forward, operands, **how)
            back = back.forward._pullback(ys, floats, how["recompute"])

        def adjoint(i: int) -> Any:
            result, found = results[i], g.get(i)
            if found is None:
                return np.zeros(np.shape(result), result.dtype)
            same = found.dtype == result.dtype
            return found if same else ASTYPE(found, dtype=result.dtype.type)

        given = [
            *(adjoint(i) for i in back.carries),
            *(np.zeros(np.shape(inputs[i]), inputs[i].dtype) for i in back.sums),
            *(operands[i] for i in back.closed),
            *(ITEM(y, number=i) for i in back.residuals),
            *(operands[i] for i in back.xs),
            *(adjoint(i) for i in ys),
        ]
        found = recurrence(back.back, given, **{**how, "reverse": not how["reverse"]})
        numbered = enumerate([*back.carries, *back.sums, *back.steps])
        return {i: ITEM(found, number=number) for number, i in numbered if i in floats}

    def _pullback(
        self, ys: tuple[int, ...], wanted: tuple[int, ...], recompute: bool
    ) -> StepPullback:
        """Return the way back from results to operands, both by their numbers."""
        key = (ys, wanted, recompute)
        if key not in self._pullbacks:
            made = self._pullbacks[key] = pullback(self.program, ys, wanted, recompute)
            back, joint = made.program, made.joint
            made.forward = self
            if not made.missing:
                made.back = body_of(back.arguments, back.equations, back.result)
            else:
                carry, given = joint.result[0]
                own = {name: joint.arguments[name] for name in ("carry", "closed", "x")}
                made.forward = body_of(own, joint.equations, (carry, [*given, *made.missing]))
        return self._pullbacks[key]


def body_of(arguments: dict[str, Any], equations: Sequence[Equation], result: Any) -> StepBody:
    """Return a body of variables of its own, with nothing done in vain."""
    program = needed(Program(arguments, list(equations), result))
    return StepBody(simplified(copied(program)))


def recurrence(body: StepBody, operands: Sequence[Any], **how: Any) -> Any:
    """Apply a body step by step; where there will be a gradient, with all that it needs kept."""
    if any(map(_is_differentiated, operands)):
        body = body.keeping(how["recompute"])
    return SCAN(*operands, body=body, **how)


def _is_differentiated(value: Any) -> bool:
    while type(value) is Tensor:
        if not value.level.records_all:
            return True
        value = value.value
    return False
