"""Calls of right functions, between a submission's process and that of the functions.

The two share a socket that nobody else reads: a call is one message, its value another. Values are
plain. An object of a right class lives in the submission's process, where its attributes are plain
values, too: a call of a method sends them, and brings them back as the method has left them. The
process that holds the class keeps nothing from one call to the next.
"""

from __future__ import annotations

import builtins
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from chainrule._src.base.errors import DataError
from chainrule._src.teach.calls import error_values
from chainrule._src.teach.confined.frames import receive, send, send_bytes
from chainrule._src.teach.plain import decode, dumps, encode

CALL = "__right__"  # the name among the builtins by which a stand-in calls
NAME = "__stands_for__"  # the attribute of a stand-in's class that holds the name of the right one
MOST_CALLS = 1_000_000  # of right functions, by one exercise
MOST_REPLIES = 64  # replies of one function that are kept, such as the rows of a one-hot encoding

FUNCTION = (
    "def {name}(*args, **kwargs):\n"
    f"    return {CALL}({{name!r}}, args, kwargs, is_fixed={{is_fixed}})\n"
)
CLASS = f"class {{name}}{{bases}}:\n    {NAME} = {{name!r}}\n"
METHOD = (
    "    def {method}(self, *args, **kwargs):\n"
    f"        return {CALL}({{name!r}}, (self, *args), kwargs, {{method!r}})\n"
)


def function_stand_in(name: str, is_fixed: bool) -> str:
    """Return the text of a function that calls the right function.

    If ``is_fixed`` is true, equal arguments always give equal values; some replies are kept.
    """
    return FUNCTION.format(name=name, is_fixed=is_fixed)


def class_stand_in(name: str, bases: str, methods: Sequence[str]) -> str:
    """Return the text of a class whose methods call methods of the right class."""
    each = [METHOD.format(name=name, method=method) for method in methods]
    return "".join([CLASS.format(name=name, bases=f"({bases})" if bases else ""), *each])


class Parcel:
    """Values in their plain form, and the objects of right classes that they hold, each once."""

    def __init__(self) -> None:
        self._objects: list[tuple[str, Any]] = []

    def add(self, name: str, value: Any) -> None:
        """Add an object of the right class of this name."""
        self._objects.append((name, value))

    def encode(self, value: Any) -> Any:
        """Return the plain form of a value."""
        return encode(value, self._reference)

    def decode(self, value: Any) -> Any:
        """Return the value of a plain form."""
        return decode(value, lambda reference: self._objects[reference["instance"]][1])

    def states(self) -> list[Any]:
        """Return the class and the attributes of each object, in their plain form."""
        states = []
        for name, value in self._objects:  # grows by the objects that are attributes of others
            attributes = {key: self.encode(each) for key, each in vars(value).items()}
            states.append([name, attributes])
        return states

    def restore(self, states: Sequence[Any], class_of: Callable[[str], type]) -> None:
        """Give the objects the attributes that `states` returned elsewhere; create new objects."""
        for name, _ in states[len(self._objects) :]:
            self.add(name, object.__new__(class_of(name)))
        for (_, value), (_, attributes) in zip(self._objects, states, strict=True):
            decoded = {key: self.decode(each) for key, each in attributes.items()}
            vars(value).clear()
            vars(value).update(decoded)

    def _reference(self, value: Any) -> dict[str, Any]:
        for number, (_, other) in enumerate(self._objects):
            if other is value:
                return {"instance": number}
        name = vars(type(value)).get(NAME)
        if name is None:
            raise DataError(f"a {type(value).__name__} is no plain value")
        self.add(name, value)
        return {"instance": len(self._objects) - 1}


class RightValues:
    """Values of right functions and methods for a submission, whose calls may be forged.

    Parameters
    ----------
    functions : mapping
        The functions and classes that may be called, by name.
    methods : mapping
        The methods that may be called, by the class's name.
    """

    def __init__(self, functions: Mapping[str, Any], methods: Mapping[str, Sequence[str]]) -> None:
        self._functions, self._methods = functions, methods
        for name in methods:
            setattr(functions[name], NAME, name)

    def serve(self, line: socket.socket) -> None:
        """Answer calls until the other side closes the socket, or has asked too often."""
        for _ in range(MOST_CALLS):
            send(line, self.answer(receive(line)))

    def answer(self, call: Any) -> dict[str, Any]:
        """Return the value of a call, and the objects that it may have changed, or the error.

        Arguments and values are plain, and no line of the solution is in an error.
        """
        try:
            parcel = Parcel()
            parcel.restore(call.get("objects", ()), self._class_of)
            function = self._function(str(call["of"]), call.get("method"))
            args = [parcel.decode(arg) for arg in call["args"]]
            kwargs = {key: parcel.decode(arg) for key, arg in call["kwargs"].items()}
            arrays = [arg for arg in args if isinstance(arg, np.ndarray)]
            before = [arg.tobytes() for arg in arrays]
            reply = {"value": parcel.encode(function(*args, **kwargs))}
            if before != [arg.tobytes() for arg in arrays]:
                raise DataError("a right function that changes its arguments cannot stand in")
            if objects := parcel.states():
                reply["objects"] = objects
            return reply
        except Exception as error:  # a solution may raise any error
            values = error_values(error)
            return {"error": {key: values[key] for key in ("type", "message")}}

    def _function(self, name: str, method: Any) -> Callable[..., Any]:
        function: Callable[..., Any] = self._functions[name]
        if method is None and name not in self._methods:
            return function
        if method not in self._methods.get(name, ()):
            raise DataError(f"{name} has no method of this name")
        bound: Callable[..., Any] = getattr(function, method)
        return bound

    def _class_of(self, name: str) -> type:
        if name not in self._methods:
            raise DataError("no right class has this name")
        right_class: type = self._functions[name]
        return right_class


def call_right(
    line: socket.socket,
    name: str,
    args: Any,
    kwargs: dict[str, Any],
    method: str | None = None,
    is_fixed: bool = False,
) -> Any:
    """Return the value of a right function, or of a right method of the first argument."""
    parcel = Parcel()
    if method:
        parcel.add(name, args[0])
    message = {
        "of": name, "args": [parcel.encode(arg) for arg in args],
        "kwargs": {key: parcel.encode(arg) for key, arg in kwargs.items()},
    }  # fmt: skip
    if method:
        message["method"] = method
    if objects := parcel.states():
        message["objects"] = objects
    reply = _reply(line, dumps(message), _replies.setdefault(name, {}) if is_fixed else None)
    if error := reply.get("error"):
        raise getattr(builtins, error["type"], RuntimeError)(error["message"])
    parcel.restore(reply.get("objects", ()), lambda name: _submission()[name])
    return parcel.decode(reply["value"])


_replies: dict[str, dict[bytes, dict[str, Any]]] = {}  # by the function's name, and the call


def _reply(
    line: socket.socket, call: bytes, replies: dict[bytes, dict[str, Any]] | None
) -> dict[str, Any]:
    if replies and call in replies:
        return replies[call]
    send_bytes(line, call)
    reply: dict[str, Any] = receive(line)
    if replies is not None and len(replies) < MOST_REPLIES:
        replies[call] = reply
    return reply


def _submission() -> dict[str, Any]:
    return vars(sys.modules["submission"])
