"""Watched runs of a learner's code: the values of its expressions, and their effect on results."""

from __future__ import annotations

import ast
import dataclasses
import itertools
import sys
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from types import CodeType, FrameType, FunctionType, ModuleType, SimpleNamespace
from typing import Any

import numpy as np

from chainrule._src.check.code import HOOK, FunctionSource, located, nodes_of

SCOPES = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp | ast.Lambda
FEW_KEYS = 3  # whole numbers as keys of a dict; of more, the code's own index is tried
LEAST_NOISE = 0.5  # of the spread, that is added to an expression to measure responses
MOST_TURNS = 64  # values of an expression that are recorded, in the order of its turns


@dataclass
class ValueTrace:
    """The recorded values of an expression, and the variables in scope at its first turn.

    ``times`` say when it had these values: expressions are counted as they run.
    """

    values: list[Any] = field(default_factory=list)
    times: list[int] = field(default_factory=list)
    scope: dict[str, Any] = field(default_factory=dict)

    @property
    def order(self) -> int:
        """The time of the first turn."""
        return self.times[0] if self.times else 0


@dataclass(eq=False)
class Site:
    """An expression in a function, and its position in the syntax tree.

    Attributes
    ----------
    code : FunctionSource
    statement : stmt
        The statement that contains the expression; for a lambda, the lambda's body.
    owner, field, index
        The parent node, its field, and the index if that field is a list.
    """

    code: FunctionSource
    statement: ast.AST
    owner: ast.AST
    field: str
    index: int | None
    key: int
    nested: bool = False  # inside a comprehension or lambda, which has its own variables
    trace: ValueTrace = dataclasses.field(default_factory=ValueTrace)
    near: list[Site] = dataclasses.field(default_factory=list)  # all of the statement

    @property
    def node(self) -> Any:
        """The expression."""
        child = getattr(self.owner, self.field)
        return child if self.index is None else child[self.index]

    @cached_property
    def is_scoped(self) -> bool:
        """True if a part of the expression can be evaluated in its own function alone."""
        return any(map(needs_its_scope, nodes_of(self.node)))

    @property
    def line(self) -> int:
        """The line of the expression."""
        return int(self.node.lineno)

    @property
    def value(self) -> Any:
        """The value of the expression at its first turn, None if it was not reached."""
        return self.trace.values[0] if self.trace.values else None


def needs_its_scope(node: ast.AST) -> bool:
    """Return true for comprehensions, lambdas, and names with two leading underscores alone.

    Python mangles such a name within a class.
    """
    name = str(getattr(node, "attr", getattr(node, "id", "")))
    return isinstance(node, SCOPES) or (name.startswith("__") and not name.endswith("__"))


def sites(code: FunctionSource) -> list[Site]:
    """Return all replaceable expressions of a function, outer ones before inner ones."""
    sites: list[Site] = []

    def walk(owner: ast.AST, statement: ast.AST, nested: bool = False) -> None:
        nested = nested or isinstance(owner, SCOPES)
        for name, child in ast.iter_fields(owner):
            if isinstance(owner, ast.pattern) or name == "optional_vars":
                continue
            if name in ("targets", "target", "args") and not isinstance(owner, ast.Call):
                if isinstance(owner, ast.Assign | ast.AugAssign | ast.AnnAssign):
                    inside(child, statement)
                continue
            for index, node in enumerate(child) if isinstance(child, list) else [(None, child)]:
                if isinstance(node, ast.stmt):
                    walk(node, node)
                elif isinstance(node, ast.expr):
                    sites.append(Site(code, statement, owner, name, index, len(sites), nested))
                    walk(node, statement, nested)
                elif isinstance(node, ast.AST):
                    walk(node, statement, nested)

    def inside(child: Any, statement: ast.AST) -> None:
        """Add the index expressions of assignment targets."""
        for target in child if isinstance(child, list) else [child]:
            for node in nodes_of(target):
                if isinstance(node, ast.Subscript):
                    sites.append(Site(code, statement, node, "slice", None, len(sites)))
                    walk(node.slice, statement)

    for name in ("body",):
        child = getattr(code.tree, name)
        if isinstance(child, list):
            for node in child:
                walk(node, node)
        else:
            sites.append(Site(code, child, code.tree, name, None, len(sites)))
            walk(child, child)
    return sites


class Watch:
    """A call that records the value of every expression in some functions.

    Parameters
    ----------
    codes : sequence of Code
    call : callable
        Calls the functions.
    scopes : bool
        If false, the variables in scope are not recorded: to copy all of them at every statement
        takes most of the time of a long program.
    """

    def __init__(
        self, codes: Sequence[FunctionSource], call: Callable[[], Any], scopes: bool = True
    ) -> None:
        self.codes, self.call, self._has_scopes = list(codes), call, scopes
        self.sites: list[Site] = []
        near: dict[int, list[Site]] = defaultdict(list)
        for code in codes:
            for site in sites(code):
                site.key = len(self.sites)
                self.sites.append(site)
                site.near = near[id(site.statement)]
                site.near.append(site)
        self._count = 0
        self._compiled: dict[FunctionSource, CodeType] = {}
        self._scopes: dict[Any, dict[str, Any]] = {}
        self._first: dict[int, Any] = {}  # the arrays themselves, by the keys of expressions
        self.result = self.run(self._record)
        self.written = {  # the expressions whose array is changed in place afterwards
            key for key, array in self._first.items()
            if not np.array_equal(array, self.sites[key].trace.values[0], equal_nan=True)
        }  # fmt: skip
        self._first.clear()

    def run(self, hook: Callable[[int, Any], Any]) -> Any:
        """Make the call; ``hook(key, value)`` returns the value that an expression takes."""
        with ExitStack() as stack:
            for code in self.codes:
                stack.enter_context(code.running(self.hooked(code), hook))
            return self.call()

    def hooked(self, code: FunctionSource) -> CodeType:
        """Return the code object of a function whose expressions call the hook."""
        if code not in self._compiled:
            keys = {id(p.node): p.key for p in self.sites if p.code is code and _is_value(p)}
            self._compiled[code] = code.compiled(_hooked_copy(code.tree, keys))
        return self._compiled[code]

    def _record(self, key: int, value: Any) -> Any:
        trace = self.sites[key].trace
        if not trace.values:
            if isinstance(value, np.ndarray) and value.dtype.kind == "f":
                self._first[key] = value
            if self._has_scopes:
                trace.scope = self._scope_of(self.sites[key], sys._getframe(1))
        self._count += 1
        if len(trace.values) < MOST_TURNS:
            trace.times.append(self._count)
            trace.values.append(_fixed(value) if isinstance(value, np.ndarray) else value)
        return value

    def _scope_of(self, site: Site, frame: FrameType) -> dict[str, Any]:
        """Return the variables in scope at a statement, copied once for all its expressions."""
        near = id(site.statement), frame.f_code
        if near not in self._scopes:
            self._scopes[near] = snapshot(_scope(frame))
        return self._scopes[near]

    def disturbed(self, site: Site) -> tuple[Any, list[Any]]:
        """Return the result with random noise on one expression's value, and the noise by turn."""
        rng = np.random.default_rng(site.key)
        shifts = []

        def hook(key: int, value: Any) -> Any:
            if key != site.key:
                return value
            spread = np.abs(value).max() + 0.1  # large enough to change signs
            normal = rng.standard_normal(np.shape(value))
            normal += np.copysign(LEAST_NOISE, normal)  # a curved response looks straight nearby
            noise = value + spread * normal
            noise = noise.astype(value.dtype)[()] if isinstance(value, np.ndarray) else noise
            shifts.append(noise - value)
            return noise

        return self.run(hook), shifts

    def scopes_at(self, site: Site, turns: Collection[int]) -> dict[int, dict[str, Any]]:
        """Return the variables in scope at some turns of an expression, by the turn."""
        count = itertools.count()
        scopes: dict[int, dict[str, Any]] = {}

        def hook(key: int, value: Any) -> Any:
            if key == site.key and (turn := next(count)) in turns:
                scopes[turn] = snapshot(_scope(sys._getframe(1)))
            return value

        self.run(hook)
        return scopes


def _fixed(array: Any) -> Any:
    """Return a copy of an array that cannot be written into."""
    copied = array.copy()
    copied.flags.writeable = False
    return copied


def is_number(value: Any) -> bool:
    """Return true if a value is a float, or a nonempty array of floats."""
    return isinstance(value, float | np.floating) or (
        isinstance(value, np.ndarray) and value.dtype.kind == "f" and value.size > 0
    )


def is_array(value: Any) -> bool:
    """Return true if a value is an array of floats."""
    return isinstance(value, np.ndarray) and value.dtype.kind == "f"


def _is_value(site: Site) -> bool:
    """Return true if an expression can be an argument of a call (no slice, no function name)."""
    node, owner = site.node, site.owner
    if isinstance(node, ast.Slice | ast.Starred | ast.JoinedStr | ast.FormattedValue):
        return False
    if isinstance(owner, ast.Call) and site.field == "func":
        return False
    if isinstance(node, ast.Tuple) and site.field == "slice":
        return not any(isinstance(e, ast.Slice | ast.Starred) for e in node.elts)
    if (
        isinstance(owner, ast.Attribute)
        and isinstance(node, ast.Name)
        and node.id in ("np", "self")
    ):
        return False
    return not isinstance(node, ast.Constant) or isinstance(node.value, int | float)


def _hooked_copy(tree: Any, keys: dict[int, int]) -> Any:
    """Return a copy of a tree in which the expressions that have a key call the hook."""

    def copied(node: Any) -> Any:
        if type(node) is list:
            return [copied(part) for part in node]
        if not isinstance(node, ast.AST) or not vars(node):  # a name, a number, an operator
            return node
        new = type(node).__new__(type(node))
        vars(new).update({name: copied(child) for name, child in vars(node).items()})
        if id(node) in keys:
            arguments: list[Any] = [ast.Constant(keys[id(node)]), new]
            call = ast.Call(ast.Name(HOOK, ast.Load()), arguments, [])
            return located(call, vars(node)["lineno"])
        return new

    return copied(tree)


def _scope(frame: FrameType) -> dict[str, Any]:
    """Return the local variables of a frame; for a comprehension, also those of its caller."""
    names = dict(frame.f_locals)
    if frame.f_code.co_name in ("<listcomp>", "<genexpr>", "<dictcomp>", "<setcomp>"):
        names = {**(frame.f_back.f_locals if frame.f_back else {}), **names}
    return {k: v for k, v in names.items() if k.isidentifier()}


def snapshot(scope: dict[str, Any]) -> dict[str, Any]:
    """Return a copy of a scope: the content of values may change later.

    What is one object in the scope is one object in the copy.
    """
    copies: dict[int, Any] = {}
    return {name: _copied(value, 2, copies) for name, value in scope.items()}


def _copied(value: Any, depth: int, copies: dict[int, Any]) -> Any:
    if isinstance(value, np.ndarray):
        if id(value) not in copies:
            copies[id(value)] = _fixed(value)
        return copies[id(value)]
    if not depth or isinstance(value, ModuleType | FunctionType | type):
        return value
    if type(value) in (list, tuple):
        return type(value)(_copied(inner, depth - 1, copies) for inner in value)
    if type(value) is dict:
        return {key: _copied(inner, depth - 1, copies) for key, inner in value.items()}
    if hasattr(value, "__dict__"):
        parts = {k: v for k, v in vars(value).items() if isinstance(k, str)}
        return SimpleNamespace(**{k: _copied(v, depth - 1, copies) for k, v in parts.items()})
    return value


def references(scope: dict[str, Any]) -> Iterator[tuple[ast.expr, Any]]:
    """Yield expressions for the arrays and numbers of a scope, with their values."""
    for name, value in scope.items():
        yield from _within(ast.Name(name, ast.Load()), value, 2)


def _within(node: ast.expr, value: Any, depth: int) -> Iterator[tuple[ast.expr, Any]]:
    if isinstance(value, np.ndarray | float | int | np.number) and not isinstance(value, bool):
        if not isinstance(value, np.ndarray) or value.dtype.kind in "fiub":
            yield node, value
    elif depth and isinstance(value, dict) and len(value) <= 40:
        for key, inner in value.items():
            if isinstance(key, str) or (isinstance(key, int) and len(value) <= FEW_KEYS):
                yield from _within(
                    ast.Subscript(node, ast.Constant(key), ast.Load()), inner, depth - 1
                )
    elif depth and isinstance(value, list | tuple) and len(value) <= 8:
        for i, inner in enumerate(value):
            yield from _within(ast.Subscript(node, ast.Constant(i), ast.Load()), inner, depth - 1)
    elif (
        depth
        and hasattr(value, "__dict__")
        and not isinstance(value, ModuleType | FunctionType | type)
    ):
        for key, inner in vars(value).items():
            if key.isidentifier():
                yield from _within(ast.Attribute(node, key, ast.Load()), inner, depth - 1)
