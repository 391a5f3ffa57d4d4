"""Keys of recordings and programs: equal keys mean equal programs."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

import numpy as np

from chainrule._src.core.equations import Filled, Variable
from chainrule._src.core.forms import first_entry, is_uniform
from chainrule._src.core.program import Program
from chainrule._src.core.recording import Tape
from chainrule._src.core.tensor import Level, Tensor
from chainrule._src.core.weak import Weak, is_weak
from chainrule._src.trace.batch import Nested


def tape_key(tape: Tape) -> Hashable:
    """Something that is equal where two tapes become the same program, names of inputs too."""
    found = tape.tensors()
    numbers = {tensor.order: i for i, tensor in enumerate(found)}
    level = tape.level

    def part(leaf: Any) -> Any:
        inside = type(leaf) is Tensor and leaf.level is level
        return ("tensor", numbers[leaf.order]) if inside else key_of(np.asarray(leaf))

    return (
        _structure(tape.inputs, part),
        tuple([_told(tensor, numbers, level) for tensor in found]),
        _structure(tape.result, part),
    )


def _told(tensor: Tensor, numbers: dict[int, int], level: Level) -> Hashable:
    """Return what tells a tensor from others in the same place."""
    about = tensor.about
    while type(about) is Tensor and about.order not in numbers:
        about = about.value
    source = numbers[about.order] if type(about) is Tensor else None
    if tensor.primitive is None or tensor.level is not level:
        return (tensor.name, tensor.shape, tensor.dtype.str, is_weak(tensor), source)
    operands = [*tensor.operands]
    for i, parent in tensor.parents:
        operands[i] = numbers[parent.order], "tensor"
    told = [o if type(o) is tuple else key_of(o) for o in operands]
    return (tensor.primitive, *told, key_of(tensor.params) if tensor.params else (), source)


def key_of(thing: Any) -> Any:
    """Return something hashable that is equal where a parameter or constant is the same."""
    if type(thing) is Variable:
        return thing
    if isinstance(thing, dict):
        return tuple([(name, key_of(value)) for name, value in thing.items()])
    if isinstance(thing, (tuple, list)):
        return (type(thing), *map(key_of, thing))
    if isinstance(thing, slice):
        return (slice, key_of(thing.start), key_of(thing.stop), key_of(thing.step))
    if isinstance(thing, Filled):
        return (Filled, key_of(thing.number), key_of(thing.shape), thing.dtype.str)
    if isinstance(thing, Nested):
        return thing.key
    if isinstance(thing, np.ndarray):
        return (thing.shape, thing.dtype.str, condensed(thing).tobytes())
    if isinstance(thing, float | int | np.generic):
        return (type(thing), str(thing))
    if type(thing) is Weak:
        return key_of(thing.number)
    return thing


def signature(program: Program) -> Hashable:
    """Return something that is equal where two programs are the same, names of inputs included."""
    numbers = {variable: i for i, variable in enumerate(program.variables)}

    def key(thing: Any) -> Any:
        return ("variable", numbers[thing]) if type(thing) is Variable else key_of(thing)

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
    """Return something hashable that tells a tree's structure and leaves."""
    if isinstance(tree, dict):
        return (dict, *((name, _structure(part, key)) for name, part in tree.items()))
    if isinstance(tree, (tuple, list)):
        return (type(tree), *(_structure(part, key) for part in tree))
    return None if tree is None else key(tree)


def condensed(x: Any) -> Any:
    """Return an array's first entry along every axis if all are the same to the bit; else it."""
    first = first_entry(x)
    alike = is_uniform(x) or bool((x == first).all())
    if alike and x.dtype.kind == "f":  # zeros have signs
        alike = is_uniform(x) or bool((np.signbit(x) == np.signbit(first)).all())
    return first if alike else x
