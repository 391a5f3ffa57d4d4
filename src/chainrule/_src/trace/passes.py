"""From one program to another: what is done to it before it is compiled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np

from chainrule._src.core.equations import Equation, Listing, Variable, at, needed_for
from chainrule._src.core.kernel import Composite
from chainrule._src.core.program import Program
from chainrule._src.core.recording import program_of, recording_level
from chainrule._src.core.tensor import Tensor
from chainrule._src.core.trees import map_leaves
from chainrule._src.trace.batch import Nested, every, fix

L = TypeVar("L", bound=Listing)


def remade(program: L, param: Callable[[Any], Any], constant: Callable[[Any], Any]) -> L:
    """Return a program with variables of its own, other parameters, shapes and constants."""
    made = {
        v: Variable(v.name, param(v.shape), v.dtype, v.value, v.adjoint_of)
        for v in program.variables
    }
    for variable in made.values():
        source = variable.adjoint_of
        variable.adjoint_of = made.get(source, source) if source else None

    def known(thing: Any) -> Any:
        return made[thing] if isinstance(thing, Variable) else constant(thing)

    equations = [
        Equation(
            made[e.output],
            e.primitive,
            tuple(map(known, e.operands)),
            {name: param(value) for name, value in e.params.items()},
        )
        for e in program.equations
    ]
    arguments, result = map_leaves(known, program.arguments), map_leaves(known, program.result)
    return replace(program, arguments=arguments, equations=equations, result=result)


def copied(program: L) -> L:
    """Return the same program with variables of its own."""
    return remade(program, lambda thing: thing, lambda thing: thing)


def expand(program: Program) -> Program:
    """Return the program with composite operations written out in others.

    It is run once more, on tensors, so that the record is made by the one way there is.
    """
    if not any(isinstance(e.primitive.kernel, Composite) for e in every(program.equations)):
        return program
    level = recording_level()
    tensors = {v: Tensor.made(v.value, level) for v in program.inputs}
    for variable, tensor in tensors.items():
        tensor.name = variable.name

    def known(operand: Any) -> Any:
        return tensors[operand] if isinstance(operand, Variable) else at(operand, 0)

    shorter: dict[Any, Any] = {}  # by operation and operand: what does both, and of what
    for equation in program.equations:
        apply: Any = equation.primitive
        kernel = equation.primitive.kernel
        if isinstance(kernel, Composite):
            apply = kernel.value
            shorter |= {(name, equation.output): (f, equation) for name, f in kernel.then.items()}
        apply, of = shorter.get((equation.primitive.name, *equation.variables), (apply, equation))
        params = {k: v.expanded() if isinstance(v, Nested) else v for k, v in of.params.items()}
        made = apply(*map(known, of.operands), **params)
        if not isinstance(made, Tensor):
            made = Tensor.made(np.asarray(made), level)
        if made.name is None:
            made.name = equation.output.name
        tensors[equation.output] = made
    inputs = map_leaves(known, program.arguments)
    expanded, variables = program_of(inputs, map_leaves(known, program.result), level)
    for before, tensor in tensors.items():
        about = before.adjoint_of
        mine = variables.get(tensor.order)
        if about in tensors and mine is not None and mine.adjoint_of is None:
            source = variables.get(tensors[about].order)
            mine.adjoint_of = None if source is mine else source
    expanded.batch = program.batch
    return expand(expanded)


def fixed(program: Program, n: int) -> Program:
    """Return the program for one batch size."""
    made = remade(program, lambda thing: at(thing, n), lambda thing: fix(thing, n))
    return replace(made, general=True, proof=None)


def needed(program: Program) -> Program:
    """Return the program without equations that nothing depends on."""
    wanted = needed_for(program.result, program.equations)
    kept = [equation for equation in program.equations if equation.output in wanted]
    return Program(program.arguments, kept, program.result, program.batch, program.general)
