"""What cannot be done with a tensor, told with what to write instead."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from types import FrameType
from typing import Any, NoReturn

import numpy as np

from chainrule.errors import TraceError

_OWN = ("logsumexp", "softmax", "log_softmax")  # which scipy.special has as well
COMPLEX = (
    "complex numbers have no gradient in chainrule; write real and imaginary parts as two real "
    "arrays"
)
_ENTRIES = (
    "an entry of a plain array was set to a tensor, so that its gradient would be lost: collect "
    "the entries in a list and write np.stack(entries), or np.where(mask, a, b)"
)


def no_array() -> TraceError:
    """Return the refusal to become a plain array, as who asked for one needs it."""
    asked = _asked()
    if asked == "np.full":
        return TraceError("np.full cannot be filled with a tensor: write np.broadcast_to(t, shape)")
    name = asked.rpartition(".")[2]
    for library, instead in (
        ("pandas", "give the numbers of a data frame with .to_numpy()"),
        ("scipy.sparse.", "make an array of the sparse matrix with .toarray()"),
        ("scipy.", f"write cr.{name}, whose axis is the last one if none is given"),
    ):
        if asked.startswith(library):
            if library == "scipy." and name not in _OWN:
                instead = "write it in the functions that docs/functions.md lists"
            return TraceError(
                f"{asked} makes a plain array of a tensor, so that its gradient would be lost: "
                + instead
            )
    return TraceError(
        f"{asked}{': ' * bool(asked)}a tensor cannot become a plain array: its gradient would be "
        "lost. For a list of tensors write np.stack([...]), also to fill an array entry by entry; "
        "for array.dot(t) write array @ t, for np.int64(t) t.astype(int); leave np.asarray away, "
        "NumPy's functions take tensors; to index an array with a tensor, write "
        "np.take(array, t, axis=0), or cr.one_hot(n, t) for "
        "np.eye(n)[t]; for the bare number, read t.value"
    )


def _asked() -> str:
    """Return the library's function that the user's code called, as far as it is Python."""
    frame: FrameType | None = sys._getframe(3)
    found = ""
    while frame is not None:
        home = str(frame.f_globals.get("__name__", "")).split(".")
        name = frame.f_code.co_name
        if home[0] == "pandas":
            found = "pandas"
        elif home[0] == "scipy":
            found = ".".join([*(part for part in home if not part.startswith("_")), name])
        elif home[0] == "numpy":
            found = f"np.{name}" if hasattr(np, name) else ""
        else:
            break
        frame = frame.f_back
    return found


def entry_refused(error: ValueError) -> TraceError | None:
    """Return the refusal of a plain array's entry that is set to a tensor, if the error is that."""
    ours = isinstance(error.__cause__, TraceError) and "array element" in str(error)
    return TraceError(_ENTRIES) if ours else None


def not_covered(name: str, options: Mapping[str, Any] | None = None) -> NoReturn:
    """Refuse a function that has no gradient, or not with these options."""
    given = f" with {', '.join(f'{key}=' for key in options)}" if options else ""
    raise TraceError(
        f"{name}{given} has no gradient in chainrule; compose it from functions that have one "
        "(docs/functions.md lists them), or take what it needs out of the differentiated function"
    )


def numpy_name(function: Callable[..., Any]) -> str:
    """Return a function's name as it is written."""
    return f"{function.__module__}.{function.__name__}".replace("numpy", "np")


def after_call(error: TypeError) -> str:
    """Return what Python says of a wrong call, without the name of the function behind it."""
    return str(error).partition("() ")[2] or str(error)
