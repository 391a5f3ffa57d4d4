"""Models in files, and back.

All there is to a model is one nested structure of plain values and arrays. The arrays go to the
file under the path to them, the rest into its document.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from chainrule._src.base.errors import DataError, FileError
from chainrule._src.data.storage import read_tensors, write_tensors

ARRAY = "$array"  # stands in the document where an array was
GENERATORS = ("PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64")  # NumPy's


def write_model(path: Any, tree: Mapping[str, Any]) -> None:
    """Write a structure with arrays, whole or not at all."""
    arrays: dict[str, Any] = {}
    document = _packed(tree, "", arrays)
    write_tensors(path, arrays, document, kind="model")


def read_model(path: Any) -> dict[str, Any]:
    """Return what was written.

    Raises
    ------
    FileError
        If the file is damaged, hostile, foreign, or no model.
    """
    arrays, document = read_tensors(path, kind="model")
    try:
        tree = _unpacked(document, arrays)
    except (KeyError, TypeError) as error:
        raise FileError(f"{path}: the file refers to an array that it does not hold") from error
    if not isinstance(tree, dict):
        raise FileError(f"{path}: the file holds an array alone, no model")
    return tree


def _packed(tree: Any, path: str, arrays: dict[str, Any]) -> Any:
    """Return a structure without its arrays, which go into a table."""
    if isinstance(tree, np.ndarray | np.generic):
        arrays[path] = np.asarray(tree)
        return {ARRAY: path}
    if isinstance(tree, Mapping):
        return {
            str(k): _packed(v, f"{path}/{k}" if path else str(k), arrays) for k, v in tree.items()
        }
    if isinstance(tree, list | tuple):
        return [_packed(value, f"{path}/{i}", arrays) for i, value in enumerate(tree)]
    return tree


def _unpacked(tree: Any, arrays: Mapping[str, Any]) -> Any:
    if isinstance(tree, dict):
        if set(tree) == {ARRAY}:
            return arrays[tree[ARRAY]]
        return {key: _unpacked(value, arrays) for key, value in tree.items()}
    if isinstance(tree, list):
        return [_unpacked(value, arrays) for value in tree]
    return tree


def restored(template: Any, found: Any, what: str) -> Any:
    """Return what a file holds in the structure, shapes and dtypes of what is expected.

    Raises
    ------
    FileError
        If it has another structure or other shapes.
    """
    if isinstance(template, Mapping):
        if not isinstance(found, Mapping) or set(found) != set(template):
            names = ", ".join(map(str, template))
            raise FileError(f"{what}: expected {names}, the file holds {_names(found)}")
        return {key: restored(part, found[key], f"{what}: {key}") for key, part in template.items()}
    expected = np.asarray(template)
    array = np.asarray(found)
    fits = array.dtype.kind in "fiub" and np.can_cast(array.dtype, expected.dtype, "same_kind")
    if array.shape != expected.shape or not fits:
        raise FileError(
            f"{what}: expected {expected.dtype} of shape {expected.shape}, the file holds "
            f"{_names(found)}"
        )
    with np.errstate(all="ignore"):
        array = array.astype(expected.dtype)
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise FileError(f"{what}: the file holds NaN or infinite values")
    return array


def _names(found: Any) -> str:
    if isinstance(found, Mapping):
        return ", ".join(map(str, found)) or "nothing"
    if isinstance(found, np.ndarray):
        return f"{found.dtype} of shape {found.shape}"
    return type(found).__name__


@contextmanager
def as_file_error(path: Any) -> Iterator[None]:
    """Have what is wrong with a model's parts told as what is wrong with its file."""
    try:
        yield
    except FileError:
        raise
    except Exception as error:  # a hostile file may provoke any
        raise FileError(f"{path}: {' '.join(str(error).split())[:500]}") from error


def generator_at(state: Any) -> np.random.Generator:
    """Return a generator that goes on from a state.

    Raises
    ------
    DataError
        If it is no state of a generator of NumPy's.
    """
    name = state.get("bit_generator") if isinstance(state, Mapping) else None
    if name not in GENERATORS:
        raise DataError(f"the state of a random generator is expected, received {name!r}")
    bits = getattr(np.random, name)(0)
    try:
        bits.state = state
    except (TypeError, ValueError, KeyError, OverflowError) as error:
        raise DataError(f"the state of the random generator is damaged: {error}") from error
    return np.random.Generator(bits)
