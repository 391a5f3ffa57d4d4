"""A program as the text of a kernel: Python loops that Numba compiles.

The text has the names of the readable source. A kernel takes pointers, so that it can be compiled
once, kept on disk and called from any process.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np

from chainrule.autodiff.trees import Path, leaves
from chainrule.errors import CompileError
from chainrule.ops.kernel import (
    Best,
    Checked,
    Contraction,
    Elementwise,
    Gather,
    Numbered,
    Pieces,
    Reduction,
    Scan,
    Scatter,
)
from chainrule.program.batch import Linear, at
from chainrule.program.equations import Variable
from chainrule.program.fusing import fuse, hoist, keep_in_locals
from chainrule.program.loops import (
    Buffer,
    Item,
    nest,
    renamed,
    walk,
)
from chainrule.program.lowering import Lowering, assign, cast, parsed, places, shape_of
from chainrule.program.naming import Names
from chainrule.program.passes import fixed, needed
from chainrule.program.places import checked, gathered, moved, scattered
from chainrule.program.products import contraction, operations
from chainrule.program.program import Program
from chainrule.program.reductions import best, reduction, scan
from chainrule.program.scalars import elementwise, numbered
from chainrule.program.sections import Section, shared_out
from chainrule.program.threads import making

FIXED = ("sizes", "constants", "fault", "totals", "order", "meeting")  # first arguments
FIXED_DTYPES = ("int64", "float64", "int64", "float64", "int64", "int64")
LONGEST = 2000  # equations, which compile in some minutes
LARGE = 2e6  # operations of an update from which threads share its work
RESERVED = (
    *FIXED, "n", "epoch", "at", "steps", "batch", "samples", "rows", "step", "start", "row",
    "value", "wrap", "within", "carray", "sgemm", "dgemm", "float32", "float64", "int64", "inf",
    "thread", "threads", "part", "parts", "share", "meet", "flush", "restore", "control", "exp",
    "log", "tanh", "erf", "natural", "random_bits",
)  # fmt: skip


_MENTIONS_N = re.compile(r"\bn\b")
RULES: dict[Any, Any] = {
    Elementwise: elementwise, Numbered: numbered, Pieces: moved, Gather: gathered,
    Scatter: scattered, Checked: checked, Reduction: reduction, Best: best, Scan: scan,
    Contraction: contraction,
}  # fmt: skip


@dataclass(eq=False)
class Kernel:
    """The text of a kernel and what it must be called with.

    Attributes
    ----------
    name, text : str
        A function ``name(sizes, constants, fault, totals, order, *pointers)``.
    buffers : list of Buffer
        What the pointers point to, in order.
    slots : dict of str to str
        Temporaries that share the memory of an earlier one.
    shared : bool
        Whether several threads may run it together, each a part of the work.
    constants : list of float
        Numbers that the text leaves open, so that one text serves many of them.
    checks : list of str
        What went wrong, by the number that the kernel leaves in ``fault``.
    """

    name: str
    text: str
    buffers: list[Buffer]
    slots: dict[str, str]
    shared: bool
    constants: list[float]
    checks: list[str]

    @cached_property
    def pointed(self) -> list[Buffer]:
        """The buffers with memory of their own, in the order of the pointers."""
        return [buffer for buffer in self.buffers if buffer.name not in self.slots]

    @cached_property
    def multiplies(self) -> bool:
        """Whether BLAS is called."""
        return "gemm(" in self.text

    @cached_property
    def dtypes(self) -> list[str]:
        """What the function's arguments point to."""
        return [*FIXED_DTYPES, *(buffer.dtype.name for buffer in self.pointed)]


@making()
def training_kernel(program: Program, n: int, dtypes: Mapping[Path, Any]) -> Kernel:
    """Write the kernel that runs updates: batches gathered, gradients taken, state renewed.

    Parameters
    ----------
    program : Program
        Of ``step(carry, *data)`` → ``(loss, carry)``.
    n : int
        The batch size. 1 is compiled for itself; larger ones choose the layout alone.
    dtypes : mapping of path to dtype
        Of the data where samples are read from.
    """
    if n == 1:
        program = fixed(program, n)
    program = needed(program)
    writer = _Writer(program, n)
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
    pairs = [(old[path], new[path]) for path in old if new[path] is not old[path]]
    writer.renew(pairs)
    return writer.kernel("train", n)


@making()
def function_kernel(program: Program) -> Kernel:
    """Write the kernel that runs a program once, for the shapes it was recorded with.

    Arguments and results lie in memory as NumPy's arrays do.
    """
    program = needed(program)
    writer = _Writer(program, 1)
    low = writer.lowering
    for path, variable in leaves(program.arguments):
        low.input(variable, "argument", path).order = tuple(range(len(variable.shape)))
    writer.equations()
    for path, leaf in leaves({"result": program.result}):
        dtype = leaf.dtype if isinstance(leaf, Variable) else np.asarray(at(leaf, 1)).dtype
        shape = shape_of(leaf)
        made = low.buffer(writer.names.fresh("result"), shape, dtype, "result", path)
        made.order = tuple(range(len(shape)))
        low.fill(made, partial(low.entry, leaf, dtype=dtype))
    return writer.kernel("run", 1)


class _Writer:
    """Puts a kernel together."""

    loss_name: str | None = None

    def __init__(self, program: Program, n: int) -> None:
        self.program = program
        names = Names(program, None, "value", RESERVED, renames=True)
        self.shared = bool(program.batch) and operations(program, n) >= LARGE
        self.lowering = Lowering(program, names, n, self.shared)
        self.names = names
        self.one = n == 1  # the loop over samples is the loop over updates
        self.next_of: dict[str, str] = {}

    def gather(self, variable: Variable, path: Path, dtype: Any) -> None:
        """Let a batch be read from the data in the order given."""
        low = self.lowering
        whole = low.buffer(
            self.names.fresh(f"{variable.name}_all"),
            ("rows", *variable.shape[1:]),
            dtype,
            "data",
            path,
        )

        def entry(index: Sequence[str]) -> ast.expr:
            row = "row" if self.one else f"order[start + {index[0]}]"
            return cast(whole.at([row, *index[1:]]), dtype, variable.dtype)

        if self.one:  # read where it lies
            low.entries[variable] = entry
        else:
            low.store(variable, entry)

    def equations(self) -> None:
        """Lower every equation."""
        count = len(self.program.equations)
        if count > LONGEST:
            raise CompileError(
                f"it has {count:,} equations, more than {LONGEST:,}, since a loop is recorded turn "
                "by turn"
            )
        for equation in self.program.equations:
            kernel = equation.primitive.kernel
            if kernel is None:
                raise CompileError(f"{equation.primitive.name} runs in NumPy alone")
            RULES[type(kernel)](self.lowering, equation, kernel)

    def loss(self, variable: Any) -> None:
        """Let the loss be known outside."""
        low = self.lowering
        made = low.buffer(self.names.fresh("loss_value"), (), np.float64, "temporary")
        value = low.entry(variable, [], np.float64)
        fails = parsed("fault[0] != 0")  # of an index: the run must end
        low.items.append(assign(made.at([]), ast.IfExp(fails, parsed("float64(inf)"), value)))
        self.loss_name = made.name

    def renew(self, pairs: Sequence[tuple[Variable, Any]]) -> None:
        """Let the new state take the place of the old."""
        low = self.lowering
        for old, new in pairs:
            home = low.stored[old]
            made = low.stored.get(new) if isinstance(new, Variable) else None
            fits = (
                made is not None
                and made.role == "temporary"
                and made.name not in self.next_of
                and (made.dtype, made.shape, made.order) == (home.dtype, home.shape, home.order)
            )
            if not fits:
                made = low.buffer(self.names.fresh(f"{home.name}_next"), home.shape, home.dtype)
                made.order = home.order
                low.fill(made, partial(low.entry, new, dtype=home.dtype))
            assert made is not None
            self.next_of[made.name] = home.name

    def kernel(self, name: str, n: int) -> Kernel:
        """Fuse, and write."""
        low = self.lowering
        items = self._in_place(fuse(low.items))
        temporaries = {b.name for b in low.buffers.values() if b.role == "temporary"}
        taken = self.names.taken
        gone = keep_in_locals(
            items, temporaries - {self.loss_name or ""}, taken, inside=self.shared
        )
        sections = shared_out(items, low) if self.shared else [Section(items)]
        for section in sections:
            hoist(section.items, taken)
        items = [item for section in sections for item in section.items]
        used = {a.name for statement in walk(items) for a in statement.accesses}
        buffers = [b for b in low.buffers.values() if b.name in used and b.name not in gone]
        slots = _slots(sections, buffers, self.shared)
        lines = list(self._lines(name, sections, buffers, slots))
        return Kernel(
            name, "\n".join(lines) + "\n", buffers, slots, self.shared, low.lifted, low.checks
        )

    def _in_place(self, items: list[Item]) -> list[Item]:
        """Write new state over the old where nothing reads the old any more."""
        for new, old in self.next_of.items():
            if _may_replace(items, new, old):
                items = [renamed(item, {new: old}) for item in items]
                del self.lowering.buffers[new]
            else:
                low = self.lowering
                home, source = low.buffers[old], low.buffers[new]
                axes = low.axes(home.shape)
                index = places(axes)
                copy = assign(home.at(index), source.at(index))
                items += nest([axes[axis] for axis in home.order], [copy])
        return items

    def _lines(
        self,
        name: str,
        sections: list[Section],
        buffers: list[Buffer],
        slots: dict[str, str],
    ) -> Iterator[str]:
        owners = [b.name for b in buffers if b.name not in slots]
        pointers = {owner: self.names.fresh(f"{owner}_at") for owner in owners}
        yield f"def {name}({', '.join([*FIXED, *pointers.values()])}):"
        yield "    epoch, at, steps, batch = sizes[0], sizes[1], sizes[2], sizes[3]"
        yield "    samples, rows, thread, threads = sizes[4], sizes[5], sizes[6], sizes[7]"
        yield "    parts = sizes[8]"
        held_at = {b.name: pointers[slots.get(b.name, b.name)] for b in buffers}
        settings = [*self._arrays(buffers, held_at), *self._numbers()]
        yield from (f"    {line}" for line in settings if not _MENTIONS_N.search(line))
        if self.loss_name is None:
            yield from sections[0].text("    ", False)
            yield "    return 0"
            return
        yield "    control = flush()"
        yield "    for step in range(steps):"
        if self.one:
            yield "        row = order[epoch * samples + at]"
        else:
            yield "        start = epoch * samples + at * batch"
            yield "        n = min(batch, samples - at * batch)"
        yield from (f"        {line}" for line in settings if _MENTIONS_N.search(line))
        for section in sections:
            yield from section.text("        ", self.shared)
        yield f"        value = {self.loss_name}[0]"
        yield "        if not abs(value) < inf:"
        yield "            break"
        yield f"        totals[epoch] += value{'' if self.one else ' * n'}"
        yield "        at += 1"
        yield "        if at * batch >= samples:"
        yield "            epoch, at = epoch + 1, 0"
        yield "    else:"
        yield "        step = steps"
        yield "    restore(control)"
        yield "    return step"

    def _arrays(self, buffers: list[Buffer], pointers: dict[str, str]) -> Iterator[str]:
        for buffer in buffers:
            sizes = buffer.memory_shape or (1,)
            shape = ", ".join(map(str, sizes)) + ("," if len(sizes) == 1 else "")
            yield f"{buffer.name} = carray({pointers[buffer.name]}, ({shape}), {buffer.dtype.name})"

    def _numbers(self) -> Iterator[str]:
        for name, (_, expression) in self.lowering.constants.items():
            yield f"{name} = {expression}"


def _may_replace(items: list[Item], new: str, old: str) -> bool:
    """Whether the old array can be written over where the new one is made."""
    written: list[tuple[int, int, Any]] = []
    read: list[tuple[int, int, Any]] = []
    position = 0
    for top, item in enumerate(items):
        for statement in walk([item]):
            position += 1
            for access in statement.accesses:
                if access.name == new and access.writes:
                    written.append((top, position, access.index))
                elif access.name == old:
                    read.append((top, position, access.index))
    first_top, first_position, index = written[0]
    return all(
        top < first_top or (top == first_top and place <= first_position and at_index == index)
        for top, place, at_index in read
    )


def _slots(sections: list[Section], buffers: list[Buffer], shared: bool) -> dict[str, str]:
    """Let temporaries whose lives do not overlap share memory: name → whose memory."""
    lives: dict[str, list[int]] = {}
    section_of: list[int] = []
    for number, section in enumerate(sections):
        for item in section.items:
            section_of.append(number)
            for access in item.accesses:
                lives.setdefault(access.name, [len(section_of) - 1, 0])[1] = len(section_of) - 1
    temporaries = [b for b in buffers if b.role == "temporary"]
    free_from: dict[str, int] = {}
    owner: dict[str, Buffer] = {}
    slots = {}
    for buffer in sorted(temporaries, key=lambda b: lives[b.name][0]):
        begin, end = lives[buffer.name]
        for name, busy in free_from.items():
            together = shared and section_of[busy] == section_of[begin]
            if busy < begin and _fits(owner[name], buffer, together):
                slots[buffer.name], free_from[name] = name, end
                break
        else:
            owner[buffer.name], free_from[buffer.name] = buffer, end
    return slots


def _fits(one: Buffer, other: Buffer, together: bool) -> bool:
    """Whether an array may follow another in memory.

    Where threads work on both without a meeting in between, ``together``, each must find its
    samples in the same places.
    """
    shapes = [[str(size) for size in buffer.memory_shape] for buffer in (one, other)]
    if together:
        by_sample = any(isinstance(size, Linear) for size in one.shape)
        return one.dtype == other.dtype and by_sample and shapes[0] == shapes[1]
    return one.dtype == other.dtype and sorted(shapes[0]) == sorted(shapes[1])
