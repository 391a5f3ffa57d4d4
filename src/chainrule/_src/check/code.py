"""Functions whose source can be read: their syntax trees, and runs with a changed tree.

A function is changed in place, by another code object, for the duration of one call. Every caller,
under whatever name it knows the function, then calls the changed one.
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
from functools import cached_property
from types import CodeType, FrameType, FunctionType
from typing import Any

from chainrule._src.base.users_code import is_users

Definition = ast.FunctionDef | ast.Lambda
HOOK = "__chainrule_hook__"  # the function that watched and replaced expressions call
TIMED = "<timed exec>"  # the file's name of cells that begin with %%time
FUTURE = 0  # the compiler flags of all features of __future__
for _feature in __future__.all_feature_names:
    FUTURE |= getattr(__future__, _feature).compiler_flag
_LAB = os.path.join(
    "chainrule", "_src", "teach", "lab", ""
)  # the lab is read like a learner's own code


@dataclass(eq=False)
class FunctionSource:
    """A function's syntax tree, with the line numbers of its file.

    Attributes
    ----------
    functions : list of FunctionType
        The functions that share this code object.
    tree : FunctionDef or Lambda
        The definition; its line numbers are those of the file.
    """

    functions: list[FunctionType]
    tree: Definition
    code_object: CodeType = field(init=False)

    def __post_init__(self) -> None:
        self.code_object = self.functions[0].__code__

    @property
    def file(self) -> str:
        """The file's name, or the name that a notebook gives to a cell."""
        return self.code_object.co_filename

    def line(self, number: int) -> str:
        """Return a line of the file."""
        return linecache.getline(self.file, number).rstrip("\n")

    def compiled(self, tree: Definition) -> CodeType:
        """Compile another tree to a code object with the free variables of the function."""
        free = self.code_object.co_freevars
        inner: ast.stmt = tree if isinstance(tree, ast.FunctionDef) else ast.Expr(tree)
        owner = self.owner
        if owner:  # names with two underscores contain the name of the class
            inner = ast.ClassDef(owner, [], [], [inner], [], **_no_parameters())
        cells = [ast.Assign([ast.Name(n, ast.Store())], ast.Constant(None))
                 for n in free if n != "__class__"]  # fmt: skip
        outside = {owner, getattr(tree, "name", "")} - {"", *free}
        declarations = [ast.Global(sorted(outside))] if outside else []
        none = ast.arguments([], [], None, [], [], None, [])
        body = [*declarations, *cells, inner]
        outer = ast.FunctionDef("outer", none, body, [], **_no_parameters())
        module = located(ast.Module([outer], []), 1)
        flags = self.code_object.co_flags & FUTURE
        code: CodeType = compile(module, self.file, "exec", flags=flags, dont_inherit=True)
        for name in ("outer", owner, self.code_object.co_name):
            if name:
                inside = [c for c in code.co_consts if isinstance(c, CodeType)]
                code = next(c for c in inside if c.co_name == name)
        if len(code.co_freevars) < len(free):  # a variable that only the changed piece used
            references = ast.Expr(ast.Tuple([ast.Name(n, ast.Load()) for n in free], ast.Load()))
            if isinstance(tree, ast.Lambda):
                raise SyntaxError("a lambda without one of its free variables")
            changed = copy.copy(tree)
            changed.body = [*tree.body, references]
            return self.compiled(changed)
        return code

    @cached_property
    def owner(self) -> str:
        """The class in which this function, or the method around it, is defined; else ""."""
        *parts, _ = self.code_object.co_qualname.split(".")
        if parts and parts[-1] != "<locals>":
            return parts[-1]
        mangled = [
            n
            for n in (*self.code_object.co_names, *self.code_object.co_varnames)
            if n.startswith("_")
        ]
        return next((p for p in parts if any(n.startswith(f"_{p}__") for n in mangled)), "")

    @contextmanager
    def changed(self, tree: Definition, hook: Callable[..., Any] | None = None) -> Iterator[None]:
        """Context manager: run another tree in the function; `HOOK` names ``hook``."""
        with self.running(self.compiled(tree), hook):
            yield

    @contextmanager
    def being(self, code: CodeType) -> Iterator[None]:
        """Context manager: run another code object, which counts as the original code."""
        before, self.code_object = self.code_object, code
        try:
            with self.running(code):
                yield
        finally:
            self.code_object = before
            for function in self.functions:
                function.__code__ = before

    @contextmanager
    def running(self, code: CodeType, hook: Callable[..., Any] | None = None) -> Iterator[None]:
        """Context manager: run another code object in the function; `HOOK` names ``hook``."""
        try:
            for function in self.functions:
                function.__globals__[HOOK] = hook
                function.__code__ = code
            yield
        finally:
            for function in self.functions:
                function.__code__ = self.code_object
                function.__globals__.pop(HOOK, None)


def nodes_of(tree: ast.AST) -> list[ast.AST]:
    """Return the nodes of a tree in the order of `ast.walk`, in a third of its time."""
    nodes = [tree]
    for node in nodes:  # the list grows meanwhile
        for name in node._fields:
            child = getattr(node, name, None)
            if isinstance(child, ast.AST):
                nodes.append(child)
            elif type(child) is list:
                nodes += [part for part in child if isinstance(part, ast.AST)]
    return nodes


def located(tree: Any, line: int) -> Any:
    """Give the new nodes of a tree a line number; below a node with a number all have numbers."""
    if isinstance(tree, ast.AST):
        if tree._attributes:
            if hasattr(tree, "lineno"):
                return tree
            position = {"lineno": line, "end_lineno": line, "col_offset": 0, "end_col_offset": 0}
            vars(tree).update(position)
        for name in tree._fields:
            child = getattr(tree, name, None)
            if type(child) is list or (isinstance(child, ast.AST) and child._fields):
                located(child, line)
    elif isinstance(tree, list):
        for part in tree:
            located(part, line)
    return tree


def _no_parameters() -> dict[str, Any]:
    return {"type_params": []} if sys.version_info >= (3, 12) else {}


def codes_called(call: Callable[[], Any]) -> list[FunctionSource]:
    """Return the user's functions that a call calls, in the order of their first calls."""
    near_objects: dict[CodeType, list[Any]] = {}

    def watch(frame: FrameType, event: str, argument: Any) -> None:
        file = frame.f_code.co_filename
        if event == "call" and frame.f_code not in near_objects and is_learners(file):
            near_objects[frame.f_code] = _around(frame)

    before = sys.gettrace()
    sys.settrace(watch)
    try:
        call()
    finally:
        sys.settrace(before)
    # A query of the garbage collector scans all objects that it tracks: it is made for functions
    # that other functions made alone, of which there may be several, and for what is hidden.
    hidden = [code for code, near in near_objects.items() if _is_hidden(code, near)]
    if hidden:
        gc.collect(0)  # functions of earlier runs
    referrers = gc.get_referrers(*hidden) if hidden else []
    codes = (code_of(code, [*referrers, *near]) for code, near in near_objects.items())
    return [code for code in codes if code is not None]


def _is_hidden(code: CodeType, near: list[Any]) -> bool:
    """Return true if a function is none of the objects near it, or perhaps one of several."""
    functions = (getattr(obj, "__func__", obj) for obj in near)
    return "<locals>" in code.co_qualname or not any(
        isinstance(f, FunctionType) and f.__code__ is code for f in functions
    )


def is_learners(file: str) -> bool:
    """Return true if a learner wrote the file: it is not of Python, of a package or of chainrule.

    The lab of chainrule counts as a learner's code.
    """
    installed = "site-packages" in file or "dist-packages" in file
    return _LAB in file or (is_users(file) and not installed)


def is_learners_class(kind: type) -> bool:
    """Return true if a learner defined a class."""
    module = sys.modules.get(kind.__module__)
    file = getattr(module, "__file__", None)
    return (file is None and kind.__module__ == "__main__") or bool(file and is_learners(file))


def _around(frame: FrameType) -> list[Any]:
    """Return objects among which the function of a frame may be: of module, caller and class."""
    near = [*frame.f_globals.values()]
    if frame.f_back is not None:
        near += frame.f_back.f_locals.values()
    for value in list(frame.f_locals.values())[:1]:
        near += [member for base in type(value).__mro__ for member in vars(base).values()]
    classes = [v for v in frame.f_globals.values() if isinstance(v, type)]
    near += [member for c in classes if is_learners_class(c) for member in vars(c).values()]
    return [getattr(obj, "fget", None) or obj for obj in near]


def code_of(code_object: CodeType, near: Iterable[Any]) -> FunctionSource | None:
    """Return the source of a code object.

    None if there is no source, or none of the objects ``near`` is a function with this code.
    """
    several = {
        id(f): f
        for f in (getattr(obj, "__func__", obj) for obj in near)
        if isinstance(f, FunctionType) and f.__code__ is code_object
    }
    functions = list(several.values())
    if not functions:
        return None
    try:
        module = _module_of(code_object)
    except (OSError, TypeError, SyntaxError):
        return None
    for tree in nodes_of(module):
        if isinstance(tree, ast.FunctionDef) and tree.name == code_object.co_name:
            tree.decorator_list = []
            return FunctionSource(functions, tree)
        if isinstance(tree, ast.Lambda) and code_object.co_name == "<lambda>":
            code = FunctionSource(functions, tree)
            if code.compiled(tree).co_code == code_object.co_code:
                return code
    return None


def _module_of(code_object: CodeType) -> ast.Module:
    """Return the parsed lines of a code object, with the line numbers of its file or cell."""
    if code_object.co_filename == TIMED:
        return _timed(code_object)
    first = code_object.co_firstlineno
    linecache.checkcache(code_object.co_filename)
    every = linecache.getlines(code_object.co_filename)  # `inspect` goes through all modules first
    if every[first - 1 :]:
        lines = inspect.getblock(every[first - 1 :])
    else:
        lines, first = inspect.getsourcelines(code_object)
    indented = lines[0][:1] in " \t"
    text = ("if 1:\n" if indented else "") + "".join(lines)
    module = ast.parse(text)
    ast.increment_lineno(module, first - 1 - indented)
    return module


def _timed(code_object: CodeType) -> ast.Module:
    """Return the parsed cell of a notebook, below ``%%time``, that defines a code object."""
    for text in reversed(cells()):
        magic, _, body = text.partition("\n")
        if not magic.lstrip().startswith("%%"):
            continue
        module = ast.parse(f"\n{body}")
        if any(
            isinstance(node, ast.FunctionDef)
            and node.name == code_object.co_name
            and node.lineno - 1 == code_object.co_firstlineno
            for node in nodes_of(module)
        ):
            linecache.cache[TIMED] = (len(text), None, text.splitlines(keepends=True), TIMED)
            return module
    raise OSError("no cell defines the function")


def cells() -> list[str]:
    """Return the texts of the cells that a notebook has run; an empty list outside notebooks."""
    main: Any = sys.modules.get("__main__")
    texts = getattr(main, "In", None)
    return [c for c in texts if isinstance(c, str)] if isinstance(texts, list) else []


def written(text: str, name: str, file: str) -> FunctionType:
    """Execute a module's text and return one function; `linecache` finds its source as a file."""
    return source_of_text(text, name, file).functions[0]


def source_of_text(text: str, name: str, file: str) -> FunctionSource:
    """Do the same; return the function with its syntax tree."""
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    namespace: dict[str, Any] = {}
    module = ast.parse(text)
    exec(compile(module, file, "exec", dont_inherit=True), namespace)
    (tree,) = (s for s in module.body if isinstance(s, ast.FunctionDef) and s.name == name)
    return FunctionSource([namespace[name]], tree)
