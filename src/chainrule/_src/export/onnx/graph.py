"""An ONNX graph under construction: nodes, constants, and sizes that depend on the batch size.

Values are identified by their names. A rule requests operands in the dtype that it needs, and adds
nodes. If ONNX Runtime does not implement an operation in a dtype, another dtype is used.
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
from chainrule._src.trace.batch import BatchScaled, Counted, Diagonal, Linear, depends_on_n
from chainrule._src.trace.tracing import trace

Rule = Callable[["Graph", Equation], str]

FLOAT32, FLOAT64, INT32, INT64, BOOL = map(
    np.dtype, (np.float32, np.float64, np.int32, np.int64, np.bool_)
)
# Limits of ONNX Runtime: operations in float32 only; operations in floats, int32 and int64 only.
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
        In the order in which they were added.
    values : dict of Variable to str
        The name of each variable's value.
    batch : str or None
        The name of a value whose first axis is the batch axis.
    """

    def __init__(
        self, names: Names, rules: Mapping[str, Rule | None], batch: str | None = None
    ) -> None:
        self.names, self.rules, self.batch = names, rules, batch
        self.onnx = onnx_package()
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.values: dict[Variable, str] = {}
        self.dtypes: dict[str, np.dtype[Any]] = {}
        self._cached: dict[Any, str] = {}  # the names of constants and sizes
        self._unnamed: set[str] = set()

    def give(self, variable: Variable, name: str) -> None:
        """Set the name of an input or parameter."""
        self.values[variable], self.dtypes[name] = name, variable.dtype

    def add(self, equation: Equation) -> None:
        """Add the nodes of an equation; the last node takes the variable's name.

        Raises
        ------
        ExportError
            If the operation has no rule.
        """
        name = equation.primitive.name
        rule = self.rules.get(name)
        if rule is None:
            raise ExportError(f"{name} has no form in ONNX")
        value = self.cast(rule(self, equation), equation.output.dtype)
        if value in self._unnamed:
            value = self._renamed(value, self.names[equation.output])
        self.values[equation.output] = value

    def _renamed(self, value: str, name: str) -> str:
        last = self.nodes[-1]
        if value not in last.output:
            return value
        last.output[list(last.output).index(value)] = last.name = name
        self.dtypes[name] = self.dtypes[value]
        return name

    def node(
        self,
        op: str,
        *inputs: str,
        dtype: np.dtype[Any] | None = None,
        outputs: int = 1,
        **attributes: Any,
    ) -> str:
        """Add a node and return its last output; by default with the dtype of the first input."""
        input_dtype = self.dtypes[inputs[0]]
        works = _implemented(op, input_dtype)
        names = [self.cast(x, works) if self.dtypes[x] == input_dtype else x for x in inputs]
        output_names = [self.names.fresh(op.lower()) for _ in range(outputs)]
        self.nodes.append(
            self.onnx.helper.make_node(op, names, output_names, name=output_names[-1], **attributes)
        )
        self._unnamed.add(output_names[-1])
        self.dtypes[output_names[-1]] = works if dtype is None else dtype
        return self.cast(output_names[-1], input_dtype) if dtype is None else output_names[-1]

    def cast(self, value: str, dtype: Any) -> str:
        """Return a value cast to a dtype."""
        dtype = np.dtype(dtype)
        if self.dtypes[value] == dtype:
            return value
        to = self.onnx.helper.np_dtype_to_tensor_dtype(dtype)
        return self.node("Cast", value, dtype=dtype, to=to)

    def value(self, operand: Any, dtype: Any = None) -> str:
        """Return the value of an operand (a variable or a constant), cast to ``dtype`` if given."""
        if isinstance(operand, Variable):
            name = self.values[operand]
        elif depends_on_n(operand):
            name = self._of_n(operand)
        else:
            return self.constant(at(operand, 0), dtype)
        return name if dtype is None else self.cast(name, dtype)

    def constant(self, array_like: Any, dtype: Any = None) -> str:
        """Return the name of a constant; equal constants are stored once."""
        array = np.asarray(array_like, order="C")
        array = array if dtype is None else array.astype(dtype)
        key = (array.dtype, array.shape, array.tobytes())
        if key not in self._cached:
            self._cached[key] = name = self.names.fresh("constant")
            self.constants.append(self.onnx.numpy_helper.from_array(array, name))
            self.dtypes[name] = array.dtype
        return self._cached[key]

    def sizes(self, sizes: Sequence[int | Linear]) -> str:
        """Return integers, some of which may depend on the batch size, as a vector."""
        if not depends_on_n(tuple(sizes)):
            return self.constant(np.array(sizes, INT64))
        parts = [self._size(s) if isinstance(s, Linear) else self.sizes([s]) for s in sizes]
        return parts[0] if len(parts) == 1 else self.node("Concat", *parts, axis=0)

    def number(self, size: int | Linear) -> str:
        """Return an integer that may depend on the batch size, as a scalar."""
        if isinstance(size, int):
            return self.constant(np.asarray(size, INT64))
        return self.node("Squeeze", self._size(size), self.sizes([0]))

    def _size(self, size: Linear) -> str:
        """Return a size that depends on the batch size as a vector of length 1; it is cached."""
        if size not in self._cached:
            if size == Linear(0, 1):
                assert self.batch is not None
                value = self.node("Shape", self.batch, dtype=INT64, start=0, end=1)
            else:
                value = self._size(Linear(0, 1))
                if size.slope != 1:
                    value = self.node("Mul", value, self.sizes([size.slope]))
                if size.offset:
                    value = self.node("Add", value, self.sizes([size.offset]))
            self._cached[size] = value
        return self._cached[size]

    def _of_n(self, constant: Any) -> str:
        """Return a constant that depends on the batch size."""
        if isinstance(constant, Linear):
            return self.number(constant)
        if isinstance(constant, BatchScaled):
            op = "Div" if constant.divides else "Mul"
            n = self.cast(self.number(Linear(0, 1)), FLOAT64)
            number = self.node(op, self.constant(constant.factor, FLOAT64), n)
            return number if constant.dtype is None else self.cast(number, constant.dtype)
        if isinstance(constant, Filled):
            return self.node(
                "Expand", self.value(constant.number, constant.dtype), self.sizes(constant.shape)
            )
        size = next((s for s in constant.shape if s != 1), 1)
        if isinstance(constant, Diagonal):
            rows, columns = Counted((size, 1), INT64), Counted((1, size), INT64)
            matrix = self.formula(
                lambda i, j, below, on, above: np.where(i == j, on, np.where(i > j, below, above)),
                rows, columns, *constant.numbers,
            )  # fmt: skip
            return self.reshape(self.cast(matrix, constant.dtype), constant.shape)
        assert isinstance(constant, Counted)
        start, end = self.number(constant.start), self.number(size + constant.start)
        count = self.node("Range", start, end, self.number(1))
        return self.reshape(self.cast(count, constant.dtype), constant.shape)

    def reshape(self, value: str, shape: Sequence[int | Linear]) -> str:
        """Reshape a value; a single size that depends on the batch size becomes -1."""
        shape = list(shape)
        if sum(isinstance(size, Linear) for size in shape) == 1 and 0 not in shape:
            shape = [-1 if isinstance(size, Linear) else size for size in shape]
        return self.node("Reshape", value, self.sizes(shape), allowzero=int(0 in shape))

    def expand(self, value: str, shape: Sequence[Any], target: Sequence[Any]) -> str:
        """Broadcast a value from its shape to a target shape."""
        padded = [1] * (len(target) - len(shape)) + list(shape)
        if padded == list(target) and len(padded) == len(shape):
            return value
        sizes = [1 if a == b else b for a, b in zip(padded, target, strict=True)]
        return self.node("Expand", value, self.sizes(sizes))

    def formula(self, f: Callable[..., Any], *operands: Any) -> str:
        """Trace an elementwise formula in NumPy, and add the nodes of its equations."""
        plain = (bool, int, float)
        arrays = [operand for operand in operands if not isinstance(operand, plain)]

        def of_arrays(traced: list[Any]) -> Any:
            following = iter(traced)
            return f(*(o if isinstance(o, plain) else next(following) for o in operands))

        names = [self.value(array) for array in arrays]
        like = [
            np.ones((1,) * len(shape_of(array)), self.dtypes[name])
            for array, name in zip(arrays, names, strict=True)
        ]
        program = trace(of_arrays)(like)
        for variable, name in zip(program.inputs, names, strict=True):
            self.values[variable] = name
        for equation in program.equations:
            self.add(equation)
        return self.value(program.result)


def shape_of(operand: Any) -> tuple[Any, ...]:
    """Return the shape of a variable or a constant."""
    return tuple(getattr(operand, "shape", ()))


def count_of(shape: Sequence[Any]) -> Any:
    """Return the number of entries of a shape; it may depend on the batch size."""
    sizes = [size for size in shape if isinstance(size, int)]
    for size in shape:
        if isinstance(size, Linear):
            return size * math.prod(sizes)
    return math.prod(sizes)


def common_dtype(operands: Sequence[Any]) -> np.dtype[Any]:
    """Return the dtype in which NumPy compares operands."""
    return compared_dtype(*(1.0 if isinstance(o, BatchScaled) else o for o in operands))


def formula(f: Callable[..., Any]) -> Rule:
    """Return the rule of an operation that is composed of other operations."""
    return lambda g, e: g.formula(f, *e.operands)


def _implemented(op: str, dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return the dtype in which ONNX Runtime computes an operation on arrays of ``dtype``."""
    if dtype == FLOAT64 and op in SINGLE:
        return FLOAT32
    if dtype.kind in "biu" and op in PLAIN:
        return INT32 if dtype.itemsize < 4 or dtype == INT32 else INT64
    return dtype
