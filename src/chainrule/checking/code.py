"""Functions whose source is at hand: their syntax trees, and running them with a changed one.

A function is changed in place, by another code object, for as long as one call takes: whoever calls
it, by whatever name, calls the changed one.
"""

from __future__ import annotations

import ast
import copy
import gc
import inspect
import linecache
import os
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import CodeType, FrameType, FunctionType
from typing import Any

import numpy as np

from chainrule.mentions import is_users

Definition = ast.FunctionDef | ast.Lambda
HOOK = "__chainrule_hook__"  # what watched and exchanged expressions call
TICK = "__chainrule_tick__"  # what loops call at each turn: a changed one may never end
_LAB = os.path.join("chainrule", "lab", "")  # what is taught is read like a learner's own code
changing = threading.RLock()  # one change at a time: other threads may call the same functions


@dataclass(eq=False)
class Code:
    """A function's source as a tree, with its lines as they stand in the file.

    Attributes
    ----------
    functions : list of FunctionType
        All that have this code.
    tree : FunctionDef or Lambda
        Its line numbers are the file's.
    margin : int
        By how many columns the source was moved to the left.
    """

    functions: list[FunctionType]
    tree: Definition
    margin: int
    own: CodeType = field(init=False)

    def __post_init__(self) -> None:
        self.own = self.functions[0].__code__
        for loop in ast.walk(self.tree):
            if isinstance(loop, ast.For | ast.While) and not is_tick(loop.body[0]):
                call = ast.Expr(ast.Call(ast.Name(TICK, ast.Load()), [], []))
                loop.body.insert(0, located(call, loop.lineno))

    @property
    def file(self) -> str:
        """The file's name, or what a notebook calls a cell."""
        return self.own.co_filename

    def line(self, number: int) -> str:
        """Return a line of the file."""
        return linecache.getline(self.file, number).rstrip("\n")

    def compiled(self, tree: Definition) -> CodeType:
        """Return the code object of another tree; its free variables are those of the function."""
        free = self.own.co_freevars
        inner: ast.stmt = tree if isinstance(tree, ast.FunctionDef) else ast.Expr(tree)
        owner, _, _ = self.own.co_qualname.rpartition(".")
        owner = owner.rpartition(".")[2]
        if owner and owner != "<locals>":  # names with two underscores hold the class's
            inner = ast.ClassDef(owner, [], [], [inner], [], **_no_parameters())
        cells = [ast.Assign([ast.Name(n, ast.Store())], ast.Constant(None))
                 for n in free if n != "__class__"]  # fmt: skip
        none = ast.arguments([], [], None, [], [], None, [])
        outer = ast.FunctionDef("outer", none, [*cells, inner], [], **_no_parameters())
        module = located(ast.Module([outer], []), 1)
        code = _named(compile(module, self.file, "exec", dont_inherit=True), self.own.co_name)
        if len(code.co_freevars) < len(free):  # a variable that only the changed piece used
            kept = ast.Expr(ast.Tuple([ast.Name(n, ast.Load()) for n in free], ast.Load()))
            if isinstance(tree, ast.Lambda):
                raise SyntaxError("a lambda without one of its free variables")
            changed = copy.copy(tree)
            changed.body = [*tree.body, kept]
            return self.compiled(changed)
        return code

    @contextmanager
    def changed(
        self, tree: Definition, hook: Callable[..., Any] | None = None, seconds: float = np.inf
    ) -> Iterator[None]:
        """Have the function do what another tree says, for some seconds at most.

        ``hook`` is what the tree calls `HOOK`.
        """
        code = self.compiled(tree)
        end = time.perf_counter() + seconds

        def tick() -> None:
            if time.perf_counter() > end:
                raise TimeoutError("a changed program takes too long")

        with changing:
            try:
                for function in self.functions:
                    function.__globals__.update({HOOK: hook, TICK: tick})
                    function.__code__ = code
                yield
            finally:
                for function in self.functions:
                    function.__code__ = self.own
                    function.__globals__.pop(HOOK, None)
                    function.__globals__.pop(TICK, None)


def is_tick(node: ast.AST) -> bool:
    """Whether a statement is the call that ends loops in time."""
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Call)
        and isinstance(node.value.func, ast.Name)
        and node.value.func.id == TICK
    )


def located(tree: Any, line: int) -> Any:
    """Give the new nodes of a tree a line; what has one has them all the way down."""
    if isinstance(tree, ast.AST):
        if "lineno" in tree._attributes:
            if hasattr(tree, "lineno"):
                return tree
            place = {"lineno": line, "end_lineno": line, "col_offset": 0, "end_col_offset": 0}
            vars(tree).update(place)
        for field in tree._fields:
            located(getattr(tree, field, None), line)
    elif isinstance(tree, list):
        for part in tree:
            located(part, line)
    return tree


def _no_parameters() -> dict[str, Any]:
    return {"type_params": []} if sys.version_info >= (3, 12) else {}


def _named(code: CodeType, name: str) -> CodeType:
    """Return the function's code among the constants of what was wrapped around it."""
    inner = [c for c in code.co_consts if isinstance(c, CodeType)]
    for found in inner:
        if found.co_name == name and code.co_name != "<module>":
            return found
    return _named(inner[0], name)


def codes_called(call: Callable[[], Any]) -> list[Code]:
    """Return the user's functions that a call calls, in the order of their first calls."""
    seen: dict[CodeType, list[Any]] = {}

    def watch(frame: FrameType, event: str, argument: Any) -> None:
        file = frame.f_code.co_filename
        if event == "call" and frame.f_code not in seen and (is_users(file) or _LAB in file):
            seen[frame.f_code] = _around(frame)

    before = sys.gettrace()
    sys.settrace(watch)
    try:
        call()
    finally:
        sys.settrace(before)
    return [code for found, near in seen.items() if (code := code_of(found, near)) is not None]


def _around(frame: FrameType) -> list[Any]:
    """Return where the function that a frame runs may be found: its module, caller, class."""
    near = [*frame.f_globals.values()]
    if frame.f_back is not None:
        near += frame.f_back.f_locals.values()
    for value in list(frame.f_locals.values())[:1]:
        near += [member for base in type(value).__mro__ for member in vars(base).values()]
    return near


def code_of(found: CodeType, near: Iterable[Any] = ()) -> Code | None:
    """Return the source of a code object, None where there is none or no function has it.

    ``near`` is looked through for the functions that the collector of garbage does not tell of.
    """
    several = {
        id(f): f
        for f in (*gc.get_referrers(found), *(getattr(thing, "__func__", thing) for thing in near))
        if isinstance(f, FunctionType) and f.__code__ is found
    }
    functions = list(several.values())
    if not functions:
        return None
    try:
        lines, first = inspect.getsourcelines(found)
        text = textwrap.dedent("".join(lines))
        module = ast.parse(text)
    except (OSError, TypeError, SyntaxError, IndentationError):
        return None
    ast.increment_lineno(module, first - 1)
    margin = len(lines[0]) - len(lines[0].lstrip())
    for tree in ast.walk(module):
        if isinstance(tree, ast.FunctionDef) and tree.name == found.co_name:
            tree.decorator_list = []
            return Code(functions, tree, margin)
        if isinstance(tree, ast.Lambda) and found.co_name == "<lambda>":
            code = Code(functions, tree, margin)
            if code.compiled(tree).co_code == found.co_code:
                return code
    return None


def written(text: str, name: str, file: str, names: Mapping[str, Any]) -> FunctionType:
    """Return a function of a module's text, whose source is found as if it was in a file."""
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    namespace: dict[str, Any] = dict(names)
    exec(compile(text, file, "exec", dont_inherit=True), namespace)
    function: FunctionType = namespace[name]
    return function
