"""What was recorded of a model, for as long as the model stays as it is."""

from __future__ import annotations

from collections.abc import Sequence
from operator import is_
from typing import Any

from chainrule._src.nn.layers import Layer


class Kept:
    """Recordings, as long as what they were made of is the same objects."""

    def __init__(self) -> None:
        self._made_of: list[Any] = []
        self._known: dict[Any, Any] = {}

    def of(self, layers: Sequence[Layer], *things: Any) -> dict[Any, Any]:
        """Return what is kept of these layers and things as they are now, to be added to."""
        parts = [p for thing in things for p in (thing, *getattr(thing, "__dict__", {}).values())]
        parts += [value for layer in layers for value in layer.settings]
        same = len(parts) == len(self._made_of) and all(map(is_, parts, self._made_of))
        if not same:
            self._made_of, self._known = parts, {}
        return self._known

    def __reduce__(self) -> Any:
        """Be pickled without what can be recorded again."""
        return Kept, ()
