"""Functions that the text of a program calls, quoted above it."""

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
    """Return the functions that the texts of a program's operations call, in order."""
    found = (helper for e in every(program.equations) for helper in e.primitive.helpers)
    helpers = list(dict.fromkeys(found))
    for name in sorted({helper.__name__ for helper in helpers} & program.arguments.keys()):
        raise TraceError(
            f"the argument {name} has the name of a function that the text calls; give it another"
        )
    return helpers


def quoted(helpers: Iterable[Callable[..., Any]]) -> str:
    """Return the imports of a module and its helpers, as their own source without annotations."""
    helpers = list(helpers)
    others = sorted({f"import {name}\n" for helper in helpers for name in modules_of(helper)})
    imports = "".join([*others, *["\n"][: len(others)], "import numpy as np"])
    return "\n\n\n".join([imports, *map(bare_source, helpers)])


def modules_of(helper: Callable[..., Any]) -> set[str]:
    """Return the modules that a function uses, besides NumPy."""
    used = (helper.__globals__.get(name) for name in helper.__code__.co_names)
    return {thing.__name__ for thing in used if isinstance(thing, ModuleType)} - {"numpy"}


def bare_source(helper: Callable[..., Any]) -> str:
    """Return a function's source with its annotations taken out, comments kept."""
    source = textwrap.dedent(inspect.getsource(helper))
    node: Any = ast.parse(source).body[0]
    arguments = ", ".join(argument.arg for argument in node.args.args)
    body = "\n".join(source.rstrip().splitlines()[node.body[0].lineno - 1 :])
    return f"def {node.name}({arguments}):\n{body}"
