"""Tensors: arrays that record the operations that they take part in.

A tensor wraps a value and belongs to a level, which is one recording. An operation runs at the
highest level among its operands: the values are taken out of the tensors, the operation is applied
to them, and the result is wrapped again. A value may itself be a tensor of a lower level, so second
derivatives, and recordings of derivatives, need no code of their own.

Read next: `methods`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import count
from operator import getitem
from typing import Any, NoReturn

import numpy as np

from chainrule._src.base.arrays import NUMBERS, numeric, refuse_foreign
from chainrule._src.base.errors import DataError, TraceError
from chainrule._src.base.handles import Handle, values_of
from chainrule._src.core.backward import adjoints, ancestors, passing, scalar_seed
from chainrule._src.core.captured import Captured, around
from chainrule._src.core.elementwise import as_numpy_number, of_dtype
from chainrule._src.core.methods import NO_PARAMS, Methods
from chainrule._src.core.observing import not_followed, observation
from chainrule._src.core.primitive import NUMPY, Primitive, Traced, target_of
from chainrule._src.core.refusals import (
    BRANCH,
    FLAG,
    WHOLE,
    invoke,
    not_covered,
    numpy_name,
    refuse_operands,
)
from chainrule._src.core.trees import with_own_memory
from chainrule._src.core.weak import OPERATORS, Weak, is_weak, result_type

_order, _levels = count(), count()


class Level:
    """A recording in progress.

    Attributes
    ----------
    number : int
        A level with a higher number was opened later, inside the others.
    records_all : bool
        If true, operations without a gradient are recorded too, because a program needs them.
    sketches : bool
        If true, operations that are expensive to compute record only the shape and dtype of
        their result.
    compute : callable or None
        Replaces the computation of results: ``compute(primitive, values, params, parents)``.
    writes : Writes or None
        Set once a tensor of this level has been written into. ``writes.settle(tensor)`` returns
        the tensor, or array, that a tensor of the user's code now stands for;
        ``writes.view(value, base, primitive, params)`` the view of such an array;
        ``writes.named(tensor, name)`` the node that gets the user's name of a tensor.
    captured : Captured
        Copies and locks of the arrays that the recording uses.
    reader : Reader or None
        Observes the sizes that the code reads; None outside an observation.
    """

    __slots__ = ("captured", "compute", "number", "reader", "records_all", "sketches", "writes")

    def __init__(
        self, records_all: bool = False, sketches: bool = False, locks: bool = True
    ) -> None:
        self.number = next(_levels)  # increases with every level, in any thread
        self.records_all = records_all
        self.sketches = sketches
        self.captured, self.reader = Captured(locks), observation.by
        self.compute: Callable[..., Any] | None = None
        self.writes: Any = None


GROUND = Level()
_NUMBERS = frozenset([Weak, float, int, bool, np.float64, np.float32, np.int64, np.bool_])


def _as_operand(value: Any, where: str, others: Sequence[Any]) -> Any:
    """Return an operand of an uncommon type as an array, or as a tensor."""
    value = values_of(value, others)
    refuse_foreign(value, "an operand", where)
    if isinstance(value, Traced):  # the value of a variable
        return value
    return NUMPY[list](value) if isinstance(value, list | tuple) else np.asarray(value)


def _plain(value: Any) -> Any:
    """Return a result that is not recorded, as an array that the user's code may fill."""
    return value if passing.backward else around.argument(value)


def _is_view(primitive: Primitive, operands: Any, params: dict[str, Any], value: Any) -> bool:
    """Return true if NumPy returns a view: of a single entry only for an index with ``...``."""
    is_array = bool(np.shape(value)) or Ellipsis in params.get("index", ())
    return primitive.view is not None and len(operands) == 1 and is_array


class Tensor(Methods):
    r"""An array that remembers how it was computed.

    NumPy's functions and operators take tensors and return tensors. `grad` and its like create the
    tensors themselves; to do it by hand, wrap an array and call `backward` on the result.

    Parameters
    ----------
    value : array_like of floats
        The array is copied; whole numbers become float64.

    Attributes
    ----------
    value : ndarray
    grad : ndarray or None
        Set by `backward`: the gradient with respect to this tensor.

    Raises
    ------
    DataError
        If the value is no array of numbers, or holds truth values or complex numbers.
    ShapeError
        If `backward` is called on more than one number.

    Examples
    --------
    >>> x = Tensor([1.0, 2.0, 3.0])
    >>> y = np.sum(x**2)
    >>> y.backward()
    >>> x.grad
    array([2., 4., 6.])
    """

    __slots__ = (
        "about", "base", "content", "grad", "level", "name", "operands", "order", "params",
        "parents", "primitive", "value",
    )  # fmt: skip
    value: Any
    grad: Any
    level: Level
    primitive: Primitive | None
    operands: Sequence[Any]
    params: dict[str, Any]
    parents: Sequence[tuple[int, Tensor]]
    order: int
    name: str | None
    about: Tensor | None
    base: Any  # the tensor of which this one is a view
    content: Any  # the present content, once the user's code has written into the memory

    def __init__(self, value: Any) -> None:
        refuse_foreign(value, "the value", "Tensor", frames=False)
        array = np.array(value)
        if array.dtype.kind == "b":
            raise DataError("Tensor: expected numbers, received dtype bool; write .astype(float)")
        array = numeric(array, "the value", "Tensor")
        self.value = array if array.dtype.kind == "f" else array.astype(np.float64)
        self.level = GROUND
        self.primitive = self.name = self.about = self.grad = self.base = self.content = None
        self.operands, self.params, self.parents = (), {}, ()
        self.order = next(_order)

    @staticmethod
    def made(
        value: Any,
        level: Level,
        primitive: Primitive | None = None,
        operands: Sequence[Any] = (),
        params: dict[str, Any] = NO_PARAMS,
        parents: Sequence[tuple[int, Tensor]] = (),
    ) -> Tensor:
        """Return a tensor with these attributes, without checks."""
        self = Tensor.__new__(Tensor)
        self.value = value
        self.level = level
        self.primitive = primitive
        self.operands = operands
        self.params = params
        self.parents = parents
        self.order = next(_order)
        self.name = self.about = self.grad = self.base = self.content = None
        return self

    def record(self, primitive: Primitive, operands: Sequence[Any], params: dict[str, Any]) -> Any:
        """Apply ``primitive`` and record the operation at the highest level among the operands."""
        level = self.level
        values, parents, is_plain = list(operands), [], True
        for i, operand in enumerate(operands):
            if type(operand) is Tensor and operand.level.writes is not None:
                operand = values[i] = operand.level.writes.settle(operand)
            if type(operand) is Tensor:
                if operand.level is level:
                    parents.append((i, operand))
                    values[i] = operand = operand.value
                elif operand.level.number > level.number:
                    return operand.record(primitive, operands, params)
                if type(operand) is Tensor:  # of a lower level: recorded there as well
                    is_plain = False
            elif type(operand) not in _NUMBERS:
                if type(operand) is not np.ndarray:
                    operand = _as_operand(operand, primitive.name, operands)
                    if isinstance(operand, Traced):  # a list that holds tensors
                        return primitive(*operands[:i], operand, *operands[i + 1 :], **params)
                if operand.dtype.hasobject and primitive.gradients is not None:
                    refuse_operands(primitive.name, [operand])
                values[i] = level.captured(operand)
        if not parents and level.writes is not None:  # what was written is a plain array
            value = primitive(*values, **params)
            is_view = _is_view(primitive, operands, params, value)
            return level.writes.view(value, self, primitive, params) if is_view else _plain(value)
        if level.reader is not None:
            params = level.reader.plain(params)
        apply = primitive.value if is_plain else primitive
        if level.sketches and is_plain and primitive.form is not None:
            apply = primitive.form
        try:
            if level.compute is not None:
                value = level.compute(primitive, values, params, parents)
            else:
                value = apply(*values, **params)
        except Exception as error:
            not_followed()  # the code may catch the error and go on
            if isinstance(error, TypeError):
                refuse_operands(primitive.name, values)
            raise
        dtype = getattr(value, "dtype", None)
        if dtype is None or (dtype not in NUMBERS and isinstance(value, np.ndarray | np.generic)):
            value = numeric(np.asarray(value), "the result", primitive.name, TraceError)
        if primitive.gradients is None and not level.records_all:
            return _plain(value)
        tensor = Tensor.made(value, level, primitive, values, params, parents)
        if primitive.view is not None and _is_view(primitive, operands, params, value):
            tensor.base = operands[0]
        return tensor

    def node(self) -> Tensor:
        """Return a tensor for the same node of the recording, which later writes do not change."""
        node = Tensor.made(
            self.value, self.level, self.primitive, self.operands, self.params, self.parents
        )
        node.order, node.name, node.about = self.order, self.name, self.about
        return node

    def settled(self) -> Any:
        """Return the tensor, or array, that this one stands for after the writes so far."""
        return self if self.level.writes is None else self.level.writes.settle(self)

    def backward(self) -> None:
        """Set ``grad`` of every tensor that this number was computed from.

        The gradient is set, not added up: a second call gives the same result.

        Raises
        ------
        ShapeError
            If this tensor is not a single number.
        """
        seed = scalar_seed(self, "backward")
        gradients = with_own_memory(adjoints(self, seed))
        for tensor in ancestors(self):
            tensor.grad = gradients.get(tensor.order)

    # NumPy's protocols for array-like objects.

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        (out,) = options.pop("out", None) or (None,)
        target = target_of(ufunc) if method == "__call__" else NUMPY.get(getattr(ufunc, method))
        if target is None or (options and method == "__call__"):
            home = "np." if getattr(np, ufunc.__name__, None) is ufunc else ""
            not_covered(f"{home}{ufunc.__name__}", method, options)
        if ufunc in OPERATORS and all(map(is_weak, inputs)):
            inputs = (as_numpy_number(inputs[0]), *inputs[1:])  # np.add(1, 2) is a NumPy number
        result = target(*inputs, **options)
        return result if out is None else written_to(out, result, ufunc.__name__)

    def __array_function__(
        self, function: Callable[..., Any], types: Any, args: Any, kwargs: Any
    ) -> Any:
        target = NUMPY.get(function) or _PLAIN.get(function)
        if target is None:
            not_covered(numpy_name(function))
        if self.level.reader is not None:
            args, kwargs = self.level.reader.plain((args, kwargs))
        out = kwargs.pop("out", None)
        result = invoke(function, target, args, kwargs)
        return result if out is None else written_to(out, result, function.__name__)

    # Attributes and methods of arrays.

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the value."""
        unobserved = self.level.reader is None
        shape: tuple[int, ...] = self.value.shape if unobserved else self.read_shape()
        return shape

    def read_shape(self) -> Any:
        """Return the shape; a reader that observes the code is informed."""
        value, reader = self.value, self.level.reader
        while type(value) is Tensor:
            value = value.value
        return value.shape if reader is None else reader.read(value.shape, __file__)

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return np.ndim(self.value)

    @property
    def size(self) -> int:
        """Number of entries."""
        return math.prod(self.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the entries."""
        dtype: np.dtype[Any] = self.value.dtype
        return dtype

    @property
    def itemsize(self) -> int:
        """Bytes of an entry."""
        return self.dtype.itemsize

    @property
    def nbytes(self) -> int:
        """Bytes of all entries."""
        return self.size * self.itemsize

    def __getitem__(self, index: Any) -> Any:
        reader = self.level.reader
        return NUMPY[getitem](self, index if reader is None else reader.plain(index))

    def __len__(self) -> int:
        shape = self.shape
        if not shape:
            raise TypeError("len() of a tensor without axes")
        return shape[0]

    def __iter__(self) -> Iterator[Any]:
        not_followed()  # the loop may depend on the number of rows
        return (self[i] for i in range(len(self)))

    def __bool__(self) -> bool:
        if self.level.records_all:
            is_flag = self.primitive is None and self.dtype.kind in "biu" and not self.shape
            raise TraceError(FLAG if is_flag else BRANCH)
        return bool(self.value)

    def __repr__(self) -> str:
        not_followed()
        return f"Tensor({self.value!r})"

    __hash__ = object.__hash__


def _refused(name: str) -> Callable[..., NoReturn]:
    """Return a method that refuses to make a Python object of a tensor."""

    def method(self: Tensor, *_: Any) -> NoReturn:
        """Refuse the call: the gradient would be lost."""
        if self.level.records_all and self.value.dtype.kind in "iu":
            raise TraceError(f"{name}(t): {WHOLE}")
        raise TraceError(
            f"{name}(t) of a tensor would lose its gradient: go on with t itself; for printing, "
            "read t.value"
        )

    return method


for _name in ("float", "int", "complex", "index", "trunc", "format", "round"):
    setattr(Tensor, f"__{_name}__", _refused(_name))
for _name in ("item", "tolist"):
    setattr(Tensor, _name, _refused(_name))


def written_to(out: Any, result: Any, name: str) -> Any:
    """Fill an array ``out`` with the result of a function, and return the array."""
    if not isinstance(out, Traced | Handle):
        raise TraceError(
            f"{name} cannot write its result into an array from outside: the gradient would be "
            "lost. Leave out= away"
        )
    out[...] = result  # type: ignore[index]
    return out


for _name in ("shape", "dtype"):
    setattr(Tensor, _name, getattr(Tensor, _name).setter(Tensor._refuse))

# Functions of the shape and dtype alone: their result does not depend on the values.
_PLAIN: Mapping[Callable[..., Any], Callable[..., Any]] = {
    np.shape: lambda a: a.shape,
    np.ndim: lambda a: a.ndim,
    np.size: lambda a, axis=None: a.size if axis is None else a.shape[axis],
    np.zeros_like: lambda a, dtype=None: np.zeros(a.shape, dtype or a.dtype),
    np.ones_like: lambda a, dtype=None: np.ones(a.shape, dtype or a.dtype),
    np.full_like: lambda a, fill_value, dtype=None: np.broadcast_to(
        of_dtype(fill_value, dtype or a.dtype)
        if isinstance(fill_value, Tensor)
        else np.asarray(fill_value, dtype or a.dtype),
        a.shape,
    ),
    np.result_type: result_type,
    np.iscomplexobj: lambda x: False,
    np.isrealobj: lambda x: True,
}
