"""Arguments for shape and dtype of a layer's input, and comparison of shapes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from chainrule._src.base.errors import DataError, ShapeError
from chainrule._src.base.validation import check_positive, lookup

Shape = tuple[int | None, ...]
DTYPES = {"float32": np.float32, "float64": np.float64}
KINDS = {name: name for name in (*DTYPES, "int32", "int64", "uint8", "bool")}


def dtype_given(dtype: Any, where: str, kinds: Any = DTYPES) -> str | None:
    """Return the name of a dtype, checked; mixed precision is not supported."""
    if dtype is None:
        return None
    name = getattr(dtype, "name", dtype) if not isinstance(dtype, type) else np.dtype(dtype).name
    lookup("dtype", str(name), kinds)
    return str(name)


def sizes_given(shape: Any, where: str) -> Shape:
    """Return the shape of a sample, checked; None is an axis without fixed length."""
    sizes = tuple(shape) if isinstance(shape, Sequence) else (shape,)
    return tuple(None if s is None else check_positive(s, "a size of shape", where) for s in sizes)


def shape_given(sample: Any, batch: Any, features: Any, where: str) -> Shape | None:
    """Return the input's shape with the batch size first, from one of three arguments, or None."""
    shapes = [option for option in (sample, batch, features) if option is not None]
    if len(shapes) > 1:
        raise DataError(f"{where}: give one of input_shape, batch_input_shape and input_dim")
    if not shapes:
        return None
    if batch is None:
        return (None, *sizes_given(shapes[0], where))
    if not isinstance(batch, Sequence) or not batch:
        raise ShapeError(
            f"{where}: the shape of a batch must be a tuple such as (32, 8), received {batch!r}"
        )
    return sizes_given(batch, where)


def merged(shapes: Sequence[Sequence[int | None]]) -> Shape:
    """Return a shape with None where several shapes differ; the first one if ranks differ."""
    first, *others = shapes
    if any(len(other) != len(first) for other in others):
        return tuple(first)
    return tuple(sizes[0] if len(set(sizes)) == 1 else None for sizes in zip(*shapes, strict=True))


def is_shape(shape: Any) -> bool:
    """Return true for the shape of one array, false for a list or dict of shapes."""
    return isinstance(shape, list | tuple) and not any(hasattr(s, "__iter__") for s in shape)


def map_shapes(change: Callable[..., Any], shapes: Any, *others: Any) -> Any:
    """Return ``change(shape)`` for each shape in a list or dict of shapes, or for one shape."""
    if is_shape(shapes) or not isinstance(shapes, list | tuple | dict):
        return change(shapes, *others)
    if isinstance(shapes, dict):
        return {key: map_shapes(change, s, *(o[key] for o in others)) for key, s in shapes.items()}
    return [map_shapes(change, s, *(o[i] for o in others)) for i, s in enumerate(shapes)]


def by_key(values: Any) -> Any:
    """Return a dict in the order of its keys, as Keras takes it; anything else unchanged."""
    return dict(sorted(values.items())) if isinstance(values, dict) else values


def shapes_in(shapes: Any) -> list[Shape]:
    """Return all shapes in a list or dict of shapes."""
    every: list[Shape] = []
    map_shapes(every.append, shapes)
    return every


def is_several(x: Any) -> bool:
    """Return true if ``x`` is a list or dict of arrays, rather than one array."""
    parts = x.values() if isinstance(x, dict) else x if isinstance(x, list | tuple) else ()
    return bool(parts) and all(hasattr(part, "shape") or is_several(part) for part in parts)


def shape_of(x: Any) -> Any:
    """Return the shape of an array with None for the batch size; for a list or dict, of each."""
    if isinstance(x, dict):
        return {key: shape_of(part) for key, part in x.items()}
    return [*map(shape_of, x)] if isinstance(x, list | tuple) else (None, *x.shape[1:])


def first_of(x: Any) -> Any:
    """Return an array, or the first one in a list or dict of arrays."""
    while is_several(x):
        x = next(iter(x.values())) if isinstance(x, dict) else x[0]
    return x


def ranked(x: Any, shape: Shape) -> Any:
    """Return an array in which an axis of one at the end is added or removed, as in Keras."""
    surplus = len(getattr(x, "shape", ())) - len(shape)
    if surplus == 1 and x.shape[-1] == 1:
        return x[..., 0]
    return x[..., None] if surplus == -1 and shape[-1] == 1 else x


def fits(shape: Any, expected: Any) -> bool:
    """Return true if a batch's shape fits an expected shape; None fits any length."""
    try:
        pairs = [*zip(shapes_in(shape), shapes_in(expected), strict=True)]
    except ValueError:
        return False
    return all(merged([one[1:], other[1:]]) == other[1:] for one, other in pairs)


def shapes_given(shapes: Any) -> Any:
    """Return the shape of an input as a tuple; several shapes, which may be lists, in a list."""
    return (None,) if shapes is None else map_shapes(tuple, shapes)


def same_beside_rows(shapes: Any, others: Any) -> bool:
    """Return true if shapes differ at most in their batch sizes."""
    one, other = ([shape[1:] for shape in shapes_in(each)] for each in (shapes, others))
    return one == other
