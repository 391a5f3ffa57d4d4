"""An ONNX graph that grows: nodes, constants, and sizes that hold the batch size.

Values are known by their names. Rules ask for an operand in the dtype that they need and add nodes;
what ONNX Runtime does not implement in a dtype is computed in another.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from chainrule._src.base.errors import ExportError
from chainrule._src.base.extras import needs
from chainrule._src.core.equations import Equation, Filled, Variable, at
from chainrule._src.core.weak import compared_dtype
from chainrule._src.text.naming import Names
from chainrule._src.trace.batch import BatchScaled, Counted, Linear, depends_on_n
from chainrule._src.trace.tracing import trace

Rule = Callable[["Graph", Equation], str]

FLOAT32, FLOAT64, INT32, INT64, BOOL = map(
    np.dtype, (np.float32, np.float64, np.int32, np.int64, np.bool_)
)
# As ONNX Runtime implements them: in float32 alone, and for floats, int32 and int64 alone.
SINGLE = frozenset(
    {"Acos", "Acosh", "Asin", "Asinh", "Atan", "Atanh", "AveragePool", "Conv", "Erf"}
)
PLAIN = frozenset(
    {
        "Abs", "Add", "ArgMax", "ArgMin", "CumSum", "Einsum", "Greater", "GreaterOrEqual", "Less",
        "LessOrEqual", "MatMul", "Max", "MaxPool", "Min", "Mul", "Neg", "Pad", "Pow", "ReduceL2",
        "ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSum", "Sub", "TopK", "Trilu",
    }
)  # fmt: skip


def onnx_package() -> Any:
    """Return the package onnx."""
    with needs("an ONNX model", "onnx", "onnx"):
        import onnx
    return onnx


class Graph:
    """The nodes and constants of a graph under construction.

    Attributes
    ----------
    nodes, constants : list
        In the order in which they came.
    values : dict of Variable to str
        The value of each variable that is known so far.
    batch : str or None
        The value whose first size is the batch size.
    """

    def __init__(self, names: Names, rules: Mapping[str, Rule], batch: str | None = None) -> None:
        self.names, self.rules, self.batch = names, rules, batch
        self.onnx = onnx_package()
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.values: dict[Variable, str] = {}
        self.dtypes: dict[str, np.dtype[Any]] = {}
        self._found: dict[Any, str] = {}  # constants and sizes that are there already
        self._unnamed: set[str] = set()

    def give(self, variable: Variable, name: str) -> None:
        """Let a variable be known by a name that comes from outside."""
        self.values[variable], self.dtypes[name] = name, variable.dtype

    def add(self, equation: Equation) -> None:
        """Add the nodes of an equation; the last takes the variable's name.

        Raises
        ------
        ExportError
            If the operation has no rule.
        """
        name = equation.primitive.name
        if name not in self.rules:
            raise ExportError(f"{name} has no form in ONNX")
        made = self.cast(self.rules[name](self, equation), equation.output.dtype)
        if made in self._unnamed:
            made = self._renamed(made, self.names[equation.output])
        self.values[equation.output] = made

    def _renamed(self, made: str, name: str) -> str:
        last = self.nodes[-1]
        if made not in last.output:
            return made
        last.output[list(last.output).index(made)] = last.name = name
        self.dtypes[name] = self.dtypes[made]
        return name

    def node(
        self,
        op: str,
        *inputs: str,
        dtype: np.dtype[Any] | None = None,
        outputs: int = 1,
        **attributes: Any,
    ) -> str:
        """Add a node and return its last output; its dtype is the first input's if not given."""
        given = self.dtypes[inputs[0]]
        works = _implemented(op, given)
        names = [self.cast(x, works) if self.dtypes[x] == given else x for x in inputs]
        made = [self.names.fresh(op.lower()) for _ in range(outputs)]
        self.nodes.append(self.onnx.helper.make_node(op, names, made, name=made[-1], **attributes))
        self._unnamed.add(made[-1])
        self.dtypes[made[-1]] = works if dtype is None else dtype
        return self.cast(made[-1], given) if dtype is None else made[-1]

    def cast(self, value: str, dtype: Any) -> str:
        """Return a value in a dtype."""
        dtype = np.dtype(dtype)
        if self.dtypes[value] == dtype:
            return value
        to = self.onnx.helper.np_dtype_to_tensor_dtype(dtype)
        return self.node("Cast", value, dtype=dtype, to=to)

    def value(self, operand: Any, dtype: Any = None) -> str:
        """Return an operand, a variable or a constant, in a dtype if one is given."""
        if isinstance(operand, Variable):
            found = self.values[operand]
        elif depends_on_n(operand):
            found = self._of_n(operand)
        else:
            return self.constant(at(operand, 0), dtype)
        return found if dtype is None else self.cast(found, dtype)

    def constant(self, thing: Any, dtype: Any = None) -> str:
        """Return an array or a number that never changes."""
        array = np.asarray(thing, order="C")
        array = array if dtype is None else array.astype(dtype)
        key = (array.dtype, array.shape, array.tobytes())
        if key not in self._found:
            self._found[key] = name = self.names.fresh("constant")
            self.constants.append(self.onnx.numpy_helper.from_array(array, name))
            self.dtypes[name] = array.dtype
        return self._found[key]

    def sizes(self, sizes: Sequence[int | Linear]) -> str:
        """Return whole numbers, some of which may hold the batch size, as a vector."""
        if not depends_on_n(tuple(sizes)):
            return self.constant(np.array(sizes, INT64))
        parts = [self._size(s) if isinstance(s, Linear) else self.sizes([s]) for s in sizes]
        return parts[0] if len(parts) == 1 else self.node("Concat", *parts, axis=0)

    def number(self, size: int | Linear) -> str:
        """Return a whole number that may hold the batch size."""
        if isinstance(size, int):
            return self.constant(np.asarray(size, INT64))
        return self.node("Squeeze", self._size(size), self.sizes([0]))

    def _size(self, size: Linear) -> str:
        """Return a size that holds the batch size as a vector of one; made once."""
        if size not in self._found:
            if size == Linear(0, 1):
                assert self.batch is not None
                made = self.node("Shape", self.batch, dtype=INT64, start=0, end=1)
            else:
                made = self._size(Linear(0, 1))
                if size.slope != 1:
                    made = self.node("Mul", made, self.sizes([size.slope]))
                if size.offset:
                    made = self.node("Add", made, self.sizes([size.offset]))
            self._found[size] = made
        return self._found[size]

    def _of_n(self, thing: Any) -> str:
        """Return a constant that depends on the batch size."""
        if isinstance(thing, Linear):
            return self.number(thing)
        if isinstance(thing, BatchScaled):
            op = "Div" if thing.divides else "Mul"
            n = self.cast(self.number(Linear(0, 1)), FLOAT64)
            number = self.node(op, self.constant(thing.factor, FLOAT64), n)
            return number if thing.dtype is None else self.cast(number, thing.dtype)
        if isinstance(thing, Filled):
            return self.node(
                "Expand", self.value(thing.number, thing.dtype), self.sizes(thing.shape)
            )
        assert isinstance(thing, Counted)
        size = next(s for s in thing.shape if s != 1)
        count = self.node("Range", self.number(0), self.number(size), self.number(1))
        return self.reshape(self.cast(count, thing.dtype), thing.shape)

    def reshape(self, value: str, shape: Sequence[int | Linear]) -> str:
        """Return a value in a shape; one size that holds the batch size is left to be found."""
        shape = list(shape)
        if sum(isinstance(size, Linear) for size in shape) == 1 and 0 not in shape:
            shape = [-1 if isinstance(size, Linear) else size for size in shape]
        return self.node("Reshape", value, self.sizes(shape), allowzero=int(0 in shape))

    def expand(self, value: str, shape: Sequence[Any], wanted: Sequence[Any]) -> str:
        """Return a value of a shape broadcast to the wanted shape."""
        here = [1] * (len(wanted) - len(shape)) + list(shape)
        if here == list(wanted) and len(here) == len(shape):
            return value
        sizes = [1 if a == b else b for a, b in zip(here, wanted, strict=True)]
        return self.node("Expand", value, self.sizes(sizes))

    def formula(self, f: Callable[..., Any], *operands: Any) -> str:
        """Add a formula of operands, which is NumPy code itself and works entry by entry."""
        plain = (bool, int, float)
        arrays = [operand for operand in operands if not isinstance(operand, plain)]

        def of_arrays(given: list[Any]) -> Any:
            following = iter(given)
            return f(*(o if isinstance(o, plain) else next(following) for o in operands))

        given = [self.value(array) for array in arrays]
        like = [
            np.ones((1,) * len(shape_of(array)), self.dtypes[name])
            for array, name in zip(arrays, given, strict=True)
        ]
        program = trace(of_arrays)(like)
        for variable, name in zip(program.inputs, given, strict=True):
            self.values[variable] = name
        for equation in program.equations:
            self.add(equation)
        return self.value(program.result)


def shape_of(operand: Any) -> tuple[Any, ...]:
    """Return the shape of a variable or a constant."""
    return tuple(getattr(operand, "shape", ()))


def count_of(shape: Sequence[Any]) -> Any:
    """Return the number of entries, which may hold the batch size."""
    sizes = [size for size in shape if isinstance(size, int)]
    for size in shape:
        if isinstance(size, Linear):
            return size * math.prod(sizes)
    return math.prod(sizes)


def common_dtype(operands: Sequence[Any]) -> np.dtype[Any]:
    """Return the dtype in which NumPy compares operands."""
    return compared_dtype(*(1.0 if isinstance(o, BatchScaled) else o for o in operands))


def formula(f: Callable[..., Any]) -> Rule:
    """Return the rule of an operation that is written out in others."""
    return lambda g, e: g.formula(f, *e.operands)


def _implemented(op: str, dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return the dtype in which ONNX Runtime computes an operation on arrays of ``dtype``."""
    if dtype == FLOAT64 and op in SINGLE:
        return FLOAT32
    if dtype.kind in "biu" and op in PLAIN:
        return INT32 if dtype.itemsize < 4 or dtype == INT32 else INT64
    return dtype
