"""What an expression could use: variables, numbers, helpers, expressions of the right program."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from types import FunctionType
from typing import Any

import numpy as np

from chainrule._src.check.code import Code
from chainrule._src.check.edits import binary, exchanged, number, transposed
from chainrule._src.check.right import RightProgram
from chainrule._src.check.watching import Place, Watch, references

MOST_NAMES = 80
LONG = 60  # parts of an expression that nobody would write in one line


class Surroundings:
    """What an expression could use: the variables around it, numbers of the loss, helpers."""

    def __init__(
        self, watch: Watch, right: RightProgram | None = None, n: int | None = None
    ) -> None:
        self.watch, self.right, self.n = watch, right, n
        self.numbers = right.numbers if right else ()
        self._own: dict[tuple[int, str], ast.expr | None] = {}
        self._kept: dict[Any, list[tuple[ast.expr, Any, str]]] = {}
        self._theirs: dict[Any, list[tuple[str, ast.expr, bool]]] = {}
        self._used: dict[Code, list[tuple[ast.expr, bool]]] = {}

    def named(self, place: Place) -> list[tuple[ast.expr, Any, str]]:
        """Return the names of arrays and numbers around a place, with values and their text."""
        scope = self._scope(place)
        key = id(place.statement), frozenset(scope)
        if key not in self._kept:
            found = [(node, value, ast.unparse(node)) for node, value in references(scope)]
            found = found[:MOST_NAMES]
            found += self._indexed(place, scope, {text for _, _, text in found})
            self._kept[key] = found
        return self._kept[key]

    def _indexed(
        self, place: Place, scope: dict[str, Any], known: set[str]
    ) -> Iterator[tuple[ast.expr, Any, str]]:
        """Yield what the code's own indices take out of the arrays and lists in scope."""
        for index, is_own in self._indices(place.code):
            names = {n.id for n in ast.walk(index) if isinstance(n, ast.Name)}
            if not names or not names <= scope.keys():
                continue
            for name, value in scope.items():
                if not isinstance(value, list | np.ndarray) or name in names:
                    continue
                if not is_own and not isinstance(value, list):
                    continue
                node = ast.Subscript(ast.Name(name, ast.Load()), index, ast.Load())
                text = ast.unparse(node)
                if text not in known:
                    try:
                        inner = eval(text, {}, scope)
                    except Exception:  # an index out of range, or of another kind
                        continue
                    if isinstance(inner, np.ndarray | np.number | float):
                        yield node, inner, text

    def _indices(self, code: Code) -> list[tuple[ast.expr, bool]]:
        """Return the expressions that the code uses as indices, and names one step further."""
        if code not in self._used:
            found: dict[str, ast.expr] = {}
            for node in ast.walk(code.tree):
                if isinstance(node, ast.Subscript) and not isinstance(node.slice, ast.Constant):
                    found.setdefault(ast.unparse(node.slice), node.slice)
            own = list(found.values())[:8]
            near = [binary(index, op(), ast.Constant(1)) for index in own
                    if isinstance(index, ast.Name) for op in (ast.Add, ast.Sub)]  # fmt: skip
            near = [index for index in near if ast.unparse(index) not in found]
            self._used[code] = [*((i, True) for i in own), *((i, False) for i in near)]
        return self._used[code]

    def count(self, place: Place) -> list[tuple[ast.expr, Any, str]]:
        """Return the number of samples as the length of a variable, where there is one."""
        arrays = [(o, v, t) for o, v, t in self.named(place) if np.ndim(v) and self.n in v.shape]
        arrays.sort(key=lambda a: (a[1].shape.index(self.n), "[" in a[2], "." in a[2]))
        for _, value, text in arrays[:1]:
            axis = value.shape.index(self.n)
            spelled = f"{text}.shape[{axis}]" if axis else f"len({text})"
            return [(ast.parse(spelled, mode="eval").body, self.n, spelled)]
        return []

    def expressions(self, place: Place) -> list[tuple[ast.expr, Any, str]]:
        """Return what else the function computes, where its variables are at hand."""
        scope = place.seen.scope
        own = place.seen.order
        found: dict[str, tuple[ast.expr, Any, str]] = {}
        for other in self.watch.places:
            seen = other.seen
            if (
                other.code is place.code
                and seen.values
                and isinstance(seen.values[0], np.ndarray)
                and isinstance(other.node, ast.BinOp | ast.Call)
            ):
                names = {n.id for n in ast.walk(other.node) if isinstance(n, ast.Name)}
                bound = set(other.code.own.co_varnames)
                if seen.order < own and names & bound <= scope.keys():
                    text = ast.unparse(other.node)
                    found[text] = (other.node, seen.values[0], text)
        return list(found.values())

    def right_expressions(self, place: Place) -> list[tuple[str, ast.expr, bool]]:
        """Return the right program's expressions of the same shape, in the names of this code.

        Each with its name, and whether it is a term of a sum.
        """
        shape = np.shape(place.value)
        key = id(place.statement), shape
        if key not in self._theirs:
            found: dict[str, tuple[str, ast.expr, bool]] = {}
            expressions, terms = (
                (self.right.expressions, self.right.terms) if self.right else ((), ())
            )
            for name, node, value in expressions:
                if shape in self._shapes(value) and np.size(value) > 1:
                    new = self._renamed(node, place, 4)
                    if new is None or sum(1 for _ in ast.walk(new)) > LONG:
                        continue
                    text = ast.unparse(new)
                    if text not in found and not self._is_of_these(new, text):
                        ast.fix_missing_locations(new)
                        found[text] = name, new, node in terms
            self._theirs[key] = list(found.values())
        return self._theirs[key]

    def _shapes(self, value: Any) -> list[tuple[int, ...]]:
        """Return the shapes that a value of the right program has here: whole, and of a sample."""
        shape = np.shape(value)
        return [shape, shape[1:]] if shape and shape[0] == self.n else [shape]

    def _is_of_these(self, node: ast.expr, text: str) -> bool:
        """Whether an expression holds for these few samples alone: their number, their values."""
        return "np.array(" in text or any(
            isinstance(part, ast.Constant) and type(part.value) is int and part.value == self.n
            for part in ast.walk(node)
        )

    def _renamed(self, node: ast.expr, place: Place, depth: int) -> ast.expr | None:
        """Return the right program's expression in this code's names, None if there are none."""
        assert self.right is not None
        if isinstance(node, ast.Name):
            if node.id in ("np", "len"):
                return node
            key = id(place.statement), node.id
            if key not in self._own:
                self._own[key] = self._own_name(node.id, place)
            known = self._own[key]
            if known is not None:
                return known
            inner = self.right.defined.get(node.id)
            return self._renamed(inner, place, depth - 1) if inner is not None and depth else None
        new = copy.copy(node)
        for field, held in ast.iter_fields(node):
            if isinstance(held, list):
                parts = [self._renamed(h, place, depth) if isinstance(h, ast.expr) else
                         self._keyword(h, place, depth) for h in held]  # fmt: skip
                if any(part is None for part in parts):
                    return None
                setattr(new, field, parts)
            elif isinstance(held, ast.expr):
                part = self._renamed(held, place, depth)
                if part is None:
                    return None
                setattr(new, field, part)
        return new

    def _keyword(self, node: Any, place: Place, depth: int) -> Any:
        if not isinstance(node, ast.keyword):
            return node
        value = self._renamed(node.value, place, depth)
        return None if value is None else ast.keyword(node.arg, value)

    def _own_name(self, name: str, place: Place) -> ast.expr | None:
        """Return what this code calls a variable of the right program, found by its value."""
        assert self.right is not None
        names = self.right.named
        if name not in names:
            return None
        wanted = np.asarray(names[name])
        if not wanted.ndim:
            same = [(len(text), node) for node, value, text in self.named(place)
                    if not np.ndim(value) and value == wanted and wanted % 1]  # fmt: skip
            return min(same, key=lambda pair: pair[0])[1] if same else ast.Constant(wanted.item())
        if wanted.dtype.kind not in "fiub":
            return None
        found: list[tuple[tuple[Any, ...], ast.expr]] = []
        for node, value, text in self.named(place):
            for turned in (False, True):
                theirs = np.transpose(value) if turned else np.asarray(value)
                whole = theirs.shape == wanted.shape
                is_row = theirs.ndim and theirs.shape == wanted.shape[1:] and len(wanted) == self.n
                if (whole and _along(theirs, wanted)) or (
                    is_row and _is_a_row(theirs, wanted, self.n)
                ):
                    plain = (not whole, text != name, turned, len(text))
                    found.append((plain, transposed(node) if turned else node))
        return min(found, key=lambda pair: pair[0])[1] if found else None

    def _scope(self, place: Place) -> dict[str, Any]:
        scope = place.seen.scope
        function = place.code.functions[0]
        outer = {k: c.cell_contents for k, c in zip(function.__code__.co_freevars,
                 function.__closure__ or (), strict=True) if _is_filled(c)}  # fmt: skip
        used = {
            name: function.__globals__[name]
            for name in function.__code__.co_names
            if name in function.__globals__
        }
        return {**used, **outer, **scope}

    def helpers(self, place: Place) -> list[str]:
        """Return the names of the user's functions of one argument, but those that check."""
        names = place.code.functions[0].__globals__.items()
        return [
            name for name, f in names
            if isinstance(f, FunctionType)
            and f.__code__.co_argcount - len(f.__defaults__ or ()) == 1
            and f.__code__.co_filename == place.code.file
            and not {"check_gradients", "check_loss"} & {*f.__code__.co_names}
        ]  # fmt: skip


def _along(a: Any, b: Any) -> bool:
    """Whether one array is a multiple of another."""
    if b.dtype.kind in "iub" or a.dtype.kind in "iub":
        return bool(np.array_equal(a, b))
    size = float(np.linalg.norm(a) * np.linalg.norm(b))
    return size > 0 and float(np.vdot(a, b)) >= (1 - 1e-10) * size


def _is_a_row(a: Any, rows: Any, n: int | None) -> bool:
    """Whether an array is one sample's row of another, but for the average and a factor 2."""
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


def distinct(
    scalars: list[tuple[ast.expr, Any, str]], numbers: tuple[float, ...] = ()
) -> list[tuple[ast.expr, Any, str]]:
    """Return scalars of different values, a dozen at most."""
    found: dict[float, tuple[ast.expr, Any, str]] = {}
    for node, value, text in scalars:
        known = found.setdefault(float(value), (node, value, text))
        if isinstance(node, ast.Name) and not isinstance(known[0], ast.Name):
            found[float(value)] = node, value, text  # an entry may be so at the first turn alone
    for amount in numbers:
        found.setdefault(amount, (number(amount), amount, str(amount)))
    return list(found.values())[:12]


def fits(small: tuple[int, ...], shape: tuple[int, ...]) -> bool:
    """Whether an array of one shape can be multiplied into one of another."""
    try:
        return np.broadcast_shapes(small, shape) == shape
    except ValueError:
        return False


def one_hot(shape: tuple[int, ...], place: Place, around: Surroundings) -> Iterator[ast.expr]:
    """Yield labels as rows (or columns) of zeros and a one; the label of a sample as its row."""
    eye = ast.Attribute(ast.Name("np", ast.Load()), "eye", ast.Load())
    for node, value, _ in around.named(place) if len(shape) == 1 else ():
        if isinstance(value, int | np.integer) and 0 <= value < shape[0] > 1:
            yield ast.Subscript(ast.Call(eye, [ast.Constant(shape[0])], []), node, ast.Load())
    if len(shape) != 2:
        return
    for node, value, _ in around.named(place):
        if np.ndim(value) == 1 and value.dtype.kind in "iu" and len(value) in shape:
            turned = len(value) != shape[0]
            classes = shape[0] if turned else shape[1]
            if value.min() >= 0 and value.max() < classes:
                rows = ast.Call(eye, [ast.Constant(classes)], [])
                found: ast.expr = ast.Subscript(rows, node, ast.Load())
                yield transposed(found) if turned else found


def penalties(shape: tuple[int, ...], place: Place, around: Surroundings) -> Iterator[ast.expr]:
    """Yield multiples of variables by small numbers: what the derivative of a penalty is."""
    named = around.named(place)
    scalars = [(o, v, t) for o, v, t in named if not np.ndim(v)]
    for other, theirs, _ in named:
        if np.ndim(theirs) and theirs.shape == shape and theirs.dtype.kind == "f":
            for scalar, amount, _ in distinct(scalars, around.numbers):
                if np.asarray(amount).dtype.kind == "f" and 0 < abs(amount) < 1:
                    for times in (1, 2):
                        factor = scalar if times == 1 else binary(number(2), ast.Mult(), scalar)
                        yield binary(factor, ast.Mult(), other)


SLOPES = (
    "1.0 * (_ > 0)", "np.where(_ > 0, 1.0, np.exp(_))", "np.where(_ > 0, 1.0, _ + 1)",
    "1 / (1 + np.exp(-_))", "1 - np.exp(-_)", "_ * (1 - _)", "1 - _**2", "1 - np.tanh(_)**2",
)  # fmt: skip


def slopes(node: ast.expr, around: Surroundings) -> Iterator[ast.expr]:
    """Yield the derivatives of activations, at a value or at what they gave."""
    small = [f"np.where(_ > 0, 1.0, {number})" for number in around.numbers if number < 1]
    for text in (*SLOPES, *small):
        yield exchanged(ast.parse(text, mode="eval").body, "_", node)


def factors(
    node: ast.expr, value: Any, place: Place, around: Surroundings
) -> Iterator[tuple[ast.expr, float]]:
    """Yield what a derivative could be, in terms of one variable."""
    one: ast.expr = ast.Constant(1)
    yield node, 1.7
    if value.dtype.kind == "b":
        return
    positive = ast.Compare(node, [ast.Gt()], [ast.Constant(0)])
    yield positive, 1.7
    if (value > 0).all() and (value < 1).all():
        less = binary(one, ast.Sub(), node)
        yield binary(node, ast.Mult(), less), 1.7
        yield less, 1.9
    if (np.abs(value) < 1).all():
        yield binary(one, ast.Sub(), binary(node, ast.Pow(), ast.Constant(2))), 1.7
    for helper in around.helpers(place):
        yield ast.Call(ast.Name(helper, ast.Load()), [node], []), 1.7
