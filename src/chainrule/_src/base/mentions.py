"""The whole numbers that occur in a function's code, and in the functions that it calls."""

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

MOST, LONG = 1000, 20  # limits: objects visited, and entries of a container


def numbers_in(values: Any) -> set[int]:
    """Return the whole numbers, without signs, in functions, code, parameters.

    In a function: its constants and defaults, and the objects that it refers to, by closures,
    globals and attributes. The search stops at code that is not the user's, and after `MOST`
    objects.
    """
    numbers: set[int] = set()
    visited: dict[int, Any] = {}  # the reference keeps the id from being reused
    waiting = deque([values])
    while waiting and len(visited) < MOST:
        value = waiting.popleft()
        if isinstance(value, int | np.integer):
            numbers |= set() if isinstance(value, bool) else {abs(int(value))}
        elif id(value) not in visited:
            visited[id(value)] = value
            waiting.extend(islice(_parts(value), MOST))
    return numbers


def _parts(value: Any) -> Iterator[Any]:
    """Yield the parts of an object, and the objects that it refers to."""
    if isinstance(value, tuple | list | set | frozenset):
        yield from islice(value, LONG)
    elif isinstance(value, dict):
        yield from islice(value.values(), LONG)
    elif isinstance(value, slice | range):
        yield from (value.start, value.stop, value.step)
    elif isinstance(value, types.CodeType):
        yield from value.co_consts
    elif isinstance(value, types.FunctionType):
        yield from _of_function(value)
    elif isinstance(value, types.MethodType | staticmethod | classmethod):
        yield from (value.__func__, getattr(value, "__self__", None))
    elif isinstance(value, functools.partial):
        yield from (value.func, value.args, value.keywords)
    elif isinstance(value, property):
        yield value.fget
    elif not isinstance(value, types.ModuleType):
        yield from _of_object(value)


def _of_function(f: types.FunctionType) -> Iterator[Any]:
    yield vars(f).get("__wrapped__")
    for cell in f.__closure__ or ():
        with suppress(ValueError):  # the cell is empty
            yield cell.cell_contents
    if not is_users(f.__code__.co_filename):
        return
    yield from (f.__code__, f.__defaults__, f.__kwdefaults__)
    names = dict.fromkeys(name for code in _codes(f.__code__) for name in code.co_names)
    for name in names:
        target = f.__globals__.get(name)
        if isinstance(target, types.ModuleType):
            yield from (vars(target).get(attribute) for attribute in names)
        yield target


def _of_object(value: Any) -> Iterator[Any]:
    attributes = getattr(value, "__dict__", {})
    kind = value if isinstance(value, type) else type(value)
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
