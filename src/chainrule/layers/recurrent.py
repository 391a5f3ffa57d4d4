"""Layers that run over sequences: a cell is one step, and a layer scans it over time."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule import initializers
from chainrule.autodiff.names import called
from chainrule.errors import DataError, ShapeError
from chainrule.layers.dropout import Random
from chainrule.layers.layer import Layer, Shape, activation_of
from chainrule.recurrence import scan
from chainrule.validation import check_flag, check_number, check_positive, lookup, shape_text


class Gates(Random):
    """What the cells share: a kernel for the input, one for the state, a bias, and dropout.

    `projected` multiplies the inputs of one step, or of all at once; `step` does what is left.
    Dropout leaves out the same entries in every step: `masks` are those of inputs and states, where
    there are any, each a list with one for all gates or one for each.
    """

    gates = 1
    biases: tuple[int, ...] = ()  # axes of the bias before that of the gates

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        **options: Any,
    ) -> None:
        super().__init__(seed, **options)
        where = type(self).__name__
        self.units = check_positive(units, "units", where)
        self.activation = activation_of(activation, where)
        self.use_bias = check_flag(use_bias, "use_bias", where)
        self.kernel_initializer, self.kernel_regularizer = kernel_initializer, kernel_regularizer
        self.recurrent_initializer = recurrent_initializer
        self.recurrent_regularizer = recurrent_regularizer
        self.bias_initializer, self.bias_regularizer = bias_initializer, bias_regularizer
        self.dropout = check_number(dropout, "dropout", where, high=1.0)
        self.recurrent_dropout = check_number(
            recurrent_dropout, "recurrent_dropout", where, high=1.0
        )

    @property
    def state_size(self) -> Any:
        """How many numbers the state has, or each of several."""
        return self.units

    @property
    def output_size(self) -> int:
        """How many numbers a step gives."""
        return self.units

    def build(self, input_shape: Shape) -> None:
        """Make kernels and bias."""
        wide = self.gates * self.units
        self.kernel = self.add_weight(
            (input_shape[-1], wide), self.kernel_initializer, regularizer=self.kernel_regularizer
        )
        self.recurrent_kernel = self.add_weight(
            (self.units, wide), self.recurrent_initializer, regularizer=self.recurrent_regularizer
        )
        if self.use_bias:
            self.bias = self.add_weight(
                (*self.biases, wide), self.bias_at_first, regularizer=self.bias_regularizer
            )
        if self.dropout or self.recurrent_dropout:
            self.make_seed()

    def bias_at_first(self, shape: Any, rng: Any) -> Any:
        """Return the first bias."""
        return initializers.get(self.bias_initializer, str(self))(shape, rng)

    def masks(self, n: int, features: int, dtype: Any, training: bool) -> Any:
        """Return what multiplies inputs and states of a sequence."""
        if not training:
            return None, None
        count = self.gates if self.recurrent_dropout else 1
        kinds = (self.dropout, features), (self.recurrent_dropout, self.units)
        return [self._masks(count, rate, n, size, dtype) for rate, size in kinds]

    def _masks(self, count: int, rate: float, n: int, size: int, dtype: Any) -> Any:
        if not rate:
            return None
        kept = (self.draws((n, count * size), dtype) >= rate).astype(dtype) / (1 - rate)
        return [kept[:, i * size : (i + 1) * size] for i in range(count)]

    def projected(self, x: Any, masks: Any) -> Any:
        """Return what the kernel makes of inputs."""
        z = _product(x, self.kernel, masks[0])
        return z + self.input_bias if self.use_bias else z

    @property
    def input_bias(self) -> Any:
        """What is added to the inputs' product."""
        return self.bias

    def parts(self, z: Any) -> list[Any]:
        """Return columns by gates."""
        u = self.units
        return [z[:, i * u : (i + 1) * u] for i in range(z.shape[1] // u)]

    def output_of(self, states: Any) -> Any:
        """Return the output that led to states."""
        return states[0]

    def step(self, z: Any, states: Any, masks: Any) -> tuple[Any, list[Any]]:
        """Return output and states, given what `projected` returned and the states before."""
        raise NotImplementedError


def _product(x: Any, kernel: Any, masks: Any) -> Any:
    """Return the product of masked inputs with a kernel; each of several masks is for a gate."""
    if masks is None or len(masks) == 1:
        return (x if masks is None else x * masks[0]) @ kernel
    u = kernel.shape[1] // len(masks)
    parts = [(x * mask) @ kernel[:, i * u : (i + 1) * u] for i, mask in enumerate(masks)]
    return np.concatenate(parts, axis=-1)


class OneStep(Layer):
    """A cell, called with inputs and states."""

    def call(self, inputs: Any, states: Any, training: bool = False) -> Any:
        """Return the output of a step and its states."""
        cell: Any = self
        masks = cell.masks(len(inputs), inputs.shape[-1], inputs.dtype, training)
        states = list(states) if isinstance(states, list | tuple) else [states]
        return cell.step(cell.projected(inputs, masks), states, masks)


class OwnCell:
    """A cell of the user's: all that it does is in its `call`."""

    def __init__(self, cell: Any) -> None:
        self.cell = cell

    def masks(self, n: int, features: int, dtype: Any, training: bool) -> Any:
        """Return what `call` is to be told."""
        return {"training": training} if getattr(self.cell, "_is_told", False) else {}

    def projected(self, x: Any, masks: Any) -> Any:
        """Return the inputs."""
        return x

    def step(self, x: Any, states: Any, masks: Any) -> tuple[Any, list[Any]]:
        """Return output and states."""
        y, states = self.cell.call(x, states, **masks)
        return y, list(states) if isinstance(states, list | tuple) else [states]


def _scanned(cell: Any) -> Any:
    """Return a cell with the methods of `Gates`."""
    return cell if hasattr(cell, "projected") else OwnCell(cell)


def _zeros(size: Any, n: int, dtype: Any) -> Any:
    if isinstance(size, list | tuple):
        return [_zeros(each, n, dtype) for each in size]
    return np.zeros((n, size), dtype)


def _build(cell: Any, layer: Layer, input_shape: Shape) -> Shape:
    """Build a cell within a layer, and return the shape of its output."""
    if isinstance(cell, Layer) and not cell.built:
        cell._rng, cell._dtype = layer._rng, layer._dtype
        cell._make(input_shape)
        cell.built = True
    size = getattr(cell, "output_size", None) or cell.state_size
    return (None, size[0] if isinstance(size, list | tuple) else size)


class StackedRNNCells(OneStep):
    """Cells one after the other, as one cell.

    Parameters
    ----------
    cells : list of cells

    Examples
    --------
    >>> RNN(StackedRNNCells([LSTMCell(4), GRUCell(3)]))(np.zeros((2, 5, 8))).shape
    (2, 3)
    """

    def __init__(self, cells: Any, **options: Any) -> None:
        super().__init__(**options)
        self.cells = list(cells)

    @property
    def state_size(self) -> list[Any]:
        """Those of the cells."""
        return [_listed(cell.state_size) for cell in self.cells]

    @property
    def output_size(self) -> Any:
        """That of the last cell."""
        return _build(self.cells[-1], self, ())[1] if self.built else None

    def build(self, input_shape: Shape) -> None:
        """Build the cells."""
        for cell in self.cells:
            input_shape = _build(cell, self, input_shape)

    def masks(self, n: int, features: int, dtype: Any, training: bool) -> list[Any]:
        """Return those of the cells."""
        found = []
        for cell in self.cells:
            found.append(_scanned(cell).masks(n, features, dtype, training))
            features = _build(cell, self, ())[1] or 0
        return found

    def projected(self, x: Any, masks: Any) -> Any:
        """Return what the first cell makes of inputs."""
        return _scanned(self.cells[0]).projected(x, masks[0])

    def step(self, z: Any, states: Any, masks: Any) -> tuple[Any, list[Any]]:
        """Return the last cell's output, and all states."""
        new = []
        for i, (cell, state, mask) in enumerate(zip(self.cells, states, masks, strict=True)):
            cell = _scanned(cell)
            z, state = cell.step(z if i == 0 else cell.projected(z, mask), state, mask)
            new.append(state)
        return z, new

    def output_of(self, states: Any) -> Any:
        """Return the output that led to states."""
        return states[-1][0]


def _listed(size: Any) -> list[Any]:
    return list(size) if isinstance(size, list | tuple) else [size]


class Sequences(Layer):
    """What scans a cell over time, its own or one that it is itself."""

    supports_masking = True
    cell: Any
    states: Any = None

    def __init__(
        self,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        zero_output_for_mask: bool = False,
        use_cudnn: Any = "auto",
        implementation: int = 2,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        where = type(self).__name__
        self.return_sequences = check_flag(return_sequences, "return_sequences", where)
        self.return_state = check_flag(return_state, "return_state", where)
        self.go_backwards = check_flag(go_backwards, "go_backwards", where)
        self.stateful = check_flag(stateful, "stateful", where)
        self.unroll = check_flag(unroll, "unroll", where)
        self.zero_output_for_mask = check_flag(zero_output_for_mask, "zero_output_for_mask", where)

    def build(self, input_shape: Shape) -> None:
        """Build the cell, and the states that batches hand on."""
        if len(input_shape) < 3:
            raise ShapeError(
                f"{self}: expected sequences, shape (n, steps, d), received "
                f"{shape_text(input_shape)}"
            )
        self.build_cell((None, *input_shape[2:]))
        if self.stateful:
            if input_shape[0] is None:
                raise DataError(
                    f"{self}: stateful needs a batch size that is fixed; give the first layer "
                    "batch_input_shape=(batch_size, steps, d), or Input a batch_shape"
                )
            self.states = [
                self.add_weight((input_shape[0], size), "zeros", trainable=False)
                for size in _listed(self.cell.state_size)
            ]

    def build_cell(self, input_shape: Shape) -> None:
        """Make the weights of a step."""

    def reset_states(self) -> None:
        """Let the next batch begin with states of zeros."""
        if self.states is not None:
            self.states = [np.zeros_like(state) for state in self.states]

    reset_state = reset_states

    def call(
        self, x: Any, initial_state: Any = None, mask: Any = None, training: bool = False
    ) -> Any:
        """Return the last output or those of all steps; with ``return_state`` the states too."""
        cell = _scanned(self.cell)
        masks = cell.masks(len(x), x.shape[-1], x.dtype, training)
        ends = hasattr(cell, "output_of") and not (self.return_sequences or self._zeroes(mask))
        first = self.states if initial_state is None else _listed(initial_state)
        if first is None:
            first = _zeros(_listed(self.cell.state_size), len(x), x.dtype)
        z = cell.projected(np.swapaxes(x, 0, 1), masks)
        called("z", z)
        counted = None if mask is None else np.swapaxes(mask, 0, 1)[:, :, np.newaxis]

        def step(states: Any, inputs: Any) -> Any:
            z, counts = inputs
            y, new = cell.step(z, states, masks)
            if counts is not None:
                same = y is new[0]
                new = _chosen(counts, new, states)
                before = np.zeros_like(y) if self.zero_output_for_mask else _output(states)
                y = new[0] if same and not self.zero_output_for_mask else np.where(counts, y, before)
            return new, None if ends else y

        states, ys = scan(step, first, (z, counted), reverse=self.go_backwards)
        if self.stateful:
            self.states = list(states)
        if ends:
            y = cell.output_of(states)
        elif self.return_sequences:
            y = np.swapaxes(ys, 0, 1)
            y = y[:, ::-1] if self.go_backwards else y
        else:
            y = ys[0 if self.go_backwards else -1]
        return (y, *states) if self.return_state else y

    def _zeroes(self, mask: Any) -> bool:
        return self.zero_output_for_mask and mask is not None

    def compute_mask(self, inputs: Any, mask: Any) -> Any:
        """Return the mask of the outputs of all steps, None for that of one."""
        return mask if self.return_sequences else None


def _chosen(counts: Any, new: Any, old: Any) -> Any:
    """Return the new states where a step counts, the old ones elsewhere."""
    if isinstance(new, list):
        return [_chosen(counts, *pair) for pair in zip(new, old, strict=True)]
    return np.where(counts, new, old)


def _output(states: Any) -> Any:
    """Return the first state, of stacked cells that of the last."""
    return states[-1][0] if isinstance(states[0], list) else states[0]


class RNN(Sequences):
    """A cell, or several on one another, run over sequences.

    A cell of your own is a layer whose ``call(inputs, states)`` returns the output of a step and
    the new states, and whose ``state_size`` tells how many numbers a state has.

    Parameters
    ----------
    cell : Layer or list of Layer
    return_sequences, return_state, go_backwards, stateful, unroll : bool, default False
        As in `LSTM`.
    zero_output_for_mask : bool, default False
        Whether a step that does not count gives zeros, instead of what the one before gave.

    Examples
    --------
    >>> RNN([GRUCell(4), GRUCell(3)], return_sequences=True)(np.zeros((2, 5, 8))).shape
    (2, 5, 3)
    """

    def __init__(self, cell: Any, **options: Any) -> None:
        super().__init__(**options)
        self.cell = StackedRNNCells(cell) if isinstance(cell, list | tuple) else cell
        if not hasattr(self.cell, "state_size"):
            raise DataError(f"RNN: a cell must have a state_size, received {cell!r}")

    def build_cell(self, input_shape: Shape) -> None:
        """Build the cell."""
        _build(self.cell, self, input_shape)


class Recurrent(Gates, Sequences):
    """A layer that is the cell that it scans."""

    call = Sequences.call

    @property
    def cell(self) -> Any:
        """The step that is scanned: its own."""
        return self

    def build_cell(self, input_shape: Shape) -> None:
        """Make the weights of a step."""
        Gates.build(self, input_shape)

    def build(self, input_shape: Shape) -> None:
        """Make kernels and bias, and the states that batches hand on."""
        Sequences.build(self, input_shape)


class SimpleGates(Gates):
    """The step of `SimpleRNN`."""

    def step(self, z: Any, states: Any, masks: Any) -> tuple[Any, list[Any]]:
        """Return output and state."""
        h = self.activation(z + _product(states[0], self.recurrent_kernel, masks[1]))
        return h, [h]


class SimpleRNNCell(SimpleGates, OneStep):
    """One step of a `SimpleRNN`, with its arguments, for `RNN`."""


class LSTMGates(Gates):
    """The step of `LSTM`."""

    gates = 4

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        unit_forget_bias: bool = True,
        **options: Any,
    ) -> None:
        super().__init__(units, activation, use_bias, **options)
        self.recurrent_activation = activation_of(recurrent_activation, type(self).__name__)
        self.unit_forget_bias = check_flag(
            unit_forget_bias, "unit_forget_bias", type(self).__name__
        )

    @property
    def state_size(self) -> list[int]:
        """Those of ``h`` and ``c``."""
        return [self.units, self.units]

    def bias_at_first(self, shape: Any, rng: Any) -> Any:
        """Return the first bias, that of the forget gate one."""
        bias = super().bias_at_first(shape, rng)
        if self.unit_forget_bias:
            bias[self.units : 2 * self.units] = 1
        return bias

    def step(self, z: Any, states: Any, masks: Any) -> tuple[Any, list[Any]]:
        """Return output and states."""
        h, c = states
        z = z + _product(h, self.recurrent_kernel, masks[1])
        i, f, new, o = self.parts(z)
        c = self.recurrent_activation(f) * c + self.recurrent_activation(i) * self.activation(new)
        h = self.recurrent_activation(o) * self.activation(c)
        return h, [h, c]


class LSTMCell(LSTMGates, OneStep):
    """One step of an `LSTM`, with its arguments, for `RNN`."""


class GRUGates(Gates):
    """The step of `GRU`."""

    gates = 3

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        reset_after: bool = True,
        **options: Any,
    ) -> None:
        super().__init__(units, activation, use_bias, **options)
        self.recurrent_activation = activation_of(recurrent_activation, type(self).__name__)
        self.reset_after = check_flag(reset_after, "reset_after", type(self).__name__)
        self.biases = (2,) if self.reset_after else ()

    @property
    def input_bias(self) -> Any:
        """The first row of the bias, or all of it."""
        return self.bias[0] if self.reset_after else self.bias

    def step(self, z: Any, states: Any, masks: Any) -> tuple[Any, list[Any]]:
        """Return output and state."""
        (h,), (_, masks), u = states, masks, self.units
        kernel, of_h = self.recurrent_kernel, slice(2 * u, None)
        if self.reset_after:
            inner = _product(h, kernel, masks)
            inner = inner + self.bias[1] if self.use_bias else inner
        else:
            inner = _product(h, kernel[:, : 2 * u], masks and masks[:2])
        update, reset = self.parts(self.recurrent_activation(z[:, : 2 * u] + inner[:, : 2 * u]))
        if self.reset_after:
            new = reset * inner[:, of_h]
        else:
            new = _product(reset * h, kernel[:, of_h], masks and masks[2:])
        new = self.activation(z[:, of_h] + new)
        h = update * h + (1 - update) * new
        return h, [h]


class GRUCell(GRUGates, OneStep):
    """One step of a `GRU`, with its arguments, for `RNN`."""


class SimpleRNN(SimpleGates, Recurrent):
    r"""A state that the input of every step changes.

    .. math:: h_t = f(x_t W + h_{t-1} U + b)
    """


class LSTM(LSTMGates, Recurrent):
    r"""Long short-term memory."""


class GRU(GRUGates, Recurrent):
    r"""Gated recurrent unit."""


class Bidirectional(Layer):
    """A layer that runs over sequences in both directions."""

    supports_masking = True

    def __init__(
        self,
        layer: Layer,
        merge_mode: str | None = "concat",
        weights: Any = None,
        backward_layer: Layer | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        if not isinstance(layer, Sequences):
            raise DataError(
                f"Bidirectional: layer must be one that runs over sequences, such as LSTM(32), "
                f"received {layer!r}"
            )
        self.merge_mode = merge_mode if merge_mode is None else lookup(
            "merge_mode", merge_mode, MERGED) and merge_mode
        config = layer.get_config()
        self.forward_layer: Any = type(layer).from_config(config)
        self.backward_layer: Any = backward_layer or type(layer).from_config(
            config | {"go_backwards": True}
        )
        for each in (self.forward_layer, self.backward_layer):
            each.zero_output_for_mask = each.return_sequences

    def call(self, x: Any, mask: Any = None, training: bool = False) -> Any:
        """Return the outputs of both directions, merged."""
        y, back = self.forward_layer(x), self.backward_layer(x)
        if self.forward_layer.return_sequences:
            back = back[:, ::-1]
        return (y, back) if self.merge_mode is None else MERGED[self.merge_mode](y, back)


MERGED = {
    "concat": lambda a, b: np.concatenate([a, b], axis=-1),
    "sum": lambda a, b: a + b,
    "ave": lambda a, b: (a + b) / 2,
    "mul": lambda a, b: a * b,
}


class TimeDistributed(Layer):
    """A layer applied to every step."""

    def __init__(self, layer: Layer, **options: Any) -> None:
        super().__init__(**options)
        self.layer = layer

    def call(self, x: Any) -> Any:
        """Return the outputs of all steps."""
        n, steps = x.shape[:2]
        y = self.layer(x.reshape(-1, *x.shape[2:]))
        return y.reshape(n, steps, *y.shape[1:])
