"""Training that pages control: the commands of pages, and the methods that carry them out."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Protocol

import numpy as np

from chainrule._src.base.errors import DataError
from chainrule._src.blackboard import views
from chainrule._src.blackboard.commands import Command, Request
from chainrule._src.blackboard.fields import Listed, Members, Number, flag, or_none, text
from chainrule._src.blackboard.listeners import Listener
from chainrule._src.blackboard.run import ReversibleRun
from chainrule._src.blackboard.subject import FLIGHT, SETTINGS, Subject, checked
from chainrule._src.blackboard.trainer import TrainingThread

FAR = 10**9  # updates
WIDE = 10**6  # numbers in a sample
More = Callable[[Subject], Mapping[str, Any]]


class Steered(Protocol):
    """The interface of sessions that pages watch and control, in this process or in a child.

    Attributes
    ----------
    commands : dict of str to Request
        The requests that pages may send.
    """

    commands: Mapping[str, Request]

    def attach(self, listener: Listener) -> Callable[[], None]:
        """Register a listener for messages, and return the detaching function."""

    def handle(self, command: Command, listener: Listener | None = None) -> None:
        """Carry out a page's command; the answer or the error goes to the listener."""

    def close(self) -> None:
        """End training."""


class Session(TrainingThread):
    """Training that pages watch and control.

    Parameters
    ----------
    subject : Subject
    more : callable, optional
        Function of the subject that returns additional parts of the page's setup: anatomy, scenes,
        mistakes.
    take : callable, optional
        ``take(what, run)`` returns a file's name, its media type and its bytes.
    mistaken : callable, optional
        ``mistaken(subject, name)`` returns the subject with a wrong gradient.
    engine : {"auto", "compiled", "numpy"}
    """

    def __init__(
        self,
        subject: Subject,
        *,
        more: More = lambda subject: {},
        take: Callable[[str, ReversibleRun], tuple[str, str, bytes]] | None = None,
        mistaken: Callable[[Subject, str], Subject] | None = None,
        engine: str = "auto",
    ) -> None:
        self._more, self._take, self._mistaken = more, take, mistaken
        self.commands: Mapping[str, Request] = COMMANDS
        super().__init__(subject, engine)

    def handle(self, command: Command, listener: Listener | None = None) -> None:
        """Carry out a page's command; the answer or the error goes to the listener."""
        run = partial(COMMANDS[command.do].run, self, listener, **command.fields)
        self._ask(run, command.id, listener)

    # methods of commands: the training thread calls them, the listener has sent the command

    def _on_hello(self, listener: Listener | None) -> None:
        header, arrays = views.setup(self.subject, **self._more(self.subject))
        self._send("setup", header, arrays, listener)
        for name, branch in self.branches.by_name.items():
            self._send("curves", *branch.curves.message(name, 0), listener)
            for notice in branch.notices.said:
                self._send("notice", {"branch": name, **notice}, None, listener)
        self._show(listener)

    def _on_play(self, _: Any, rate: float | None = None) -> None:
        self._playing, self._rate, self._goal = True, rate, None
        self._due, self._losses = time.perf_counter(), [0.0, 0]

    def _on_pause(self, _: Any) -> None:
        self._pause()

    def _on_step(self, _: Any, count: int) -> None:
        self._move(self._target + count)

    def _on_epoch(self, _: Any) -> None:
        self._move(self.branch.run.epoch_end(self._target))

    def _on_seek(self, _: Any, update: int) -> None:
        self._move(min(update, self.branch.run.head))

    def _on_set(self, _: Any, **settings: Any) -> None:
        self.branch.run.set(settings)
        self._cut()

    def _on_train_on(self, _: Any, x: list[float], y: float) -> None:
        data, run = self.subject.data, self.branch.run
        if len(x) != data.X.shape[1]:
            raise DataError(f"a sample has {data.X.shape[1]} numbers, received {len(x)}")
        if data.classes is not None and y not in range(len(data.classes)):
            raise DataError(f"there is no class {y:g}")
        run.train_on(np.array(x, data.X.dtype), np.array(y, data.y.dtype))
        self._cut()
        self._move(run.place.update + 1)

    def _cut(self) -> None:
        """Remove points, notices and scores after the present update."""
        update = self.branch.cut()
        self._send("notices_cleared", {"branch": self.branches.shown, "from": update})
        self._show()

    def _on_restart(self, _: Any, settings: Mapping[str, Any] | None = None) -> None:
        self._restart(settings or {}, self.subject.mistake)

    def _restart(self, settings: Mapping[str, Any], mistake: str | None) -> None:
        """Begin anew with other settings, and with the gradient of a mistake, if any."""
        chosen, plain = checked(settings, self.subject.settings, self.subject.choices), self._plain
        subject = replace(plain, settings=chosen) if plain.make is None else plain.make(chosen)
        if mistake is not None and self._mistaken is not None:
            subject = self._mistaken(subject, mistake)
        self._begin(subject)
        self._on_hello(None)

    def _on_stop(self, _: Any, **conditions: float | None) -> None:
        self._stop = conditions
        self._show()

    def _on_fork(self, _: Any) -> None:
        self.branches.fork()
        for name, each in self.branches.by_name.items():  # the branch may have been "b" before
            self._send("curves", *each.curves.message(name, 0))
        self._show()

    def _on_show(self, _: Any, branch: str) -> None:
        self.branches.show(branch)
        self._show()

    def _on_drop(self, _: Any, branch: str) -> None:
        self.branches.drop(branch)
        self._on_hello(None)

    def _on_mark(self, _: Any, clear: bool = False) -> None:
        self._marked = None if clear else self.branch.run.place.update
        self._show()

    def _on_mistake(self, _: Any, name: str | None) -> None:
        if self._mistaken is None:
            raise DataError("this model's gradient cannot be broken: it is not the lab's network")
        self._restart({}, name)

    def _on_take(self, listener: Listener | None, what: str) -> None:
        if self._take is None:
            raise DataError(f"nothing to take of this model under the name {what!r}")
        name, mime, content = self._take(what, self.branch.run)
        array = np.frombuffer(content, np.uint8)
        self._send("file", {"name": name, "mime": mime}, {"bytes": array}, listener)


COMMANDS: dict[str, Request] = {
    "hello": Request(Session._on_hello),
    "play": Request(Session._on_play, {"rate": or_none(Number(0.01, 1000))}),
    "pause": Request(Session._on_pause),
    "step": Request(Session._on_step, {"count": Number(-FAR, FAR, whole=True)}, ("count",)),
    "epoch": Request(Session._on_epoch),
    "seek": Request(Session._on_seek, {"update": Number(0, FAR, whole=True)}, ("update",)),
    "set": Request(Session._on_set, FLIGHT),
    "restart": Request(Session._on_restart, {"settings": Members(SETTINGS, "setting")}),
    "stop": Request(
        Session._on_stop,
        {
            "epoch": or_none(Number(0, FAR)), "loss": or_none(Number(-FAR, FAR)),
            "accuracy": or_none(Number(0, 1)),
        },
    ),
    "fork": Request(Session._on_fork),
    "show": Request(Session._on_show, {"branch": text}, ("branch",)),
    "drop": Request(Session._on_drop, {"branch": text}, ("branch",)),
    "train_on": Request(
        Session._on_train_on,
        {"x": Listed(Number(-1e30, 1e30), 1, WIDE), "y": Number(-FAR, FAR)},
        ("x", "y"),
    ),
    "mark": Request(Session._on_mark, {"clear": flag}),
    "mistake": Request(Session._on_mistake, {"name": or_none(text)}, ("name",)),
    "take": Request(Session._on_take, {"what": text}, ("what",)),
}  # fmt: skip
"""The commands that pages may send to a session."""
