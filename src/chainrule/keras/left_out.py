"""Placeholders for names of Keras without a counterpart: they can be imported, but not used."""

from __future__ import annotations

import sys
from typing import Any

from chainrule._src.base.errors import DataError

_DOCUMENTATION = """Stand for Keras's `{name}`, which has no counterpart: using it raises an error.

The error says: {advice}.

Parameters
----------
*args, **options : ignored

Raises
------
DataError
    In any case; the message says what to write instead.

Examples
--------
>>> {name}()  # doctest: +ELLIPSIS
Traceback (most recent call last):
...
chainrule.errors.DataError: {name} of Keras has no counterpart in chainrule: ...
"""


def left_out(name: str, advice: str) -> Any:
    """Return a placeholder class; using it raises an error that says what to write instead."""

    def refuse(*args: Any, **options: Any) -> Any:
        raise DataError(f"{name} of Keras has no counterpart in chainrule: {advice}")

    return type(name, (), {
        "__new__": refuse,
        "__init_subclass__": refuse,
        "__doc__": _DOCUMENTATION.format(name=name, advice=advice),
        "__module__": sys._getframe(1).f_globals["__name__"],  # the module that has the name
    })  # fmt: skip
