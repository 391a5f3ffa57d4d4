"""Messages as commands: a table maps requests to their fields and functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from chainrule._src.base.errors import DataError
from chainrule._src.blackboard.fields import Check, Members, Number, brief, or_none, received, text

IDENTITY = or_none(Number(0, 2**53 - 1, whole=True))  # as JavaScript counts


@dataclass(frozen=True)
class Request:
    """An entry of a table: a request that pages may send.

    Attributes
    ----------
    run : callable
        The function that fulfils the request. It takes the object that owns the table, further
        positional arguments of that object, and the fields of the message by name.
    fields : dict of str to check
        The check of each field, by name.
    needed : tuple of str
        Names of fields that must be present.
    """

    run: Callable[..., None]
    fields: Mapping[str, Check] = field(default_factory=dict)
    needed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Command:
    """A message whose fields have all been checked.

    Attributes
    ----------
    do : str
        The name of an entry of the table.
    id : int or None
        Identifier that the answer repeats.
    fields : dict
        The fields of the message, checked, by name.
    """

    do: str
    id: int | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)


def read(message: Any, table: Mapping[str, Request]) -> Command:
    """Check all fields of a message, and return its command.

    Parameters
    ----------
    message : object
    table : dict of str to Request

    Raises
    ------
    DataError
        If the table has no such request, or a field is unknown, missing, of another type, out of
        range or too long.

    Examples
    --------
    >>> table = {"step": Request(print, {"by": Number(-9, 9, whole=True)}, needed=("by",))}
    >>> read({"do": "step", "by": 3}, table)
    Command(do='step', id=None, fields={'by': 3})
    >>> read({"do": "step", "by": 10}, table)
    Traceback (most recent call last):
    chainrule.errors.DataError: step: by must be a whole number from -9 to 9, received 10
    """
    if not isinstance(message, dict):
        raise DataError(f'a message must be an object with "do", {received(message)}')
    do = text("do", message.get("do"))
    if do not in table:
        raise DataError(f"there is no {brief(do)}; known: {', '.join(table)}")
    fields = {name: value for name, value in message.items() if name not in ("do", "id")}
    for name in table[do].needed:
        if name not in fields:
            raise DataError(f"{do} needs {name}")
    return Command(do, identity(message), Members(table[do].fields, "field")(do, fields))


def identity(message: Mapping[str, Any]) -> int | None:
    """Return a message's identifier, which the answer repeats.

    Raises
    ------
    DataError
        If the identifier is no whole number.
    """
    number: int | None = IDENTITY("id", message.get("id"))
    return number
