"""Checks of arguments that a signature's annotations ask for: ``units: Positive``.

The arguments of a `Configurable` are checked before its ``__init__`` runs; ``__init__`` gets the
values that the checks return. ``Positive | None`` also accepts None.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from functools import cache, partial, wraps
from types import FunctionType
from typing import Annotated, Any

import numpy as np

from chainrule._src.base.validation import (
    check_count,
    check_each,
    check_flag,
    check_number,
    check_positive,
)

Positive = Annotated[int, check_positive]
Count = Annotated[int, check_count]  # at least 0
Flag = Annotated[bool, check_flag]
Number = Annotated[float, check_number]  # at least 0
Real = Annotated[float, partial(check_number, low=-np.inf)]
PositiveNumber = Annotated[float, partial(check_number, strict=True)]
Share = Annotated[float, partial(check_number, high=1.0)]  # below 1
PositiveShare = Annotated[float, partial(check_number, high=1.0, strict=True)]
Each = Annotated[Any, check_each]  # several whole numbers


def checking(init: Callable[..., None]) -> Callable[..., None]:
    """Return an ``__init__`` that checks the arguments whose annotations are checks."""
    if not isinstance(init, FunctionType):
        return init
    checks = dict(_checks(init))
    if not checks:
        return init

    @wraps(init)
    def checked(self: Any, *args: Any, **kwargs: Any) -> None:
        try:
            bound = _signature(init).bind(self, *args, **kwargs)
        except TypeError:
            init(self, *args, **kwargs)  # raises Python's error for the missing argument
            raise
        bound.apply_defaults()
        for name, (check, or_none) in checks.items():
            value = bound.arguments[name]
            if value is not None or not or_none:
                bound.arguments[name] = check(value, name, type(self).__name__)
        init(*bound.args, **bound.kwargs)

    return checked


def _checks(init: FunctionType) -> Iterator[tuple[str, tuple[Callable[..., Any], bool]]]:
    """Yield the check of each argument that has one, and whether None is accepted."""
    for name, hint in inspect.get_annotations(init).items():
        kind = str(hint).removesuffix(" | None")
        (check, *_) = getattr(init.__globals__.get(kind), "__metadata__", (None,))
        if callable(check):
            yield name, (check, kind != hint)


_signature = cache(inspect.signature)
