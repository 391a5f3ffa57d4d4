"""The call of a layer, by the user or within another layer."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any, ClassVar, Self

import numpy as np

from chainrule._src.base.arrays import as_numbers
from chainrule._src.base.errors import ChainruleError, DataError, ShapeError
from chainrule._src.base.validation import check_flag, check_seed, shape_text
from chainrule._src.core.names import name_tensor
from chainrule._src.core.trees import map_leaves
from chainrule._src.nn.layers import tracking
from chainrule._src.nn.layers.given import (
    Shape,
    first_of,
    fits,
    is_several,
    is_shape,
    map_shapes,
    merged,
    shape_of,
    shapes_in,
)
from chainrule._src.nn.layers.surroundings import CallContext, around, within
from chainrule._src.nn.layers.symbols import (
    TRIALS,
    LayerCall,
    SymbolicTensor,
    SymbolSource,
    example_of,
    generator_or,
    map_symbolic,
    symbols_in,
    trial,
)
from chainrule._src.nn.layers.weighted import Weighted


class Called(Weighted):
    """A layer that is built: calls with arrays, masks and shapes."""

    input_shape: Shape
    output_shape: Shape
    call: Callable[..., Any]
    prepare: Callable[..., Shape]
    activity_regularizer: Any = None
    integers = False  # if true, the input is integers, which are not cast to floats
    supports_masking = False  # if true, the mask of the input is also that of the output
    _takes_training = _takes_mask = False  # does `call` have an argument ``training``, or ``mask``?
    _more: ClassVar[list[str]] = []  # arguments of `call` after the input
    takes_several = False  # if true, the input may be a list or dict of arrays
    gives_several = False  # if true, `call` returns states after the output
    _calls: list[Any]  # with symbolic tensors
    _added: list[Any]  # losses that the last call outside other layers added
    _dtype: np.dtype[Any]

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        """Return the mask of the output's steps; None if no step is masked."""
        return previous_mask

    def bound(self, weights: Mapping[str, Any]) -> Self:
        """Return a copy of the layer with other weights; assignments in `call` change the copy."""
        twin: Self = tracking.copied(self, deep=True)
        twin.take(weights)
        return twin

    def run(self, x: Any, training: bool, *more: Any, **options: Any) -> Any:
        """Return the output for an input of the shape that the layer was built for."""
        self.check_fit(shape_of(x) if is_several(x) else x.shape)
        if self._takes_training:
            options["training"] = training
        try:
            call: Any = self.call
            with within(self._surroundings(training)) as inside:
                mask = options.get("mask", inside.notes.mask_of(x))
                if self._takes_mask:
                    options["mask"] = mask
                y = call(x, *more, **options)
                self._record_notes(x, y, mask, inside.notes)
            if around() is None:
                self._added = inside.notes.losses
        except (ValueError, IndexError, TypeError, AttributeError) as error:
            if isinstance(error, ChainruleError):
                raise
            shape = ", ".join(map(shape_text, shapes_in(shape_of(x))))
            raise ShapeError(f"{self}: fails for an input of shape {shape}: {error}") from error
        name_tensor(tracking.as_name(self.name), y)
        return y

    def check_fit(self, shape: Any) -> None:
        """Raise an error for an input of another shape than the layer was built for."""
        if not fits(shape, self.input_shape):
            raise self.misfit(self.input_shape, shape)

    def _record_notes(self, x: Any, y: Any, mask: Any, notes: Any) -> None:
        """Record the activity penalty and the mask of the output in the notes."""
        if self.activity_regularizer is not None:
            notes.losses.append(self.activity_regularizer(y) / y.shape[0])
        if is_several(y):
            return
        if notes.mask_of(y) is None or y is x:
            carries = self.supports_masking or type(self).compute_mask is not Called.compute_mask
            if mask is not None and not carries:
                notes.unmasking.append(str(self))
            notes.mask(y, self.compute_mask(x, mask) if carries else None)

    def _surroundings(self, training: bool) -> CallContext:
        """Return the surroundings of layers within this layer."""
        outer = around()
        if outer is not None and outer.members and not outer.tries:
            return replace(outer, outer=self, training=training)
        members = tracking.members(self)
        if outer is None:
            return CallContext(self, members, training)
        rng, dtype = (None, None) if outer.members else (outer.rng, outer.dtype)
        return CallContext(self, members, training, rng, dtype, tries=True)

    def __call__(self, x: Any, *more: Any, training: bool | None = None, **options: Any) -> Any:
        """Return the output for arrays; the first call builds the layer.

        Within another layer's `call`, ``training`` is that of the outer layer. Other arguments are
        passed to `call`.
        """
        outer = around()
        options |= dict(zip(self._more, more, strict=False))
        more = more[len(self._more) :]
        training = options.pop("training", training)
        x = map_symbolic(lambda layer: layer.output, x, SymbolSource)
        if symbols_in((x, more, options)):
            more_of_training = {} if training is None else {"training": training}
            return self.symbolic(x, *more, **more_of_training, **options)
        if training is None:
            training = outer is not None and outer.training
        training = check_flag(training, "training", str(self))
        if outer is not None:
            return self._within(outer, x, training, *more, **options)
        x = map_leaves(self._as_input, x) if self.is_several(x) else self._as_input(x)
        if not self.built:
            self.prepare(shape_of(x), called_with=(x, more, options))
        elif not fits(shape_of(x), self.input_shape):
            self._adopt_shape(x, more, options)
        return self.run(x, training, *more, **options)

    def is_several(self, x: Any) -> bool:
        """Return true if the input is several arrays, which this layer takes."""
        return self.takes_several and is_several(x)

    def _as_input(self, x: Any) -> Any:
        """Return an input as an array of the layer's dtype; a tensor unchanged."""
        if hasattr(x, "level"):
            return x
        x = as_numbers(x, "the input", str(self))
        if x.ndim == 0:
            raise ShapeError(f"{self}: expected an array with a sample a row, received {x}")
        return x if self.integers else x.astype(self._dtype, copy=False)

    def symbolic(self, x: Any, *more: Any, **options: Any) -> Any:
        """Return the symbolic output for symbolic tensors: the call is recorded for a model."""
        if isinstance(x, list | tuple) and len(x) == 1 and not self.takes_several:
            x = x[0]
        if not (isinstance(x, SymbolicTensor) or self.takes_several):
            raise DataError(f"{self}: takes one symbolic tensor, received {x!r}")
        shape = map_symbolic(lambda symbol: symbol.shape, x)
        with within(None):
            if not self.built:
                others = {name: part for name, part in options.items() if name != "training"}
                every = map_symbolic(lambda s: example_of(s, *TRIALS[0]), (x, more, others))
                double = first_of(x).dtype == np.float64
                self.prepare(
                    shape, generator_or(check_seed(None, "Input")),
                    np.float64 if double else np.float32,
                    called_with=every if symbols_in((more, others)) else None,
                )  # fmt: skip
            if shape == self.input_shape and not (self.gives_several or more or options):
                output = SymbolicTensor(self.output_shape, self._dtype)
            else:
                output = trial(self, (x, *more), options, str(self))
        call = LayerCall(self, (x, *more), options, output, self.name)
        self._calls.append(call)
        return call.output

    def _adopt_shape(self, x: Any, more: Any, options: Any) -> None:
        """Adopt the input's shape if it needs weights of the same shapes."""
        twin = copy.deepcopy(self)
        with suppress(ChainruleError):
            twin.prepare(shape_of(x), called_with=(x, more, options))
            if [v.shape for v in self.variables] == [v.shape for v in twin.variables]:
                self._take_twin_shapes(twin)

    def _within(
        self, outer: CallContext, x: Any, training: bool, *more: Any, **options: Any
    ) -> Any:
        """Return the output for a call within another layer."""
        if not self.is_several(x) and (not hasattr(x, "shape") or x.ndim == 0):
            raise DataError(
                f"{outer.outer}: {self} takes one array with a sample a row, received a "
                f"{type(x).__name__}; give it one array, with np.concatenate"
            )
        if outer.members and id(self) not in outer.members:
            raise DataError(
                f"{outer.outer}: calls {self}, which none of its attributes holds; write "
                "self.name = layer in __init__ or build, or put it into a list, tuple or dict there"
            )
        if not outer.builds:
            if not self.built:
                raise DataError(
                    f"{outer.outer}: calls {self}, which it did not call when it was built, with "
                    "zeros; call its build(input_shape) in build"
                )
            return self._widened(outer.tries, x, training, *more, **options)
        if not self.built:
            self.prepare(shape_of(x), called_with=(x, more, options))
        twin = self.bound({})
        y = twin._widened(True, x, training, *more, **options)
        self._take_twin_shapes(twin)
        return y

    def _take_twin_shapes(self, twin: Any) -> None:
        """Take the shapes of a twin, for this layer and its sublayers."""
        pairs: Any = zip(tracking.family(self), tracking.family(twin), strict=True)
        for layer, other in pairs:
            layer.take_shapes(other)

    def _widened(self, tries: bool, x: Any, training: bool, *more: Any, **options: Any) -> Any:
        """Return the output; if ``tries``, widen the shapes of input and output."""
        if tries:
            self.widen("input_shape", shape_of(x))
        y = self.run(x, training, *more, **options)
        if tries:
            self.widen("output_shape", np.shape(first_of(y)))
        return y

    def widen(self, name: str, shape: Any) -> None:
        """Set axes of a shape to None if their lengths differ between calls."""

        def wider(shape: Shape, expected: Shape) -> Shape:
            return (expected[0], *merged([expected[1:], shape[1:]]))

        expected = getattr(self, name)
        if len(shapes_in(shape)) == len(shapes_in(expected)):
            setattr(self, name, map_shapes(wider, shape, expected))

    def take_shapes(self, other: Any) -> None:
        """Take the shapes of a twin."""
        self.input_shape, self.output_shape = other.input_shape, other.output_shape

    def misfit(self, expected: Shape, received: Shape, hint: str = "") -> ShapeError:
        """Return the error for an input of the wrong shape, which names the first wrong axis."""
        if not is_shape(expected) or not is_shape(received):
            texts = (", ".join(map(shape_text, shapes_in(each))) for each in (expected, received))
            what = "expected inputs of shapes {}, received {}".format(*texts)
            return ShapeError(f"{self}: {what}{hint and '; '}{hint}")
        received = (None, *received[1:])
        what = f"expected an input of shape {shape_text(expected)}, received {shape_text(received)}"
        if len(expected) == len(received):
            axis = next(
                i for i, (a, b) in enumerate(zip(expected, received, strict=True))
                if a != b and a is not None
            )  # fmt: skip
            what = f"expected {expected[axis]} in axis {axis} of the input, received " + (
                f"{received[axis]} (shapes {shape_text(expected)} and {shape_text(received)})"
            )
        return ShapeError(f"{self}: {what}{hint and '; '}{hint}")
