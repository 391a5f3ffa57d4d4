"""One engine of several: one for each shape of samples, where batches come with other lengths."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from chainrule._src.compile.running.engines import Engine, Outcome
from chainrule._src.core.trees import leaves


class ShapedEngine:
    """Runs every batch on the engine for its samples' shape, the carry handed from one to another.

    Parameters
    ----------
    make : callable
        ``make(carry, data, others)`` returns an engine for data like these; there are so many
        others already.
    carry, data : tree of ndarray
        At the start.
    """

    def __init__(self, make: Callable[[Any, Any, int], Engine], carry: Any, data: Any) -> None:
        self._make, self._keys = make, list(carry)
        self._current = make(carry, data, 0)
        self.name = self._current.name
        self._engines: dict[Hashable, Engine] = {_shapes(data): self._current}
        self._opened: ExitStack | None = None

    def read(self, key: str, name: str | None = None) -> Any:
        """Return a part of the carry, or what is called so in it; None if nothing is."""
        return self._current.read(key, name)

    def write(self, key: str, part: Any) -> None:
        """Take a part of the carry."""
        self._current.write(key, part)

    def begin(self, carry: Any) -> None:
        """Take a whole carry to start with; there is no way back to one before it."""
        self._current.begin(carry)

    def undo(self) -> None:
        """Go back to before the last update."""
        self._current.undo()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Have what runs need at hand."""
        with ExitStack() as self._opened:
            for engine in self._engines.values():
                self._opened.enter_context(engine.running())
            yield
        self._opened = None

    def feed(self, data: Any) -> None:
        """Take other samples, on the engine for them."""
        shapes, before = _shapes(data), self._current
        if shapes not in self._engines:
            carry = {key: before.read(key) for key in self._keys}
            made = self._engines[shapes] = self._make(carry, data, len(self._engines))
            if self._opened is not None:
                self._opened.enter_context(made.running())
        self._current = self._engines[shapes]
        if self._current is not before:
            for key in self._keys:
                self._current.write(key, before.read(key))
        self._current.feed(data)

    def is_as_recorded(self, batch_size: int) -> bool:
        """Whether the step still does what was recorded for batches of this size."""
        return self._current.is_as_recorded(batch_size)

    def run(self, orders: Any, batch_size: int, done: Outcome) -> None:
        """Run updates, a batch after another, over samples in an order for each epoch."""
        self._current.run(orders, batch_size, done)


def _shapes(data: Any) -> Hashable:
    return tuple(leaf.shape[1:] for _, leaf in leaves(data))
