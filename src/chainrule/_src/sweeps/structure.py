"""Structures: members of one structure share a built model and recorded steps."""

from __future__ import annotations

import functools
import threading
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from chainrule._src.base.errors import CompileError
from chainrule._src.base.forks import lock
from chainrule._src.compile.running.engines import Outcome as Updates
from chainrule._src.compile.running.engines import rows_of
from chainrule._src.compile.running.recorded import StepCaches
from chainrule._src.compile.running.steps import make_engine
from chainrule._src.compile.running.trail import bytes_of
from chainrule._src.core.trees import leaves, map_leaves
from chainrule._src.nn.layers.weights import Watched
from chainrule._src.nn.training.supply import Samples
from chainrule._src.nn.training.trainer import Run
from chainrule._src.sweeps.building import Build, Fold, built, divided, identity, symbolic
from chainrule._src.sweeps.grouped import GroupedRows, GroupSupply, example_of
from chainrule._src.sweeps.lanes import beside, no_losses, stacked, unstacked
from chainrule._src.sweeps.member import Member, TrainingTask
from chainrule._src.sweeps.numbers import Scope
from chainrule._src.sweeps.problems import SweepProblem, problem_of

PROOFS, UPDATES = 3, 3
FEW = 2  # samples in a trial of a step
SOME, MANY = 12, 64  # members that fill a kernel, and that repay its compilation
SMALL = 2**19  # bytes of the members of a kernel that fit into the cache
TRIED = 64  # samples in a comparison of bits


class CachedSamples(Samples):
    """Samples whose last order is cached, because the next member may need the same order."""

    _last: tuple[Any, Any, Any, Any] = None, None, None, None

    def resume(self, rng: np.random.Generator, epoch: int) -> None:
        """Set the generator of the orders for the next member."""
        self.rng = rng

    def begin(self, passes: int = 1) -> None:
        """Draw the order of passes over the samples, or reuse the last order."""
        if self.rng is None:  # one pass, always the same
            if self._last[1] != passes:
                super().begin(passes)
                self._last = None, passes, None, None
            return
        before = self.rng.bit_generator.state
        if self._last[:2] == (before, passes):
            _, _, self._pass, self.rng.bit_generator.state = self._last
            return
        super().begin(passes)
        self._last = before, passes, self._pass, self.rng.bit_generator.state


class Structure:
    """Members that differ only in settings that are numbers, and thus share recordings.

    Parameters
    ----------
    build : callable
    member : Member
        The first member.
    folds : sequence of Fold
    batch_size : int
    shared : bool, default True
        If true, settings that are floats become symbolic numbers, so that other members can share
        the structure.
    """

    def __init__(
        self,
        build: Build,
        member: Member,
        folds: Sequence[Fold],
        batch_size: int,
        shared: bool = True,
    ) -> None:
        self.scope = Scope(symbolic(member.settings) if shared else {})
        self.folds, self._build, self._example = folds, build, member
        for_training = divided(build, member.settings)[1]
        self.batch_size = for_training.get("batch_size", batch_size)
        example = functools.partial(self.scope.of, self.scope.example)
        numbers = self.scope.numbers()
        self.problem = self._problem(member, functools.partial(Watched, within=example), numbers)
        self.lock = lock()
        # Recordings by the number of members side by side.
        self._known: dict[int, tuple[StepCaches, StepCaches]] = {}
        self._here = threading.local()  # runs and weights of each thread
        self._seed = member.seed
        # True if members may run side by side; None if not yet tested.
        self._beside: bool | None = None
        self._seen = 0  # number of members so far
        self._tries = lock()
        self._shared = shared
        self._proved = 0  # number of members that were verified
        self.kept: tuple[str, ...] = ()  # parts of the carry that a checkpoint contains
        self.scope.closed = True
        if self.problem is not None:
            self._find_inputs(member)

    def _problem(
        self, member: Member, kind: Any, numbers: Mapping[str, Any]
    ) -> SweepProblem | None:
        """Build the problem of a member, with some settings as symbolic numbers."""
        model = built(self._build, member, kind, numbers)
        return problem_of(model, *example_of(self.folds[0].train))

    def admits(self, member: Member) -> bool:
        """Return true if another member can share this structure.

        A symbolic number cannot detect every use of its type in a build. So for the first members,
        shared steps are compared with the steps of a separate build.
        """
        if self.problem is None or (not self.problem.is_shared and member.seed != self._seed):
            return False
        if not self._shared or member.settings is self._example.settings:
            return identity(member.settings) == identity(self._example.settings)
        if not self.scope.admits(member.settings):
            return False
        if self._proved < PROOFS:
            self._shared = self.holds(member)
        return self._shared

    def holds(self, member: Member) -> bool:
        """Return true if a member's first updates and scores equal those of a separate build."""
        if self.problem is None or not self._shared:
            return True
        self._proved += 1
        alone = self._problem(member, Watched, {})
        if alone is None or type(alone) is not type(self.problem):
            return False
        weights, _ = alone.start(member.seed)
        state = map_leaves(np.asarray, alone.optimizer.init(weights["params"]))
        carry = {**weights, "state": state, "metrics": alone.sums.zero}
        shared_carry = self.start(member)[0]
        samples = self._few(self.problem)
        with np.errstate(all="ignore"):
            for shared, other in (
                (self.problem.training_step, alone.training_step),
                (self.problem.scoring_step, alone.scoring_step),
            ):
                step = self._with_settings(shared)
                before, settings = (shared_carry, carry), shared_carry["settings"]
                for _ in range(UPDATES):
                    with self.scope.of(member.settings):
                        one = step(before[0], *samples)
                    two = other(before[1], *samples)
                    after = {key: part for key, part in one[1].items() if key != "settings"}
                    if not _equal((one[0], after), two):
                        return False
                    before = {**after, "settings": settings}, two[1]
        return True

    def _find_inputs(self, member: Member) -> None:
        """Find the inputs of the scope by running the steps on a few samples in NumPy."""
        problem, parts = self.problem, self.start(member)[0]
        assert problem is not None
        self.kept = *problem.scored, "state"
        data = self._few(problem)
        with np.errstate(all="ignore"):
            for step in (problem.training_step, problem.scoring_step):
                self._with_settings(step)(parts, *data)

    def _few(self, problem: SweepProblem) -> Any:
        """Return a few samples in the form that a step takes."""
        return rows_of(problem.data(*example_of(self.folds[0].train)), slice(FEW), None)

    def start(self, member: Member) -> tuple[dict[str, Any], np.random.Generator]:
        """Return a member's initial carry, and the generator of the order of samples."""
        assert self.problem is not None
        with self.scope.of(member.settings):
            weights, rng = self._weights(member.seed)
            state = self.problem.optimizer.init(weights["params"])
        return {
            **weights,
            "state": map_leaves(np.asarray, state),
            "metrics": self.problem.sums.zero,
            "settings": self.scope.values(member.settings),
        }, rng

    def _weights(self, seed: int) -> tuple[dict[str, Any], np.random.Generator]:
        """Return initial weights, cached for the last seed if they do not depend on settings."""
        assert self.problem is not None
        last: tuple[int, Any, Any, Any] | None = vars(self._here).get("weights")
        if last is not None and last[0] == seed:
            rng = last[2]  # the generator of this thread's previous member
            rng.bit_generator.state = last[3]
            return last[1], rng
        with self.scope.watched() as was_read:
            weights, drawn_from = self.problem.start(seed)
        rng = np.random.default_rng(seed) if drawn_from is None else drawn_from
        if not was_read():
            self._here.weights = seed, weights, rng, rng.bit_generator.state
        return weights, rng

    def _with_settings(self, step: Any) -> Any:
        """Return a step that reads the values of symbolic settings from its carry."""

        def stepped(carry: Any, *data: Any) -> tuple[Any, Any]:
            inner = dict(carry)
            settings = inner.pop("settings")
            with self.scope.bound(settings):
                value, changed = step(inner, *data)
            return value, {**changed, "settings": settings}

        return stepped

    def runs(self, fold: int, member: Member, width: int = 1) -> tuple[Run, Run]:
        """Return the training and the scoring run of this thread for ``width`` members."""
        runs: dict[Any, tuple[Run, Run]] = vars(self._here).setdefault("runs", {})
        if (fold, width) not in runs:
            with self.lock:
                n_inputs = -1
                while n_inputs != len(self.scope.inputs):  # recording may find further inputs
                    n_inputs = len(self.scope.inputs)
                    runs[fold, width] = self._new_runs(fold, member, width)
        return runs[fold, width]

    def opened(self, member: Member, width: int = 1) -> None:
        """Record the training and the scoring steps of all folds."""
        if self.problem is not None:
            for fold in range(len(self.folds)):
                self.runs(fold, member, width)

    def beside(self, tasks: Sequence[TrainingTask], width: int) -> bool:
        """Return true if tasks should be trained side by side, at most ``width`` in one kernel.

        This requires many small members, and that each gets the same bits as alone. One thread
        tests this, while the others train members alone.
        """
        self._seen += len(tasks)
        if isinstance(self.folds[0].train, GroupedRows):
            return False
        if width == 1 or self.problem is None or self.batch_size > 1 or len(tasks) < SOME:
            return False
        if self._beside is None and self._seen > MANY and self._tries.acquire(blocking=False):
            try:
                if self._beside is None:
                    self._beside = self._same_beside(tasks[0].member, width)
            except Exception:  # some steps cannot be vectorized
                self._beside = False
            finally:
                self._tries.release()
        return bool(self._beside)

    def _same_beside(self, member: Member, width: int) -> bool | None:
        """Return true if updates and scores side by side are bit for bit those of one alone.

        None if the loss of this member fails.
        """
        carry = self.start(member)[0]
        if bytes_of(carry) * width > SMALL:
            return False
        self.opened(member, width)
        alone, beside = self.runs(0, member), self.runs(0, member, width)
        for one, several, parts in zip(alone, beside, self._parts(carry), strict=True):
            rows = np.arange(min(TRIED, one.supply.samples))[np.newaxis]
            if not one.engine.name == several.engine.name == "compiled":
                return False
            one.engine.begin(parts)
            several.engine.begin(stacked([parts] * width) | no_losses(width))
            outcomes = Updates(np.zeros(1)), Updates(np.zeros(1))
            one.engine.run(rows, 1, outcomes[0])
            several.engine.run(rows, 1, outcomes[1])
            if outcomes[0].fails:
                return None  # another member decides
            expected = {key: one.engine.read(key) for key in parts} | {
                "losses": outcomes[0].totals[0]
            }
            actual = {key: several.engine.read(key) for key in expected}
            if not all(_equal(expected, unstacked(actual, lane, width)) for lane in range(width)):
                return False
        return True

    def _new_runs(self, fold: int, member: Member, width: int) -> tuple[Run, Run]:
        problem, (train, validation) = self.problem, self.folds[fold]
        assert problem is not None
        trained, scored = self._parts(self.start(member)[0])
        rng = np.random.default_rng()  # replaced for each member
        recordings = self._known.setdefault(width, ({}, {}))
        return (
            self._run(problem.training_step, [trained] * width, train, rng, recordings[0]),
            self._run(problem.scoring_step, [scored] * width, validation, None, recordings[1]),
        )

    def _parts(self, carry: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the parts of a carry for training and for scoring."""
        assert self.problem is not None
        scored = (*self.problem.scored, "metrics", "settings")
        return to_train(carry), {key: carry[key] for key in scored}

    def _run(
        self, step: Any, carries: list[Any], samples: Any, rng: Any, recordings: StepCaches
    ) -> Run:
        problem, step = self.problem, beside(self._with_settings(step), len(carries))
        assert problem is not None
        carry = stacked(carries) | no_losses(len(carries))
        supply: Any
        if isinstance(samples, GroupedRows):
            supply = GroupSupply(samples, problem.data, self.batch_size, rng is not None)
        else:
            supply = CachedSamples(problem.data(*samples), self.batch_size, rng)
        data, size = supply.first, supply.batch_size
        try:
            engine = make_engine(step, problem.loss, carry, data, size, "compiled", 1, recordings)
        except CompileError:
            engine = make_engine(step, problem.loss, carry, data, size, "numpy", 1, recordings)
        remainder = supply.rows % size
        if remainder and hasattr(engine, "holds"):
            engine.holds(remainder)  # recorded now, as another build may change global state
        return Run(engine, supply, problem.sums)


def _equal(one: Any, other: Any) -> bool:
    """Return true if two trees are bit for bit equal."""
    pairs = list(leaves(one)), list(leaves(other))
    return len(pairs[0]) == len(pairs[1]) and all(
        path == also and _same(np.asarray(a), np.asarray(b))
        for (path, a), (also, b) in zip(*pairs, strict=True)
    )


def _same(a: Any, b: Any) -> bool:
    return a.dtype == b.dtype and np.array_equal(a, b, equal_nan=a.dtype.kind == "f")


def to_train(carry: Mapping[str, Any]) -> dict[str, Any]:
    """Return a carry for training, without metrics."""
    return {**carry, "metrics": {}}
