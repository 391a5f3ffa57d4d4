"""A step as the programs that it is recorded as, for one batch size and another."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from functools import cached_property
from inspect import Parameter, Signature
from typing import Any

import numpy as np

from chainrule.autodiff.names import argument_names
from chainrule.autodiff.trees import leaves, map_leaves
from chainrule.errors import OutOfRangeError
from chainrule.program.passes import expand
from chainrule.program.program import Program
from chainrule.program.recording import signature
from chainrule.program.tracing import Recorder
from chainrule.running.engines import Step, rows_in, rows_of
from chainrule.running.remembered import Memory
from chainrule.running.threads import one_blas_thread

EXAMPLE = 8  # samples that a program for many batch sizes is looked for with
REMEMBERED = 128  # recordings, and kernels


@dataclass(eq=False)
class Recording:
    """What some step does with a batch of some size; there is one for all that do the same.

    Attributes
    ----------
    program : Program or None
        It, written out in what can be compiled; None until that is needed.
    """

    program: Program | None = None


Known = dict[Hashable, dict[int, Recording]]  # by shapes and dtypes, and batch size
_recordings: dict[Hashable, Recording] = {}


class RecordedStep:
    """A step that runs as the program recorded for its batch size.

    What a step does is known from its recording alone, or from an earlier one of the same function
    where all that it reads is as it was.

    Parameters
    ----------
    step : callable
    loss : callable
        Its arguments' names are those of the step's.
    carry, data : tree of ndarray
    known : dict, optional
        What was recorded of a step that is still the same; it is added to.
    memory : Memory, optional
        What is remembered of ``loss``.
    kind : hashable
        What the step does with the loss, as far as it can differ.

    Attributes
    ----------
    dtype : numpy.dtype or None
        That the parameters have together, and that floating data are taken in.
    """

    def __init__(
        self,
        step: Step,
        loss: Any,
        carry: Any,
        data: Any,
        known: Known | None = None,
        memory: Memory[Recording] | None = None,
        kind: Hashable = None,
    ) -> None:
        self.step, self.loss, self.carry, self.data = step, loss, carry, data
        self.dtype = _dtype(carry)
        self._memory, self._runs = memory, dict[int, Step]()
        self._kind = (kind, _form(carry, 0), _form(data, 1))
        if memory is not None:
            self._known = memory.recall(self._kind)
        else:
            self._known = {} if known is None else known.setdefault(self._kind, {})

    @cached_property
    def recorder(self) -> StepRecorder:
        """What records it."""
        return StepRecorder(self.step, self.loss, self.carry, self.data, self.dtype)

    def recording(self, n: int) -> Recording:
        """Return what the step does with a batch of ``n``."""
        if n not in self._known:
            self._known[n] = self._recorded(n)
        return self._known[n]

    def program(self, n: int) -> Program:
        """Return it as a program."""
        found = self.recording(n)
        assert found.program is not None
        return found.program

    def _recorded(self, n: int) -> Recording:
        recorder, memory = self.recorder, self._memory
        before = None if memory is None else memory.seen
        made = recorder.recorded(n, named=True, prepared=False)
        now = None if memory is None else memory.look(self.loss, recorder.ran)
        key = signature(made)  # tells what it is expanded to
        found = _recordings.get(key)
        again = found is None or now is before  # recorded once more below, or looked at before
        if found is None:
            recorder.take({n: known.program for n, known in self._known.items()})
            found = Recording(recorder.expanded(n, made))
            keep(_recordings, key, found)
        if memory is not None and now is not None and again:
            memory.keep(now, self._kind, n, found)
        return found

    def run(self, n: int) -> Step:
        """Return what makes an update with a batch of ``n``; the step itself if it must be."""
        if n not in self._runs:
            try:
                self._runs[n] = self.program(n)
            except Exception:  # an error of the step itself comes when it runs
                self._runs[n] = self.step
        return self._runs[n]

    def __call__(self, carry: Any, *batch: Any) -> tuple[Any, Any]:
        """Make an update."""
        return self.run(rows_in(batch))(carry, *batch)


class StepRecorder(Recorder):
    """Records a step for the batch sizes that come up.

    Parameters
    ----------
    step, loss, carry, data
        As for `RecordedStep`.
    dtype : numpy.dtype or None
        That floating data are taken in.
    """

    def __init__(self, step: Step, loss: Any, carry: Any, data: Any, dtype: Any) -> None:
        first, *others = argument_names(loss, 1 + len(data))
        names = ["carry", *(f"{name}_" if name == "carry" else name for name in others)]
        parameters = [Parameter(name, Parameter.POSITIONAL_ONLY) for name in names]
        step.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
        example = rows_of(data, np.arange(EXAMPLE) % max(rows_in(data), 1), dtype)
        super().__init__(step, (carry, *example), expand, values=False)
        # One array of parameters is called what the loss calls it.
        self._called = None if isinstance(carry["params"], dict | list | tuple) else first

    def recorded(self, n: int, named: bool = False, prepared: bool = True) -> Program:
        """Return what the step does for ``n`` samples, in range or not: that is told of a batch."""
        with one_blas_thread():
            try:
                return super().recorded(n, named, prepared)
            except OutOfRangeError:
                _, *names = self.given
                for name in names:
                    self.given[name] = map_leaves(_zeros, self.given[name])
                return super().recorded(n, named, prepared)

    def take(self, programs: dict[int, Program | None]) -> None:
        """Take what is known of other batch sizes."""
        self._known |= {n: program for n, program in programs.items() if program is not None}

    def expanded(self, n: int, recorded: Program) -> Program:
        """Return the program for ``n`` samples from a fresh recording."""
        self._fresh[n] = recorded
        program = self.program(n)
        self._fresh.clear()
        return program

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


def keep(table: dict[Any, Any], key: Any, value: Any) -> None:
    """Remember a value, and forget the oldest where there are too many."""
    table[key] = value
    if len(table) > REMEMBERED:
        table.pop(next(iter(table)), None)


def _zeros(leaf: Any) -> Any:
    """Return indices that are in range in place of whole numbers."""
    return np.zeros_like(leaf)


def _dtype(carry: Any) -> np.dtype[Any] | None:
    """Return the dtype that the parameters have together; None if there are none."""
    found = {leaf.dtype for _, leaf in leaves(carry["params"])}
    return np.result_type(*found) if found else None


def _form(tree: Any, first: int) -> Hashable:
    """Return the structure, the shapes from an axis on and the dtypes."""
    if isinstance(tree, dict):
        return (dict, *[(name, _form(part, first)) for name, part in tree.items()])
    if isinstance(tree, tuple | list):
        return (type(tree), *[_form(part, first) for part in tree])
    return None if tree is None else (np.shape(tree)[first:], tree.dtype)
