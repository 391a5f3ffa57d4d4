"""The surroundings of a layer's call: the outer layer, training, masks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from chainrule._src.nn.layers.given import is_several
from chainrule._src.nn.layers.tracking import Holder


@dataclass
class Notes:
    """Masks and losses that layers pass on, besides their output, in one outermost call.

    Attributes
    ----------
    losses : list
        Terms that layers add to the loss.
    unmasking : list of str
        Layers that received a mask but do not support masks.
    """

    losses: list[Any] = field(default_factory=list)
    unmasking: list[str] = field(default_factory=list)
    _masks: dict[int, tuple[Any, Any]] = field(default_factory=dict)  # by ``id`` of the array

    def mask_of(self, x: Any) -> Any:
        """Return the mask of an array's steps, or None; for several arrays, a list of masks."""
        if is_several(x):
            masks = [self.mask_of(part) for part in (x.values() if isinstance(x, dict) else x)]
            return None if all(mask is None for mask in masks) else masks
        return self._masks.get(id(x), (x, None))[1]

    def mask(self, x: Any, mask: Any) -> None:
        """Set the mask of an array's steps."""
        self._masks[id(x)] = x, mask  # with the array, so that its id stays unique


@dataclass(frozen=True)
class CallContext:
    """The context in which a layer is called within another layer.

    Attributes
    ----------
    outer : Holder
        The calling layer.
    members : frozenset of int
        The ``id`` of all layers within the calling layer; empty while it is built.
    training : bool
    rng, dtype
        Generator and dtype of new weights while the calling layer is built.
    tries : bool
        If true, this call only tries a shape, and lengths may differ from earlier calls.
    notes : Notes
    """

    outer: Holder
    members: frozenset[int] = frozenset()
    training: bool = False
    rng: Any = None
    dtype: Any = None
    tries: bool = False
    notes: Notes = field(default_factory=Notes)

    @property
    def builds(self) -> bool:
        """True if new weights may be created."""
        return self.rng is not None


_around: ContextVar[CallContext | None] = ContextVar("around", default=None)


def around() -> CallContext | None:
    """Return the surroundings of the present call, or None outside any layer."""
    return _around.get()


@contextmanager
def within(surroundings: Any) -> Iterator[Any]:
    """Context manager that sets the surroundings of layers called in its body."""
    token = _around.set(surroundings)
    try:
        yield surroundings
    finally:
        _around.reset(token)
