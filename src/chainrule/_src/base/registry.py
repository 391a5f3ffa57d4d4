"""What higher wings provide for methods of lower ones, by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])
_provided: dict[str, Callable[..., Any]] = {}


def provides(name: str) -> Callable[[F], F]:
    """Return a decorator: the function does what a method of a lower wing calls by this name.

    Examples
    --------
    >>> @provides("a doctest's greeting")
    ... def greeting(whom):
    ...     return f"hello {whom}"
    >>> provided("a doctest's greeting")("world")
    'hello world'
    """

    def register(function: F) -> F:
        _provided[name] = function
        return function

    return register


def provided(name: str) -> Callable[..., Any]:
    """Return the function that a higher wing provides under a name."""
    return _provided[name]
