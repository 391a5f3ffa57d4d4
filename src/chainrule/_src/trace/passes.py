"""Passes: functions from a program to a program, applied before compilation."""

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
    """Return a copy of a program with new variables.

    ``param`` changes each shape and parameter, ``constant`` each constant.
    """
    copies = {
        v: Variable(v.name, param(v.shape), v.dtype, v.value, v.adjoint_of)
        for v in program.variables
    }
    for variable in copies.values():
        source = variable.adjoint_of
        variable.adjoint_of = copies.get(source, source) if source else None

    def renewed(leaf: Any) -> Any:
        return copies[leaf] if isinstance(leaf, Variable) else constant(leaf)

    equations = [
        Equation(
            copies[e.output],
            e.primitive,
            tuple(map(renewed, e.operands)),
            {name: param(value) for name, value in e.params.items()},
        )
        for e in program.equations
    ]
    arguments, result = map_leaves(renewed, program.arguments), map_leaves(renewed, program.result)
    return replace(program, arguments=arguments, equations=equations, result=result)


def copied(program: L) -> L:
    """Return an equal program with new variables."""
    return remade(program, lambda part: part, lambda part: part)


def expand(program: Program) -> Program:
    """Return the program with composite operations replaced by the operations they call.

    The program is run once more with tensors, so that the usual recording makes the equations.
    """
    if not any(isinstance(e.primitive.kernel, Composite) for e in every(program.equations)):
        return program
    level = recording_level()
    tensors = {v: Tensor.made(v.value, level) for v in program.inputs}
    for variable, tensor in tensors.items():
        tensor.name = variable.name

    def value_of(operand: Any) -> Any:
        return tensors[operand] if isinstance(operand, Variable) else at(operand, 0)

    shorter: dict[Any, Any] = {}  # (operation, operand) → function that does both, and its equation
    for equation in program.equations:
        apply: Any = equation.primitive
        kernel = equation.primitive.kernel
        if isinstance(kernel, Composite):
            apply = kernel.value
            shorter |= {(name, equation.output): (f, equation) for name, f in kernel.then.items()}
        apply, of = shorter.get((equation.primitive.name, *equation.variables), (apply, equation))
        params = {k: v.expanded() if isinstance(v, Nested) else v for k, v in of.params.items()}
        result = apply(*map(value_of, of.operands), **params)
        if not isinstance(result, Tensor):
            result = Tensor.made(np.asarray(result), level)
        if result.name is None:
            result.name = equation.output.name
        tensors[equation.output] = result
    inputs = map_leaves(value_of, program.arguments)
    expanded, variables = program_of(inputs, map_leaves(value_of, program.result), level)
    for original, tensor in tensors.items():
        about = original.adjoint_of
        target = variables.get(tensor.order)
        if about in tensors and target is not None and target.adjoint_of is None:
            source = variables.get(tensors[about].order)
            target.adjoint_of = None if source is target else source
    expanded.batch = program.batch
    return expand(expanded)


def fixed(program: Program, n: int) -> Program:
    """Return the program for one batch size only."""
    copy = remade(program, lambda part: at(part, n), lambda part: fix(part, n))
    return replace(copy, general=True, proof=None)


def needed(program: Program) -> Program:
    """Return the program without the equations that the result does not depend on."""
    variables = needed_for(program.result, program.equations)
    equations = [equation for equation in program.equations if equation.output in variables]
    return Program(program.arguments, equations, program.result, program.batch, program.general)
