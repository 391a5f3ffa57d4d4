"""Recurrent layers: they scan a cell, which is one step, over the steps of a sequence."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from chainrule._src.base.arguments import Flag
from chainrule._src.base.config import copied
from chainrule._src.base.errors import DataError, ShapeError
from chainrule._src.base.validation import lookup, shape_text
from chainrule._src.core.trees import map_leaves
from chainrule._src.nn.layers.cells import (
    Gates,
    GRUGates,
    LSTMGates,
    SimpleGates,
    StackedRNNCells,
    build_cell,
    checked_cell,
    listed,
    scanned,
)
from chainrule._src.nn.layers.functions import Wrapper
from chainrule._src.nn.layers.given import Shape
from chainrule._src.nn.layers.layer import SEQUENCES, Layer
from chainrule._src.nn.layers.surroundings import around
from chainrule._src.trace.recurrence import scan


class Batched(Layer):
    """Base class of layers that may pass their states on to the next batch."""

    stateful = False

    def prepare(
        self, input_shape: Shape, rng: Any = None, dtype: Any = None, called_with: Any = None
    ) -> Shape:
        """Build the layer; a stateful layer takes the batch size from the arrays of its call."""
        outer: Any = around()
        is_fixed = outer is None or outer.outer.input_shape[0] is not None
        if self.stateful and is_fixed and called_with is not None:
            input_shape = (len(called_with[0]), *input_shape[1:])
        return super().prepare(input_shape, rng, dtype, called_with)


class Sequences(Batched):
    """Base class of layers that scan a cell over time."""

    supports_masking = True
    uncounted: tuple[str, ...] = ("states",)
    cell: Any
    states: Any = None

    def __init__(
        self, return_sequences: Flag = False, return_state: Flag = False,
        go_backwards: Flag = False, stateful: Flag = False, unroll: Flag = False,
        zero_output_for_mask: Flag = False, **options: Any,
    ) -> None:  # fmt: skip
        super().__init__(**options)
        self.return_sequences, self.return_state = return_sequences, return_state
        self.go_backwards, self.stateful, self.unroll = go_backwards, stateful, unroll
        self.zero_output_for_mask = zero_output_for_mask

    def build(self, input_shape: Shape) -> None:
        """Build the cell, and the states that are passed on to the next batch."""
        self._expect(len(input_shape) > 2, SEQUENCES, input_shape)
        self.weigh((None, *input_shape[2:]))
        if self.stateful:
            if input_shape[0] is None:
                raise DataError(
                    f"{self}: stateful=True needs a fixed batch size; give the model an "
                    "Input(batch_shape=(batch_size, steps, d)) first"
                )
            make = partial(self.add_weight, initializer="zeros", trainable=False)
            self.states = _zeros(self.cell.state_size, input_shape[0], make)

    def weigh(self, input_shape: Shape) -> None:
        """Create the weights of a step."""
        build_cell(self.cell, self, input_shape)

    def reset_states(self) -> None:
        """Set the states to zero, so that the next batch starts with zeros."""
        if self.states is not None:
            self.states = map_leaves(np.zeros_like, self.states)

    reset_state = reset_states

    def call(
        self, x: Any, initial_state: Any = None, mask: Any = None, training: bool = False
    ) -> Any:
        """Return the last output or all outputs, and the states with ``return_state``."""
        cell = scanned(self.cell)
        masks = cell.masks(x[:, 0], training)
        first = self.states
        if initial_state is not None:
            first = map_leaves(lambda state: state.astype(x.dtype), listed(initial_state))
        elif first is None:
            first = _zeros(self.cell.state_size, len(x), lambda shape: np.zeros(shape, x.dtype))
        elif len(x) != self.input_shape[0]:
            raise ShapeError(
                f"{self}: stateful, so that every batch must have {self.input_shape[0]} samples, "
                f"received {len(x)}"
            )
        z = self.named("z", cell.projected(np.swapaxes(x, 0, 1), masks))
        counted = None if mask is None else np.swapaxes(mask, 0, 1)[:, :, np.newaxis]
        zeroed = self.zero_output_for_mask and mask is not None

        def step(states: Any, inputs: Any) -> Any:
            z, counts = inputs
            y, new = cell.step(z, states, masks)
            is_state = y is _output(new) and not zeroed
            if counts is not None:
                new = map_leaves(
                    partial(np.where, counts), new, states
                )  # masked steps keep the old states
                y = np.where(counts, y, 0 if zeroed else _output(states))
            if is_state:
                y = _output(new) if self.return_sequences else None
            return new, y

        states, ys = scan(step, first, (z, counted), reverse=self.go_backwards)
        if self.stateful:
            self.states = states
        if ys is None:
            y = _output(states)
        elif self.return_sequences:
            y = np.swapaxes(ys[::-1] if self.go_backwards else ys, 0, 1)
        else:
            y = ys[0 if self.go_backwards else -1]
        if not self.return_state:
            return y
        return (y, *(state[0] if _is_alone(state) else state for state in states))

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        return previous_mask if self.return_sequences else None


def _zeros(sizes: Any, n: int, make: Any) -> list[Any]:
    """Return states of zeros."""
    states: list[Any] = map_leaves(lambda size: make((n, size)), listed(sizes))
    return states


def _is_alone(state: Any) -> bool:
    """Return true if a state is a list of one state, of one of several cells."""
    return isinstance(state, list) and len(state) == 1


def _output(states: Any) -> Any:
    """Return the first state of a cell, or of the last cell of a stack."""
    return listed(states[-1] if isinstance(states[0], list) else states)[0]


class RNN(Sequences):
    """Runs a cell, or a stack of cells, over sequences.

    A cell of your own is a layer whose ``call(inputs, states)`` returns the output of a step and
    the new states, and whose ``state_size`` is the length of each state.

    Parameters
    ----------
    cell : Layer or list of Layer
    return_sequences, return_state, go_backwards, stateful, zero_output_for_mask : bool
        See `LSTM`.
    **options
        ``name`` and ``trainable``; ``unroll`` is ignored.

    Raises
    ------
    DataError
        If a cell lacks ``call`` or ``state_size``, or the batch size of a stateful layer is not
        fixed.
    ShapeError
        If samples are no sequences with features.

    Examples
    --------
    >>> from chainrule._src.nn.layers import GRUCell
    >>> RNN([GRUCell(4), GRUCell(3)], return_sequences=True)(np.zeros((2, 5, 8))).shape
    (2, 5, 3)
    """

    def __init__(self, cell: Any, **options: Any) -> None:
        super().__init__(**options)
        is_stack = isinstance(cell, list | tuple)
        self.cell = StackedRNNCells(cell) if is_stack else checked_cell(cell)


class Recurrent(Gates, Sequences):
    """Base class of layers that are also the cell that they scan."""

    uncounted = (*Gates.uncounted, *Sequences.uncounted)

    @property
    def cell(self) -> Any:
        """The cell that is scanned, which is this layer."""
        return self

    build, call = Sequences.build, Sequences.call


class SimpleRNN(SimpleGates, Recurrent):
    """Computes a state from each step of a sequence and the previous state.

    .. math:: h_t = f(x_t W + h_{t-1} U + b)

    Parameters
    ----------
    units : int
        Length of the state, which is the output.
    activation : str or callable, default "tanh"
        :math:`f`.
    use_bias, kernel_initializer, recurrent_initializer, bias_initializer : optional
    kernel_regularizer, recurrent_regularizer, bias_regularizer : optional
    kernel_constraint, recurrent_constraint, bias_constraint : optional
    dropout, recurrent_dropout, seed, implementation, use_cudnn, **options
        As for `LSTM`.

    Attributes
    ----------
    kernel : ndarray, shape (d, units)
    recurrent_kernel : ndarray, shape (units, units)
    bias : ndarray, shape (units,)

    Raises
    ------
    DataError, ShapeError
        As for `LSTM`.

    Examples
    --------
    >>> SimpleRNN(3, return_sequences=True)(np.zeros((2, 5, 8))).shape
    (2, 5, 3)
    >>> ones = {"kernel_initializer": "ones", "recurrent_initializer": "ones"}
    >>> SimpleRNN(1, activation=None, **ones)(np.array([[[1.0], [2.0], [3.0]]]))
    array([[6.]], dtype=float32)
    """


class LSTM(LSTMGates, Recurrent):
    r"""Long short-term memory: gates control forgetting, input and output of a state.

    .. math:: (i, f, g, o) = x_t W + h_{t-1} U + b, \qquad
              c_t = \sigma(f) c_{t-1} + \sigma(i) \tanh(g), \quad h_t = \sigma(o) \tanh(c_t)

    Hochreiter, Schmidhuber, *Long Short-Term Memory*, 1997. The kernel multiplies all steps at
    once; the rest is a loop over any number of steps, `chainrule.scan`.

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
    kernel_initializer, recurrent_initializer, bias_initializer : str or Initializer
    kernel_regularizer, recurrent_regularizer, bias_regularizer : str or Regularizer, optional
    kernel_constraint, recurrent_constraint, bias_constraint : str or Constraint, optional
    dropout, recurrent_dropout : float, default 0
        Shares of inputs and of states that are set to 0 in training, the same in all steps.
    seed : int, optional
        Seed of dropout.
    return_sequences : bool, default False
        If true, return the outputs of all steps, ``(n, steps, units)``, not only the last one.
    return_state : bool, default False
        If true, return the last states too, for a layer of your own that calls this one.
    go_backwards : bool, default False
        If true, start with the last step; the outputs are in the order of computation.
    stateful : bool, default False
        If true, a batch starts with the last states of the previous batch, until
        `reset_states`. The batch size must be fixed.
    **options
        ``name``, ``trainable``; ``unroll``, ``implementation`` and ``use_cudnn`` are ignored.

    Attributes
    ----------
    kernel : ndarray, shape (d, 4 units)
    recurrent_kernel : ndarray, shape (units, 4 units)
    bias : ndarray, shape (4 units,)

    Raises
    ------
    DataError
        If ``units`` is no whole number of at least 1, a share is not in ``[0, 1)``, or the batch
        size of a stateful layer is not fixed.
    ShapeError
        If samples are no sequences with features.

    Examples
    --------
    >>> LSTM(3)(np.zeros((2, 5, 8))).shape
    (2, 3)
    """


class GRU(GRUGates, Recurrent):
    r"""Gated recurrent unit: one state, partly replaced in every step.

    .. math:: h_t = z h_{t-1} + (1 - z) \tanh(x_t W_h + b_h + r (h_{t-1} U_h + b'_h)), \quad
              (z, r) = \sigma(x_t W + b + h_{t-1} U + b')

    Cho et al., *Learning Phrase Representations using RNN Encoder-Decoder*, 2014.

    Parameters
    ----------
    units : int
        Length of the state, which is the output.
    activation : str or callable, default "tanh"
    recurrent_activation : str or callable, default "sigmoid"
    use_bias : bool, default True
    reset_after : bool, default True
        If true, :math:`r` multiplies the product, as above; if false, :math:`h_{t-1}` before it.
    **options
        As in `LSTM`.

    Attributes
    ----------
    kernel : ndarray, shape (d, 3 units)
    recurrent_kernel : ndarray, shape (units, 3 units)
    bias : ndarray, shape (2, 3 units), or (3 units,) without ``reset_after``

    Raises
    ------
    DataError, ShapeError
        As for `LSTM`.

    Examples
    --------
    >>> GRU(3, go_backwards=True)(np.zeros((2, 5, 8))).shape
    (2, 3)
    """


MERGED: dict[str, Any] = {
    "concat": lambda a, b: np.concatenate([a, b], axis=-1),
    "sum": lambda a, b: a + b,
    "ave": lambda a, b: (a + b) / 2,
    "mul": lambda a, b: a * b,
}


def _copy(layer: Any, **changed: Any) -> Any:
    """Return a new layer with the arguments of another layer."""
    if not isinstance(layer, Sequences):
        raise DataError(f"Bidirectional: expected a layer such as LSTM or RNN, received {layer!r}")
    return copied(layer, **changed)


class Bidirectional(Batched):
    """Runs a recurrent layer, and another one that starts with the last step.

    Parameters
    ----------
    layer : layer such as `LSTM`, or `RNN`
        Template of both layers.
    merge_mode : {"concat", "sum", "ave", "mul"} or None, default "concat"
        Operation that merges the outputs; None returns both, for a layer of your own.
    weights : ignored
        Accepted for compatibility with Keras.
    backward_layer : layer, optional
        The second layer, with ``go_backwards=True``; by default a copy of ``layer``.
    **options
        Options of every `Layer`.

    Raises
    ------
    DataError
        If a layer is not recurrent, the layers differ in ``return_sequences``, ``return_state`` or
        ``stateful``, or ``go_backwards`` is not that of the backward layer alone.
    UnknownNameError
        If ``merge_mode`` has another value.

    Examples
    --------
    >>> Bidirectional(LSTM(3))(np.zeros((2, 5, 8))).shape
    (2, 6)
    """

    supports_masking = True

    def __init__(
        self, layer: Layer, merge_mode: str | None = "concat", weights: Any = None,
        backward_layer: Layer | None = None, **options: Any,
    ) -> None:  # fmt: skip
        super().__init__(**options)
        if merge_mode is not None:
            lookup("merge_mode", merge_mode, MERGED)
        self.merge_mode = merge_mode
        ahead: Any = _copy(layer)
        back: Any = backward_layer or _copy(layer, go_backwards=True)
        self.forward_layer, self.backward_layer = ahead, back
        for name in ("return_sequences", "return_state", "stateful"):
            if getattr(ahead, name) != getattr(back, name):
                raise DataError(f"Bidirectional: both layers must have the same {name}")
        if ahead.go_backwards or not back.go_backwards:
            raise DataError("Bidirectional: go_backwards must be set in the backward layer alone")
        for each in (ahead, back):
            each.zero_output_for_mask = each.return_sequences
        self.stateful = ahead.stateful

    def reset_states(self) -> None:
        """Set the states to zero, so that the next batch starts with zeros."""
        self.forward_layer.reset_states()
        self.backward_layer.reset_states()

    reset_state = reset_states

    def call(self, x: Any, initial_state: Any = None, mask: Any = None) -> Any:
        half = len(initial_state or ()) // 2
        y = self.forward_layer(x, initial_state=initial_state and initial_state[:half], mask=mask)
        back = self.backward_layer(
            x, initial_state=initial_state and initial_state[half:], mask=mask
        )
        states = ()
        if self.forward_layer.return_state:
            (y, *first), (back, *second) = y, back
            states = (*first, *second)
        if self.forward_layer.return_sequences:
            back = back[:, ::-1]
        merged = (y, back) if self.merge_mode is None else (MERGED[self.merge_mode](y, back),)
        return (*merged, *states) if len(merged) + len(states) > 1 else merged[0]

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        return self.forward_layer.compute_mask(inputs, previous_mask)


class TimeDistributed(Wrapper):
    """Applies a layer to every step separately, as if steps were samples.

    Parameters
    ----------
    layer : Layer
        Layer of a step.
    **options
        Options of every `Layer`.

    Raises
    ------
    DataError
        If ``layer`` is no layer.
    ShapeError
        If samples are no sequences, or a mask does not fit the input.

    Examples
    --------
    >>> from chainrule._src.nn.layers import Dense
    >>> TimeDistributed(Dense(3))(np.zeros((2, 5, 8))).shape
    (2, 5, 3)
    """

    supports_masking = True

    def build(self, input_shape: Shape) -> None:
        """Do nothing: the first call builds the layer."""

    def call(self, x: Any, mask: Any = None) -> Any:
        self._expect(x.ndim > 2, SEQUENCES, x.shape)
        if mask is not None:
            expected = f"a mask of shape {shape_text(x.shape[:2])}"
            self._expect(mask.shape[:2] == x.shape[:2], expected, mask.shape)
        passes_mask = mask is not None and self.layer._takes_mask
        options = {"mask": mask.reshape(-1, *mask.shape[2:])} if passes_mask else {}
        y = self.layer(x.reshape(-1, *x.shape[2:]), **options)
        return y.reshape(len(x), x.shape[1], *y.shape[1:])
