"""Changes of all slices and indices of a statement at once: other parts, a stride, none."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from chainrule._src.check.code import nodes_of
from chainrule._src.check.edits import (
    Edit,
    as_load,
    as_store,
    binary,
    exchanged,
    has_slice,
    index_parts,
    number,
)
from chainrule._src.check.indices import other_slices
from chainrule._src.check.lines import Block
from chainrule._src.check.surroundings import BuildingBlocks

MOST_STRIDES = 4  # whole numbers by which the indices of a window are multiplied
LARGEST = 8  # of these numbers
AUGMENTED = ast.Assign | ast.AugAssign


def of_slices(block: Block, i: int, around: BuildingBlocks) -> Iterator[Edit]:
    """Yield a statement with another slice throughout, without it, or with one that it lacks."""
    s = block.statements[i]
    if not isinstance(s, AUGMENTED | ast.For):
        return
    sliced = [n for n in _read_and_written(s) if has_slice(n)]
    by_text: dict[str, list[ast.Subscript]] = {}
    for node in sliced:
        by_text.setdefault(ast.unparse(node.slice), []).append(node)
    for nodes in by_text.values():
        if len(nodes) > 1:
            yield from _replaced(block, i, [(node, node.value) for node in nodes])
            for index in _other_ends(nodes[0].slice):
                yield from _replaced(block, i, [(node, _at(node.value, index)) for node in nodes])
    yield from _other_indices(block, i)
    if isinstance(s, AUGMENTED) and not by_text:
        yield from _with_slices(block, i, around)


def _other_indices(block: Block, i: int) -> Iterator[Edit]:
    """Yield a statement with another index of the code for one that stands in it several times."""
    texts = [ast.unparse(n.slice) for n in _read_and_written(block.statements[i]) if _is_step(n)]
    indices = {ast.unparse(n.slice): n.slice for n in _nodes(block) if _is_step(n)}
    for text in dict.fromkeys(texts):
        for index_text, index in indices.items() if texts.count(text) > 1 else ():
            if index_text != text:
                yield from _replaced(block, i, [(indices[text], index)], "index", 1.4)


def _is_step(node: Any) -> bool:
    """Return true for an entry at a variable index."""
    index = node.slice if isinstance(node, ast.Subscript) else None
    return isinstance(index, ast.Name | ast.BinOp)


def _read_and_written(s: Any) -> list[Any]:
    """Return the nodes of a statement; of a loop those of what it runs over."""
    return nodes_of(s.iter if isinstance(s, ast.For) else s)


def _nodes(block: Block) -> list[Any]:
    return nodes_of(block.code.tree)


def _at(array: ast.expr, index: ast.expr) -> ast.Subscript:
    return ast.Subscript(array, index, ast.Load())


def _other_ends(index: ast.expr) -> Iterator[ast.expr]:
    """Yield a slice with other ends; of several axes one changes."""
    parts = index_parts(index)
    for k, part in enumerate(parts):
        for new in other_slices(part) if isinstance(part, ast.Slice) else ():
            elts = [*parts[:k], new, *parts[k + 1 :]]
            yield ast.Tuple(elts, ast.Load()) if isinstance(index, ast.Tuple) else new


def _replaced(
    block: Block, i: int, pairs: Sequence[tuple[ast.expr, ast.expr]], kind: str = "slice",
    cost: float = 1.3, detail: Any = None,
) -> Iterator[Edit]:  # fmt: skip
    """Yield a statement in which several expressions are replaced, by their texts."""
    s = block.statements[i]
    of_target = s.target if isinstance(s, ast.AugAssign) else None
    targets = [of_target] if of_target is not None else getattr(s, "targets", [])
    value = s.iter if isinstance(s, ast.For) else s.value
    for old, new in pairs:
        text = ast.unparse(old)
        value = exchanged(value, text, new)
        targets = [as_store(exchanged(as_load(t), text, new)) for t in targets]
    if isinstance(s, ast.For):
        yield Edit(block.code, s, "iter", None, value, kind, cost, s.lineno, s, detail)
    elif of_target is not None:
        yield block.edit(i, ast.AugAssign(targets[0], s.op, value), kind, cost, detail=detail)
    else:
        yield block.edit(i, ast.Assign(targets, value), kind, cost, detail=detail)


def _with_slices(block: Block, i: int, around: BuildingBlocks) -> Iterator[Edit]:
    """Yield ``a[1:] += b[1:]`` for ``a += b``, with the slices of other statements as well."""
    s = block.statements[i]
    target = s.target if isinstance(s, ast.AugAssign) else s.targets[0]
    site = next((p for p in around.watch.sites if p.owner is s and p.trace.values), None)
    if site is None:
        return
    shapes = {text: np.shape(value) for _, value, text in around.named(site)}
    shape = shapes.get(ast.unparse(target), ())
    read = {ast.unparse(n): n for n in nodes_of(s.value) if isinstance(n, ast.expr)}
    same = [node for text, node in read.items() if shapes.get(text) == shape]
    indices = {ast.unparse(n.slice): n.slice for n in _nodes(block) if has_slice(n)}
    first: list[ast.expr] = [ast.Slice(ast.Constant(1)), ast.Slice(None, number(-1))]
    indices = {ast.unparse(part): part for part in first} | indices
    for index in indices.values() if shape and same else ():
        arrays = [as_load(target), *same]
        yield from _replaced(block, i, [(node, _at(node, index)) for node in arrays])


def of_strides(block: Block, i: int, around: BuildingBlocks) -> Iterator[Edit]:
    """Yield a statement whose indices are multiplied by a whole number, such as a stride."""
    s = block.statements[i]
    site = next((p for p in around.watch.sites if p.statement is s and p.trace.values), None)
    if site is None or not isinstance(s, AUGMENTED):
        return
    products = [n for n in nodes_of(block.code.tree) if isinstance(n, ast.BinOp)]
    factors = {ast.unparse(n.right) for n in products if isinstance(n.op, ast.Mult)}
    named = sorted(around.named(site), key=lambda entry: entry[2] not in factors)
    by_value = {
        value: (node, text) for node, value, text in reversed(named)
        if isinstance(value, int | np.integer) and 1 < value <= LARGEST
    }  # fmt: skip
    wholes = list(by_value.values())[::-1][:MOST_STRIDES]
    loops = {
        node.target.id for node in nodes_of(block.code.tree)
        if isinstance(node, ast.For) and isinstance(node.target, ast.Name)
    }  # fmt: skip
    starts = [
        part.lower for node in _read_and_written(s) if has_slice(node)
        for part in index_parts(node.slice)
        if isinstance(part, ast.Slice) and isinstance(part.lower, ast.Name)
    ]  # fmt: skip
    value = getattr(s, "value", None)
    if not starts and isinstance(s, ast.Assign) and isinstance(value, ast.Name):
        starts = [value]
    names = {start.id: start for start in starts if start.id in loops}
    for node, text in wholes if names else ():
        if text not in names:
            pairs = [(start, binary(start, ast.Mult(), node)) for start in names.values()]
            yield from _replaced(block, i, pairs, "missing factor", 1.35, node)
