"""Members of one structure trained and scored, one alone or several side by side."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.compile.running.engines import Outcome as Updates
from chainrule._src.nn.training.supply import Samples
from chainrule._src.nn.training.trainer import Run
from chainrule._src.sweeps.lanes import no_losses, stacked, unstacked
from chainrule._src.sweeps.member import Outcome, Task
from chainrule._src.sweeps.structure import Structure, to_train

Watch = Callable[[Updates], None]


def train(
    structure: Structure, work: Sequence[tuple[Task, Outcome]], width: int, watch: Watch
) -> None:
    """Train members on each fold, and note what came of it in their outcomes.

    There are at most ``width``; those that are missing repeat the last one.
    """
    tasks, outcomes = [task for task, _ in work], [outcome for _, outcome in work]
    lanes = [*tasks, *[tasks[-1]] * (width - len(tasks))]
    for outcome in outcomes:
        outcome.checkpoint = []
    for fold in range(len(structure.folds)):
        training, scoring = structure.runs(fold, tasks[0].member, width)
        starts = [_start(structure, task, fold) for task in lanes]  # they share a generator
        carry, (_, rng, done) = stacked([start[0] for start in starts]), starts[0]
        training.engine.begin(to_train(carry) | no_losses(width))
        assert isinstance(training.supply, Samples)
        training.supply.rng = rng
        with structure.scope.of(tasks[0].member.settings):  # side by side nothing asks for it
            losses = _epochs(training, tasks[0].epochs - done, width, watch)
            after = {key: training.engine.read(key) for key in structure.kept}
            scores = _scores(structure, scoring, after, carry, width)
        state = {"rng": rng.bit_generator.state, "epochs": tasks[0].epochs}
        for lane, outcome in enumerate(outcomes):
            assert outcome.checkpoint is not None
            own = {key: unstacked(part, lane, width) for key, part in after.items()}
            outcome.checkpoint.append(own | state)
            outcome.losses.append(_finite(losses[:, lane].tolist()))
            outcome.add(scores[lane])
    for outcome in outcomes:
        ended = min(map(len, outcome.losses))
        if ended < tasks[0].epochs - done:
            outcome.failed(
                f"DivergenceError: the loss became NaN or infinite in epoch {done + ended + 1}"
            )


def _start(structure: Structure, task: Task, fold: int) -> tuple[dict[str, Any], Any, int]:
    """Return a carry to go on from, the generator of orders, and the epochs that are done."""
    carry, rng = structure.start(task.member)
    if task.checkpoint is None:
        return carry, rng, 0
    kept = task.checkpoint[fold]
    rng.bit_generator.state = kept["rng"]
    return carry | {key: kept[key] for key in structure.kept}, rng, kept["epochs"]


def _epochs(run: Run, epochs: int, width: int, watch: Watch) -> Array:
    """Train; return the mean loss of each epoch and member, NaN from where it is not finite."""
    losses = np.full((epochs, width), np.nan)
    first = 0
    while first < epochs:
        most = run.supply.together(epochs - first) if width == 1 else 1
        done = Updates(np.zeros(most), watch=watch)
        run.supply.run(run.engine, done)
        found = _sums(run, done, width) / run.supply.samples
        if done.fails:
            ended = run.supply.finished(done.updates)
            losses[first : first + ended] = found[:ended]
            break
        losses[first : first + most] = found
        first += most
    return losses


def _sums(run: Run, done: Updates, width: int) -> Array:
    """Return the sums of the losses, of each epoch and member."""
    if width == 1:
        return np.asarray(done.totals)[:, np.newaxis]
    sums = run.engine.read("losses")
    run.engine.write("losses", no_losses(width)["losses"])
    return np.asarray(sums)[np.newaxis]


def _finite(losses: list[float]) -> list[float]:
    """Return the losses before the first that is not finite."""
    return list(itertools.takewhile(math.isfinite, losses))


def _scores(structure: Structure, run: Run, after: Any, carry: Any, width: int) -> Any:
    """Return loss and metrics of the samples held back, for each member."""
    problem = structure.problem
    assert problem is not None
    parts = {key: after[key] for key in problem.scored}
    if getattr(problem.optimizer, "use_ema", False):
        owns = [[unstacked(after[key], lane, width) for key in ("params", "state")]
                for lane in range(width)]  # fmt: skip
        ends = [problem.optimizer.finalize_variable_values(*own) for own in owns]
        parts["params"] = stacked(ends)
    settings = {key: carry[key] for key in ("metrics", "settings")}
    run.engine.begin(parts | settings | no_losses(width))
    done = Updates(np.zeros(1))
    run.supply.run(run.engine, done)
    sums = _sums(run, done, width)[0] / run.supply.samples
    metrics = run.engine.read("metrics") if run.sums.zero else {}
    return [
        dict.fromkeys(("loss", *run.sums.scores(run.sums.zero)), np.nan) if done.fails
        else {"loss": float(sums[lane]), **run.sums.scores(unstacked(metrics, lane, width))}
        for lane in range(width)
    ]  # fmt: skip
