"""The use of names in a learner's code: what is never read, and what only computes a value."""

from __future__ import annotations

import ast
import dis
from collections.abc import Iterator
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

from chainrule._src.check.code import nodes_of

IMPURE = {"random", "save", "savetxt", "savez", "load", "loadtxt", "tofile", "dump", "seterr"}
PURE = {"len", "range", "float", "int", "abs", "max", "min", "sum", "zip", "enumerate", "math",
        "reversed", "sorted", "list", "tuple", "dict", "set", "round", "map", "all", "any", "bool",
        "isinstance", "expit", "sigmoid", "softmax", "relu"}  # fmt: skip


def unread_names(tree: ast.AST) -> Iterator[str]:
    """Yield the variables whose value is never read, or not at the next turn of a loop."""
    names = [node for node in nodes_of(tree) if isinstance(node, ast.Name)]
    loaded = {node.id for node in names if isinstance(node.ctx, ast.Load)}
    stored = [node.id for node in names if isinstance(node.ctx, ast.Store)]
    yield from (name for name in stored if name not in loaded and name != "_")
    for loop in nodes_of(tree):
        if isinstance(loop, ast.For | ast.While):
            inside = [node for part in loop.body for node in nodes_of(part)]
            loop_names = [node for node in inside if isinstance(node, ast.Name)]
            read = {node.id for node in loop_names if isinstance(node.ctx, ast.Load)}
            written = {node.id for node in loop_names if isinstance(node.ctx, ast.Store)}
            for name in written - read:
                n_inside = sum(n.id == name for n in loop_names)
                if stored.count(name) > n_inside:  # set before the loop, too
                    yield name


def only_computes(f: FunctionType, names: dict[str, Any], depth: int = 3) -> bool:
    """Return true if a function calls NumPy and functions like it alone: it may be tried.

    Others might train a network, write files or end the program.
    """
    changes = {"STORE_GLOBAL", "STORE_ATTR", "DELETE_GLOBAL", "DELETE_ATTR", "IMPORT_NAME"}
    if not depth or any(step.opname in changes for step in dis.get_instructions(f)):
        return False
    for name in f.__code__.co_names:
        value = names.get(name)
        if isinstance(value, FunctionType):
            if value is not f and not only_computes(value, names, depth - 1):
                return False
        elif name in IMPURE or not (
            isinstance(value, ModuleType | float | int | np.ndarray)
            or hasattr(np, name)
            or hasattr(np.ndarray, name)
            or name in PURE
        ):
            return False
    return True
