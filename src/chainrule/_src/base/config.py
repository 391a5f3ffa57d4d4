"""Objects described by their constructor's arguments: layers, optimizers, losses, metrics."""

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
FORMER = {
    "lr": "write learning_rate",
    "decay": "give learning_rate a schedule, such as schedules.InverseTimeDecay",
}
"""Arguments of earlier versions of Keras, and what took their place."""
# The keys of a description; `build_config`, which Keras adds, is ignored.
_DESCRIPTION = {"class_name", "config", "module", "registered_name", "build_config"}
FUNCTION = "function"  # the class name in the description of a function


class Configurable(Shown):
    """An object that a dict of plain values describes, from which an equal object can be created.

    A subclass of your own only needs an ``__init__``: its arguments are the description. Arguments
    whose annotations are checks (see `chainrule._src.base.arguments`) are checked.

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
        Prefix of the class's name in a description, for families whose class names overlap.
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
        """Store the arguments. Refuse arguments that the class does not have."""
        self = super().__new__(cls)
        unknown = [name for name in kwargs if name not in arguments(cls)]
        if unknown and not _takes_any(cls):
            raise UnknownNameError(f"argument of {cls.__name__}", unknown[0], arguments(cls),
                                   hint=FORMER.get(unknown[0]))  # fmt: skip
        received = dict(zip(_positional(cls), args, strict=False)) | kwargs
        self.__config__ = {**arguments(cls), **received}
        return self

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that create an equal object, as plain values for JSON."""
        return {name: plain(value) for name, value in self._as_made().items()}

    def _as_made(self) -> dict[str, Any]:
        """Return the arguments: plain values as they are now, others as they were passed."""
        now = {name: value for name, value in super()._as_made().items() if _is_plain(value)}
        return self.__config__ | now

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """Return a new object from the description that `get_config` returned.

        Raises
        ------
        DataError, UnknownNameError
            If the arguments do not fit the class.
        """
        if not isinstance(config, Mapping) or not all(isinstance(key, str) for key in config):
            raise DataError(f"{cls.__name__}: a config must be a dict, received {config!r}")
        try:
            return cls(**{name: made(value) for name, value in config.items()})
        except TypeError as error:
            raise DataError(f"{cls.__name__}: the config does not fit: {error}") from error


def plain(value: Any) -> Any:
    """Return a value as JSON data; a configurable becomes its class name and its config.

    A function is described by its name. The description of a user's class or function also has the
    name it was registered by, or its module, so it cannot be confused with one of chainrule.

    Parameters
    ----------
    value : object
        A loss, metric, layer or another configurable, a function with a name, an array, a number, a
        text, None, or a list or dict of these.

    Returns
    -------
    dict, list, str, float, int, bool or None

    Raises
    ------
    DataError
        If the value cannot be described: a lambda, for instance. If two of the user's classes or
        functions in it have the same name.

    Examples
    --------
    >>> from chainrule import regularizers
    >>> regularizers.serialize(regularizers.L2(0.1))
    {'class_name': 'L2', 'config': {'l2': 0.1}}
    >>> regularizers.deserialize({"class_name": "L2", "config": {"l2": 0.1}})
    L2(l2=0.1)
    """
    with own_things():
        return _plain(value)


def _plain(value: Any) -> Any:
    if isinstance(value, Configurable):
        about = {"class_name": _described(type(value)), "config": value.get_config()}
        return about | origin(type(value))
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if callable(value) and is_ours(value):
        return value.__name__
    if callable(value) and not isinstance(value, type) and name_of(value) is not None:
        return {"class_name": FUNCTION, "config": value.__name__} | origin(value)
    if not _is_plain(value):
        raise DataError(
            f"{value!r} cannot be described by plain values; make it a function with a name, or a "
            "class derived from chainrule._src.base.config.Configurable"
        )
    return value


def made(value: Any) -> Any:
    """Return the objects that a description by `plain` stands for.

    Parameters
    ----------
    value : object
        A description: a dict with ``"class_name"`` and ``"config"``, also within lists and dicts.

    Returns
    -------
    object
        Values that are no description are returned unchanged.

    Raises
    ------
    DataError
        If no class or function has the name in the description.

    Examples
    --------
    >>> from chainrule import schedules
    >>> description = schedules.serialize(schedules.ExponentialDecay(0.1, 100, 0.5))
    >>> schedules.deserialize(description)(200)
    0.025
    """
    if isinstance(value, list):
        return [made(item) for item in value]
    if not isinstance(value, Mapping):
        return value
    if not {"class_name", "config"} <= set(value) <= _DESCRIPTION:
        return {key: made(item) for key, item in value.items()}
    if value["class_name"] == FUNCTION:
        return function_of(value)
    cls = class_of(value)
    if cls is None:
        raise DataError(_unknown("class", value))
    return cls.from_config(value["config"])


def class_of(about: Mapping[str, Any], family: str = "") -> Any:
    """Return the class that a description names, or None."""
    name = str(about["class_name"])
    candidate = find(family + name, about) or find(name, about)
    return candidate if isinstance(candidate, type) else None


def function_of(about: Mapping[str, Any]) -> Any:
    """Return the function that a description names.

    Raises
    ------
    DataError
        If there is no such function.
    """
    function = find(str(about["config"]), about)
    if not callable(function) or isinstance(function, type):
        raise DataError(_unknown(FUNCTION, about))
    return function


def own_called(name: str, table: Mapping[str, Any]) -> Any:
    """Return the user's class or function of this name, from `custom_objects` or the registry.

    None if there is none.

    Raises
    ------
    DataError
        If ``table``, which is chainrule's, has a different entry of that name.
    """
    users, builtin = registered(name), _entry(name, table)
    if users is not None and builtin is not None and users is not builtin:
        raise DataError(ambiguous(name))
    return users


def copied(original: Any, **changed: Any) -> Any:
    """Return a new object with the same config, classes and functions as another.

    Parameters
    ----------
    original : Configurable, Sequential
    **changed
        Arguments that get other values.
    """
    with own_things() as objects:
        config = {**original.get_config(), **changed}
    with known_as(objects):
        return type(original).from_config(config)


def _unknown(kind: str, about: Mapping[str, Any]) -> str:
    name = str(about["config" if kind == FUNCTION else "class_name"])
    return (
        f"there is no {kind} {name!r} here: if it is one of your own, decorate it with "
        "keras.saving.register_keras_serializable() and import the module where it is defined "
        f"first; or hand it over as custom_objects={{{re.split('[>.]', name)[-1]!r}: …}}"
    )


def described(
    kind: str, spec: Any, table: Mapping[str, Callable[[], Any]], base: type[Configurable]
) -> Any:
    """Return an object for a name, a class or a description; other values unchanged.

    A description is the result of `plain`, or of Keras's ``serialize``.

    Raises
    ------
    UnknownNameError, DataError
        If there is no such name, or the arguments do not fit the class.
    """
    if isinstance(spec, str):
        users = own_called(spec, table)
        factory = named(kind, spec, table) if users is None else users
        return factory() if users is None or isinstance(users, type) else users
    if isinstance(spec, type) and issubclass(spec, base):
        return spec()
    if not isinstance(spec, Mapping) or "class_name" not in spec:
        return spec
    if spec["class_name"] == FUNCTION:
        return function_of(spec)
    cls = class_of(spec, base.family)
    if cls is None or not issubclass(cls, base):
        if is_own(spec):
            raise DataError(_unknown(kind, spec))
        cls = named(kind, re.split("[>.]", str(spec["class_name"]))[-1], table)
        cls = cls if isinstance(cls, type) else type(cls())
    return cls.from_config(spec.get("config") or {})


def rule_of(
    kind: str, spec: Any, table: Mapping[str, Callable[[], Any]], base: type[Configurable],
    where: str,
) -> Callable[[Any], Any] | None:  # fmt: skip
    """Return a rule for a weight: the object that `described` returns, a function, or None.

    Raises
    ------
    UnknownNameError, DataError
        If ``spec`` is none of these.
    """
    rule: Callable[[Any], Any] | None = described(kind, spec, table, base)
    if rule is None or (callable(rule) and not isinstance(rule, type)):
        return rule
    raise DataError(
        f"{where}: a {kind} must be a name ({', '.join(table)}), a {base.__name__}, a function of "
        f"a weight or None, received {spec!r}"
    )


def named(kind: str, name: str, table: Mapping[str, T]) -> T:
    """Return a table's entry by name; a class's spelling is accepted: ``"L1L2"``, ``"l1_l2"``.

    Raises
    ------
    UnknownNameError
        If there is no such entry.
    """
    entry = _entry(name, table)
    if entry is None:
        raise UnknownNameError(kind, name, table)
    return entry


def _entry(name: str, table: Mapping[str, T]) -> T | None:
    if name in table:
        return table[name]
    return {_letters(key): entry for key, entry in table.items()}.get(_letters(name))


def class_called(name: Any, base: type[Configurable] = Configurable) -> type[Configurable]:
    """Return the configurable class with this name.

    Raises
    ------
    UnknownNameError
        If there is no such class. A class of your own must be defined (imported) first.
    """
    classes = {key: cls for key, cls in CLASSES.items() if issubclass(cls, base)}
    if not isinstance(name, str) or name not in classes:
        raise UnknownNameError(base.__name__.lower(), name, sorted(classes))
    return classes[name]


def _described(cls: type[Configurable]) -> str:
    return cls.family + cls.__name__


def _letters(name: str) -> str:
    return name.replace("_", "").lower()


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, bool | int | float | str)


def _positional(cls: type) -> tuple[str, ...]:
    return signatures(cls)[1]


def _takes_any(cls: type) -> bool:
    return signatures(cls)[2]
