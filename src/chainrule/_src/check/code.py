"""Functions whose source is at hand: their syntax trees, and running them with a changed one.

A function is changed in place, by another code object, for as long as one call takes: whoever calls
it, by whatever name, calls the changed one.
"""

from __future__ import annotations
import __future__

import ast
import copy
import gc
import inspect
import linecache
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import CodeType, FrameType, FunctionType
from typing import Any

from chainrule._src.base.users_code import is_users

Definition = ast.FunctionDef | ast.Lambda
HOOK = "__chainrule_hook__"  # what watched and exchanged expressions call
FUTURE = 0  # the flags of all that is imported from __future__
for _feature in __future__.all_feature_names:
    FUTURE |= getattr(__future__, _feature).compiler_flag
_LAB = os.path.join("chainrule", "lab", "")  # what is taught is read like a learner's own code


@dataclass(eq=False)
class Code:
    """A function's source as a tree, with its lines as they stand in the file.

    Attributes
    ----------
    functions : list of FunctionType
        All that have this code.
    tree : FunctionDef or Lambda
        Its line numbers are the file's.
    """

    functions: list[FunctionType]
    tree: Definition
    own: CodeType = field(init=False)

    def __post_init__(self) -> None:
        self.own = self.functions[0].__code__

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
        owner = self._owner()
        if owner:  # names with two underscores hold the class's
            inner = ast.ClassDef(owner, [], [], [inner], [], **_no_parameters())
        cells = [ast.Assign([ast.Name(n, ast.Store())], ast.Constant(None))
                 for n in free if n != "__class__"]  # fmt: skip
        outside = {owner, getattr(tree, "name", "")} - {"", *free}
        known = [ast.Global(sorted(outside))] if outside else []
        none = ast.arguments([], [], None, [], [], None, [])
        body = [*known, *cells, inner]
        outer = ast.FunctionDef("outer", none, body, [], **_no_parameters())
        module = located(ast.Module([outer], []), 1)
        flags = self.own.co_flags & FUTURE
        code: CodeType = compile(module, self.file, "exec", flags=flags, dont_inherit=True)
        for name in ("outer", owner, self.own.co_name):
            if name:
                inside = [c for c in code.co_consts if isinstance(c, CodeType)]
                code = next(c for c in inside if c.co_name == name)
        if len(code.co_freevars) < len(free):  # a variable that only the changed piece used
            kept = ast.Expr(ast.Tuple([ast.Name(n, ast.Load()) for n in free], ast.Load()))
            if isinstance(tree, ast.Lambda):
                raise SyntaxError("a lambda without one of its free variables")
            changed = copy.copy(tree)
            changed.body = [*tree.body, kept]
            return self.compiled(changed)
        return code

    def _owner(self) -> str:
        """Return the class whose method it is, or in whose method it was made."""
        *parts, _ = self.own.co_qualname.split(".")
        if parts and parts[-1] != "<locals>":
            return parts[-1]
        mangled = [n for n in (*self.own.co_names, *self.own.co_varnames) if n.startswith("_")]
        return next((p for p in parts if any(n.startswith(f"_{p}__") for n in mangled)), "")

    @contextmanager
    def changed(self, tree: Definition, hook: Callable[..., Any] | None = None) -> Iterator[None]:
        """Have the function do what another tree says; ``hook`` is what the tree calls `HOOK`."""
        with self.running(self.compiled(tree), hook):
            yield

    @contextmanager
    def being(self, code: CodeType) -> Iterator[None]:
        """Have another code object for the function's own."""
        before, self.own = self.own, code
        try:
            with self.running(code):
                yield
        finally:
            self.own = before
            for function in self.functions:
                function.__code__ = before

    @contextmanager
    def running(self, code: CodeType, hook: Callable[..., Any] | None = None) -> Iterator[None]:
        """Have the function run another code object."""
        try:
            for function in self.functions:
                function.__globals__[HOOK] = hook
                function.__code__ = code
            yield
        finally:
            for function in self.functions:
                function.__code__ = self.own
                function.__globals__.pop(HOOK, None)


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


def codes_called(call: Callable[[], Any]) -> list[Code]:
    """Return the user's functions that a call calls, in the order of their first calls."""
    seen: dict[CodeType, list[Any]] = {}

    def watch(frame: FrameType, event: str, argument: Any) -> None:
        file = frame.f_code.co_filename
        if event == "call" and frame.f_code not in seen and is_learners(file):
            seen[frame.f_code] = _around(frame)

    before = sys.gettrace()
    sys.settrace(watch)
    try:
        call()
    finally:
        sys.settrace(before)
    # The collector of garbage does not tell of all; to ask it is to look at every object there is.
    known = gc.get_referrers(*seen)
    codes = (code_of(found, [*known, *near]) for found, near in seen.items())
    return [code for code in codes if code is not None]


def is_learners(file: str) -> bool:
    """Whether a file is a learner's: not Python's, a package's, nor ours but for the lab."""
    installed = "site-packages" in file or "dist-packages" in file
    return _LAB in file or (is_users(file) and not installed)


def _around(frame: FrameType) -> list[Any]:
    """Return where the function that a frame runs may be found: its module, caller, class."""
    near = [*frame.f_globals.values()]
    if frame.f_back is not None:
        near += frame.f_back.f_locals.values()
    for value in list(frame.f_locals.values())[:1]:
        near += [member for base in type(value).__mro__ for member in vars(base).values()]
    return near


def code_of(found: CodeType, near: Iterable[Any]) -> Code | None:
    """Return the source of a code object, None where there is none or nothing near has it."""
    several = {
        id(f): f
        for f in (getattr(thing, "__func__", thing) for thing in near)
        if isinstance(f, FunctionType) and f.__code__ is found
    }
    functions = list(several.values())
    if not functions:
        return None
    try:
        lines, first = inspect.getsourcelines(found)
        indented = lines[0][:1] in " \t"
        text = ("if 1:\n" if indented else "") + "".join(lines)
        module = ast.parse(text)
    except (OSError, TypeError, SyntaxError):
        return None
    ast.increment_lineno(module, first - 1 - indented)
    for tree in ast.walk(module):
        if isinstance(tree, ast.FunctionDef) and tree.name == found.co_name:
            tree.decorator_list = []
            return Code(functions, tree)
        if isinstance(tree, ast.Lambda) and found.co_name == "<lambda>":
            code = Code(functions, tree)
            if code.compiled(tree).co_code == found.co_code:
                return code
    return None


def written(text: str, name: str, file: str) -> FunctionType:
    """Return a function of a module's text, whose source is found as if it was in a file."""
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    namespace: dict[str, Any] = {}
    exec(compile(text, file, "exec", dont_inherit=True), namespace)
    function: FunctionType = namespace[name]
    return function
