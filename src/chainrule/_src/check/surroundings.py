"""The building blocks of changes: variables, numbers, helpers, right expressions."""

from __future__ import annotations

import ast
import copy
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import cached_property
from types import FunctionType
from typing import Any

import numpy as np

from chainrule._src.check.code import FunctionSource, is_learners, nodes_of
from chainrule._src.check.edits import binary, transposed
from chainrule._src.check.ofloss import OfLoss
from chainrule._src.check.right import RightProgram
from chainrule._src.check.usage import only_computes, unread_names
from chainrule._src.check.valuing import Evaluator
from chainrule._src.check.watching import Site, Watch, references

MOST_NAMES = 80
ENTRIES = ast.Name | ast.Attribute | ast.Subscript
LONG_NUMBER = 8  # characters of a number in an expression of the right program
LONG_TEXT = 90  # characters of a term that a message shows
LONG = 60  # nodes of an expression; a longer one nobody would write in one line


class BuildingBlocks:
    """The building blocks at a site: variables in scope, numbers of the loss, helper functions."""

    def __init__(
        self, watch: Watch, right: RightProgram | None = None, n: int | None = None,
        admits: Callable[[Site, Any], bool] = lambda site, shift: True,
    ) -> None:  # fmt: skip
        self.admits = admits  # false if what is added to an expression's value mends nothing
        self.watch, self.right, self.n = watch, right, n
        self.numbers = right.numbers if right else ()
        self._local_names: dict[tuple[int, str], ast.expr | None] = {}
        self._entries: dict[Any, list[tuple[ast.expr, Any, str]]] = {}
        self._right_entries: dict[Any, list[tuple[str, ast.expr, bool]]] = {}
        self._unread: dict[FunctionSource, set[str]] = {}
        self._computing: dict[FunctionType, bool] = {}
        self._index_uses: dict[FunctionSource, list[tuple[ast.expr, bool]]] = {}
        self._helpers: dict[FunctionSource, list[str]] = {}
        self._sizes: dict[Any, dict[int, list[tuple[ast.expr, Any, str]]]] = {}
        self.loss = OfLoss(list)
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

    def right_expressions(self, site: Site) -> list[tuple[str, ast.expr, bool]]:
        """Return the right program's expressions of the same shape, in the names of this code.

        Each comes with its name, and true if it is a term of a sum.
        """
        shape = np.shape(site.value)
        key = id(site.statement), shape
        if key not in self._right_entries:
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
            self._right_entries[key] = list(by_text.values())
        return self._right_entries[key]

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
            if key not in self._local_names:
                self._local_names[key] = self._own_name(node.id, site)
            local_name = self._local_names[key]
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
        same = [(len(text), node) for node, value, text in self.named(site)
                if not np.ndim(value) and value == number and number % 1]  # fmt: skip
        return min(same, key=lambda pair: pair[0])[1] if same else ast.Constant(number)

    def _by_size(self, site: Site) -> dict[int, list[tuple[ast.expr, Any, str]]]:
        """Return the arrays in scope at a site by their number of entries."""
        key = site.code, id(site.trace.scope)
        if key not in self._sizes:
            self._sizes[key] = defaultdict(list)
            for entry in self.named(site):
                if np.ndim(entry[1]):
                    self._sizes[key][np.size(entry[1])].append(entry)
        return self._sizes[key]

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
        names = site.code.functions[0].__globals__
        return [
            name for name, f in names.items()
            if isinstance(f, FunctionType)
            and f.__code__.co_argcount - len(f.__defaults__ or ()) == 1
            and is_learners(f.__code__.co_filename)
            and self.computes(f)
        ]  # fmt: skip

    def functions(self, site: Site, n_args: int) -> list[str]:
        """Return the names of the user's other functions of a number of arguments."""
        names, code = site.code.functions[0].__globals__, site.code.code_object
        return [
            name for name, f in names.items()
            if isinstance(f, FunctionType)
            and f.__code__.co_argcount == n_args
            and is_learners(f.__code__.co_filename)
            and f.__code__ is not code
        ]  # fmt: skip

    def unused_layers(self, code: FunctionSource) -> list[tuple[ast.expr, str]]:
        """Return the layers that the class runs forwards and this function leaves out.

        Each comes with the method that the function calls of the others.
        """
        if code not in self._unused:
            used = {text: method for _, text, method in _receivers(code)}
            others = [r for c in self.watch.codes if c.owner == code.owner != "" and c is not code
                      for r in _receivers(c)]  # fmt: skip
            forwards = {method for _, text, method in others if text in used}
            methods = {method for text, method in used.items() if text in {t for _, t, _ in others}}
            lacking = {t: r for r, t, m in others if m in forwards and t not in used}
            self._unused[code] = [(r, m) for r in lacking.values() for m in sorted(methods)]
        return self._unused[code]

    def computes(self, f: FunctionType) -> bool:
        """Return true if a function only computes a value."""
        if f not in self._computing:
            self._computing[f] = only_computes(f, f.__globals__)
        return self._computing[f]


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
