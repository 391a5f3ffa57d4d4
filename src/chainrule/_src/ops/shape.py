"""Operations that move entries of an array, and change none of the numbers."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from chainrule._src.base.errors import TraceError
from chainrule._src.core.kernel import Pieces, Scatter
from chainrule._src.core.primitive import Family, Primitive, unbroadcast
from chainrule._src.ops import moves

SHAPE = Family()


def _filled(x: Any, shape: tuple[int, ...]) -> Any:
    # The same as np.broadcast_to, which takes five times as long for a small array.
    out = np.empty(shape, x.dtype)
    out[...] = x
    return out


def _transpose_text(shapes: Any, axes: tuple[int, ...]) -> str:
    backwards = axes == tuple(range(len(axes)))[::-1]
    return "_0.T" if backwards else f"np.transpose(_0, {axes})"


def _reshaped(base: Any, part: Any, **_: Any) -> Any:
    return RESHAPE(part, shape=np.shape(base))


TRANSPOSE: Primitive = SHAPE.add(
    "transpose",
    lambda x, axes: np.transpose(x, axes),
    (lambda g, y, x, axes: TRANSPOSE(g, axes=tuple(int(i) for i in np.argsort(axes))),),
    _transpose_text,
    kernel=Pieces(moves.transpose),
    view=lambda base, part, axes: TRANSPOSE(part, axes=tuple(int(i) for i in np.argsort(axes))),
)
RESHAPE: Primitive = SHAPE.add(
    "reshape",
    lambda x, shape: np.reshape(x, shape),
    (lambda g, y, x, shape: np.reshape(g, np.shape(x)),),
    "np.reshape(_0, shape)",
    kernel=Pieces(moves.reshape),
    view=_reshaped,
)
EXPAND_DIMS = SHAPE.add(
    "expand_dims",
    lambda x, axis: x[..., None] if axis == -1 else np.expand_dims(x, axis),
    (lambda g, y, x, axis: np.reshape(g, np.shape(x)),),
    "np.expand_dims(_0, axis)",
    kernel=Pieces(moves.reshape),
    view=_reshaped,
)
SQUEEZE = SHAPE.add(
    "squeeze",
    np.squeeze,
    (lambda g, y, x, axis: np.reshape(g, np.shape(x)),),
    "np.squeeze(_0, axis=axis)",
    kernel=Pieces(moves.reshape),
    view=_reshaped,
)
BROADCAST_TO = SHAPE.add(
    "broadcast_to",
    _filled,
    (lambda g, y, x, shape: unbroadcast(g, x),),
    "np.broadcast_to(_0, shape)",
    kernel=Pieces(moves.broadcast),
)
FLIP: Primitive = SHAPE.add(
    "flip",
    np.flip,
    (lambda g, y, x, axis: np.flip(g, axis),),
    "np.flip(_0, axis=axis)",
    kernel=Pieces(moves.flip),
    view=lambda base, part, axis: FLIP(part, axis=axis),
)
ROLL = SHAPE.add(
    "roll",
    np.roll,
    (lambda g, y, x, shift, axis: np.roll(g, _negated(shift), axis),),
    "np.roll(_0, shift, axis=axis)",
    kernel=Pieces(moves.roll),
)
TILE = SHAPE.add(
    "tile",
    lambda x, reps: np.tile(x, reps),
    (lambda g, y, x, reps: _untile(g, np.shape(x), reps),),
    "np.tile(_0, reps)",
    kernel=Pieces(moves.tile),
)
REPEAT = SHAPE.add(
    "repeat",
    np.repeat,
    (lambda g, y, x, repeats, axis: _unrepeat(g, np.shape(x), repeats, axis),),
    "np.repeat(_0, repeats, axis=axis)",
    kernel=Pieces(moves.repeat),
)
TRIL = SHAPE.add(
    "tril",
    np.tril,
    (lambda g, y, x, k: np.tril(g, k),),
    "np.tril(_0, k)",
    kernel=Pieces(moves.triangle(operator.le)),
)
TRIU = SHAPE.add(
    "triu",
    np.triu,
    (lambda g, y, x, k: np.triu(g, k),),
    "np.triu(_0, k)",
    kernel=Pieces(moves.triangle(operator.ge)),
)
PAD = SHAPE.add(
    "pad",
    lambda x, pad_width, constant_values: np.pad(x, pad_width, constant_values=constant_values),
    (
        lambda g, y, x, pad_width, constant_values: g[
            tuple(slice(a, a + n) for (a, _), n in zip(pad_width, np.shape(x), strict=True))
        ],
    ),
    "np.pad(_0, pad_width, constant_values=constant_values)",
    kernel=Pieces(moves.pad, fill="constant_values"),
)


def folded(windows: Any, shape: Any, axis: Any) -> Any:
    """Add windows up in an array of a shape, each where it lies: sliding_window_view, undone."""
    whole = np.zeros(shape, windows.dtype)
    rank = len(shape)
    for offset in np.ndindex(windows.shape[rank:]):
        start = [0] * rank
        for along, by in zip(axis, offset, strict=True):
            start[along] += by
        place = tuple(slice(a, a + n) for a, n in zip(start, windows.shape, strict=False))
        whole[place] += windows[(..., *offset)]
    return whole


WINDOWS: Primitive = SHAPE.add(
    "windows",
    np.lib.stride_tricks.sliding_window_view,
    (lambda g, y, x, window_shape, axis: FOLD(g, shape=x.shape, axis=axis),),
    "np.lib.stride_tricks.sliding_window_view(_0, window_shape, axis=axis)",
    kernel=Pieces(moves.windows, again=True),
)
FOLD: Primitive = SHAPE.add(
    "fold",
    folded,
    (
        lambda g, y, windows, shape, axis: WINDOWS(
            g, window_shape=windows.shape[len(shape) :], axis=axis
        ),
    ),
    "folded(_0, shape, axis=axis)",
    helpers=(folded,),
    kernel=Scatter(moves.windows),
    form=lambda windows, shape, axis: np.broadcast_to(np.zeros((), windows.dtype), shape),
)


def _negated(shift: Any) -> Any:
    return tuple(-s for s in shift) if isinstance(shift, tuple) else -shift


def _untile(g: Any, shape: tuple[int, ...], reps: tuple[int, ...]) -> Any:
    ndim = max(len(shape), len(reps))
    reps = (1,) * (ndim - len(reps)) + reps
    sizes = (1,) * (ndim - len(shape)) + shape
    split = [size for pair in zip(reps, sizes, strict=True) for size in pair]
    return np.reshape(np.sum(np.reshape(g, split), axis=tuple(range(0, 2 * ndim, 2))), shape)


def _unrepeat(g: Any, shape: tuple[int, ...], repeats: int, axis: int) -> Any:
    axis %= len(shape)
    return np.sum(np.reshape(g, (*shape[: axis + 1], repeats, *shape[axis + 1 :])), axis=axis + 1)


def _whole(shape: Any) -> Any:
    shape = shape.tolist() if isinstance(shape, np.ndarray) else shape
    several = isinstance(shape, tuple | list)
    return tuple(map(operator.index, shape)) if several else operator.index(shape)


@SHAPE.implements(np.transpose)
def _transpose(a: Any, axes: Any = None) -> Any:
    if axes is None:
        return TRANSPOSE(a, axes=tuple(range(np.ndim(a))[::-1]))
    return moved(np.transpose, a, axes)


@SHAPE.implements(np.matrix_transpose, np.linalg.matrix_transpose)
def _matrix_transpose(x: Any) -> Any:
    return np.swapaxes(x, -1, -2)


@SHAPE.implements(np.swapaxes)
def _swapaxes(a: Any, axis1: int, axis2: int) -> Any:
    return moved(np.swapaxes, a, axis1, axis2)


@SHAPE.implements(np.moveaxis)
def _moveaxis(a: Any, source: Any, destination: Any) -> Any:
    return moved(np.moveaxis, a, source, destination)


def moved(function: Any, a: Any, *where: Any) -> Any:
    """Return the array with its axes in the order that a NumPy function produces."""
    # The probe's axis i has length i + 1, so the result's shape shows where each axis went.
    probe = np.empty(range(1, np.ndim(a) + 1))
    return TRANSPOSE(a, axes=tuple(n - 1 for n in function(probe, *where).shape))


@SHAPE.implements(np.reshape)
def _reshape(a: Any, shape: Any, order: str = "C", *, copy: bool | None = None) -> Any:
    if _order(order) == "F":  # C order, with the axes in reverse order before and after
        return np.transpose(RESHAPE(np.transpose(a), shape=_whole(np.atleast_1d(shape)[::-1])))
    return RESHAPE(a, shape=_whole(shape))


@SHAPE.implements(np.ravel)
def _ravel(a: Any, order: str = "C") -> Any:
    a = np.transpose(a) if _order(order) == "F" else a
    return a if np.ndim(a) == 1 else RESHAPE(a, shape=-1)


def _order(order: str) -> str:
    if order not in ("C", "F"):
        raise TraceError(
            f"a tensor has no order in memory: order must be 'C' or 'F', received {order!r}"
        )
    return order


@SHAPE.implements(np.expand_dims)
def _expand_dims(a: Any, axis: Any) -> Any:
    return EXPAND_DIMS(a, axis=_whole(axis))


@SHAPE.implements(np.squeeze)
def _squeeze(a: Any, axis: Any = None) -> Any:
    return SQUEEZE(a, axis=axis)


@SHAPE.implements(np.broadcast_to)
def _broadcast_to(array: Any, shape: Any) -> Any:
    shape = (shape,) if isinstance(shape, int | np.integer) else shape
    return BROADCAST_TO(array, shape=_whole(tuple(shape)))


@SHAPE.implements(np.flip)
def _flip(m: Any, axis: Any = None) -> Any:
    return FLIP(m, axis=axis)


@SHAPE.implements(np.roll)
def _roll(a: Any, shift: Any, axis: Any = None) -> Any:
    return ROLL(a, shift=_whole(shift), axis=axis)


@SHAPE.implements(np.tile)
def _tile(A: Any, reps: Any) -> Any:
    return TILE(A, reps=_whole(tuple(reps) if np.ndim(reps) else (reps,)))


@SHAPE.implements(np.repeat)
def _repeat(a: Any, repeats: Any, axis: int | None = None) -> Any:
    if axis is None or np.ndim(a) == 0:  # a single number is repeated like an array of one entry
        a, axis = np.ravel(a), axis or 0
    if np.ndim(repeats) == 0:
        return REPEAT(a, repeats=int(repeats), axis=axis)
    return np.take(a, np.repeat(np.arange(np.shape(a)[axis]), repeats), axis=axis)


_REPEATING = ("edge", "reflect", "symmetric", "wrap")


@SHAPE.implements(np.pad)
def _pad(array: Any, pad_width: Any, mode: str = "constant", *, constant_values: float = 0) -> Any:
    widths = np.broadcast_to(np.asarray(pad_width), (np.ndim(array), 2))
    if not len(widths):
        return array
    if mode == "constant":
        pairs = tuple((int(before), int(after)) for before, after in widths)
        return PAD(array, pad_width=pairs, constant_values=constant_values)
    if mode not in _REPEATING:
        raise TraceError(
            f"np.pad of a tensor takes mode 'constant', {', '.join(map(repr, _REPEATING))}; "
            f"received {mode!r}"
        )
    for axis, width in enumerate(widths):  # these modes repeat entries, which are taken by index
        index = np.pad(np.arange(np.shape(array)[axis]), tuple(width), mode=mode)  # type: ignore[call-overload]
        array = np.take(array, index, axis=axis)
    return array


@SHAPE.implements(np.lib.stride_tricks.sliding_window_view)
def _sliding_window_view(x: Any, window_shape: Any, axis: Any = None) -> Any:
    sizes = tuple(int(size) for size in np.atleast_1d(window_shape))
    axes = tuple(range(np.ndim(x))) if axis is None else axis
    axes = np.lib.array_utils.normalize_axis_tuple(axes, np.ndim(x), allow_duplicate=True)
    return WINDOWS(x, window_shape=sizes, axis=axes)


@SHAPE.implements(np.tril)
def _tril(m: Any, k: int = 0) -> Any:
    return TRIL(_as_matrix(m), k=k)


@SHAPE.implements(np.triu)
def _triu(m: Any, k: int = 0) -> Any:
    return TRIU(_as_matrix(m), k=k)


def _as_matrix(m: Any) -> Any:
    """Return a vector as a square matrix of equal rows, as NumPy does."""
    return np.broadcast_to(m, (len(m), len(m))) if np.ndim(m) == 1 else m
