"""Runs of an objective's steps over samples, for a trainer."""

from __future__ import annotations

from itertools import count
from typing import Any

import numpy as np

from chainrule._src.compile.running.engines import Engine, rows_in
from chainrule._src.compile.running.recorded import StepCaches
from chainrule._src.compile.running.shaped import ShapedEngine
from chainrule._src.compile.running.steps import make_engine
from chainrule._src.core.trees import map_leaves
from chainrule._src.nn.layers.given import shapes_in
from chainrule._src.nn.network.network import Network
from chainrule._src.nn.network.objective import Objective
from chainrule._src.nn.network.outputs import OutputLosses
from chainrule._src.nn.network.steps import run_of_steps
from chainrule._src.nn.training.supply import Batches, Samples
from chainrule._src.nn.training.trainer import Run

EXAMPLES = 8  # smallest number of samples of the example for a readable text
LENGTH = 4  # of an axis without a fixed length


def make_run(
    objective: Objective,
    optimizer: Any,
    supply: Samples | Batches,
    engine: str,
    updates: int,
    recordings: StepCaches | None = None,
    counts_others: bool = True,
    **more: Any,
) -> Run:
    """Return a run of training, or without an optimizer one of scoring.

    ``more`` are further parts of its carry. A step of the model's class runs batch by batch.
    """
    training, model = optimizer is not None, objective.network.stack
    if model.overrides("train_step" if training else "test_step", "compute_metrics"):
        return run_of_steps(model, supply, training)
    step = objective.training_step(optimizer) if training else objective.scoring_step()
    sums = objective.sums(supply.first, training)
    carry = carry_of(objective, sums.zero, **more)

    def make(carry: Any, data: Any, others: int = 0) -> Engine:
        return make_engine(
            step, objective.loss_of_params, carry, data, rows_in(data) if others else
            supply.batch_size, engine, updates // (others + 1), recordings, counts_others,
        )  # fmt: skip

    if isinstance(supply, Batches):
        return Run(ShapedEngine(make, carry, supply.first), supply, sums)
    return Run(make(carry, supply.example), supply, sums)


def carry_of(objective: Objective, zero: Any, **more: Any) -> Any:
    """Return the first carry of a step: weights, sums of metrics, and the parts in ``more``."""
    network = objective.network
    parts = {"params": network.params, "layers": network.state, "metrics": zero, **more}
    return map_leaves(np.asarray, parts)


def training_kernel_text(objective: Objective, optimizer: Any, data: Any, batch_size: int) -> str:
    """Return the kernel of an epoch as readable text."""
    from chainrule._src.compile.running.compiling import step_kernel

    state = optimizer.init(objective.network.params)
    carry = carry_of(objective, objective.sums(data).zero, state=state)
    step = objective.training_step(optimizer)
    return step_kernel(step, objective.loss_of_params, carry, data, batch_size).text


def example_data(network: Network, loss: Any) -> tuple[Any, Any]:
    """Return samples and targets to record a network with."""
    floats = network.params or network.state
    dtype = next((w.dtype for w in floats.values() if w.dtype.kind == "f"), np.dtype("float32"))
    # The batch size differs from the lengths of states, whose first axis is not a batch axis.
    lengths = {len(w) for w in network.state.values() if w.ndim}
    rows = network.fixed_rows or next(n for n in count(EXAMPLES) if n not in lengths)
    X = [
        np.zeros((rows, *_sizes(shape[1:])), np.int64 if integers else dtype)
        for shape, integers in network.stack.inputs_taken()
    ]
    Y = [_example_target(o, s[1:], rows, dtype) for s, o in outputs_of(network, loss)]
    return tuple(X) if len(X) > 1 else X[0], tuple(Y) if len(Y) > 1 else Y[0]


def outputs_of(network: Network, loss: Any) -> list[tuple[Any, Any]]:
    """Return the shape and the loss of each output."""
    shapes = shapes_in(network.stack.output_shape)
    each = [part for _, part, _ in loss.parts] if isinstance(loss, OutputLosses) else [loss]
    return list(zip(shapes, each * (len(shapes) // len(each)), strict=True))


def _example_target(loss: Any, of_one: Any, rows: int, dtype: Any) -> Any:
    of_target = loss.target_shape(of_one) if loss else of_one
    takes_labels = loss is not None and loss.takes_labels
    return np.zeros((rows, *_sizes(of_target)), np.int64 if takes_labels else dtype)


def _sizes(shape: Any) -> list[int]:
    return [size or LENGTH for size in shape]
