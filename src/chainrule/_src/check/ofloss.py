"""The expressions of the loss, in the names of the code that computes its gradient."""

from __future__ import annotations

import ast
import builtins
import itertools
from collections.abc import Callable
from functools import cached_property
from types import FunctionType
from typing import Any

import numpy as np

from chainrule._src.check.code import FunctionSource, nodes_of
from chainrule._src.check.edits import called_name
from chainrule._src.check.valuing import Evaluator
from chainrule._src.check.watching import Site

MOST = 40  # expressions that are tried at a site
MOST_CONDITIONS = 3  # conditions that are tried
MOST_BOUNDS = 9  # numbers that are tried as bounds
LONG = 30  # nodes of an expression; a longer one is not tried
OPERATIONS = ast.BinOp | ast.Call | ast.Compare
Entry = tuple[ast.expr, Any, str]


class OfLoss:
    """The expressions of the loss.

    Parameters
    ----------
    codes : callable
        Returns the functions of the loss; it is called when they are first needed.
    """

    def __init__(self, codes: Callable[[], list[FunctionSource]]) -> None:
        self.codes = codes
        self._entries: dict[Any, list[Entry]] = {}
        self._expressions: dict[FunctionSource, dict[str, ast.expr]] = {}

    @cached_property
    def bounds(self) -> list[float]:
        """The numbers that the loss may compare values with, in ascending order."""
        nodes = [n for code in self.codes() for n in nodes_of(code.tree)]
        numbers = [n.value for n in nodes if isinstance(n, ast.Constant)]
        sizes = {abs(v) for v in numbers if isinstance(v, int | float) and v}
        return sorted({0, *sizes, *(-size for size in sizes)})[:MOST_BOUNDS]

    @cached_property
    def texts(self) -> set[str]:
        """The operations and calls of the loss as texts."""
        nodes = [n for code in self.codes() for n in nodes_of(code.tree)]
        return {ast.unparse(node) for node in nodes if isinstance(node, OPERATIONS)}

    @cached_property
    def conditions(self) -> list[ast.expr]:
        """The conditions on which the loss counts a sample or a step."""
        nodes = [n for code in self.codes() for n in nodes_of(code.tree)]
        tests = {ast.unparse(n.test): n.test for n in nodes if isinstance(n, ast.If)}
        return list(tests.values())[:MOST_CONDITIONS]

    def entries(
        self, site: Site, scope: Callable[[], dict[str, Any]],
        computes: Callable[[FunctionType], bool],
    ) -> list[Entry]:  # fmt: skip
        """Return the expressions whose variables are in scope at a site, with value and text."""
        key = site.code, id(site.trace.scope)
        if key not in self._entries:
            names = {**vars(builtins), **site.code.functions[0].__globals__, **scope()}
            lacking = self._lacking(site.code).items()
            values = ((node, _value(node, names, computes), text) for text, node in lacking)
            numbers = (e for e in values if isinstance(e[1], np.ndarray | np.floating))
            nonempty = (entry for entry in numbers if entry[1].size)
            self._entries[key] = list(itertools.islice(nonempty, MOST))
        return self._entries[key]

    def _lacking(self, code: FunctionSource) -> dict[str, ast.expr]:
        """Return the expressions that a function lacks, by their texts, the short ones first."""
        if code not in self._expressions:
            texts_here = {ast.unparse(n) for n in nodes_of(code.tree) if isinstance(n, OPERATIONS)}
            trees = [other.tree for other in self.codes()]
            nodes = [n for tree in trees for n in nodes_of(tree) if isinstance(n, OPERATIONS)]
            texts = {ast.unparse(n): n for n in nodes if len(nodes_of(n)) <= LONG}
            short = sorted(texts.items(), key=lambda pair: len(pair[0]))
            self._expressions[code] = {text: node for text, node in short if text not in texts_here}
        return self._expressions[code]


def _value(node: ast.expr, names: dict[str, Any], computes: Callable[[FunctionType], bool]) -> Any:
    """Return the value of an expression; None if it has none here, or may do something else."""
    nodes = nodes_of(node)
    if not {n.id for n in nodes if isinstance(n, ast.Name)} <= names.keys():
        return None
    called = [names.get(called_name(n)) for n in nodes if isinstance(n, ast.Call)]
    if not all(computes(f) for f in called if isinstance(f, FunctionType)):
        return None
    try:
        return Evaluator({}, set(), names).of(node)
    except Exception:  # the names stand for something else here
        return None
