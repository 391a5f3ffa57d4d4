"""A run of training that can go back: every update can be made again, to the same bits.

What an update does is decided by the seed, the settings at that update and the update before. So a
few copies of what goes from one update to the next are enough: an update between two of them is
reached from the one before, through the same updates again.
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

MEMORY, COPIES = 2**28, 2**13  # bytes of copies, and how many: whichever is less
PASSED, FAR = 8, 32  # copies that are left on the way back; updates that these are apart at least
LONG = 10**7  # updates: as many as may come, so that it pays to compile


@dataclass(frozen=True)
class Place:
    """Where a run is: so many updates are done, and so many samples of an epoch's order."""

    update: int = 0
    epoch: int = 0
    offset: int = 0


@dataclass(frozen=True)
class Copy:
    """What went from one update to the next at some place."""

    place: Place
    carry: Any


@dataclass
class Last:
    """The last update of an advance: its samples and what it started with."""

    carry: Any
    batch: tuple[Array, Array]
    loss: float


@dataclass
class Events:
    """What was set, by the update from which on it holds; single samples to train on."""

    settings: dict[int, dict[str, Any]] = field(default_factory=dict)
    samples: dict[int, tuple[Array, Array]] = field(default_factory=dict)

    def until(self, update: int) -> Events:
        """Return those that hold at an update."""
        return Events(
            {u: dict(value) for u, value in self.settings.items() if u <= update},
            {u: value for u, value in self.samples.items() if u < update},
        )

    def next(self, update: int) -> int | None:
        """Return the first update after one, before which something happens."""
        return min((u for u in [*self.settings, *self.samples] if u > update), default=None)


class Run:
    """A model in training.

    Parameters
    ----------
    subject : Subject
    engine : {"auto", "compiled", "numpy"}

    Attributes
    ----------
    place : Place
        Where the run is; its parameters are those before the next update.
    head : int
        The furthest update that was reached and is still the future of this place.
    last : Last or None
        The update that led here, unless a copy did.
    hopeless : bool
        Whether the loss is not finite with the parameters that it starts with.
    """

    def __init__(self, subject: Subject, engine: str = "auto") -> None:
        self.subject, self._kind = subject, engine
        self.place, self.head = Place(), 0
        self.last: Last | None = None
        self.hopeless = False
        self._events = Events({0: {name: subject.settings[name] for name in IN_FLIGHT}})
        self._known: StepCaches = {}
        self._engines: dict[int, Any] = {}
        self._order: tuple[int, Array] = (-1, np.zeros(0, int))
        self._data = subject.data.X, subject.data.y
        carry = subject.carry()
        self._copies = [Copy(self.place, carry)]
        self._passed: list[Copy] = []
        self._bytes = sum(getsizeof(leaf) for _, leaf in leaves(map_leaves(np.array, carry)))
        self._apart, self._copied = 0.0, 0.0  # seconds between copies; when the last was made
        self._engine = self._engine_for(self.settings["batch_size"], carry)

    @property
    def settings(self) -> dict[str, Any]:
        """The settings of the next update, as far as they can be set in flight."""
        found: dict[str, Any] = {}
        for update in sorted(self._events.settings):
            if update <= self.place.update:
                found |= self._events.settings[update]
        return found

    @property
    def events(self) -> Events:
        """What was set, and which samples were taken singly, as far as it led here."""
        return self._events.until(self.place.update)

    @property
    def params(self) -> dict[str, Array]:
        """Copies of the parameters."""
        found: dict[str, Array] = self._engine.read("params")
        return found

    @property
    def parts(self) -> list[Any]:
        """Copies of what else goes from one update to the next, and the optimizer does not know."""
        return [self._engine.read(part) for part in self.subject.parts]

    @property
    def epoch_length(self) -> int:
        """Updates of an epoch, with the batches as they are."""
        size: int = self.settings["batch_size"]
        return -(-len(self._data[0]) // size)

    def epoch_end(self, update: int) -> int:
        """Return the first update after a later one that ends an epoch, with such batches."""
        size: int = self.settings["batch_size"]
        end = self.place.update - (self.place.offset - len(self._data[0])) // size
        beyond = update - end
        return end if beyond < 0 else update + self.epoch_length - beyond % self.epoch_length

    @property
    def epochs(self) -> float:
        """Epochs done, the present one in part."""
        return self.place.epoch + self.place.offset / len(self._data[0])

    def running(self) -> Any:
        """Have threads at hand while updates follow one another."""
        return self._engine.running()

    def advance(self, count: int) -> tuple[int, float]:
        """Make updates; return how many, and the mean of their losses.

        Fewer than asked for are made at the end of an epoch, at a change of settings, and where a
        loss is not finite: then 0, and the run ends where the loss was finite for the last time.
        """
        sample = self._events.samples.get(self.place.update)
        if sample is not None:
            return self._make(np.zeros((1, 1), int), 1, sample)
        orders, size = self._ahead(count)
        return self._make(orders, size)

    def seek(self, update: int) -> None:
        """Go to an update between the start and the head.

        What was trained there before is made again, to the same bits. Who goes back once goes on
        going back: some copies are left on the way.
        """
        update = min(max(update, 0), self.head)
        copy = self._nearest(max(update - 1, 0))
        if not copy.place.update <= self.place.update < update:
            self._go_to(copy)
        left, apart = self.place.update, max((update - self.place.update) // PASSED, FAR)
        while self.place.update < update:
            ahead = min(update - self.place.update - 1, left + apart - self.place.update)
            if not self.advance(max(ahead, 1))[0]:  # the last one alone
                break
            if self.place.update - left >= apart:
                left = self.place.update
                self._passed = [*self._passed, Copy(self.place, self._carry())][-PASSED:]

    def set(self, settings: Mapping[str, Any]) -> None:
        """Set rate, momentum or size of batches from here on; what was trained further on goes."""
        self._forget(self.place.update)
        self._events.settings.setdefault(self.place.update, {}).update(settings)
        self._obey(settings)

    def train_on(self, x: Array, y: Array) -> None:
        """Let the next update take this sample alone; what was trained further on goes."""
        self._forget(self.place.update)
        self._events.samples[self.place.update] = (x[np.newaxis], np.asarray(y)[np.newaxis])

    def fork(self) -> Run:
        """Return a run that has the past of this one, and goes on by itself."""
        other = Run(self.subject, self._kind)
        other._events = self._events.until(self.place.update)
        here = Copy(self.place, self._carry())
        other._copies = [c for c in self._copies if c.place.update < self.place.update] + [here]
        other.head = self.place.update
        other._go_to(here)
        other.last = self.last
        return other

    def _nearest(self, update: int) -> Copy:
        """Return the last copy of an update or before it."""
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
        self._obey(self.settings)  # the copy may be older than what was set there

    def _engine_for(self, size: int, carry: Any) -> Any:
        size = min(size, len(self._data[0]), LARGEST)
        if size not in self._engines:
            subject = self.subject
            self._engines[size] = make_engine(
                subject.step(), subject.loss, carry, self._data, size, self._kind, LONG, self._known
            )
        return self._engines[size]

    def _ahead(self, count: int) -> tuple[Array, int]:
        """Return the rows of the next updates, at most so many, an epoch a row; a batch's size."""
        size, place = self.settings["batch_size"], self.place
        event = self._events.next(place.update)
        count = count if event is None else min(count, event - place.update)
        whole = count // self.epoch_length
        if place.offset == 0 and whole > 1:
            return np.stack([self._order_of(place.epoch + i) for i in range(whole)]), size
        order = self._order_of(place.epoch)[place.offset : place.offset + count * size]
        return order[np.newaxis], size

    def _order_of(self, epoch: int) -> Array:
        if self._order[0] != epoch:
            rng = np.random.default_rng((self.subject.settings["seed"], epoch))
            self._order = epoch, rng.permutation(len(self._data[0]))
        return self._order[1]

    def _make(self, orders: Array, size: int, sample: Any = None) -> tuple[int, float]:
        """Make the updates of some epochs' rows, or one with a sample that is none of the data."""
        before = self._carry() if orders.size <= size else None
        done = Outcome(np.zeros(len(orders)))
        if sample is not None:
            self._engine.feed(sample)
        try:
            self._engine.run(orders, size, done)
        finally:
            if sample is not None:
                self._engine.feed(self._data)
        if done.fails:
            good = self.place.update + done.updates - 1
            self.hopeless = good < 0
            self._end_at(max(good, 0))
            return 0, np.nan
        each = -(-orders.shape[1] // size)  # updates of a row
        epochs, more = divmod(done.updates, each)
        seen = min(more * size, orders.shape[1])
        mean = float(done.totals.sum()) / (epochs * orders.shape[1] + seen)
        self.last = None
        if before is not None:
            batch = sample or tuple(part[orders[0]] for part in self._data)
            self.last = Last(before, batch, mean)
        self._moved(done.updates, epochs * orders.shape[1] + seen if sample is None else 0)
        return done.updates, mean

    def _end_at(self, update: int) -> None:
        """Go to the last update whose parameters give a finite loss; there is none behind it."""
        self._forget(update)
        self._go_to(self._copies[-1])
        self.seek(update)

    def _moved(self, updates: int, samples: int) -> None:
        """Take note of updates, and of what is set behind them."""
        epochs, offset = divmod(self.place.offset + samples, len(self._data[0]))
        self.place = Place(self.place.update + updates, self.place.epoch + epochs, offset)
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
        """Have nothing of what was trained further on than an update."""
        self.head = update
        self._events = self._events.until(update)
        for copies in (self._copies, self._passed):
            copies[:] = [copy for copy in copies if copy.place.update <= update]

    def _keep(self) -> None:
        """Copy what goes on from here, if it is time; of too many copies each second one goes."""
        now = time.monotonic()
        if now - self._copied < self._apart:
            return
        self._copies.append(Copy(self.place, self._carry()))
        most = max(min(MEMORY // self._bytes, COPIES), 4)
        if len(self._copies) > most:
            del self._copies[1::2]
            self._apart = max(2 * self._apart, 0.01)
        self._copied = now
