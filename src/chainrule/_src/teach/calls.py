"""A learner's functions and objects, called by the checks through plain requests.

`ObjectServer` owns the objects; `Candidate` is the proxy that a check calls. Only plain values are
sent between the two, within one process or across a pipe, so one check serves both cases.
"""

from __future__ import annotations

import contextlib
import io
import operator
import traceback
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from chainrule._src.base.errors import DataError
from chainrule._src.base.users_code import is_users
from chainrule._src.teach.expect import Plain, Wrong, short_text
from chainrule._src.teach.plain import decode, encode

Request = dict[str, Any]
Ask = Callable[[Request], dict[str, Any]]
OPERATORS = ("add", "sub", "mul", "truediv", "matmul", "pow", "neg", "getitem")
MOST_TEXT = 2_000
SMALL = 3  # an array of at most this many entries is written in full


class ObjectServer:
    """Answers requests about a learner's functions and classes, and about the objects they create.

    Parameters
    ----------
    names : mapping
        The learner's functions and classes, by name.
    """

    def __init__(self, names: Mapping[str, Any]) -> None:
        self._objects: dict[Any, Any] = dict(names)

    def answer(self, request: Request) -> dict[str, Any]:
        """Return ``{"value": ...}`` or ``{"error": ...}``, the printed text, changed arguments."""
        printed = io.StringIO()
        args = [decode(arg, self._resolve) for arg in request.get("args", ())]
        kwargs = {
            name: decode(arg, self._resolve) for name, arg in request.get("kwargs", {}).items()
        }
        before = [np.copy(arg) if isinstance(arg, np.ndarray) else None for arg in args]
        reply: dict[str, Any]
        try:
            with (
                contextlib.redirect_stdout(_Short(printed)),
                contextlib.redirect_stderr(_Short(io.StringIO())),
                warnings.catch_warnings(action="ignore"),
                np.errstate(all="ignore"),
            ):
                value = getattr(self, f"_{request['do']}")(request, args, kwargs)
                reply = {"value": encode(value, self._keep)}
        except (Exception, SystemExit) as error:
            reply = {"error": error_values(error)}
        reply["printed"] = printed.getvalue()
        reply["changed"] = [
            i for i, (old, new) in enumerate(zip(before, args, strict=True))
            if old is not None and not np.array_equal(old, new, equal_nan=old.dtype.kind == "f")
        ]  # fmt: skip
        return reply

    def object_of(self, of: Any) -> Any:
        """Return the learner's object that a name or number stands for."""
        return self._objects[of]

    def _call(self, request: Request, args: list[Any], kwargs: dict[str, Any]) -> Any:
        function = self._objects[request["of"]]
        if "name" in request:
            function = getattr(function, request["name"])
        return function(*args, **kwargs)

    def _each(self, request: Request, args: list[Any], kwargs: dict[str, Any]) -> Any:
        """Call once per entry of the positional arguments; keyword arguments stay the same."""
        function = getattr(self._objects[request["of"]], request["name"])
        for entry in zip(*args, strict=True):
            function(*entry, **kwargs)

    def _operator(self, request: Request, args: list[Any], kwargs: dict[str, Any]) -> Any:
        if request["name"] not in OPERATORS:
            raise DataError(f"no operator {request['name']}")
        return getattr(operator, request["name"])(*args)

    def _get(self, request: Request, args: list[Any], kwargs: dict[str, Any]) -> Any:
        return getattr(self._objects[request["of"]], request["name"])

    def _itself(self, request: Request, args: list[Any], kwargs: dict[str, Any]) -> Any:
        return self._objects[request["of"]]

    def _set(self, request: Request, args: list[Any], kwargs: dict[str, Any]) -> Any:
        setattr(self._objects[request["of"]], request["name"], args[0])

    def _keep(self, value: Any) -> dict[str, Any]:
        number = len(self._objects)
        self._objects[number] = value
        return {"object": number, "type": type(value).__name__, "callable": callable(value)}

    def _resolve(self, value: dict[str, Any]) -> Any:
        return self._objects[value["object"]]


class _Short(io.TextIOBase):
    """A stream that truncates the printed text to `MOST_TEXT` characters."""

    def __init__(self, into: io.StringIO) -> None:
        self._into = into

    def write(self, text: str) -> int:
        self._into.write(text[: max(0, MOST_TEXT - self._into.tell())])
        return len(text)


def quoted(text: object, most: int = 300) -> str:
    """Return a submission's own words between quotation marks, which they cannot close.

    Examples
    --------
    >>> print(quoted('all right” is the mark'))
    “all right" is the mark”
    """
    words = " ".join(str(text)[:most].split()).replace("“", '"').replace("”", '"')
    return f"“{words}”"


def name_of(text: object, otherwise: str) -> str:
    """Return a name that a submission sends, if it is one and short, or else another word."""
    return text if isinstance(text, str) and text.isidentifier() and len(text) <= 60 else otherwise


def error_text(error: Mapping[str, Any]) -> str:
    """Return an error of a submission as text: its type, its words, and its line."""
    message, line = error.get("message"), error.get("line")
    words = f": {quoted(message)}" if message else ""
    where = f" (line {line}: {quoted(error.get('code', ''), 100)})" if type(line) is int else ""
    return f"{name_of(error.get('type'), 'an error')}{words}{where}"


def error_values(error: BaseException) -> dict[str, Any]:
    """Return an error as plain values, with the last line of the traceback in learner's code."""
    frames = traceback.extract_tb(error.__traceback__)
    where = [frame for frame in frames if is_users(frame.filename)]
    line, code = (where[-1].lineno, where[-1].line or "") if where else (None, "")
    message = " ".join(str(error).split())[:300]
    return {"type": type(error).__name__, "message": message, "line": line, "code": code[:100]}


class Candidate:
    """Proxy of a learner's function or object for a check: arguments and results are plain values.

    Parameters
    ----------
    ask : callable
        Takes a request and returns the answer of an `ObjectServer`.
    of : str or int
        The name or number of the function or object at the server.
    what : str
        The words for this function or object in an error message.
    """

    def __init__(self, ask: Ask, of: str | int, what: str) -> None:
        vars(self).update(_ask=ask, _of=of, _what=what)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function; return its result as a plain value or as another candidate."""
        return self._request("call", self._what, args, kwargs)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        value = self._request("get", f"{self._what}.{name}", name=name)
        if isinstance(value, Candidate):
            vars(value)["_what"] = f"{self._what}.{name}"
        return value

    def __repr__(self) -> str:
        return f"an object, {vars(self)['_what']}"

    def __setattr__(self, name: str, value: Any) -> None:
        self._request("set", f"{self._what}.{name}", (value,), name=name)

    def beside(self, name: str) -> Candidate:
        """Return another function or class of the learner, one that the exercise uses."""
        return Candidate(self._ask, name, name)

    def each(self, name: str, *args: Any, **kwargs: Any) -> None:
        """Call a method once per entry of the arguments, for example an epoch, in one request."""
        self._request("each", f"{self._what}.{name}", args, kwargs, name=name)

    def itself(self) -> Any:
        """Return the learner's object, for exercises that ask for a value and not a function."""
        return self._request("itself", self._what)

    def _request(
        self,
        do: str,
        what: str,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> Any:
        reply = self._ask({
            "do": do, "of": self._of, **more,
            "args": [encode(arg, _handle) for arg in args],
            "kwargs": {name: encode(arg, _handle) for name, arg in (kwargs or {}).items()},
        })  # fmt: skip
        if "error" in reply:
            where = call_text(what, args, kwargs) if do == "call" else what
            raise Wrong(f"{where} raised {error_text(reply['error'])}")
        if reply.get("changed"):
            number = reply["changed"][0] + 1
            raise Plain(f"{what} changes its argument number {number}: work on a copy")
        try:
            value = decode(reply["value"], lambda handle: self._new_candidate(what, handle))
        except (DataError, KeyError, TypeError, ValueError, RecursionError):
            raise Wrong(f"{what} gives what cannot be read") from None
        if value is None and do == "call" and reply.get("printed", "").strip():
            raise Plain(f"{what} prints its result and returns None: end it with a return")
        return value

    def _new_candidate(self, what: str, handle: dict[str, Any]) -> Candidate:
        kind = name_of(handle.get("type"), "object")
        name = kind if handle.get("callable") is False else what
        return Candidate(self._ask, int(handle["object"]), name)


def an_object(value: Any, what: str) -> Any:
    """Return a result, which must be an object of a learner's class and no plain value.

    Raises
    ------
    Wrong
        If the result is a plain value, for example None.
    """
    if not isinstance(value, Candidate):
        ending = ": does it end with a return?" if value is None else ""
        raise Wrong(f"{what} is {short_text(value)}, it must be an object of a class{ending}")
    return value


def _operator(name: str, reverse: bool = False) -> Callable[..., Any]:
    def apply(self: Candidate, *others: Any) -> Any:
        args = (*others, self) if reverse else (self, *others)
        return self._request("operator", f"{self._what} ({name})", args, name=name)

    return apply


for _name in OPERATORS:
    setattr(Candidate, f"__{_name}__", _operator(_name))
    setattr(Candidate, f"__r{_name}__", _operator(_name, reverse=True))


def _handle(value: Any) -> dict[str, Any]:
    if not isinstance(value, Candidate):
        raise DataError(f"a {type(value).__name__} is no plain value")
    return {"object": vars(value)["_of"]}


def call_text(what: str, args: tuple[Any, ...], kwargs: Mapping[str, Any] | None) -> str:
    """Return a call as Python text; an array is written as its shape, unless it is small."""
    arguments = [_short(arg) for arg in args]
    arguments += [f"{name}={_short(arg)}" for name, arg in (kwargs or {}).items()]
    return f"{what}({', '.join(arguments)})"


def _short(arg: Any) -> str:
    if isinstance(arg, Candidate):
        return str(vars(arg)["_what"])
    if isinstance(arg, np.ndarray) and arg.size <= SMALL:
        return short_text(arg)
    if isinstance(arg, np.ndarray) and arg.ndim:
        return f"array of shape {arg.shape}"
    text = repr(arg)
    return text if len(text) <= 40 else f"{type(arg).__name__} …"
