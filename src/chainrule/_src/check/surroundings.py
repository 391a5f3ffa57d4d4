"""The building blocks of changes: variables, numbers, helpers, right expressions."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from functools import cached_property
from types import FunctionType
from typing import Any
from weakref import proxy

import numpy as np

from chainrule._src.check.code import FunctionSource, is_learners, nodes_of
from chainrule._src.check.edits import binary
from chainrule._src.check.ofloss import OfLoss
from chainrule._src.check.right import RightProgram
from chainrule._src.check.translation import Translation
from chainrule._src.check.usage import only_computes, unread_names
from chainrule._src.check.valuing import Evaluator
from chainrule._src.check.watching import Site, Watch, references

MOST_NAMES = 80
ENTRIES = ast.Name | ast.Attribute | ast.Subscript


class BuildingBlocks:
    """The building blocks at a site: variables in scope, numbers of the loss, helper functions."""

    def __init__(
        self, watch: Watch, right: RightProgram | None = None, n: int | None = None,
        admits: Callable[[Site, Any], bool] = lambda site, shift: True,
    ) -> None:  # fmt: skip
        self.admits = admits  # false if what is added to an expression's value mends nothing
        self.watch, self.right, self.n = watch, right, n
        self.numbers = right.numbers if right else ()
        self._entries: dict[Any, list[tuple[ast.expr, Any, str]]] = {}
        self._unread: dict[FunctionSource, set[str]] = {}
        self._computing: dict[FunctionType, bool] = {}
        self._index_uses: dict[FunctionSource, list[tuple[ast.expr, bool]]] = {}
        self._helpers: dict[FunctionSource, list[str]] = {}
        self.loss = OfLoss(list)
        self.translation = Translation(right, n, proxy(self))  # no cycle
        self._used_texts: dict[FunctionSource, set[str]] = {}
        self._unused: dict[FunctionSource, list[tuple[ast.expr, str]]] = {}
        self._grown: dict[FunctionSource, set[str]] = {}

    def tells(self, site: Site) -> bool:
        """Return true if `admits` tells which values of an expression mend a result."""
        return not self.admits(site, np.full(np.shape(site.value), np.pi))

    def named(self, site: Site) -> list[tuple[ast.expr, Any, str]]:
        """Return expression, value and text of the arrays and numbers in scope at a site.

        Of several names of one array, the one comes that the code uses.
        """
        key = site.code, id(site.trace.scope)
        if key not in self._entries:
            scope = self._scope(site)
            texts = self._texts(site.code)
            entries = [(node, value, ast.unparse(node)) for node, value in references(scope)]
            entries = _plainest(_once(entries, texts), texts)
            entries += self._indexed(site, scope, entries)
            self._entries[key] = entries
        return self._entries[key]

    @cached_property
    def strings(self) -> set[str]:
        """The strings that the code compares with."""
        compared = [
            n for p in self.watch.codes for n in nodes_of(p.tree) if isinstance(n, ast.Compare)
        ]
        parts = [part for node in compared for part in (node.left, *node.comparators)]
        return {p.value for p in parts if isinstance(p, ast.Constant) and isinstance(p.value, str)}

    def grown(self, code: FunctionSource) -> set[str]:
        """Return the variables that a function changes by ``+=`` and the like, also entries."""
        if code not in self._grown:
            targets = [n.target for n in nodes_of(code.tree) if isinstance(n, ast.AugAssign)]
            self._grown[code] = set(map(_base_name, targets)) - {""}
        return self._grown[code]

    def _texts(self, code: FunctionSource) -> set[str]:
        """Return the texts of the variables, attributes and entries that a function uses."""
        if code not in self._used_texts:
            nodes = (n for n in nodes_of(code.tree) if isinstance(n, ENTRIES))
            self._used_texts[code] = set(map(ast.unparse, nodes))
        return self._used_texts[code]

    def _indexed(
        self, site: Site, scope: dict[str, Any], entries: list[tuple[ast.expr, Any, str]]
    ) -> Iterator[tuple[ast.expr, Any, str]]:
        """Yield entries of the arrays and lists in scope, at the indices that the code uses."""
        texts = {text for _, _, text in entries}
        bases: list[tuple[ast.expr, Any, str]]
        bases = [(ast.Name(k, ast.Load()), v, k) for k, v in scope.items()]
        used = self._texts(site.code)
        bases += [e for e in entries if e[2] not in scope and e[2] in used]
        bases += [b for base in bases[: len(scope)] for b in _containers(base) if b[2] in used]
        for index, is_own in self._indices(site.code):
            names = {n.id for n in nodes_of(index) if isinstance(n, ast.Name)}
            if not names or not names <= scope.keys():
                continue
            try:
                position = Evaluator({}, set(), scope).of(index)
            except Exception:  # an index is meaningless in this scope
                continue
            for base, value, name in bases:
                if not isinstance(value, list | dict | np.ndarray) or name in names:
                    continue
                if not is_own and isinstance(value, np.ndarray):
                    continue
                try:
                    inner = value[position]
                except Exception:  # an index out of range, or of another kind
                    continue
                node = ast.Subscript(base, index, ast.Load())
                text = ast.unparse(node)
                if text not in texts and isinstance(inner, np.ndarray | np.number | float | int):
                    yield node, inner, text

    def _indices(self, code: FunctionSource) -> list[tuple[ast.expr, bool]]:
        """Return the code's index expressions (true) and their neighbours ``i ± 1`` (false)."""
        if code not in self._index_uses:
            by_text: dict[str, ast.expr] = {}
            for node in nodes_of(code.tree):
                if isinstance(node, ast.Subscript) and not isinstance(node.slice, ast.Constant):
                    by_text.setdefault(ast.unparse(node.slice), node.slice)
            used = list(by_text.values())[:8]
            loops = [index for index in used if isinstance(index, ast.Name)]
            pairs = [ast.Tuple([i, j], ast.Load()) for i in loops for j in loops if i is not j]
            used += [pair for pair in pairs if ast.unparse(pair) not in by_text]
            near = [binary(index, op(), ast.Constant(1)) for index in used
                    if isinstance(index, ast.Name) for op in (ast.Add, ast.Sub)]  # fmt: skip
            near = [index for index in near if ast.unparse(index) not in by_text]
            self._index_uses[code] = [*((i, True) for i in used), *((i, False) for i in near)]
        return self._index_uses[code]

    def count(self, site: Site) -> list[tuple[ast.expr, Any, str]]:
        """Return the number of samples as ``len(X)`` or the like, in a list; else ``[]``."""
        arrays = [(o, v, t) for o, v, t in self.named(site) if np.ndim(v) and self.n in v.shape]
        arrays.sort(key=lambda a: (a[1].shape.index(self.n), "[" in a[2], "." in a[2]))
        for _, value, text in arrays[:1]:
            axis = value.shape.index(self.n)
            spelled = f"{text}.shape[{axis}]" if axis else f"len({text})"
            return [(ast.parse(spelled, mode="eval").body, self.n, spelled)]
        return []

    def lengths(self, site: Site) -> list[tuple[ast.expr, Any, str]]:
        """Return the lengths of lists in scope, and of arrays if no axis is known as the batch."""
        kinds = list | tuple if self.n is not None else list | tuple | np.ndarray
        names = [
            (f"len({name})", len(value))
            for name, value in site.trace.scope.items()
            if isinstance(value, kinds) and _has_items(value) and len(value) > 1
        ]
        return [(ast.parse(text, mode="eval").body, size, text) for text, size in names[:6]]

    def expressions(self, site: Site) -> list[tuple[ast.expr, Any, str]]:
        """Return earlier expressions of the function whose variables are in scope at a site."""
        scope = site.trace.scope
        order = site.trace.order
        by_text: dict[str, tuple[ast.expr, Any, str]] = {}
        for other in self.watch.sites:
            trace = other.trace
            if (
                other.code is site.code
                and trace.values
                and isinstance(trace.values[0], np.ndarray)
                and isinstance(other.node, ast.BinOp | ast.Call)
            ):
                names = {n.id for n in nodes_of(other.node) if isinstance(n, ast.Name)}
                bound = set(other.code.code_object.co_varnames)
                if trace.order < order and names & bound <= scope.keys():
                    text = ast.unparse(other.node)
                    by_text[text] = (other.node, trace.values[0], text)
        return list(by_text.values())

    def of_loss(self, site: Site) -> list[tuple[ast.expr, Any, str]]:
        """Return the expressions of the loss whose variables are in scope at a site."""
        return self.loss.entries(site, lambda: self._scope(site), self.computes)

    def _scope(self, site: Site) -> dict[str, Any]:
        scope = site.trace.scope
        function = site.code.functions[0]
        outer = {k: c.cell_contents for k, c in zip(function.__code__.co_freevars,
                 function.__closure__ or (), strict=True) if _is_filled(c)}  # fmt: skip
        names = function.__globals__
        used = {name: names[name] for name in function.__code__.co_names if name in names}
        of_loss = {name for code in self.loss.codes() for name in code.code_object.co_names}
        constants = {name: names[name] for name in of_loss if isinstance(names.get(name), float)}
        return {**constants, **used, **outer, **scope}

    def unread(self, code: FunctionSource) -> set[str]:
        """Return the variables that a function computes for nothing: their value is never read.

        Of a variable that a loop carries, the value of the turn before is not read.
        """
        if code not in self._unread:
            self._unread[code] = set(unread_names(code.tree))
        return self._unread[code]

    def helpers(self, site: Site) -> list[str]:
        """Return the names of the user's functions of one argument that only compute a value."""
        if site.code not in self._helpers:
            self._helpers[site.code] = self._of_one_argument(site)
        return self._helpers[site.code]

    def _of_one_argument(self, site: Site) -> list[str]:
        return [
            name for name, f in _users_functions(site)
            if f.__code__.co_argcount - len(f.__defaults__ or ()) == 1 and self.computes(f)
        ]  # fmt: skip

    def functions(self, site: Site, n_args: int) -> list[str]:
        """Return the names of the user's other functions of a number of arguments."""
        code = site.code.code_object
        functions = _users_functions(site)
        return [name for name, f in functions
                if f.__code__.co_argcount == n_args and f.__code__ is not code]  # fmt: skip

    def unused_layers(self, code: FunctionSource) -> list[tuple[ast.expr, str]]:
        """Return the layers that the class runs forwards and this function leaves out.

        Each comes with the method that the function calls of the others.
        """
        if code not in self._unused:
            used = {text: method for _, text, method in _receivers(code)}
            of_class = [r for c in self.watch.codes if c.owner == code.owner != "" and c is not code
                      for r in _receivers(c)]  # fmt: skip
            forwards = {method for _, text, method in of_class if text in used}
            names = {text for _, text, _ in of_class}
            methods = {method for text, method in used.items() if text in names}
            lacking = {t: r for r, t, m in of_class if m in forwards and t not in used}
            self._unused[code] = [(r, m) for r in lacking.values() for m in sorted(methods)]
        return self._unused[code]

    def computes(self, f: FunctionType) -> bool:
        """Return true if a function only computes a value."""
        if f not in self._computing:
            self._computing[f] = only_computes(f, f.__globals__)
        return self._computing[f]


def _users_functions(site: Site) -> Iterator[tuple[str, FunctionType]]:
    """Yield the functions that a user wrote in a module or notebook, with their names."""
    for name, value in site.code.functions[0].__globals__.items():
        if isinstance(value, FunctionType) and is_learners(value.__code__.co_filename):
            yield name, value


def _receivers(code: FunctionSource) -> Iterator[tuple[ast.expr, str, str]]:
    """Yield the attributes whose methods a function calls: node, text and method."""
    for node in nodes_of(code.tree):
        match node:
            case ast.Call(ast.Attribute(ast.Attribute() as receiver, method)):
                yield receiver, ast.unparse(receiver), method


def _once(
    entries: list[tuple[ast.expr, Any, str]], used: set[str]
) -> list[tuple[ast.expr, Any, str]]:
    """Return the entries without other names of the same array; names that are used come first."""
    by_array: dict[int, tuple[ast.expr, Any, str]] = {}
    for entry in sorted(entries, key=lambda entry: (entry[2] not in used, len(entry[2]))):
        by_array.setdefault(id(entry[1]), entry)
    return [e for e in entries if not np.ndim(e[1]) or by_array[id(e[1])] is e]


def _plainest(
    entries: list[tuple[ast.expr, Any, str]], used: set[str]
) -> list[tuple[ast.expr, Any, str]]:
    """Return at most `MOST_NAMES` entries: variables, what the code uses, then parts of objects."""
    depth = {t: 0 if t in used or t.isidentifier() else t.count(".") + t.count("[")
             for _, _, t in entries}  # fmt: skip
    first = set(sorted(depth, key=depth.__getitem__)[:MOST_NAMES])
    return [entry for entry in entries if entry[2] in first]


def _has_items(value: Any) -> bool:
    return not isinstance(value, np.ndarray) or value.ndim > 0


def _is_filled(cell: Any) -> bool:
    try:
        return cell.cell_contents is not None
    except ValueError:
        return False


def _containers(base: tuple[ast.expr, Any, str]) -> Iterator[tuple[ast.expr, Any, str]]:
    """Yield the attributes of an object that are lists or dicts."""
    node, value, text = base
    for name, inner in getattr(value, "__dict__", {}).items():
        if isinstance(inner, list | dict):
            yield ast.Attribute(node, name, ast.Load()), inner, f"{text}.{name}"


def _base_name(target: ast.expr) -> str:
    while isinstance(target, ast.Subscript):
        target = target.value
    return target.id if isinstance(target, ast.Name) else ""
