"""From equations to loops over entries: what the rules for each kind of operation share.

An operation whose result is used once by another of the same shape becomes part of the expression
that uses it; a moved array (transposed, sliced, repeated …) is never made: its entries are read
where they are. Everything else gets loops of its own, which `loops.fuse` joins afterwards.
"""

from __future__ import annotations

import ast
import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from chainrule.autodiff.trees import leaves
from chainrule.errors import CompileError
from chainrule.ops.kernel import Elementwise, Reduction, Scatter
from chainrule.program.batch import Counted, Filled, Linear, Scaled, at
from chainrule.program.equations import Variable
from chainrule.program.loops import PARTS, Buffer, Item, Statement, nest
from chainrule.program.naming import Names
from chainrule.program.program import Program

Axes = Sequence[tuple[str, str]]  # a loop variable and an extent for each axis
Entry = Callable[[Sequence[str]], ast.expr]  # from an index to the expression of an entry

VECTOR = 16  # entries that a processor works on at once; shorter rows waste it
_NAMES = re.compile(r"[^\W\d]\w*")
LOOP_VARIABLES = "ijklmpqrstuvw"
SMALL = 16  # whole numbers up to here are written into a kernel, others are arguments of it


class Lowering:
    """What is known of a program while its equations become loops.

    Parameters
    ----------
    program : Program
        With composite operations expanded.
    names : Names
        Of its variables.
    n : int
        A typical batch size, by which layouts are chosen.
    shared : bool
        Whether threads share the work.

    Attributes
    ----------
    items : list of Item
        The loops so far.
    buffers : dict of str to Buffer
    stored : dict of Variable to Buffer
        Variables whose entries are in memory.
    entries : dict of Variable to Entry
        Variables whose entries are computed where they are used.
    scattered : dict of Variable to Scattered
        Variables whose entries are put where another operation scatters them to.
    constants : dict of str to (str, str)
        Local variables set before the loops: name → dtype and expression.
    lifted : list of float
        Numbers that the kernel takes as arguments.
    checks : list of str
        What an index out of range belongs to.
    """

    def __init__(self, program: Program, names: Names, n: int, shared: bool) -> None:
        self.names, self.n, self.shared = names, n, shared
        self.items: list[Item] = []
        self.buffers: dict[str, Buffer] = {}
        self.stored: dict[Variable, Buffer] = {}
        self.entries: dict[Variable, Entry] = {}
        self.scattered: dict[Variable, Any] = {}
        self.constants: dict[str, tuple[str, str]] = {}
        self.lifted: list[float] = []
        self.checks: list[str] = []
        self._prelude: list[Item] = []
        self._loop_variables = [names.fresh(letter) for letter in LOOP_VARIABLES]
        self._uses = Counter(v for e in program.equations for v in e.variables)
        self._user = {v: e for e in program.equations for v in e.variables}
        self._kept = {v for _, v in leaves(program.result) if isinstance(v, Variable)}

    # Buffers

    def buffer(
        self, name: str, shape: Any, dtype: Any, role: str = "temporary", content: Any = None
    ) -> Buffer:
        """Make a buffer, laid out so that the rows are long."""
        dtype = np.dtype(dtype)
        if dtype.kind not in "fiub" or dtype in (np.float16, np.longdouble):
            raise CompileError(f"{name} has dtype {dtype}, which kernels do not work on")
        order = tuple(range(len(shape))) if role == "data" else self.layout(shape)
        made = Buffer(name, tuple(shape), dtype, order, role, content)
        self.buffers[name] = made
        return made

    def layout(self, shape: Sequence[Any]) -> tuple[int, ...]:
        """Return the axes of an array as they are to lie in memory."""
        order = tuple(range(len(shape)))
        sizes = [1 if size == PARTS else at(size, self.n) for size in shape]
        if self.is_short(shape) and max(sizes) >= VECTOR:
            longest = sizes.index(max(sizes))
            return (*(axis for axis in order if axis != longest), longest)
        return order

    def is_short(self, shape: Sequence[Any]) -> bool:
        """Whether rows that lie as the axes are would waste the processor's vectors."""
        return len(shape) > 1 and shape[-1] != PARTS and at(shape[-1], self.n) < VECTOR

    def input(self, variable: Variable, role: str, content: Any) -> Buffer:
        """Make the buffer of an input of the program."""
        made = self.buffer(self.names[variable], variable.shape, variable.dtype, role, content)
        self.stored[variable] = made
        return made

    def output(self, variable: Variable) -> Buffer:
        """Make the buffer of a result."""
        made = self.buffer(self.names[variable], variable.shape, variable.dtype)
        self.stored[variable] = made
        return made

    # Entries

    def entry(self, operand: Any, index: Sequence[str], dtype: Any = None) -> ast.expr:
        """Return the expression of an entry of a variable or constant, as a number of a type."""
        if not isinstance(operand, Variable):
            return self.constant(operand, index, dtype)
        held = self.stored.get(operand)
        expression = self.entries[operand](index) if held is None else held.at(index)
        return cast(expression, operand.dtype, dtype)

    def constant(self, thing: Any, index: Sequence[str], dtype: Any) -> ast.expr:
        """Return the expression of an entry of a constant."""
        if isinstance(thing, Filled):
            return self.number(thing.number, dtype or thing.dtype)
        if isinstance(thing, Counted):
            moving = [i for i, size in zip(index, thing.shape, strict=True) if size != 1]
            return cast(parsed(moving[0] if moving else "0"), np.int64, dtype)
        if isinstance(thing, Scaled | Linear) or np.ndim(thing) == 0:
            return self.number(thing, dtype or np.asarray(_plain(thing)).dtype)
        array = np.asarray(thing)
        counts = array.dtype.kind in "iu" and array.size == max(array.shape)
        if counts and np.array_equal(array.ravel(), np.arange(array.size)):
            return self.constant(Counted(array.shape, array.dtype), index, dtype)
        held = self.buffer(
            self.names.fresh("constant"), array.shape, array.dtype, "constant", array
        )
        return cast(held.at(index), array.dtype, dtype)

    def number(self, thing: Any, dtype: Any) -> ast.expr:
        """Return a number; one that is not small and whole is an argument of the kernel."""
        dtype = np.dtype(dtype)
        if isinstance(thing, Scaled | Linear):
            return self._local(f"{dtype.name}({thing})", dtype)
        value = np.asarray(thing)[()]
        if dtype.kind == "b":
            return ast.Constant(bool(value))
        if dtype.kind in "iu":
            return ast.Constant(int(value))
        if np.isinf(value):
            return parsed(f"{dtype.name}({'-' if value < 0 else ''}inf)")
        if float(value).is_integer() and abs(value) <= SMALL:
            return parsed(f"{dtype.name}({int(value)})")
        known = [repr(number) for number in self.lifted]  # as text, since NaN equals nothing
        if repr(float(value)) not in known:
            known.append(repr(float(value)))
            self.lifted.append(float(value))
        return self._local(f"{dtype.name}(constants[{known.index(repr(float(value)))}])", dtype)

    def _local(self, expression: str, dtype: Any) -> ast.expr:
        """Return a local variable that is set once, before the loops."""
        for name, known in self.constants.items():
            if known == (dtype.name, expression):
                return loaded(name)
        name = self.names.fresh("c")
        self.constants[name] = (dtype.name, expression)
        return loaded(name)

    def glance(self, operand: Any, index: Sequence[str]) -> ast.expr | None:
        """Return the expression of an entry if nothing need be done for it first."""
        checks, outer, self._prelude = len(self.checks), self._prelude, []
        expression = self.entry(operand, index)
        bare = not self._prelude and len(self.checks) == checks
        self._prelude = outer
        del self.checks[checks:]
        return expression if bare else None

    # Loops

    def axes(self, shape: Sequence[Any]) -> list[tuple[str, str]]:
        """Return a loop variable and an extent for each axis: ``i`` is the sample."""
        sample, *others = self._loop_variables
        free = iter(others)
        found: list[tuple[str, str]] = []
        for size in shape:
            first = isinstance(size, Linear) and all(variable != sample for variable, _ in found)
            found.append((sample if first else next(free), str(size)))
        return found

    @property
    def sample(self) -> str:
        """The loop variable of samples."""
        return self._loop_variables[0]

    def entries_of(self, extents: Sequence[str]) -> int:
        """Return how many entries loops of these extents go over, for a typical batch."""
        return math.prod(int(eval(extent, {"n": self.n, PARTS: 2})) for extent in extents)

    def before(self, name: str, value: ast.expr) -> ast.expr:
        """Set a new local variable before the statement in the making, and return it."""
        local = self.names.fresh(name)
        self._prelude.append(assign(loaded(local), value))
        return loaded(local)

    def leaf(self, make: Callable[[], ast.stmt]) -> list[Item]:
        """Return a statement after those that it needs."""
        outer, self._prelude = self._prelude, []
        node = make()
        items, self._prelude = [*self._prelude, Statement(node)], outer
        return items

    def store(self, variable: Variable, entry: Entry) -> Buffer:
        """Emit the loops that write an array."""
        made = self.output(variable)
        axes = self.axes(made.shape)
        index = places(axes)
        *before, last = self.leaf(lambda: ast.Expr(entry(index)))
        self.lie_along(made, index, self.in_memory_order([*before, last], axes))
        leaf = [*before, assign(made.at(index), last.node.value)]  # type: ignore[union-attr]
        self.items += nest([axes[axis] for axis in made.order], leaf)
        return made

    def fill(self, buffer: Buffer, entry: Entry) -> None:
        """Emit the loops that write a buffer."""
        axes = self.axes(buffer.shape)
        index = places(axes)
        leaf = self.leaf(lambda: assign(buffer.at(index), entry(index)).node)
        self.items += nest([axes[axis] for axis in buffer.order], leaf)

    def in_memory_order(self, items: Sequence[Item], axes: Axes) -> list[tuple[str, str]]:
        """Return loops in the order in which the largest array touched lies in memory."""
        extents = dict(axes)
        best: list[str] = []
        weight = 0
        for item in items:
            for access in item.accesses:
                parts = (name for part in access.index for name in _NAMES.findall(part))
                found = list(dict.fromkeys(name for name in parts if name in extents))
                entries = self.entries_of([extents[v] for v in found])
                if found and entries > weight:
                    best, weight = found, entries
        return [pair for pair in axes if pair[0] not in best] + [(v, extents[v]) for v in best]

    def lie_along(self, made: Buffer, index: Sequence[str], loops: Axes) -> None:
        """Let an array whose rows are short lie as what it is made from, which loops run along."""
        if len(made.shape) > 2 and self.is_short(made.shape):
            ranks = {variable: rank for rank, (variable, _) in enumerate(loops)}
            first = [min((ranks.get(v, -1) for v in _NAMES.findall(i)), default=-1) for i in index]
            made.order = tuple(sorted(range(len(made.shape)), key=first.__getitem__))

    def lies_ready(self, operand: Any) -> bool:
        """Whether entries are read from an array as they are."""
        expression = self.glance(operand, places(self.axes(shape_of(operand))))
        return isinstance(expression, ast.Subscript)

    def ready(self, operand: Any) -> None:
        """Make an operand whose entries are read several times, unless they lie in an array."""
        if isinstance(operand, Variable) and not self.lies_ready(operand):
            self.hold(operand)

    def hold(self, variable: Variable) -> Buffer:
        """Return the variable's buffer; a moved or unnamed array is written out if it must be."""
        return self.stored.get(variable) or self.store(variable, self.entries[variable])

    def written_out(self, variable: Variable, order: tuple[int, ...]) -> Buffer:
        """Return a buffer with the variable's entries whose axes lie in an order."""
        name = self.names[variable]
        stored = variable in self.stored
        name = self.names.fresh(f"{name}_turned") if stored else name
        made = self.buffer(name, variable.shape, variable.dtype)
        made.order = order
        self.fill(made, partial(self.entry, variable))
        if not stored:
            self.stored[variable] = made
        return made

    def define(self, variable: Variable, entry: Entry) -> None:
        """Let an entry be computed where it is used, or in loops of its own."""
        if not self._stands_inside(variable):
            self.store(variable, entry)
        elif self.names.given(variable):  # the code's own names stay, as local variables
            name = self.names[variable]

            def named(index: Sequence[str]) -> ast.expr:
                return self.before(f"{name}_{_letters(index)}", entry(index))

            self.entries[variable] = named
        else:
            self.entries[variable] = entry

    def _stands_inside(self, variable: Variable) -> bool:
        if self._uses[variable] != 1 or variable in self._kept:
            return False
        user = self._user[variable]
        if isinstance(user.primitive.kernel, Elementwise):
            return user.output.shape == variable.shape
        return isinstance(user.primitive.kernel, Reduction) or self._is_scattered(variable)

    def scatters_again(self, variable: Variable) -> bool:
        """Whether all that is done with a scattered array is to scatter it once more."""
        once = self._uses[variable] == 1 and variable not in self._kept
        return once and self._is_scattered(variable)

    def _is_scattered(self, variable: Variable) -> bool:
        user = self._user[variable]
        first = user.operands[0] is variable and bool(variable.shape)
        return first and isinstance(user.primitive.kernel, Scatter)


def places(axes: Axes) -> list[str]:
    """Return the index that loops run over: 0 along an axis of one entry."""
    return ["0" if extent == "1" else variable for variable, extent in axes]


def shape_of(operand: Any) -> tuple[Any, ...]:
    """Return the shape of a variable or constant."""
    if isinstance(operand, Variable | Filled | Counted):
        return tuple(operand.shape)
    return () if isinstance(operand, Scaled | Linear) else np.shape(operand)


def parsed(text: str) -> ast.expr:
    """Return an expression from its text."""
    return ast.parse(text, mode="eval").body


def loaded(name: str) -> ast.expr:
    """Return a variable that is read."""
    return ast.Name(name, ast.Load())


def stored(target: ast.expr) -> Any:
    """Return a place that is written to."""
    copy = parsed(ast.unparse(target))
    copy.ctx = ast.Store()  # type: ignore[attr-defined]
    return copy


def assign(target: ast.expr, value: ast.expr) -> Statement:
    """Return ``target = value``."""
    return Statement(ast.Assign([stored(target)], value, lineno=0))


def cast(expression: ast.expr, has: Any, wants: Any) -> ast.expr:
    """Return an expression as a number of another type."""
    if wants is None or np.dtype(has) == np.dtype(wants):
        return expression
    wanted = np.dtype(wants)
    if wanted.kind == "b":
        return ast.Compare(expression, [ast.NotEq()], [ast.Constant(0)])
    return ast.Call(loaded(wanted.name), [expression], [])


def _letters(index: Sequence[str]) -> str:
    return "".join(part for part in index if part.isidentifier()) or "0"


def _plain(thing: Any) -> Any:
    return thing.at(1) if isinstance(thing, Scaled | Linear) else thing
