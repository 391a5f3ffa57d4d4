"""What a name in a description or a file stands for: classes, and functions that are registered."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

import numpy as np

T = TypeVar("T")
CLASSES: dict[str, type] = {}  # each class that describes itself, as it was defined last
REGISTERED: dict[str, Any] = {}
_NAMES: dict[Any, str] = {}  # what each was registered as
_GIVEN: ContextVar[Mapping[str, Any]] = ContextVar("custom objects", default={})  # noqa: B039


def register(package: str = "Custom", name: str | None = None) -> Callable[[T], T]:
    """Return a decorator: a function or a class is known by a name, ``"package>name"``.

    Examples
    --------
    >>> @register("mine")
    ... def cube(x):
    ...     return x**3
    >>> name_of(cube), find("mine>cube") is cube
    ('mine>cube', True)
    """

    def registered(thing: T) -> T:
        full = f"{package}>{name or getattr(thing, '__name__', type(thing).__name__)}"
        REGISTERED[full], _NAMES[thing] = thing, full
        return thing

    return registered


@contextmanager
def known_as(objects: Mapping[str, Any] | None) -> Iterator[None]:
    """Let functions and classes be known by other names for a time."""
    token = _GIVEN.set({**_GIVEN.get(), **(objects or {})})
    try:
        yield
    finally:
        _GIVEN.reset(token)


def name_of(thing: Any) -> str | None:
    """Return what a class or a function is known by: what it was registered as, or its own name.

    What has no name that could be given again, such as a lambda, has none.
    """
    if isinstance(thing, np.ufunc):
        return f"numpy>{thing.__name__}"
    name = str(getattr(thing, "__name__", ""))
    if not name.isidentifier():
        return None
    return _NAMES.get(thing, getattr(thing, "family", "") + name)


def registered(name: Any) -> Any:
    """Return what was given for a time, or registered, under a name, or None."""
    given, last = _GIVEN.get(), re.split("[>.]", str(name))[-1]
    for table, key in ((given, name), (given, last), (REGISTERED, name)):
        if key in table:
            return table[key]
    return None


def find(name: Any) -> Any:
    """Return what is registered under a name; else a class or a ufunc of NumPy's, or None."""
    found = registered(name) or CLASSES.get(name)
    if found is None and str(name).startswith("numpy>"):
        found = getattr(np, name.removeprefix("numpy>"), None)
        return found if isinstance(found, np.ufunc) else None
    return found
