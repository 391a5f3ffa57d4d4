"""The layers of a dense network: input, dense, activation and embedding."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule._src.base.arguments import Flag, Positive
from chainrule._src.base.arrays import Array, as_numbers
from chainrule._src.base.errors import DataError, ShapeError
from chainrule._src.base.validation import check_positive
from chainrule._src.nn.layers.given import KINDS, Shape, dtype_given, shape_given
from chainrule._src.nn.layers.layer import ROWS, Function, Layer
from chainrule._src.nn.layers.symbols import SymbolSource
from chainrule._src.ops.index import IN_RANGE, getitem

LAST = slice(-1, None)


class Input(SymbolSource, Layer):
    """Defines the shape of a sample, as the first layer of a model.

    Parameters
    ----------
    shape : tuple of int
        Shape of one sample, without the batch size; None is an axis without fixed length.
    batch_size : int, optional
        A fixed batch size.
    dtype : str, optional
        Dtype of the symbolic input of a `Model`. In a chain the model's dtype is used, and an
        `Embedding` takes integers in any case.
    batch_shape : tuple, optional
        Batch size and shape in one.
    **options
        Options of every `Layer`.

    Raises
    ------
    DataError
        If there is neither ``shape`` nor ``batch_shape``, or if there are both.

    Examples
    --------
    >>> Input((28, 28)).shape
    (28, 28)
    >>> Input((None, 3), batch_size=8).batch_shape
    (8, None, 3)
    """

    def __init__(
        self,
        shape: int | Sequence[int | None] | None = None,
        batch_size: int | None = None,
        dtype: Any = None,
        batch_shape: Sequence[int | None] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        kind = dtype_given(dtype, "Input", KINDS) or "float32"
        full_shape = shape_given(shape, batch_shape, None, "Input") or self.given_shape
        if full_shape is None:
            raise DataError("Input: give the shape of a sample, such as Input((28, 28))")
        if batch_size is not None:
            full_shape = (check_positive(batch_size, "batch_size", "Input"), *full_shape[1:])
        self.batch_shape, self.shape = full_shape, full_shape[1:]
        self._input_kind, self.integers = kind, not kind.startswith("float")

    def call(self, x: Any) -> Any:
        return x


class AffineLayer(Layer):
    """Base class of layers that multiply with a kernel, add a bias and apply an activation."""

    activation: Any
    bias: Any = None
    use_bias: bool

    def weigh(self, shape: Shape, name: str = "kernel", outputs: slice = LAST) -> None:
        """Create kernel and bias; the axes ``outputs`` of the kernel give the size of the bias."""
        self.kernel = self.weight_of(name, shape)
        if self.use_bias:
            self.bias = self.weight_of("bias", (math.prod(self.kernel.shape[outputs]),))

    def activated(self, z: Any) -> Any:
        """Add the bias to ``z`` and apply the activation."""
        z = self.named("z", z + self.bias if self.use_bias else z)
        return z if self.activation is None else self.activation(z)


class Dense(AffineLayer):
    """Multiplies every sample with a matrix, adds a bias and applies an activation.

    .. math:: y = f(x W + b)

    Parameters
    ----------
    units : int
        Number of outputs.
    activation : str or callable, optional
        :math:`f`; by default the identity.
    use_bias : bool, default True
        If true, there is a :math:`b`.
    kernel_initializer : str or Initializer, default "glorot_uniform"
    bias_initializer : str or Initializer, default "zeros"
    kernel_regularizer, bias_regularizer : str or Regularizer, optional
    activity_regularizer : str or Regularizer, optional
        Regularizer of the output, per sample.
    kernel_constraint, bias_constraint : str or Constraint, optional
    **options
        Options of every `Layer`.

    Attributes
    ----------
    kernel : ndarray, shape (inputs, units)
    bias : ndarray, shape (units,)

    Raises
    ------
    DataError
        If ``units`` is no whole number of at least 1, or ``activation`` is a layer.
    UnknownNameError
        If no activation, initializer, regularizer or constraint has the name.

    Examples
    --------
    >>> Dense(3)(np.zeros((2, 5))).shape
    (2, 3)
    >>> Dense(1, activation="relu", kernel_initializer="ones")(np.array([[1.0, 2.0], [-3.0, 1.0]]))
    array([[3.],
           [0.]], dtype=float32)
    """

    supports_masking = True

    def __init__(
        self,
        units: Positive,
        activation: Function = None,
        use_bias: Flag = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **options: Any,
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **options)
        self.units, self.activation, self.use_bias = units, activation, use_bias

    def build(self, input_shape: Shape) -> None:
        hint = "give X[:, np.newaxis] for single numbers"
        self._expect(len(input_shape) > 1, ROWS, input_shape, hint)
        self.weigh((input_shape[-1], self.units))

    def call(self, x: Any) -> Any:
        return self.activated(x @ self.kernel)


class Activation(Layer):
    """Applies an activation function to every entry, as a layer.

    Parameters
    ----------
    activation : str or callable
        The function, or its name in `chainrule.activations`.
    **options
        Options of every `Layer`.

    Raises
    ------
    UnknownNameError
        If no activation has the name.

    Examples
    --------
    >>> Activation("relu")(np.array([[-1.0, 2.0]]))
    array([[0., 2.]], dtype=float32)
    """

    supports_masking = True

    def __init__(self, activation: Function, **options: Any) -> None:
        super().__init__(**options)
        self.activation = activation

    def call(self, x: Any) -> Any:
        return self.activation(x)


class Embedding(Layer):
    """Replaces the number of a category by the category's row in a table of weights.

    Parameters
    ----------
    input_dim : int
        Number of categories; the input holds ``0 … input_dim - 1``.
    output_dim : int
        Number of weights per category.
    embeddings_initializer : str or Initializer, default "uniform"
    embeddings_regularizer : str or Regularizer, optional
    embeddings_constraint : str or Constraint, optional
    mask_zero : bool, default False
        If true, steps with category 0 are masked in the following layers.
    weights : list of one array, optional
        The initial table; by default it is drawn.
    input_length : ignored
        Accepted for compatibility with older programs for Keras.
    **options
        Options of every `Layer`.

    Attributes
    ----------
    embeddings : ndarray, shape (input_dim, output_dim)

    Raises
    ------
    OutOfRangeError
        If an entry of the input is no category, when the layer is called.
    ShapeError
        If the initial table has another shape than ``(input_dim, output_dim)``.

    Examples
    --------
    >>> Embedding(10, 4)(np.array([[1, 2, 3]])).shape
    (1, 3, 4)
    >>> table = np.array([[0.0, 1.0], [2.0, 3.0]])
    >>> Embedding(2, 2, weights=[table])(np.array([1, 0, 1]))
    array([[2., 3.],
           [0., 1.],
           [2., 3.]], dtype=float32)
    """

    integers = True

    def __init__(
        self,
        input_dim: Positive,
        output_dim: Positive,
        embeddings_initializer: Any = "uniform",
        embeddings_regularizer: Any = None,
        embeddings_constraint: Any = None,
        mask_zero: Flag = False,
        weights: Any = None,
        input_length: Any = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.__config__["input_length"] = None
        self.input_dim, self.output_dim, self._table = input_dim, output_dim, weights
        self.mask_zero = self.supports_masking = mask_zero
        self.__config__["weights"] = None  # the table is not part of the config

    def build(self, input_shape: Shape) -> None:
        self.embeddings = self.weight_of("embeddings", (self.input_dim, self.output_dim))
        if self._table is not None:
            table = as_numbers(self._table, "weights", str(self))
            if table.shape not in (self.embeddings.shape, (1, *self.embeddings.shape)):
                raise ShapeError(
                    f"{self}: weights must be a table of shape {self.embeddings.shape}, received "
                    f"shape {table.shape}"
                )
            self.embeddings[:] = table.reshape(self.embeddings.shape)

    def call(self, x: Any) -> Any:
        """Return the rows of the table; raise an error for a number out of range."""
        rows = self._placed(x).astype(np.int64)
        return getitem(
            self.embeddings, rows
        )  # the table may be an array where ``rows`` is recorded

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        return inputs != 0 if self.mask_zero else None

    def check(self, x: Array) -> None:
        self._placed(x)

    def _placed(self, x: Any) -> Any:
        return IN_RANGE(x, size=self.input_dim, what="Embedding: entries")
