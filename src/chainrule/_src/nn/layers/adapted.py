"""Layers with statistics of data, which `adapt` computes before training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule._src.base.arrays import as_numbers
from chainrule._src.base.errors import DataError, ShapeError
from chainrule._src.nn.layers.given import Shape
from chainrule._src.nn.layers.layer import Layer
from chainrule._src.nn.layers.normalization import SMALLEST, checked_axis, size_of_axis


class Adapted(Layer):
    """Base class of layers with statistics of data, in weights that are not trained."""

    supports_masking = True
    statistic_names: tuple[str, ...]  # the names of these weights
    statistics: list[Any] | None = None

    def statistics_of(self, data: Any) -> list[Any]:
        """Return the statistics of data, one array per weight."""
        raise NotImplementedError

    def adapt(self, data: Any) -> None:
        """Compute the statistics of data with one sample per row, before training.

        Raises
        ------
        DataError, ShapeError
            If the data are empty, not finite, or have another number of features.
        """
        where = f"{type(self).__name__}.adapt"
        data = as_numbers(data, "data", where)
        if data.ndim < 2 or len(data) == 0:
            raise ShapeError(f"{where}: expected a sample a row, received shape {data.shape}")
        if not np.isfinite(data).all():
            raise DataError(f"{where}: data holds NaN or infinite values")
        if self.built and data.shape[1:] != self.input_shape[1:]:
            raise self.misfit(self.input_shape, (None, *data.shape[1:]))
        self.statistics = self.statistics_of(data)
        if self.built:
            for name, values in zip(self.statistic_names, self.statistics, strict=True):
                setattr(self, name, np.asarray(values, self._dtype))

    def keep(self, shape: tuple[int, ...], usual: Sequence[float]) -> None:
        """Create the weights for features of ``shape``, from the statistics or else ``usual``."""
        for name, values in zip(
            self.statistic_names, self.statistics or np.array(usual), strict=True
        ):
            if values.size != 1 and values.shape != shape:
                raise ShapeError(
                    f"{self}: {name} is of {len(values)} features, the input has {shape[0]}"
                )

            def start(*_: Any, values: Any = values) -> Any:
                return np.broadcast_to(values, shape)

            setattr(self, name, self.add_weight(shape, start, trainable=False))


class Normalization(Adapted):
    """Normalises every feature to mean 0 and variance 1 over data that `adapt` has processed.

    Parameters
    ----------
    axis : int, default -1
        Axis of the features.
    mean, variance : array_like, optional
        Statistics to use instead of those that `adapt` computes.
    **options
        Options of every `Layer`.

    Raises
    ------
    DataError
        If only one of ``mean`` and ``variance`` is given, if they are not finite, or if a variance
        is negative.

    Examples
    --------
    >>> layer = Normalization()
    >>> layer.adapt(np.array([[1.0], [3.0]]))
    >>> layer(np.array([[2.0], [4.0]])).ravel()
    array([0., 2.], dtype=float32)
    """

    statistic_names = ("mean", "variance")
    mean: Any
    variance: Any

    def __init__(
        self, axis: int = -1, mean: Any = None, variance: Any = None, **options: Any
    ) -> None:
        super().__init__(**options)
        self.axis = checked_axis(axis, "Normalization")
        if (mean is None) != (variance is None):
            raise DataError("Normalization: give mean and variance together, or none of them")
        if mean is not None:
            values = [as_numbers(v, "mean and variance", "Normalization") for v in (mean, variance)]
            self.statistics = [np.asarray(v, np.float64).ravel() for v in values]
            finite = all(np.isfinite(v).all() for v in self.statistics)
            if not finite or self.statistics[1].min(initial=0) < 0:
                raise DataError(
                    "Normalization: mean and variance must be finite, the variance at least 0, "
                    f"received {mean!r} and {variance!r}"
                )

    def statistics_of(self, data: Any) -> list[Any]:
        """Return mean and variance of every feature."""
        others = tuple(i for i in range(data.ndim) if i != self.axis % data.ndim)
        return [f(data, axis=others, dtype=np.float64) for f in (np.mean, np.var)]

    def build(self, input_shape: Shape) -> None:
        self.keep((size_of_axis(self, self.axis, input_shape),), (0.0, 1.0))
        # Always 0; it exists because Keras's layer has this weight too.
        self.count = self.add_weight((), "zeros", np.int32, trainable=False)

    def call(self, x: Any) -> Any:
        along = [-1 if i == self.axis % x.ndim else 1 for i in range(x.ndim)]
        deviation = np.maximum(np.sqrt(self.variance), SMALLEST)
        return (x - self.mean.reshape(along)) / deviation.reshape(along)
