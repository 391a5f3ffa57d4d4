"""Registry of functions that higher wings provide for methods of lower wings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_provided: dict[str, Callable[..., Any]] = {}


def provides(name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return a decorator that registers the function under this name.

    A method of a lower wing calls the function as ``provided(name)``.

    Examples
    --------
    >>> @provides("a doctest's greeting")
    ... def greeting(whom):
    ...     return f"hello {whom}"
    >>> provided("a doctest's greeting")("world")
    'hello world'
    """

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        _provided[name] = function
        return function

    return register


def provided(name: str) -> Callable[..., Any]:
    """Return the function that a higher wing registered under this name."""
    return _provided[name]
