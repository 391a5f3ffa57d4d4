"""A cache of a model's recordings that is emptied when the model changes."""

from __future__ import annotations

from collections.abc import Sequence
from operator import is_
from typing import Any

from chainrule._src.nn.layers import Layer


class RecordingCache:
    """A cache of recordings. Its cache key is the identity of layers, objects and attributes."""

    def __init__(self) -> None:
        self._key: list[Any] = []
        self._entries: dict[Any, Any] = {}

    def of(self, layers: Sequence[Layer], *objects: Any) -> dict[Any, Any]:
        """Return the cache's entries for these layers and objects, as a dict to be filled."""
        parts = [p for each in objects for p in (each, *getattr(each, "__dict__", {}).values())]
        parts += [value for layer in layers for value in layer.settings]
        same = len(parts) == len(self._key) and all(map(is_, parts, self._key))
        if not same:
            self._key, self._entries = parts, {}
        return self._entries

    def __reduce__(self) -> Any:
        """Pickle an empty cache: its entries can be recorded again."""
        return RecordingCache, ()
