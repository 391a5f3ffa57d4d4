"""Base classes of layers of sequences, ``(n, steps, channels)``, and of images."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import numpy as np

from chainrule._src.base.errors import DataError, ShapeError
from chainrule._src.base.validation import (
    check_count,
    check_each,
    check_positive,
    lookup,
    shape_text,
)
from chainrule._src.nn.layers.building import LARGEST
from chainrule._src.nn.layers.given import Shape
from chainrule._src.nn.layers.layer import Layer

Size = int | Sequence[int]
Sizes = tuple[int, ...]
Sides = tuple[Sizes, ...]  # for each axis: numbers of entries before and after
KINDS = {1: ("sequences", "steps"), 2: ("images", "height, width")}


def check_format(data_format: Any, name: str, where: str) -> Any:
    """Return the data format; raise an error unless channels come last."""
    if isinstance(data_format, str) and data_format == "channels_first":
        raise DataError(
            f"{where}: channels come last here, data_format='channels_first' there is not; "
            "transpose the data with np.moveaxis(x, 1, -1), or put a Permute before it"
        )
    if data_format is not None:
        lookup(name, data_format, {"channels_last": True})
    return data_format


Format = Annotated[Any, check_format]


class Spatial(Layer):
    """Base class of layers that work along the steps of sequences, ``rank=1``, or over images."""

    rank: int
    data_format = "channels_last"

    def __init_subclass__(cls, rank: int = 0, **options: Any) -> None:
        super().__init_subclass__(**options)
        if rank:
            cls.rank = rank

    def __init__(self, data_format: Format = None, **options: Any) -> None:
        super().__init__(**options)

    def build(self, input_shape: Shape) -> None:
        self.check_axes(input_shape)

    def check_axes(self, shape: Shape) -> None:
        """Raise an error for an input with the wrong number of axes."""
        kind, sizes = KINDS[self.rank]
        what = f"{kind}, shape (n, {sizes}, channels)"
        hint = f"put a Reshape(({sizes}, 1)) before it"
        self._expect(len(shape) == self.rank + 2, what, shape, hint)

    @property
    def axes(self) -> Sizes:
        """The axes of steps, or of height and width."""
        return tuple(range(1, self.rank + 1))

    def padded(self, x: Any, sides: Sides, fill: float = 0.0) -> Any:
        """Return the input with entries added before and after, along the axes."""
        if not any(map(any, sides)):
            return x
        others = ((0, 0),) * (x.ndim - self.rank - 1)
        return np.pad(x, ((0, 0), *sides, *others), constant_values=fill)


class Sliding(Spatial):
    """Base class of layers that slide a window over the input."""

    paddings: tuple[str, ...] = ("valid", "same")

    def slide(self, size: Sizes, strides: Any, padding: str, dilation_rate: Any = 1) -> None:
        """Set size, strides, padding and dilation of the window."""
        where = type(self).__name__
        self.size = size
        self.strides = sizes_of(strides, self.rank, "strides", where)
        self.dilation_rate = sizes_of(dilation_rate, self.rank, "dilation_rate", where)
        self.padding = lookup(
            "padding", str(padding).lower(), {name: name for name in self.paddings}
        )

    def build(self, input_shape: Shape) -> None:
        super().build(input_shape)
        for axis, (size, window) in enumerate(zip(input_shape[1:-1], self.reach, strict=True), 1):
            if self.padding == "valid" and size is not None and size < window:
                raise ShapeError(
                    f"{self}: a window of {window} does not fit into axis {axis} of the input, "
                    f"{shape_text(input_shape)}; use padding='same' or fewer poolings before"
                )
        *sizes, channels = (size or 1 for size in input_shape[1:])
        looked_at = [
            max(size + reach, window * (-(-size // stride)))
            for size, stride, window, reach in zip(
                sizes, self.strides, self.size, self.reach, strict=True
            )
        ]
        if math.prod(looked_at) * channels > LARGEST:
            raise ShapeError(
                f"{self}: its windows look at too many pixels of an input of shape "
                f"{shape_text(input_shape)}; choose smaller windows, or larger strides"
            )

    @property
    def reach(self) -> Sizes:
        """Length of the window along each axis, with dilation."""
        return tuple((k - 1) * d + 1 for k, d in zip(self.size, self.dilation_rate, strict=True))

    @property
    def inside(self) -> Sizes:
        """The axes of the entries of a window in the result of `windows`."""
        return tuple(range(-self.rank, 0))

    def borders(self, sizes: Sizes) -> Sides:
        """Return the numbers of entries to add before and after each axis."""
        if self.padding != "same":
            return tuple(((k - 1) * (self.padding == "causal"), 0) for k in self.reach)
        missing = [
            max((-(-size // stride) - 1) * stride + window - size, 0)
            for size, stride, window in zip(sizes, self.strides, self.reach, strict=True)
        ]
        return tuple((total // 2, total - total // 2) for total in missing)

    def windows(self, x: Any, fill: float = 0.0) -> Any:
        """Return all windows, shape ``(n, *positions, channels, *size)``."""
        x = self.padded(x, self.borders(x.shape[1 : self.rank + 1]), fill)
        windows: Any = np.lib.stride_tricks.sliding_window_view(x, self.reach, axis=self.axes)
        if max(self.strides) > 1:
            windows = windows[:, *(slice(None, None, step) for step in self.strides)]
        if max(self.dilation_rate) > 1:
            windows = windows[..., *(slice(None, None, step) for step in self.dilation_rate)]
        return windows


def sizes_of(
    value: Any, count: int, name: str, where: str, check: Callable[..., int] = check_positive
) -> Sizes:
    """Return ``count`` numbers, from one number for all or from a sequence."""
    if isinstance(value, list | tuple) and len(value) == count:
        return check_each(value, name, where, check)
    return (check(value, name, where),) * count


def sides_of(value: Any, rank: int, name: str, where: str) -> Sides:
    """Return a pair of numbers per axis, from one number, one number or one pair per axis."""
    each = rank > 1 and isinstance(value, list | tuple) and len(value) == rank
    parts = value if each else (value,) * rank
    return tuple(sizes_of(part, 2, name, where, check_count) for part in parts)
