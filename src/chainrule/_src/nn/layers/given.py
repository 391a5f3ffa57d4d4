"""Arguments for shape and dtype of a layer's input, and comparison of shapes."""

from __future__ import annotations

from collections.abc import Sequence
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
    if not isinstance(batch, Sequence) or len(batch) < 2:
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


def fits(shape: Sequence[int | None], expected: Shape) -> bool:
    """Return true if a batch's shape fits an expected shape; None fits any length."""
    return merged([shape[1:], expected[1:]]) == expected[1:]
