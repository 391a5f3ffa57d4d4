"""The whole numbers that a function mentions, itself or in what it calls."""

from __future__ import annotations

import functools
import types
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from typing import Any

import numpy as np

from chainrule._src.base.users_code import is_users

MOST, LONG = 1000, 20  # things that are looked at, and entries of a container


def numbers_in(things: Any) -> set[int]:
    """Return the whole numbers, without signs, in functions, code, parameters.

    In functions: constants, defaults, and what they refer to from outside, by closures, globals,
    attributes of objects. The walk ends where code is not the user's, or gets long.
    """
    numbers: set[int] = set()
    seen: dict[int, Any] = {}  # kept, so that no other thing gets its id
    waiting = deque([things])
    while waiting and len(seen) < MOST:
        thing = waiting.popleft()
        if isinstance(thing, int | np.integer):
            numbers |= set() if isinstance(thing, bool) else {abs(int(thing))}
        elif id(thing) not in seen:
            seen[id(thing)] = thing
            waiting.extend(islice(_parts(thing), MOST))
    return numbers


def _parts(thing: Any) -> Iterator[Any]:
    """Yield what a thing consists of, or refers to."""
    if isinstance(thing, tuple | list | set | frozenset):
        yield from islice(thing, LONG)
    elif isinstance(thing, dict):
        yield from islice(thing.values(), LONG)
    elif isinstance(thing, slice | range):
        yield from (thing.start, thing.stop, thing.step)
    elif isinstance(thing, types.CodeType):
        yield from thing.co_consts
    elif isinstance(thing, types.FunctionType):
        yield from _of_function(thing)
    elif isinstance(thing, types.MethodType | staticmethod | classmethod):
        yield from (thing.__func__, getattr(thing, "__self__", None))
    elif isinstance(thing, functools.partial):
        yield from (thing.func, thing.args, thing.keywords)
    elif isinstance(thing, property):
        yield thing.fget
    elif not isinstance(thing, types.ModuleType):
        yield from _of_object(thing)


def _of_function(f: types.FunctionType) -> Iterator[Any]:
    yield vars(f).get("__wrapped__")
    for cell in f.__closure__ or ():
        with suppress(ValueError):  # nothing is in it yet
            yield cell.cell_contents
    if not is_users(f.__code__.co_filename):
        return
    yield from (f.__code__, f.__defaults__, f.__kwdefaults__)
    names = dict.fromkeys(name for code in _codes(f.__code__) for name in code.co_names)
    for name in names:
        found = f.__globals__.get(name)
        if isinstance(found, types.ModuleType):
            yield from (vars(found).get(attribute) for attribute in names)
        yield found


def _of_object(thing: Any) -> Iterator[Any]:
    attributes = getattr(thing, "__dict__", {})
    kind = thing if isinstance(thing, type) else type(thing)
    if kind.__module__.partition(".")[0] in ("chainrule", "numpy"):
        yield attributes.get("__wrapped__")
        return
    yield from attributes.values()
    if attributes:
        yield from kind.__mro__[:-1]


def _codes(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for part in code.co_consts:
        if isinstance(part, types.CodeType):
            yield from _codes(part)
