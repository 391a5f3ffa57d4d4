"""Texts of objects for the console: the class and its arguments, in bounded length."""

from __future__ import annotations

import inspect
import re
import reprlib
from collections.abc import Callable
from functools import cache
from typing import Any

LONGEST = 160  # characters of an object's text


class _ShortRepr(reprlib.Repr):
    """Writes arrays by shape, functions by name, and only the first parts of other objects."""

    def __init__(self) -> None:
        super().__init__()
        self.maxstring = self.maxother = 60

    def repr_ndarray(self, array: Any, level: int) -> str:
        return f"{array.dtype} {array.shape}"

    def repr_function(self, function: Any, level: int) -> str:
        return str(function.__name__)

    repr_builtin_function_or_method = repr_ufunc = repr_type = repr_function
    repr__ArrayFunctionDispatcher = repr_function  # noqa: N815  (NumPy's own functions)


def short(value: Any) -> str:
    """Return the text of a value on one line of bounded length.

    Examples
    --------
    >>> import numpy as np
    >>> short({"W": np.zeros((64, 10)), "rule": np.tanh, "rows": list(range(1000))})
    "{'W': float64 (64, 10), 'rows': [0, 1, 2, 3, 4, 5, ...], 'rule': tanh}"
    """
    return cut(" ".join(_SHORT.repr(value).split()))


def cut(text: str, end: str = "") -> str:
    """Return a text of at most `LONGEST` characters, followed by ``end``."""
    return (text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}...") + end


_SHORT = _ShortRepr()


class Shown:
    """Base of classes whose repr is the class and the arguments that differ from the defaults."""

    def __repr__(self) -> str:
        cls = type(self)
        defaults = {name: short(value) for name, value in arguments(cls).items()}
        if defaults.get("name") == "None":
            defaults["name"] = repr(snake_case(cls.__name__))
        texts = {name: short(value) for name, value in self._as_made().items()}
        changed = [f"{n}={text}" for n, text in texts.items() if text != defaults.get(n)]
        return cut(f"{cls.__name__}({', '.join(changed)}", ")")

    def _as_made(self) -> dict[str, Any]:
        """Return the arguments that are attributes, with their current values."""
        attributes = vars(self)
        return {name: attributes[name] for name in arguments(type(self)) if name in attributes}


@cache
def signatures(cls: type) -> tuple[dict[str, Any], tuple[str, ...], bool]:
    """Return a class's arguments with defaults, its positional arguments, and if it takes any.

    If ``__init__`` passes ``**options`` on, the arguments of its base class are included.
    """
    defaults: dict[str, Any] = {}
    positional: tuple[str, ...] | None = None
    for ancestor in cls.__mro__:
        if "__init__" not in vars(ancestor):
            continue
        function: Callable[..., Any] = vars(ancestor)["__init__"]
        parameters = list(inspect.signature(function).parameters.values())[1:]
        named = [p for p in parameters if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)]
        if positional is None:
            positional = tuple(p.name for p in named if p.kind != p.KEYWORD_ONLY)
        for p in named:
            defaults.setdefault(p.name, None if p.default is p.empty else p.default)
        if not any(p.kind == p.VAR_KEYWORD for p in parameters):
            return defaults, positional, False
    return defaults, positional or (), ancestor is not object


def arguments(cls: type) -> dict[str, Any]:
    """Return the arguments of a class with their defaults; None for an argument without default."""
    return signatures(cls)[0]


@cache
def snake_case(name: str) -> str:
    """Return a class's name in Keras's spelling of names.

    Examples
    --------
    >>> snake_case("MaxPooling2D"), snake_case("KLDivergence"), snake_case("R2Score")
    ('max_pooling2d', 'kl_divergence', 'r2_score')
    """
    name = re.sub(r"\W", "", name)
    name = re.sub(r"(.)([A-Z][a-z0-9]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()
