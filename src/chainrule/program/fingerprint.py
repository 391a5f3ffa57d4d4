"""What a function does, as far as it can be told from outside: its code and all it refers to.

Two functions with the same fingerprint record the same program, so that it need not be recorded
again. Where something cannot be seen through (an object with a state of its own, a large array),
there is no fingerprint.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Callable
from typing import Any

import numpy as np

LARGEST = 4096  # bytes of an array that is looked at
_LIBRARIES = ("numpy", "chainrule", "math", "builtins")


class UnclearError(Exception):
    """Something has no fingerprint."""


def fingerprint(thing: Any, skips: frozenset[str] = frozenset()) -> Any:
    """Return something hashable that is equal where a thing does the same.

    Parameters
    ----------
    thing : object
        A function, a number, a structure of them; of other objects the class and its attributes.
    skips : frozenset of str
        Attributes that do not count.

    Raises
    ------
    UnclearError
        If the thing cannot be seen through.
    """
    return _Seer(skips).see(thing)


class _Plain:
    """What an object holds whose class is plain Python: its attributes, nothing else."""


def _is_numpys(thing: Any) -> bool:
    """Whether a thing is one of NumPy's or Python's own functions, which never change."""
    if isinstance(thing, types.BuiltinFunctionType):
        return thing.__self__ is None or isinstance(thing.__self__, types.ModuleType)
    if isinstance(thing, np.ufunc):
        return getattr(np, thing.__name__, None) is thing
    return type(thing) is type(np.sum)


class _Seer:
    def __init__(self, skips: frozenset[str]) -> None:
        self.skips = skips
        self.seen: set[int] = set()

    def see(self, thing: Any) -> Any:
        if thing is None or isinstance(thing, bool | int | float | str | bytes):
            return (type(thing), repr(thing))
        if isinstance(thing, np.ndarray | np.generic):
            return self._array(np.asarray(thing))
        if isinstance(thing, tuple | list):
            return (type(thing), *map(self.see, thing))
        if isinstance(thing, dict):
            return (dict, *((self.see(key), self.see(value)) for key, value in thing.items()))
        if id(thing) in self.seen:
            return "again"
        self.seen.add(id(thing))
        return self._object(thing)

    def _array(self, array: Any) -> Any:
        if array.nbytes > LARGEST or array.dtype.hasobject:
            raise UnclearError("an array")
        return (array.shape, array.dtype.str, array.tobytes())

    def _object(self, thing: Any) -> Any:
        module = getattr(thing, "__module__", None) or getattr(type(thing), "__module__", "")
        if isinstance(thing, types.ModuleType):
            if thing.__name__.split(".")[0] in _LIBRARIES:
                return thing.__name__
            raise UnclearError(f"the module {thing.__name__}")
        if isinstance(thing, types.FunctionType):
            own = str(module).split(".")[0] in _LIBRARIES and not thing.__closure__
            return (module, thing.__qualname__) if own else self._function(thing)
        if isinstance(thing, functools.partial):
            return (functools.partial, *map(self.see, (thing.func, thing.args, thing.keywords)))
        if _is_numpys(thing):
            return repr(thing)
        if isinstance(thing, type):
            own = str(module).split(".")[0] in _LIBRARIES
            parts = [] if own else [*map(self.see, thing.__bases__), *self._attributes(vars(thing))]
            return (module, thing.__qualname__, *parts)
        if isinstance(thing, types.MethodType):
            return (self.see(thing.__func__), self.see(thing.__self__))
        if type(thing).__basicsize__ != _Plain.__basicsize__:  # there is more than its attributes
            raise UnclearError(f"a {type(thing).__name__}")
        return (self.see(type(thing)), *self._attributes(vars(thing)))

    def _attributes(self, attributes: Any) -> list[Any]:
        return [
            (name, self.see(value))
            for name, value in attributes.items()
            if name not in self.skips and not _is_about_the_class(name, value)
        ]

    def _function(self, function: Callable[..., Any]) -> Any:
        f: Any = function
        cells = [cell.cell_contents for cell in f.__closure__ or ()]
        names = _names(f.__code__)
        outside = {name: f.__globals__[name] for name in names if name in f.__globals__}
        return (
            _code(f.__code__), self.see(f.__defaults__), self.see(f.__kwdefaults__),
            *map(self.see, cells), self.see(outside),
        )  # fmt: skip


def _is_about_the_class(name: str, value: Any) -> bool:
    """Whether an attribute is Python's own, and not a method such as ``__call__``."""
    dunder = name.startswith("__") and name.endswith("__")
    return dunder and not isinstance(value, types.FunctionType)


def _names(code: types.CodeType) -> set[str]:
    inner = (c for c in code.co_consts if isinstance(c, types.CodeType))
    return set(code.co_names).union(*map(_names, inner))


def _code(code: types.CodeType) -> Any:
    constants = tuple(
        _code(c) if isinstance(c, types.CodeType) else (type(c), repr(c)) for c in code.co_consts
    )
    return (code.co_code, code.co_names, code.co_varnames, code.co_freevars, constants)
