"""Hash keys of recordings and programs: equal keys mean equal programs."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any

import numpy as np

from chainrule._src.core.equations import Filled, Variable
from chainrule._src.core.forms import first_entry, is_uniform
from chainrule._src.core.primitive import Primitive
from chainrule._src.core.program import Program
from chainrule._src.core.recording import Tape
from chainrule._src.core.tensor import Level, Tensor
from chainrule._src.core.weak import Weak, is_weak
from chainrule._src.trace.batch import Nested


def tape_key(tape: Tape) -> Hashable:
    """Return a hashable key; equal keys mean equal programs, including the names of inputs."""
    tensors = tape.tensors()
    numbers = {tensor.order: i for i, tensor in enumerate(tensors)}
    level = tape.level

    def number(tensor: Tensor) -> int:
        return numbers[tensor.order]

    return (
        structure_key(tape.inputs, level, number),
        tuple([_tensor_key(tensor, numbers, level) for tensor in tensors]),
        structure_key(tape.result, level, number),
    )


def structure_key(tree: Any, level: Level, number: Callable[[Tensor], int | None]) -> Any:
    """Return a hashable key of a tree of tensors, which are numbered, and constants."""

    def part(leaf: Any) -> Any:
        inside = type(leaf) is Tensor and leaf.level is level
        return ("tensor", number(leaf)) if inside else key_of(np.asarray(leaf))

    return _structure(tree, part)


def _tensor_key(tensor: Tensor, numbers: dict[int, int], level: Level) -> Hashable:
    """Return a hashable key of a tensor in a recording."""
    about = tensor.about
    while type(about) is Tensor and about.order not in numbers:
        about = about.value
    source = numbers[about.order] if type(about) is Tensor else None
    if tensor.primitive is None or tensor.level is not level:
        return (tensor.name, tensor.shape, tensor.dtype.str, is_weak(tensor), source)
    operands = [*tensor.operands]
    for i, parent in tensor.parents:
        operands[i] = numbers[parent.order], "tensor"
    return operation_key(tensor.primitive, operands, tensor.params, source)


def operation_key(
    primitive: Primitive, operands: Sequence[Any], params: dict[str, Any], source: Any = None
) -> Hashable:
    """Return a hashable key of an operation; operands that are tensors are given as tuples."""
    keys = [o if type(o) is tuple else key_of(o) for o in operands]
    return (primitive, *keys, key_of(params) if params else (), source)


def key_of(part: Any) -> Any:
    """Return a hashable key of a parameter or constant; equal keys mean equal values."""
    if type(part) is Variable:
        return part
    if isinstance(part, dict):
        return tuple([(name, key_of(item)) for name, item in part.items()])
    if isinstance(part, (tuple, list)):
        return (type(part), *map(key_of, part))
    if isinstance(part, slice):
        return (slice, key_of(part.start), key_of(part.stop), key_of(part.step))
    if isinstance(part, Filled):
        return (Filled, key_of(part.number), key_of(part.shape), part.dtype.str)
    if isinstance(part, Nested):
        return part.key
    if isinstance(part, np.ndarray):
        return (part.shape, part.dtype.str, condensed(part).tobytes())
    if isinstance(part, float | int | np.generic):
        return (type(part), str(part))
    if type(part) is Weak:
        return key_of(part.number)
    return part


def signature(program: Program) -> Hashable:
    """Return a hashable key of a program; the names of inputs are part of the key."""
    numbers = {variable: i for i, variable in enumerate(program.variables)}

    def key(operand: Any) -> Any:
        return ("variable", numbers[operand]) if type(operand) is Variable else key_of(operand)

    inputs = {*program.inputs}

    def about(variable: Variable) -> Any:
        return (
            variable.name if variable in inputs else None, variable.shape, variable.dtype.str,
            is_weak(variable),
            numbers.get(variable.adjoint_of) if variable.adjoint_of else None,
        )  # fmt: skip

    return (
        _structure(program.arguments, key),
        tuple(map(about, program.variables)),
        tuple(
            (e.primitive, tuple(map(key, e.operands)), key_of(e.params) if e.params else ())
            for e in program.equations
        ),
        _structure(program.result, key),
    )


def _structure(tree: Any, key: Callable[[Any], Any]) -> Any:
    """Return a hashable key of a tree's structure and leaves."""
    if isinstance(tree, dict):
        return (dict, *((name, _structure(part, key)) for name, part in tree.items()))
    if isinstance(tree, (tuple, list)):
        return (type(tree), *(_structure(part, key) for part in tree))
    return None if tree is None else key(tree)


def condensed(x: Any) -> Any:
    """Return the first entry along every axis if all entries have equal bits; else the array."""
    first = first_entry(x)
    is_equal = is_uniform(x) or bool((x == first).all())
    if is_equal and x.dtype.kind == "f":  # zeros have signs
        is_equal = is_uniform(x) or bool((np.signbit(x) == np.signbit(first)).all())
    return first if is_equal else x
