"""Programs: the operations of a recorded function, as a flat list of named equations.

A program can be called and printed. The wings above write it as text and compile it.

The last module of `core`; the wing `trace` comes next.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from chainrule._src.base.errors import ShapeError, TraceError
from chainrule._src.base.registry import provided
from chainrule._src.core.equations import Listing, Variable, at, shape_text
from chainrule._src.core.trees import Path, leaves, map_leaves, path_text, with_own_memory
from chainrule._src.core.weak import Weak, is_weak, strong


@dataclass(eq=False, repr=False)
class Program(Listing):
    """A recorded function: its inputs, its equations in order, its result.

    ``program(*args)`` runs the equations in NumPy, one by one; ``print(program)`` shows them.
    `trace` makes programs.

    Parameters
    ----------
    arguments : dict of str to tree of Variable
        The arguments by name, with a variable for each array.
    equations : list of Equation
    result : tree of Variable or constant
    batch : Path, optional
        Path of the first array with one sample per row; its length is the batch size.
    general : bool, default True
        If true, the equations hold for more batch sizes than the recorded one.
    proof : Proof, optional
        Checks a batch size, by recording the function for that size.

    Examples
    --------
    >>> import chainrule as cr
    >>> program = cr.trace(lambda x: 2 * x + 1)(np.array([1.0, 2.0]))
    >>> [equation.primitive.name for equation in program.equations]
    ['multiply', 'add']
    >>> program(np.array([3.0, 4.0]))
    array([7., 9.])
    """

    def __call__(self, *args: Any) -> Any:
        """Run the program. The results share no memory, so they may be written into.

        Raises
        ------
        ShapeError
            If the arguments have another structure or other shapes than the recorded ones.
        TraceError
            If the recorded function does something else for this number of samples.
        """
        others = (leaf for _, leaf in leaves([args, self.result]))  # also constants in the result
        return with_own_memory(self.run(*args), others)

    def run(self, *args: Any) -> Any:
        """Run the program. The results may share memory with each other and with the arguments.

        Raises
        ------
        ShapeError, TraceError
            As for a call.
        """
        if len(args) != len(self.arguments):
            raise ShapeError(
                f"program: expected {len(self.arguments)} arguments "
                f"({', '.join(self.arguments)}), received {len(args)}"
            )
        arguments = dict(zip(self.arguments, args, strict=True))
        arrays = dict(leaves(arguments))
        inputs = dict(leaves(self.arguments))
        if arrays.keys() != inputs.keys():
            raise ShapeError(
                f"program: expected arguments with {_paths(inputs)}, received {_paths(arrays)}"
            )
        n = np.shape(arrays[self.batch])[0] if self.batch is not None and self.general else 0
        values: dict[Variable, Any] = {}
        for path, variable in inputs.items():
            value = np.asarray(arrays[path])
            if value.shape != at(variable.shape, n):
                raise ShapeError(
                    f"program: {variable.name} was recorded with shape "
                    f"{shape_text(variable.shape)}, received {value.shape}"
                )
            value = value.astype(variable.dtype, copy=False)
            values[variable] = Weak(value.item()) if is_weak(variable) else value
        proof = self.proof if self.batch is not None and self.general else None
        if proof is not None and not proof.holds(self, n):
            raise TraceError(
                f"program: the recorded function does something else for {n} samples; record it "
                "with arguments of that size"
            )

        def value_of(operand: Any) -> Any:
            return values[operand] if isinstance(operand, Variable) else at(operand, n)

        for each, dead in zip(self.equations, self._dead, strict=True):
            params = {name: at(value, n) for name, value in each.params.items()}
            values[each.output] = each.primitive.value(*map(value_of, each.operands), **params)
            for variable in dead:
                del values[variable]
        return map_leaves(lambda leaf: strong(value_of(leaf)), self.result)

    @cached_property
    def _dead(self) -> list[list[Variable]]:
        """Liveness: for each equation, the variables that no later equation and no result needs."""
        used = [{*equation.variables, equation.output} for equation in self.equations]
        last = {v: i for i, variables in enumerate(used) for v in variables}
        last |= {v: -1 for _, v in leaves(self.result) if isinstance(v, Variable)}
        return [[v for v in variables if last[v] == i] for i, variables in enumerate(used)]

    def __repr__(self) -> str:
        return f"<Program of {', '.join(self.arguments)}: {len(self.equations)} equations>"

    # The wing `text` provides the functions that these methods call.

    def __str__(self) -> str:
        return str(provided("table")(self))

    def _repr_html_(self) -> str:
        return str(provided("html")(self))

    def to_dot(self) -> str:
        """Return the graph of the program in Graphviz's language, with values and gradients."""
        return str(provided("dot")(self))


def _paths(arrays: dict[Path, Any]) -> str:
    return ", ".join(map(path_text, arrays))
