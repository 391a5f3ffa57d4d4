"""The output of a network, for predictions."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from itertools import islice
from typing import Any

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.base.errors import DataError
from chainrule._src.base.registry import provided
from chainrule._src.base.validation import check_positive
from chainrule._src.compile.running.engines import rows_in, rows_of
from chainrule._src.compile.running.threads import products_on_one_thread
from chainrule._src.core.program import Program
from chainrule._src.core.trees import leaves, map_leaves
from chainrule._src.nn.callbacks import Callback, as_callbacks, introduce, tell
from chainrule._src.nn.layers.given import shape_of, shapes_in
from chainrule._src.nn.network.inputs import checked_x, comes_in_parts
from chainrule._src.nn.network.kept import RecordingCache
from chainrule._src.nn.network.network import Network, Weights
from chainrule._src.nn.network.stack import Stack
from chainrule._src.nn.training.supply import each_batch, gives_batches
from chainrule._src.trace.tracing import Recorder

PREDICTED = 1024  # default batch size of predictions
EXAMPLE = 8  # number of samples with which a network is recorded
# Multiplications of a batch up to which each product has one thread. Several threads wait for one
# another without sleeping, and take many times as long while other programs use the cores.
SMALL = 3e7


class Forward:
    """A network's output as a recorded program of its weights and samples.

    Parameters
    ----------
    network : Network
    """

    def __init__(self, network: Network) -> None:
        self.network = network
        self._recorders = RecordingCache()

    def program(self, X: Any) -> Program:
        """Return the recorded program for samples of this dtype and shape."""
        weights = self.network.weights
        recorders: dict[Any, Recorder] = self._recorders.of(self.network.layers)
        key = (*((x.dtype, x.shape[1:]) for _, x in leaves(X)), tuple(weights))
        if key not in recorders:
            rows = self.network.rows if self.network.is_stateful else EXAMPLE
            recorders[key] = Recorder(self._output, (weights, rows_of(X, slice(rows), None)))
        return recorders[key].program(rows_in(X))

    def _output(self, weights: Weights, X: Any) -> Any:
        if not self.network.is_stateful:
            return self.network.predicted(weights, X)
        state = {name: weights[name] for name in self.network.state}
        return self.network.apply(weights, state, X, False)[:2]

    def __call__(self, X: Any) -> Array:
        """Return the output for samples; update the states of a stateful network."""
        program, weights = self.program(X), self.network.weights
        inputs = max(math.prod(x.shape[: max(1, x.ndim - 1)]) for _, x in leaves(X))
        is_small = inputs * sum(weight.size for weight in weights.values()) < SMALL
        with products_on_one_thread() if is_small else nullcontext(), np.errstate(all="ignore"):
            result = program(weights, X)
        if self.network.is_stateful:
            result, state = result
            self.network.take(state)
        return map_leaves(np.asarray, result)  # type: ignore[no-any-return]


class Predictor(Stack):
    """A stack of layers that predicts."""

    _forward: Forward | None = None

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: int | str = "auto",
        steps: int | None = None,
        callbacks: Sequence[Callback | Callable[..., Any]] | None = None,
        *,
        y: str | None = None,
    ) -> Array:
        """Return the output for samples, or for batches from an iterator, one after another.

        Parameters
        ----------
        x : array_like with one sample per row, or iterable of batches
            Files, folders and Dask's collections are read part by part.
        batch_size : int, optional
            Samples per batch; by default 32 if there are callbacks or ``steps``.
        verbose : ignored
        steps : int, optional
            Largest number of batches.
        callbacks : sequence of Callback, optional
            Callbacks with ``on_predict_…`` methods.
        y : str, optional
            A column of ``x``, a Parquet file or a frame of Dask's, that is not looked at: the
            target, for instance.
        """
        watching = as_callbacks(callbacks, "predict", epochs=False)
        if steps is not None:
            check_positive(steps, "steps", "predict")
        fixed = shapes_in(self.input_shape)[0][0] if self.built else None
        usual = fixed or (32 if watching or steps else PREDICTED)
        size = check_positive(usual if batch_size is None else batch_size, "batch_size", "predict")
        if comes_in_parts(x):
            x = provided("samples_in_parts")(x, y, size, self)
        elif y is not None:
            raise DataError("predict: y names a column of a file; x is none")
        if watching:
            if not gives_batches(x):
                batches = -(-rows_in(self._checked_x(x, "predict")) // size)
                steps = min(batches, steps or batches)
            introduce(watching, self, {"verbose": verbose, "epochs": 1, "steps": steps})
        self.stop_predicting = False  # a callback may set it
        tell(watching, "on_predict_begin", {})
        outputs = []
        for number, batch in enumerate(islice(self._inputs(x, size), steps)):
            tell(watching, "on_predict_batch_begin", number, {})
            outputs.append(self.predict_on_batch(batch))
            tell(watching, "on_predict_batch_end", number, {"outputs": outputs[-1]})
            if self.stop_predicting:
                break
        tell(watching, "on_predict_end", {})
        if not outputs:
            raise DataError("predict: x gives no batch")
        return map_leaves(lambda *parts: np.concatenate(parts), *outputs)  # type: ignore[no-any-return]

    def predictions(self, x: Any, batch_size: int = PREDICTED) -> Iterator[Array]:
        """Yield the output batch by batch, so that neither input nor output need fit in memory."""
        yield from map(self.predict_on_batch, self._inputs(x, batch_size))

    def _inputs(self, x: Any, batch_size: int) -> Iterator[Any]:
        """Yield samples batch by batch."""
        batches = x if gives_batches(x) else None
        if batches is None:
            samples = self._checked_x(x, "predict")
            starts = range(0, rows_in(samples), batch_size)
            batches = (rows_of(samples, slice(i, i + batch_size), None) for i in starts)
            yield from batches
            return
        for batch in each_batch(batches, "predict"):
            yield batch[0] if isinstance(batch, tuple) else batch

    def predict_on_batch(self, x: Any) -> Array:
        """Return the output for one batch of samples."""
        X = self._checked_x(x, "predict")
        if not self.built:
            self.build(shape_of(X))
        if self._forward is None or self._forward.network is not self.network:
            self._forward = Forward(self.network)
        return self._forward(map_leaves(np.asarray, X))

    def _checked_x(self, x: Any, where: str) -> Any:
        """Return samples as an array that fits the model, or as a tuple of arrays."""
        return checked_x(x, self.entry, where)
