"""A loss without the small constants inside its logarithms, where it cannot be recorded."""

from __future__ import annotations

import ast
import contextlib
import copy
from collections.abc import Callable, Iterator
from typing import Any

from chainrule._src.check.code import FunctionSource, codes_called, nodes_of
from chainrule._src.check.edits import called_name
from chainrule._src.check.recorded import SMALL
from chainrule._src.check.sandbox import FAILURES


@contextlib.contextmanager
def no_epsilon(call: Callable[[], Any]) -> Iterator[bool]:
    """Context manager: the code that a call runs has no epsilon; true if the code was changed."""
    with contextlib.ExitStack() as stack:
        changed = False
        for code in codes_called(call):
            with contextlib.suppress(*FAILURES):
                tree = _without(code)
                if tree is not None:
                    stack.enter_context(code.changed(tree))
                    changed = True
        yield changed


def _without(code: FunctionSource) -> Any:
    """Return a function's tree without small constants inside logarithms; None if it has none."""
    change = _NoEpsilon(code)
    tree = change.visit(copy.deepcopy(code.tree))
    return ast.fix_missing_locations(tree) if change.count else None


class _NoEpsilon(ast.NodeTransformer):
    def __init__(self, code: FunctionSource) -> None:
        self.values = {
            target.id: node.value.value
            for node in nodes_of(code.tree)
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        self.names = code.functions[0].__globals__
        self.count = 0

    def visit_Call(self, node: ast.Call) -> Any:
        """Drop the small term of the sum inside a logarithm."""
        self.generic_visit(node)
        inside = node.args[0] if called_name(node) == "log" and node.args else None
        if isinstance(inside, ast.BinOp) and isinstance(inside.op, ast.Add):
            for small, other in ((inside.left, inside.right), (inside.right, inside.left)):
                if self._is_small(small):
                    self.count += 1
                    node.args[0] = other
                    break
        return node

    def _is_small(self, node: ast.expr) -> bool:
        value: Any = None
        if isinstance(node, ast.Constant):
            value = node.value
        elif isinstance(node, ast.Name):
            value = self.values.get(node.id, self.names.get(node.id))
        return isinstance(value, float) and 0 < value <= SMALL
