"""A step's program as a kernel, and what NumPy would take for it."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Iterator
from typing import Any

import numpy as np

from chainrule.autodiff.trees import leaves, map_leaves
from chainrule.compiler.kernels import Kernel, training_kernel
from chainrule.compiler.lowering import shape_of
from chainrule.compiler.nodes import PARTS, ROWS
from chainrule.compiler.products import operations_of
from chainrule.native.code import products_of
from chainrule.ops.kernel import Recurrence, Scatter
from chainrule.program.batch import at
from chainrule.program.equations import Equation
from chainrule.program.program import Program
from chainrule.running.engines import Step
from chainrule.running.form import Cost, Form, Place
from chainrule.running.recorded import RecordedStep, keep, plain
from chainrule.running.threads import end_turn

# Seconds on a machine of 2024: what NumPy takes in an update for each equation, entry made, entry
# scattered and operation of a product, by BLAS or by einsum. No clock is asked, so that the same
# run takes the same engine everywhere.
EQUATION, ENTRY, SCATTERED, BLAS, EINSUM = 3e-6, 7e-10, 2.5e-8, 1e-11, 1.5e-10

_forms: dict[Hashable, Form] = {}


def form_of_step(program: Program, data: Any, batch_size: int) -> Form:
    """Return the kernel of a step's program for data of these dtypes."""
    key = _key(program, data, batch_size)
    if key not in _forms:
        end_turn()  # this takes long
        names = list(program.arguments)[1:]
        found = leaves(dict(zip(names, data, strict=True)))
        dtypes = {path: leaf.dtype for path, leaf in found}
        kernel = training_kernel(program, batch_size, dtypes)
        keep(_forms, key, _form(kernel, names, cost_of(program, batch_size)))
    return _forms[key]


def is_written(program: Program, data: Any, batch_size: int) -> bool:
    """Whether that kernel is there."""
    return _key(program, data, batch_size) in _forms


def _key(program: Program, data: Any, batch_size: int) -> Hashable:
    return program, batch_size, tuple([leaf.dtype for _, leaf in leaves(data)])


def step_kernel(step: Step, loss: Any, carry: Any, data: Any, batch_size: int) -> Kernel:
    """Return the kernel of a step."""
    data = map_leaves(lambda leaf: plain(np.asarray(leaf)), data)
    program = RecordedStep(step, loss, carry, data).found(batch_size)
    kernel: Kernel = form_of_step(program, data, batch_size).kernel
    return kernel


def _form(kernel: Kernel, names: list[str], cost: Cost) -> Form:
    """Return a kernel as a run sees it."""
    places = [
        Place(
            b.name, b.role, b.content, b.dtype, b.order,
            tuple("rows" if size is ROWS else size for size in b.memory_shape),
        )
        for b in kernel.pointed
    ]  # fmt: skip
    products, threads = products_of(kernel), PARTS if kernel.shared else 1
    return Form(names, places, kernel.constants, kernel.checks, threads, products, cost, kernel)


def cost_of(program: Program, batch_size: int) -> Cost:
    """Return what NumPy takes for an update, and how many equations there are to compile."""
    runs = list(_runs(program.equations, batch_size))
    return sum(times * _seconds(equation, batch_size) for equation, times in runs), len(runs)


def _seconds(equation: Equation, n: int) -> float:
    """Return what NumPy takes for an equation."""
    entries: int = math.prod(at(equation.output.shape, n))
    scatters = isinstance(equation.primitive.kernel, Scatter)
    scattered: int = math.prod(at(shape_of(equation.operands[0]), n)) if scatters else 0
    operation = EINSUM if equation.primitive.name == "einsum" else BLAS
    return (
        EQUATION + entries * ENTRY + scattered * SCATTERED + operations_of(equation, n) * operation
    )


def _runs(equations: Iterable[Equation], n: int, times: int = 1) -> Iterator[tuple[Equation, int]]:
    """Yield equations and how often each runs: those of a recurrence in every step."""
    for equation in equations:
        if isinstance(equation.primitive.kernel, Recurrence):
            steps = at(equation.params["steps"], n)
            yield from _runs(equation.params["body"].equations, n, times * steps)
        else:
            yield equation, times
