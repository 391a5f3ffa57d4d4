"""The runs of a session: one, or two after a fork."""

from __future__ import annotations

from dataclasses import dataclass, field

from chainrule._src.base.errors import DataError
from chainrule._src.blackboard.notices import Notices
from chainrule._src.blackboard.run import ReversibleRun
from chainrule._src.blackboard.views import Curves, Scorer


@dataclass
class Branch:
    """A run with its scores, curves and notices."""

    run: ReversibleRun
    scorer: Scorer
    curves: Curves
    notices: Notices = field(default_factory=Notices)

    @classmethod
    def of(cls, run: ReversibleRun) -> Branch:
        """Return the branch of a run, without points or notices."""
        return cls(run, Scorer(run.subject), Curves(run.subject.names))

    def fork(self) -> Branch:
        """Return a branch that continues from the present update, with the points so far."""
        fork, update = Branch.of(self.run.fork()), self.run.place.update
        fork.curves.points = [point for point in self.curves.points if point["update"] <= update]
        fork.curves.start = len(fork.curves.points)
        return fork

    def cut(self) -> int:
        """Remove points, notices and scores after the present update, and return the update."""
        update = self.run.place.update
        for part in (self.curves, self.notices, self.scorer):
            part.cut(update)
        return update


class Branches:
    """The branches of a session by name, and the name of the branch that pages show.

    Attributes
    ----------
    by_name : dict of str to Branch
    shown : str
        The name of the branch that pages show.
    """

    def __init__(self, run: ReversibleRun) -> None:
        self.by_name, self.shown = {"a": Branch.of(run)}, "a"

    @property
    def present(self) -> Branch:
        """The branch that pages show."""
        return self.by_name[self.shown]

    def show(self, name: str) -> None:
        """Select the branch that pages show."""
        self._check(name)
        self.shown = name

    def fork(self) -> None:
        """Fork the branch that is shown: it becomes the first, and the fork is shown."""
        self.by_name, self.shown = {"a": self.present, "b": self.present.fork()}, "b"

    def drop(self, name: str) -> None:
        """Remove a branch; the other one remains."""
        self._check(name)
        if len(self.by_name) == 1:
            raise DataError("there is one run alone, which cannot be dropped; restart it instead")
        (remaining,) = (each for key, each in self.by_name.items() if key != name)
        self.by_name, self.shown = {"a": remaining}, "a"

    def _check(self, name: str) -> None:
        if name not in self.by_name:
            raise DataError(f"there is no run {name!r}; there are {', '.join(self.by_name)}")
