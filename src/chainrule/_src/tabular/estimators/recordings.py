"""What was recorded of networks' updates, kept between fits of one structure in a process."""

from __future__ import annotations

from collections.abc import Hashable
from types import FunctionType
from typing import Any

import numpy as np

from chainrule._src.compile.running.form import keep
from chainrule._src.compile.running.recorded import Known

_recorded: dict[Hashable, Known] = {}
_COUNTS = {"_done"}  # updates that an optimizer has made: a step finds them in its state


def recorded(*parts: Any) -> Known | None:
    """Return what is known of the updates that these parts make up, to be added to.

    None where code of the user's is among them: it may do something else the next time.
    """
    try:
        key = told(parts)
    except TypeError:
        return None
    known = _recorded.get(key, {})
    keep(_recorded, key, known)
    return known


def told(thing: Any) -> Hashable:
    """Return something that is equal for things that do the same.

    Raises
    ------
    TypeError
        If a thing is more than plain values and objects of chainrule's that are made of such.

    Examples
    --------
    >>> from chainrule._src.nn.optimizers import SGD
    >>> told([SGD(0.1), "relu"]) == told([SGD(0.1), "relu"]) != told([SGD(0.2), "relu"])
    True
    """
    if thing is None or isinstance(thing, str | type | np.ufunc | np.dtype):
        return thing
    if isinstance(thing, int | float | np.generic):
        return type(thing), thing
    if isinstance(thing, list | tuple):
        return tuple(map(told, thing))
    if isinstance(thing, dict):
        return frozenset((told(name), told(value)) for name, value in thing.items())
    named = thing if isinstance(thing, FunctionType) else type(thing)
    if not named.__module__.startswith("chainrule.") or "<" in named.__qualname__:
        raise TypeError(named.__qualname__)
    held = {name: value for name, value in vars(thing).items() if name not in _COUNTS}
    return named, told(held)
