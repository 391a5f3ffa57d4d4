"""Advice for tensors that became plain arrays, and for writes to arrays that a recording uses."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from types import FrameType
from typing import Any

import numpy as np

from chainrule._src.base.errors import TraceError
from chainrule._src.base.registry import provides
from chainrule._src.base.users_code import is_users, place_of

# Functions that scipy.special has, too.
_OWN = {
    "logsumexp": "cr.functions.logsumexp",
    "softmax": "cr.softmax",
    "log_softmax": "cr.functions.log_softmax",
}
_PICKED = "np.take_along_axis(array, t, axis=0), for a matrix with t[:, np.newaxis]"
_ASKED = {
    "np.full": "cannot be filled with a tensor: write np.broadcast_to(t, shape)",
    "np.take": f"of an array does not ask a tensor of positions: write {_PICKED}",
}
_ENTRIES = (
    "an entry of a plain array was set to a tensor, so that its gradient would be lost: collect "
    "the entries in a list and write np.stack(entries), or np.where(mask, a, b)"
)


@provides("error for a plain array of a tensor")
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
        ("scipy.", f"write {_OWN.get(name)}, whose axis is the last one if none is given"),
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
        elif name == "creator":  # stands for NumPy's own function
            pass
        elif home[0] == "numpy":
            function = f"np.{name}" if hasattr(np, name) else ""
        else:
            break
        frame = frame.f_back
    return function


def _entry_refused(error: ValueError) -> TraceError | None:
    """Return an error if ``error`` came from writing a tensor to an entry of a plain array."""
    is_entry = isinstance(error.__cause__, TraceError) and "array element" in str(error)
    return TraceError(_ENTRIES) if is_entry else None


def _write_refused(error: Exception, arrays: list[Any]) -> TraceError | None:
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


@provides("error for a refused write")
def refused_write(error: ValueError, arrays: list[Any]) -> TraceError | None:
    """Return an error with a sentence for one that NumPy raised at a write, or None."""
    return _write_refused(error, arrays) or _entry_refused(error)
