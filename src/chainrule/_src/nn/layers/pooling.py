"""Pooling: the largest entry or the mean of each window, or of all entries of a channel."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule._src.base.arguments import Flag
from chainrule._src.nn.layers.spatial import Size, Sliding, Spatial, sizes_of


class _Pooling(Sliding):
    def __init__(
        self, pool_size: Size = 2, strides: Any = None, padding: str = "valid", **options: Any
    ) -> None:
        super().__init__(**options)
        self.pool_size = sizes_of(pool_size, self.rank, "pool_size", type(self).__name__)
        self.slide(self.pool_size, self.pool_size if strides is None else strides, padding)


class _Max(_Pooling):
    def call(self, x: Any) -> Any:
        return np.max(self.windows(x, -np.inf), axis=self.inside)


class _Averaging(_Pooling):
    def call(self, x: Any) -> Any:
        total = np.sum(self.windows(x), axis=self.inside)
        counted = self.windows(np.ones((1, *x.shape[1:-1], 1), x.dtype))
        return total / np.sum(counted, axis=self.inside)


class MaxPooling1D(_Max, rank=1):
    """Takes the largest entry of every window of a sequence.

    Parameters
    ----------
    pool_size : int, default 2
        Length of a window.
    strides : int, optional
        Distance of neighbouring windows; by default ``pool_size``, so that windows do not overlap.
    padding, **options
        As for `MaxPooling2D`.

    Raises
    ------
    DataError, ShapeError
        As for `MaxPooling2D`.

    Examples
    --------
    >>> MaxPooling1D()(np.array([[[1.0], [3.0], [2.0], [0.0]]])).ravel()
    array([3., 2.], dtype=float32)
    """


class MaxPooling2D(_Max, rank=2):
    """Takes the largest pixel of every window of an image, for each channel.

    Parameters
    ----------
    pool_size : int or (int, int), default 2
        Height and width of a window.
    strides : int or (int, int), optional
        Distance of neighbouring windows; by default ``pool_size``, so that windows do not overlap.
    padding : {"valid", "same"}
        ``"same"`` also takes windows that reach over the border.
    **options
        ``data_format``, which must be ``"channels_last"``, and options of every `Layer`.

    Raises
    ------
    DataError
        If a size is no whole number of at least 1, or ``data_format`` is ``"channels_first"``.
    ShapeError
        If the input is no image, or a window does not fit into the input.

    Examples
    --------
    >>> MaxPooling2D()(np.arange(16.0).reshape(1, 4, 4, 1)).ravel()
    array([ 5.,  7., 13., 15.], dtype=float32)
    """


class AveragePooling1D(_Averaging, rank=1):
    """Takes the mean of every window of a sequence.

    Parameters
    ----------
    pool_size : int, default 2
        Length of a window.
    strides : int, optional
        Distance of neighbouring windows; by default ``pool_size``, so that windows do not overlap.
    padding, **options
        As for `MaxPooling2D`.

    Raises
    ------
    DataError, ShapeError
        As for `MaxPooling2D`.

    Examples
    --------
    >>> AveragePooling1D()(np.array([[[1.0], [3.0], [2.0], [0.0]]])).ravel()
    array([2., 1.], dtype=float32)
    """


class AveragePooling2D(_Averaging, rank=2):
    """Takes the mean of every window of an image; added pixels around the image are ignored.

    Parameters
    ----------
    pool_size, strides, padding, **options
        As for `MaxPooling2D`.

    Raises
    ------
    DataError, ShapeError
        As for `MaxPooling2D`.

    Examples
    --------
    >>> AveragePooling2D()(np.arange(16.0).reshape(1, 4, 4, 1)).ravel()
    array([ 2.5,  4.5, 10.5, 12.5], dtype=float32)
    """


class _Global(Spatial):
    def __init__(self, data_format: Any = None, keepdims: Flag = False, **options: Any) -> None:
        super().__init__(data_format, **options)
        self.keepdims = keepdims


class _GlobalMax(_Global):
    def call(self, x: Any) -> Any:
        return np.max(x, axis=self.axes, keepdims=self.keepdims)


class GlobalMaxPooling1D(_GlobalMax, rank=1):
    """Takes the largest entry of each channel of a sequence.

    Parameters
    ----------
    data_format, keepdims, **options
        As for `GlobalAveragePooling2D`.

    Raises
    ------
    ShapeError
        If the input is no sequence with channels.

    Examples
    --------
    >>> GlobalMaxPooling1D()(np.array([[[1.0, 9.0], [3.0, 4.0], [2.0, 5.0]]]))
    array([[3., 9.]], dtype=float32)
    """


class GlobalMaxPooling2D(_GlobalMax, rank=2):
    """Takes the largest pixel of each channel of an image.

    Parameters
    ----------
    data_format, keepdims, **options
        As for `GlobalAveragePooling2D`.

    Raises
    ------
    ShapeError
        If the input is no image.

    Examples
    --------
    >>> GlobalMaxPooling2D()(np.arange(8.0).reshape(1, 2, 2, 2))
    array([[6., 7.]], dtype=float32)
    """


class GlobalAveragePooling1D(_Global, rank=1):
    """Takes the mean of each channel of a sequence, over the steps that are not masked.

    Parameters
    ----------
    data_format, keepdims, **options
        As for `GlobalAveragePooling2D`.

    Raises
    ------
    ShapeError
        If the input is no sequence with channels.

    Examples
    --------
    >>> x = np.array([[[1.0], [3.0], [200.0]]])
    >>> GlobalAveragePooling1D()(x, mask=np.array([[True, True, False]]))
    array([[2.]], dtype=float32)
    """

    supports_masking = True

    def call(self, x: Any, mask: Any = None) -> Any:
        if mask is None:
            return np.mean(x, axis=1, keepdims=self.keepdims)
        counted = np.expand_dims(mask, 2).astype(x.dtype)
        total = np.sum(x * counted, axis=1, keepdims=self.keepdims)
        return total / np.sum(counted, axis=1, keepdims=self.keepdims)

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> None:
        """Return None: the output has no steps."""


class GlobalAveragePooling2D(_Global, rank=2):
    """Takes the mean of each channel over the whole image.

    Parameters
    ----------
    data_format : "channels_last", optional
    keepdims : bool, default False
        If true, the axes of height and width stay, with length 1.
    **options
        Options of every `Layer`.

    Raises
    ------
    DataError
        If ``data_format`` is ``"channels_first"``.
    ShapeError
        If the input is no image.

    Examples
    --------
    >>> GlobalAveragePooling2D()(np.arange(8.0).reshape(1, 2, 2, 2))
    array([[3., 4.]], dtype=float32)
    """

    def call(self, x: Any) -> Any:
        return np.mean(x, axis=self.axes, keepdims=self.keepdims)
