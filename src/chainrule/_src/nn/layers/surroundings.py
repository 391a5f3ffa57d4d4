"""What is going on around a layer that is called: in which one, whether it is training, masks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from chainrule._src.base.errors import DataError
from chainrule._src.nn.layers.tracking import Holder


@dataclass
class Notes:
    """What layers tell one another besides their output, in one call of the outermost.

    Attributes
    ----------
    losses : list
        What they add to the loss.
    unmasking : list of str
        The layers after which all steps count.
    """

    losses: list[Any] = field(default_factory=list)
    unmasking: list[str] = field(default_factory=list)
    _masks: dict[int, tuple[Any, Any]] = field(default_factory=dict)  # by ``id`` of what has one

    def mask_of(self, x: Any) -> Any:
        """Return which steps of each sample count, None for all."""
        return self._masks.get(id(x), (x, None))[1]

    def mask(self, x: Any, mask: Any) -> None:
        """Note which steps count."""
        self._masks[id(x)] = x, mask  # held, so that no other can have its id


@dataclass(frozen=True)
class Surroundings:
    """What a layer that is called within another one is to know.

    Attributes
    ----------
    outer : Holder
        The one that calls.
    members : frozenset of int
        The layers within it, by ``id``; empty while it is built.
    training : bool
    rng, dtype
        For new weights, while it is built.
    tries : bool
        Whether an input is tried that may have other lengths than the one before.
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
        """Whether new weights may be made."""
        return self.rng is not None


_around: ContextVar[Surroundings | None] = ContextVar("around", default=None)


def around() -> Surroundings | None:
    """Return what is going on around a layer, None for one that is not within another."""
    return _around.get()


@contextmanager
def within(surroundings: Surroundings) -> Iterator[Surroundings]:
    """Have layers that are called know what is around them."""
    token = _around.set(surroundings)
    try:
        yield surroundings
    finally:
        _around.reset(token)


@dataclass(frozen=True)
class Symbolic:
    """What stands for the input or output of a layer that is built: there is its shape alone."""

    shape: tuple[int | None, ...]
    dtype: str


def refuse_symbolic(x: Any, layer: Any) -> None:
    """Refuse an input of a functional graph, which there is none of."""
    if isinstance(x, Holder | Symbolic):
        raise DataError(
            f"{layer}: called with {x}, as in a functional graph, which there is none of; put the "
            "layers into Sequential([Input(shape), …]), write a layer made of layers (a class with "
            "them as attributes, and NumPy in call), or a NumPy function for chainrule.minimize"
        )
