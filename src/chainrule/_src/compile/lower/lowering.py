"""Equations are lowered to loops over entries: the state that the lowering rules share.

If the result of an operation is used once, by an operation of the same shape, it becomes part of
that operation's expression. An array of moved entries (transposed, sliced, repeated …) is not
computed: its entries are read at their original location. Every other operation gets its own loops,
which `fusing` fuses afterwards.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from chainrule._src.base.errors import CompileError
from chainrule._src.compile.lower.nodes import (
    BOOL,
    ZERO,
    Access,
    Buffer,
    Call,
    Expr,
    Index,
    Load,
    Local,
    Select,
    cast,
    locals_in,
    loop_variable,
    whole,
)
from chainrule._src.compile.lower.numbers import Numbers
from chainrule._src.compile.lower.statements import Effect, Item, Let, Statement, Store, nest
from chainrule._src.compile.lower.uses import Uses
from chainrule._src.core.equations import Equation, Filled, Variable, at
from chainrule._src.core.program import Program
from chainrule._src.text.naming import Names
from chainrule._src.trace.batch import BatchScaled, Counted, Diagonal, Linear, counts

Axes = Sequence[tuple[Local, Any]]  # a loop variable and a size for each axis
Entry = Callable[[Index], Expr]  # from an index to the expression of an entry
View = Callable[[Index], tuple[Any, Index] | Load | None]  # from an index to an entry in memory

VECTOR = 16  # entries of the widest vector registers; shorter rows leave lanes empty
LOOP_VARIABLES = "ijklmpqrstuvw"
WORTHWHILE = 512  # entries from which a loop over other axes than samples is divided
DEEPEST = 64  # the largest depth of an expression


class Lowering:
    """The state of the lowering of a program: its loops, its buffers and its variables.

    Parameters
    ----------
    program : Program
        A program with composite operations expanded.
    names : Names
        The names of the program's variables.
    n : int
        A typical batch size, by which layouts are chosen.
    rules : mapping of type to callable
        For each kind of kernel, a function ``rule(lowering, equation, kernel)``.
    shared : bool
        If true, threads share the work.
    ordered : bool
        If true, every sum has a fixed order.

    Attributes
    ----------
    uses : Uses
        The equations that use each variable.
    items : list of Item
        The loops so far.
    buffers : list of Buffer
    stored : dict of Variable to Buffer
        Variables whose entries are in memory.
    entries : dict of Variable to Entry
        Variables whose entries are computed where they are used.
    views : dict of Variable to View
        Variables whose entries are entries of other arrays.
    scattered : dict of Variable to Scattered
        Variables that are not stored, because another operation scatters their entries again.
    owned : set of Variable
        Variables in memory of their own, which nothing else writes.
    readers : dict of Buffer to list of Variable
        Variables that are not stored, whose entries are computed from the entries of a buffer.
    several : dict of Variable to list of Buffer
        The buffers of operations with several results.
    numbers : Numbers
        The numbers in the loops.
    checks : list of str
        The error messages of index checks.
    """

    def __init__(
        self, program: Program, names: Names, n: int, rules: Mapping[Any, Any],
        shared: bool = False, ordered: bool = False,
    ) -> None:  # fmt: skip
        self.names, self.n, self.shared, self.ordered = names, n, shared, ordered
        self.uses, self._rules = Uses(program), rules
        self.items: list[Item] = []
        self.buffers: list[Buffer] = []
        self.stored: dict[Variable, Buffer] = {}
        self.entries: dict[Variable, Entry] = {}
        self.views: dict[Variable, View] = {}
        self.scattered: dict[Variable, Any] = {}
        self.owned: set[Variable] = set()
        self.readers: dict[Buffer, list[Variable]] = {}
        self._read: dict[Variable, set[Buffer]] = {}
        self.several: dict[Variable, list[Buffer]] = {}
        self.numbers = Numbers(names)
        self.checks: list[str] = []
        self._prelude: list[Item] = []
        self._letters = [names.fresh(letter) for letter in LOOP_VARIABLES]
        self.sample = loop_variable(self._letters[0], None)
        self._arrays: dict[int, Buffer] = {}
        self._depth: dict[Variable, int] = {}

    def lower(self, equation: Equation) -> None:
        """Lower an equation by the rule for its kind of kernel.

        Raises
        ------
        CompileError
            If the operation is not compiled.
        """
        kernel = equation.primitive.kernel
        if kernel is None:
            raise CompileError(f"{equation.primitive.name} runs in NumPy alone")
        self._rules[type(kernel)](self, equation, kernel)

    # Buffers

    def buffer(
        self, name: str, shape: Any, dtype: Any, role: str = "temporary", content: Any = None
    ) -> Buffer:
        """Create a buffer with a layout of long rows."""
        dtype = np.dtype(dtype)
        if dtype.kind not in "fiub" or dtype == np.float16 or dtype.itemsize > 8:
            raise CompileError(
                f"{name} has dtype {dtype}, which kernels do not work on; convert it with "
                ".astype(np.float32) or .astype(np.float64)"
            )
        order = tuple(range(len(shape))) if role == "data" else self.layout(shape)
        buffer = Buffer(name, tuple(shape), dtype, order, role, content)
        buffer.pointer = self.names.fresh(buffer.pointer)
        self.buffers.append(buffer)
        return buffer

    def layout(self, shape: Sequence[Any]) -> tuple[int, ...]:
        """Return the order of an array's axes in memory: a long axis last."""
        order = tuple(range(len(shape)))
        sizes = [at(size, self.n) for size in shape]
        if self.is_short(shape) and max(sizes) >= VECTOR:
            longest = sizes.index(max(sizes))
            return (*(axis for axis in order if axis != longest), longest)
        return order

    def is_short(self, shape: Sequence[Any]) -> bool:
        """Return true if the last axis is shorter than the processor's vectors."""
        return len(shape) > 1 and at(shape[-1], self.n) < VECTOR

    def input(self, variable: Variable, role: str, content: Any) -> Buffer:
        """Create the buffer of an input of the program."""
        buffer = self.buffer(self.names[variable], variable.shape, variable.dtype, role, content)
        self.stored[variable] = buffer
        return buffer

    def output(self, variable: Variable) -> Buffer:
        """Create the buffer of a result."""
        buffer = self.buffer(self.names[variable], variable.shape, variable.dtype)
        self.stored[variable] = buffer
        self.owned.add(variable)
        return buffer

    # Entries

    def entry(self, operand: Any, index: Index, dtype: Any = None) -> Expr:
        """Return an entry of a variable or constant, converted to ``dtype`` unless that is None."""
        if not isinstance(operand, Variable):
            return self.constant(operand, index, dtype)
        buffer = self.stored.get(operand)
        value = self.entries[operand](index) if buffer is None else buffer.at(index)
        return cast(cast(value, operand.dtype), dtype)

    def view(self, operand: Any, index: Index) -> Load | None:
        """Return the location in memory of an operand's entry, or None if it is computed."""
        while isinstance(operand, Variable):
            buffer = self.stored.get(operand)
            if buffer is not None:
                return buffer.at(index)
            source = self.views[operand](index) if operand in self.views else None
            if source is None or isinstance(source, Load):
                return source
            operand, index = source
        constant = self.constant(operand, index, None)
        return constant if isinstance(constant, Load) else None

    def constant(self, operand: Any, index: Index, dtype: Any) -> Expr:
        """Return an entry of a constant."""
        if isinstance(operand, Filled):
            return self.numbers.of(operand.number, dtype or operand.dtype)
        if isinstance(operand, Counted):
            moving = [i for i, size in zip(index, operand.shape, strict=True) if size != 1]
            entry = (moving[0] if moving else ZERO) + whole(operand.start)
            return cast(entry, dtype or operand.dtype)
        if isinstance(operand, Diagonal):
            return self._by_diagonal(operand, index, np.dtype(dtype or operand.dtype))
        if isinstance(operand, BatchScaled | Linear) or np.ndim(operand) == 0:
            return self.numbers.of(operand, dtype or np.asarray(_plain(operand)).dtype)
        array = np.asarray(operand)
        if array.dtype.kind in "iu" and counts(array):
            counted = Counted(array.shape, array.dtype, int(array.flat[0]))
            return self.constant(counted, index, dtype)
        if id(operand) not in self._arrays:
            name = self.names.fresh("constant")
            self._arrays[id(operand)] = self.buffer(
                name, array.shape, array.dtype, "constant", operand
            )
        return cast(self._arrays[id(operand)].at(index), dtype)

    def _by_diagonal(self, matrix: Diagonal, index: Index, dtype: Any) -> Expr:
        """Return an entry of a matrix with one number on each side of the diagonal."""
        row, column = (i for i, size in zip(index, matrix.shape, strict=True) if size != 1)
        below, on, above = (self.numbers.of(number, dtype) for number in matrix.numbers)
        beside = above
        if matrix.numbers[0] != matrix.numbers[2]:
            beside = Select(Call("gt", (row, column), BOOL), below, above)
        return Select(Call("eq", (row, column), BOOL), on, beside)

    # Loops

    def axes(self, shape: Sequence[Any]) -> list[tuple[Local, Any]]:
        """Return a loop variable and a size for each axis; ``i`` runs over the batch axis."""
        free = iter(self._letters[1:])
        axes: list[tuple[Local, Any]] = []
        has_sample = False
        for size in shape:
            first = isinstance(size, Linear) and not has_sample
            has_sample = has_sample or first
            fixed_size = size if isinstance(size, int) else None
            variable = self.sample if first else loop_variable(next(free), fixed_size)
            axes.append((variable, size))
        return axes

    def entries_of(self, sizes: Sequence[Any]) -> int:
        """Return the number of entries of an array of these sizes, for a typical batch size."""
        return math.prod(at(size, self.n) for size in sizes)

    def before(self, name: str, value: Expr) -> Local:
        """Assign a value to a new local variable before the current statement.

        Returns the variable.
        """
        local = Local(self.names.fresh(name), value.dtype)
        self._prelude.append(Let(local, value))
        return local

    def leaf(self, make: Callable[[], Statement]) -> list[Item]:
        """Return the statement of ``make()``, preceded by the assignments that it needs."""
        outer, self._prelude = self._prelude, []
        statement = make()
        items, self._prelude = [*self._prelude, statement], outer
        return items

    def with_prelude(self, make: Callable[[], Expr]) -> tuple[list[Item], Expr]:
        """Return the assignments that the expression of ``make()`` needs, and the expression."""
        *before, last = self.leaf(lambda: Effect(make()))
        assert isinstance(last, Effect)
        return before, last.call

    def store(self, variable: Variable, entry: Entry) -> Buffer:
        """Emit the loops that write all entries of a variable to a new buffer."""
        buffer = self.output(variable)
        axes = self.axes(buffer.shape)
        index = places(axes)
        before, value = self.with_prelude(lambda: entry(index))
        self.lie_along(buffer, index, self.in_memory_order([*before, Effect(value)], axes))
        leaf = [*before, Store(buffer.at(index), cast(value, buffer.dtype))]
        self.items += nest([axes[axis] for axis in buffer.order], leaf)
        return buffer

    def fill(self, buffer: Buffer, entry: Entry, first: Index = ()) -> None:
        """Emit the loops that write a buffer, or only the part with the first indices ``first``."""
        depth = len(first)
        axes = self.axes(buffer.shape[depth:])
        index = places(axes)
        target = buffer.at((*first, *index))
        leaf = self.leaf(lambda: Store(target, cast(entry(index), buffer.dtype)))
        self.items += nest([axes[axis - depth] for axis in buffer.order if axis >= depth], leaf)

    def in_memory_order(self, items: Sequence[Item], axes: Axes) -> list[tuple[Local, Any]]:
        """Return the loops in the axis order of the largest array that the items access."""
        sizes = dict(axes)
        best: list[Local] = []
        weight = 0
        for item in items:
            for access in item.accesses:
                mentioned = mentions(access)
                variables = list(dict.fromkeys(v for v in mentioned if v in sizes))
                entries = self.entries_of([sizes[v] for v in variables])
                if variables and entries > weight:
                    best, weight = variables, entries
        return [pair for pair in axes if pair[0] not in best] + [(v, sizes[v]) for v in best]

    def lie_along(self, buffer: Buffer, index: Index, loops: Axes) -> None:
        """Order the axes of an array with short rows like the loops that compute its entries."""
        if len(buffer.shape) > 2 and self.is_short(buffer.shape):
            ranks = {variable: rank for rank, (variable, _) in enumerate(loops)}
            first = [min((ranks.get(v, -1) for v in locals_in(i)), default=-1) for i in index]
            buffer.order = tuple(sorted(range(len(buffer.shape)), key=first.__getitem__))

    def ready(self, operand: Any) -> None:
        """Store an operand whose entries are read several times, unless they are in memory."""
        if isinstance(operand, Variable):
            index = places(self.axes(operand.shape))
            if self.view(operand, index) is None:
                self.hold(operand)

    def hold(self, variable: Variable) -> Buffer:
        """Return the variable's buffer; if it has none, store its entries in a new buffer."""
        return self.stored.get(variable) or self.store(variable, self.entries[variable])

    def written_out(self, variable: Variable, order: tuple[int, ...]) -> Buffer:
        """Copy the variable's entries to a new buffer with the axis order ``order``."""
        name = self.names[variable]
        stored = variable in self.stored
        name = self.names.fresh(f"{name}_turned") if stored else name
        buffer = self.buffer(name, variable.shape, variable.dtype)
        buffer.order = order
        self.fill(buffer, partial(self.entry, variable))
        if not stored:
            self.stored[variable] = buffer
        return buffer

    def define(self, variable: Variable, operands: Sequence[Any], entry: Entry) -> None:
        """Set the expression of a variable's entries: inlined into its user, or stored by loops."""
        if not (self.uses.is_inlined(variable) and self._nest(variable, operands)):
            self.store(variable, entry)
            return
        self.note_readers(variable, operands)
        if self.names.is_named(variable):  # names of the user's code become local variables
            name = self.names[variable]

            def named(index: Index) -> Expr:
                return self.before(f"{name}_{letters(index)}", entry(index))

            self.entries[variable] = named
        else:
            self.entries[variable] = entry

    def move(self, variable: Variable, operands: Sequence[Any], entry: Entry, view: View) -> None:
        """Set the entries of a variable to moved entries of operands.

        ``view`` returns the location of an entry, or None if it is not always a single one.
        """
        if self._nest(variable, operands):
            self.note_readers(variable, operands)
            self.entries[variable], self.views[variable] = entry, view
        else:
            self.store(variable, entry)

    def note_readers(self, variable: Variable, operands: Sequence[Any]) -> None:
        """Note the buffers from which the entries of a variable will be computed."""
        read: set[Buffer] = set()
        for operand in operands:
            if isinstance(operand, Variable):
                stored = operand in self.stored
                read |= {self.stored[operand]} if stored else self._read.get(operand, set())
        self._read[variable] = read
        for buffer in read:
            self.readers.setdefault(buffer, []).append(variable)

    def _nest(self, variable: Variable, operands: Sequence[Any]) -> bool:
        """Record the depth of a variable's expression; return false if it is too deep."""
        depths = [self._depth.get(o, 0) for o in operands if isinstance(o, Variable)]
        depth = 1 + max(depths, default=0)
        if depth <= DEEPEST:
            self._depth[variable] = depth
        return depth <= DEEPEST


def places(axes: Axes) -> Index:
    """Return the index of the current entry of loops: 0 along an axis of size 1."""
    return tuple([ZERO if size == 1 else variable for variable, size in axes])


def mentions(access: Access) -> list[Local]:
    """Return the local variables in the index of an access, in order."""
    return [variable for part in access.index or () for variable in locals_in(part)]


def letters(index: Index) -> str:
    """Return the joined names of an index's loop variables."""
    return "".join(part.name for part in index if isinstance(part, Local)) or "0"


def _plain(operand: Any) -> Any:
    return operand.at(1) if isinstance(operand, BatchScaled | Linear) else operand
