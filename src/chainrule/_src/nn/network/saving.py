"""Models in files, and back.

A model is one nested structure of plain values and arrays. Each array is written to the file under
its path in the structure; all other values are written into the file's JSON document.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from chainrule._src.base.errors import DataError, FileError
from chainrule._src.data.storage import read_tensors, write_tensors

ARRAY = "$array"  # placeholder for an array in the document
WEIGHTS = "weights"  # the kind of a file of weights alone, and the path of weights in every file
GENERATORS = ("PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64")  # NumPy's


def write_model(path: Any, tree: Mapping[str, Any]) -> None:
    """Write a structure with arrays into a file, atomically."""
    arrays: dict[str, Any] = {}
    document = _packed(tree, "", arrays)
    write_tensors(path, arrays, document, kind="model")


def read_model(path: Any) -> dict[str, Any]:
    """Read a structure that `write_model` wrote.

    Raises
    ------
    FileError
        If the file is damaged, hostile, foreign, or not a model.
    """
    arrays, document = read_tensors(path, kind="model")
    try:
        tree = _unpacked(document, arrays)
    except (KeyError, TypeError) as error:
        raise FileError(f"{path}: the file refers to an array that it does not hold") from error
    if not isinstance(tree, dict):
        raise FileError(f"{path}: the file holds an array alone, no model")
    return tree


def read_weights(path: Any) -> dict[str, Any]:
    """Read the weights of a file of a model, or of a file of weights that a web page saved.

    Raises
    ------
    FileError
        If the file is damaged, hostile or foreign.
    """
    arrays, _ = read_tensors(path, kind=("model", WEIGHTS))
    prefix = f"{WEIGHTS}/"
    return {
        name.removeprefix(prefix): array
        for name, array in arrays.items()
        if name.startswith(prefix)
    }


def _packed(tree: Any, path: str, arrays: dict[str, Any]) -> Any:
    """Return a structure with placeholders for arrays, which are added to ``arrays``."""
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


def restored(template: Any, saved: Any, what: str) -> Any:
    """Return arrays from a file, in the structure, shapes and dtypes of a template.

    Raises
    ------
    FileError
        If the structure or a shape differs.
    """
    if isinstance(template, Mapping):
        if not isinstance(saved, Mapping) or set(saved) != set(template):
            names = ", ".join(map(str, template))
            raise FileError(f"{what}: expected {names}, the file holds {_names(saved)}")
        return {key: restored(part, saved[key], f"{what}: {key}") for key, part in template.items()}
    expected = np.asarray(template)
    array = np.asarray(saved)
    fits = array.dtype.kind in "fiub" and np.can_cast(array.dtype, expected.dtype, "same_kind")
    if array.shape != expected.shape or not fits:
        raise FileError(
            f"{what}: expected {expected.dtype} of shape {expected.shape}, the file holds "
            f"{_names(saved)}"
        )
    with np.errstate(all="ignore"):
        array = array.astype(expected.dtype)
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise FileError(f"{what}: the file holds NaN or infinite values")
    return array


def _names(saved: Any) -> str:
    if isinstance(saved, Mapping):
        return ", ".join(map(str, saved)) or "nothing"
    if isinstance(saved, np.ndarray):
        return f"{saved.dtype} of shape {saved.shape}"
    return type(saved).__name__


@contextmanager
def as_file_error(path: Any) -> Iterator[None]:
    """Context manager that turns any error into a `FileError` that names the file."""
    try:
        yield
    except FileError:
        raise
    except Exception as error:  # a hostile file may provoke any
        raise FileError(f"{path}: {' '.join(str(error).split())[:500]}") from error


def generator_at(state: Any) -> np.random.Generator:
    """Return a random generator with a given state.

    Raises
    ------
    DataError
        If the state is not one of a NumPy generator.
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
