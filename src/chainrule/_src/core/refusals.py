"""Error messages for operations that tensors do not support, with the code to write instead.

A supporting module of `tensor` and `methods`.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import FrameType
from typing import Any, NoReturn

import numpy as np

from chainrule._src.base.arrays import numeric
from chainrule._src.base.errors import DataError, TraceError
from chainrule._src.base.users_code import is_users, place_of

_OWN = ("logsumexp", "softmax", "log_softmax")  # our functions that scipy.special has, too
WRITTEN = "the gradient would be lost. Build a new one, with np.where(mask, a, b) or np.concatenate"
BRANCH = (
    "the code branches on a value that is being recorded, so its lines would hold for these values "
    "alone. Write np.where(condition, a, b) instead of if and else"
)
FLAG = (
    "the code branches on an argument, which is recorded as data. A flag that chooses what the "
    "function does is fixed before: record lambda w: f(w, True) or functools.partial(f, flag=True)"
)
WHOLE = (
    "a whole number among the arguments is recorded as data, so that it cannot tell shapes, "
    "lengths or indices. Where it does, fix it before: record lambda w: f(w, 3) or "
    "functools.partial(f, n=3)"
)
_PICKED = "np.take_along_axis(array, t, axis=0), for a matrix with t[:, np.newaxis]"
_ASKED = {
    "np.full": "cannot be filled with a tensor: write np.broadcast_to(t, shape)",
    "np.take": f"of an array does not ask a tensor of positions: write {_PICKED}",
}
# Attribute → advice, and functions that return advice; the wing `ops` fills both.
ATTRIBUTES: dict[str, str] = {}
INSTEAD: list[Callable[..., str]] = []
_ENTRIES = (
    "an entry of a plain array was set to a tensor, so that its gradient would be lost: collect "
    "the entries in a list and write np.stack(entries), or np.where(mask, a, b)"
)


def no_array() -> TraceError:
    """Return the error for a conversion to a plain array; advice depends on the caller."""
    caller = _caller()
    if caller in _ASKED:
        return TraceError(f"{caller} {_ASKED[caller]}")
    name = caller.rpartition(".")[2]
    for library, instead in (
        ("pandas", "give the numbers of a data frame with .to_numpy()"),
        ("np.ma", "give the numbers of a masked array with .filled(value)"),
        ("scipy.sparse.", "make an array of the sparse matrix with .toarray()"),
        ("scipy.", f"write cr.{name}, whose axis is the last one if none is given"),
    ):
        if caller.startswith(library):
            if library == "scipy." and name not in _OWN:
                instead = "write it in the functions that docs/functions.md lists"
            return TraceError(
                f"{caller} makes a plain array of a tensor, so that its gradient would be lost: "
                + instead
            )
    return TraceError(
        f"{caller}{': ' * bool(caller)}a tensor cannot become a plain array: its gradient would be "
        "lost. For a list of tensors write np.stack([...]), also to fill an array entry by entry; "
        "for array.dot(t) write array @ t, for np.int64(t) t.astype(int); leave np.asarray away, "
        "NumPy's functions take tensors; to index an array with a tensor, write "
        f"{_PICKED}, or cr.one_hot(n, t) for np.eye(n)[t]; for the bare number, read t.value"
    )


def _caller() -> str:
    """Return the name of the library function that the user's code called, or ""."""
    frame: FrameType | None = sys._getframe(3)
    function = ""
    while frame is not None:
        home = str(frame.f_globals.get("__name__", "")).split(".")
        name = frame.f_code.co_name
        if home[0] == "pandas":
            function = "pandas"
        elif home[0] == "scipy":
            function = ".".join([*(part for part in home if not part.startswith("_")), name])
        elif home[:2] == ["numpy", "ma"]:
            function = "np.ma"
        elif home[0] == "numpy":
            function = f"np.{name}" if hasattr(np, name) else ""
        else:
            break
        frame = frame.f_back
    return function


def entry_refused(error: ValueError) -> TraceError | None:
    """Return an error if ``error`` came from writing a tensor to an entry of a plain array."""
    is_entry = isinstance(error.__cause__, TraceError) and "array element" in str(error)
    return TraceError(_ENTRIES) if is_entry else None


def write_refused(error: Exception, arrays: list[Any]) -> TraceError | None:
    """Return an error that names variable and line, if ``error`` came from a refused write."""
    if not arrays or not re.search("read-only|writable", str(error)):
        return None
    for name, array in _variables(error):
        if any(np.may_share_memory(array, other) for other in arrays):
            return TraceError(
                f"{place_of(error)}{name} is written to after a recorded operation has used it, so "
                "that gradients would be taken with other numbers. Write to a copy, "
                f"{name} = {name}.copy(), or make a new array instead"
            )
    return None


def _variables(error: Exception) -> Iterator[tuple[str, Any]]:
    """Yield the name and value of each array in the user's innermost line."""
    frame: FrameType | None = None
    where = error.__traceback__
    while where is not None:
        if is_users(where.tb_frame.f_code.co_filename):
            frame = where.tb_frame
        where = where.tb_next
    if frame is None:
        return
    line = re.search(r"`(.*)`: $", place_of(error))
    words = re.findall(r"\w+", line[1]) if line and line[1] else None  # None: no source code
    names = {name: frame.f_globals.get(name) for name in frame.f_code.co_names} | frame.f_locals
    for name, value in names.items():
        if words is None or name in words:
            yield from _arrays_in(name, value, words)


def _arrays_in(name: str, value: Any, words: list[str] | None) -> Iterator[tuple[str, Any]]:
    """Yield an array, or the arrays in a container or in the attributes of an object."""
    if isinstance(value, np.ndarray):
        yield name, value
        return
    parts: dict[str, Any] = {}
    if isinstance(value, Mapping):
        parts = {f"{name}[{key!r}]": part for key, part in value.items()}
    elif isinstance(value, list | tuple):
        parts = {f"{name}[{i}]": part for i, part in enumerate(value)}
    elif hasattr(value, "__dict__"):
        attributes = vars(value).items()
        parts = {f"{name}.{key}": v for key, v in attributes if words is None or key in words}
    yield from ((key, part) for key, part in parts.items() if isinstance(part, np.ndarray))


def _alternative(name: str, method: str = "__call__", options: tuple[str, ...] = ()) -> str:
    """Return a sentence that says what to write instead."""
    return "; ".join(instead(name, method, options) for instead in INSTEAD)


def not_covered(name: str, method: str = "__call__", options: Iterable[str] = ()) -> NoReturn:
    """Refuse a function that has no gradient, at least not with these options."""
    function = name if method == "__call__" else f"{name}.{method}"
    with_options = f" with {', '.join(f'{key}=' for key in options)}" if options else ""
    instead = _alternative(name, method, tuple(options))
    raise TraceError(f"{function}{with_options} has no gradient in chainrule; {instead}")


def no_attribute(name: str) -> AttributeError:
    """Return the error for an attribute that arrays have and tensors do not have."""
    if name in ATTRIBUTES:
        return NoAttributeError(f"t.{name} of a tensor {ATTRIBUTES[name]}")
    return AttributeError(f"'Tensor' object has no attribute {name!r}")


class OuterTensorError(TraceError):
    """The recorded function uses a tensor of a transformation around the recording."""

    def __init__(self) -> None:
        super().__init__(
            "the recorded function reads a tensor of the transformation around it, for instance of "
            "cr.grad: give the tensor as an argument"
        )


class NoAttributeError(TraceError, AttributeError):
    """Arrays have this attribute, tensors do not: ``hasattr`` returns False."""


def refuse_operands(name: str, operands: Sequence[Any]) -> None:
    """Refuse the first operand that is not made of real numbers."""
    for operand in operands:
        array = operand if hasattr(operand, "dtype") else np.asarray(operand)
        numeric(array, "an operand", name, TraceError)


def check_named(call: Any, names: Iterable[str], where: str) -> None:
    """Refuse keyword arguments, unless the called function takes ``**kwargs``."""
    code = getattr(call, "__code__", None)
    if code is not None and not code.co_flags & inspect.CO_VARKEYWORDS:
        raise DataError(
            f"{where}: give {', '.join(names)} by position, or fix what is no array before, with "
            "functools.partial or a lambda"
        )


def numpy_name(function: Callable[..., Any]) -> str:
    """Return a function's name as code writes it, for instance ``np.linalg.inv``."""
    return f"{function.__module__}.{function.__name__}".replace("numpy", "np")


def invoke(function: Callable[..., Any], target: Callable[..., Any], args: Any, named: Any) -> Any:
    """Call the function that replaces a NumPy function; refuse arguments that it does not take."""
    try:
        return target(*args, **named)
    except TypeError as error:
        if not re.search("unexpected keyword argument|positional argument", str(error)):
            raise
        # Python's message names the replacement; ours must name NumPy's function.
        message = str(error).partition("() ")[2] or str(error)
        options = tuple(re.findall(r"argument '(\w+)'", message))
        instead = f"; {_alternative('', options=options)}" if options else ""
        raise TraceError(f"{numpy_name(function)} of a tensor: {message}{instead}") from None
