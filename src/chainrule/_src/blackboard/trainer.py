"""A thread that trains, carries out commands between updates, and sends the results to pages."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from traceback import format_exception_only
from typing import Any

from chainrule._src.base.arrays import Array
from chainrule._src.base.errors import ChainruleError
from chainrule._src.blackboard import views
from chainrule._src.blackboard.branches import Branch, Branches
from chainrule._src.blackboard.frames import encode
from chainrule._src.blackboard.listeners import Listener, Listeners
from chainrule._src.blackboard.notices import DIVERGED, HOPELESS
from chainrule._src.blackboard.run import ReversibleRun
from chainrule._src.blackboard.subject import Subject

FRAME = 1 / 30  # seconds from one frame to the next while training runs
TURN = 1 / 60  # seconds of training between two checks for commands
LONGEST = 2000  # letters of an error message


@dataclass(frozen=True)
class QueuedTask:
    """A function for the training thread, and the listener that waits for its answer."""

    do: Callable[[], None]
    number: int | None = None
    listener: Listener | None = None


class TrainingThread:
    """Training that pages watch.

    Parameters
    ----------
    subject : Subject
    engine : {"auto", "compiled", "numpy"}
    """

    def __init__(self, subject: Subject, engine: str = "auto") -> None:
        self._engine, self._plain = engine, subject
        self._listeners = Listeners()
        self._tasks: queue.SimpleQueue[QueuedTask | None] = queue.SimpleQueue()
        self._stop: dict[str, float | None] = {}
        self._awaited: list[QueuedTask] = []  # answered when the goal is reached
        self._begin(subject)
        self._thread = threading.Thread(target=self._work, name="chainrule-blackboard", daemon=True)
        self._thread.start()

    def attach(self, listener: Listener) -> Callable[[], None]:
        """Register a listener, which the training thread calls; return the detaching function."""
        return self._listeners.attach(listener)

    def close(self) -> None:
        """End training."""
        self._tasks.put(None)
        self._thread.join()

    def _ask(self, do: Callable[[], None], number: int | None, listener: Listener | None) -> None:
        """Let the training thread call a function; the answer goes to the listener."""
        self._tasks.put(QueuedTask(do, number, listener))

    def _begin(self, subject: Subject) -> None:
        """Reset all state, and start with a subject."""
        run = ReversibleRun(subject, self._engine)  # first, because it may raise an error
        self.subject, self.branches = subject, Branches(run)
        self._marked: int | None = None  # the update that the page compares with
        self._playing = False
        self._rate: float | None = None  # updates a second; None: as fast as it can
        self._goal: int | None = None  # the update to stop at
        self._speed, self._since, self._losses = 0.0, time.perf_counter(), [0.0, 0]
        self._last_loss: tuple[tuple[str, int] | None, float | None] = None, None
        self._framed = self._due = 0.0
        self._rough = False  # training has stopped, but the last frame was not exact

    @property
    def branch(self) -> Branch:
        """The run that is shown."""
        return self.branches.present

    # the thread

    def _work(self) -> None:
        while True:
            try:
                task = self._tasks.get(timeout=self._idle())
            except queue.Empty:
                task = QueuedTask(self._turn)
            if task is None:
                return
            self._attempt(task)

    def _attempt(self, task: QueuedTask) -> None:
        """Call a task's function; its listener gets the answer or the error.

        Errors do not end the session. An error of an update itself stops training, and all pages
        are notified. If the task sets a goal for training, the answer is sent when the goal is
        reached or training stops before.
        """
        goal = self._goal
        try:
            task.do()
        except Exception as error:
            self._refuse(task, error)
        else:
            if self._goal in (None, goal):
                self._answer(task)
            else:
                self._awaited.append(task)
        while self._goal is None and self._awaited:
            self._answer(self._awaited.pop(0))

    def _refuse(self, task: QueuedTask, error: Exception) -> None:
        if task.listener is None:
            self._playing, self._goal = False, None
        text = str(error)
        if not isinstance(error, ChainruleError):
            logging.getLogger(__name__).exception("blackboard")
            text = "".join(format_exception_only(error)).strip()
        self._send("error", {"id": task.number, "message": text[:LONGEST]}, None, task.listener)

    def _answer(self, task: QueuedTask) -> None:
        if task.listener is not None and task.number is not None:
            self._send("done", {"id": task.number}, None, task.listener)

    def _idle(self) -> float | None:
        """Return the seconds until the next turn, or None if the next turn needs a command."""
        if not self._playing:
            return 0.0 if self._rough else None
        return max(self._due - time.perf_counter(), 0.0) if self._rate else 0.0

    def _turn(self) -> None:
        """Train for a moment, and send a frame if it is time; if paused, send an exact frame."""
        if not self._playing:
            self._rough = False
            self._show(exact=True)
            return
        run, began = self.branch.run, time.perf_counter()
        if self._rate:
            self._due = max(self._due, began - 1.0) + 1 / self._rate
            self._advance(1)
        else:
            end = min(began + TURN, self._framed + FRAME)  # frames are not late by a turn
            with run.running():
                self._advance(self._chunk())
                while self._playing and time.perf_counter() < end and self._tasks.empty():
                    self._advance(self._chunk())
        now = time.perf_counter()
        if now - self._framed >= FRAME and self._playing:
            if run.last is None:  # the frame needs the last update's gradient
                self._advance(1)
            self._show()

    def _chunk(self) -> int:
        """Return the number of updates to make before the clock is read again."""
        return max(int(self._speed * TURN / 4), 1)

    def _advance(self, count: int) -> None:
        run, began = self.branch.run, time.perf_counter()
        n_updates, mean = run.advance(self._limited(count))
        if not n_updates:
            self._pause_here()
            self._say("diverged", HOPELESS if run.hopeless else DIVERGED)
            return
        pace = n_updates / (time.perf_counter() - began)
        self._speed = pace if not self._speed else 0.8 * self._speed + 0.2 * pace
        self._losses = [self._losses[0] + mean * n_updates, self._losses[1] + n_updates]
        loss, epoch = self._stop.get("loss"), self._stop.get("epoch")
        reached = (
            run.place.update == self._goal
            or (loss is not None and mean <= loss)
            or (epoch is not None and run.epochs == epoch)
        )
        if reached:
            self._losses = [mean * n_updates, n_updates]
            self._pause()
        elif run.place.update >= self.branch.curves.due:
            self._look(False)

    def _limited(self, count: int) -> int:
        """Limit a number of updates, so that the one that leads to a stop or a point is separate.

        A single update provides its gradient, which the last frame and points of curves need.
        """
        run = self.branch.run
        for update in (self._goal, self.branch.curves.due):
            if update is not None and update > run.place.update:
                count = min(count, max(update - run.place.update - 1, 1))
        epoch = self._stop.get("epoch")
        if epoch is not None and epoch > run.epochs:
            count = min(count, max(int((epoch - run.epochs) * run.epoch_length) - 1, 1))
        return count

    def _move(self, update: int) -> None:
        """Go to an update: seek it if the run has reached it before, else train."""
        run = self.branch.run
        if update > run.head:
            run.seek(run.head)
            self._playing, self._rate, self._goal = True, None, update
        else:
            run.seek(max(update, 0))
            self._pause_here()

    @property
    def _target(self) -> int:
        """The update at which training will stop, or the present update without a goal."""
        return self.branch.run.place.update if self._goal is None else self._goal

    def _pause(self) -> None:
        """Pause training, after one more update if the present one has no gradient to show."""
        run = self.branch.run
        if self._playing and run.place.update and run.last is None:
            run.advance(1)
        self._pause_here()

    def _pause_here(self) -> None:
        self._playing, self._goal = False, None
        self._show()

    # messages to pages

    def _show(self, listener: Listener | None = None, exact: bool = False) -> None:
        """Send a frame of the run that is shown, and the new points of its curves.

        If scores take long, a paused page first gets a frame without new scores and with rounded
        numbers; when no other command waits, an exact frame with scores follows.
        """
        branch, stopped = self.branch, not self._playing
        exact = exact or (stopped and branch.scorer.is_awaited)
        self._rough = stopped and not exact
        view = self._look(exact)
        self._framed = time.perf_counter()
        if branch.curves.start < len(branch.curves.points):
            self._send("curves", *branch.curves.message(self.branches.shown, branch.curves.start))
            branch.curves.start = len(branch.curves.points)
        target_accuracy, reached = self._stop.get("accuracy"), view.header["held_accuracy"]
        if target_accuracy is not None and reached is not None and reached >= target_accuracy:
            self._playing, self._goal = False, None
        self._send("frame", {**view.header, **self._state()}, view.arrays, listener)

    def _look(self, exact: bool) -> views.View:
        """Return a view of the run at its present update, and add a point to the curves."""
        branch = self.branch
        total, count = self._losses
        position = (self.branches.shown, branch.run.place.update)
        loss = total / count if count and branch.run.place.update >= branch.run.head else None
        if loss is None and self._last_loss[0] == position:  # later pages get the same loss
            loss = self._last_loss[1]
        self._last_loss = position, loss
        view = views.view(branch.run, branch.scorer, exact, loss)
        self._losses = [0.0, 0]
        branch.curves.add(view.point)
        for each in branch.notices.look(branch.run.subject, view.point, branch.run.params):
            self._send("notice", {"branch": self.branches.shown, **each})
        return view

    def _state(self) -> dict[str, Any]:
        return {
            "branch": self.branches.shown, "branches": list(self.branches.by_name),
            "playing": self._playing, "rate": self._rate, "speed": self._speed,
            "stop": self._stop, "marked": self._marked,
        }  # fmt: skip

    def _say(self, kind: str, text: str) -> None:
        notice = {"update": self.branch.run.place.update, "kind": kind, "text": text}
        self.branch.notices.said.append(notice)
        self._send("notice", {"branch": self.branches.shown, **notice})

    def _send(
        self,
        kind: str,
        header: Mapping[str, Any],
        arrays: Mapping[str, Array] | None = None,
        listener: Listener | None = None,
    ) -> None:
        if listener is not None or self._listeners:
            self._listeners.tell(encode(kind, header, arrays), listener)
