"""An engine that runs batch sizes in the kernel where it is valid, and the rest in NumPy."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

from chainrule._src.compile.running.engines import (
    Engine,
    NativeEngine,
    NumpyEngine,
    Outcome,
    run_part,
)


class SizedEngine:
    """Runs every batch on the engine for its batch size, and passes the carry on.

    Parameters
    ----------
    compiled : NativeEngine
    in_numpy : NumpyEngine
        An engine with the same carry and data.
    holds : callable
        ``holds(batch_size)`` is true if the kernel is valid for a batch size.
    """

    name = "compiled"

    def __init__(
        self, compiled: NativeEngine, in_numpy: NumpyEngine, holds: Callable[[int], bool]
    ) -> None:
        self.compiled, self.in_numpy, self.holds = compiled, in_numpy, holds
        self._current: Engine = compiled

    def read(self, key: str, name: str | None = None) -> Any:
        """Return a copy of a part of the carry, or of its entry ``name`` (None if missing)."""
        return self._current.read(key, name)

    def write(self, key: str, part: Any) -> None:
        """Replace one part of the carry."""
        self._current.write(key, part)

    def begin(self, carry: Any) -> None:
        """Replace the carry. `undo` cannot go back to an earlier carry."""
        self._current = self.compiled
        self.compiled.begin(carry)
        self.in_numpy.begin(carry)

    def undo(self) -> None:
        """Restore the carry before the last update."""
        self._current.undo()

    def running(self) -> AbstractContextManager[None]:
        """Context manager that starts helper threads, unless another run uses threads."""
        return self.compiled.running()

    def feed(self, data: Any) -> None:
        """Replace the samples."""
        self.compiled.feed(data)
        self.in_numpy.feed(data)

    def is_as_recorded(self, batch_size: int) -> bool:
        """Return true if the step is unchanged since it was recorded for this batch size."""
        return self.in_numpy.is_as_recorded(batch_size)

    def run(self, orders: Any, batch_size: int, outcome: Outcome) -> None:
        """Run one update per batch, for each epoch's order of samples; ``outcome`` is updated."""
        last_size = orders.shape[1] % batch_size
        sizes = {batch_size, last_size} if orders.shape[1] > batch_size else {orders.shape[1]}
        engines = {self._engine(size) for size in sizes if size}
        if len(engines) == 1:
            self._run(engines.pop(), orders, batch_size, outcome)
            return
        for epoch, order in enumerate(orders):
            for size, part in ((batch_size, order[:-last_size]), (last_size, order[-last_size:])):
                if not outcome.fails:
                    run_part(partial(self._run, self._engine(size)), part, size, outcome, epoch)

    def _engine(self, size: int) -> Engine:
        return self.compiled if self.holds(size) else self.in_numpy

    def _run(self, engine: Engine, orders: Any, batch_size: int, outcome: Outcome) -> None:
        before, first = self._current, outcome.updates
        if engine is not before:
            for key in self.in_numpy.keys:
                engine.write(key, before.read(key))
            self._current = engine
        engine.run(orders, batch_size, outcome)
        if outcome.fails and outcome.updates == first and engine is not before:
            before.undo()  # the previous engine ran the last update
            self._current = before
