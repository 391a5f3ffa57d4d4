"""Changes that bring something in: a factor, a term, a sum, an expression of the right program."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np

from chainrule._src.check.edits import (
    Change,
    binary,
    called_name,
    exchanged,
    is_outermost,
    numpy_name,
    transposed,
)
from chainrule._src.check.surroundings import (
    Surroundings,
    distinct,
    factors,
    fits,
    one_hot,
    penalties,
    slopes,
)
from chainrule._src.check.watching import Place


def rewritten(place: Place, value: Any, around: Surroundings) -> Iterator[Change]:
    """Yield an expression with one of its variables exchanged throughout, or another derivative."""
    node = place.node
    inside = [n for n in ast.walk(node) if isinstance(n, ast.Name | ast.Subscript | ast.Attribute)]
    counts = Counter(ast.unparse(n) for n in inside)
    values = {text: theirs for _, theirs, text in around.named(place)}
    for text, count in counts.items():
        if count > 1 and isinstance(values.get(text), np.ndarray):
            for other, theirs, name in around.named(place):
                if name != text and np.shape(theirs) == np.shape(values[text]):
                    yield exchanged(node, text, other), "other value", 1.3, (text, name)
    texts = [t for t in counts if counts[t] == 1 and isinstance(values.get(t), np.ndarray)]
    for i, one in enumerate(texts):
        for two in texts[i + 1 :]:
            if values[one].shape == values[two].shape and one not in two and two not in one:
                swapped = exchanged(node, one, ast.Name("_", ast.Load()))
                swapped = exchanged(swapped, two, ast.parse(one, mode="eval").body)
                swapped = exchanged(swapped, "_", ast.parse(two, mode="eval").body)
                yield swapped, "exchanged", 1.2, (one, two)
    calls = Counter(ast.unparse(n) for n in ast.walk(node) if isinstance(n, ast.Call) and n.args)
    for text, count in calls.items():
        if count > 1:
            inner = next(n for n in ast.walk(node) if ast.unparse(n) == text)
            assert isinstance(inner, ast.Call)
            yield exchanged(node, text, inner.args[0]), "extra call", 1.4, called_name(inner)


def replaced(place: Place, value: Any, around: Surroundings) -> Iterator[Change]:
    """Yield other expressions of the same shape: other derivatives, what stands elsewhere."""
    node = place.node
    if isinstance(node, ast.BinOp | ast.Call):
        kept = [n for n in _parts(node) if n is not node]
        for other, theirs, _ in around.named(place):
            if np.ndim(theirs) and theirs.dtype.kind == "f" and fits(theirs.shape, np.shape(value)):
                for factor, _ in factors(other, theirs, place, around):
                    for part in kept:
                        yield binary(part, ast.Mult(), factor), "other factor", 2.0, factor
    for other, theirs, text in around.named(place):
        if np.ndim(theirs) and theirs.dtype.kind == "f" and theirs.shape == np.shape(value):
            if place.owner in (place.statement, place.code.tree):
                for slope in slopes(other, around):
                    yield slope, "slope", 2.1, text
            else:
                positive = ast.Compare(other, [ast.Gt()], [ast.Constant(0)])
                yield binary(ast.Constant(1.0), ast.Mult(), positive), "other value", 2.1, text
        if (
            np.ndim(theirs)
            and np.ndim(theirs) == np.ndim(value)
            and theirs.shape != np.shape(value)
            and isinstance(node, ast.Name | ast.Subscript | ast.Attribute)
        ):
            yield other, "other value", 1.9, text
    if place.owner is place.statement and isinstance(node, ast.Call | ast.Name | ast.BinOp):
        func = ast.Attribute(numpy_name(), "zeros_like", ast.Load())
        yield ast.Call(func, [node], []), "start", 1.9, None
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
        for left in _like(node.left, around, place):
            for right in _like(node.right, around, place):
                product = binary(left, ast.MatMult(), right)
                yield binary(node, ast.Add(), product), "missing term", 2.5, product
    if isinstance(place.owner, ast.AugAssign):
        target = ast.unparse(place.owner.target)
        shape = next((np.shape(v) for _, v, t in around.named(place) if t == target), ())
        for term in penalties(shape, place, around):
            yield term, "other term", 2.2, term
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
        for term in penalties(np.shape(value), place, around):
            yield binary(node.left, node.op, term), "other term", 2.2, term
            yield binary(node.right, ast.Add(), term), "other term", 2.2, term
    if not isinstance(node, ast.Constant):
        for other, theirs, text in around.expressions(place):
            if np.shape(theirs) == np.shape(value) and text != ast.unparse(node):
                yield other, "other value", 2.0, text
        whole = place.owner is place.statement
        for name, new, is_term in around.right_expressions(place):
            yield new, "right expression", (1.8 if name else 2.0) + (0 if whole else 0.3), name
            if is_term and whole:
                yield binary(node, ast.Add(), new), "missing term", 2.1, new


def _like(node: ast.expr, around: Surroundings, place: Place) -> list[ast.expr]:
    """Return an operand with its variable exchanged for others of the same shape."""
    inner = node.value if isinstance(node, ast.Attribute) and node.attr == "T" else node
    text = ast.unparse(inner)
    own = next((v for _, v, t in around.named(place) if t == text), None)
    if own is None:
        return []
    found = [o for o, v, t in around.named(place) if np.shape(v) == np.shape(own)][:12]
    return [transposed(f) for f in found] if inner is not node else found


def _parts(node: ast.expr) -> list[ast.expr]:
    """Return the factors of a product, or the arguments of a call."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.Div):
        return [*_parts(node.left), *([] if isinstance(node.op, ast.Div) else _parts(node.right))]
    if isinstance(node, ast.Call) and called_name(node) in (
        "maximum",
        "where",
        "multiply",
        "minimum",
    ):
        return [a for a in node.args if not isinstance(a, ast.Constant)]
    return [node]


def scaled(place: Place, value: Any, around: Surroundings) -> Iterator[Change]:
    """Yield an expression with a factor or a term more."""
    node, shape = place.node, np.shape(value)
    scalars, arrays = [], []
    for other, theirs, text in around.named(place):
        if np.ndim(theirs) == 0:
            is_sign = isinstance(theirs, float | np.floating) and theirs  # a label, perhaps
            if is_sign or (theirs not in (0, 1, -1) and not isinstance(theirs, bool)):
                scalars.append((other, theirs, text))
        elif theirs.dtype.kind in "fb" and fits(theirs.shape, shape):
            arrays.append((other, theirs, text))
        elif theirs.dtype.kind in "fb" and theirs.shape == shape[:1]:
            column = ast.Tuple([ast.Slice(), ast.Constant(None)], ast.Load())
            node_ = ast.Subscript(other, column, ast.Load())
            arrays.append((node_, theirs[:, None], f"{text}[:, None]"))
    scalars = [*scalars, *around.count(place)] if is_outermost(place) else []
    for sign in (ast.Add(), ast.Sub()) if is_outermost(place) else ():
        cost = 1.9 if isinstance(sign, ast.Add) else 2.0
        yield binary(node, sign, ast.Constant(1)), "missing term", cost, ast.Constant(1)
    for constant in (2, 0.5) if is_outermost(place) else ():
        yield binary(ast.Constant(constant), ast.Mult(), node), "missing factor", 1.6, constant
    for other, _, _ in distinct(scalars):
        yield binary(node, ast.Div(), other), "missing divisor", 1.5, other
        yield binary(node, ast.Mult(), other), "missing factor", 1.8, other
    own = ast.unparse(node)
    if arrays and isinstance(node, ast.Name | ast.Subscript | ast.Call):
        yield binary(node, ast.Pow(), ast.Constant(2)), "missing power", 1.6, None
    for other, theirs, text in arrays:
        if text == own or np.ndim(theirs) < np.ndim(value) - 1:
            continue
        for factor, cost in factors(other, theirs, place, around):
            yield binary(node, ast.Mult(), factor), "missing factor", cost, factor
    if len(shape) >= 1:
        for axis in range(len(shape)):
            words = [
                ast.keyword("axis", ast.Constant(axis)),
                ast.keyword("keepdims", ast.Constant(True)),
            ]
            func = ast.Attribute(ast.Name("np", ast.Load()), "sum", ast.Load())
            total = ast.Call(func, [node], words)
            yield binary(node, ast.Div(), total), "missing divisor", 1.9, total
            for keep in (False, True):
                words = [ast.keyword("axis", ast.Constant(axis))]
                words += [ast.keyword("keepdims", ast.Constant(True))] if keep else []
                func = ast.Attribute(ast.Name("np", ast.Load()), "sum", ast.Load())
                yield ast.Call(func, [node], words), "missing sum", 1.7, axis


def shared(place: Place, value: Any, around: Surroundings) -> Iterator[Change]:
    """Yield what a softmax or a normalisation adds: a path that all entries of an axis share."""
    node, shape = place.node, np.shape(value)
    named = [n for n in around.named(place) if shape and np.shape(n[1]) == shape]
    floats = [(other, theirs) for other, theirs, _ in named if theirs.dtype.kind == "f"]
    for axis in range(len(shape)):
        words = [
            ast.keyword("axis", ast.Constant(axis)),
            ast.keyword("keepdims", ast.Constant(True)),
        ]

        def over(name: str, part: ast.expr, words: list[ast.keyword] = words) -> ast.expr:
            return ast.Call(ast.Attribute(numpy_name(), name, ast.Load()), [part], words)

        for other, theirs in floats:
            is_share = np.allclose(theirs.sum(axis=axis), 1) and (theirs >= 0).all()
            is_normal = np.allclose(theirs.mean(axis=axis), 0, atol=1e-8)
            if not is_share and not (is_normal and np.allclose(theirs.var(axis=axis), 1, rtol=0.1)):
                continue
            for inner in [node, *(o for o, _ in floats if o is not other)]:
                product = binary(inner, ast.Mult(), other)
                if is_share:
                    less = binary(inner, ast.Sub(), over("sum", product))
                    yield binary(other, ast.Mult(), less), "softmax", 1.9, other
                term = binary(other, ast.Mult(), over("sum" if is_share else "mean", product))
                yield binary(node, ast.Sub(), term), "missing term", 2.2, term
        for inner in [node, *(o for o, _ in floats)]:
            mean = over("mean", inner)
            yield binary(node, ast.Sub(), mean), "missing term", 2.2, mean


def with_terms(place: Place, value: Any, around: Surroundings) -> Iterator[Change]:
    """Yield an expression with a term more."""
    node, shape = place.node, np.shape(value)
    if isinstance(node, ast.Constant):
        return
    if not shape:
        for other, theirs, text in around.named(place):
            if isinstance(theirs, float | np.floating) and text != ast.unparse(node):
                yield binary(node, ast.Add(), other), "missing term", 2.2, other
        return
    own = ast.unparse(node)
    for other, theirs, text in around.named(place):
        if not np.ndim(theirs) or text == own or not fits(np.shape(theirs), shape):
            continue
        if theirs.dtype.kind == "f":
            far = 0.0 if np.shape(theirs) == shape else 0.1
            yield binary(node, ast.Add(), other), "missing term", 2.2 + far, other
            yield binary(node, ast.Sub(), other), "missing term", 2.3 + far, other
    if place.owner is place.statement:
        yield from shared(place, value, around)
    if is_outermost(place):
        for term in penalties(shape, place, around):
            yield binary(node, ast.Add(), term), "missing term", 2.4, term
    for labels in one_hot(shape, place, around):
        yield binary(node, ast.Sub(), labels), "missing term", 2.0, "labels"
        if not isinstance(place.owner, ast.Subscript):
            yield labels, "labels", 1.9, None
