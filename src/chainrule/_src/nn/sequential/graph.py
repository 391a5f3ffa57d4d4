"""`Model`: a graph of layers, or a class of your own."""

from __future__ import annotations

from abc import ABCMeta

import numpy as np  # noqa: F401  (the examples use it)

from chainrule._src.nn.network.graphed import Graphed
from chainrule._src.nn.sequential.model import Exportable, Sequential


class Model(Graphed, Exportable, metaclass=ABCMeta):
    """A model of layers: the graph between symbolic inputs and outputs, or a class of your own.

    ``Model(inputs, outputs)`` is a layer whose call makes the calls again that lead from the inputs
    to the outputs. A class of your own has layers as attributes, and plain NumPy in `call`.

    Parameters
    ----------
    inputs : SymbolicTensor, or list or dict of SymbolicTensor
        Symbolic tensors, as from `chainrule.keras.Input`.
    outputs : SymbolicTensor, or list or dict of SymbolicTensor
        What layers, operators and NumPy's functions made of them.
    name : str, optional
    trainable : bool, default True
    dtype : {"float32", "float64"}
    seed : int, Generator or None
        Seed of the order of samples and dropout.

    Raises
    ------
    DataError
        If the outputs do not depend on the inputs alone, or a class defines a hook of Keras that
        is not supported.

    Examples
    --------
    >>> from chainrule import keras
    >>> inputs = keras.Input((4,))
    >>> h = keras.layers.Dense(4, activation="relu")(inputs / 10)
    >>> model = Model(inputs, keras.layers.Dense(1)(h + inputs))
    >>> model.predict(np.ones((2, 4))).shape
    (2, 1)

    >>> class Wide(Model):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.hidden, self.top = keras.layers.Dense(8), keras.layers.Dense(1)
    ...
    ...     def call(self, x):
    ...         return self.top(np.concatenate([x, np.tanh(self.hidden(x))], axis=1))
    >>> Wide()(np.ones((2, 4))).shape
    (2, 1)
    """


Model.register(Sequential)  # as in Keras: isinstance(sequential, Model)
