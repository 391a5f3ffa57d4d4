"""What the expressions of a learner's code are worth, and which results they reach."""

from __future__ import annotations

import ast
import copy
import dataclasses
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from types import CodeType, FrameType, FunctionType, ModuleType, SimpleNamespace
from typing import Any

import numpy as np

from chainrule._src.check.code import HOOK, Code

SCOPES = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp | ast.Lambda
MOST_TURNS = 64  # values of an expression that are kept, in the order of its turns


@dataclass
class Seen:
    """What was seen of an expression: its values, and the variables around it at its first turn."""

    values: list[Any] = field(default_factory=list)
    scope: dict[str, Any] = field(default_factory=dict)
    order: int = 0


@dataclass(eq=False)
class Place:
    """An expression in a function, and where its tree hangs.

    Attributes
    ----------
    code : Code
    statement : stmt
        The statement that it is part of; for a lambda, its body.
    owner, field, index
        The node that holds it, in which field, and where in the field's list.
    """

    code: Code
    statement: ast.AST
    owner: ast.AST
    field: str
    index: int | None
    key: int
    nested: bool = False  # in a comprehension or lambda, which has variables of its own
    seen: Seen = dataclasses.field(default_factory=Seen)

    @property
    def node(self) -> Any:
        """The expression that stands there."""
        held = getattr(self.owner, self.field)
        return held if self.index is None else held[self.index]

    @property
    def line(self) -> int:
        """The line of the expression."""
        return int(self.node.lineno)

    @property
    def value(self) -> Any:
        """What the expression was worth at its first turn, None if it was not reached."""
        return self.seen.values[0] if self.seen.values else None


def places(code: Code) -> list[Place]:
    """Return all expressions of a function that can be exchanged, outer ones before inner ones."""
    found: list[Place] = []

    def walk(owner: ast.AST, statement: ast.AST, nested: bool = False) -> None:
        nested = nested or isinstance(owner, SCOPES)
        for name, held in ast.iter_fields(owner):
            if isinstance(owner, ast.pattern) or name == "optional_vars":
                continue
            if name in ("targets", "target", "args") and not isinstance(owner, ast.Call):
                if isinstance(owner, ast.Assign | ast.AugAssign | ast.AnnAssign):
                    inside(held, statement)
                continue
            for index, node in enumerate(held) if isinstance(held, list) else [(None, held)]:
                if isinstance(node, ast.stmt):
                    walk(node, node)
                elif isinstance(node, ast.expr):
                    found.append(Place(code, statement, owner, name, index, len(found), nested))
                    walk(node, statement, nested)
                elif isinstance(node, ast.AST):
                    walk(node, statement, nested)

    def inside(held: Any, statement: ast.AST) -> None:
        """Walk the index expressions of targets."""
        for target in held if isinstance(held, list) else [held]:
            for node in ast.walk(target):
                if isinstance(node, ast.Subscript):
                    found.append(Place(code, statement, node, "slice", None, len(found)))
                    walk(node.slice, statement)

    for name in ("body",):
        held = getattr(code.tree, name)
        if isinstance(held, list):
            for node in held:
                walk(node, node)
        else:
            found.append(Place(code, held, code.tree, name, None, len(found)))
            walk(held, held)
    return found


class Watch:
    """A call with every expression of some functions watched.

    Parameters
    ----------
    codes : sequence of Code
    call : callable
        Calls the functions.
    """

    def __init__(self, codes: Sequence[Code], call: Callable[[], Any]) -> None:
        self.codes, self.call = list(codes), call
        self.places: list[Place] = []
        for code in codes:
            for place in places(code):
                place.key = len(self.places)
                self.places.append(place)
        self._count = 0
        self._compiled: dict[Code, CodeType] = {}
        self._scopes: dict[Any, dict[str, Any]] = {}
        self.result = self.run(self._record)

    def run(self, hook: Callable[[int, Any], Any]) -> Any:
        """Call with ``hook(key, value)`` giving what each expression is worth."""
        with ExitStack() as stack:
            for code in self.codes:
                stack.enter_context(code.running(self._hooked(code), hook))
            return self.call()

    def _hooked(self, code: Code) -> CodeType:
        if code not in self._compiled:
            mine = {id(p.node): p.key for p in self.places if p.code is code and _is_value(p)}
            tree = ast.fix_missing_locations(_hooked_copy(code.tree, mine))
            self._compiled[code] = code.compiled(tree)
        return self._compiled[code]

    def _record(self, key: int, value: Any) -> Any:
        seen = self.places[key].seen
        if not seen.values:
            seen.order = self._count
            self._count += 1
            frame = sys._getframe(1)
            near = id(self.places[key].statement), frame.f_code
            if near not in self._scopes:
                self._scopes[near] = {k: _kept(v, 2) for k, v in _scope(frame).items()}
            seen.scope = self._scopes[near]
        if len(seen.values) < MOST_TURNS:
            seen.values.append(value.copy() if isinstance(value, np.ndarray) else value)
        return value

    def disturbed(self, place: Place) -> Any:
        """Return the result with an expression's value changed at random, at all its turns."""
        rng = np.random.default_rng(place.key)

        def hook(key: int, value: Any) -> Any:
            if key != place.key:
                return value
            spread = np.abs(value).max() + 0.1  # enough to turn signs
            noise = value + spread * rng.standard_normal(np.shape(value))
            return noise.astype(value.dtype)[()] if isinstance(value, np.ndarray) else noise

        return self.run(hook)


def is_number(value: Any) -> bool:
    """Whether a value is a float, or an array of floats."""
    return isinstance(value, float | np.floating) or (
        isinstance(value, np.ndarray) and value.dtype.kind == "f" and value.size > 0
    )


def is_array(value: Any) -> bool:
    """Whether a value is an array of floats."""
    return isinstance(value, np.ndarray) and value.dtype.kind == "f"


def _is_value(place: Place) -> bool:
    """Whether an expression can stand in a call: no function's name, no part of an index."""
    node, owner = place.node, place.owner
    if isinstance(node, ast.Slice | ast.Starred | ast.JoinedStr | ast.FormattedValue):
        return False
    if isinstance(owner, ast.Call) and place.field == "func":
        return False
    if isinstance(node, ast.Tuple) and place.field == "slice":
        return not any(isinstance(e, ast.Slice | ast.Starred) for e in node.elts)
    if (
        isinstance(owner, ast.Attribute)
        and isinstance(node, ast.Name)
        and node.id in ("np", "self")
    ):
        return False
    return not isinstance(node, ast.Constant) or isinstance(node.value, int | float)


def _hooked_copy(tree: Any, keys: dict[int, int]) -> Any:
    """Return a copy of a tree in which the expressions with keys go through the hook."""

    def copied(node: Any) -> Any:
        if isinstance(node, list):
            return [copied(n) for n in node]
        if not isinstance(node, ast.AST):
            return node
        new = copy.copy(node)
        for name, held in ast.iter_fields(node):
            setattr(new, name, copied(held))
        if id(node) in keys:
            given: list[Any] = [ast.Constant(keys[id(node)]), new]
            call = ast.Call(ast.Name(HOOK, ast.Load()), given, [])
            return ast.copy_location(call, node)
        return new

    return copied(tree)


def _scope(frame: FrameType) -> dict[str, Any]:
    """Return the variables that code could use: of the frame and, for what it names, around it."""
    names = dict(frame.f_locals)
    if frame.f_code.co_name in ("<listcomp>", "<genexpr>", "<dictcomp>", "<setcomp>"):
        names = {**(frame.f_back.f_locals if frame.f_back else {}), **names}
    return {k: v for k, v in names.items() if k.isidentifier()}


def _kept(value: Any, depth: int) -> Any:
    """Return a value as it is now: what it holds may change later."""
    if isinstance(value, np.ndarray):
        return value.copy()
    if not depth or isinstance(value, ModuleType | FunctionType | type):
        return value
    if type(value) in (list, tuple):
        return type(value)(_kept(inner, depth - 1) for inner in value)
    if type(value) is dict:
        return {key: _kept(inner, depth - 1) for key, inner in value.items()}
    if hasattr(value, "__dict__"):
        return SimpleNamespace(
            **{k: _kept(v, depth - 1) for k, v in vars(value).items() if isinstance(k, str)}
        )
    return value


def references(scope: dict[str, Any]) -> Iterator[tuple[ast.expr, Any]]:
    """Yield expressions that name the arrays and numbers of a scope, and what they are worth."""
    for name, value in scope.items():
        yield from _within(ast.Name(name, ast.Load()), value, 2)


def _within(node: ast.expr, value: Any, depth: int) -> Iterator[tuple[ast.expr, Any]]:
    if isinstance(value, np.ndarray | float | int | np.number) and not isinstance(value, bool):
        if not isinstance(value, np.ndarray) or value.dtype.kind in "fiub":
            yield node, value
    elif depth and isinstance(value, dict) and len(value) <= 40:
        for key, inner in value.items():
            if isinstance(key, str | int):
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
