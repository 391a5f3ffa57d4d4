"""Rules of products: one matrix product wherever one operand alone carries the axis."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.batching.call import Call, Rule
from chainrule.ops.linalg import EINSUM, LETTERS, MATMUL, TENSORDOT, transposed


def _contracted(call: Call) -> Any:
    """Write the products as `einsum`, with one letter more."""
    kernel: Any = call.primitive.kernel
    subscripts = kernel.subscripts(call.ranks, **call.params)
    inputs, out = subscripts.split("->")
    letter = next(c for c in reversed(LETTERS) if c not in subscripts)
    pairs = zip(inputs.split(","), call.mapped, strict=True)
    terms = [term + letter if mapped else term for term, mapped in pairs]
    return EINSUM(*call.operands, subscripts=f"{','.join(terms)}->{out}{letter}")


def _tensordot(call: Call) -> Any:
    if all(call.mapped):
        return _contracted(call)
    product = call.done(*call.operands)
    kept = call.ranks[0] - len(call.params["axes"][0])
    return np.moveaxis(product, kept, -1) if call.mapped[0] else product


def _matmul(call: Call) -> Any:
    if all(call.mapped):
        return _contracted(call)
    return (_with_left if call.mapped[0] else _with_right)(call)


def _with_right(call: Call) -> Any:
    """The columns of every place side by side are one matrix."""
    a, b = call.operands
    if call.ranks[1] == 1:
        return a @ b
    side_by_side = np.reshape(b, (*np.shape(b)[:-2], np.shape(b)[-2] * call.size))
    return np.reshape(a @ side_by_side, call.whole)


def _with_left(call: Call) -> Any:
    """The rows of every place, one below the other, are one matrix."""
    (a, b), (rank_a, rank_b) = call.operands, call.ranks
    if rank_b == 1:
        return b @ a
    if rank_a == 1:
        return transposed(b) @ a
    rows, places, inner = np.shape(a)[-3], call.size, np.shape(a)[-2]
    below = np.reshape(np.swapaxes(a, -1, -2), (*np.shape(a)[:-3], rows * places, inner))
    product = np.reshape(below @ b, (*call.shape[:-1], places, call.shape[-1]))
    return np.swapaxes(product, -1, -2)


RULES: dict[Any, Rule] = {MATMUL: _matmul, TENSORDOT: _tensordot, EINSUM: _contracted}
