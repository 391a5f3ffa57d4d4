"""Layers of neurons: what a dense network is made of."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule._src.base.arguments import Flag, Positive
from chainrule._src.base.arrays import Array, as_numbers
from chainrule._src.base.errors import DataError, ShapeError
from chainrule._src.base.validation import check_positive
from chainrule._src.nn.layers.given import KINDS, dtype_given, shape_given
from chainrule._src.nn.layers.layer import ROWS, Function, Layer, Shape
from chainrule._src.ops.index import IN_RANGE

LAST = slice(-1, None)


class Input(Layer):
    """Says what shape a sample has, as the first of a model's layers.

    Parameters
    ----------
    shape : tuple of int
        Of one sample, without the batch size; None is an axis of no fixed length.
    batch_size : int, optional
        Where it is fixed.
    dtype : str, optional
        Taken for Keras's sake: the model's own dtype counts, and an `Embedding` above takes whole
        numbers whatever is said here.
    batch_shape : tuple, optional
        Batch size and shape in one.

    Examples
    --------
    >>> Input((28, 28)).shape
    (28, 28)
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
        dtype_given(dtype, "Input", KINDS)
        given = shape_given(shape, batch_shape, None, "Input") or self.given_shape
        if given is None:
            raise DataError("Input: give the shape of a sample, such as Input((28, 28))")
        if batch_size is not None:
            given = (check_positive(batch_size, "batch_size", "Input"), *given[1:])
        self.batch_shape, self.shape = given, given[1:]

    def call(self, x: Any) -> Any:
        return x


class Affine(Layer):
    """What multiplies with a kernel, adds a bias and applies an activation."""

    activation: Any
    bias: Any = None
    use_bias: bool

    def weigh(self, shape: Shape, name: str = "kernel", outputs: slice = LAST) -> None:
        """Make a kernel of a shape, and a bias; ``outputs`` are the axes that tell of how many."""
        self.kernel = self.weight_of(name, shape)
        if self.use_bias:
            self.bias = self.weight_of("bias", (math.prod(self.kernel.shape[outputs]),))

    def activated(self, z: Any) -> Any:
        """Return the activations of what the kernel gave."""
        z = self.named("z", z + self.bias if self.use_bias else z)
        return z if self.activation is None else self.activation(z)


class Dense(Affine):
    r"""Every output sees every input.

    .. math:: y = f(x W + b)

    Parameters
    ----------
    units : int
        Outputs.
    activation : str or callable, optional
        :math:`f`; none is the identity.
    use_bias : bool, default True
    kernel_initializer : str or Initializer, default "glorot_uniform"
    bias_initializer : str or Initializer, default "zeros"
    kernel_regularizer, bias_regularizer : str or Regularizer, optional
    activity_regularizer : str or Regularizer, optional
        Of the output, a sample.
    kernel_constraint, bias_constraint : str or Constraint, optional
    **options
        Those of every `Layer`.

    Attributes
    ----------
    kernel : ndarray, shape (inputs, units)
    bias : ndarray, shape (units,)

    Examples
    --------
    >>> Dense(3)(np.zeros((2, 5))).shape
    (2, 3)
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
    """An activation function as a layer of its own.

    Parameters
    ----------
    activation : str or callable

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
    """A row of weights for each of a number of things, which are told apart by whole numbers.

    Parameters
    ----------
    input_dim : int
        How many things there are; the input holds ``0 … input_dim - 1``.
    output_dim : int
        Weights a thing.
    embeddings_initializer : str or Initializer, default "uniform"
    embeddings_regularizer : str or Regularizer, optional
    embeddings_constraint : str or Constraint, optional
    mask_zero : bool, default False
        Whether 0 stands for no thing: the layers after it leave such steps out.
    weights : list of one array, optional
        The table, instead of one that is drawn.

    Attributes
    ----------
    embeddings : ndarray, shape (input_dim, output_dim)

    Examples
    --------
    >>> Embedding(10, 4)(np.array([[1, 2, 3]])).shape
    (1, 3, 4)
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
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.input_dim, self.output_dim, self._table = input_dim, output_dim, weights
        self.mask_zero = self.supports_masking = mask_zero
        self.__config__["weights"] = None  # they are not part of the description

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
        """Return the rows; a number that has none is refused."""
        return self.embeddings[self._placed(x).astype(np.int64)]

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        return inputs != 0 if self.mask_zero else None

    def check(self, x: Array) -> None:
        self._placed(x)

    def _placed(self, x: Any) -> Any:
        return IN_RANGE(x, size=self.input_dim, what="Embedding: entries")
