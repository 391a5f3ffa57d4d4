"""Layers side by side: each with its own columns, or all with the same input."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule._src.base.errors import DataError
from chainrule._src.base.validation import check_positive
from chainrule._src.nn.layers.given import Shape
from chainrule._src.nn.layers.layer import Layer


class ByColumns(Layer):
    """Applies each layer to its own columns of the input, and concatenates the outputs.

    Parameters
    ----------
    layers : sequence of Layer
    widths : sequence of int
        Number of columns of each layer; the sum is the number of columns of the input.
    **options
        Options of every `Layer`.

    Raises
    ------
    DataError
        If there is no layer, or not as many widths as layers.
    ShapeError
        If the input has another number of columns.

    Examples
    --------
    >>> from chainrule._src.nn.layers import Embedding, Identity
    >>> layer = ByColumns([Identity(), Embedding(9, 4)], [2, 1])
    >>> layer(np.array([[0.5, 0.1, 3.0]])).shape
    (1, 6)
    """

    def __init__(self, layers: Sequence[Layer], widths: Sequence[int], **options: Any) -> None:
        super().__init__(**options)
        lists = layers, widths
        fits = all(isinstance(part, Sequence) for part in lists) and len(layers) == len(widths) > 0
        if not fits or not all(isinstance(layer, Layer) for layer in layers):
            raise DataError("ByColumns: expected a list of layers, and as many widths")
        self.layers = list(layers)
        self.widths = [check_positive(width, "widths", "ByColumns") for width in widths]

    def build(self, input_shape: Shape) -> None:
        columns = sum(self.widths)
        self._expect(input_shape[1:] == (columns,), f"samples of {columns} columns", input_shape)

    def call(self, x: Any) -> Any:
        outputs, start = [], 0
        for layer, width in zip(self.layers, self.widths, strict=True):
            y = layer(x[:, start : start + width])
            outputs.append(y.reshape(len(x), -1))
            start += width
        return np.concatenate(outputs, axis=1)


class Ensemble(Layer):
    """Takes the mean of the outputs of several chains of layers with the same input.

    Parameters
    ----------
    members : sequence of sequences of Layer
        The chains; their outputs must have the same shape.
    **options
        Options of every `Layer`.

    Raises
    ------
    DataError
        If ``members`` holds anything but lists of layers, or is empty.

    Examples
    --------
    >>> from chainrule._src.nn.layers import Identity, Rescaling
    >>> layer = Ensemble([[Rescaling(3.0), Identity()], [Identity()]])
    >>> layer(np.array([[1.0, 10.0]]))
    array([[ 2., 20.]], dtype=float32)
    """

    def __init__(self, members: Sequence[Sequence[Layer]], **options: Any) -> None:
        super().__init__(**options)
        fits = isinstance(members, Sequence) and all(isinstance(m, Sequence) for m in members)
        chains = [list(chain) for chain in members] if fits else []
        if not chains or not all(isinstance(part, Layer) for chain in chains for part in chain):
            raise DataError("Ensemble: expected lists of layers, a list for each member")
        self.members = chains

    @property
    def activation(self) -> Any:
        """The activation of the last layers, or None if the members have different ones."""
        ends = {getattr(chain[-1], "activation", None) if chain else None for chain in self.members}
        return ends.pop() if len(ends) == 1 else None

    def call(self, x: Any) -> Any:
        total: Any = 0
        for chain in self.members:
            y = x
            for layer in chain:
                y = layer(y)
            total = total + y
        return total / len(self.members)
