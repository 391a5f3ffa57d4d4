"""What a page may ask for, checked before anything is done."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from chainrule.errors import DataError

FAR = 10**9  # updates
WIDE = 10**6  # numbers of a sample
Check = Callable[[str, Any], Any]


@dataclass(frozen=True)
class Command:
    """Something to do, with what it needs.

    Attributes
    ----------
    do : str
        Of those that are known.
    id : object
        Comes back with the answer.
    given : dict
        Of what may be given, what was.
    """

    do: str
    id: Any
    given: Mapping[str, Any]


def _number(low: float, high: float) -> Check:
    def check(name: str, value: Any) -> float:
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not low <= value <= high
        ):
            raise DataError(f"{name} must be a number from {low:g} to {high:g}, {_got(value)}")
        return float(value)

    return check


def _whole(low: int, high: int) -> Check:
    def check(name: str, value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise DataError(f"{name} must be a whole number from {low} to {high}, {_got(value)}")
        return value

    return check


def _kind(kind: type, words: str) -> Check:
    def check(name: str, value: Any) -> Any:
        if not isinstance(value, kind):
            raise DataError(f"{name} must be {words}, {_got(value)}")
        return value

    return check


def _one_of(*known: str) -> Check:
    def check(name: str, value: Any) -> str:
        if value not in known:
            raise DataError(f"{name} must be one of {', '.join(known)}, {_got(value)}")
        return str(value)

    return check


def _or_none(check: Check) -> Check:
    return lambda name, value: None if value is None else check(name, value)


def _numbers(name: str, value: Any) -> list[float]:
    good = isinstance(value, list) and 0 < len(value) <= WIDE
    if not good or not all(type(x) in (int, float) and math.isfinite(x) for x in value):
        raise DataError(f"{name} must be a list of numbers, {_got(value)}")
    return [float(x) for x in value]


_text, _mapping = _kind(str, "text"), _kind(dict, "an object")

COMMANDS: dict[str, dict[str, Check]] = {
    "hello": {},
    "play": {"rate": _or_none(_number(0.01, 1000))},
    "pause": {},
    "step": {"count": _whole(-FAR, FAR)},
    "epoch": {},
    "seek": {"update": _whole(0, FAR)},
    "set": {
        "rate": _number(1e-6, 100), "momentum": _number(0, 0.999), "batch_size": _whole(1, 1024),
    },
    "restart": {"settings": _mapping},
    "stop": {
        "epoch": _or_none(_number(0, FAR)), "loss": _or_none(_number(-FAR, FAR)),
        "accuracy": _or_none(_number(0, 1)),
    },
    "fork": {},
    "show": {"branch": _text},
    "drop": {"branch": _text},
    "train_on": {"x": _numbers, "y": _number(-FAR, FAR)},
    "mark": {"clear": _kind(bool, "true or false")},
    "mistake": {"name": _or_none(_text)},
    "take": {"what": _text},
}  # fmt: skip
PAGE: dict[str, dict[str, Check]] = {
    "drawn": {},
    "pictures": {"of": _one_of("weights", "gradient", "change"), "page": _whole(0, FAR)},
}
"""What a page says of itself, for the conversation with it."""
NEEDED = {
    "step": ("count",), "seek": ("update",), "show": ("branch",), "drop": ("branch",),
    "train_on": ("x", "y"), "mistake": ("name",), "take": ("what",), "pictures": ("of",),
}  # fmt: skip


def read(message: Any, commands: Mapping[str, Mapping[str, Check]] = COMMANDS) -> Command:
    """Return what a message asks for, of the commands that are known.

    Raises
    ------
    DataError
        If it is no such message, or what it gives is not what is expected.
    """
    if not isinstance(message, dict) or not isinstance(message.get("do"), str):
        raise DataError(f'a message must be an object with "do", {_got(message)}')
    do, known = message["do"], commands.get(message["do"])
    if known is None:
        raise DataError(f"there is no {_short(do)}; known: {', '.join(COMMANDS)}")
    given = {name: value for name, value in message.items() if name not in ("do", "id")}
    for name in given:
        if name not in known:
            takes = ", ".join(known) or "nothing"
            raise DataError(f"{do} takes {takes}; it does not take {_short(name)}")
    for name in NEEDED.get(do, ()):
        if name not in given:
            raise DataError(f"{do} needs {name}")
    return Command(do, message.get("id"), {n: known[n](f"{do}: {n}", v) for n, v in given.items()})


def _got(value: Any) -> str:
    return f"received {_short(value)}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"
