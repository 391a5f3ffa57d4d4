"""What can be told by the arguments it was made with: layers, optimizers, losses, metrics."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Self, TypeVar

import numpy as np

from chainrule._src.base.arguments import checking
from chainrule._src.base.errors import DataError, UnknownNameError
from chainrule._src.base.registered import (
    CLASSES,
    ambiguous,
    find,
    is_ours,
    is_own,
    known_as,
    name_of,
    origin,
    own_things,
    registered,
)
from chainrule._src.base.showing import Shown, arguments, signatures

T = TypeVar("T")
# What a description holds; `build_config`, which Keras adds, is not needed.
_DESCRIPTION = {"class_name", "config", "module", "registered_name", "build_config"}
FUNCTION = "function"  # the class name in a description of one


class Configurable(Shown):
    """Something that a dict of plain values describes, and that can be made again from it.

    A class of your own needs nothing more than its ``__init__``: its arguments are the description.
    Those whose annotations say what they may be, see `chainrule._src.base.arguments`, are checked.

    Examples
    --------
    >>> class Power(Configurable):
    ...     def __init__(self, by=2.0):
    ...         self.by = by
    >>> Power(3.0).get_config()
    {'by': 3.0}
    >>> Power.from_config({"by": 3.0})
    Power(by=3.0)

    Attributes
    ----------
    family : str
        Written before the class's name in a description, where two families share names.
    """

    family: ClassVar[str] = ""
    __config__: dict[str, Any]

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "__init__" in vars(cls):
            cls.__init__ = checking(cls.__init__)  # type: ignore[method-assign]
        if is_ours(cls):
            CLASSES[_described(cls)] = cls

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """Keep the arguments; refuse those that the class does not have."""
        self = super().__new__(cls)
        unknown = [name for name in kwargs if name not in arguments(cls)]
        if unknown and not _takes_any(cls):
            raise UnknownNameError(f"argument of {cls.__name__}", unknown[0], arguments(cls))
        given = dict(zip(_positional(cls), args, strict=False)) | kwargs
        self.__config__ = {**arguments(cls), **given}
        return self

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make the same thing again, as plain values for JSON."""
        return {name: plain(value) for name, value in self._as_made().items()}

    def _as_made(self) -> dict[str, Any]:
        """Return the arguments: numbers and texts as they are now, the rest as they came."""
        now = {name: value for name, value in super()._as_made().items() if _is_plain(value)}
        return self.__config__ | now

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """Return what `get_config` described.

        Raises
        ------
        DataError, UnknownNameError
            If the arguments are not those of the class.
        """
        if not isinstance(config, Mapping) or not all(isinstance(key, str) for key in config):
            raise DataError(f"{cls.__name__}: a config must be a dict, received {config!r}")
        try:
            return cls(**{name: made(value) for name, value in config.items()})
        except TypeError as error:
            raise DataError(f"{cls.__name__}: the config does not fit: {error}") from error


def plain(thing: Any) -> Any:
    """Return a thing as JSON can hold it; a configurable becomes its class and its config.

    A function is described by its name. Classes and functions of the user's own have the name that
    they were registered as beside it, or else their module: they are never taken for one of ours.

    Raises
    ------
    DataError
        If it cannot be described: a lambda, for instance. If two classes or functions of the
        user's own within it have one name.
    """
    with own_things():
        return _plain(thing)


def _plain(thing: Any) -> Any:
    if isinstance(thing, Configurable):
        about = {"class_name": _described(type(thing)), "config": thing.get_config()}
        return about | origin(type(thing))
    if isinstance(thing, Mapping):
        return {str(key): _plain(value) for key, value in thing.items()}
    if isinstance(thing, list | tuple):
        return [_plain(value) for value in thing]
    if isinstance(thing, np.ndarray | np.generic):
        return thing.tolist()
    if callable(thing) and is_ours(thing):
        return thing.__name__
    if callable(thing) and not isinstance(thing, type) and name_of(thing) is not None:
        return {"class_name": FUNCTION, "config": thing.__name__} | origin(thing)
    if not _is_plain(thing):
        raise DataError(
            f"{thing!r} cannot be described by plain values; make it a function with a name, or a "
            "class derived from chainrule._src.base.config.Configurable"
        )
    return thing


def made(thing: Any) -> Any:
    """Return what `plain` described: the classes and the configs become configurables.

    Raises
    ------
    DataError
        If a class or a function is not known by its name.
    """
    if isinstance(thing, list):
        return [made(value) for value in thing]
    if not isinstance(thing, Mapping):
        return thing
    if not {"class_name", "config"} <= set(thing) <= _DESCRIPTION:
        return {key: made(value) for key, value in thing.items()}
    if thing["class_name"] == FUNCTION:
        return function_of(thing)
    found = class_of(thing)
    if found is None:
        raise DataError(_unknown("class", thing))
    return found.from_config(thing["config"])


def class_of(about: Mapping[str, Any], family: str = "") -> Any:
    """Return the class that a description is of, or None."""
    name = str(about["class_name"])
    found = find(family + name, about) or find(name, about)
    return found if isinstance(found, type) else None


def function_of(about: Mapping[str, Any]) -> Any:
    """Return the function that a description names.

    Raises
    ------
    DataError
        If there is none.
    """
    found = find(str(about["config"]), about)
    if not callable(found) or isinstance(found, type):
        raise DataError(_unknown(FUNCTION, about))
    return found


def own_called(name: str, table: Mapping[str, Any]) -> Any:
    """Return the object of `custom_objects` or of the registry with a name, or None.

    Raises
    ------
    DataError
        If a table of ours has another entry of that name.
    """
    own, ours = registered(name), _entry(name, table)
    if own is not None and ours is not None and own is not ours:
        raise DataError(ambiguous(name))
    return own


def copied(thing: Any, **changed: Any) -> Any:
    """Return a new object from the description of another, with the same classes and functions.

    Parameters
    ----------
    thing : Configurable, Sequential
    **changed
        Arguments that are to be others.
    """
    with own_things() as own:
        config = {**thing.get_config(), **changed}
    with known_as(own):
        return type(thing).from_config(config)


def _unknown(kind: str, about: Mapping[str, Any]) -> str:
    name = str(about["config" if kind == FUNCTION else "class_name"])
    return (
        f"there is no {kind} {name!r} here: if it is one of your own, decorate it with "
        "keras.saving.register_keras_serializable() and import the module where it is defined "
        f"first; or hand it over as custom_objects={{{re.split('[>.]', name)[-1]!r}: …}}"
    )


def described(
    kind: str, thing: Any, table: Mapping[str, Callable[[], Any]], base: type[Configurable]
) -> Any:
    """Return what a name, a class or a description stands for; anything else as it is.

    A description is what `plain` gives, or Keras's ``serialize``.

    Raises
    ------
    UnknownNameError, DataError
        If there is no such name, or the arguments are not those of the class.
    """
    if isinstance(thing, str):
        own = own_called(thing, table)
        made = named(kind, thing, table) if own is None else own
        return made() if own is None or isinstance(own, type) else own
    if isinstance(thing, type) and issubclass(thing, base):
        return thing()
    if not isinstance(thing, Mapping) or "class_name" not in thing:
        return thing
    if thing["class_name"] == FUNCTION:
        return function_of(thing)
    cls = class_of(thing, base.family)
    if cls is None or not issubclass(cls, base):
        if is_own(thing):
            raise DataError(_unknown(kind, thing))
        cls = named(kind, re.split("[>.]", str(thing["class_name"]))[-1], table)
        cls = cls if isinstance(cls, type) else type(cls())
    return cls.from_config(thing.get("config") or {})


def rule_of(
    kind: str, thing: Any, table: Mapping[str, Callable[[], Any]], base: type[Configurable],
    where: str,
) -> Any:  # fmt: skip
    """Return a rule for a weight: what `described` gives, a function of one's own, or None.

    Raises
    ------
    UnknownNameError, DataError
        If it is none of these.
    """
    found = described(kind, thing, table, base)
    if found is None or (callable(found) and not isinstance(found, type)):
        return found
    raise DataError(
        f"{where}: a {kind} must be a name ({', '.join(table)}), a {base.__name__}, a function of "
        f"a weight or None, received {thing!r}"
    )


def named(kind: str, name: str, table: Mapping[str, T]) -> T:
    """Return the entry of a table by its name, also spelled as a class: ``"L1L2"``, ``"l1_l2"``.

    Raises
    ------
    UnknownNameError
        If there is none.
    """
    entry = _entry(name, table)
    if entry is None:
        raise UnknownNameError(kind, name, table)
    return entry


def _entry(name: str, table: Mapping[str, T]) -> T | None:
    if name in table:
        return table[name]
    return {_letters(known): entry for known, entry in table.items()}.get(_letters(name))


def class_called(name: Any, base: type[Configurable] = Configurable) -> type[Configurable]:
    """Return a configurable class by its name.

    Raises
    ------
    UnknownNameError
        If there is none: one of your own must be defined (imported) first.
    """
    known = {key: cls for key, cls in CLASSES.items() if issubclass(cls, base)}
    if not isinstance(name, str) or name not in known:
        raise UnknownNameError(base.__name__.lower(), name, sorted(known))
    return known[name]


def _described(cls: type[Configurable]) -> str:
    return cls.family + cls.__name__


def _letters(name: str) -> str:
    return name.replace("_", "").lower()


def _is_plain(thing: Any) -> bool:
    return thing is None or isinstance(thing, bool | int | float | str)


def _positional(cls: type) -> tuple[str, ...]:
    return signatures(cls)[1]


def _takes_any(cls: type) -> bool:
    return signatures(cls)[2]
