"""A function as an ONNX model: its equations as nodes, its parameters as initializers."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from chainrule._src.base.errors import DataError, ExportError, TraceError
from chainrule._src.core.equations import Equation, Variable
from chainrule._src.core.program import Program
from chainrule._src.core.trees import leaves
from chainrule._src.data.storage.files import check_writable, write_whole
from chainrule._src.export.onnx.elementwise import ELEMENTWISE
from chainrule._src.export.onnx.graph import Graph, Rule, onnx_package, shape_of
from chainrule._src.export.onnx.index import INDEX
from chainrule._src.export.onnx.linalg import LINALG
from chainrule._src.export.onnx.nn import NN
from chainrule._src.export.onnx.random import RANDOM
from chainrule._src.export.onnx.reduce import REDUCE
from chainrule._src.export.onnx.shape import SHAPE
from chainrule._src.export.onnx.windows import WINDOWS, with_convolutions
from chainrule._src.text.naming import Names
from chainrule._src.text.text import equation_lines
from chainrule._src.trace.arguments import argument_names
from chainrule._src.trace.recurrence.unrolling import unrolled
from chainrule._src.trace.tracing import trace

REFUSED = (
    # of linear algebra and of sorting
    "argpartition", "cholesky", "cofactor", "det", "eig_values", "eig_vectors", "eigh_values",
    "eigh_vectors", "inv", "logabsdet", "pinv", "qr_q", "qr_r", "signdet", "solve", "svd_u",
    "svd_values", "svd_vh",
    # of SciPy
    "beta", "betainc", "betaln", "entr", "erfc", "erfcinv", "erfinv", "gamma", "gammainc",
    "gammaincc", "gammaln", "gammasgn", "i0", "i1", "iv", "ive", "j0", "j1", "jv", "kl_div",
    "log_ndtr", "logit", "ndtr", "ndtri", "polygamma", "psi", "rel_entr", "rgamma", "xlog1py",
    "xlogy", "y0", "y1", "yn", "yv",
    "scan", "item",  # loops are unrolled before
)  # fmt: skip
RULES: dict[str, Rule | None] = {
    **ELEMENTWISE, **REDUCE, **SHAPE, **INDEX, **LINALG, **NN, **RANDOM, **WINDOWS,
    **dict.fromkeys(REFUSED),
}  # fmt: skip
OPSET, IR_VERSION = 18, 8  # what ONNX Runtime has understood since 1.14, of February 2023


def onnx_model(
    f: Callable[..., Any] | Program,
    *examples: Any,
    name: str | None = None,
    inputs: Sequence[str] | None = None,
    outputs: Sequence[str] | None = None,
    metadata: Mapping[str, str] | None = None,
) -> Any:
    """Return a function as an ONNX model.

    Parameters
    ----------
    f : callable or Program
        A function in NumPy. The arrays of its first argument are the parameters and become
        initializers, with their names in the program; the arrays of the other arguments become
        inputs. If the function has one argument, all its arrays are inputs.
    *examples
        Arguments of ``f``; none for a Program. The first axis of the first input is the batch axis,
        also in inputs with the same number of rows: the model takes any batch size ``"n"``. If
        ``f`` depends on the batch size in another way, the model takes the recorded size only.
    name : str, optional
        Name of the graph; by default the function's name.
    inputs, outputs : sequence of str, optional
        Names of the inputs and outputs; by default those in the code.
    metadata : mapping of str to str, optional
        Stored in the model.

    Returns
    -------
    onnx.ModelProto
        A checked model of opset 18. Dtypes are preserved; operations that ONNX Runtime does not
        implement in float64 (``arctan``, ``erf`` and the like, convolutions) run in float32.

    Raises
    ------
    ExportError
        If an operation has no form in ONNX; the message names the operation and its line.
    DataError
        If names or metadata do not fit.
    MissingDependencyError
        If the package onnx is missing.

    Notes
    -----
    ONNX Runtime ignores NaN in the maximum and minimum along an axis.
    Before 1.29 it refuses ``cos`` of float64, and ``triu`` and ``tril`` of small integers and truth
    values.

    Examples
    --------
    >>> def layer(params, X):
    ...     return np.tanh(X @ params["W"] + params["b"])
    >>> params = {"W": np.ones((3, 2), np.float32), "b": np.zeros(2, np.float32)}
    >>> graph = onnx_model(layer, params, np.ones((4, 3), np.float32)).graph
    >>> [node.op_type for node in graph.node]
    ['MatMul', 'Add', 'Tanh']
    >>> [tensor.name for tensor in graph.initializer]
    ['W', 'b']
    >>> [size.dim_param or size.dim_value for size in graph.input[0].type.tensor_type.shape.dim]
    ['n', 3]
    """
    onnx = onnx_package()
    properties = _checked_metadata(metadata)
    program, parameters = _recorded(f, examples)
    _check_names("inputs", inputs, len(list(program.inputs)) - len(parameters))
    _check_names("outputs", outputs, len(list(leaves(program.result))))
    writer = _GraphWriter(program, parameters, inputs, outputs)
    graph = onnx.helper.make_graph(
        writer.graph.nodes,
        name or getattr(f, "__name__", "program").strip("<>"),
        writer.inputs,
        writer.outputs,
        [*writer.initializers, *writer.graph.constants],
        value_info=writer.between,
    )
    model = onnx.helper.make_model(
        graph,
        producer_name="chainrule",
        opset_imports=[onnx.helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
    )
    onnx.helper.set_model_props(model, properties)
    onnx.checker.check_model(model, full_check=True)
    return model


def export_onnx(
    f: Callable[..., Any] | Program,
    path: str | os.PathLike[str],
    *examples: Any,
    name: str | None = None,
    inputs: Sequence[str] | None = None,
    outputs: Sequence[str] | None = None,
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Write a function to a file as an ONNX model; on an error no file is written.

    Parameters
    ----------
    f, *examples, name, inputs, outputs, metadata
        As for `onnx_model`.
    path : path-like
        The file to write.

    Raises
    ------
    ExportError, DataError, MissingDependencyError
        As for `onnx_model`.
    FileError
        If the file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "double.onnx")
    ...     export_onnx(lambda x: 2 * x, path, np.ones(3))
    ...     onnx_package().load(path).graph.node[0].op_type
    'Mul'
    """
    check_writable(path)
    model = onnx_model(f, *examples, name=name, inputs=inputs, outputs=outputs, metadata=metadata)
    write_whole(path, [model.SerializeToString(deterministic=True)])


def _recorded(f: Any, examples: Sequence[Any]) -> tuple[Program, list[Variable]]:
    """Trace a function; return the program, and the variables of the parameters."""
    if not isinstance(f, Program):
        alone = len(examples) == 1
        f = trace(_without_parameters(f))({}, *examples) if alone else trace(f)(*examples)
    elif examples:
        raise DataError("onnx_model: a Program knows its arguments; give no examples")
    if f.general and f.proof is not None and f.proof.sizes(f) not in ((0, None), (1, None)):
        f = f.proof.alone()  # only for the batch size of the examples: a graph cannot check others
    try:
        f = unrolled(f)
    except TraceError as error:
        raise ExportError(f"onnx_model: {error}") from None
    parameters, *data = f.arguments.values() or [None]
    return f, [variable for _, variable in leaves(parameters)] if data else []


def _without_parameters(f: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function with an additional first argument for (no) parameters."""

    def of_data(_: Any, x: Any) -> Any:
        return f(x)

    (name,) = argument_names(f, 1)
    kind = inspect.Parameter.POSITIONAL_ONLY
    names = (inspect.Parameter(part, kind) for part in (f"{name}_parameters", name))
    of_data.__signature__ = inspect.Signature(list(names))  # type: ignore[attr-defined]
    return of_data


class _GraphWriter:
    """Writes a program as the parts of a graph, which are its attributes."""

    def __init__(
        self,
        program: Program,
        parameters: list[Variable],
        inputs: Sequence[str] | None,
        outputs: Sequence[str] | None,
    ) -> None:
        data_inputs = [variable for variable in program.inputs if variable not in parameters]
        self.program = program
        self.names = Names(program, None, "", [*(inputs or ()), *(outputs or ())])
        self.names.chosen.update(zip(data_inputs, inputs or (), strict=False))
        paths = {v: path for path, v in leaves(program.arguments)}
        rows = [self.names[v] for v, path in paths.items() if path == program.batch]
        self.graph = Graph(self.names, RULES, rows[0] if rows and program.general else None)
        for variable in program.inputs:
            self.graph.give(variable, self.names[variable])
        self.inputs = [self._info(self.names[v], v.shape, v.dtype) for v in data_inputs]
        self.used = {self.names[variable] for variable in data_inputs}
        names = self._result_names(outputs)
        for equation in with_convolutions(program).equations:
            self._add(equation)
        results = (leaf for _, leaf in leaves(program.result))
        self.outputs = [self._output(*pair) for pair in zip(results, names, strict=True)]
        read = {name for node in self.graph.nodes for name in node.input}
        self.initializers = [self._initializer(v) for v in parameters if self.names[v] in read]
        self.between = list(self._between())

    def _result_names(self, outputs: Sequence[str] | None) -> list[str]:
        """Return the results' names: ``outputs``, else names in the code, else by position."""
        if self.used.intersection(outputs or ()):
            raise DataError(
                f"onnx_model: outputs need other names than inputs, received {outputs!r} and "
                f"inputs {sorted(self.used)}"
            )
        inner = {equation.output for equation in self.program.equations}
        names: list[str] = []
        for i, (path, leaf) in enumerate(leaves(self.program.result)):
            variable = leaf if isinstance(leaf, Variable) and leaf in inner else None
            code_name = self.names.chosen.get(variable) if variable is not None else None
            if outputs is not None:
                name = outputs[i]
            elif code_name is not None and code_name not in names:
                name = code_name
            else:
                name = self.names.fresh("_".join(["output", *map(str, path)]))
            if variable is not None and code_name not in names:
                self.names.chosen[variable] = name
            names.append(name)
        return names

    def _add(self, equation: Equation) -> None:
        try:
            self.graph.add(equation)
        except ExportError as error:
            lines = {v: f"{name} = {code}" for v, name, code in equation_lines(self.program)}
            raise ExportError(
                f"onnx_model: {error}, in the line\n    {lines[equation.output]}\n"
                "compute it outside the function that is exported"
            ) from None

    def _output(self, leaf: Any, wish: str) -> Any:
        """Return a result's description; an Identity node renames a value that has another name."""
        value = self.graph.value(leaf)
        if value != wish or wish in self.used:
            make = self.graph.onnx.helper.make_node
            self.graph.nodes.append(make("Identity", [value], [wish], name=wish))
        self.used.add(wish)
        return self._info(wish, shape_of(leaf), self.graph.dtypes[value])

    def _info(self, name: str, shape: Sequence[Any], dtype: Any) -> Any:
        helper = self.graph.onnx.helper
        sizes = [size if isinstance(size, int) else str(size) for size in shape]
        return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(dtype), sizes)

    def _initializer(self, variable: Variable) -> Any:
        array = np.asarray(variable.value, order="C")
        return self.graph.onnx.numpy_helper.from_array(array, self.names[variable])

    def _between(self) -> Iterator[Any]:
        """Yield the shapes of the intermediate values that have a name in the code."""
        for equation in self.program.equations:
            name = self.graph.values.get(equation.output)
            if (
                name is not None
                and name == self.names.chosen.get(equation.output)
                and name not in self.used
            ):
                yield self._info(name, equation.output.shape, equation.output.dtype)


def _check_names(what: str, names: Sequence[str] | None, count: int) -> None:
    if names is None:
        return
    fits = not isinstance(names, str) and all(isinstance(n, str) and n for n in names)
    if not fits or len(names) != count or len(set(names)) < count:
        raise DataError(
            f"onnx_model: {what} must be {count} different name{'s' * (count != 1)}, "
            f"received {names!r}"
        )


def _checked_metadata(metadata: Mapping[str, str] | None) -> dict[str, str]:
    properties = dict(metadata or {})
    for key, text in properties.items():
        if not isinstance(key, str) or not isinstance(text, str):
            raise DataError(
                f"onnx_model: metadata must be texts by name, received {key!r}: {text!r}; "
                "json.dumps makes a text of most things"
            )
    return properties
