"""Calls of libraries that have the answer of an exercise, seen when they are called.

Imports are read before a submission runs (`plan`); but an answer can be reached without one, as in
``sys.modules["scipy.special"].softmax(X)`` or ``sklearn.utils.extmath.softmax(X)``. So each call
that stands in a submission is preceded by a look at the function.
"""

from __future__ import annotations

import ast
import builtins
import copy
import functools
import sys
from collections.abc import Sequence
from types import MethodType, ModuleType
from typing import Any

import numpy as np

from chainrule._src.teach.plan import FOREIGN, HELPFUL

_NAME = "__called__"


def watch(allows: Sequence[str] = ()) -> None:
    """Have instrumented calls raise an ImportError for a foreign function; ``allows`` are not."""
    allowed = tuple(f"{module}." for module in (*HELPFUL, *allows))
    universal = _universal_functions()

    def called(function: Any) -> Any:
        module = module_of(function, universal)
        if module.partition(".")[0] in FOREIGN and not f"{module}.".startswith(allowed):
            name = getattr(function, "__name__", "")
            raise ImportError(f"{module} ({name}): the exercise is to be solved with NumPy")
        return function

    setattr(builtins, _NAME, called)


def instrumented(node: ast.stmt) -> ast.stmt:
    """Return a copy of a statement in which each call looks at its function first."""
    changed: ast.stmt = _Instrumenter().visit(copy.deepcopy(node))
    return ast.fix_missing_locations(changed)


class _Instrumenter(ast.NodeTransformer):
    def visit_Call(self, node: ast.Call) -> ast.Call:
        """Replace ``f(x)`` by ``__called__(f)(x)``."""
        self.generic_visit(node)
        name = ast.copy_location(ast.Name(_NAME, ast.Load()), node.func)
        node.func = ast.copy_location(ast.Call(name, [node.func], []), node.func)
        return node


def module_of(function: Any, universal: dict[int, str]) -> str:
    """Return the module of a function, of a method's object, or of what is partly applied."""
    if isinstance(function, functools.partial):
        return module_of(function.func, universal)
    if isinstance(function, np.ufunc):
        return universal.get(id(function), "")
    if isinstance(function, MethodType):
        owner = function.__self__
        function = owner if isinstance(owner, type | ModuleType) else type(owner)
    try:
        module = getattr(function, "__module__", "")
    except Exception:  # a learner's class may raise any error
        return ""
    return module if isinstance(module, str) else ""


def _universal_functions() -> dict[int, str]:
    """Return NumPy's kind of functions that SciPy has, which know no module, by their ids."""
    numpys = {id(value) for value in vars(np).values()}
    special = sys.modules.get("scipy.special")
    members = vars(special).values() if special else ()
    return {id(f): "scipy.special" for f in members if isinstance(f, np.ufunc)
            and id(f) not in numpys}  # fmt: skip
