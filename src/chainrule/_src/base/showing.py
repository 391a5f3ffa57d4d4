"""Objects as a console shows them: the class and its arguments, never long."""

from __future__ import annotations

import inspect
import re
import reprlib
from collections.abc import Callable
from functools import cache
from typing import Any

LONGEST = 160  # characters of what a console shows of a thing


class _ShortRepr(reprlib.Repr):
    """Arrays by their shapes, functions by their names, the rest by its first parts."""

    def __init__(self) -> None:
        super().__init__()
        self.maxstring = self.maxother = 60

    def repr_ndarray(self, array: Any, level: int) -> str:
        return f"{array.dtype} {array.shape}"

    def repr_function(self, function: Any, level: int) -> str:
        return str(function.__name__)

    repr_builtin_function_or_method = repr_ufunc = repr_type = repr_function
    repr__ArrayFunctionDispatcher = repr_function  # noqa: N815  (NumPy's own functions)


def short(thing: Any) -> str:
    """Return a thing as a console shows it, on one line that is never long.

    Examples
    --------
    >>> short({"W": np.zeros((64, 10)), "rule": np.tanh, "rows": list(range(1000))})
    "{'W': float64 (64, 10), 'rows': [0, 1, 2, 3, 4, 5, ...], 'rule': tanh}"
    """
    return cut(" ".join(_SHORT.repr(thing).split()))


def cut(text: str, end: str = "") -> str:
    """Return a text of at most `LONGEST` characters, and its end."""
    return (text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}...") + end


_SHORT = _ShortRepr()


class Shown:
    """Its repr: the class and the arguments that are not as usual, never long."""

    def __repr__(self) -> str:
        cls = type(self)
        usual = {name: short(value) for name, value in arguments(cls).items()}
        if usual.get("name") == "None":
            usual["name"] = repr(snake_case(cls.__name__))
        told = {name: short(value) for name, value in self._as_made().items()}
        changed = [f"{n}={text}" for n, text in told.items() if text != usual.get(n)]
        return cut(f"{cls.__name__}({', '.join(changed)}", ")")

    def _as_made(self) -> dict[str, Any]:
        """Return the arguments as they are now, as far as they are attributes."""
        held = vars(self)
        return {name: held[name] for name in arguments(type(self)) if name in held}


@cache
def signatures(cls: type) -> tuple[dict[str, Any], tuple[str, ...], bool]:
    """Return a class's arguments with their defaults, the positional ones, and if it takes any.

    Where ``__init__`` hands ``**options`` on, those of the class before it count as well.
    """
    found: dict[str, Any] = {}
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
            found.setdefault(p.name, None if p.default is p.empty else p.default)
        if not any(p.kind == p.VAR_KEYWORD for p in parameters):
            return found, positional, False
    return found, positional or (), ancestor is not object


def arguments(cls: type) -> dict[str, Any]:
    """Return the arguments of a class with their defaults; None where there is none."""
    return signatures(cls)[0]


@cache
def snake_case(name: str) -> str:
    """Return a class's name as Keras writes names.

    Examples
    --------
    >>> snake_case("MaxPooling2D"), snake_case("KLDivergence"), snake_case("R2Score")
    ('max_pooling2d', 'kl_divergence', 'r2_score')
    """
    name = re.sub(r"\W", "", name)
    name = re.sub(r"(.)([A-Z][a-z0-9]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()
