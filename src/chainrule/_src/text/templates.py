"""Text templates of operations, in which operands and parameters are inserted."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import Any

from chainrule._src.base.errors import TraceError
from chainrule._src.core.equations import Equation
from chainrule._src.core.primitive import Lines


class Filler(ast.NodeTransformer):
    """Inserts operands, parameters and names into the syntax tree of a template."""

    def __init__(
        self,
        written: Mapping[str, Callable[[], ast.expr]],
        params: dict[str, Any],
        renamed: dict[str, str],
    ) -> None:
        self.written, self.params, self.renamed = written, params, renamed

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """Return the expression to insert for a name."""
        if node.id in self.written:
            return self.written[node.id]()
        return ast.Name(self.renamed.get(node.id, node.id), node.ctx)

    def visit_Call(self, node: ast.Call) -> ast.expr:
        """Remove keyword arguments that have their default values."""
        node.keywords = [k for k in node.keywords if not self._is_default(k)]
        self.generic_visit(node)
        if isinstance(node.func, ast.Attribute) and node.func.attr == "copy":
            return node.func.value if _is_new(node.func.value) else node
        return node

    def _is_default(self, argument: ast.keyword) -> bool:
        if not isinstance(argument.value, ast.Name) or argument.value.id not in self.params:
            return False
        value = self.params[argument.value.id]
        return value is None or value is False or (argument.arg == "ddof" and value == 0)


_SHARING = {"reshape", "transpose", "squeeze", "expand_dims", "broadcast_to", "flip", "lib"}


def _is_new(expression: ast.expr) -> bool:
    """Return true if the value of an expression shares no memory, so that it needs no copy."""
    if isinstance(expression, ast.BinOp | ast.UnaryOp | ast.Compare):
        return True
    function = expression.func if isinstance(expression, ast.Call) else None
    return (
        isinstance(function, ast.Attribute)
        and isinstance(function.value, ast.Name)
        and function.value.id == "np"
        and function.attr not in _SHARING
    )


def template_of(equation: Equation) -> str:
    """Return the text of an equation's operation, with operands as ``_0``, ``_1``."""
    text = equation.primitive.text
    if isinstance(text, Lines):
        text = text.brief
    if text is None:
        raise TraceError(f"{equation.primitive.name} has no text")
    if callable(text):
        shapes = [getattr(operand, "shape", ()) for operand in equation.operands]
        return text(shapes, **equation.params)
    return text
