"""Symbolic tensors: values of a graph of layers, before there are arrays.

A layer or function that is called with a symbolic tensor is not computed but recorded, as a
`LayerCall`. A model replays these calls with arrays.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any, NoReturn

import numpy as np

from chainrule._src.base.errors import DataError, ShapeError
from chainrule._src.core.trees import map_leaves
from chainrule._src.nn.layers.given import Shape, merged

TRIALS = ((2, 64), (3, 192))  # batch sizes, and lengths of other axes without fixed length
_generator: ContextVar[Any] = ContextVar("generator", default=None)


class SymbolicTensor(np.lib.mixins.NDArrayOperatorsMixin):
    """A symbolic tensor: the shape and dtype of a value that a model will compute.

    Operators, indices, NumPy's functions and layers take symbolic tensors and return such.

    Parameters
    ----------
    shape : tuple
        With None for the batch size.
    dtype : dtype
    source : Layer or LayerCall, optional
        The `Input`, or the call that computes the value; without it, no model can be made of it.
    name : str, optional

    Raises
    ------
    DataError
        If Python asks for its truth value, its length or its numbers.

    Examples
    --------
    >>> x = SymbolicTensor((None, 4), "float32")
    >>> (x[:, :2] / 255).shape
    (None, 2)
    """

    __hash__ = object.__hash__

    def __init__(self, shape: Shape, dtype: Any, source: Any = None, name: str = "") -> None:
        self.shape, self.dtype, self.source = tuple(shape), np.dtype(dtype), source
        self.name = name or "symbol"

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        return recorded(getattr(ufunc, method) if method != "__call__" else ufunc, inputs, options)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return recorded(function, args, kwargs)

    def __getitem__(self, index: Any) -> Any:
        return recorded(operator.getitem, (self, index), {})

    def astype(self, dtype: Any) -> Any:
        """Return the values in another dtype."""
        return recorded(cast, (self, np.dtype(dtype).name), {})

    def reshape(self, *shape: Any) -> Any:
        """Return the values in another shape."""
        return np.reshape(self, shape[0] if len(shape) == 1 else shape)

    @property
    def T(self) -> Any:
        """The transposed array."""
        return np.transpose(self)

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise DataError(
            f"{self!r} has no values while a model is described; write np.where in place of an if, "
            "and a function of NumPy or keras.ops, or a layer of your own, for a loop over samples"
        )

    __array__ = __bool__ = __float__ = __int__ = __iter__ = __len__ = _refuse

    def __deepcopy__(self, memo: Any) -> SymbolicTensor:
        return self

    def __repr__(self) -> str:
        return f"<KerasTensor shape={self.shape}, dtype={self.dtype}, name={self.name}>"


for _function in (np.sum, np.mean, np.max, np.min, np.prod, np.std, np.var, np.argmax, np.argmin,
                  np.transpose, np.squeeze, np.clip, np.all, np.any, np.cumsum):  # fmt: skip
    setattr(SymbolicTensor, _function.__name__, _function)  # NumPy's functions can be methods


class SymbolSource:
    """A layer whose symbolic tensor is an input of graphs."""

    batch_shape: Shape
    name: str
    _input_kind: str
    _calls: list[Any]

    @property
    def output(self) -> SymbolicTensor:
        """The symbolic tensor with which layers are called."""
        if not self._calls:  # of a copy
            self._calls.append(SymbolicTensor(self.batch_shape, self._input_kind, self, self.name))
        symbol: SymbolicTensor = self._calls[0]
        return symbol

    input = output


class LayerCall:
    """A recorded call of a layer or function.

    Attributes
    ----------
    function : Layer or callable
    args, kwargs
        The arguments, which hold symbolic tensors.
    output : SymbolicTensor, or list, tuple or dict of SymbolicTensor
    """

    def __init__(self, function: Any, args: Any, kwargs: Any, output: Any, name: str) -> None:
        self.function, self.args, self.kwargs = function, args, kwargs
        self.output = map_symbolic(lambda s: SymbolicTensor(s.shape, s.dtype, self, name), output)

    def __deepcopy__(self, memo: Any) -> LayerCall:
        return self


class Calls(list[Any]):
    """The calls of a layer, which copies of the layer do not have."""

    def __deepcopy__(self, memo: Any) -> Calls:
        return Calls()

    def __reduce__(self) -> Any:
        return Calls, ()


def map_symbolic(change: Callable[[Any], Any], tree: Any, kind: Any = SymbolicTensor) -> Any:
    """Return a tree in which ``change`` is applied to each object of ``kind``."""
    if isinstance(tree, kind):
        return change(tree)
    if isinstance(tree, dict):
        return {key: map_symbolic(change, part, kind) for key, part in tree.items()}
    if isinstance(tree, list | tuple):
        parts = [map_symbolic(change, part, kind) for part in tree]
        return type(tree)(*parts) if hasattr(tree, "_fields") else type(tree)(parts)
    if isinstance(tree, slice):
        return slice(*(map_symbolic(change, p, kind) for p in (tree.start, tree.stop, tree.step)))
    return tree


def symbols_in(tree: Any) -> list[SymbolicTensor]:
    """Return the symbolic tensors in a tree."""
    symbols: list[SymbolicTensor] = []
    if isinstance(tree, SymbolicTensor | list | tuple | dict | slice):
        map_symbolic(symbols.append, tree)
    return symbols


def cast(x: Any, dtype: str) -> Any:
    """Return an array in another dtype."""
    return x.astype(dtype)


def example_of(symbol: SymbolicTensor, rows: int, length: int) -> Any:
    """Return zeros with the shape of a symbolic tensor."""
    first, *others = symbol.shape or (1,)
    shape = (rows if first is None else first, *(length if s is None else s for s in others))
    return np.zeros(shape if symbol.shape else (), symbol.dtype)


def trial(function: Callable[..., Any], args: Any, kwargs: Any, where: str) -> Any:
    """Return the symbolic result of a function, found by calls with zeros of two batch sizes."""
    results = []
    for sizes in TRIALS:
        values = map_symbolic(lambda symbol: example_of(symbol, *sizes), (args, kwargs))  # noqa: B023
        try:
            with np.errstate(all="ignore"):
                results.append(function(*values[0], **values[1]))
        except (ValueError, IndexError, TypeError, AttributeError) as error:
            shapes = ", ".join(str(each.shape) for each in symbols_in((args, kwargs)))
            raise ShapeError(f"{where}: fails for inputs of shapes {shapes}: {error}") from error

    def symbol(one: Any, other: Any) -> SymbolicTensor:
        one, other = np.asarray(one), np.asarray(other)
        return SymbolicTensor(merged([one.shape, other.shape]), one.dtype)

    return map_leaves(symbol, *results)


def recorded(function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    """Record the call of a function of arrays, and return its symbolic result."""
    name = getattr(function, "__name__", type(function).__name__)
    return LayerCall(function, args, kwargs, trial(function, args, kwargs, name), name).output


@contextmanager
def drawing(rng: Any) -> Iterator[None]:
    """Context manager: models, and layers that are called with symbols, draw with ``rng``."""
    token = _generator.set(rng)
    try:
        yield
    finally:
        _generator.reset(token)


def generator_or(usual: Any) -> Any:
    """Return the generator that `drawing` set, or ``usual``."""
    return _generator.get() or usual


def recording(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function of arrays that is recorded if an argument is a symbolic tensor."""

    @wraps(function)
    def called(*args: Any, **kwargs: Any) -> Any:
        if symbols_in(args) or symbols_in(kwargs):
            return recorded(called, args, kwargs)
        return function(*args, **kwargs)

    FUNCTIONS[f"{function.__module__}.{function.__name__}"] = called
    return called


FUNCTIONS: dict[str, Callable[..., Any]] = {}
"""The functions besides NumPy's that a graph may hold, by the names in files."""
