"""Checkpoints of many members in one file: equal ones side by side, as a few large arrays."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.errors import DataError, FileError
from chainrule.storage import read_tensors, write_tensors
from chainrule.sweeps.member import Checkpoint

KIND = "sweep"
ARRAY, WHOLE, REAL, FLAG, PLAIN = "$array", "$int", "$float64", "$bool", "$plain"
_KINDS: dict[type, tuple[str, Any]] = {
    int: (WHOLE, np.int64), float: (REAL, np.float64), bool: (FLAG, np.bool_)
}  # fmt: skip


def write_checkpoints(path: Path, checkpoints: Mapping[int, Checkpoint]) -> None:
    """Write members' checkpoints, whole or not at all.

    Raises
    ------
    FileError
        If that is not possible.
    """
    groups: dict[Any, tuple[Any, list[int], list[list[Any]]]] = {}
    for number, checkpoint in checkpoints.items():
        found: list[Any] = []
        structure = _taken_apart(checkpoint, found)
        forms = tuple((v.dtype, v.shape) if isinstance(v, np.ndarray) else None for v in found)
        group = groups.setdefault((repr(structure), forms), (structure, [], []))
        group[1].append(number)
        group[2].append(found)
    arrays, document = {}, []
    for i, (structure, numbers, leaves) in enumerate(groups.values()):
        arrays[f"{i}/numbers"] = np.array(numbers, np.int64)
        plain: dict[str, list[Any]] = {}
        for j, column in enumerate(zip(*leaves, strict=True)):
            if isinstance(column[0], np.ndarray):
                arrays[f"{i}/{j}"] = np.stack(column)
            else:  # one value stands for all, such as the state of generators seeded alike
                plain[str(j)] = list(column) if any(v != column[0] for v in column) else [column[0]]
        document.append({"structure": structure, "plain": plain})
    write_tensors(path, arrays, {"groups": document, "crc": _crc(arrays)}, kind=KIND)


def read_checkpoints(path: Path) -> dict[int, Checkpoint]:
    """Return what was written; the arrays are parts of larger ones.

    Raises
    ------
    FileError
        If there is no such file, or it is damaged.
    """
    arrays, document = read_tensors(path, kind=KIND)
    if document.get("crc") != _crc(arrays):
        raise FileError(f"cannot read {path}: its checksum is wrong")
    found: dict[int, Checkpoint] = {}
    try:
        for i, group in enumerate(document["groups"]):
            structure, plain = group["structure"], group["plain"]
            numbers = arrays.pop(f"{i}/numbers").tolist()
            held = {int(j): values for j, values in plain.items()}
            held |= {
                int(n.partition("/")[2]): a for n, a in arrays.items() if n.startswith(f"{i}/")
            }
            for row, number in enumerate(numbers):
                found[number] = _together(structure, held, row, iter(range(len(held))))
    except (LookupError, TypeError, ValueError, AttributeError, StopIteration) as error:
        raise FileError(f"cannot read {path}: its checkpoints are damaged: {error}") from error
    return found


def _crc(arrays: Mapping[str, Any]) -> int:
    found = 0
    for name in sorted(arrays):
        found = zlib.crc32(np.ascontiguousarray(arrays[name]).tobytes(), found)
    return found


def _taken_apart(tree: Any, leaves: list[Any]) -> Any:
    """Return the structure of a tree; its arrays, numbers and texts go into a list."""
    if isinstance(tree, np.ndarray | np.generic):
        leaves.append(np.asarray(tree))
        return {ARRAY: 0}
    if isinstance(tree, Mapping):
        return {_key(key): _taken_apart(part, leaves) for key, part in tree.items()}
    if isinstance(tree, list | tuple):
        return [_taken_apart(part, leaves) for part in tree]
    kind = _KINDS.get(type(tree))
    if kind is None or (type(tree) is int and not -(2**63) <= tree < 2**63):
        leaves.append(tree)
        return {PLAIN: 0}
    leaves.append(np.asarray(tree, kind[1]))
    return {kind[0]: 0}


def _key(key: Any) -> str:
    if not isinstance(key, str) or key.startswith("$"):
        raise DataError(f"sweep: a checkpoint's names must be texts without '$', received {key!r}")
    return key


def _together(structure: Any, columns: Mapping[int, Any], row: int, at: Iterator[int]) -> Any:
    if isinstance(structure, list):
        return [_together(part, columns, row, at) for part in structure]
    mark = next(iter(structure), "")
    if not mark.startswith("$"):
        return {key: _together(part, columns, row, at) for key, part in structure.items()}
    column = columns[next(at)]
    if mark == PLAIN:
        return column[row if len(column) > 1 else 0]
    return np.asarray(column[row]) if mark == ARRAY else column[row].item()
