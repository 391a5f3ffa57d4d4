"""Names of a function's arguments."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from types import FunctionType
from typing import Any


def argument_names(f: Callable[..., Any], count: int) -> list[str]:
    """Return the names of the first ``count`` positional arguments of ``f``."""
    if type(f) is FunctionType and not vars(f):
        positional: Sequence[str] = f.__code__.co_varnames[: f.__code__.co_argcount]
    else:
        positional = _positional(f)
    names = ["np_" if name == "np" else name for name in positional[:count]]  # np is NumPy
    return names + [f"arg{i}" for i in range(len(names), count)]


def _positional(f: Callable[..., Any]) -> list[str]:
    try:
        parameters = list(inspect.signature(inspect.unwrap(f)).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    kinds = inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD
    return [p.name for p in parameters if p.kind in kinds]
