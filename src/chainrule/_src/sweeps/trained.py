"""Train and score members of one structure, one alone or several side by side."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.compile.running.engines import Outcome as Updates
from chainrule._src.core.trees import leaves
from chainrule._src.nn.training.trainer import Run
from chainrule._src.sweeps.grouped import GroupSupply
from chainrule._src.sweeps.lanes import no_losses, stacked, unstacked
from chainrule._src.sweeps.member import TaskOutcome, TrainingTask
from chainrule._src.sweeps.ranking import PARAMETERS
from chainrule._src.sweeps.structure import CachedSamples, Structure, to_train

Watch = Callable[[Updates], None]


def train(
    structure: Structure, work: Sequence[tuple[TrainingTask, TaskOutcome]], width: int, watch: Watch
) -> None:
    """Train members on each fold, and store the results in their outcomes.

    There are at most ``width`` members; unused lanes repeat the last member.
    """
    tasks, outcomes = [task for task, _ in work], [outcome for _, outcome in work]
    lanes = [*tasks, *[tasks[-1]] * (width - len(tasks))]
    for outcome in outcomes:
        outcome.checkpoint = []
    for fold in range(len(structure.folds)):
        began = time.perf_counter()
        training, scoring = structure.runs(fold, tasks[0].member, width)
        starts = [_start(structure, task, fold) for task in lanes]  # all lanes share a generator
        carry, (_, rng, past) = stacked([start[0] for start in starts]), starts[0]
        training.engine.begin(to_train(carry) | no_losses(width))
        assert isinstance(training.supply, CachedSamples | GroupSupply)
        training.supply.resume(rng, past)
        # Only a single member's numbers are read; side by side, the carry holds all values.
        with structure.scope.of(tasks[0].member.settings):
            losses = _epochs(training, tasks[0].epochs - past, width, watch)
            after = {key: training.engine.read(key) for key in structure.kept}
            trained = time.perf_counter()
            scores = _scores(structure, scoring, after, carry, width)
        seconds = trained - began, time.perf_counter() - trained
        state = {"rng": rng.bit_generator.state, "epochs": tasks[0].epochs}
        for lane, outcome in enumerate(outcomes):
            assert outcome.checkpoint is not None
            state_of_lane = {key: unstacked(part, lane, width) for key, part in after.items()}
            outcome.checkpoint.append(state_of_lane | state)
            outcome.losses.append(_finite(losses[:, lane].tolist()))
            outcome.add(scores[lane])
            outcome.times.append((seconds[0] / len(tasks), seconds[1] / len(tasks)))
    n_parameters = sum(np.size(array) for _, array in leaves(starts[0][0]["params"]))
    for outcome in outcomes:
        outcome.scores[PARAMETERS] = float(n_parameters)
        ended = min(map(len, outcome.losses))
        if ended < tasks[0].epochs - past:
            outcome.failed(
                f"DivergenceError: the loss became NaN or infinite in epoch {past + ended + 1}"
            )


def _start(structure: Structure, task: TrainingTask, fold: int) -> tuple[dict[str, Any], Any, int]:
    """Return the initial carry, the generator of orders, and the number of epochs so far."""
    carry, rng = structure.start(task.member)
    if task.checkpoint is None:
        return carry, rng, 0
    state = task.checkpoint[fold]
    rng.bit_generator.state = state["rng"]
    return carry | {key: state[key] for key in structure.kept}, rng, state["epochs"]


def _epochs(run: Run, epochs: int, width: int, watch: Watch) -> Array:
    """Train; return the mean loss of each epoch and member, NaN after a loss that is not finite."""
    losses = np.full((epochs, width), np.nan)
    first = 0
    while first < epochs:
        most = run.supply.together(epochs - first) if width == 1 else 1
        updates = Updates(np.zeros(most), watch=watch)
        run.supply.run(run.engine, updates)
        means = _sums(run, updates, width) / run.supply.samples
        if updates.fails:
            ended = run.supply.finished(updates.updates)
            losses[first : first + ended] = means[:ended]
            break
        losses[first : first + most] = means
        first += most
    return losses


def _sums(run: Run, updates: Updates, width: int) -> Array:
    """Return the sums of the losses of each epoch and member."""
    if width == 1:
        return np.asarray(updates.totals)[:, np.newaxis]
    sums = run.engine.read("losses")
    run.engine.write("losses", no_losses(width)["losses"])
    return np.asarray(sums)[np.newaxis]


def _finite(losses: list[float]) -> list[float]:
    """Return the losses before the first loss that is not finite."""
    return list(itertools.takewhile(math.isfinite, losses))


def _scores(structure: Structure, run: Run, after: Any, carry: Any, width: int) -> Any:
    """Return loss and metrics of the validation samples, for each member."""
    problem = structure.problem
    assert problem is not None
    parts = {key: after[key] for key in problem.scored}
    if getattr(problem.optimizer, "use_ema", False):
        parts_by_lane = [[unstacked(after[key], lane, width) for key in ("params", "state")]
                for lane in range(width)]  # fmt: skip
        ends = [
            problem.optimizer.finalize_variable_values(*lane_parts) for lane_parts in parts_by_lane
        ]
        parts["params"] = stacked(ends)
    settings = {key: carry[key] for key in ("metrics", "settings")}
    run.engine.begin(parts | settings | no_losses(width))
    updates = Updates(np.zeros(1))
    run.supply.run(run.engine, updates)
    sums = _sums(run, updates, width)[0] / run.supply.samples
    metrics = run.engine.read("metrics") if run.sums.zero else {}
    return [
        dict.fromkeys(("loss", *run.sums.scores(run.sums.zero)), np.nan) if updates.fails
        else {"loss": float(sums[lane]), **run.sums.scores(unstacked(metrics, lane, width))}
        for lane in range(width)
    ]  # fmt: skip
