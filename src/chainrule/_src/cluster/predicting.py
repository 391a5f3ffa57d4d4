"""A model as a function that Dask applies to partitions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.cluster.categories import Categories
from chainrule._src.cluster.collections import is_collection, is_frame
from chainrule._src.cluster.frames import values
from chainrule._src.cluster.job import Job, described
from chainrule._src.cluster.places import dask


@dataclass(frozen=True)
class Predicts:
    """A function that predicts with a trained model, and can be sent to other processes.

    Parameters
    ----------
    job : Job
    weights : dict of str to ndarray
    classes : ndarray or None
        Labels in the order of the outputs; if given, the likeliest label replaces the outputs.
    categories : Categories
        Categories of the columns of text.
    """

    job: Job
    weights: dict[str, Array]
    classes: Any = None
    categories: Categories = ()

    @classmethod
    def of(cls, model: Any, classes: Any = None, categories: Categories = ()) -> Predicts:
        """Return the predictions' function of a model."""
        return cls(Job(*described(model), 1, 1, 0), model.network.weights, classes, categories)

    def __call__(self, X: Any) -> Array:
        """Return the predictions for rows."""
        model, rows = self.job.ready().model, values(X, self.categories)  # this thread's
        model.network.take(self.weights)
        outputs = model.output_shape[-1]
        predicted = model.predict(rows) if len(rows) else np.empty((0, outputs), np.float32)
        if self.classes is not None:
            predicted = self.classes[predicted.argmax(axis=1)]
        return predicted[:, 0] if predicted.ndim == 2 and outputs == 1 else predicted

    def series(self, frame: Any) -> Any:
        """Return the predictions for a partition of a frame as a series with the same index."""
        return dask("pandas").Series(self(frame), index=frame.index, name="predictions")


def predictions(predicts: Predicts, X: Any, dtype: Any, outputs: int | None = None) -> Any:
    """Return predictions for an array, or lazily for one of Dask's collections.

    For a frame the result is a series if there is one value per row, otherwise an array.
    """
    if not is_collection(X):
        return predicts(X)
    if is_frame(X):
        if outputs is None:
            return X.map_partitions(predicts.series, meta=("predictions", dtype))
        X = X.to_dask_array()
    elif X.ndim > 1:
        X = X.rechunk(dict.fromkeys(range(1, X.ndim), -1))
    dropped = list(range(1, X.ndim))
    if outputs is None:
        return X.map_blocks(predicts, dtype=dtype, drop_axis=dropped, meta=np.empty(0, dtype))
    chunks = (X.chunks[0], (outputs,))
    return X.map_blocks(predicts, dtype=dtype, chunks=chunks, meta=np.empty((0, 0), dtype))
