"""A change of a syntax tree, and the small trees that changes are made of."""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeGuard

from chainrule._src.check.code import FunctionSource, located
from chainrule._src.check.watching import Site, needs_its_scope

Change = tuple[Any, str, float, Any]


@dataclass(eq=False)
class Edit:
    """A replacement in one field of a syntax tree.

    Attributes
    ----------
    kind : str
        The sort of change: ``"missing factor"``, ``"other value"``, ...
    owner, field, where
        The node, the field's name, and the index or slice if the field is a list.
    new, old
        The field's content with the change, and without the change.
    cost : float
        How unlikely the change is.
    detail
        The factor, term or axis that the change concerns.
    line : int
        Line number in the file.
    make_hook : callable, optional
        Returns the hook that the changed tree calls, if a value replaces an expression.
    """

    code: FunctionSource
    owner: ast.AST
    field: str
    where: int | slice | None
    new: Any
    kind: str
    cost: float
    line: int
    statement: ast.AST
    detail: Any = None
    site: Site | None = None
    make_hook: Callable[[], Callable[[int, Any], Any]] | None = None
    reach: frozenset[str] = frozenset()  # the results that it changes
    mends: Collection[str] | None = None  # the wrong results that it may mend, once this is known

    def __post_init__(self) -> None:
        self.old = self.content

    @property
    def content(self) -> Any:
        """The part of the tree that the change replaces, as it is now."""
        content = getattr(self.owner, self.field)
        return content if self.where is None else content[self.where]

    @cached_property
    def fits_a_slot(self) -> bool:
        """True if the change can be evaluated on its own, outside its function."""
        site = self.site
        return (
            site is not None
            and self.make_hook is None
            and isinstance(self.new, ast.expr)
            and not site.nested
            and not isinstance(self.new, ast.Slice | ast.Starred)
            and self.field == site.field
            and not site.is_scoped
            and not any(map(needs_its_scope, new_parts(self.new, site.node)))
        )

    def apply(self) -> Any:
        """Change the tree; return the former content of the field."""
        located(self.new, self.line)
        before = getattr(self.owner, self.field)
        after = self.new
        if self.where is not None:
            after = list(before)
            after[self.where] = self.new
        setattr(self.owner, self.field, after)
        return before

    def undo(self, before: Any) -> None:
        """Restore the field to its former content."""
        setattr(self.owner, self.field, before)


@contextmanager
def applied(edits: Iterable[Edit]) -> Iterator[None]:
    """Context manager: the edits are applied to their trees, and undone at the end."""
    undo = []
    try:
        for edit in edits:
            undo.append((edit, edit.apply()))
        yield
    finally:
        for edit, before in reversed(undo):
            edit.undo(before)


def new_parts(new: ast.AST, old: Any) -> Iterator[ast.AST]:
    """Yield the nodes of an expression, without those within ``old``, which it may contain."""
    parts = [new]
    while parts:
        node = parts.pop()
        if node is not old:
            yield node
            if not isinstance(node, ast.Name | ast.Constant | ast.operator | ast.expr_context):
                parts += ast.iter_child_nodes(node)


def index_parts(index: ast.expr) -> list[ast.expr]:
    """Return the indices of an array's axes."""
    return index.elts if isinstance(index, ast.Tuple) else [index]


def has_slice(node: Any) -> TypeGuard[ast.Subscript]:
    """Return true for entries of an array of which an index is a slice."""
    is_entry = isinstance(node, ast.Subscript)
    return is_entry and any(isinstance(part, ast.Slice) for part in index_parts(node.slice))


def is_outermost(site: Site) -> bool:
    """Return true if a factor here differs from a factor on the surrounding expression.

    Products, sums over axes and the like pass a factor on: it is tried on the outer expression.
    """
    owner = site.owner
    if isinstance(owner, ast.BinOp):
        return isinstance(owner.op, ast.Add | ast.Sub) or (
            isinstance(owner.op, ast.Pow) and site.field == "left"
        )
    if isinstance(owner, ast.UnaryOp | ast.Attribute | ast.Subscript):
        return False
    if isinstance(owner, ast.Call):
        name = called_name(owner)
        return name not in ("sum", "mean", "dot", "matmul", "outer", "einsum", "reshape", "copy",
                            "transpose", "squeeze", "array", "asarray")  # fmt: skip
    return not isinstance(owner, ast.expr) or isinstance(
        owner,
        ast.Dict | ast.Tuple | ast.List | ast.IfExp | ast.DictComp | ast.ListComp | ast.Compare,
    )


def is_sign_test(node: ast.AST) -> bool:
    """Return true for a comparison with 0, which another comparison turns round."""
    sides = [node.left, *node.comparators] if isinstance(node, ast.Compare) else []
    return any(isinstance(side, ast.Constant) and side.value == 0 for side in sides)


def passes_on_numbers(site: Site) -> bool:
    """Return true if an expression is an operand of a matrix product, a sum or the like.

    These pass on a factor that is a number, but not one that is an array.
    """
    owner = site.owner
    if isinstance(owner, ast.Attribute) and owner.attr in ("T", "sum", "mean", "dot"):
        return True
    return (isinstance(owner, ast.BinOp) and isinstance(owner.op, ast.MatMult)) or called_name(
        owner
    ) in ("dot", "matmul", "outer", "einsum", "sum")


def binary(left: Any, op: ast.operator, right: Any) -> ast.BinOp:
    """Return an operation of two expressions."""
    return ast.BinOp(left, op, right)


def number(value: float) -> ast.expr:
    """Return a number as an expression."""
    return ast.UnaryOp(ast.USub(), ast.Constant(-value)) if value < 0 else ast.Constant(value)


def transposed(node: ast.expr) -> ast.expr:
    """Return the transpose of an expression: it adds ``.T``, or removes an existing ``.T``."""
    if isinstance(node, ast.Attribute) and node.attr == "T":
        return node.value
    return ast.Attribute(node, "T", ast.Load())


def negated(node: ast.expr) -> ast.expr:
    """Return an expression with the opposite sign."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return node.operand
    return ast.UnaryOp(ast.USub(), node)


def numpy_name() -> ast.expr:
    """Return the expression ``np``."""
    return ast.Name("np", ast.Load())


def called_name(node: ast.AST) -> str:
    """Return the bare name of the function that an expression calls."""
    if not isinstance(node, ast.Call):
        return ""
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def is_numpy(node: ast.expr) -> bool:
    """Return true if an expression names NumPy or one of its submodules."""
    return (isinstance(node, ast.Name) and node.id in ("np", "numpy", "xp", "jnp")) or (
        isinstance(node, ast.Attribute) and is_numpy(node.value)
    )


def copy_of(node: Any) -> Any:
    """Return a copy of a syntax tree, several times faster than `copy.deepcopy`."""
    if isinstance(node, list):
        return [copy_of(part) for part in node]
    if not isinstance(node, ast.AST) or isinstance(node, ast.expr_context | ast.operator):
        return node
    new = type(node)()
    for name, part in vars(node).items():
        setattr(new, name, copy_of(part))
    return new


def as_load(node: ast.expr) -> ast.expr:
    """Return an assignment's target as an expression that is read."""
    node = copy.copy(node)
    if isinstance(node, ast.Name | ast.Subscript | ast.Attribute):
        node.ctx = ast.Load()
    return node


def as_store(node: ast.expr) -> Any:
    """Return an expression as an assignment's target."""
    node = copy.copy(node)
    node.ctx = ast.Store()  # type: ignore[attr-defined]
    return node


def exchanged(node: ast.expr, text: str, other: ast.expr) -> ast.expr:
    """Return a copy in which every part with a given text is replaced by another expression.

    The parts that stay are shared with the original.
    """

    def of(part: Any) -> Any:
        if isinstance(part, list):
            parts = [of(each) for each in part]
            return parts if any(a is not b for a, b in zip(parts, part, strict=True)) else part
        if not isinstance(part, ast.AST) or isinstance(part, ast.expr_context | ast.operator):
            return part
        if isinstance(part, ast.expr) and _reads(part, text):
            return other
        new = {name: of(child) for name, child in ast.iter_fields(part)}
        if all(child is getattr(part, name) for name, child in new.items()):
            return part
        changed = copy.copy(part)
        vars(changed).update(new)
        return changed

    changed: ast.expr = of(node)
    return ast.fix_missing_locations(changed)


def swapped(node: ast.expr, one: str, two: str) -> ast.expr:
    """Return a copy in which the parts with two texts are exchanged."""
    new = exchanged(node, one, ast.Name("_", ast.Load()))
    new = exchanged(new, two, ast.parse(one, mode="eval").body)
    return exchanged(new, "_", ast.parse(two, mode="eval").body)


def _reads(node: ast.expr, text: str) -> bool:
    """Return true if an expression has a text."""
    if isinstance(node, ast.Name):
        return node.id == text
    return not text.isidentifier() and ast.unparse(node) == text


def stepped(node: ast.expr, step: int) -> ast.expr:
    """Return an index plus ``step``, which is 1 or -1."""
    if isinstance(node, ast.Constant) and type(node.value) is int:
        return number(node.value + step)
    if (
        isinstance(node, ast.BinOp)
        and isinstance(node.op, ast.Add | ast.Sub)
        and isinstance(node.right, ast.Constant)
        and type(node.right.value) is int
    ):
        sign = 1 if isinstance(node.op, ast.Add) else -1
        total = sign * node.right.value + step
        if total == 0:
            return node.left
        op: ast.operator = ast.Add() if total > 0 else ast.Sub()
        return binary(node.left, op, ast.Constant(abs(total)))
    return binary(node, ast.Add() if step > 0 else ast.Sub(), ast.Constant(abs(step)))
