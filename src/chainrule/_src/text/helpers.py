"""Helper functions that the text of a program calls; their source is quoted above the text."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any

from chainrule._src.base.errors import TraceError
from chainrule._src.core.equations import Listing
from chainrule._src.trace.batch import every


def helpers_of(program: Listing) -> list[Callable[..., Any]]:
    """Return the helper functions that the texts of a program's operations call, in order."""
    all_helpers = (helper for e in every(program.equations) for helper in e.primitive.helpers)
    helpers = list(dict.fromkeys(all_helpers))
    for name in sorted({helper.__name__ for helper in helpers} & program.arguments.keys()):
        raise TraceError(
            f"the argument {name} has the name of a function that the text calls; give it another"
        )
    return helpers


def quoted(helpers: Iterable[Callable[..., Any]]) -> str:
    """Return a module's imports and its helpers: their source code, without annotations."""
    helpers = list(helpers)
    others = sorted({f"import {name}\n" for helper in helpers for name in modules_of(helper)})
    imports = "".join([*others, *["\n"][: len(others)], "import numpy as np"])
    return "\n\n\n".join([imports, *map(bare_source, helpers)])


def modules_of(helper: Callable[..., Any]) -> set[str]:
    """Return the names of the modules that a function uses, except NumPy."""
    used = (helper.__globals__.get(name) for name in helper.__code__.co_names)
    return {value.__name__ for value in used if isinstance(value, ModuleType)} - {"numpy"}


def bare_source(helper: Callable[..., Any]) -> str:
    """Return a function's source code without annotations, with its comments."""
    source = textwrap.dedent(inspect.getsource(helper))
    node: Any = ast.parse(source).body[0]
    arguments = ", ".join(argument.arg for argument in node.args.args)
    body = "\n".join(source.rstrip().splitlines()[node.body[0].lineno - 1 :])
    return f"def {node.name}({arguments}):\n{body}"
