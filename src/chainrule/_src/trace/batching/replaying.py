"""Replay of a recorded function, for all positions along a mapped axis at once."""

from __future__ import annotations

import sys
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from chainrule._src.core.backward import ancestors
from chainrule._src.core.equations import Equation, Variable, at
from chainrule._src.core.kernel import Elementwise
from chainrule._src.core.primitive import Primitive
from chainrule._src.core.recording import program_of, recording_level
from chainrule._src.core.tensor import Tensor
from chainrule._src.core.weak import as_value
from chainrule._src.trace.batching import index, moving, products
from chainrule._src.trace.batching.call import MappedCall, Rule, one_by_one, spread
from chainrule._src.trace.recurrence.body import StepBody, recurrence
from chainrule._src.trace.recurrence.primitives import ITEM, SCAN

RULES: dict[Primitive, Rule] = {**moving.RULES, **products.RULES, **index.RULES}


def rule_of(primitive: Primitive) -> Rule:
    """Return an operation's rule for all positions; without a rule, `one_by_one`."""
    by_entry = isinstance(primitive.kernel, Elementwise) or _is_of_scipy(primitive)
    return RULES.get(primitive) or (moving.elementwise if by_entry else one_by_one)


def _is_of_scipy(primitive: Primitive) -> bool:
    if "scipy.special" not in sys.modules:
        return False
    from chainrule._src.ops.special import SPECIAL

    return primitive in SPECIAL.primitives.values()


class MappedValue(NamedTuple):
    """A result, and whether it carries the mapped axis; for several results, one flag each."""

    array: Any
    mapped: Any


@dataclass(frozen=True, eq=False)
class ReplayStep:
    """An operation of a recording.

    ``inside`` has the positions and keys of the operands that are results of other steps.
    """

    output: Hashable
    primitive: Primitive
    operands: Sequence[Any]
    inside: Iterable[tuple[int, Hashable]]
    params: dict[str, Any]
    like: Any


def steps_of_tensors(outputs: Sequence[Tensor]) -> Iterator[ReplayStep]:
    """Yield the operations that computed tensors of one level, in order."""
    for tensor in reversed(ancestors(*outputs)):
        if tensor.primitive is not None and tensor.level is outputs[0].level:
            inside = [(i, parent.order) for i, parent in tensor.parents]
            yield ReplayStep(
                tensor.order, tensor.primitive, tensor.operands, inside, tensor.params, tensor
            )


def _steps_of_equations(equations: Iterable[Equation]) -> Iterator[ReplayStep]:
    for e in equations:
        inside = [(i, o) for i, o in enumerate(e.operands) if isinstance(o, Variable)]
        operands = [at(operand, 0) for operand in e.operands]
        params = {name: at(value, 0) for name, value in e.params.items()}
        yield ReplayStep(e.output, e.primitive, operands, inside, params, e.output)


def replay(
    steps: Iterable[ReplayStep], inputs: Mapping[Any, MappedValue], size: int
) -> dict[Any, MappedValue]:
    """Return the values of all steps; ``inputs`` has the values that the steps begin with."""
    values = dict(inputs)
    for step in steps:
        result = values[step.output] = _apply(step, values, size)
        if isinstance(result.array, Tensor) and result.array.name is None:
            result.array.name = step.like.name
    return values


def _apply(step: ReplayStep, values: Mapping[Any, MappedValue], size: int) -> MappedValue:
    operands, mapped = list(step.operands), [False for _ in step.operands]
    for i, key in step.inside:
        operands[i], mapped[i] = values[key]
    if step.primitive is ITEM:
        carries: Any = mapped[0]
        item = ITEM(operands[0], **step.params)
        return MappedValue(item, carries and carries[step.params["number"]])
    if not any(mapped):
        several = step.primitive is SCAN
        plain = recurrence(operands=operands, **step.params) if several else None
        return MappedValue(plain if several else step.primitive(*operands, **step.params), False)
    if step.primitive is SCAN:
        return _scanned(operands, mapped, step.params, size)
    like = step.like
    call = MappedCall(
        step.primitive, tuple(operands), tuple(mapped), step.params, like.shape, like.dtype, size
    )
    return MappedValue(rule_of(step.primitive)(call), True)


def _scanned(
    operands: list[Any], mapped: list[bool], params: dict[str, Any], size: int
) -> MappedValue:
    """Run a recurrence whose steps compute all positions at once."""
    body: StepBody = params["body"]
    count = len(body.carry)
    mapped = list(mapped)
    while True:  # if a step's new carry is mapped, the first carry must be, too
        mapped_body, result_mapped = _body(body, mapped, size)
        late = [i for i in range(count) if result_mapped[i] and not mapped[i]]
        if not late:
            break
        for i in late:
            operands[i], mapped[i] = spread(operands[i], size), True
    how = {name: value for name, value in params.items() if name != "body"}
    return MappedValue(recurrence(mapped_body, operands, **how), tuple(result_mapped))


def _body(body: StepBody, mapped: Sequence[bool], size: int) -> tuple[StepBody, list[bool]]:
    """Return a step's body for all positions, and which of its results carry the mapped axis."""
    level = recording_level()
    inputs = list(body.program.inputs)
    input_values = {}
    for variable, carries in zip(inputs, mapped, strict=True):
        example = spread(variable.value, size) if carries else variable.value
        tensor = Tensor.made(as_value(example), level)
        tensor.name = variable.name
        input_values[variable] = MappedValue(tensor, carries)
    values = replay(_steps_of_equations(body.equations), input_values, size)

    def result(number: int, leaf: Any) -> MappedValue:
        value = values[leaf] if isinstance(leaf, Variable) else MappedValue(at(leaf, 0), False)
        if number < len(body.carry) and mapped[number] and not value.mapped:
            return MappedValue(spread(value.array, size), True)
        return value

    results = [result(number, leaf) for number, leaf in enumerate(body.results)]
    arrays = [value.array for value in results]
    count = len(body.carry)
    arguments = {
        name: [input_values[variable].array for variable in variables]
        for name, variables in body.program.arguments.items()
    }
    program, _ = program_of(arguments, (arrays[:count], arrays[count:]), level)
    return StepBody(program), [value.mapped for value in results]
