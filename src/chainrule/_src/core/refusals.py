"""Error messages for operations that tensors do not support, with the code to write instead.

A supporting module of `tensor` and `methods`.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NoReturn

import numpy as np

from chainrule._src.base.arrays import numeric
from chainrule._src.base.errors import DataError, TraceError

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
# Attribute → advice, and functions that return advice; the wing `ops` fills both.
ATTRIBUTES: dict[str, str] = {}
INSTEAD: list[Callable[..., str]] = []


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
