"""Rules of operations along axes: reductions, moves, joins, and stacks of matrices."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from chainrule._src.ops import decompositions, joining, matrices, nn, ordering, reduce, shape
from chainrule._src.trace.batching.call import MappedCall, Rule, moved, spread


def elementwise(call: MappedCall) -> Any:
    """Apply an elementwise operation: the mapped axis broadcasts."""
    return call.apply(*call.aligned())


def _axes(axis: Any, rank: int) -> Any:
    """Return axes counted from the first, which an additional last axis does not change."""
    if axis is None:
        return tuple(range(rank))
    return tuple(a % rank for a in axis) if isinstance(axis, tuple | list) else axis % rank


def _along(call: MappedCall) -> Any:
    """Apply an operation along axes that remain in the result."""
    return call.apply(*call.operands, axis=_axes(call.params["axis"], call.ranks[0]))


def _reduced(call: MappedCall) -> Any:
    (x,), (rank,) = call.operands, call.ranks
    if rank:
        return call.apply(x, axis=_axes(call.params["axis"], rank))
    return call.apply(np.reshape(x, (1, call.size)), axis=0, keepdims=False)


def _reduced_flat(call: MappedCall) -> Any:
    """Apply a reduction over one axis, or over all entries in one row."""
    if call.ranks[0] and call.params["axis"] is not None:
        return _reduced(call)
    flat = np.reshape(call.operands[0], (_entries(call), call.size))
    return np.reshape(call.apply(flat, axis=0, keepdims=False), call.full_shape)


def _entries(call: MappedCall) -> int:
    return math.prod(np.shape(call.operands[0])[:-1])


def _reshaped(call: MappedCall) -> Any:
    return np.reshape(call.operands[0], call.full_shape)


def _transposed(call: MappedCall) -> Any:
    return call.apply(call.operands[0], axes=(*call.params["axes"], call.ranks[0]))


def _broadcast(call: MappedCall) -> Any:
    return call.apply(call.operands[0], shape=call.full_shape)


def _rolled(call: MappedCall) -> Any:
    if call.params["axis"] is not None:
        return _along(call)
    flat = np.reshape(call.operands[0], (_entries(call), call.size))
    return np.reshape(call.apply(flat, axis=0), call.full_shape)


def _tiled(call: MappedCall) -> Any:
    return call.apply(call.operands[0], reps=(*np.atleast_1d(call.params["reps"]).tolist(), 1))


def _padded(call: MappedCall) -> Any:
    return call.apply(call.operands[0], pad_width=(*call.params["pad_width"], (0, 0)))


def _windows(call: MappedCall) -> Any:
    return moved(_along(call), call.ranks[0], -1)


def _folded(call: MappedCall) -> Any:
    sizes = call.params["shape"]
    windows = moved(call.operands[0], -1, len(sizes))
    return call.apply(windows, shape=call.full_shape, axis=_axes(call.params["axis"], len(sizes)))


def _joined(call: MappedCall) -> Any:
    pairs = zip(call.operands, call.mapped, strict=True)
    parts = [x if mapped else spread(x, call.size) for x, mapped in pairs]
    return call.apply(*parts, axis=_axes(call.params["axis"], len(call.shape)))


def _stacks(call: MappedCall) -> Any:
    """Apply an operation on the last two axes: the mapped axis is moved to the front and back."""
    return moved(call.apply(moved(call.operands[0], -1, 0)), 0, -1)


def _solved(call: MappedCall) -> Any:
    (a, b), (rank_a, rank_b) = call.operands, call.ranks
    columns = b if rank_b > 1 else np.expand_dims(b, 1 if call.mapped[1] else -1)
    rank = max(rank_a, rank_b, 2)
    parts = zip((a, columns), call.mapped, strict=True)
    solutions = call.apply(*(axis_first(x, rank) if mapped else x for x, mapped in parts))
    return moved(solutions if rank_b > 1 else np.squeeze(solutions, -1), 0, -1)


def axis_first(x: Any, rank: int) -> Any:
    """Return an array with its last axis first, before ``rank`` other axes."""
    x = moved(x, -1, 0)
    return np.reshape(x, (len(x), *(1,) * (rank + 1 - np.ndim(x)), *np.shape(x)[1:]))


RULES: dict[Any, Rule] = {
    nn.SOFTPLUS: elementwise,
    shape.TRANSPOSE: _transposed,
    shape.BROADCAST_TO: _broadcast,
    shape.ROLL: _rolled,
    shape.TILE: _tiled,
    shape.PAD: _padded,
    shape.WINDOWS: _windows,
    shape.FOLD: _folded,
    matrices.SOLVE: _solved,
}
for _rule, _primitives in {
    _reduced: [
        reduce.SUM, reduce.MEAN, reduce.PROD, reduce.MAX, reduce.MIN, reduce.VAR, reduce.STD,
        reduce.ALL, reduce.ANY,
    ],
    _reduced_flat: [reduce.ARGMAX, reduce.ARGMIN, matrices.NORM],
    _reshaped: [shape.RESHAPE, shape.EXPAND_DIMS, shape.SQUEEZE],
    _along: [
        reduce.CUMSUM, ordering.ARGSORT, ordering.ARGPARTITION, shape.FLIP, shape.REPEAT,
        nn.SOFTMAX, nn.LOG_SOFTMAX, nn.LOGSUMEXP,
    ],
    _joined: [joining.CONCATENATE, joining.STACK],
    _stacks: [
        nn.ONE_HOT, shape.TRIL, shape.TRIU, matrices.INV, matrices.DET, matrices.COFACTOR,
        matrices.LOGABSDET, matrices.SIGNDET, matrices.CHOLESKY,
        *decompositions.DECOMPOSITIONS.primitives.values(),
    ],
}.items():  # fmt: skip
    RULES.update(dict.fromkeys(_primitives, _rule))
