"""A thread that trains, obeys what a page asks for, and tells all pages what came of it."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Protocol

import numpy as np

from chainrule.blackboard import views
from chainrule.blackboard.commands import Command
from chainrule.blackboard.frames import encode
from chainrule.blackboard.listeners import Listener, Listeners, understood
from chainrule.blackboard.notices import Notices
from chainrule.blackboard.run import Run
from chainrule.blackboard.subject import Subject, checked
from chainrule.errors import ChainruleError, DataError
from chainrule.validation import Array

FRAME = 1 / 30  # seconds from one frame to the next while training runs
TURN = 1 / 60  # seconds of training between two looks at what was asked for
DIVERGED = "the next update's loss is not finite: this is the last good one"
HOPELESS = (
    "the loss is not finite with the weights that training starts with: no update can be made"
)

More = Callable[[Subject], Mapping[str, Any]]


class Steered(Protocol):
    """What pages watch and steer: a `Session`, here or in another process."""

    def attach(self, listener: Listener) -> Callable[[], None]:
        """Have messages go to a listener."""

    def handle(self, message: Any, listener: Listener | None = None) -> None:
        """Take what a page asks for."""

    def close(self) -> None:
        """End training."""


@dataclass
class Branch:
    """A run, with what was seen of it."""

    run: Run
    scorer: views.Scorer
    curves: views.Curves
    notices: Notices = field(default_factory=Notices)

    @classmethod
    def of(cls, run: Run) -> Branch:
        """Return a branch at its beginning."""
        return cls(run, views.Scorer(run.subject), views.Curves(run.subject.names))


class Session:
    """Training that pages watch and steer.

    Parameters
    ----------
    subject : Subject
    more : callable, optional
        From the subject to more of the page's setup: anatomy, scenes, mistakes.
    take : callable, optional
        ``take(what, run)``: a file's name, its media type and its bytes.
    mistaken : callable, optional
        ``mistaken(subject, name)``: the subject with a wrong gradient.
    engine : {"auto", "compiled", "numpy"}
    """

    def __init__(
        self,
        subject: Subject,
        *,
        more: More = lambda subject: {},
        take: Callable[[str, Run], tuple[str, str, bytes]] | None = None,
        mistaken: Callable[[Subject, str], Subject] | None = None,
        engine: str = "auto",
    ) -> None:
        self._more, self._take, self._mistaken, self._engine = more, take, mistaken, engine
        self._listeners = Listeners()
        self._asked: queue.SimpleQueue[tuple[Command, Listener | None] | None] = queue.SimpleQueue()
        self._plain = subject
        self._stop: dict[str, float | None] = {}
        self._awaited: list[tuple[Listener | None, Any]] = []  # who hears when the goal is reached
        self._begin(subject)
        self._thread = threading.Thread(target=self._work, name="chainrule-blackboard", daemon=True)
        self._thread.start()

    def attach(self, listener: Listener) -> Callable[[], None]:
        """Have messages go to a listener, which is called by the training thread."""
        return self._listeners.attach(listener)

    def handle(self, message: Any, listener: Listener | None = None) -> None:
        """Take what a page asks for; the answer, an error too, goes to the listener who asked."""
        command = understood(message, listener)
        if command is not None:
            self._asked.put((command, listener))

    def close(self) -> None:
        """End training."""
        self._asked.put(None)
        self._thread.join()

    def _begin(self, subject: Subject) -> None:
        """Start with a subject: nothing is left of what was trained before."""
        run = Run(subject, self._engine)  # first, since it may be refused
        self.subject, self.branches = subject, {"a": Branch.of(run)}
        self._shown = "a"
        self._marked: int | None = None  # the update since which the page tells what was fixed
        self._playing = False
        self._rate: float | None = None  # updates a second; None: as fast as it can
        self._goal: int | None = None  # the update to stop at
        self._speed, self._since, self._losses = 0.0, time.perf_counter(), [0.0, 0]
        self._told: tuple[tuple[str, int] | None, float | None] = None, None
        self._framed = self._due = 0.0
        self._rough = False  # training has stopped, what is shown is not exact yet

    @property
    def branch(self) -> Branch:
        """The run that is shown."""
        return self.branches[self._shown]

    # the thread

    def _work(self) -> None:
        while True:
            try:
                asked = self._asked.get(timeout=self._pause())
            except queue.Empty:
                self._attempt(self._turn, None, None)
                continue
            if asked is None:
                return
            command, listener = asked
            do = getattr(self, f"_do_{command.do}")
            self._attempt(partial(do, listener, **command.given), command.id, listener)

    def _attempt(self, do: Callable[[], None], number: Any, listener: Listener | None) -> None:
        """Do something; whatever goes wrong is told, training stops, and the session goes on.

        What training leads to is done when training is there, or stops before.
        """
        goal = self._goal
        try:
            do()
        except Exception as error:
            if not isinstance(error, ChainruleError):
                logging.getLogger(__name__).exception("blackboard")
            if listener is None:
                self._playing, self._goal = False, None
            kind = "" if isinstance(error, ChainruleError) else f"{type(error).__name__}: "
            header = {"id": number, "message": f"{kind}{error}"}
            self._send("error", header, None, listener)
        else:
            if self._goal in (None, goal):
                self._answer(listener, "done", {"id": number})
            else:
                self._awaited.append((listener, number))
        while self._goal is None and self._awaited:
            listener, number = self._awaited.pop()
            self._answer(listener, "done", {"id": number})

    def _pause(self) -> float | None:
        """Return how long to wait for something to be asked for; None: until something is."""
        if not self._playing:
            return 0.0 if self._rough else None
        return max(self._due - time.perf_counter(), 0.0) if self._rate else 0.0

    def _turn(self) -> None:
        """Train for a moment, and show where that led if it is time; or show it exactly."""
        if not self._playing:
            self._rough = False
            self._show(whole=True)
            return
        run, began = self.branch.run, time.perf_counter()
        if self._rate:
            self._due = max(self._due, began - 1.0) + 1 / self._rate
            self._advance(1)
        else:
            end = min(began + TURN, self._framed + FRAME)  # frames are not late by a turn
            with run.running():
                self._advance(self._chunk())
                while self._playing and time.perf_counter() < end and self._asked.empty():
                    self._advance(self._chunk())
        now = time.perf_counter()
        if now - self._framed >= FRAME and self._playing:
            if run.last is None:  # the last update is to be shown
                self._advance(1)
            self._show()

    def _chunk(self) -> int:
        """Return how many updates to make before looking at the clock."""
        return max(int(self._speed * TURN / 4), 1)

    def _advance(self, count: int) -> None:
        run, began = self.branch.run, time.perf_counter()
        done, mean = run.advance(self._limited(count))
        if not done:
            self._pause_here()
            self._say("diverged", HOPELESS if run.hopeless else DIVERGED)
            return
        pace = done / (time.perf_counter() - began)
        self._speed = pace if not self._speed else 0.8 * self._speed + 0.2 * pace
        self._losses = [self._losses[0] + mean * done, self._losses[1] + done]
        loss, epoch = self._stop.get("loss"), self._stop.get("epoch")
        reached = (
            run.place.update == self._goal
            or (loss is not None and mean <= loss)
            or (epoch is not None and run.epochs == epoch)
        )
        if reached:
            self._losses = [mean * done, done]
            self._do_pause(None)
        elif run.place.update >= self.branch.curves.due:
            self._look(False)

    def _limited(self, count: int) -> int:
        """Return at most as many updates as there are until one is to be looked at, that alone.

        The last update before training stops is shown with its gradient, as points of the curves
        are.
        """
        run = self.branch.run
        for update in (self._goal, self.branch.curves.due):
            if update is not None and update > run.place.update:
                count = min(count, max(update - run.place.update - 1, 1))
        epoch = self._stop.get("epoch")
        if epoch is not None and epoch > run.epochs:
            count = min(count, max(int((epoch - run.epochs) * run.epoch_length) - 1, 1))
        return count

    def _pause_here(self) -> None:
        self._playing, self._goal = False, None
        self._show()

    # what is told

    def _show(self, listener: Listener | None = None, whole: bool = False) -> None:
        """Send a frame of the run that is shown, and what is new of its curves.

        Where that takes long, a page that stops or goes to another update does not wait for scores
        and exact numbers: the frame comes again with them, when nothing else is asked for.
        """
        branch, stopped = self.branch, not self._playing
        whole = whole or (stopped and branch.scorer.is_awaited)
        self._rough = stopped and not whole
        seen = self._look(whole)
        self._framed = time.perf_counter()
        if branch.curves.start < len(branch.curves.points):
            self._send("curves", *branch.curves.message(self._shown, branch.curves.start))
            branch.curves.start = len(branch.curves.points)
        wanted, reached = self._stop.get("accuracy"), seen.header["held_accuracy"]
        if wanted is not None and reached is not None and reached >= wanted:
            self._playing, self._goal = False, None
        self._send("frame", {**seen.header, **self._state()}, seen.arrays, listener)

    def _look(self, whole: bool) -> views.View:
        """Return what the run looks like now, and keep it as a point of its curves."""
        branch = self.branch
        total, count = self._losses
        place = (self._shown, branch.run.place.update)
        loss = total / count if count and branch.run.place.update >= branch.run.head else None
        if loss is None and self._told[0] == place:  # to a page that comes later
            loss = self._told[1]
        self._told = place, loss
        seen = views.view(branch.run, branch.scorer, whole, loss)
        self._losses = [0.0, 0]
        branch.curves.add(seen.point)
        for each in branch.notices.look(branch.run.subject, seen.point, branch.run.params):
            self._send("notice", {"branch": self._shown, **each})
        return seen

    def _state(self) -> dict[str, Any]:
        return {
            "branch": self._shown, "branches": list(self.branches), "playing": self._playing,
            "rate": self._rate, "speed": self._speed, "stop": self._stop, "marked": self._marked,
        }  # fmt: skip

    def _say(self, kind: str, text: str) -> None:
        notice = {"update": self.branch.run.place.update, "kind": kind, "text": text}
        self.branch.notices.said.append(notice)
        self._send("notice", {"branch": self._shown, **notice})

    def _send(
        self,
        kind: str,
        header: Mapping[str, Any],
        arrays: Mapping[str, Array] | None = None,
        listener: Listener | None = None,
    ) -> None:
        if listener is not None:
            listener(encode(kind, header, arrays))
        elif self._listeners:
            self._listeners.tell(encode(kind, header, arrays))

    def _answer(self, listener: Listener | None, kind: str, header: Mapping[str, Any]) -> None:
        if listener is not None and (kind == "error" or header["id"] is not None):
            listener(encode(kind, header))

    # what can be asked for

    def _do_hello(self, listener: Listener | None) -> None:
        header, arrays = views.setup(self.subject, **self._more(self.subject))
        self._send("setup", header, arrays, listener)
        for name, branch in self.branches.items():
            self._send("curves", *branch.curves.message(name, 0), listener)
            for notice in branch.notices.said:
                self._send("notice", {"branch": name, **notice}, None, listener)
        self._show(listener)

    def _do_play(self, _: Any, rate: float | None = None) -> None:
        self._playing, self._rate, self._goal = True, rate, None
        self._due, self._losses = time.perf_counter(), [0.0, 0]

    def _do_pause(self, _: Any) -> None:
        """End training behind an update that is shown with its gradient."""
        run = self.branch.run
        if self._playing and run.place.update and run.last is None:
            run.advance(1)
        self._pause_here()

    def _do_step(self, _: Any, count: int) -> None:
        run = self.branch.run
        self._move(max(run.place.update + count, 0))

    def _do_epoch(self, _: Any) -> None:
        run = self.branch.run
        left = run.epoch_length - run.place.offset // run.settings["batch_size"]
        self._playing, self._rate, self._goal = True, None, run.place.update + left

    def _do_seek(self, _: Any, update: int) -> None:
        self._move(min(update, self.branch.run.head))

    def _move(self, update: int) -> None:
        """Go to an update: back, or on by training."""
        run = self.branch.run
        if update > run.head:
            run.seek(run.head)
            self._playing, self._rate, self._goal = True, None, update
        else:
            run.seek(update)
            self._pause_here()

    def _do_set(self, _: Any, **settings: Any) -> None:
        self.branch.run.set(settings)
        self._cut()

    def _do_train_on(self, _: Any, x: list[float], y: float) -> None:
        data, run = self.subject.data, self.branch.run
        if len(x) != data.X.shape[1]:
            raise DataError(f"a sample has {data.X.shape[1]} numbers, received {len(x)}")
        if data.classes is not None and y not in range(len(data.classes)):
            raise DataError(f"there is no class {y:g}")
        run.train_on(np.array(x, data.X.dtype), np.array(y, data.y.dtype))
        self._cut()
        self._move(run.place.update + 1)

    def _cut(self) -> None:
        """Have nothing of what was trained further on than here."""
        branch, update = self.branch, self.branch.run.place.update
        branch.curves.cut(update)
        branch.notices.cut(update)
        branch.scorer.cut(update)
        self._send("notices_cleared", {"branch": self._shown, "from": update})
        self._show()

    def _do_restart(self, _: Any, settings: Mapping[str, Any] | None = None) -> None:
        right, name = self._with(self._plain, settings or {}), self.subject.mistake
        self._renew(
            right if name is None or self._mistaken is None else self._mistaken(right, name)
        )

    def _with(self, subject: Subject, settings: Mapping[str, Any]) -> Subject:
        chosen = checked(settings, self.subject.settings, self.subject.choices)
        if subject.make is not None:
            return subject.make(chosen)
        return replace(subject, settings=chosen)

    def _renew(self, subject: Subject) -> None:
        self._begin(subject)
        self._do_hello(None)

    def _do_stop(self, _: Any, **conditions: float | None) -> None:
        self._stop = conditions
        self._show()

    def _do_fork(self, _: Any) -> None:
        branch = self.branch
        self.branches = {"a": branch, "b": Branch.of(branch.run.fork())}
        update = branch.run.place.update
        points = [point for point in branch.curves.points if point["update"] <= update]
        self.branches["b"].curves.points = points
        self._shown = "b"
        for name in self.branches:  # what was shown may have been "b"
            self._send("curves", *self.branches[name].curves.message(name, 0))
        self.branches["b"].curves.start = len(points)
        self._show()

    def _do_show(self, _: Any, branch: str) -> None:
        self._known(branch)
        self._shown = branch
        self._show()

    def _do_drop(self, _: Any, branch: str) -> None:
        self._known(branch)
        if len(self.branches) == 1:
            raise DataError("there is one run alone, which cannot be dropped; restart it instead")
        (kept,) = (each for name, each in self.branches.items() if name != branch)
        self.branches, self._shown = {"a": kept}, "a"
        self._do_hello(None)

    def _known(self, branch: str) -> None:
        if branch not in self.branches:
            raise DataError(f"there is no run {branch!r}; there are {', '.join(self.branches)}")

    def _do_mark(self, _: Any, clear: bool = False) -> None:
        self._marked = None if clear else self.branch.run.place.update
        self._show()

    def _do_mistake(self, _: Any, name: str | None) -> None:
        if self._mistaken is None:
            raise DataError("this model's gradient cannot be broken: it is not the lab's network")
        right = self._with(self._plain, {})
        self._renew(right if name is None else self._mistaken(right, name))

    def _do_take(self, listener: Listener | None, what: str) -> None:
        if self._take is None:
            raise DataError(f"nothing to take of this model under the name {what!r}")
        name, mime, content = self._take(what, self.branch.run)
        array = np.frombuffer(content, np.uint8)
        self._send("file", {"name": name, "mime": mime}, {"bytes": array}, listener)
