"""An engine that delegates to one engine per shape of samples, for batches of varying lengths."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from chainrule._src.compile.running.engines import Engine, Outcome
from chainrule._src.core.trees import leaves


class ShapedEngine:
    """Runs every batch on the engine for the shape of its samples, and passes the carry on.

    Parameters
    ----------
    make : callable
        ``make(carry, data, n_engines)`` returns an engine for data of these shapes, where
        ``n_engines`` is the number of engines so far.
    carry, data : tree of ndarray
        The initial carry and data.
    """

    def __init__(self, make: Callable[[Any, Any, int], Engine], carry: Any, data: Any) -> None:
        self._make, self._keys = make, list(carry)
        self._current = make(carry, data, 0)
        self.name = self._current.name
        self._engines: dict[Hashable, Engine] = {_shapes(data): self._current}
        self._opened: ExitStack | None = None

    def read(self, key: str, name: str | None = None) -> Any:
        """Return a part of the carry, or the entry ``name`` of this part (None if missing)."""
        return self._current.read(key, name)

    def write(self, key: str, part: Any) -> None:
        """Replace one part of the carry."""
        self._current.write(key, part)

    def begin(self, carry: Any) -> None:
        """Replace the carry. `undo` cannot go back to an earlier carry."""
        self._current.begin(carry)

    def undo(self) -> None:
        """Restore the carry before the last update."""
        self._current.undo()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Context manager that holds the resources of all engines."""
        with ExitStack() as self._opened:
            for engine in self._engines.values():
                self._opened.enter_context(engine.running())
            yield
        self._opened = None

    def feed(self, data: Any) -> None:
        """Replace the samples, and switch to the engine for their shape."""
        shapes, before = _shapes(data), self._current
        if shapes not in self._engines:
            carry = {key: before.read(key) for key in self._keys}
            engine = self._engines[shapes] = self._make(carry, data, len(self._engines))
            if self._opened is not None:
                self._opened.enter_context(engine.running())
        self._current = self._engines[shapes]
        if self._current is not before:
            for key in self._keys:
                self._current.write(key, before.read(key))
        self._current.feed(data)

    def is_as_recorded(self, batch_size: int) -> bool:
        """Return true if the step is unchanged since it was recorded for this batch size."""
        return self._current.is_as_recorded(batch_size)

    def run(self, orders: Any, batch_size: int, outcome: Outcome) -> None:
        """Run one update per batch, for each epoch's order of samples; ``outcome`` is updated."""
        self._current.run(orders, batch_size, outcome)


def _shapes(data: Any) -> Hashable:
    return tuple(leaf.shape[1:] for _, leaf in leaves(data))
