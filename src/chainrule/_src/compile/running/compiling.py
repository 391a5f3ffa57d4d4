"""The step's program is compiled to a kernel, and its time in NumPy is estimated."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule._src.compile.lower.kernels import Kernel, training_kernel
from chainrule._src.compile.lower.nodes import PARTS, ROWS
from chainrule._src.compile.native.function import products_of
from chainrule._src.compile.running.cost import cost_of
from chainrule._src.compile.running.engines import Step
from chainrule._src.compile.running.form import ArraySpec, Cost, Form, keep_written, written
from chainrule._src.compile.running.recorded import RecordedStep, plain
from chainrule._src.compile.running.threads import end_turn
from chainrule._src.core.program import Program
from chainrule._src.core.trees import leaves, map_leaves


def form_of_step(program: Program, data: Any, batch_size: int) -> Form:
    """Return the form of the kernel of a step's program, for data of these dtypes."""
    form = written(program, data, batch_size)
    if form is None:
        end_turn()  # this takes long
        names = list(program.arguments)[1:]
        data_leaves = leaves(dict(zip(names, data, strict=True)))
        dtypes = {path: leaf.dtype for path, leaf in data_leaves}
        kernel = training_kernel(program, batch_size, dtypes)
        form = _form(kernel, names, cost_of(program, batch_size))
        keep_written(form, program, data, batch_size)
    return form


def step_kernel(step: Step, loss: Any, carry: Any, data: Any, batch_size: int) -> Kernel:
    """Return the kernel of a step."""
    data = map_leaves(lambda leaf: plain(np.asarray(leaf)), data)
    program = RecordedStep(step, loss, carry, data).found(batch_size)
    kernel: Kernel = form_of_step(program, data, batch_size).kernel
    return kernel


def _form(kernel: Kernel, names: list[str], cost: Cost) -> Form:
    """Return the form of a kernel: the facts that a run needs."""
    places = array_specs(kernel)
    products, threads = products_of(kernel), PARTS if kernel.shared else 1
    return Form(names, places, kernel.constants, kernel.checks, threads, products, cost, kernel)


def array_specs(kernel: Kernel) -> list[ArraySpec]:
    """Return the arrays that a kernel works on, in the order of its arguments."""
    return [
        ArraySpec(
            b.name, b.role, b.content, b.dtype, b.order,
            tuple("rows" if size is ROWS else size for size in b.memory_shape), b in kernel.own,
        )
        for b in kernel.pointed
    ]  # fmt: skip
