"""Tracing: from recordings for single batch sizes to one program for all of them, with a proof.

A function is recorded for two batch sizes; where the recordings differ, the difference tells how
the program depends on the batch size. For any other size the program holds if it is, equation by
equation, what a recording for that size is: nothing is concluded from one size to another.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

import numpy as np

from chainrule._src.base.errors import TraceError
from chainrule._src.base.mentions import numbers_in
from chainrule._src.core.derived import Derived, P
from chainrule._src.core.equations import Equation, Variable
from chainrule._src.core.program import Program
from chainrule._src.core.recording import sketching, tape
from chainrule._src.core.trees import Path, leaves, map_leaves
from chainrule._src.core.weak import checked
from chainrule._src.ops.index import GETITEM, SCATTER, other_masks
from chainrule._src.trace.arguments import argument_names
from chainrule._src.trace.batch import every
from chainrule._src.trace.comparing import generalised, same
from chainrule._src.trace.passes import fixed
from chainrule._src.trace.simplifying import simplified
from chainrule._src.trace.sizes import turning_points

T = TypeVar("T")
Prepare = Callable[[Program], Program]
LARGEST = 4096  # batch size that is tried on suspicion
NEIGHBOURS = 32  # batch sizes that are tried one by one, on either side


def trace(f: Callable[P, Any], prepare: Prepare | None = None) -> Callable[P, Program]:
    """Return a function that records what ``f`` does.

    Parameters
    ----------
    f : callable
        Written in NumPy. Record ``value_and_grad(f)`` to have its gradient recorded as well.
    prepare : callable, optional
        Applied to every single recording, before they are made to serve every batch size.

    Returns
    -------
    callable
        With ``f``'s positional arguments; returns a `Program`. Arrays in the arguments after the
        first that have the same length hold a sample a row, and the program serves every batch
        size for which ``f`` does the same; ``f`` is run for several sizes to find that out.

    Raises
    ------
    TraceError
        When called, if ``f`` branches on values, draws random numbers or leaves NumPy's functions.

    Examples
    --------
    >>> program = trace(lambda w, x: np.sum(np.tanh(x @ w)))(np.ones(2), np.zeros((3, 2)))
    >>> [equation.primitive.name for equation in program.equations]
    ['matmul', 'tanh', 'sum']
    >>> program(np.array([1.0, 0.0]), np.array([[0.5, 2.0]])).round(4)
    np.float64(0.4621)
    """

    def trace_f(*args: Any) -> Program:
        recorder = Recorder(f, args, prepare)
        return recorder.program(recorder.n)

    return Derived(trace_f, trace, f, prepare)


class Recorder:
    """Records what a function does for one batch size or another, and compares.

    Parameters
    ----------
    f : callable
    args : sequence
        Examples of its arguments.
    names : sequence of str, optional
        What they are called, if not as the function calls them.
    prepare : callable, optional
        Applied to every recording.
    rows : callable, optional
        Tells of a path whether samples are the rows of what is there. If there is none, they are
        those of the first array after the first argument, and of what is as long.

    Attributes
    ----------
    batch : Path or None
        Where the batch size is read.
    n : int
        The batch size of the examples.
    values : bool
        Whether programs hold the values of the examples; otherwise one step of a recurrence may
        stand for all.
    """

    def __init__(
        self,
        f: Callable[..., Any],
        args: Any,
        prepare: Prepare | None = None,
        rows: Callable[[Path], bool] | None = None,
        values: bool = True,
        names: Sequence[str] | None = None,
    ) -> None:
        self.f, self.prepare, self.values = f, prepare, values
        names = names or argument_names(f, len(args))
        self.given = {
            name: map_leaves(partial(checked, name=name, where="trace"), tree)
            for name, tree in zip(names, args, strict=True)
        }
        arrays = [(path, leaf) for path, leaf in leaves(self.given) if np.ndim(leaf) > 0]
        first = next(iter(self.given), None)
        found = [(p, x) for p, x in arrays if (rows(p) if rows is not None else p[0] != first)]
        self.batch = found[0][0] if found else None
        self.n = len(found[0][1]) if found else 0
        self._rows = {path for path, leaf in found if len(leaf) == self.n}
        self._held: dict[tuple[Program, int], bool] = {}
        self._known: dict[int, Program] = {}
        self._fresh: dict[int, Program] = {}  # recordings that nobody has changed

    def program(self, n: int) -> Program:
        """Return a program that does for ``n`` samples what the function does.

        It is general, with this recorder as its proof, if one can be found.
        """
        if n not in self._known:
            found = {*self._known.values()}
            held = (program for program in found if program.general and self.holds(program, n))
            self._known[n] = next(held, None) or self.found(n)
        return self._known[n]

    def found(self, n: int) -> Program:
        """Return a new program for ``n`` samples."""
        return self.serving(n) or self.alone(n)

    def serving(self, n: int) -> Program | None:
        """Return a new program for ``n`` samples that is general; None if there is none."""
        sizes = dict.fromkeys(self.tried(n)) if self.batch is not None and self.n > 0 else ()
        programs = map(self.general, sizes)
        return next((p for p in programs if p is not None and self.holds(p, n)), None)

    def tried(self, n: int) -> tuple[int, ...]:
        """Return batch sizes to look for a general program with.

        A size of 1 broadcasts, and a factor that happens to be 1 for a size is left out.
        """
        return max(self.n, 2), max(n, 2), 2 * n + 5

    def general(self, size: int) -> Program | None:
        """Return the program that recordings for ``size`` and one more suggest."""
        sizes = (size, size + 1)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                first, second = self.recorded(size, named=True), self.recorded(size + 1)
                program = generalised(first, second, sizes)
        except Exception:  # of the function, for a size that nobody asked for
            return None
        if not self._keeps_shapes(first, size):
            return None
        program.batch, program.proof = self.batch, self
        self._held |= {(program, size): True, (program, size + 1): True}
        return program if self.confirmed(program, size) else None

    def confirmed(self, program: Program, size: int) -> bool:
        """Whether a third recording says the same: between two, ``n // 2`` looks like ``n - 3``."""
        return self.holds(program, 2 * size + 3)

    def alone(self, n: int | None = None) -> Program:
        """Return the recording for one batch size, that of the examples if none is given.

        Raises
        ------
        TraceError
            If a second recording differs.
        """
        n = self.n if n is None else n
        program, again = self.recorded(n, named=True), self.recorded(n)
        if not same(program, again):
            raise TraceError(
                "the code does something else each time: it draws random numbers, or reads what "
                "changes meanwhile; draw them outside and pass them as an argument"
            )
        if not self._keeps_shapes(program, n):
            raise TraceError(
                "a number depends on how many entries a mask picks; keep the shape, for instance "
                "by np.where(mask, x, 0)"
            )
        program.general = self.batch is None
        return program

    def _keeps_shapes(self, program: Program, n: int) -> bool:
        """Whether the program would be the same if its masks picked more or fewer entries."""
        if not any(map(_picks_by_mask, every(program.equations))):
            return True
        try:
            with other_masks():
                return same(program, self.recorded(n), shapes=False)
        except Exception:  # of the function, for entries that it does not pick
            return False

    def holds(self, program: Program, n: int) -> bool:
        """Whether a program is what the function does for ``n`` samples."""
        if (program, n) not in self._held:
            self._held[program, n] = self._is_recorded(program, n)
        return self._held[program, n]

    def _is_recorded(self, program: Program, n: int) -> bool:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                expected = self.recorded(n)
        except Exception:  # of the function: the program may not give a result where it gives none
            return False
        return same(program, expected, n=n) or same(simplified(fixed(program, n)), expected)

    def sizes(self, program: Program) -> tuple[int, int | None]:
        """Return the smallest and the largest batch size that a general program holds for.

        All cannot be tried. Where all that the code does with the sizes that it reads can be
        followed, 0 and 1 are tried, and the sizes around which its comparisons and the numbers
        that it mentions change something. Otherwise sizes hold that were tried one by one.
        """
        held = (n for (held, n), holds in self._held.items() if held is program and holds)
        known = self.n if self.holds(program, self.n) else next(held)
        read = turning_points(lambda n: self.recorded(n, named=True), known)
        if read is None:
            return self._neighbours(program, known)
        numbers = {0, 1, 2, *_turning_points(self.f, program), *read}
        points = sorted(size for size in numbers if 0 <= size <= LARGEST)
        low, high = known, None
        for point in reversed([p for p in points if p < known]):
            if not self.holds(program, point):
                low = self._last(program, low, point)
                break
            low = point
        for point in [p for p in points if p > known]:
            if not self.holds(program, point):
                high = self._last(program, known, point)
                break
        return low, high

    def _neighbours(self, program: Program, known: int) -> tuple[int, int]:
        """Return the ends of the sizes around ``known`` that hold, each of which was tried."""
        low = high = known
        while low > max(0, known - NEIGHBOURS) and self.holds(program, low - 1):
            low -= 1
        while high < known + NEIGHBOURS and self.holds(program, high + 1):
            high += 1
        return low, high

    def _last(self, program: Program, holds: int, fails: int) -> int:
        """Return the last size towards ``fails`` that the program holds for."""
        while abs(holds - fails) > 1:
            middle = (holds + fails) // 2
            holds, fails = (middle, fails) if self.holds(program, middle) else (holds, middle)
        return holds

    def _resized(self, n: int) -> dict[str, Any]:
        """Return the arguments with ``n`` samples, the given ones over and over."""
        if n == self.n or self.batch is None:
            return self.given
        found = {
            path: np.asarray(leaf)[np.arange(n) % self.n] if path in self._rows else leaf
            for path, leaf in leaves(self.given)
        }
        values = iter(found.values())
        return {name: map_leaves(lambda _: next(values), tree) for name, tree in self.given.items()}

    def recorded(self, n: int, named: bool = False) -> Program:
        """Return what the function does for ``n`` samples like the examples; see `tape`."""

        def made() -> Program:
            program = self._fresh.pop(n, None) or tape(self.f, self._resized(n), named).program()
            return self.prepare(program) if self.prepare is not None else program

        return self.sketched(made, named)

    def sketched(self, made: Callable[[], T], named: bool = False) -> T:
        """Return what is made of a recording.

        Where values are not wanted they are left out, unless the function fails without them.
        """
        for sketched in dict.fromkeys((not (named and self.values), False)):
            # What is recorded is not what the numbers are.
            with np.errstate(all="ignore"), sketching(sketched):
                try:
                    return made()
                except Exception:
                    if not sketched:
                        raise
        raise AssertionError


def _turning_points(f: Callable[..., Any], program: Program) -> set[int]:
    """Return batch sizes from which the code may do something else, by the numbers it mentions."""
    params = [number for e in every(program.equations) for number in numbers_in(e.params)]
    return {number + more for number in {*numbers_in(f), *params} for more in (-1, 0, 1, 2)}


def _picks_by_mask(equation: Equation) -> bool:
    """Whether the shape depends on values."""
    picks = equation.primitive in (GETITEM, SCATTER)
    return picks and any(
        isinstance(v, Variable) and v.dtype.kind == "b" for v in equation.operands[1:]
    )
