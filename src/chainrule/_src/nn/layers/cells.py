"""Cells: one step of a recurrent layer."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule._src.base.arguments import Flag, Positive, Share
from chainrule._src.base.errors import DataError
from chainrule._src.nn.layers.dropout import Random
from chainrule._src.nn.layers.given import Shape
from chainrule._src.nn.layers.layer import Function, Layer


class Gates(Random):
    """Base class of cells: kernels for inputs and state, a bias, and dropout.

    `projected` multiplies the inputs of one step, or of all steps at once, with the kernel; `step`
    computes the rest. Dropout sets the same entries to 0 in every step: `masks` returns the masks
    of inputs and state, each a list with one mask for all gates or one per gate.
    """

    gates = 1
    bias: Any = None
    rows: tuple[int, ...] = ()  # axes of the bias before the axis of the gates

    def __init__(
        self, units: Positive, activation: Function = "tanh", use_bias: Flag = True,
        kernel_initializer: Any = "glorot_uniform", recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros", kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None, bias_regularizer: Any = None,
        kernel_constraint: Any = None, recurrent_constraint: Any = None,
        bias_constraint: Any = None, dropout: Share = 0.0, recurrent_dropout: Share = 0.0,
        seed: int | None = None, implementation: int = 2, use_cudnn: Any = "auto", **options: Any,
    ) -> None:  # fmt: skip
        super().__init__(seed, **options)
        self.units = self.output_size = units
        self.state_size: Any = units
        self.activation, self.use_bias, self.use_cudnn = activation, use_bias, use_cudnn
        self.dropout, self.recurrent_dropout = dropout, recurrent_dropout

    def build(self, input_shape: Shape) -> None:
        self.weigh(input_shape)

    def weigh(self, input_shape: Shape) -> None:
        """Create kernels and bias."""
        wide = self.gates * self.units
        self.kernel = self.weight_of("kernel", (input_shape[-1], wide))
        self.recurrent_kernel = self.weight_of("recurrent", (self.units, wide))
        if self.use_bias:
            self.bias = self.weight_of("bias", (*self.rows, wide))
        if self.dropout or self.recurrent_dropout:
            Random.build(self, input_shape)

    def masks(self, x: Any, training: bool) -> Any:
        """Return the dropout masks of inputs and state, for the inputs of one step."""
        count = self.gates if self.recurrent_dropout else 1

        def drawn(rate: float, size: int) -> Any:
            if not training or rate == 0:
                return None
            factors = (self.uniform(x, (None, count * size)) >= rate).astype(x.dtype) / (1 - rate)
            return [factors[:, i * size : (i + 1) * size] for i in range(count)]

        return drawn(self.dropout, len(self.kernel)), drawn(self.recurrent_dropout, self.units)

    def projected(self, x: Any, masks: Any) -> Any:
        """Return the inputs times the kernel, plus the bias."""
        z = _product(x, self.kernel, masks[0])
        return z + (self.bias[0] if self.rows else self.bias) if self.use_bias else z

    def parts(self, z: Any) -> list[Any]:
        """Split the columns of ``z`` by gates."""
        return [z[:, i : i + self.units] for i in range(0, z.shape[1], self.units)]

    def step(self, z: Any, states: Any, masks: Any) -> tuple[Any, list[Any]]:
        """Return output and new states, from projected inputs and old states."""
        raise NotImplementedError


def _product(x: Any, kernel: Any, masks: Any) -> Any:
    """Return the product of masked inputs with a kernel; with several masks, one per gate."""
    if masks is None or len(masks) == 1:
        return (x if masks is None else x * masks[0]) @ kernel
    u = kernel.shape[1] // len(masks)
    parts = [(x * mask) @ kernel[:, i * u : (i + 1) * u] for i, mask in enumerate(masks)]
    return np.concatenate(parts, axis=-1)


class SimpleGates(Gates):
    """The step of `SimpleRNN`."""

    def step(self, z: Any, states: Any, masks: Any) -> tuple[Any, list[Any]]:
        h = self.activation(z + _product(states[0], self.recurrent_kernel, masks[1]))
        return h, [h]


class LSTMGates(Gates):
    """The step of `LSTM`."""

    gates = 4

    def __init__(
        self, units: int, activation: Any = "tanh", recurrent_activation: Function = "sigmoid",
        use_bias: bool = True, *, unit_forget_bias: Flag = True, **options: Any,
    ) -> None:  # fmt: skip
        super().__init__(units, activation, use_bias, **options)
        self.state_size = [self.units, self.units]
        self.recurrent_activation = recurrent_activation
        self.unit_forget_bias = unit_forget_bias

    def weigh(self, input_shape: Shape) -> None:
        """Create kernels and bias; the forget gate's bias starts at 1."""
        super().weigh(input_shape)
        if self.use_bias and self.unit_forget_bias:
            self.bias[self.units : 2 * self.units] = 1

    def step(self, z: Any, states: Any, masks: Any) -> tuple[Any, list[Any]]:
        h, c = states
        i, f, new, o = self.parts(z + _product(h, self.recurrent_kernel, masks[1]))
        i = self.named("i", self.recurrent_activation(i))
        f = self.named("f", self.recurrent_activation(f))
        o = self.named("o", self.recurrent_activation(o))
        c = self.named("c", f * c + i * self.activation(new))
        h = self.named("h", o * self.activation(c))
        return h, [h, c]


class GRUGates(Gates):
    """The step of `GRU`."""

    gates = 3

    def __init__(
        self, units: int, activation: Any = "tanh", recurrent_activation: Function = "sigmoid",
        use_bias: bool = True, *, reset_after: Flag = True, **options: Any,
    ) -> None:  # fmt: skip
        super().__init__(units, activation, use_bias, **options)
        self.recurrent_activation, self.reset_after = recurrent_activation, reset_after
        self.rows = (2,) if reset_after else ()

    def step(self, z: Any, states: Any, masks: Any) -> tuple[Any, list[Any]]:
        (h,), masks, both = states, masks[1], 2 * self.units
        kernel, last = self.recurrent_kernel, masks and masks[2:]
        if self.reset_after:
            inner = _product(h, kernel, masks)
            inner = inner + self.bias[1] if self.use_bias else inner
        else:
            inner = _product(h, kernel[:, :both], masks and masks[:2])
        update, reset = self.parts(self.recurrent_activation(z[:, :both] + inner[:, :both]))
        if self.reset_after:
            new = reset * inner[:, both:]
        else:
            new = _product(reset * h, kernel[:, both:], last)
        h = update * h + (1 - update) * self.activation(z[:, both:] + new)
        return h, [h]


class OneStep(Layer):
    """A cell that is called with inputs and states."""

    def call(  # type: ignore[override, unused-ignore]
        self, inputs: Any, states: Any, training: bool = False
    ) -> Any:
        """Return the output of a step, and the new states."""
        cell: Any = self
        masks = cell.masks(inputs, training)
        return cell.step(cell.projected(inputs, masks), listed(states), masks)


class SimpleRNNCell(SimpleGates, OneStep):
    """Computes one step of a `SimpleRNN`, for an `RNN` or a loop of your own.

    .. math:: h_t = f(x_t W + h_{t-1} U + b)

    Parameters
    ----------
    units : int
        Length of the state, which is the output.
    activation : str or callable, default "tanh"
        :math:`f`.
    use_bias : bool, default True
    kernel_initializer : str or Initializer, default "glorot_uniform"
    recurrent_initializer : str or Initializer, default "orthogonal"
    bias_initializer : str or Initializer, default "zeros"
    kernel_regularizer, recurrent_regularizer, bias_regularizer : str or Regularizer, optional
    kernel_constraint, recurrent_constraint, bias_constraint : str or Constraint, optional
    dropout, recurrent_dropout : float, default 0
        Shares of inputs and of states that are set to 0 in training.
    seed : int, optional
        Seed of dropout.
    implementation, use_cudnn : ignored
        Accepted for compatibility with Keras.
    **options
        Options of every `Layer`.

    Attributes
    ----------
    kernel : ndarray, shape (d, units)
    recurrent_kernel : ndarray, shape (units, units)
    bias : ndarray, shape (units,)

    Raises
    ------
    DataError
        If ``units`` is no whole number of at least 1, or a share is not in ``[0, 1)``.

    Examples
    --------
    >>> ones = {"kernel_initializer": "ones", "recurrent_initializer": "ones"}
    >>> cell = SimpleRNNCell(1, activation=None, **ones)
    >>> y, (h,) = cell(np.array([[2.0]]), [np.array([[3.0]])])
    >>> y.item(), h.item()
    (5.0, 5.0)
    """


class LSTMCell(LSTMGates, OneStep):
    r"""Computes one step of an `LSTM`, for an `RNN` or a loop of your own.

    Parameters
    ----------
    units : int
        Length of the states :math:`h`, which is the output, and :math:`c`.
    activation : str or callable, default "tanh"
    recurrent_activation : str or callable, default "sigmoid"
        Activation of the gates.
    use_bias : bool, default True
    unit_forget_bias : bool, default True
        If true, the forget gate's bias starts at 1.
    **options
        Further options of `SimpleRNNCell`.

    Attributes
    ----------
    kernel : ndarray, shape (d, 4 units)
    recurrent_kernel : ndarray, shape (units, 4 units)
    bias : ndarray, shape (4 units,)

    Raises
    ------
    DataError
        If ``units`` is no whole number of at least 1, or a share is not in ``[0, 1)``.

    Examples
    --------
    Without any input, the forget gate lets :math:`\sigma(1) = 0.731` of the state :math:`c` pass:

    >>> h, c = np.zeros((1, 1)), np.ones((1, 1))
    >>> y, (h, c) = LSTMCell(1)(np.zeros((1, 2)), [h, c])
    >>> round(c.item(), 3)
    0.731
    """


class GRUCell(GRUGates, OneStep):
    """Computes one step of a `GRU`, for an `RNN` or a loop of your own.

    Parameters
    ----------
    units : int
        Length of the state, which is the output.
    activation : str or callable, default "tanh"
    recurrent_activation : str or callable, default "sigmoid"
        Activation of the gates.
    use_bias : bool, default True
    reset_after : bool, default True
        As for `GRU`.
    **options
        Further options of `SimpleRNNCell`.

    Attributes
    ----------
    kernel : ndarray, shape (d, 3 units)
    recurrent_kernel : ndarray, shape (units, 3 units)
    bias : ndarray, shape (2, 3 units), or (3 units,) without ``reset_after``

    Raises
    ------
    DataError
        If ``units`` is no whole number of at least 1, or a share is not in ``[0, 1)``.

    Examples
    --------
    With kernels of zeros the update gate is 1/2, and half of the state stays:

    >>> zeros = {"kernel_initializer": "zeros", "recurrent_initializer": "zeros"}
    >>> GRUCell(1, **zeros)(np.zeros((1, 2)), [np.ones((1, 1))])[0].item()
    0.5
    """


class OwnCell:
    """An adapter that gives a user's cell, which has only `call`, the methods of `Gates`."""

    def __init__(self, cell: Any) -> None:
        self.cell = cell

    def masks(self, x: Any, training: bool) -> Any:
        """Return the keyword arguments of `call`."""
        return {"training": training} if getattr(self.cell, "_takes_training", False) else {}

    def projected(self, x: Any, masks: Any) -> Any:
        """Return the inputs unchanged."""
        return x

    def step(self, x: Any, states: Any, masks: Any) -> tuple[Any, list[Any]]:
        """Return output and states."""
        y, states = self.cell.call(x, states, **masks)
        return y, listed(states)


class StackedRNNCells(OneStep):
    """Stacks cells to one cell for an `RNN`; each takes the output of the previous cell.

    Parameters
    ----------
    cells : list of Layer
        Cells such as `LSTMCell`, or of your own.
    **options
        Options of every `Layer`.

    Attributes
    ----------
    state_size : list
        The lengths of the states, a list per cell.
    output_size : int
        The length of the last cell's output.

    Raises
    ------
    DataError
        If a cell lacks ``call`` or ``state_size``.

    Examples
    --------
    >>> cell = StackedRNNCells([LSTMCell(4), GRUCell(3)])
    >>> cell.state_size, cell.output_size
    ([[4, 4], [3]], 3)
    """

    def __init__(self, cells: Any, **options: Any) -> None:
        super().__init__(**options)
        self.cells = list(map(checked_cell, cells))
        self.state_size = [listed(cell.state_size) for cell in self.cells]
        self.output_size = outputs_of(self.cells[-1])

    def build(self, input_shape: Shape) -> None:
        for cell in self.cells:
            build_cell(cell, self, input_shape)
            input_shape = (None, outputs_of(cell))

    def masks(self, x: Any, training: bool) -> list[Any]:
        """Return the masks of all cells."""
        return [scanned(cell).masks(x, training) for cell in self.cells]

    def projected(self, x: Any, masks: Any) -> Any:
        """Return the inputs projected by the first cell."""
        return scanned(self.cells[0]).projected(x, masks[0])

    def step(self, z: Any, states: Any, masks: Any) -> tuple[Any, list[Any]]:
        """Return the last cell's output, and the states of all cells."""
        new: list[Any] = []
        for cell, state, mask in zip(map(scanned, self.cells), states, masks, strict=True):
            z, after = cell.step(cell.projected(z, mask) if new else z, state, mask)
            new.append(after)
        return z, new


def checked_cell(cell: Any) -> Any:
    """Return a cell, or raise an error if it lacks the attributes of a cell."""
    if not hasattr(cell, "state_size") or not hasattr(cell, "call"):
        raise DataError(f"RNN: a cell must have call and state_size, received {cell!r}")
    return cell


def listed(states: Any) -> list[Any]:
    """Return states as a list."""
    return list(states) if isinstance(states, list | tuple) else [states]


def outputs_of(cell: Any) -> Any:
    """Return the number of outputs of a cell."""
    return getattr(cell, "output_size", None) or listed(cell.state_size)[0]


def scanned(cell: Any) -> Any:
    """Return a cell with the methods of `Gates`."""
    return cell if hasattr(cell, "projected") else OwnCell(cell)


def build_cell(cell: Any, layer: Layer, input_shape: Shape) -> None:
    """Build a cell as part of a layer."""
    if isinstance(cell, Layer) and not cell.built:
        cell._rng, cell._dtype = layer._rng, layer._dtype
        cell._make(input_shape)
        cell.built = True
