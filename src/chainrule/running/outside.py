"""What code reads from outside of itself, and whether that is still as it was.

A function that runs again does the same, if the code that ran reads the same: the globals and the
closures that it names, the attributes and the entries of what it finds there. Of all those a
snapshot is taken. Where something cannot be seen through (another library, a file, a generator of
random numbers, an array that is large) there is none.
"""

from __future__ import annotations

import abc
import builtins
import collections
import dis
import functools
import gc
import itertools
import math
import operator
import sys
import types
import typing
from collections.abc import Callable, Iterator, Set
from operator import is_
from pathlib import Path
from typing import Any
from weakref import ref

import numpy as np

from chainrule.mentions import is_users

LARGEST = 2**20  # bytes of an array that is compared
MOST = 2000  # things that are looked at
_PACKAGE = Path(__file__).parents[1]
# What ours do depends on their arguments and attributes alone.
_OURS = (
    "errors", "interrupts", "mentions", "validation", "config", "ops", "autodiff", "recurrence",
    "program", "running", "functions", "activations", "regularizers", "schedules", "optimizers",
    "losses", "training",
)  # fmt: skip
_FILES = tuple(f"{_PACKAGE / room}{end}" for room in _OURS for end in ("/", "\\", ".py"))
_MODULES = ("chainrule", *(f"chainrule.{room}" for room in _OURS))
_PURE = frozenset(
    getattr(builtins, name)
    for name in (
        "abs", "all", "any", "callable", "divmod", "getattr", "hasattr", "isinstance", "issubclass",
        "iter", "len", "max", "min", "next", "pow", "round", "sorted", "sum",
    )
)  # fmt: skip
_LIBRARIES = (math, operator, itertools, functools)
# Of NumPy, what reads or keeps something elsewhere, or leaves memory as it is found.
_IMPURE = frozenset((
    "empty", "empty_like", "fromfile", "fromregex", "frompyfunc", "genfromtxt", "geterr",
    "geterrcall", "getbufsize", "get_printoptions", "load", "loadtxt", "memmap", "nditer", "random",
    "save", "savetxt", "savez", "savez_compressed", "set_printoptions", "setbufsize", "seterr",
    "seterrcall", "show_config", "show_runtime", "vectorize",
))  # fmt: skip
_PLAIN = (
    type(None), bool, int, float, complex, str, bytes, range, type(...), type(NotImplemented),
)  # fmt: skip
_GLOBAL = (
    "LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS", "STORE_GLOBAL", "DELETE_GLOBAL",
)  # fmt: skip
_ATTRIBUTE = ("LOAD_ATTR", "LOAD_METHOD", "LOAD_SUPER_ATTR", "STORE_ATTR", "DELETE_ATTR")
_ANY_NAME = {"getattr", "hasattr", "vars", "__dict__", "__getattribute__"}
_GETTER = type(vars(collections.namedtuple("_One", "one"))["one"])
_METHODS = (types.FunctionType, staticmethod, classmethod, property)
_HEAP = 1 << 9  # the flag of a class that Python code has defined
_BASES = (object, abc.ABC, typing.Generic, typing.Protocol)
_NOTHING = object()


class UnclearError(Exception):
    """Something cannot be seen through."""


class Outside:
    """A snapshot of all that a function reads from outside.

    Parameters
    ----------
    f : callable
    ran : set of code
        What ran when it was called.

    Raises
    ------
    UnclearError
        If something cannot be seen through.
    """

    def __init__(self, f: Callable[..., Any], ran: Set[types.CodeType]) -> None:
        self.ran = frozenset(ran - _at_any_time())
        self._looks: list[tuple[Callable[..., Any], tuple[Any, ...], tuple[Any, ...]]] = []
        self._arrays: list[tuple[Any, Any]] = []
        _Walk(self).to(f)

    def covers(self, ran: Set[types.CodeType]) -> bool:
        """Whether this code was taken into account."""
        return ran - _at_any_time() <= self.ran

    def hold(self, look: Callable[..., Any], *args: Any) -> Any:
        """Keep what a look tells now."""
        found = look(*args)
        self._looks.append((look, args, found))
        return found

    def hold_array(self, array: Any) -> None:
        """Keep the entries of an array."""
        self._arrays.append((array, _entries(array)))

    def holds(self) -> bool:
        """Whether all is as it was."""
        for look, args, seen in self._looks:
            found = look(*args)
            if len(found) != len(seen) or not all(map(is_, found, seen)):
                return False
        return all(_entries(array) == seen for array, seen in self._arrays)


def _at_any_time() -> set[Any]:
    """Return code that may run within any other: it listens to the collector of garbage."""
    return {getattr(listener, "__code__", None) for listener in gc.callbacks}


def _is_ours(code: types.CodeType) -> bool:
    """Whether code is ours, NumPy's or Python's; what the lab has is looked at as a user's is."""
    file = code.co_filename
    others = is_users(file) or file.startswith(str(_PACKAGE))
    return _is_made(code) or file.startswith(_FILES) or not others


def _is_made(code: types.CodeType) -> bool:
    """Whether a dataclass has it made: such code reads its closure alone."""
    return code.co_filename == "<string>" and code.co_qualname.startswith("__create_fn__.")


def _is_trusted(f: Any) -> bool:
    """Whether what a function of ours or a library does depends on its arguments alone."""
    if _is_made(f.__code__):
        return True
    known = str(f.__module__).startswith((*_MODULES[1:], "numpy"))
    return known and f.__name__ != "get" and f.__name__ not in _IMPURE  # `get` reads a table


# Looks: what is there, to be compared by identity. They keep no function and no object alive.


def _under(space: Any, names: tuple[str, ...]) -> tuple[Any, ...]:
    get = space.get
    return tuple([get(name, _NOTHING) for name in names])


def _all_of(things: Any) -> tuple[Any, ...]:
    return (*things, *things.values()) if hasattr(things, "values") else tuple(things)


def _of_function(function: Any) -> tuple[Any, ...]:
    f = function()
    return (None,) if f is None else (f.__code__, f.__defaults__, f.__kwdefaults__)


def _of_cells(cells: tuple[Any, ...]) -> tuple[Any, ...]:
    try:
        return tuple([cell.cell_contents for cell in cells])
    except ValueError:  # nothing is in one of them
        raise UnclearError from None


def _class_of(thing: Any) -> tuple[Any, ...]:
    return (type(thing()),)


def _order_of(cls: Any) -> tuple[Any, ...]:
    return cls.__mro__  # type: ignore[no-any-return]


def _entries(array: Any) -> tuple[Any, ...]:
    return array.shape, array.dtype, array.tobytes()


class _Walk:
    """Goes to all that code can reach.

    Parameters
    ----------
    outside : Outside
        Keeps what is found.
    """

    def __init__(self, outside: Outside) -> None:
        self.hold, self.hold_array, self.all = outside.hold, outside.hold_array, outside.ran
        self.ran = {code for code in self.all if not _is_ours(code)}
        self._globals: dict[types.CodeType, tuple[str, ...]] = {}
        names: set[str] = set()
        for code in self.ran:
            self._globals[code], attributes = _names_in(code)
            names |= attributes
        everywhere = names.union(*self._globals.values())
        self._names = None if everywhere & _ANY_NAME else tuple(sorted(names))
        self._named = names
        self._seen: dict[int, Any] = {}  # kept, so that no other thing gets its id
        self._waiting: collections.deque[Any] = collections.deque()
        self._reached: set[types.CodeType] = set()

    def to(self, f: Callable[..., Any]) -> None:
        """Go to all that a function reads."""
        self._waiting.append(f)
        while self._waiting:
            thing = self._waiting.popleft()
            if type(thing) in _PLAIN or thing is _NOTHING or id(thing) in self._seen:
                continue
            self._seen[id(thing)] = thing
            if len(self._seen) > MOST:
                raise UnclearError
            self._waiting.extend(self._parts(thing))
        if not self._reached or self.ran - self._reached:
            raise UnclearError(self.ran - self._reached)

    def _parts(self, thing: Any) -> Iterator[Any]:
        """Yield what is read through a thing, having kept what it is now."""
        kind = type(thing)
        if kind in (tuple, frozenset):
            yield from thing
        elif kind in (list, dict, set):
            yield from self.hold(_all_of, thing)
        elif kind is slice:
            yield from (thing.start, thing.stop, thing.step)
        elif kind is np.ndarray:
            if thing.dtype.hasobject or thing.nbytes > LARGEST:
                raise UnclearError
            self.hold_array(thing)
        elif isinstance(thing, np.dtype | np.generic | _GETTER):
            pass
        elif kind is types.SimpleNamespace:
            yield from self._space(vars(thing))
        elif kind is types.FunctionType:
            yield from self._of_function(thing)
        elif kind is types.MethodType:
            yield from (thing.__func__, thing.__self__)
        elif kind is functools.partial:
            yield from (thing.func, thing.args, thing.keywords)
        elif kind in (staticmethod, classmethod):
            yield thing.__func__
        elif kind is property:
            yield from (thing.fget, thing.fset, thing.fdel)
        elif kind is types.ModuleType:
            yield from self._of_module(thing)
        elif isinstance(thing, type):
            yield from self._of_class(thing)
        elif not _is_pure(thing):
            yield from self._of_object(thing)

    def _of_function(self, f: Any) -> Iterator[Any]:
        if f.__code__ not in self.all:
            return  # it is there, but was not called
        ours = f.__code__ not in self.ran
        if ours and not _is_trusted(f):
            raise UnclearError(f)
        code, *defaults = self.hold(_of_function, ref(f))
        yield from defaults
        yield from self.hold(_of_cells, f.__closure__ or ())
        if ours:
            return
        yield from self._space(vars(f))
        if f.__builtins__ is not vars(builtins):
            raise UnclearError(f)
        for each in _within(code):
            if each in self.ran:
                self._reached.add(each)
                yield from self._of_globals(f.__globals__, self._globals[each])

    def _of_globals(self, space: dict[str, Any], names: tuple[str, ...]) -> Iterator[Any]:
        found = self.hold(_under, space, names)
        missing = [n for n, value in zip(names, found, strict=True) if value is _NOTHING]
        yield from found
        yield from self.hold(_under, vars(builtins), tuple(missing))

    def _space(self, space: Any) -> Any:
        """Return what is under the names that are asked for."""
        return self.hold(_all_of, space) if self._names is None else (
            self.hold(_under, space, self._names)
        )  # fmt: skip

    def _of_module(self, module: Any) -> Iterator[Any]:
        name, space = module.__name__, vars(module)
        if name.startswith("numpy") or name in _MODULES or module in _LIBRARIES:
            names = tuple(n for n in sorted(self._named) if n in space)
            yield from self.hold(_under, space, names)
        elif (
            is_users(getattr(module, "__file__", None) or "<frozen ") and "__getattr__" not in space
        ):
            yield from self._space(space)
        else:
            raise UnclearError(module)

    def _of_class(self, cls: Any) -> Iterator[Any]:
        if _is_builtin(cls) or cls in _BASES or _is_one_of_ours(cls):
            return
        if type(cls) not in (type, abc.ABCMeta) or not _is_of_users(cls):
            raise UnclearError(cls)
        yield from self.hold(_order_of, cls)
        space = vars(cls)
        if space.get("__slots__"):
            raise UnclearError(cls)
        self.hold(_all_of, space)
        for name, value in space.items():
            dynamic = self._names is None and not name.startswith("__")
            if dynamic or name in self._named or isinstance(value, _METHODS):
                yield value

    def _of_object(self, thing: Any) -> Iterator[Any]:
        cls = type(thing)
        others = [base for base in cls.__mro__ if not base.__flags__ & _HEAP and base is not object]
        if others not in ([], [tuple]) or (not hasattr(thing, "__weakref__") and not others):
            raise UnclearError(thing)
        yield cls
        if others:
            yield from tuple(thing)
            return
        self.hold(_class_of, ref(thing))
        if _is_one_of_ours(cls):
            yield from self.hold(_all_of, vars(thing))
        else:
            yield from self._space(vars(thing))


def _names_in(code: types.CodeType) -> tuple[tuple[str, ...], set[str]]:
    """Return the names that code looks for outside, and those of attributes."""
    outside: dict[str, None] = {}
    attributes: set[str] = set()
    for instruction in dis.get_instructions(code):
        operation = instruction.opname
        if operation.startswith("IMPORT"):
            raise UnclearError(code)
        if operation in _GLOBAL:
            outside[instruction.argval] = None
        elif operation in _ATTRIBUTE:
            attributes.add(instruction.argval)
        elif operation == "MATCH_CLASS":
            attributes.add("getattr")
    return tuple(outside), attributes


def _within(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for part in code.co_consts:
        if isinstance(part, types.CodeType):
            yield from _within(part)


def _is_pure(thing: Any) -> bool:
    """Whether it is a function of a library that depends on its arguments alone.

    Raises
    ------
    UnclearError
        If it is another function of a library.
    """
    kind = type(thing)
    if isinstance(thing, np.ufunc):
        fits = getattr(np, thing.__name__, None) is thing
    elif kind is type(np.sum):  # what NumPy dispatches
        fits = str(thing.__module__).startswith("numpy") and thing.__name__ not in _IMPURE
    elif kind is types.BuiltinFunctionType:
        home = thing.__module__ or ""
        numpys = home.startswith("numpy") and not home.startswith("numpy.random")
        known = home in ("math", "_operator", "_functools") or numpys
        fits = thing in _PURE or (known and thing.__name__ not in _IMPURE)
    else:
        return False
    if not fits:
        raise UnclearError
    return True


def _is_builtin(cls: Any) -> bool:
    """Whether a class cannot change, and its instances are told by how they are made."""
    fixed = not cls.__flags__ & _HEAP
    numpys = issubclass(cls, np.generic | np.dtype | np.ndarray) and cls.__module__ == "numpy"
    tools = cls is functools.partial or vars(itertools).get(cls.__name__) is cls
    return (fixed and (cls.__module__ == "builtins" or numpys)) or tools


def _is_one_of_ours(cls: Any) -> bool:
    return str(cls.__module__).startswith(_MODULES[1:])


def _is_of_users(cls: Any) -> bool:
    module = sys.modules.get(cls.__module__)
    file = getattr(module, "__file__", None)
    return is_users(file) if file else cls.__module__ == "__main__"
