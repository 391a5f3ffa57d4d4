"""Documents of plain values as strict JSON, with limits on size and depth.

JSON has no NaN and no infinities: they are written as ``{"$float": "nan"}``. A key of the
document that begins with a dollar sign gets a second dollar sign.
"""

from __future__ import annotations

import json
import math
import reprlib
from collections.abc import Mapping
from typing import Any, NoReturn

import numpy as np

from chainrule._src.base.errors import DataError

MAX_DEPTH = 100
MAX_VALUES = 1_000_000
NON_FINITE = {repr(value): value for value in (math.nan, math.inf, -math.inf)}


def to_json(document: Mapping[str, Any]) -> str:
    """Return a document as JSON.

    Parameters
    ----------
    document : dict
        Dicts with strings as keys, lists, tuples (they come back as lists), strings, numbers
        (NumPy's scalars come back as Python's), booleans and None, nested up to 100 deep.

    Raises
    ------
    DataError
        If the document holds anything else; the message names the place.

    Examples
    --------
    >>> print(to_json({"loss": [0.5, float("nan")], "$": 1}))
    {"loss": [0.5, {"$float": "nan"}], "$$": 1}
    """
    if not isinstance(document, Mapping):
        raise DataError(f"a document must be a dict, received {reprlib.repr(document)}")
    try:
        return json.dumps(_encoded(document, "document", 0), ensure_ascii=False, allow_nan=False)
    except DataError:
        raise
    except ValueError as error:  # a whole number of thousands of digits
        raise DataError(f"the document cannot be written: {error}") from error


def from_json(text: str) -> dict[str, Any]:
    """Return the document that `to_json` wrote.

    Raises
    ------
    DataError
        If the text is not such a document.

    Examples
    --------
    >>> from_json('{"loss": [0.5, {"$float": "nan"}], "$$": 1}')
    {'loss': [0.5, nan], '$': 1}
    """
    document = _decoded(parse_json(text), 0)
    if not isinstance(document, dict):
        raise DataError("its document is no JSON object")
    return document


def parse_json(text: str) -> Any:
    """Parse strict JSON: no NaN, no duplicate keys, no more values than `MAX_VALUES`.

    Raises
    ------
    DataError
        If the text is not such JSON.
    """
    check_count(text)
    try:
        return json.loads(text, object_pairs_hook=_object, parse_constant=_refuse)
    except DataError:
        raise
    except RecursionError:
        raise _too_deep() from None
    except ValueError as error:
        raise DataError(f"its JSON is broken: {error}") from error


def check_count(text: str) -> None:
    """Refuse a text that could hold too many values: each follows a comma or a bracket."""
    if text.count(",") + text.count("[") + text.count("{") >= MAX_VALUES:
        raise DataError(
            f"there may be over {MAX_VALUES:,} values in the document, more than is read; "
            "keep long lists as arrays"
        )


def _encoded(value: Any, where: str, depth: int) -> Any:
    """Convert a value to types that JSON can represent."""
    if depth > MAX_DEPTH:
        raise _too_deep()
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {"$float": repr(float(value))}
    if isinstance(value, str):
        return _unicode(value, where)
    if isinstance(value, list | tuple):
        return [_encoded(each, f"{where}[{i}]", depth + 1) for i, each in enumerate(value)]
    if isinstance(value, Mapping):
        return {
            _key(key, where): _encoded(each, f"{where}[{key!r}]", depth + 1)
            for key, each in value.items()
        }
    raise DataError(
        f"{where} must be a plain value (dict, list, string, number, bool or None), received "
        f"{reprlib.repr(value)}; arrays are kept beside the document"
    )


def _decoded(value: Any, depth: int) -> Any:
    """Convert a value from JSON back to the document's value."""
    if depth > MAX_DEPTH:
        raise _too_deep()
    if isinstance(value, float) and not math.isfinite(value):
        raise DataError("its document holds a number that is too large")
    if isinstance(value, str):
        return _unicode(value, "its document")
    if isinstance(value, list):
        return [_decoded(each, depth + 1) for each in value]
    if not isinstance(value, dict):
        return value
    if any(key.startswith("$") and not key.startswith("$$") for key in value):
        return _non_finite(value)
    return {
        _unicode(key, "its document").removeprefix("$"): _decoded(each, depth + 1)
        for key, each in value.items()
    }


def _key(key: Any, where: str) -> str:
    if not isinstance(key, str):
        raise DataError(f"the keys of {where} must be strings, received {reprlib.repr(key)}")
    return _unicode("$" + key if key.startswith("$") else key, where)


def _non_finite(value: dict[str, Any]) -> float:
    """Return the NaN or infinity that an object such as ``{"$float": "nan"}`` stands for."""
    name = value.get("$float")
    if len(value) > 1 or not isinstance(name, str) or name not in NON_FINITE:
        raise DataError(f"its document holds {reprlib.repr(value)}, which is no number")
    return NON_FINITE[name]


def _unicode(text: str, where: str) -> str:
    """Return the string; refuse it if it cannot be written as UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise DataError(f"{where} holds a string that is no valid Unicode: {error}") from error
    return text


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return a JSON object as a dict; refuse duplicate keys."""
    mapping = dict(pairs)
    if len(mapping) < len(pairs):
        raise DataError("its JSON holds a key twice")
    return mapping


def _refuse(constant: str) -> NoReturn:
    raise DataError(f"its JSON holds {constant}, which strict JSON does not have")


def _too_deep() -> DataError:
    return DataError(f"the document is nested over {MAX_DEPTH} deep")
