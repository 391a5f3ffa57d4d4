"""A program becomes a kernel: typed statements on buffers, with the names of the source code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np

from chainrule._src.base.errors import CompileError
from chainrule._src.compile.lower import driver
from chainrule._src.compile.lower.elementwise import numbered
from chainrule._src.compile.lower.fusing import fuse
from chainrule._src.compile.lower.lowering import Lowering
from chainrule._src.compile.lower.matrices import cholesky, order, solution
from chainrule._src.compile.lower.memory import in_place, on_the_stack, renewals, slots
from chainrule._src.compile.lower.moving import checked, gathered, moved, scattered
from chainrule._src.compile.lower.nodes import (
    ROW,
    ROWS,
    START,
    ZERO,
    Buffer,
    Call,
    Const,
    Expr,
    Index,
    Load,
    N,
    Select,
    cast,
)
from chainrule._src.compile.lower.numbers import FIXED, FLOAT64
from chainrule._src.compile.lower.operations import operations, shape_of
from chainrule._src.compile.lower.products import contraction
from chainrule._src.compile.lower.reading import Function, framed
from chainrule._src.compile.lower.recurrences import recurrence, result
from chainrule._src.compile.lower.reductions import best, reduction, scan
from chainrule._src.compile.lower.registers import hoist, keep_in_locals
from chainrule._src.compile.lower.replacing import elementwise_or_added, reads_first, replaced
from chainrule._src.compile.lower.sections import (
    THREAD,
    THREADS,
    Group,
    Section,
    apart,
    own_parts,
    shared_out,
)
from chainrule._src.compile.lower.statements import Declare, Item, Product, Store, walk
from chainrule._src.compile.lower.text import lines
from chainrule._src.compile.lower.text import text as written
from chainrule._src.core.equations import Variable, at
from chainrule._src.core.kernel import (
    ArgExtremum,
    Checked,
    CholeskyFactor,
    Contraction,
    Elementwise,
    Gather,
    Numbered,
    Pieces,
    Recurrence,
    Reduction,
    Replacement,
    ResultItem,
    Scan,
    Scatter,
    Solution,
    SortedOrder,
)
from chainrule._src.core.program import Program
from chainrule._src.core.trees import Path, leaves
from chainrule._src.text.naming import Names
from chainrule._src.trace.batch import every
from chainrule._src.trace.passes import fixed, needed

LONGEST = 10_000  # equations at most, which compile in about ten seconds
LARGE = 1.2e6  # operations of an update from which its work is divided among threads
RESERVED = (
    *FIXED, "n", "epoch", "at", "steps", "batch", "samples", "step", "start", "row", "value",
    "wrap", "within", "carray", "empty", "sgemm", "dgemm", "float32", "float64", "int64", "inf",
    "done", "thread", "threads", "part", "share", "meet", "flush", "restore", "control",
    "exp", "log", "tanh", "erf", "wave", "far_wave", "natural", "random_bits", "rows",
    "first", "last",
)  # fmt: skip
RULES: dict[Any, Any] = {
    Elementwise: elementwise_or_added, Numbered: numbered, Pieces: moved, Gather: gathered,
    Scatter: scattered, Replacement: replaced, Checked: checked, Reduction: reduction,
    ArgExtremum: best, Scan: scan, Contraction: contraction, Recurrence: recurrence,
    ResultItem: result, SortedOrder: order, CholeskyFactor: cholesky, Solution: solution,
}  # fmt: skip


@dataclass(eq=False, repr=False)
class Kernel:
    """A kernel and the description of its arguments.

    Attributes
    ----------
    function : Function
        The function, whose arguments are the `FIXED` buffers and the `pointed` ones.
    buffers : list of Buffer
        All buffers of the kernel.
    slots : dict of Buffer to Buffer
        For each temporary that reuses memory, the earlier temporary that owns the memory.
    shared : bool
        True if several threads may run the kernel together, each a part of the work.
    constants : list of float
        Numbers that are arguments, so that the same machine code serves other numbers too.
    checks : list of str
        Error messages. The kernel writes the number of the message into ``fault``.
    own : set of Buffer
        Temporaries of which each thread may own a copy.
    one : bool
        True if the batch size is 1. Loops over entries are then short and are unrolled, and the
        order of every sum is fixed.
    llvm : list or None
        The modules in LLVM's language, until they are compiled.
    key : str or None
        The cache key of the machine code on disk, or None if it is not computed yet.
    """

    function: Function
    buffers: list[Buffer]
    slots: dict[Buffer, Buffer]
    shared: bool
    constants: list[float]
    checks: list[str]
    own: set[Buffer]
    one: bool = False
    llvm: Any = None
    key: str | None = None

    @cached_property
    def pointed(self) -> list[Buffer]:
        """The buffers that own memory, in the order of the pointer arguments."""
        return _pointed(self.buffers, self.slots)

    @cached_property
    def products(self) -> list[Product]:
        """The matrix products."""
        return [item for item in statements(self.function.body) if isinstance(item, Product)]

    @cached_property
    def dtypes(self) -> list[str]:
        """The names of the dtypes of the function's arguments."""
        return [buffer.dtype.name for buffer in (*FIXED.values(), *self.pointed)]

    @cached_property
    def text(self) -> str:
        """The kernel as Python code."""
        function = self.function
        pointers = [buffer.pointer for buffer in self.pointed]
        head = f"def {function.name}({', '.join([*FIXED, *pointers])}):"
        last = f"    return {written(function.result)}"
        return "\n".join([head, *lines(function.body, "    "), last]) + "\n"


def _pointed(buffers: Sequence[Buffer], shares: Mapping[Buffer, Buffer]) -> list[Buffer]:
    return [b for b in buffers if b not in shares and b.role != "local"]


def statements(items: Sequence[Any]) -> Iterator[Any]:
    """Yield every statement, including those inside of loops and conditions."""
    for item in items:
        if hasattr(item, "body"):
            yield from statements(item.body)
        else:
            yield item


def training_kernel(
    program: Program, n: int, dtypes: Mapping[Path, Any], threads: bool = True
) -> Kernel:
    """Return the kernel that runs updates: it gathers batches, computes, and updates the state.

    Parameters
    ----------
    program : Program
        The program of ``step(carry, *data)`` → ``(loss, carry)``.
    n : int
        The batch size. A kernel for 1 serves no other size; a larger size only chooses the layout.
    dtypes : mapping of path to dtype
        The dtypes of the data.
    threads : bool, default True
        If false, the work is never divided among threads.
    """
    if n == 1:
        program = fixed(program, n)
    program = needed(program)
    shared = threads and bool(program.batch) and operations(program, n) >= LARGE
    writer = _KernelBuilder(program, n, shared, ordered=n == 1)
    carry_name = next(iter(program.arguments))
    loss, carry = program.result
    data = {name: tree for name, tree in program.arguments.items() if name != carry_name}
    old = dict(leaves({carry_name: program.arguments[carry_name]}))
    new = dict(leaves({carry_name: carry}))
    for path, variable in old.items():
        writer.lowering.input(variable, "state", path)
    for path, variable in leaves(data):
        writer.gather(variable, path, dtypes[path])
    writer.equations()
    writer.loss(loss)
    stored = writer.lowering.stored
    changed = [path for path in old if new[path] is not old[path]]
    renewed = renewals(writer.lowering, [(stored[old[path]], new[path]) for path in changed])
    return writer.kernel(driver.train, renewed)


def function_kernel(program: Program, n: int = 1) -> Kernel:
    """Return the kernel that runs a program once, for any batch size if the program is general.

    Arguments and results have NumPy's memory layout; other layouts are chosen by ``n``.
    """
    program = needed(program)
    writer = _KernelBuilder(program, n)
    low = writer.lowering
    for path, variable in leaves(program.arguments):
        low.input(variable, "argument", path).order = tuple(range(len(variable.shape)))
    writer.equations()
    for path, leaf in leaves({"result": program.result}):
        dtype = leaf.dtype if isinstance(leaf, Variable) else np.asarray(at(leaf, 1)).dtype
        shape = shape_of(leaf)
        buffer = low.buffer(writer.names.fresh("result"), shape, dtype, "result", path)
        buffer.order = tuple(range(len(shape)))
        low.fill(buffer, partial(low.entry, leaf, dtype=dtype))
    return writer.kernel(driver.run)


class _KernelBuilder:
    """Builds a kernel: lowers the equations, runs the passes, and adds the frame."""

    def __init__(
        self, program: Program, n: int, shared: bool = False, ordered: bool = False
    ) -> None:
        program = reads_first(program)
        self.program, self.shared = program, shared
        self.names = Names(program, None, "value", RESERVED, renames=True)
        self.lowering = Lowering(program, self.names, n, RULES, shared, ordered)
        self.one = n == 1  # the loop over samples is the loop over updates
        self.loss_value = Buffer("loss_value", (), FLOAT64, ())

    def gather(self, variable: Variable, path: Path, dtype: Any) -> None:
        """Read the batch of a variable from the data, in the order of samples."""
        low = self.lowering
        name, shape = self.names.fresh(f"{variable.name}_all"), (ROWS, *variable.shape[1:])
        data = low.buffer(name, shape, dtype, "data", path)

        def place(index: Index) -> Load:
            row: Expr = ROW if self.one else Load(FIXED["order"], (START + index[0],))
            return data.at((row, *index[1:]))

        def entry(index: Index) -> Expr:
            return cast(place(index), variable.dtype)

        if self.one:  # without a copy
            low.entries[variable] = entry
            if data.dtype == variable.dtype:
                low.views[variable] = place
        else:
            low.store(variable, entry)

    def equations(self) -> None:
        """Lower every equation."""
        count = sum(1 for _ in every(self.program.equations))
        if count > LONGEST:
            raise CompileError(
                f"it has {count:,} equations, more than {LONGEST:,}, since a loop is recorded turn "
                "by turn"
            )
        for equation in self.program.equations:
            self.lowering.lower(equation)

    def loss(self, variable: Any) -> None:
        """Store the loss in a buffer; infinity if an index was out of range."""
        low = self.lowering
        self.loss_value = low.buffer(self.names.fresh("loss_value"), (), np.float64)
        fails = Call("ne", (Load(FIXED["fault"], (ZERO,)), ZERO), np.dtype(bool))  # of an index

        def value() -> Store:
            infinite = Const(np.inf, FLOAT64)
            chosen = Select(fails, infinite, low.entry(variable, (), FLOAT64))
            return Store(self.loss_value.at(()), chosen)

        low.items += low.leaf(value)

    def kernel(self, frame: Any, renewed: Mapping[Buffer, Buffer] | None = None) -> Kernel:
        """Run the passes and build the kernel; ``renewed`` maps new to old buffers of the state."""
        low, used_names = self.lowering, self.names.taken
        items = in_place(low, fuse(low.items), renewed or {})
        gone = keep_in_locals(items, [self.loss_value], used_names, inside=self.shared)
        alone = Section([Group((None, None), items)])
        sections = shared_out(items, low) if self.shared else [alone]
        groups = [group for section in sections for group in section.groups]
        for group in groups:
            hoist(group.items, used_names)
        body = [item for group in groups for item in group.items]
        used = {a.what for statement in walk(body) for a in statement.accesses}
        buffers = [b for b in low.buffers if b in used and b not in gone and b.home is None]
        one = self.one and frame is driver.train
        if one:
            on_the_stack(buffers)
        shares = slots(sections, buffers)
        per_thread: set[Buffer] = set()
        if self.shared:
            per_thread = apart(sections, buffers, shares, low.sample)
            body = [item for section in sections for item in section.shared()]
        function = self._framed(frame, body, buffers, shares)
        numbers, checks = low.numbers.lifted, low.checks
        return Kernel(function, buffers, shares, self.shared, numbers, checks, per_thread, one)

    def _framed(
        self, frame: Any, body: list[Item], buffers: list[Buffer], shares: dict[Buffer, Buffer]
    ) -> Function:
        declared = [Declare(b, shares.get(b, b).pointer) for b in buffers]
        names = {
            **FIXED, "n": N, "row": ROW, "start": START, "thread": THREAD,
            "threads": THREADS, "rows": ROWS, "loss": self.loss_value,
        }  # fmt: skip
        hooks: dict[str, list[Any]] = {
            "declare": [
                *(d for d in declared if not d.varies),
                *(own_parts() if self.shared else ()),
            ],
            "prepare": [*(d for d in declared if d.varies), *self.lowering.numbers.before],
            "update": body,
        }
        function = framed(frame, names, hooks)
        function.arguments = [*FIXED.values(), *_pointed(buffers, shares)]
        return function
