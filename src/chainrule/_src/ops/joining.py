"""Operations that join arrays, or split arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from chainrule._src.base.errors import ShapeError
from chainrule._src.core.kernel import Pieces
from chainrule._src.core.primitive import NUMPY, EachOperand, Family, Traced
from chainrule._src.ops import moves

JOINING = Family()


def _concatenate_rule(position: int, g: Any, y: Any, *parts: Any, axis: int) -> Any:
    ends = np.cumsum([0, *(np.shape(part)[axis] for part in parts)])
    start, stop = list(pairwise(int(end) for end in ends))[position]
    return g[(slice(None),) * (axis % np.ndim(g)) + (slice(start, stop),)]


CONCATENATE = JOINING.add(
    "concatenate",
    lambda *parts, axis: np.concatenate(parts, axis),
    EachOperand(_concatenate_rule),
    lambda shapes, axis: f"np.concatenate([{_listed(shapes)}], axis={axis})",
    kernel=Pieces(moves.concatenate),
)
STACK = JOINING.add(
    "stack",
    lambda *parts, axis: np.stack(parts, axis),
    EachOperand(
        lambda position, g, y, *parts, axis: g[(slice(None),) * (axis % g.ndim) + (position,)]
    ),
    lambda shapes, axis: f"np.stack([{_listed(shapes)}], axis={axis})",
    kernel=Pieces(moves.stack),
)


def _listed(shapes: Sequence[Any]) -> str:
    return ", ".join(f"_{i}" for i in range(len(shapes)))


def stacked(value: Any) -> Any:
    """Return a list as an array, with its tensors stacked; other values unchanged."""
    if not isinstance(value, list | tuple):
        return value
    if not _holds_tensors(value):
        return np.asarray(value)
    parts = (v if isinstance(v, list | tuple | Traced) else np.asarray(v) for v in value)
    return STACK(*map(stacked, parts), axis=0)


def as_array(value: Any) -> Any:
    """Return a number, a list or an array as an array, or as a tensor."""
    value = stacked(value)
    return value if hasattr(value, "dtype") else np.asarray(value)


NUMPY[list] = stacked


def _holds_tensors(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return any(map(_holds_tensors, value))
    return isinstance(value, Traced)


def _typed(y: Any, dtype: Any) -> Any:
    return y if dtype is None else y.astype(dtype)


@JOINING.implements(np.concatenate)
def _concatenate(
    arrays: Sequence[Any], axis: int | None = 0, *, dtype: Any = None, casting: str = "same_kind"
) -> Any:
    parts = map(stacked, arrays)
    if axis is None:
        parts, axis = map(np.ravel, parts), 0
    return _typed(CONCATENATE(*parts, axis=axis), dtype)


@JOINING.implements(np.stack)
def _stack(
    arrays: Sequence[Any], axis: int = 0, *, dtype: Any = None, casting: str = "same_kind"
) -> Any:
    return _typed(STACK(*map(stacked, arrays), axis=axis), dtype)


@JOINING.implements(np.vstack)
def _vstack(tup: Sequence[Any], *, dtype: Any = None, casting: str = "same_kind") -> Any:
    return _typed(CONCATENATE(*map(np.atleast_2d, map(stacked, tup)), axis=0), dtype)


@JOINING.implements(np.hstack)
def _hstack(tup: Sequence[Any], *, dtype: Any = None, casting: str = "same_kind") -> Any:
    parts = [np.atleast_1d(stacked(part)) for part in tup]
    return _typed(CONCATENATE(*parts, axis=0 if np.ndim(parts[0]) == 1 else 1), dtype)


@JOINING.implements(np.column_stack)
def _column_stack(tup: Sequence[Any]) -> Any:
    parts = map(stacked, tup)
    columns = [part if np.ndim(part) >= 2 else np.reshape(part, (-1, 1)) for part in parts]
    return CONCATENATE(*columns, axis=1)


@JOINING.implements(np.dstack)
def _dstack(tup: Sequence[Any]) -> Any:
    return CONCATENATE(*map(np.atleast_3d, map(stacked, tup)), axis=2)


@JOINING.implements(np.append)
def _append(arr: Any, values: Any, axis: int | None = None) -> Any:
    return np.concatenate([arr, values], axis=axis)


@JOINING.implements(np.block)
def _block(arrays: Any) -> Any:
    rank = max(_depth(arrays), *(np.ndim(leaf) for leaf in _flat(arrays)))

    def joined(part: Any, axis: int) -> Any:
        if not isinstance(part, list):
            return np.reshape(part, (1,) * (rank - np.ndim(part)) + np.shape(part))
        return CONCATENATE(*(joined(inner, axis + 1) for inner in part), axis=axis)

    return joined(arrays, rank - _depth(arrays))


def _depth(part: Any) -> int:
    return 1 + _depth(part[0]) if isinstance(part, list) else 0


def _flat(part: Any) -> Iterator[Any]:
    if isinstance(part, list):
        for inner in part:
            yield from _flat(inner)
    else:
        yield part


def _at_least(reshaped: Callable[[Any], Any], arys: tuple[Any, ...]) -> Any:
    return reshaped(arys[0]) if len(arys) == 1 else tuple(map(reshaped, arys))


@JOINING.implements(np.atleast_1d)
def _atleast_1d(*arys: Any) -> Any:
    return _at_least(lambda a: a if np.ndim(a) else np.reshape(a, (1,)), arys)


@JOINING.implements(np.atleast_2d)
def _atleast_2d(*arys: Any) -> Any:
    return _at_least(lambda a: a if np.ndim(a) >= 2 else np.reshape(a, (1, -1)), arys)


@JOINING.implements(np.atleast_3d)
def _atleast_3d(*arys: Any) -> Any:
    def reshaped(a: Any) -> Any:
        if np.ndim(a) >= 3:
            return a
        return np.expand_dims(a if np.ndim(a) == 2 else np.reshape(a, (1, -1)), 2)

    return _at_least(reshaped, arys)


@JOINING.implements(np.split)
def _split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    return _pieces(np.split, ary, indices_or_sections, axis)


@JOINING.implements(np.array_split)
def _array_split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    return _pieces(np.array_split, ary, indices_or_sections, axis)


@JOINING.implements(np.hsplit)
def _hsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    _check_rank("hsplit", ary, 1)
    return np.split(ary, indices_or_sections, axis=min(np.ndim(ary) - 1, 1))


@JOINING.implements(np.vsplit)
def _vsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    _check_rank("vsplit", ary, 2)
    return np.split(ary, indices_or_sections, axis=0)


@JOINING.implements(np.dsplit)
def _dsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    _check_rank("dsplit", ary, 3)
    return np.split(ary, indices_or_sections, axis=2)


def _check_rank(name: str, ary: Any, least: int) -> None:
    if np.ndim(ary) < least:
        raise ShapeError(
            f"np.{name} takes an array of at least {least} axes, received shape {np.shape(ary)}"
        )


def _pieces(split: Any, ary: Any, indices_or_sections: Any, axis: int) -> list[Any]:
    size = np.shape(ary)[axis]
    if np.ndim(indices_or_sections):
        cuts = [0, *(int(i) for i in indices_or_sections), size]
    else:
        pieces = split(np.arange(size), indices_or_sections)  # np.split refuses unequal pieces
        cuts = [0, *(int(i) for i in np.cumsum([len(piece) for piece in pieces]))]
    before = (slice(None),) * (axis % np.ndim(ary))
    return [ary[(*before, slice(start, stop))] for start, stop in pairwise(cuts)]
