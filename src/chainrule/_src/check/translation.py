"""The right program's expressions in the names of the learner's code, which are found by value."""

from __future__ import annotations

import ast
import copy
from collections import defaultdict
from typing import Any, Protocol

import numpy as np

from chainrule._src.check.code import nodes_of
from chainrule._src.check.edits import transposed
from chainrule._src.check.right import RightProgram
from chainrule._src.check.watching import Site

LONG_NUMBER = 8  # characters of a number in an expression of the right program
LONG_TEXT = 90  # characters of a term that a message shows
LONG = 60  # nodes of an expression; a longer one nobody would write in one line


class NamesInScope(Protocol):
    """The arrays and numbers in scope at a site: expression, value and text of each."""

    def named(self, site: Site) -> list[tuple[ast.expr, Any, str]]: ...


class Translation:
    """The right program's expressions in the names of the learner's code.

    Parameters
    ----------
    right : RightProgram or None
    n : int or None
        The number of samples.
    around : NamesInScope
    """

    def __init__(self, right: RightProgram | None, n: int | None, around: NamesInScope) -> None:
        self.right, self.n, self._around = right, n, around
        self._names: dict[tuple[int, str], ast.expr | None] = {}
        self._expressions: dict[Any, list[tuple[str, ast.expr, bool]]] = {}
        self._by_number: dict[Any, dict[int, list[tuple[ast.expr, Any, str]]]] = {}

    def expressions(self, site: Site) -> list[tuple[str, ast.expr, bool]]:
        """Return the right program's expressions of the same shape, in the names of this code.

        Each comes with its name, and true if it is a term of a sum.
        """
        shape = np.shape(site.value)
        key = id(site.statement), shape
        if key not in self._expressions:
            by_text: dict[str, tuple[str, ast.expr, bool]] = {}
            expressions, terms = (
                (self.right.expressions, self.right.terms) if self.right else ((), ())
            )
            for name, node, value in expressions:
                if shape in self._shapes(value) and np.size(value) > 1:
                    new = self._renamed(node, site, 4)
                    if new is None or len(nodes_of(new)) > LONG:
                        continue
                    text = ast.unparse(new)
                    if text not in by_text and not self._is_of_these(new, text):
                        ast.fix_missing_locations(new)
                        by_text[text] = name, new, node in terms
            self._expressions[key] = list(by_text.values())
        return self._expressions[key]

    def spelled(self, node: ast.expr, site: Site) -> str:
        """Return a right expression in the names of this code, "" if one has none or it is long."""
        new = self._renamed(node, site, 4)
        text = "" if new is None else ast.unparse(ast.fix_missing_locations(new))
        return text if len(text) <= LONG_TEXT else ""

    def _shapes(self, value: Any) -> list[tuple[int, ...]]:
        """Return the shapes in which a right value may occur: the whole array, one sample's row."""
        shape = np.shape(value)
        return [shape, shape[1:]] if shape and shape[0] == self.n else [shape]

    def _is_of_these(self, node: ast.expr, text: str) -> bool:
        """Return true if an expression is specific to these samples: their number or data.

        So is one with a number of many digits, which nobody would write.
        """
        numbers = [part.value for part in nodes_of(node) if isinstance(part, ast.Constant)]
        return "np.array(" in text or any(
            (type(number) is int and number == self.n)
            or (type(number) is float and len(repr(number)) > LONG_NUMBER)
            for number in numbers
        )

    def _renamed(self, node: ast.expr, site: Site, depth: int) -> ast.expr | None:
        """Return a right expression in the names of this code, None if one has no name."""
        assert self.right is not None
        if isinstance(node, ast.Name):
            if node.id in ("np", "len"):
                return node
            key = id(site.statement), node.id
            if key not in self._names:
                self._names[key] = self._own_name(node.id, site)
            local_name = self._names[key]
            if local_name is not None:
                return local_name
            inner = self.right.defined.get(node.id)
            return self._renamed(inner, site, depth - 1) if inner is not None and depth else None
        if isinstance(node, ast.Constant) and type(node.value) is float and node.value % 1:
            return self._own_number(node.value, site)
        new = copy.copy(node)
        for field, child in ast.iter_fields(node):
            if isinstance(child, list):
                parts = [self._renamed(h, site, depth) if isinstance(h, ast.expr) else
                         self._keyword(h, site, depth) for h in child]  # fmt: skip
                if any(part is None for part in parts):
                    return None
                setattr(new, field, parts)
            elif isinstance(child, ast.expr):
                part = self._renamed(child, site, depth)
                if part is None:
                    return None
                setattr(new, field, part)
        return new

    def _keyword(self, node: Any, site: Site, depth: int) -> Any:
        if not isinstance(node, ast.keyword):
            return node
        value = self._renamed(node.value, site, depth)
        return None if value is None else ast.keyword(node.arg, value)

    def _own_name(self, name: str, site: Site) -> ast.expr | None:
        """Return the name in this code of a right variable, which is found by its value."""
        assert self.right is not None
        names = self.right.named
        if name not in names:
            return None
        right_value = np.asarray(names[name])
        if not right_value.ndim:
            return self._own_number(right_value.item(), site)
        if right_value.dtype.kind not in "fiub":
            return None
        by_size = self._by_size(site)
        candidates = [*by_size.get(right_value.size, ())]
        if len(right_value) == self.n:
            candidates += by_size.get(right_value.size // self.n, ())
        matches: list[tuple[tuple[Any, ...], ast.expr]] = []
        for node, value, text in candidates:
            for turned in (False, True):
                candidate = np.transpose(value) if turned else np.asarray(value)
                same_shape = candidate.shape == right_value.shape
                is_row = (
                    candidate.ndim
                    and candidate.shape == right_value.shape[1:]
                    and len(right_value) == self.n
                )
                if (same_shape and _along(candidate, right_value)) or (
                    is_row and _is_a_row(candidate, right_value, self.n)
                ):
                    plain = (not same_shape, text != name, turned, len(text))
                    matches.append((plain, transposed(node) if turned else node))
        return min(matches, key=lambda pair: pair[0])[1] if matches else None

    def _own_number(self, number: float, site: Site) -> ast.expr:
        """Return the shortest name in this code of a number that is not whole, else the number."""
        same = [(len(text), node) for node, value, text in self._around.named(site)
                if not np.ndim(value) and value == number and number % 1]  # fmt: skip
        return min(same, key=lambda pair: pair[0])[1] if same else ast.Constant(number)

    def _by_size(self, site: Site) -> dict[int, list[tuple[ast.expr, Any, str]]]:
        """Return the arrays in scope at a site by their number of entries."""
        key = site.code, id(site.trace.scope)
        if key not in self._by_number:
            self._by_number[key] = defaultdict(list)
            for entry in self._around.named(site):
                if np.ndim(entry[1]):
                    self._by_number[key][np.size(entry[1])].append(entry)
        return self._by_number[key]


def _along(a: Any, b: Any) -> bool:
    """Return true if one array is a positive multiple of another."""
    if b.dtype.kind in "iub" or a.dtype.kind in "iub":
        return bool(np.array_equal(a, b))
    product = float(np.vdot(a, b))
    size = float(np.vdot(a, a)) * float(np.vdot(b, b))
    return product > 0 and product**2 >= (1 - 2e-10) * size


def _is_a_row(a: Any, rows: Any, n: int | None) -> bool:
    """Return true if an array is one row of another, up to the average and a factor 2."""
    if rows.dtype.kind in "iub":
        return bool((rows == a).reshape(len(rows), -1).all(axis=1).any())
    scale = np.abs(rows).max() or 1
    times = (1, n or 1, 2, 2 * (n or 1), 0.5)
    gaps = [np.abs(rows - a / t).reshape(len(rows), -1).max(axis=1).min() for t in times]
    return bool(min(gaps) <= 1e-10 * scale)
