"""Tensors record the operations that they take part in.

A tensor wraps a value and belongs to a level. An operation acts at the highest level among its
operands: their values are taken out, the operation is applied to those, and the result is wrapped
again. A value may be a tensor of a lower level, so derivatives of derivatives, and recordings of
derivatives, need nothing of their own.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import count
from typing import Any, NoReturn

import numpy as np

from chainrule.autodiff.backward import adjoints, ancestors, scalar_seed
from chainrule.autodiff.captured import Captured
from chainrule.autodiff.refusals import COMPLEX, after_call, no_array, not_covered, numpy_name
from chainrule.autodiff.trees import with_own_memory
from chainrule.errors import DataError, TraceError
from chainrule.ops import NUMPY, Primitive, Traced
from chainrule.ops.elementwise import ASTYPE, counted, of_dtype
from chainrule.ops.index import getitem
from chainrule.ops.joining import stacked
from chainrule.ops.weak import OPERATORS, Weak, is_weak, result_type
from chainrule.sizes import plain, reading
from chainrule.validation import refuse_foreign
from chainrule.variables import values_of

_order, _levels = count(), count()
_NO_PARAMS: dict[str, Any] = {}


class Level:
    """A recording in progress.

    Attributes
    ----------
    number : int
        Higher levels are further inside.
    records_all : bool
        Whether operations without a gradient are recorded too, as a program needs them.
    sketches : bool
        If true, operations that are expensive to compute record only the shape and dtype of
        their result.
    captured : Captured
        The arrays that operations have taken from the code around them.
    """

    __slots__ = ("captured", "number", "records_all", "sketches")

    def __init__(
        self, records_all: bool = False, sketches: bool = False, locks: bool = True
    ) -> None:
        self.number = next(_levels)  # one opened later, in any thread, is further inside
        self.records_all = records_all
        self.sketches = sketches
        self.captured = Captured(locks)


GROUND = Level()
_NUMBERS = frozenset([Weak, float, int, bool, np.float64, np.float32, np.int64, np.bool_])


def _as_operand(value: Any, where: str, others: Sequence[Any]) -> Any:
    """Return an operand of no common type as an array, or as a tensor."""
    value = values_of(value, others)
    refuse_foreign(value, "an operand", where)
    if isinstance(value, Traced):  # a variable's
        return value
    return stacked(value) if isinstance(value, list | tuple) else np.asarray(value)


class Tensor(Traced):
    r"""An array that remembers how it came about.

    NumPy's functions and operators work on tensors and give tensors. `grad` and its like make them
    for you; to make them yourself, wrap an array and call `backward` on the result:

    Parameters
    ----------
    value : array_like of floats
        A copy is kept; whole numbers become float64.

    Attributes
    ----------
    value : ndarray
    grad : ndarray or None
        Set by `backward`: the gradient with respect to this tensor.

    Examples
    --------
    >>> x = Tensor([1.0, 2.0, 3.0])
    >>> y = np.sum(x**2)
    >>> y.backward()
    >>> x.grad
    array([2., 4., 6.])
    """

    __slots__ = (
        "about", "grad", "level", "name", "operands", "order", "params", "parents", "primitive",
        "value",
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

    def __init__(self, value: Any) -> None:
        refuse_foreign(value, "the value", "Tensor", frames=False)
        array = np.array(value)
        if array.dtype.kind not in "fiu":
            raise DataError(f"Tensor: expected numbers, received dtype {array.dtype}")
        self.value = array if array.dtype.kind == "f" else array.astype(np.float64)
        self.level = GROUND
        self.primitive = self.name = self.about = self.grad = None
        self.operands, self.params, self.parents = (), {}, ()
        self.order = next(_order)

    @staticmethod
    def made(
        value: Any,
        level: Level,
        primitive: Primitive | None = None,
        operands: Sequence[Any] = (),
        params: dict[str, Any] = _NO_PARAMS,
        parents: Sequence[tuple[int, Tensor]] = (),
    ) -> Tensor:
        """Return a tensor of these parts, unchecked."""
        self = Tensor.__new__(Tensor)
        self.value = value
        self.level = level
        self.primitive = primitive
        self.operands = operands
        self.params = params
        self.parents = parents
        self.order = next(_order)
        self.name = self.about = self.grad = None
        return self

    def record(self, primitive: Primitive, operands: Sequence[Any], params: dict[str, Any]) -> Any:
        """Apply ``primitive`` at the highest level among its operands, and record it there."""
        level = self.level
        values, parents, is_plain = list(operands), [], True
        for i, operand in enumerate(operands):
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
                values[i] = level.captured(operand)
        if reading.by is not None:
            params = plain(params)
        apply = primitive.value if is_plain else primitive
        if level.sketches and is_plain and primitive.form is not None:
            apply = primitive.form
        value = apply(*values, **params)
        if value.dtype.kind == "c":
            raise TraceError(f"{primitive.name}: {COMPLEX}")
        if primitive.gradients is None and not level.records_all:
            return value
        return Tensor.made(value, level, primitive, values, params, parents)

    def backward(self) -> None:
        """Set ``grad`` of every tensor that this number was computed from.

        The gradient is set, not added to: calling it again gives the same.

        Raises
        ------
        ShapeError
            If this tensor is not a single number.
        """
        seed = scalar_seed(self, "backward")
        gradients = with_own_memory(adjoints(self, seed))
        for tensor in ancestors(self):
            tensor.grad = gradients.get(tensor.order)

    # What NumPy asks an array-like for.

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        if options.get("out") is not None:
            raise TraceError(
                f"{ufunc.__name__} cannot write its result into an array: the gradient would be "
                "lost. Write a = a + b instead of a += b, and leave out= away"
            )
        target = NUMPY.get(ufunc) or _of_scipy(ufunc)
        if target is None or method != "__call__" or options:
            home = "np." if getattr(np, ufunc.__name__, None) is ufunc else ""
            asked = f"{home}{ufunc.__name__}" + (f".{method}" if method != "__call__" else "")
            not_covered(asked, options)
        if ufunc in OPERATORS and all(map(is_weak, inputs)):
            inputs = (counted(inputs[0]), *inputs[1:])  # np.add(1, 2) is a number of NumPy's
        return target(*inputs)

    def __array_function__(
        self, function: Callable[..., Any], types: Any, args: Any, kwargs: Any
    ) -> Any:
        target = NUMPY.get(function) or _PLAIN.get(function)
        if target is None:
            not_covered(numpy_name(function))
        if reading.by is not None:
            args, kwargs = plain((args, kwargs))
        try:
            return target(*args, **kwargs)
        except TypeError as error:
            name = numpy_name(function)
            if "unexpected keyword argument" in str(error) or "positional argument" in str(error):
                raise TraceError(f"{name} of a tensor: {after_call(error)}") from None
            raise

    def __array__(self, *_: Any, **__: Any) -> NoReturn:
        raise no_array()

    # Attributes and methods of arrays.

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the value."""
        shape: tuple[int, ...] = self.value.shape if reading.by is None else self.read_shape()
        return shape

    def read_shape(self) -> Any:
        """Return the shape while it is observed who reads it."""
        value = self.value
        while type(value) is Tensor:
            value = value.value
        return value.shape if reading.by is None else reading.by.read(value.shape, __file__)

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
    def T(self) -> Any:
        """The transpose."""
        return np.transpose(self)

    @property
    def mT(self) -> Any:
        """The transpose of the last two axes."""
        return np.matrix_transpose(self)

    @property
    def real(self) -> Any:
        """The tensor itself, which is real."""
        return self

    @property
    def imag(self) -> Any:
        """Zeros: a tensor is real."""
        return np.imag(self)

    def conj(self) -> Any:
        """Return the tensor itself, which is real."""
        return self

    conjugate = conj

    def astype(self, dtype: Any, *, copy: bool = True) -> Any:
        """Return the tensor with entries of another type."""
        return ASTYPE(self, dtype=np.dtype(dtype).type)

    def reshape(self, *shape: Any, order: str = "C", copy: bool | None = None) -> Any:
        """Return the entries in another shape."""
        return np.reshape(self, shape[0] if len(shape) == 1 else shape, order=order)  # type: ignore[call-overload]

    def transpose(self, *axes: Any) -> Any:
        """Return the axes in another order."""
        return np.transpose(self, (axes[0] if len(axes) == 1 else axes) or None)

    def flatten(self, order: str = "C") -> Any:
        """Return the entries in one axis."""
        return np.ravel(self, order=order)  # type: ignore[call-overload]

    def copy(self, order: str = "C") -> Any:
        """Return the tensor: it never changes, so it need not be copied."""
        return self

    def __getitem__(self, index: Any) -> Any:
        return getitem(self, index if reading.by is None else plain(index))

    def __setitem__(self, index: Any, value: Any) -> NoReturn:
        raise TraceError(
            "a tensor cannot be written into: the gradient would be lost. Build a new one, with "
            "np.where(mask, a, b) or np.concatenate"
        )

    def __len__(self) -> int:
        shape = self.shape
        if not shape:
            raise TypeError("len() of a tensor without axes")
        return shape[0]

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    def __bool__(self) -> bool:
        if self.level.records_all:
            raise TraceError(
                "the code branches on a value that is being recorded, so its lines would hold for "
                "these values alone. Write np.where(condition, a, b) instead of if and else"
            )
        return bool(self.value)

    def _number(self, name: str) -> NoReturn:
        if self.level.records_all and self.value.dtype.kind in "iu":
            raise TraceError(
                f"{name}(t): a whole number among the arguments is recorded as data, so that it "
                "cannot tell shapes, lengths or indices. Where it does, fix it before: record "
                "lambda w: f(w, 3) or functools.partial(f, n=3)"
            )
        raise TraceError(
            f"{name}(t) of a tensor would lose its gradient: go on with t itself; for printing, "
            "read t.value"
        )

    def __float__(self) -> float:
        self._number("float")

    def __int__(self) -> int:
        self._number("int")

    def __complex__(self) -> complex:
        self._number("complex")

    def __index__(self) -> int:
        self._number("index")

    def item(self) -> NoReturn:
        """Refuse: the gradient would be lost."""
        self._number("item")

    def __format__(self, spec: str) -> str:
        self._number("format")

    def __round__(self, digits: int = 0) -> NoReturn:
        self._number("round")

    def tolist(self) -> NoReturn:
        """Refuse: the gradient would be lost."""
        self._number("tolist")

    def __repr__(self) -> str:
        return f"Tensor({self.value!r})"

    __hash__ = object.__hash__


def _operator(ufunc: np.ufunc) -> tuple[Callable[..., Any], ...]:
    """Return the operator's methods: with the tensor on the left, on the right, and alone."""
    primitive: Any = NUMPY[ufunc]

    def forward(self: Tensor, other: Any) -> Any:
        return self.record(primitive, (self, other), _NO_PARAMS)

    def backward(self: Tensor, other: Any) -> Any:
        return self.record(primitive, (other, self), _NO_PARAMS)

    def alone(self: Tensor) -> Any:
        return self.record(primitive, (self,), _NO_PARAMS)

    return forward, backward, alone


def _method(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a method that does what NumPy's function of that name does."""
    target = NUMPY[function]

    def method(self: Any, *args: Any, **options: Any) -> Any:
        return target(self, *args, **options)

    return method


for _name, _ufunc in {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "truediv": np.divide,
    "pow": np.power, "matmul": np.matmul, "mod": np.remainder, "floordiv": np.floor_divide,
    "and": np.bitwise_and, "or": np.bitwise_or, "xor": np.bitwise_xor,
}.items():  # fmt: skip
    for _side, _function in zip(("", "r"), _operator(_ufunc)[:2], strict=True):
        setattr(Tensor, f"__{_side}{_name}__", _function)
for _name, _ufunc in {
    "lt": np.less, "le": np.less_equal, "gt": np.greater, "ge": np.greater_equal,
    "eq": np.equal, "ne": np.not_equal,
}.items():  # fmt: skip
    setattr(Tensor, f"__{_name}__", _operator(_ufunc)[0])
for _name, _ufunc in {
    "neg": np.negative, "pos": np.positive, "abs": np.abs, "invert": np.invert,
}.items():  # fmt: skip
    setattr(Tensor, f"__{_name}__", _operator(_ufunc)[2])
for _name in (
    "sum", "mean", "var", "std", "prod", "max", "min", "cumsum", "cumprod", "argmax", "argmin",
    "argsort", "argpartition",
    "all", "any", "dot", "ravel", "swapaxes", "squeeze", "repeat", "take", "clip", "trace",
    "diagonal", "ptp", "round",
):  # fmt: skip
    setattr(Tensor, _name, _method(getattr(np, _name)))

# Functions of the shape alone: their result does not depend on the values.
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
    np.copy: lambda a, order="K", subok=False: a,
}


def _of_scipy(ufunc: np.ufunc) -> Callable[..., Any] | None:
    """Return what a ufunc of SciPy leads to; SciPy is not loaded for it."""
    if "scipy.special" not in sys.modules:
        return None
    from chainrule.ops.special import SPECIAL

    return SPECIAL.numpy.get(ufunc)
