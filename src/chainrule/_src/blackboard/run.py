"""A run of training that can go back: every update can be repeated with identical bits.

The seed, the settings and the state before an update determine its result. So it is enough to copy
the state (the carry) from time to time: an update between two copies is reached from the earlier
copy, through the same updates again.
"""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from sys import getsizeof
from typing import Any

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.blackboard.subject import IN_FLIGHT, LARGEST, Subject
from chainrule._src.compile.running.engines import Outcome
from chainrule._src.compile.running.recorded import StepCaches
from chainrule._src.compile.running.steps import make_engine
from chainrule._src.core.trees import leaves, map_leaves

MEMORY, COPIES = 2**28, 2**13  # the bytes and the number of copies, at most
PASSED, FAR = 8, 32  # copies made during a seek, at most; updates between them, at least
LONG = 10**7  # expected updates: so many that compiling pays


@dataclass(frozen=True)
class Position:
    """The position of a run: completed updates and epochs, and samples of the present epoch."""

    update: int = 0
    epoch: int = 0
    offset: int = 0


@dataclass(frozen=True)
class Copy:
    """A copy of the carry at a position."""

    place: Position
    carry: Any


@dataclass
class Last:
    """The last update of an advance: the carry before it, its batch and its loss."""

    carry: Any
    batch: tuple[Array, Array]
    loss: float


@dataclass
class Events:
    """Interventions of the user: settings by the first update they apply to; single samples."""

    settings: dict[int, dict[str, Any]] = field(default_factory=dict)
    samples: dict[int, tuple[Array, Array]] = field(default_factory=dict)

    def until(self, update: int) -> Events:
        """Return the events up to an update."""
        return Events(
            {u: dict(value) for u, value in self.settings.items() if u <= update},
            {u: value for u, value in self.samples.items() if u < update},
        )

    def next(self, update: int) -> int | None:
        """Return the update of the first event after a given update, or None."""
        return min((u for u in [*self.settings, *self.samples] if u > update), default=None)


class ReversibleRun:
    """A model in training, which can go back to earlier updates.

    Parameters
    ----------
    subject : Subject
    engine : {"auto", "compiled", "numpy"}

    Attributes
    ----------
    place : Position
        The present position.
    head : int
        The furthest update reached since the last change of the settings or samples.
    last : Last or None
        The update before the present position; None directly after a jump to a copy.
    hopeless : bool
        If true, the loss is not finite even with the initial parameters.
    """

    def __init__(self, subject: Subject, engine: str = "auto") -> None:
        self.subject, self._kind = subject, engine
        self.place, self.head = Position(), 0
        self.last: Last | None = None
        self.hopeless = False
        self._events = Events({0: {name: subject.settings[name] for name in IN_FLIGHT}})
        self._engine_cache: StepCaches = {}
        self._engines: dict[int, Any] = {}
        self._order: tuple[int, Array] = (-1, np.zeros(0, int))
        self._data = subject.data.X, subject.data.y
        carry = subject.carry()
        self._copies = [Copy(self.place, carry)]
        self._passed: list[Copy] = []
        self._bytes = sum(getsizeof(leaf) for _, leaf in leaves(map_leaves(np.array, carry)))
        self._apart, self._copied = 0.0, 0.0  # seconds between copies; time of the last copy
        self._engine = self._engine_for(self.settings["batch_size"], carry)

    @property
    def settings(self) -> dict[str, Any]:
        """The settings of the next update, as far as they can change during training."""
        settings: dict[str, Any] = {}
        for update in sorted(self._events.settings):
            if update <= self.place.update:
                settings |= self._events.settings[update]
        return settings

    @property
    def events(self) -> Events:
        """The events up to the present position."""
        return self._events.until(self.place.update)

    @property
    def params(self) -> dict[str, Array]:
        """Copies of the parameters."""
        params: dict[str, Array] = self._engine.read("params")
        return params

    @property
    def parts(self) -> list[Any]:
        """Copies of the carry's other parts, such as states of layers."""
        return [self._engine.read(part) for part in self.subject.parts]

    @property
    def epoch_length(self) -> int:
        """The number of updates in an epoch, with the present batch size."""
        size: int = self.settings["batch_size"]
        return -(-len(self._data[0]) // size)

    def epoch_end(self, update: int) -> int:
        """Return the first update after ``update`` that ends an epoch, with the present batch size.

        ``update`` is not before the present position.
        """
        size: int = self.settings["batch_size"]
        end = self.place.update - (self.place.offset - len(self._data[0])) // size
        beyond = update - end
        return end if beyond < 0 else update + self.epoch_length - beyond % self.epoch_length

    @property
    def epochs(self) -> float:
        """The number of completed epochs, with a fraction for the present epoch."""
        return self.place.epoch + self.place.offset / len(self._data[0])

    def running(self) -> Any:
        """Context manager that keeps the engine's threads alive between updates."""
        return self._engine.running()

    def advance(self, count: int) -> tuple[int, float]:
        """Train; return the number of updates, and the mean of their losses.

        There are fewer than ``count`` updates at the end of an epoch and before an event. If a loss
        is not finite the number is 0, and the run ends at the last update with a finite loss.
        """
        sample = self._events.samples.get(self.place.update)
        if sample is not None:
            return self._make(np.zeros((1, 1), int), 1, sample)
        orders, size = self._ahead(count)
        return self._make(orders, size)

    def seek(self, update: int) -> None:
        """Go to an update between the start and the head.

        Training from an earlier copy repeats the same updates with identical bits. Because one step
        back is often followed by more, some copies are made on the way.
        """
        update = min(max(update, 0), self.head)
        copy = self._nearest(max(update - 1, 0))
        if not copy.place.update <= self.place.update < update:
            self._go_to(copy)
        latest, apart = self.place.update, max((update - self.place.update) // PASSED, FAR)
        while self.place.update < update:
            ahead = min(update - self.place.update - 1, latest + apart - self.place.update)
            if not self.advance(max(ahead, 1))[0]:  # the last update is a separate advance
                break
            if self.place.update - latest >= apart:
                latest = self.place.update
                self._passed = [*self._passed, Copy(self.place, self._carry())][-PASSED:]

    def set(self, settings: Mapping[str, Any]) -> None:
        """Change rate, momentum or batch size from here on; later updates are discarded."""
        self._forget(self.place.update)
        self._events.settings.setdefault(self.place.update, {}).update(settings)
        self._obey(settings)

    def train_on(self, x: Array, y: Array) -> None:
        """Let the next update use only this sample; later updates are discarded."""
        self._forget(self.place.update)
        self._events.samples[self.place.update] = (x[np.newaxis], np.asarray(y)[np.newaxis])

    def fork(self) -> ReversibleRun:
        """Return an independent run with the same past."""
        other = ReversibleRun(self.subject, self._kind)
        other._events = self._events.until(self.place.update)
        copy = Copy(self.place, self._carry())
        other._copies = [c for c in self._copies if c.place.update < self.place.update] + [copy]
        other.head = self.place.update
        other._go_to(copy)
        other.last = self.last
        return other

    def _nearest(self, update: int) -> Copy:
        """Return the last copy at or before an update."""
        at = bisect_right(self._copies, update, key=lambda copy: copy.place.update) - 1
        passed = [copy for copy in self._passed if copy.place.update <= update]
        return max([self._copies[at], *passed], key=lambda copy: copy.place.update)

    def _carry(self) -> dict[str, Any]:
        return {part: self._engine.read(part) for part in self._copies[0].carry}

    def _go_to(self, copy: Copy) -> None:
        self.place, self.last = copy.place, None
        size = self.settings["batch_size"]
        self._engine = self._engine_for(size, copy.carry)
        self._engine.begin(copy.carry)
        self._obey(self.settings)  # the copy may be older than a change of settings there

    def _engine_for(self, size: int, carry: Any) -> Any:
        size = min(size, len(self._data[0]), LARGEST)
        if size not in self._engines:
            subject = self.subject
            self._engines[size] = make_engine(
                subject.step(), subject.loss, carry, self._data, size, self._kind, LONG,
                self._engine_cache,
            )  # fmt: skip
        return self._engines[size]

    def _ahead(self, count: int) -> tuple[Array, int]:
        """Return the samples' order for at most ``count`` updates, and the batch size.

        The order has one row for each epoch.
        """
        size, position = self.settings["batch_size"], self.place
        event = self._events.next(position.update)
        count = count if event is None else min(count, event - position.update)
        n_epochs = count // self.epoch_length
        if position.offset == 0 and n_epochs > 1:
            return np.stack([self._order_of(position.epoch + i) for i in range(n_epochs)]), size
        order = self._order_of(position.epoch)[position.offset : position.offset + count * size]
        return order[np.newaxis], size

    def _order_of(self, epoch: int) -> Array:
        if self._order[0] != epoch:
            rng = np.random.default_rng((self.subject.settings["seed"], epoch))
            self._order = epoch, rng.permutation(len(self._data[0]))
        return self._order[1]

    def _make(self, orders: Array, size: int, sample: Any = None) -> tuple[int, float]:
        """Train on the rows of an order, or on one sample outside the data; see `advance`."""
        before = self._carry() if orders.size <= size else None
        outcome = Outcome(np.zeros(len(orders)))
        if sample is not None:
            self._engine.feed(sample)
        try:
            self._engine.run(orders, size, outcome)
        finally:
            if sample is not None:
                self._engine.feed(self._data)
        if outcome.fails:
            good = self.place.update + outcome.updates - 1
            self.hopeless = good < 0
            self._end_at(max(good, 0))
            return 0, np.nan
        each = -(-orders.shape[1] // size)  # updates of a row
        epochs, more = divmod(outcome.updates, each)
        extra = min(more * size, orders.shape[1])
        mean = float(outcome.totals.sum()) / (epochs * orders.shape[1] + extra)
        self.last = None
        if before is not None:
            batch = sample or tuple(part[orders[0]] for part in self._data)
            self.last = Last(before, batch, mean)
        self._moved(outcome.updates, epochs * orders.shape[1] + extra if sample is None else 0)
        return outcome.updates, mean

    def _end_at(self, update: int) -> None:
        """Go to the last update with a finite loss, and discard all later updates."""
        self._forget(update)
        self._go_to(self._copies[-1])
        self.seek(update)

    def _moved(self, updates: int, samples: int) -> None:
        """Move the position forward, and apply the settings of the new position."""
        epochs, offset = divmod(self.place.offset + samples, len(self._data[0]))
        self.place = Position(self.place.update + updates, self.place.epoch + epochs, offset)
        changed = self._events.settings.get(self.place.update)
        if changed:
            self._obey(changed)
        if self.place.update > self.head:
            self.head = self.place.update
            self._keep()

    def _obey(self, settings: Mapping[str, Any]) -> None:
        if "batch_size" in settings:
            carry = self._carry()
            engine = self._engine_for(settings["batch_size"], carry)
            if engine is not self._engine:
                engine.begin(carry)
                self._engine = engine
        if "momentum" in settings:
            self._engine.write("settings", {"momentum": np.float64(settings["momentum"])})
        if "rate" in settings:
            state = self._engine.read("state")
            if "learning_rate" in state:
                self._engine.write(
                    "state", {**state, "learning_rate": np.float64(settings["rate"])}
                )

    def _forget(self, update: int) -> None:
        """Discard all copies and events after an update."""
        self.head = update
        self._events = self._events.until(update)
        for copies in (self._copies, self._passed):
            copies[:] = [copy for copy in copies if copy.place.update <= update]

    def _keep(self) -> None:
        """Copy the carry, if it is time; of too many copies every second one is discarded."""
        now = time.monotonic()
        if now - self._copied < self._apart:
            return
        self._copies.append(Copy(self.place, self._carry()))
        most = max(min(MEMORY // self._bytes, COPIES), 4)
        if len(self._copies) > most:
            del self._copies[1::2]
            self._apart = max(2 * self._apart, 0.01)
        self._copied = now
