"""What was recorded of a function, for as long as all that it reads is as it was."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Set
from types import CodeType, MethodType
from typing import Any, Generic, TypeVar
from weakref import ReferenceType, ref

from chainrule.running.outside import Outside, UnclearError

MOST = 64  # functions, and kinds of runs of each

T = TypeVar("T")
_memories: dict[tuple[int, int], tuple[ReferenceType[Any], Memory[Any]]] = {}
_lock = threading.Lock()


class Memory(Generic[T]):
    """What was recorded of one function, by the kind of run and the batch size.

    A recording counts if what the function reads was looked at before it and is the same after it:
    so nothing that it reads is what it has just written.
    """

    def __init__(self) -> None:
        self._outside: Outside | None = None
        self._known: dict[Hashable, dict[int, T]] = {}

    def recall(self, kind: Hashable) -> dict[int, T]:
        """Return, by batch size, what would be recorded again."""
        outside, known = self._outside, self._known.get(kind)
        return {**known} if known and outside is not None and outside.holds() else {}

    def look(self, f: Callable[..., Any], ran: Set[CodeType]) -> Outside | None:
        """Look at what a function reads, of which this code ran; None where it cannot be seen."""
        outside = self._outside
        if outside is not None and outside.holds():
            if outside.covers(ran):
                return outside
            ran = ran | outside.ran
        else:
            self._known = {}
        try:
            self._outside = Outside(f, ran)
        except UnclearError:
            self._outside, self._known = None, {}
        return self._outside

    @property
    def seen(self) -> Outside | None:
        """What was looked at last."""
        return self._outside

    def keep(self, outside: Outside, kind: Hashable, n: int, recording: T) -> None:
        """Keep what was recorded after a look, if nothing has changed since."""
        known = self._known
        if self._outside is outside and outside.holds():
            known.setdefault(kind, {})[n] = recording
            if len(known) > MOST:
                known.pop(next(iter(known)), None)


def memory_of(f: Callable[..., Any]) -> Memory[Any]:
    """Return what is remembered of a function, or of a method of an object."""
    owner, part = (f.__self__, f.__func__) if isinstance(f, MethodType) else (f, None)
    key = id(owner), id(part)
    found = _memories.get(key)
    if found is not None and found[0]() is owner:
        return found[1]
    memory: Memory[Any] = Memory()
    try:
        about = ref(owner, lambda _: _memories.pop(key, None))
    except TypeError:  # of a kind that nothing can refer to
        return memory
    with _lock:
        _memories[key] = about, memory
        if len(_memories) > MOST:
            _memories.pop(next(iter(_memories)), None)
    return memory
