"""Cache of recorded updates, shared by all fits of one structure in a process."""

from __future__ import annotations

from collections.abc import Hashable
from types import FunctionType
from typing import Any

import numpy as np

from chainrule._src.compile.running.form import keep
from chainrule._src.compile.running.recorded import StepCaches

_recorded: dict[Hashable, StepCaches] = {}
_COUNTS = {"_done", "applied"}  # the state of an optimizer, which a step gets as an argument


def recorded(*parts: Any) -> StepCaches | None:
    """Return the cached recordings of the update that these parts define, a mutable dict.

    None if a part contains user code, which may behave differently the next time.
    """
    try:
        key = cache_key(parts)
    except TypeError:
        return None
    recordings = _recorded.get(key, {})
    keep(_recorded, key, recordings)
    return recordings


def cache_key(part: Any) -> Hashable:
    """Return a cache key that is equal for objects with the same behaviour.

    Raises
    ------
    TypeError
        If an object is neither a plain value nor an object of chainrule made of plain values.

    Examples
    --------
    >>> from chainrule._src.nn.optimizers import SGD
    >>> cache_key([SGD(0.1), "relu"]) == cache_key([SGD(0.1), "relu"])
    True
    >>> cache_key([SGD(0.1), "relu"]) == cache_key([SGD(0.2), "relu"])
    False
    """
    if part is None or isinstance(part, str | type | np.ufunc | np.dtype):
        return part
    if isinstance(part, int | float | np.generic):
        return type(part), part
    if isinstance(part, list | tuple):
        return tuple(map(cache_key, part))
    if isinstance(part, dict):
        return frozenset((cache_key(name), cache_key(value)) for name, value in part.items())
    named = part if isinstance(part, FunctionType) else type(part)
    if not named.__module__.startswith("chainrule.") or "<" in named.__qualname__:
        raise TypeError(named.__qualname__)
    state = {name: value for name, value in vars(part).items() if name not in _COUNTS}
    return named, cache_key(state)
