"""A wrong value as a sum of the right value's terms, with other coefficients.

A gradient is a sum over paths. A wrong one often is the sum of some of them, or one path has
another sign or counts twice. The coefficients of the terms follow from the two values.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from chainrule._src.check.comparing import in_words
from chainrule._src.check.right import RightProgram

MOST_TERMS = 8
DEPTH = 4  # definitions of variables that are looked into
LONG = 90  # characters of a term that a message shows
EXACT = 1e-6
PLAIN = (0.0, 1.0, -1.0, 2.0, 0.5)  # coefficients that a mistake makes
Term = tuple[float, ast.expr]


def of_terms(
    wrong: Any, right_value: Any, right: RightProgram, spelled: Callable[[ast.expr], str],
    *, every: bool = False,
) -> str:  # fmt: skip
    """Describe which terms of a right value a wrong value lacks or counts otherwise; else "".

    ``spelled`` returns an expression of the right program in the learner's names, "" without one.
    If ``every``, all terms may be wrong, each in another way.
    """
    n = right.table.n
    for match in right.table.matches(right_value):
        node = right.defined.get(match.value.name)
        if node is None or match.is_transposed or match.value.sample is not None:
            continue
        terms = _merged(_terms(node, 1.0, right, DEPTH))
        if not 2 <= len(terms) <= MOST_TERMS:
            continue
        coefficients = _coefficients(np.asarray(wrong, np.float64) / match.factor, terms, right)
        if coefficients is None or (every and len(set(coefficients)) == 1):
            continue
        texts = [spelled(term) or _text(term, right) for _, term in terms]
        parts = [_part(c, text, n) for c, text in zip(coefficients, texts, strict=True)]
        faults = [part for part in parts if part]
        if faults and (every or len(faults) < len(terms)):
            return "; ".join(dict.fromkeys(faults))
    return ""


def _terms(node: ast.expr, sign: float, right: RightProgram, depth: int) -> Iterator[Term]:
    """Yield the terms of a sum, each with its sign; variables that hold sums are looked into."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
        yield from _terms(node.left, sign, right, depth)
        turned = sign if isinstance(node.op, ast.Add) else -sign
        yield from _terms(node.right, turned, right, depth)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield from _terms(node.operand, -sign, right, depth)
    elif isinstance(node, ast.Name) and depth and _is_sum(right.defined.get(node.id)):
        yield from _terms(right.defined[node.id], sign, right, depth - 1)
    else:
        yield sign, node


def _merged(terms: Iterator[Term]) -> list[Term]:
    """Return terms of which each occurs once: ``2 a`` for ``a + a``."""
    by_text: dict[str, Term] = {}
    for sign, node in terms:
        text = ast.unparse(node)
        by_text[text] = by_text.get(text, (0.0, node))[0] + sign, node
    return [(sign, node) for sign, node in by_text.values() if sign]


def _is_sum(node: Any) -> bool:
    return (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub)) or isinstance(
        node, ast.UnaryOp
    )


def _coefficients(wrong: Any, terms: list[Term], right: RightProgram) -> list[float] | None:
    """Return the coefficients of terms whose sum is a value; None if there are none, or several."""
    values = right.value_by_node
    columns = []
    for sign, node in terms:
        value = values.get(id(node))
        if value is None or np.ndim(value) > np.ndim(wrong):
            return None
        try:
            columns.append(sign * np.broadcast_to(value, wrong.shape).ravel())
        except ValueError:
            return None
    matrix = np.array(columns).T
    scale = np.linalg.norm(matrix, axis=0)
    if matrix.shape[0] <= matrix.shape[1] or not scale.all() or not np.isfinite(wrong).all():
        return None
    solution, _, rank, _ = np.linalg.lstsq(matrix / scale, wrong.ravel(), rcond=1e-9)
    gap = np.linalg.norm(matrix / scale @ solution - wrong.ravel())
    if rank < len(terms) or gap > EXACT * np.linalg.norm(wrong):
        return None
    n = right.table.n
    plain = (*PLAIN, n, 2 * n, 1 / n) if n else PLAIN
    nearest = [float(min(plain, key=lambda number: abs(number - c))) for c in solution / scale]
    far = np.abs(np.array(nearest) - solution / scale).max()
    return nearest if far < 10 * EXACT else None


def _part(coefficient: float, text: str, n: int | None) -> str:
    """Describe what is wrong with one term, "" if nothing is."""
    if coefficient == 1:
        return ""
    if coefficient == 0:
        return f"the term {text} is missing: a path is left out (add up all paths)"
    if coefficient == -1:
        return f"the sign of the term {text} is wrong (minus for plus, or the other way round)"
    if n and coefficient in (n, 2 * n, 1 / n):
        return f"of the term {text}: {in_words(coefficient, n)}"
    return f"the term {text} counts {coefficient:.4g} times, a factor: it must count once"


def _text(node: ast.expr, right: RightProgram) -> str:
    """Return a term in the right program's names; variables without a name are written out."""
    text = right.written_out(ast.unparse(node))
    return text if len(text) <= LONG else f"{text[: LONG - 3]}..."
