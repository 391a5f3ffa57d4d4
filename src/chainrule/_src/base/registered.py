"""Registry of classes and functions by the names that descriptions and files use."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

import numpy as np

from chainrule._src.base.errors import DataError

T = TypeVar("T")
CLASSES: dict[str, type] = {}  # chainrule's configurable classes, by name
REGISTERED: dict[str, Any] = {}
LIBRARIES = ("chainrule", "keras", "builtins")  # Keras writes `builtins` beside its own functions
_NAMES: dict[Any, str] = {}  # class or function → the name it was registered by
_GIVEN: ContextVar[Mapping[str, Any]] = ContextVar("custom objects", default={})  # noqa: B039
_OWN: ContextVar[dict[str, Any] | None] = ContextVar("own things", default=None)


def register(package: str = "Custom", name: str | None = None) -> Callable[[T], T]:
    """Return a decorator that registers a function or class as ``"package>name"``.

    Files name what is registered by this name, and loading such a file finds it.

    Parameters
    ----------
    package : str, default "Custom"
        First part of the name.
    name : str, optional
        Second part; by default the name of the function or class.

    Returns
    -------
    callable
        The decorator, which returns the function or class unchanged.

    Examples
    --------
    >>> @register("mine")
    ... def cube(x):
    ...     return x**3
    >>> name_of(cube), registered("mine>cube") is cube
    ('mine>cube', True)
    """

    def registered(target: T) -> T:
        full = f"{package}>{name or getattr(target, '__name__', type(target).__name__)}"
        REGISTERED[full], _NAMES[target] = target, full
        return target

    return registered


@contextmanager
def known_as(objects: Mapping[str, Any] | None) -> Iterator[None]:
    """Within this context, functions and classes can also be found by these names.

    Parameters
    ----------
    objects : mapping of str to callable, or None
        Functions and classes by name.

    Examples
    --------
    >>> with known_as({"root": np.sqrt}):
    ...     print(registered("root")(9.0))
    3.0
    >>> print(registered("root"))
    None
    """
    token = _GIVEN.set({**_GIVEN.get(), **(objects or {})})
    try:
        yield
    finally:
        _GIVEN.reset(token)


@contextmanager
def own_things() -> Iterator[dict[str, Any]]:
    """Within this context, collect the user's classes and functions that are described.

    The context yields a dict by full name. Within `known_as` of this dict, the descriptions create
    the same objects again, registered or not.
    """
    outer = _OWN.get()
    objects: dict[str, Any] = {} if outer is None else outer
    token = _OWN.set(objects)
    try:
        yield objects
    finally:
        _OWN.reset(token)


def _kind(target: Any) -> str:
    return "classes" if isinstance(target, type) else "functions"


def is_ours(target: Any) -> bool:
    """Return true if a class or a function is chainrule's."""
    return _package(getattr(target, "__module__", None)) == "chainrule"


def is_own(about: Mapping[str, Any]) -> bool:
    """Return true if a description is of a user's class or function, not chainrule's or Keras's."""
    names = str(about.get("registered_name")), str(about.get("class_name"))
    module = about.get("module")
    return any(">" in n for n in names) or not (module is None or _package(module) in LIBRARIES)


def _package(module: Any) -> str:
    return str(module).split(".", maxsplit=1)[0]


def name_of(target: Any) -> str | None:
    """Return the name that a class or a function was registered by, or else its own name.

    Parameters
    ----------
    target : callable
        The class or function.

    Returns
    -------
    str or None
        None if it has no usable name: a lambda, for instance.

    Examples
    --------
    >>> name_of(register), name_of(np.tanh), name_of(lambda x: x)
    ('register', 'numpy>tanh', None)
    """
    if isinstance(target, Hashable) and target in _NAMES:
        return _NAMES[target]
    name = str(getattr(target, "__name__", ""))
    if isinstance(target, np.ufunc) and getattr(np, name, None) is target:
        return f"numpy>{name}"
    return getattr(target, "family", "") + name if name.isidentifier() else None


def full_name(target: Any) -> str:
    """Return a unique name: with the package or the module, unless the target is chainrule's.

    >>> full_name(register), full_name(Mapping), full_name(np.tanh)
    ('register', 'collections.abc>Mapping', 'numpy>tanh')
    """
    name = str(name_of(target))
    is_whole = is_ours(target) or ">" in name
    return name if is_whole else f"{getattr(target, '__module__', None)}>{name}"


def origin(target: Any) -> dict[str, str]:
    """Return the entries of a description that make its name unique.

    Raises
    ------
    DataError
        If another class or function described in the same context has the same full name.
    """
    full = full_name(target)
    if ">" not in full:
        return {}
    collected = _OWN.get()
    if collected is not None and collected.setdefault(full, target) is not target:
        raise DataError(
            f"two {_kind(target)} of your own are called {name_of(target)!r}, by which files and "
            "other machines are told of them; give each a name of its own"
        )
    if ">" in str(name_of(target)):
        return {"registered_name": full}
    return {"module": str(getattr(target, "__module__", None))}


def registered(*names: str) -> Any:
    """Return the class or function for the first of these names in `known_as` or the registry."""
    for table in (_GIVEN.get(), REGISTERED):
        for name in names:
            if name in table:
                return table[name]
    return None


def find(name: str, about: Mapping[str, Any]) -> Any:
    """Return the class or function that a description names; None if there is none.

    Raises
    ------
    DataError
        If a class of chainrule has the name, and `known_as` gives it to another class.
    """
    short = re.split("[>.]", name)[-1]
    if is_own(about):
        full = str(about.get("registered_name"))
        if ">" not in full:
            full = name if ">" in name else f"{about.get('module')}>{name}"
        return registered(full, short) or _of_numpy(full)
    builtin, other = CLASSES.get(name), registered(name, short)
    if builtin is not None and not _is_rival(other, builtin):
        return builtin
    if builtin is not None:
        raise DataError(ambiguous(name))
    return other


def _of_numpy(full: str) -> Any:
    function = getattr(np, full.removeprefix("numpy>"), None) if full.startswith("numpy>") else None
    return function if isinstance(function, np.ufunc) else None


def _is_rival(other: Any, builtin: Any) -> bool:
    """Return true if another class could be meant by the name of a class of chainrule."""
    return other is not builtin and isinstance(other, type) and _family(other) == _family(builtin)


def _family(cls: type) -> Any:
    return getattr(cls, "family", None)


def ambiguous(name: str) -> str:
    """Return an error message: the name could mean two classes."""
    return (
        f"{name!r} is chainrule's, and custom_objects has another {name!r}; register yours with "
        "keras.saving.register_keras_serializable(), which gives it a name with a package, and "
        "leave it out of custom_objects"
    )
