"""The pool of a statement: the expressions of the code and the loss with a value at this line."""

from __future__ import annotations

import ast
import builtins
import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import combinations, combinations_with_replacement, islice
from types import FunctionType
from typing import Any, NamedTuple

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.check.code import nodes_of
from chainrule._src.check.edits import (
    binary,
    called_name,
    has_slice,
    is_numpy,
    numpy_name,
    transposed,
)
from chainrule._src.check.ingredients import fits, over_axis, slopes
from chainrule._src.check.surroundings import BuildingBlocks
from chainrule._src.check.usage import IMPURE, PURE
from chainrule._src.check.valuing import Evaluator
from chainrule._src.check.watching import Site

LARGEST = 20_000  # entries of an array in the pool
FACTORS = (2, 0.5)
LONG = 24  # nodes of an expression
MOST_PARTS = 120  # of one shape
MOST_ENTRIES, FEWEST = 200_000, 8  # entries of these parts together, and parts in any case
MOST_FACTORS = 24  # that products of three are made of
SHORT = 4  # nodes of these, unless they are variables
MOST_TABLES, MOST_SUMMED, MOST_SHARED = 90, 16, 12  # matrices of which products and sums are tried
WRITTEN = ast.BinOp | ast.UnaryOp | ast.Call | ast.Subscript | ast.Compare | ast.Attribute
Shape = tuple[int, ...]


class Part(NamedTuple):
    """An expression of the pool: its values, the first axis is that of turns, and its nodes."""

    node: ast.expr
    values: Array
    size: int
    is_name: bool = False

    @property
    def shape(self) -> Shape:
        """The shape at each turn."""
        shape: Shape = self.values.shape[1:]
        return shape


class PartTable:
    """Parts of a pool with their values, spread to the shape of an expression, as rows."""

    def __init__(self, parts: Iterable[Part], turns: int, shape: Shape) -> None:
        self.parts, self.size = list(parts), math.prod(shape)
        spread = np.empty((len(self.parts), turns, *shape))
        for row, part in zip(spread, self.parts, strict=True):
            row[...] = part.values
        self.rows: Array = spread.reshape(len(self.parts), turns * self.size)

    @cached_property
    def rarity(self) -> list[float]:
        """The cost of each part as a divisor: arrays with negative entries are seldom divisors."""
        is_full = [
            part.values[0].size > 1 and part.values[0].size == self.size for part in self.parts
        ]
        positive = np.asarray((self.rows > 0).all(axis=1))
        return [
            0.0 if not full else 0.2 if p else 0.6
            for full, p in zip(is_full, positive, strict=True)
        ]

    @cached_property
    def inverse(self) -> Array:
        """The inverse of each row; NaN for a row that has a zero."""
        with np.errstate(divide="ignore"):
            inverse: Array = 1 / self.rows
        inverse[~np.isfinite(inverse).all(axis=1)] = np.nan
        return inverse


class PartsByUse(NamedTuple):
    """The parts of a pool for expressions of a shape.

    Attributes
    ----------
    fitting : PartTable
        The parts that broadcast to the shape.
    same_shape : PartTable
        Those of them that have this shape.
    short : PartTable
        Short ones, of which products of three are made.
    slopes : PartTable
        Slopes of activations.
    products : PartTable
        Transposes, matrix products and sums of parts.
    totals : PartTable
        What all entries of an axis share, such as the mean in a normalisation.
    """

    fitting: PartTable
    same_shape: PartTable
    short: PartTable
    slopes: PartTable
    products: PartTable
    totals: PartTable


class Pool:
    """The expressions that have a value at a statement, the short ones first.

    These are the variables in scope, and what the learner's functions and the loss compute. Of
    several expressions with one value the shortest stays.

    Parameters
    ----------
    site : Site
        An expression of the statement.
    around : BuildingBlocks
    scopes : sequence of mapping
        The variables in scope, by turn.
    unknown : collection of str
        Variables whose values are not known.
    """

    def __init__(
        self, site: Site, around: BuildingBlocks, scopes: Sequence[Mapping[str, Any]],
        unknown: Collection[str] = (),
    ) -> None:  # fmt: skip
        self._around, self._turns = around, len(scopes)
        visible = [{k: v for k, v in names.items() if k not in unknown} for names in scopes]
        self._parts = _parts(site, around, visible)
        self._tables: dict[Shape, PartsByUse] = {}

    def of(self, shape: Shape) -> PartsByUse:
        """Return the parts for expressions of a shape."""
        if shape not in self._tables:
            most = MOST_ENTRIES // (self._turns * math.prod(shape)) + FEWEST
            spread_parts = (_spread(part, shape) for part in self._parts)
            fitting = [part for part in spread_parts if part is not None][: min(most, MOST_PARTS)]
            short = [part for part in fitting if part.is_name or part.size <= SHORT]
            groups: tuple[Iterable[Part], ...] = (
                fitting,
                [part for part in fitting if part.shape == shape],
                short[:MOST_FACTORS],
                _derivatives(self._parts, shape, self._around),
                _contracted(self._parts, shape),
                _totals(fitting, shape),
            )
            some = (islice(group, 4 * most) for group in groups)
            self._tables[shape] = PartsByUse(*(PartTable(g, self._turns, shape) for g in some))
        return self._tables[shape]


def _parts(site: Site, around: BuildingBlocks, scopes: Sequence[Mapping[str, Any]]) -> list[Part]:
    evaluators = [Evaluator({}, set(), {**vars(builtins), **scope}) for scope in scopes]
    by_text = {text: node for node, _, text in around.named(site)}
    variables = set(by_text)
    for code in {*around.watch.codes, *around.loss.codes()}:
        for node in nodes_of(code.tree):
            if isinstance(node, WRITTEN) and _is_short(node):
                by_text.setdefault(ast.unparse(node), node)
    by_text |= {str(number): ast.Constant(number) for number in FACTORS}
    for node, value, text in around.named(site):
        if isinstance(value, float | np.floating) and 0 < value < 1:
            by_text.setdefault(f"1 - {text}", binary(ast.Constant(1), ast.Sub(), node))
    for text, node in _siblings(list(by_text.values()), around.named(site)):
        by_text.setdefault(text, node)
    parts: dict[Any, Part] = {}
    entries = ((node, text, len(nodes_of(node))) for text, node in by_text.items())
    for node, text, size in sorted(entries, key=lambda entry: entry[2]):
        values = _values(node, evaluators, around)
        if values is not None:
            key = values.shape, values.round(12).tobytes()
            parts.setdefault(key, Part(node, values, size, text in variables))
    return list(parts.values())


def _is_short(node: ast.expr) -> bool:
    """Return true for an expression of few nodes that reads a variable."""
    inside = nodes_of(node)
    return len(inside) <= LONG and any(isinstance(part, ast.Name) for part in inside)


def _siblings(
    nodes: Sequence[ast.expr], named: Sequence[tuple[ast.expr, Any, str]]
) -> Iterator[tuple[str, ast.expr]]:
    """Yield the slices that the code takes of a variable, of variables of the same shape."""
    shapes = {text: np.shape(value) for _, value, text in named if np.ndim(value)}
    for node in nodes:
        if not has_slice(node):
            continue
        text = ast.unparse(node.value)
        for variable, _, name in named if text in shapes else ():
            if name != text and shapes.get(name) == shapes[text]:
                sibling = ast.Subscript(variable, node.slice, ast.Load())
                yield ast.unparse(sibling), sibling


def _values(
    node: ast.expr, evaluators: Sequence[Evaluator], around: BuildingBlocks
) -> Array | None:
    """Return an expression's values by turn as floats; None if it has none here, or may do more."""
    names = evaluators[0].names
    for part in nodes_of(node):
        is_unknown = isinstance(part, ast.Name) and part.id not in names
        if is_unknown or (isinstance(part, ast.Call) and not _may_be_called(part, names, around)):
            return None
    try:
        values = np.stack([np.asarray(evaluator.of(node)) for evaluator in evaluators])
    except Exception:  # the names stand for something else here
        return None
    if values.dtype.kind not in "fiub" or not 0 < values.size <= LARGEST:
        return None
    floats = values.astype(np.float64)
    return floats if np.isfinite(floats).all() and floats.any() else None


def _may_be_called(call: ast.Call, names: Mapping[str, Any], around: BuildingBlocks) -> bool:
    """Return true for a call that only computes a value."""
    name = called_name(call)
    if isinstance(call.func, ast.Attribute):
        return name not in IMPURE and hasattr(np if is_numpy(call.func.value) else np.ndarray, name)
    function = names.get(name)
    if isinstance(function, FunctionType):
        return around.computes(function)
    return isinstance(function, np.ufunc) or name in PURE


def _spread(part: Part, shape: Shape) -> Part | None:
    """Return a part with the values that broadcast to a shape, perhaps with more axes."""
    n_more = len(shape) - len(part.shape)
    for n_last in range(n_more + 1 if part.shape else min(n_more, 0) + 1):
        tail = (1,) * n_last
        if fits(part.shape + tail, shape):
            ones = (1,) * (n_more - n_last)
            values = part.values.reshape(len(part.values), *ones, *part.shape, *tail)
            if not tail:
                return part._replace(values=values)
            index = [*[ast.Slice()] * len(part.shape), *[ast.Constant(None)] * n_last]
            node = ast.Subscript(part.node, ast.Tuple(index, ast.Load()), ast.Load())
            return Part(node, values, part.size + 2)
    return None


def _derivatives(parts: Sequence[Part], shape: Shape, around: BuildingBlocks) -> Iterator[Part]:
    """Yield slopes of activations at the variables of a shape."""
    for part in parts:
        for node in slopes(part.node, around) if part.is_name and part.shape == shape else ():
            values = Evaluator({id(part.node): part.values}, set(), {"np": np}).of(node)
            if np.isfinite(values).all():
                yield Part(node, values.astype(np.float64), len(nodes_of(node)))


def _contracted(parts: Sequence[Part], shape: Shape) -> Iterator[Part]:
    """Yield transposes, matrix products, and sums over an axis of parts and products of two."""
    tables = [part for part in parts if len(part.shape) >= 2][:MOST_TABLES]
    vectors = [part for part in parts if len(part.shape) == 1][:MOST_TABLES]
    turned = [Part(_turned(t), t.values.swapaxes(-1, -2), t.size + 1) for t in tables]
    both = [*tables, *turned]
    if len(shape) >= 2:
        yield from (t for t in turned if t.shape == shape)
        yield from _products(both, both, shape)
        yield from _outer_products(vectors, shape)
    elif len(shape) == 1:
        yield from _products(both, vectors, shape)
    yield from _sums([table for table in tables if len(table.shape) == 2], shape)


def _product(p: Part, q: Part) -> Part:
    return Part(binary(p.node, ast.Mult(), q.node), p.values * q.values, p.size + q.size + 1)


def _totals(parts: Sequence[Part], shape: Shape) -> Iterator[Part]:
    """Yield sums and means over an axis of parts of a shape, and of products of two."""
    some = [part for part in parts if part.shape == shape][:MOST_SHARED]
    products = [_product(p, q) for p, q in combinations_with_replacement(some, 2)]
    for axis in sorted({0, len(shape) - 1}) if shape else ():
        named = -1 if axis else 0  # right for one sample, too
        for part in (*some, *products):
            for name in ("sum", "mean"):
                values = getattr(part.values, name)(axis=axis + 1, keepdims=True)
                node = over_axis(name, part.node, named, keepdims=True)
                yield Part(node, values, part.size + 4)


def _turned(part: Part) -> ast.expr:
    """Return a matrix transposed; of more axes the last two are exchanged."""
    n_axes = len(part.shape)
    if n_axes == 2:
        return transposed(part.node)
    axes: list[ast.expr] = [
        ast.Constant(axis) for axis in (*range(n_axes - 2), n_axes - 1, n_axes - 2)
    ]
    return ast.Call(ast.Attribute(part.node, "transpose", ast.Load()), axes, [])


def _products(lefts: Sequence[Part], rights: Sequence[Part], shape: Shape) -> Iterator[Part]:
    """Yield matrix products of a shape; for one of one axis, the second factors are vectors."""
    is_vector = len(shape) == 1
    rows, columns = shape[: 1 if is_vector else -1], shape[len(shape) if is_vector else -1 :]
    for left in (part for part in lefts if part.shape[:-1] == rows):
        inner = left.shape[-1:]
        for right in rights:
            if right.shape == inner + columns or (
                right.shape[:-2] == rows[:-1] and right.shape[-2:] == inner + columns
            ):
                node = binary(left.node, ast.MatMult(), right.node)
                factor = right.values[..., None] if is_vector else right.values
                n_more = left.values.ndim - factor.ndim
                factor = factor.reshape(len(factor), *(1,) * n_more, *factor.shape[1:])
                values = left.values @ factor
                values = values[..., 0] if is_vector else values
                yield Part(node, values, left.size + right.size + 1)


def _outer_products(vectors: Sequence[Part], shape: Shape) -> Iterator[Part]:
    for left in (part for part in vectors if part.shape == shape[:1]):
        for right in (part for part in vectors if part.shape == shape[1:]):
            func = ast.Attribute(numpy_name(), "outer", ast.Load())
            values = left.values[:, :, None] * right.values[:, None, :]
            node = ast.Call(func, [left.node, right.node], [])
            yield Part(node, values, left.size + right.size + 3)


def _sums(tables: Sequence[Part], shape: Shape) -> Iterator[Part]:
    """Yield sums over an axis, of matrices and of products of two."""
    for axis, keeps in ((0, False), (0, True), (1, False), (1, True)):
        some = [t for t in tables if _summed(t.shape, axis, keeps) == shape][:MOST_SUMMED]
        products = (_product(p, q) for p, q in combinations(some, 2) if p.shape == q.shape)
        for part in (*some, *products):
            values = part.values.sum(axis=axis + 1, keepdims=keeps)
            yield Part(over_axis("sum", part.node, axis, keeps), values, part.size + 3)


def _summed(shape: Shape, axis: int, keeps: bool) -> Shape:
    """Return the shape of a sum over an axis."""
    return shape[:axis] + (1,) * keeps + shape[axis + 1 :]
