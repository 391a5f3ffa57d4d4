"""Classes and functions by the names that descriptions and files call them by."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

import numpy as np

from chainrule._src.base.errors import DataError

T = TypeVar("T")
CLASSES: dict[str, type] = {}  # this library's classes that describe themselves
REGISTERED: dict[str, Any] = {}
LIBRARIES = ("chainrule", "keras", "builtins")  # Keras writes `builtins` beside its own functions
_NAMES: dict[Any, str] = {}  # what each was registered as
_GIVEN: ContextVar[Mapping[str, Any]] = ContextVar("custom objects", default={})  # noqa: B039
_OWN: ContextVar[dict[str, Any] | None] = ContextVar("own things", default=None)


def register(package: str = "Custom", name: str | None = None) -> Callable[[T], T]:
    """Return a decorator: a function or a class is known by a name, ``"package>name"``.

    Examples
    --------
    >>> @register("mine")
    ... def cube(x):
    ...     return x**3
    >>> name_of(cube), registered("mine>cube") is cube
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


@contextmanager
def own_things() -> Iterator[dict[str, Any]]:
    """Collect the user's own classes and functions that are described meanwhile, by full name.

    Within `known_as` of them the descriptions make the same things again, registered or not.
    """
    outer = _OWN.get()
    things: dict[str, Any] = {} if outer is None else outer
    token = _OWN.set(things)
    try:
        yield things
    finally:
        _OWN.reset(token)


def _kind(thing: Any) -> str:
    return "classes" if isinstance(thing, type) else "functions"


def is_ours(thing: Any) -> bool:
    """Whether a class or a function is this library's."""
    return _package(getattr(thing, "__module__", None)) == "chainrule"


def is_own(about: Mapping[str, Any]) -> bool:
    """Whether a description is of a class or a function that neither we nor Keras brought."""
    names = str(about.get("registered_name")), str(about.get("class_name"))
    module = about.get("module")
    return any(">" in n for n in names) or not (module is None or _package(module) in LIBRARIES)


def _package(module: Any) -> str:
    return str(module).split(".", maxsplit=1)[0]


def name_of(thing: Any) -> str | None:
    """Return what a class or a function is known by: what it was registered as, or its own name.

    What has no name that could be given again, such as a lambda, has none.
    """
    if isinstance(thing, Hashable) and thing in _NAMES:
        return _NAMES[thing]
    name = str(getattr(thing, "__name__", ""))
    if isinstance(thing, np.ufunc) and getattr(np, name, None) is thing:
        return f"numpy>{name}"
    return getattr(thing, "family", "") + name if name.isidentifier() else None


def full_name(thing: Any) -> str:
    """Return a name that is nobody else's: with its package, or its module, unless it is ours.

    >>> full_name(register), full_name(Mapping), full_name(np.tanh)
    ('register', 'collections.abc>Mapping', 'numpy>tanh')
    """
    name = str(name_of(thing))
    is_whole = is_ours(thing) or ">" in name
    return name if is_whole else f"{getattr(thing, '__module__', None)}>{name}"


def origin(thing: Any) -> dict[str, str]:
    """Return what a description holds besides a name, so that it stands for nothing else.

    Raises
    ------
    DataError
        If another thing that is described with it has the same full name.
    """
    full = full_name(thing)
    if ">" not in full:
        return {}
    own = _OWN.get()
    if own is not None and own.setdefault(full, thing) is not thing:
        raise DataError(
            f"two {_kind(thing)} of your own are called {name_of(thing)!r}, by which files and "
            "other machines are told of them; give each a name of its own"
        )
    if ">" in str(name_of(thing)):
        return {"registered_name": full}
    return {"module": str(getattr(thing, "__module__", None))}


def registered(*names: str) -> Any:
    """Return what was given for a time, or registered, under the first name that is known."""
    for table in (_GIVEN.get(), REGISTERED):
        for name in names:
            if name in table:
                return table[name]
    return None


def find(name: str, about: Mapping[str, Any]) -> Any:
    """Return the class or the function of a name, whose description tells where it is from.

    Raises
    ------
    DataError
        If the name is of a class of ours, and was given to another for a time.
    """
    short = re.split("[>.]", name)[-1]
    if is_own(about):
        full = str(about.get("registered_name"))
        if ">" not in full:
            full = name if ">" in name else f"{about.get('module')}>{name}"
        return registered(full, short) or _of_numpy(full)
    ours, other = CLASSES.get(name), registered(name, short)
    if ours is not None and not _is_rival(other, ours):
        return ours
    if ours is not None:
        raise DataError(ambiguous(name))
    return other


def _of_numpy(full: str) -> Any:
    found = getattr(np, full.removeprefix("numpy>"), None) if full.startswith("numpy>") else None
    return found if isinstance(found, np.ufunc) else None


def _is_rival(other: Any, ours: Any) -> bool:
    """Whether a class could be meant by the name of ours."""
    return other is not ours and isinstance(other, type) and _family(other) == _family(ours)


def _family(cls: type) -> Any:
    return getattr(cls, "family", None)


def ambiguous(name: str) -> str:
    """Return a sentence: a name could stand for two things."""
    return (
        f"{name!r} is chainrule's, and custom_objects has another {name!r}; register yours with "
        "keras.saving.register_keras_serializable(), which gives it a name with a package, and "
        "leave it out of custom_objects"
    )
