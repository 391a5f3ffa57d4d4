"""The text of an equation's operation, with operands and parameters in their places."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import Any

from chainrule._src.base.errors import TraceError
from chainrule._src.core.equations import Equation
from chainrule._src.core.primitive import Lines


class Filler(ast.NodeTransformer):
    """Puts operands, parameters and names into a text."""

    def __init__(
        self,
        written: Mapping[str, Callable[[], ast.expr]],
        params: dict[str, Any],
        renamed: dict[str, str],
    ) -> None:
        self.written, self.params, self.renamed = written, params, renamed

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """Return what stands for a name."""
        if node.id in self.written:
            return self.written[node.id]()
        return ast.Name(self.renamed.get(node.id, node.id), node.ctx)

    def visit_Call(self, node: ast.Call) -> ast.expr:
        """Leave out arguments that say what is so anyway."""
        node.keywords = [k for k in node.keywords if not self._is_default(k)]
        return self.generic_visit(node)  # type: ignore[return-value]

    def _is_default(self, given: ast.keyword) -> bool:
        if not isinstance(given.value, ast.Name) or given.value.id not in self.params:
            return False
        value = self.params[given.value.id]
        return value is None or value is False or (given.arg == "ddof" and value == 0)


def template_of(equation: Equation) -> str:
    """Return the text, operands as ``_0``, ``_1``."""
    text = equation.primitive.text
    if isinstance(text, Lines):
        text = text.brief
    if text is None:
        raise TraceError(f"{equation.primitive.name} has no text")
    if callable(text):
        shapes = [getattr(operand, "shape", ()) for operand in equation.operands]
        return text(shapes, **equation.params)
    return text
