"""Rules of products: one matrix product if only one operand carries the mapped axis."""

from __future__ import annotations

from typing import Any

from chainrule._src.ops.linalg import EINSUM, LETTERS, MATMUL, MATMUL_LAST, TENSORDOT
from chainrule._src.trace.batching.call import MappedCall, Rule, moved
from chainrule._src.trace.batching.moving import axis_first


def _contracted(call: MappedCall) -> Any:
    """Write the product as an `einsum` with one more letter, for the mapped axis."""
    kernel: Any = call.primitive.kernel
    subscripts = kernel.subscripts(call.ranks, **call.params)
    inputs, out = subscripts.split("->")
    letter = next(c for c in reversed(LETTERS) if c not in subscripts)
    pairs = zip(inputs.split(","), call.mapped, strict=True)
    terms = [term + letter if mapped else term for term, mapped in pairs]
    return EINSUM(*call.operands, subscripts=f"{','.join(terms)}->{out}{letter}")


def _tensordot(call: MappedCall) -> Any:
    if all(call.mapped):
        return _contracted(call)
    return _side_by_side(call, call.params["axes"])


def _side_by_side(call: MappedCall, axes: Any) -> Any:
    """Multiply with the rows, or columns, of all positions as one matrix."""
    product = TENSORDOT(*call.operands, axes=axes)
    n_before = call.ranks[0] - len(axes[0])  # axes before the mapped axis
    return moved(product, n_before, -1) if call.mapped[0] else product


def _matmul(call: MappedCall) -> Any:
    rank_a, rank_b = call.ranks
    if not all(call.mapped) and rank_b <= 2:
        return _side_by_side(call, ((rank_a - 1,), (0,)))
    if 1 in call.ranks or not all(call.mapped):
        return _contracted(call)
    if call.ranks == (2, 2):
        return MATMUL_LAST(*call.operands)
    rank = max(call.ranks)
    return moved(MATMUL(*(axis_first(x, rank) for x in call.operands)), 0, -1)


RULES: dict[Any, Rule] = {
    MATMUL: _matmul,
    TENSORDOT: _tensordot,
    EINSUM: _contracted,
    MATMUL_LAST: _contracted,
}
