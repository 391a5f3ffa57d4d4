"""A step as the programs that it is recorded as, for one batch size and another."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np

from chainrule._src.base.errors import OutOfRangeError
from chainrule._src.compile.running.engines import Step, rows_in, rows_of
from chainrule._src.compile.running.form import keep
from chainrule._src.core.program import Program
from chainrule._src.core.recording import Tape, tape
from chainrule._src.core.trees import leaves, map_leaves
from chainrule._src.trace.arguments import argument_names
from chainrule._src.trace.keys import tape_key
from chainrule._src.trace.tracing import Recorder

EXAMPLE = 8  # samples that a program for many batch sizes is looked for with

T = TypeVar("T")
_programs: dict[Hashable, Program] = {}  # by what was recorded


@dataclass(eq=False, repr=False)
class Seen:
    """What is known of a step for data of some shapes and dtypes.

    Attributes
    ----------
    programs : dict of int to Program
        By batch size.
    keys : dict of int to object
        By batch size, what tells the step from others.
    holding : dict of (Program, int) to bool
        Whether a program is what the step does for a batch size.
    running : dict of tuple to bool
        Whether a kernel runs batches of a size, by that size, the kernel's and its data's dtypes.
    """

    programs: dict[int, Program] = field(default_factory=dict)
    keys: dict[int, Hashable] = field(default_factory=dict)
    holding: dict[tuple[Program, int], bool] = field(default_factory=dict)
    running: dict[Hashable, bool] = field(default_factory=dict)


Known = dict[Hashable, Seen]  # by shapes and dtypes


class RecordedStep(Recorder):
    """A step that runs as the program recorded for its batch size.

    Parameters
    ----------
    step : callable
        If it has ``told``, that takes less than to record it: ``told(arguments)`` returns what
        tells the step from others.
    loss : callable
        Its arguments' names are those of the step's.
    carry, data : tree of ndarray
    known : dict, optional
        What was recorded of a step that is still the same; it is added to.

    Attributes
    ----------
    seen : Seen
    dtype : numpy.dtype or None
        That the parameters have together, and that floating data are taken in.
    """

    def __init__(
        self, step: Step, loss: Any, carry: Any, data: Any, known: Known | None = None
    ) -> None:
        first, *others = argument_names(loss, 1 + len(data))
        names = ["carry", *(f"{name}_" if name == "carry" else name for name in others)]
        self.dtype = _dtype(carry)
        example = rows_of(data, np.arange(EXAMPLE) % max(rows_in(data), 1), self.dtype)
        super().__init__(step, (carry, *example), prepared, values=False, names=names)
        # One array of parameters is called what the loss calls it.
        self._called = None if isinstance(carry["params"], dict | list | tuple) else first
        self._runs: dict[int, Step] = {}
        self.seen = Seen()
        if known is not None:
            forms = _forms(carry, data)
            self.seen = known.get(forms, self.seen)
            keep(known, forms, self.seen)

    def sketched(self, made: Callable[[], T], named: bool = False) -> T:
        """Return what is made of a recording, in range or not: that is told of a batch."""
        try:
            return super().sketched(made, named)
        except OutOfRangeError:
            _, *names = self.given
            for name in names:
                self.given[name] = map_leaves(_zeros, self.given[name])
            return super().sketched(made, named)

    def taped(self, n: int, named: bool = False) -> Tape:
        """Return what the step does for ``n`` samples, operation by operation."""
        return self.sketched(lambda: tape(self.f, self._resized(n), named), named)

    def program(self, n: int) -> Program:
        """Return the program of a step that does the same for ``n`` samples, or a new one.

        It follows from ``n`` alone, whichever batch sizes there were before, and so do the bits of
        what runs it.
        """
        program = self.known(n) or self._made(n)
        self._runs[n] = program
        return program

    def known(self, n: int) -> Program | None:
        """Return that program, if it is here."""
        programs = self.seen.programs
        program = programs.get(n) or _programs.get(self.key(n))
        if program is not None and n not in programs:
            keep(programs, n, program)
        return program

    def key(self, n: int) -> Hashable:
        """Return what tells what the step does for ``n`` samples."""
        found = self.seen.keys.get(n)
        if found is None:
            found = self._told(n) or tape_key(self.taped(n))
            keep(self.seen.keys, n, found)
        return found

    def is_as_recorded(self, n: int) -> bool:
        """Whether the step still does for ``n`` samples what its program does.

        It does something else where it reads what has changed outside, a global for instance. A
        step without a program runs itself, changes included.
        """
        if n not in self.seen.keys or self._runs.get(n) is self.f:
            return True
        return bool(self.seen.keys[n] == (self._told(n) or tape_key(self.taped(n))))

    def _told(self, n: int) -> Hashable:
        """Return what the step itself tells of what it does; None if it does not."""
        told = getattr(self.f, "told", None)
        if told is None:
            return None
        given = self._resized(n)
        return self.sketched(lambda: (*given, told(given)))

    def _made(self, n: int) -> Program:
        """Return what was recorded, once more with names."""
        taped = self.taped(n, named=True)
        key = self._told(n) or tape_key(taped)  # it may do something else this time
        keep(self.seen.keys, n, key)
        program = _programs.get(key)
        if program is None:
            self._fresh[n] = taped.program()
            program = self.found(n)
            self._fresh.clear()
            keep(_programs, key, program)
        keep(self.seen.programs, n, program)
        return program

    def holds(self, program: Program, n: int) -> bool:
        """Whether a program is what the step does for ``n`` samples."""
        holds = self.seen.holding.get((program, n))
        if holds is None:
            holds = super().holds(program, n)
            keep(self.seen.holding, (program, n), holds)
        return holds

    def tried(self, n: int) -> tuple[int, ...]:
        """Return the batch size itself: what is recorded for it is used."""
        return (n, self.n, 2 * n + 5) if n > 1 else ()

    def confirmed(self, program: Program, size: int) -> bool:
        """Not be asked: whether it holds is found out for each size that comes up."""
        return True

    def found(self, n: int) -> Program:
        """Return a new program, with the names that this step's own code has."""
        program = super().found(n)
        program.proof = None  # it holds the data
        if self._called:
            program.arguments["carry"]["params"].name = self._called
        return program

    def run(self, n: int) -> Step:
        """Return what makes an update with a batch of ``n``; the step itself if it must be."""
        if n not in self._runs:
            try:
                self._runs[n] = self._general(n) or self.program(n)
            except Exception:  # an error of the step itself comes when it runs
                self._runs[n] = self.f
        step = self._runs[n]
        return step.run if isinstance(step, Program) else step

    def _general(self, n: int) -> Program | None:
        """Return a program of another batch size that holds for ``n``, if there is one here."""
        programs = [run for run in self._runs.values() if isinstance(run, Program) and run.general]
        return next((program for program in programs if self.holds(program, n)), None)

    def __call__(self, carry: Any, *batch: Any) -> tuple[Any, Any]:
        """Make an update."""
        return self.run(rows_in(batch))(carry, *batch)


def _zeros(leaf: Any) -> Any:
    """Return indices that are in range in place of whole numbers."""
    return np.zeros_like(leaf)


def _forms(carry: Any, data: Any) -> Hashable:
    """Return something that is equal where a recording is, for the same step."""
    return (
        *((path, np.shape(leaf), np.asarray(leaf).dtype) for path, leaf in leaves(carry)),
        *((path, leaf.shape[1:], leaf.dtype) for path, leaf in leaves(data)),
    )


def prepared(program: Program) -> Program:
    """Return a program written out in what can be compiled."""
    from chainrule._src.trace.recurrence.summing import prepared

    return prepared(program)


def _dtype(carry: Any) -> np.dtype[Any] | None:
    """Return the dtype that the parameters have together; None if there are none."""
    found: set[np.dtype[Any]] = {leaf.dtype for _, leaf in leaves(carry["params"])}
    return np.result_type(*found) if len(found) > 1 else next(iter(found), None)


def plain(leaf: Any) -> Any:
    """Return data as machine code reads them: in the machine's byte order, rows together."""
    dtype = leaf.dtype.newbyteorder("=")
    if dtype.kind == "f" and dtype.itemsize not in (4, 8):
        dtype = np.dtype(np.float32 if dtype.itemsize == 2 else np.float64)
    return np.ascontiguousarray(leaf, dtype)
