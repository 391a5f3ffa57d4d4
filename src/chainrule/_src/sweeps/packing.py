"""Checkpoints of many members in one file; those of equal form are stacked in large arrays."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from chainrule._src.base.errors import DataError, FileError
from chainrule._src.data.storage import read_tensors, write_tensors
from chainrule._src.sweeps.member import Checkpoint

KIND = "sweep"
# Kinds of leaves: an array, a number that fits into an array, or any other plain value.
ARRAY, WHOLE, REAL, FLAG, PLAIN = "$array", "$int", "$float64", "$bool", "$plain"
_COLUMNS: dict[str, Any] = {WHOLE: np.int64, REAL: np.float64, FLAG: np.bool_}
_OPEN, _LIST, _CLOSE = "$dict", "$list", "$end"


def write_checkpoints(path: Path, checkpoints: Mapping[int, Checkpoint]) -> None:
    """Write members' checkpoints atomically.

    Raises
    ------
    FileError
        If the file cannot be written.
    """
    groups: dict[Any, tuple[list[int], list[list[Any]]]] = {}
    for number, checkpoint in checkpoints.items():
        form: list[Any] = []
        flat: list[Any] = []
        _flatten(checkpoint, form, flat)
        group = groups.setdefault(tuple(form), ([], []))
        group[0].append(number)
        group[1].append(flat)
    arrays, document = {}, []
    for i, (form, (numbers, leaves)) in enumerate(groups.items()):
        arrays[f"{i}/numbers"] = np.array(numbers, np.int64)
        plain: dict[str, list[Any]] = {}
        marks = [part for part in form if _is_leaf(part)]
        for j, (mark, column) in enumerate(zip(marks, zip(*leaves, strict=True), strict=True)):
            if mark == PLAIN:  # equal values, such as the state of generators, are stored once
                same = column.count(column[0]) == len(column)
                plain[str(j)] = [column[0]] if same else list(column)
            elif mark in _COLUMNS:
                arrays[f"{i}/{j}"] = np.array(column, _COLUMNS[mark])
            else:
                arrays[f"{i}/{j}"] = np.stack(column)
        names = [ARRAY if isinstance(part, tuple) else part for part in form]
        document.append({"form": names, "plain": plain})
    write_tensors(path, arrays, {"groups": document, "crc": _crc(arrays)}, kind=KIND)


def read_checkpoints(path: Path) -> dict[int, Callable[[], Checkpoint]]:
    """Return, by member, functions that make the stored checkpoints from views of large arrays.

    Raises
    ------
    FileError
        If the file does not exist, or is damaged.
    """
    arrays, document = read_tensors(path, kind=KIND)
    if document.get("crc") != _crc(arrays):
        raise FileError(f"cannot read {path}: its checksum is wrong")
    makers: dict[int, Callable[[], Checkpoint]] = {}
    try:
        for i, group in enumerate(document["groups"]):
            columns = {int(j): values for j, values in group["plain"].items()}
            numbers = arrays.pop(f"{i}/numbers").tolist()
            for name in [name for name in arrays if name.startswith(f"{i}/")]:
                columns[int(name.partition("/")[2])] = arrays.pop(name)
            parts = iter(group["form"])
            make = _maker(next(parts), parts, iter([columns[j] for j in range(len(columns))]))
            makers.update({number: partial(make, row) for row, number in enumerate(numbers)})
    except (LookupError, TypeError, ValueError, AttributeError, StopIteration) as error:
        raise FileError(f"cannot read {path}: its checkpoints are damaged: {error}") from error
    return makers


def _crc(arrays: Mapping[str, Any]) -> int:
    crc = 0
    for name in sorted(arrays):
        crc = zlib.crc32(np.ascontiguousarray(arrays[name]).tobytes(), crc)
    return crc


def _flatten(tree: Any, form: list[Any], leaves: list[Any]) -> None:
    """Append the structure of a tree to ``form``, and its leaves to ``leaves``."""
    kind = type(tree)
    if kind is np.ndarray or isinstance(tree, np.generic):
        form.append((tree.dtype.str, tree.shape))
        leaves.append(tree)
    elif kind is dict:
        form.append(_OPEN)
        for key, part in tree.items():
            if type(key) is not str or key[:1] == "$":
                raise DataError(f"sweep: a checkpoint's names are texts without '$', not {key!r}")
            form.append(key)
            _flatten(part, form, leaves)
        form.append(_CLOSE)
    elif kind is list or kind is tuple:
        form.append(_LIST)
        for part in tree:
            _flatten(part, form, leaves)
        form.append(_CLOSE)
    else:
        form.append(_mark(kind, tree))
        leaves.append(tree)


def _mark(kind: type, value: Any) -> str:
    if kind is int and -(2**63) <= value < 2**63:
        return WHOLE
    if kind is float:
        return REAL
    return FLAG if kind is bool else PLAIN


def _is_leaf(part: Any) -> bool:
    return isinstance(part, tuple) or part in (WHOLE, REAL, FLAG, PLAIN)


def _maker(part: str, parts: Iterator[str], columns: Iterator[Any]) -> Callable[[int], Any]:
    """Return a function of a row number that rebuilds a tree; ``part`` begins its form."""
    if part == _LIST:
        items = [_maker(p, parts, columns) for p in iter(partial(next, parts), _CLOSE)]
        return lambda row: [make(row) for make in items]
    if part == _OPEN:
        keys = iter(partial(next, parts), _CLOSE)
        named = {key: _maker(next(parts), parts, columns) for key in keys}
        return lambda row: {key: make(row) for key, make in named.items()}
    values = next(columns)
    if part == PLAIN:
        if len(values) == 1:
            return lambda row: values[0]
        return lambda row: values[row]
    if part == ARRAY:
        return lambda row: np.asarray(values[row])
    if part in _COLUMNS:
        return lambda row: values[row].item()
    raise ValueError(f"there is no {part!r}")
