"""What members of one structure share: a model built once, steps recorded once."""

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
from chainrule._src.compile.running.recorded import Known
from chainrule._src.compile.running.steps import make_engine
from chainrule._src.compile.running.trail import bytes_of
from chainrule._src.core.trees import leaves, map_leaves
from chainrule._src.nn.layers.weights import Watched
from chainrule._src.nn.training.supply import Samples
from chainrule._src.nn.training.trainer import Run
from chainrule._src.sweeps.building import Build, Fold, built, divided, identity, symbolic
from chainrule._src.sweeps.lanes import beside, no_losses, stacked, unstacked
from chainrule._src.sweeps.member import Member, Task
from chainrule._src.sweeps.numbers import Scope
from chainrule._src.sweeps.problems import Problem, problem_of

PROOFS, UPDATES = 3, 3
FEW = 2  # samples that show what a step does with numbers
SOME, MANY = 12, 64  # members that fill a kernel, and for which it pays to compile it
SMALL = 2**19  # bytes of members side by side, which are near to the processor
TRIED = 64  # samples that show whether bits are the same


class Orders(Samples):
    """Samples in an order that may be the same again, for the next member."""

    _last: tuple[Any, Any, Any, Any] = None, None, None, None

    def begin(self, passes: int = 1) -> None:
        """Begin with passes over the samples."""
        if self.rng is None:  # one pass, always the same
            if self._last[1] != passes:
                super().begin(passes)
                self._last = None, passes, None, None
            return
        before, wanted = self.rng.bit_generator.state, passes
        if self._last[:2] == (before, wanted):
            _, _, self._pass, self.rng.bit_generator.state = self._last
            return
        super().begin(passes)
        self._last = before, wanted, self._pass, self.rng.bit_generator.state


class Structure:
    """Members that are built alike.

    Parameters
    ----------
    build : callable
    member : Member
        The first of them.
    folds : sequence of Fold
    batch_size : int
    shared : bool, default True
        Whether settings that are floats are numbers without a value, so that others may be alike.
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
        told = divided(build, member.settings)[1]
        self.batch_size = told.get("batch_size", batch_size)
        example = functools.partial(self.scope.of, self.scope.example)
        numbers = self.scope.numbers()
        self.problem = self._problem(member, functools.partial(Watched, within=example), numbers)
        self.lock = lock()
        self._known: dict[int, tuple[Known, Known]] = {}  # by how many are side by side
        self._here = threading.local()  # what a thread has of it
        self._seed = member.seed
        self._beside: bool | None = None  # whether members may be, once that is known
        self._seen = 0  # members that are alike
        self._tries = lock()
        self._shared = shared
        self._proved = 0  # for how many members
        self.kept: tuple[str, ...] = ()  # parts of the carry that training goes on from
        self.scope.closed = True
        if self.problem is not None:
            self._meet(member)

    def _problem(self, member: Member, kind: Any, numbers: Mapping[str, Any]) -> Problem | None:
        """Return what is built for a member, some of its settings being numbers without a value."""
        return problem_of(built(self._build, member, kind, numbers), *self.folds[0].train)

    def admits(self, member: Member) -> bool:
        """Whether another member is built alike.

        What a build does with a type, ``isinstance(rate, float)``, no number without a value can
        know. So for some members what they share is held against what is built for them alone.
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
        """Whether a member's first updates and scores are those of what is built for it alone."""
        if self.problem is None or not self._shared:
            return True
        self._proved += 1
        alone = self._problem(member, Watched, {})
        if alone is None or type(alone) is not type(self.problem):
            return False
        weights, _ = alone.start(member.seed)
        state = map_leaves(np.asarray, alone.optimizer.init(weights["params"]))
        carry = {**weights, "state": state, "metrics": alone.sums.zero}
        mine = self.start(member)[0]
        samples = rows_of(self.problem.data(*self.folds[0].train), slice(FEW), None)
        with np.errstate(all="ignore"):
            for own, other in (
                (self.problem.training_step, alone.training_step),
                (self.problem.scoring_step, alone.scoring_step),
            ):
                own = self._with_settings(own)
                before, settings = (mine, carry), mine["settings"]
                for _ in range(UPDATES):
                    with self.scope.of(member.settings):
                        one = own(before[0], *samples)
                    two = other(before[1], *samples)
                    after = {key: part for key, part in one[1].items() if key != "settings"}
                    if not _equal((one[0], after), two):
                        return False
                    before = {**after, "settings": settings}, two[1]
        return True

    def _meet(self, member: Member) -> None:
        """Find out where numbers meet arrays: in a step of a few samples, in NumPy."""
        problem, parts = self.problem, self.start(member)[0]
        assert problem is not None
        self.kept = *problem.scored, "state"
        data = rows_of(problem.data(*self.folds[0].train), slice(FEW), None)
        with np.errstate(all="ignore"):
            for step in (problem.training_step, problem.scoring_step):
                self._with_settings(step)(parts, *data)

    def start(self, member: Member) -> tuple[dict[str, Any], np.random.Generator]:
        """Return a member's carry at the start, and what the order of samples comes from."""
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
        """Return initial weights; those of the last seed are kept, if no setting was asked for."""
        assert self.problem is not None
        last: tuple[int, Any, Any, Any] | None = vars(self._here).get("weights")
        if last is not None and last[0] == seed:
            rng = last[2]  # of this thread, that of the member before
            rng.bit_generator.state = last[3]
            return last[1], rng
        with self.scope.asked() as asked:
            weights, drawn_from = self.problem.start(seed)
        rng = np.random.default_rng(seed) if drawn_from is None else drawn_from
        if not asked():
            self._here.weights = seed, weights, rng, rng.bit_generator.state
        return weights, rng

    def _with_settings(self, step: Any) -> Any:
        """Return a step that finds the numbers it needs in its carry."""

        def stepped(carry: Any, *data: Any) -> tuple[Any, Any]:
            inner = dict(carry)
            settings = inner.pop("settings")
            with self.scope.given(settings):
                value, changed = step(inner, *data)
            return value, {**changed, "settings": settings}

        return stepped

    def runs(self, fold: int, member: Member, width: int = 1) -> tuple[Run, Run]:
        """Return what trains and what scores in this thread, so many members side by side."""
        found: dict[Any, tuple[Run, Run]] = vars(self._here).setdefault("runs", {})
        if (fold, width) not in found:
            with self.lock:
                known = -1
                while known != len(self.scope.inputs):  # recording may meet further ones
                    known = len(self.scope.inputs)
                    found[fold, width] = self._made(fold, member, width)
        return found[fold, width]

    def opened(self, member: Member, width: int = 1) -> None:
        """Record what trains and scores."""
        if self.problem is not None:
            for fold in range(len(self.folds)):
                self.runs(fold, member, width)

    def beside(self, tasks: Sequence[Task], width: int) -> bool:
        """Whether tasks are to be trained side by side, at most so many.

        They are if there are many of them, and small, and each has the bits then that it has
        alone. One thread finds that out, while others train members alone.
        """
        self._seen += len(tasks)
        if width == 1 or self.problem is None or self.batch_size > 1 or len(tasks) < SOME:
            return False
        if self._beside is None and self._seen > MANY and self._tries.acquire(blocking=False):
            try:
                if self._beside is None:
                    self._beside = self._same_beside(tasks[0].member, width)
            except Exception:  # not all steps can be
                self._beside = False
            finally:
                self._tries.release()
        return bool(self._beside)

    def _same_beside(self, member: Member, width: int) -> bool | None:
        """Whether some updates and scores side by side have the bits of one alone."""
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
            done = Updates(np.zeros(1)), Updates(np.zeros(1))
            one.engine.run(rows, 1, done[0])
            several.engine.run(rows, 1, done[1])
            if done[0].fails:
                return None  # others tell
            mine = {key: one.engine.read(key) for key in parts} | {"losses": done[0].totals[0]}
            theirs = {key: several.engine.read(key) for key in mine}
            if not all(_equal(mine, unstacked(theirs, lane, width)) for lane in range(width)):
                return False
        return True

    def _made(self, fold: int, member: Member, width: int) -> tuple[Run, Run]:
        problem, (train, held) = self.problem, self.folds[fold]
        assert problem is not None
        trained, scored = self._parts(self.start(member)[0])
        rng = np.random.default_rng()  # of the member that comes
        known = self._known.setdefault(width, ({}, {}))
        return (
            self._run(problem.training_step, [trained] * width, train, rng, known[0]),
            self._run(problem.scoring_step, [scored] * width, held, None, known[1]),
        )

    def _parts(self, carry: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the parts of a carry that training and scoring take."""
        assert self.problem is not None
        scored = (*self.problem.scored, "metrics", "settings")
        return to_train(carry), {key: carry[key] for key in scored}

    def _run(self, step: Any, carries: list[Any], samples: Any, rng: Any, known: Known) -> Run:
        problem, step = self.problem, beside(self._with_settings(step), len(carries))
        assert problem is not None
        carry = stacked(carries) | no_losses(len(carries))
        supply = Orders(problem.data(*samples), self.batch_size, rng)
        data, size = supply.first, supply.batch_size
        try:
            engine = make_engine(step, problem.loss, carry, data, size, "compiled", 1, known)
        except CompileError:
            engine = make_engine(step, problem.loss, carry, data, size, "numpy", 1, known)
        rest = supply.rows % size
        if rest and hasattr(engine, "holds"):
            engine.holds(rest)  # recorded now: what a build has set elsewhere may change
        return Run(engine, supply, problem.sums)


def _equal(one: Any, other: Any) -> bool:
    """Whether two trees have the same bits."""
    pairs = list(leaves(one)), list(leaves(other))
    return len(pairs[0]) == len(pairs[1]) and all(
        path == also and _same(np.asarray(a), np.asarray(b))
        for (path, a), (also, b) in zip(*pairs, strict=True)
    )


def _same(a: Any, b: Any) -> bool:
    return a.dtype == b.dtype and np.array_equal(a, b, equal_nan=a.dtype.kind == "f")


def to_train(carry: Mapping[str, Any]) -> dict[str, Any]:
    """Return a carry for training, which measures nothing but the loss."""
    return {**carry, "metrics": {}}
