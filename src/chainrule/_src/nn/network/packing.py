"""Arguments and functions of recorded calls as plain values, for files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np

from chainrule._src.base.config import made, plain
from chainrule._src.base.errors import DataError
from chainrule._src.base.registry import provided
from chainrule._src.core.primitive import target_of
from chainrule._src.nn.layers.symbols import FUNCTIONS

MODULES = ("numpy", "numpy.linalg", "numpy.fft", "_operator")  # whose functions files may name


@dataclass(frozen=True)
class Ref:
    """The index of a value among the values of a replay."""

    number: int


def name_of(function: Any) -> str:
    """Return the name of a function in files."""
    name = f"{getattr(function, '__module__', None) or 'numpy'}.{function.__name__}"
    if FUNCTIONS.get(name) is not function and _of_numpy(name) is not function:
        raise DataError(
            f"the function {function!r} in this graph cannot be described by plain values; write "
            "a layer of your own that calls it"
        )
    return name


def function_named(name: Any) -> Any:
    """Return the function with a name in files."""
    function = functions_of_graphs().get(str(name)) or _of_numpy(str(name))
    if function is None:
        raise DataError(f"there is no function {name!r} for graphs of layers")
    return function


def functions_of_graphs() -> dict[str, Any]:
    """Return the functions besides NumPy's that a graph may hold, by their names in files."""
    provided("functions of graphs")()  # a program that loads a file need not have imported them
    return FUNCTIONS


def _of_numpy(name: str) -> Any:
    module, _, attribute = name.rpartition(".")
    if module not in MODULES:
        return None
    function = getattr(import_module(module), attribute, None)
    return function if callable(function) and target_of(function) is not None else None


def packed(tree: Any) -> Any:
    """Return arguments as plain values."""
    if isinstance(tree, Ref):
        return {"$value": tree.number}
    if isinstance(tree, Mapping):
        return {"$dict": {str(key): packed(part) for key, part in tree.items()}}
    if isinstance(tree, tuple):
        return {"$tuple": [*map(packed, tree)]}
    if isinstance(tree, list):
        return [*map(packed, tree)]
    if isinstance(tree, slice):
        return {"$slice": [*map(packed, (tree.start, tree.stop, tree.step))]}
    if tree is Ellipsis:
        return {"$ellipsis": True}
    if isinstance(tree, np.ndarray | np.generic):
        return {"$array": np.asarray(tree).tolist(), "dtype": tree.dtype.name}
    return plain(tree)


def unpacked(tree: Any) -> Any:
    """Return arguments from the plain values that `packed` returned."""
    if isinstance(tree, list):
        return [*map(unpacked, tree)]
    if not isinstance(tree, Mapping):
        return tree
    key = next(iter(tree), None)
    if key == "$value":
        return Ref(tree[key])
    if key == "$dict":
        return {name: unpacked(part) for name, part in tree[key].items()}
    if key == "$tuple":
        return tuple(map(unpacked, tree[key]))
    if key == "$slice":
        return slice(*map(unpacked, tree[key]))
    if key == "$ellipsis":
        return Ellipsis
    if key == "$array":
        return np.array(tree[key], tree["dtype"])
    return made(tree)
