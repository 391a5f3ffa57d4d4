"""A step is recorded as programs, one for each batch size or one for many."""

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

EXAMPLE = 8  # the batch size of the recording from which a program for many sizes is generalised

T = TypeVar("T")
_programs: dict[Hashable, Program] = {}  # by the cache key of the recording


@dataclass(eq=False, repr=False)
class StepCache:
    """A cache of the recordings of a step, for data of some shapes and dtypes.

    Attributes
    ----------
    programs : dict of int to Program
        The programs by batch size.
    keys : dict of int to object
        The cache keys of the recordings by batch size.
    holding : dict of (Program, int) to bool
        True if a program computes the same as the step for a batch size.
    running : dict of tuple to bool
        True if a kernel can run batches of a size. The key is this size, the kernel's batch size
        and the dtypes of its data.
    """

    programs: dict[int, Program] = field(default_factory=dict)
    keys: dict[int, Hashable] = field(default_factory=dict)
    holding: dict[tuple[Program, int], bool] = field(default_factory=dict)
    running: dict[Hashable, bool] = field(default_factory=dict)


StepCaches = dict[Hashable, StepCache]  # by shapes and dtypes


class RecordedStep(Recorder):
    """A step that runs as the program recorded for its batch size.

    Parameters
    ----------
    step : callable
        If it has a method ``told``, ``told(arguments)`` returns a cache key of the step, which
        takes less time than a recording.
    loss : callable
        The loss function. Its arguments' names become those of the step.
    carry, data : tree of ndarray
    known : dict, optional
        Recordings of the same step, by shapes and dtypes. New recordings are added to it.

    Attributes
    ----------
    seen : StepCache
    dtype : numpy.dtype or None
        The common dtype of the parameters. Floating-point data are converted to it.
    """

    def __init__(
        self,
        step: Step,
        loss: Any,
        carry: Any,
        data: Any,
        recordings: StepCaches | None = None,
    ) -> None:
        first, *others = argument_names(loss, 1 + len(data))
        names = ["carry", *(f"{name}_" if name == "carry" else name for name in others)]
        self.dtype = _dtype(carry)
        example = rows_of(data, np.arange(EXAMPLE) % max(rows_in(data), 1), self.dtype)
        super().__init__(step, (carry, *example), prepared, values=False, names=names)
        # If the parameters are a single array, it gets the name of the loss's first argument.
        self._called = None if isinstance(carry["params"], dict | list | tuple) else first
        self._runs: dict[int, Step] = {}
        self.seen = StepCache()
        if recordings is not None:
            forms = _forms(carry, data)
            self.seen = recordings.get(forms, self.seen)
            keep(recordings, forms, self.seen)

    def sketched(self, record: Callable[[], T], named: bool = False) -> T:
        """Return the result of ``made()``, which records the step.

        If an index of the example is out of range, the step is recorded again with zeros as data.
        The error is reported later, when the batch with this index runs.
        """
        try:
            return super().sketched(record, named)
        except OutOfRangeError:
            _, *names = self.given
            for name in names:
                self.given[name] = map_leaves(_zeros, self.given[name])
            return super().sketched(record, named)

    def taped(self, n: int, named: bool = False) -> Tape:
        """Return the recorded operations of the step for ``n`` samples."""
        return self.sketched(lambda: tape(self.f, self._resized(n), named), named)

    def program(self, n: int) -> Program:
        """Return the cached program for ``n`` samples, or record a new program.

        The program depends on ``n`` alone and not on earlier batch sizes. So do the bits of its
        results.
        """
        program = self.known(n) or self._made(n)
        self._runs[n] = program
        return program

    def known(self, n: int) -> Program | None:
        """Return the cached program for ``n`` samples, or None."""
        programs = self.seen.programs
        program = programs.get(n) or _programs.get(self.key(n))
        if program is not None and n not in programs:
            keep(programs, n, program)
        return program

    def key(self, n: int) -> Hashable:
        """Return the cache key of the step for ``n`` samples."""
        key = self.seen.keys.get(n)
        if key is None:
            key = self._told(n) or tape_key(self.taped(n))
            keep(self.seen.keys, n, key)
        return key

    def is_as_recorded(self, n: int) -> bool:
        """Return true if the step still computes the same as its program for ``n`` samples.

        The step changes when it reads an outside value that has changed, for example a global. A
        step without a program runs itself and so is never out of date.
        """
        if n not in self.seen.keys or self._runs.get(n) is self.f:
            return True
        return bool(self.seen.keys[n] == (self._told(n) or tape_key(self.taped(n))))

    def _told(self, n: int) -> Hashable:
        """Return the cache key from the step's method ``told``; None if there is no such method."""
        make_key = getattr(self.f, "told", None)
        if make_key is None:
            return None
        arguments = self._resized(n)
        return self.sketched(lambda: (*arguments, make_key(arguments)))

    def _made(self, n: int) -> Program:
        """Record the step again, now with names, and return its program."""
        taped = self.taped(n, named=True)
        key = self._told(n) or tape_key(taped)  # the step may have changed since
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
        """Return true if a program computes the same as the step for ``n`` samples."""
        holds = self.seen.holding.get((program, n))
        if holds is None:
            holds = super().holds(program, n)
            keep(self.seen.holding, (program, n), holds)
        return holds

    def tried(self, n: int) -> tuple[int, ...]:
        """Return the batch sizes to record. The first is ``n``, whose recording is used."""
        return (n, self.n, 2 * n + 5) if n > 1 else ()

    def confirmed(self, program: Program, size: int) -> bool:
        """Return true without a check: `holds` checks each batch size when it first occurs."""
        return True

    def found(self, n: int) -> Program:
        """Return a new program with the names of this step's code."""
        program = super().found(n)
        program.proof = None  # the proof refers to the data, which need not stay in memory
        if self._called:
            program.arguments["carry"]["params"].name = self._called
        return program

    def run(self, n: int) -> Step:
        """Return the function for batches of ``n``: a program's, or the step if it has none."""
        if n not in self._runs:
            try:
                self._runs[n] = self._general(n) or self.program(n)
            except Exception:  # an error of the step itself comes when it runs
                self._runs[n] = self.f
        step = self._runs[n]
        return step.run if isinstance(step, Program) else step

    def _general(self, n: int) -> Program | None:
        """Return a cached program of another batch size that is valid for ``n``, or None."""
        programs = [run for run in self._runs.values() if isinstance(run, Program) and run.general]
        return next((program for program in programs if self.holds(program, n)), None)

    def __call__(self, carry: Any, *batch: Any) -> tuple[Any, Any]:
        """Run an update."""
        return self.run(rows_in(batch))(carry, *batch)


def _zeros(leaf: Any) -> Any:
    """Return zeros like a leaf, which are valid indices for every axis."""
    return np.zeros_like(leaf)


def _forms(carry: Any, data: Any) -> Hashable:
    """Return a cache key: recordings of the same step are equal if their keys are equal."""
    return (
        *((path, np.shape(leaf), np.asarray(leaf).dtype) for path, leaf in leaves(carry)),
        *((path, leaf.shape[1:], leaf.dtype) for path, leaf in leaves(data)),
    )


def prepared(program: Program) -> Program:
    """Return a program whose operations are expanded into those that can be compiled."""
    from chainrule._src.trace.recurrence.summing import prepared

    return prepared(program)


def _dtype(carry: Any) -> np.dtype[Any] | None:
    """Return the common dtype of the parameters; None if there are no parameters."""
    dtypes: set[np.dtype[Any]] = {leaf.dtype for _, leaf in leaves(carry["params"])}
    return np.result_type(*dtypes) if len(dtypes) > 1 else next(iter(dtypes), None)


def plain(leaf: Any) -> Any:
    """Return data in the layout of machine code: native byte order, contiguous rows."""
    dtype = leaf.dtype.newbyteorder("=")
    if dtype.kind == "f" and dtype.itemsize not in (4, 8):
        dtype = np.dtype(np.float32 if dtype.itemsize == 2 else np.float64)
    return np.ascontiguousarray(leaf, dtype)
