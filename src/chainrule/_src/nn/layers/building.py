"""Building of layers: their weights are created, and trial calls determine their shapes."""

from __future__ import annotations

import copy
import functools
import math
import warnings
from contextlib import suppress
from typing import Any

import numpy as np

from chainrule._src.base.errors import ChainruleError, DataError, ShapeError
from chainrule._src.base.validation import shape_text
from chainrule._src.nn.layers import tracking
from chainrule._src.nn.layers.calling import Called
from chainrule._src.nn.layers.given import (
    Shape,
    first_of,
    is_several,
    is_shape,
    map_shapes,
    merged,
    same_beside_rows,
    shape_of,
    shapes_given,
    shapes_in,
)
from chainrule._src.nn.layers.surroundings import CallContext, around, within
from chainrule._src.nn.layers.symbols import TRIALS
from chainrule._src.nn.layers.tracking import Weight

LARGEST = 2**28  # numbers in a sample
LENGTHS = [length for _, length in TRIALS]


class Buildable(Called):
    """A layer that creates its weights once the shape of its input is known."""

    built: bool
    builds_itself = False  # if true, the class's `build` calls `prepare` itself
    structure: Any = None  # the shapes of several outputs, in their list or dict
    _is_building = False
    _kept: dict[Any, Weight]  # by the path of attributes
    _new: list[tuple[Any, Weight, Any]]  # weights not found yet, and functions that draw them
    _early: dict[Weight, Any]  # functions that draw the weights from `__init__`
    _rng: Any
    _dtype_name: str | None = None

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "build" in vars(cls) and not cls.builds_itself:
            cls.build = _with_prepare(cls.build)  # type: ignore[method-assign]

    def build(self, input_shape: Any) -> None:
        """Create the weights for an input of this shape, a tuple ``(None, …)``."""
        if not self._is_building:
            self.prepare(input_shape)

    def prepare(
        self, input_shape: Shape, rng: Any = None, dtype: Any = None, called_with: Any = None
    ) -> Shape:
        """Build the layer, and return the shape of its output, which a trial call determines.

        A layer with several inputs needs ``called_with``: the input, the further positional
        arguments, and the keyword arguments.
        """
        input_shape = shapes_given(input_shape)
        for each in shapes_in(input_shape):
            if math.prod(size or 1 for size in each[1:]) > LARGEST:
                raise ShapeError(f"{self}: an input of shape {shape_text(each)} is too large")
        outer = around()
        if outer is not None and outer.builds:
            rng, dtype = outer.rng, outer.dtype
        if rng is not None:
            self._rng, self._dtype = rng, np.dtype(dtype)
        if self._dtype_name not in (None, self._dtype.name):
            raise DataError(
                f"{self}: dtype is {self._dtype_name}, the model's {self._dtype.name}; give the "
                "model a dtype, in which all its layers compute"
            )
        try:
            with within(CallContext(self, rng=self._rng, dtype=self._dtype)):
                self._make(input_shape)
                is_alone = called_with is None or not (called_with[1] or called_with[2])
                shapes = self._output() if is_alone else self._shapes_for(*called_with)
            if outer is None:
                tracking.check_shared(self)
        except Exception as error:
            self.built = False
            if isinstance(error, ChainruleError) or is_shape(input_shape):
                raise
            shapes = ", ".join(map(shape_text, shapes_in(input_shape)))
            raise ShapeError(f"{self}: fails for inputs of shapes {shapes}: {error}") from error
        shape = shapes_in(shapes)[0]
        if math.prod(size or 1 for size in shape) > LARGEST:
            raise ShapeError(f"{self}: an output of shape {shape_text(shape)} is too large")
        if self.gives_several:
            self.structure = shapes
        self.output_shape, self.built = (shapes_in(input_shape)[0][0], *shape[1:]), True
        return self.output_shape

    def _make(self, input_shape: Shape) -> None:
        """Create the weights; draw weights of `__init__` again, now with the model's generator."""
        if self._new:
            self._kept = tracking.weights_in(self, self._new)
            self._early = {about: make for _, about, make in self._new}
        early = {path: about for path, about in self._kept.items() if about in self._early}
        redrawn = {about: self._early[about](self._rng, self._dtype) for about in early.values()}
        for path, about in early.items():
            tracking.put(self, path, redrawn[about])
        self._new, self._is_building = [], True
        try:
            self.build(input_shape)
            self._kept = early | tracking.weights_in(self, self._new)
        finally:
            self._new, self._is_building = [], False
        self.input_shape = input_shape

    def _output(self) -> Any:
        """Return the shapes of the output, found by calls with no or with two samples.

        An axis of the output whose length differs between two trial lengths has no fixed length.
        Sublayers are built by these calls; if some are not, another call tries training.
        """
        is_open = any(None in shape[1:] for shape in shapes_in(self.input_shape))
        lengths = LENGTHS if is_open else LENGTHS[:1]

        def tried(rows: int) -> Any:
            each = [self._trial_shapes(rows, length) for length in lengths]
            return map_shapes(lambda *shapes: merged(shapes), *each)

        if type(self).__module__.startswith("chainrule."):
            with suppress(Exception):
                return tried(0)
        shapes = tried(2)
        if type(self).compute_output_shape is not Buildable.compute_output_shape:
            shape = shapes_in(shapes)[0]
            declared = (None, *self.compute_output_shape(self.input_shape)[1:])
            if declared != shape:
                raise ShapeError(
                    f"{self}: compute_output_shape tells {shape_text(declared)}, call gives "
                    f"{shape_text(shape)}"
                )
        if self._takes_training and not all(layer.built for layer in tracking.family(self)[1:]):
            self._trial_shapes(2, lengths[0], training=True)
        return shapes

    def _trial_shapes(self, rows: int, length: int, training: bool = False) -> Any:
        """Return the shapes of the output for an example of zeros."""
        dtype = np.int32 if self.integers else self._dtype

        def zeros(shape: Shape) -> Any:
            return np.zeros((shape[0] or rows, *(size or length for size in shape[1:])), dtype)

        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("error" if rows == 0 else "default")
            x = map_shapes(zeros, self.input_shape)
            try:
                return self._shapes_for(x, (), {}, training)
            except Exception:
                if not self._takes_mask or is_several(x) or x.ndim < 2:
                    raise
                mask = np.ones(x.shape[:2], bool)  # without which `call` may fail
                return self._shapes_for(x, (), {"mask": mask}, training)

    def _shapes_for(self, x: Any, more: Any, options: Any, training: bool = False) -> Any:
        """Return the shapes of the output for an input: of several outputs, in their structure."""
        y = tracking.copied(self, deep=False).run(x, training, *more, **options)
        rows, self.gives_several = len(first_of(x)), is_several(y)
        first = first_of(y)  # states come after the output
        shape: tuple[int, ...] = () if isinstance(first, tuple | list | dict) else np.shape(first)
        if not shape or shape[0] != rows:
            if first is None:
                raise DataError(f"{self}: call returns nothing; write return before the result")
            received = f"has shape {shape}" if shape else f"is a {type(first).__name__}"
            raise ShapeError(
                f"{self}: for an input of shape ({rows}, …) the output must be an array of {rows} "
                f"rows, {received}"
            )
        return shape_of(y if self.gives_several else first)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shapes of the output, and of states if any, for an input's shape."""
        built = self
        input_shape = shapes_given(input_shape)
        if not self.built or not same_beside_rows(input_shape, self.input_shape):
            built = copy.deepcopy(self)
            built.prepare(input_shape)
        rows = shapes_in(input_shape)[0][0]
        shapes = built.structure if built.gives_several else built.output_shape
        return map_shapes(lambda shape: (rows, *shape[1:]), shapes)  # type: ignore[no-any-return]


def _with_prepare(build: Any) -> Any:
    """Return a `build` that calls `prepare`, unless `prepare` is the caller."""

    @functools.wraps(build)
    def build_or_prepare(self: Buildable, input_shape: Any = None) -> None:
        if self._is_building:
            build(self, input_shape)
        else:
            self.prepare(input_shape)

    return build_or_prepare
