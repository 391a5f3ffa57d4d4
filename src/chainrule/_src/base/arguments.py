"""What an argument may be, told once, by the annotation in a signature: ``units: Positive``.

What is `Configurable` has such arguments checked before its ``__init__`` runs,
which is given what the checks return; ``Positive | None`` lets None pass.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from functools import cache, partial, wraps
from types import FunctionType
from typing import Annotated, Any

import numpy as np

from chainrule._src.base.validation import check_each, check_flag, check_number, check_positive

Positive = Annotated[int, check_positive]
Flag = Annotated[bool, check_flag]
Number = Annotated[float, check_number]  # of at least 0
Real = Annotated[float, partial(check_number, low=-np.inf)]
Share = Annotated[float, partial(check_number, high=1.0)]  # below 1
Each = Annotated[Any, check_each]  # of several whole numbers


def checking(init: Callable[..., None]) -> Callable[..., None]:
    """Return an ``__init__`` that checks the arguments whose annotations say how."""
    if not isinstance(init, FunctionType):
        return init
    checks = dict(_checks(init))
    if not checks:
        return init

    @wraps(init)
    def checked(self: Any, *args: Any, **kwargs: Any) -> None:
        try:
            given = _signature(init).bind(self, *args, **kwargs)
        except TypeError:
            init(self, *args, **kwargs)  # which tells what is missing
            raise
        given.apply_defaults()
        for name, (check, or_none) in checks.items():
            value = given.arguments[name]
            if value is not None or not or_none:
                given.arguments[name] = check(value, name, type(self).__name__)
        init(*given.args, **given.kwargs)

    return checked


def _checks(init: FunctionType) -> Iterator[tuple[str, tuple[Callable[..., Any], bool]]]:
    """Yield the check of each argument that has one, and whether None passes."""
    for name, hint in inspect.get_annotations(init).items():
        kind = str(hint).removesuffix(" | None")
        (check, *_) = getattr(init.__globals__.get(kind), "__metadata__", (None,))
        if callable(check):
            yield name, (check, kind != hint)


_signature = cache(inspect.signature)
