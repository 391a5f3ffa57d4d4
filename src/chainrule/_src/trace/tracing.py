"""Tracing: recordings for single batch sizes become one program for all batch sizes.

A function is recorded for two batch sizes; the difference between the recordings shows how the
program depends on the batch size. For any other size the program holds if a recording for that size
equals it, equation by equation: no size is assumed to hold because another one does.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
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
from chainrule._src.ops.index import ASSIGN, GETITEM, SCATTER, other_masks
from chainrule._src.trace.arguments import argument_names
from chainrule._src.trace.batch import depends_on_n, every
from chainrule._src.trace.comparing import generalised, same
from chainrule._src.trace.passes import fixed
from chainrule._src.trace.simplifying import simplified
from chainrule._src.trace.sizes import turning_points

T = TypeVar("T")
Prepare = Callable[[Program], Program]
LARGEST = 4096  # largest batch size that is tested because a number in the code suggests it
NEIGHBOURS = 32  # batch sizes that are tested one by one, on either side


def trace(f: Callable[P, Any], prepare: Prepare | None = None) -> Callable[P, Program]:
    """Return a function that records ``f`` as a program.

    Parameters
    ----------
    f : callable
        Written in NumPy. To record its gradient as well, trace ``value_and_grad(f)``.
    prepare : callable, optional
        Applied to every recording, before recordings are merged into a general program.

    Returns
    -------
    callable
        Takes ``f``'s positional arguments; returns a `Program`. Arrays of equal length in the
        arguments after the first have one sample per row, and the program holds for every batch
        size for which ``f`` does the same. ``f`` is run for several sizes to check that.

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
    """Records a function for several batch sizes, and compares the recordings.

    Parameters
    ----------
    f : callable
    args : sequence
        Examples of its arguments.
    names : sequence of str, optional
        Names of the arguments, if not those of the function's parameters.
    prepare : callable, optional
        Applied to every recording.
    rows : callable, optional
        Function of a path: is the first axis of this array the batch axis? By default, it is for
        the first array after the first argument, and for arrays of the same length.

    Attributes
    ----------
    batch : Path or None
        Path of the array whose length is the batch size.
    n : int
        The batch size of the examples.
    values : bool
        If true, programs record the values of the examples. If false, only shapes and dtypes of
        results that are slow to compute are recorded.
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
        batched = [(p, x) for p, x in arrays if (rows(p) if rows is not None else p[0] != first)]
        self.batch = batched[0][0] if batched else None
        self.n = len(batched[0][1]) if batched else 0
        self._rows = {path for path, leaf in batched if len(leaf) == self.n}
        self._verdicts: dict[tuple[Program, int], bool] = {}
        self._programs: dict[int, Program] = {}
        self._fresh: dict[int, Program] = {}  # recordings that no pass has changed

    def program(self, n: int) -> Program:
        """Return a program that computes the function for ``n`` samples.

        If possible, the program is general, with this recorder as its proof.
        """
        if n not in self._programs:
            programs = {*self._programs.values()}
            valid = (program for program in programs if program.general and self.holds(program, n))
            self._programs[n] = next(valid, None) or self.found(n)
        return self._programs[n]

    def found(self, n: int) -> Program:
        """Return a new program for ``n`` samples."""
        return self.serving(n) or self.alone(n)

    def serving(self, n: int) -> Program | None:
        """Return a new general program that holds for ``n`` samples; None if there is none."""
        sizes = dict.fromkeys(self.tried(n)) if self.batch is not None and self.n > 0 else ()
        programs = map(self.general, sizes)
        return next((p for p in programs if p is not None and self.holds(p, n)), None)

    def tried(self, n: int) -> tuple[int, ...]:
        """Return batch sizes to record, in search of a general program.

        A size of 1 broadcasts, and a factor that equals 1 for a size disappears from its recording.
        """
        return max(self.n, 2), max(n, 2), 2 * n + 5

    def general(self, size: int) -> Program | None:
        """Return the program that recordings for ``size`` and ``size + 1`` suggest, or None."""
        sizes = (size, size + 1)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                first, second = self.recorded(size, named=True), self.recorded(size + 1)
                program = generalised(first, second, sizes)
        except Exception:  # raised by the function, for a size that the user did not ask for
            return None
        if not self._keeps_shapes(first, size):
            return None
        program.batch, program.proof = self.batch, self
        self._verdicts |= {(program, size): True, (program, size + 1): True}
        return program if self.confirmed(program, size) else None

    def confirmed(self, program: Program, size: int) -> bool:
        """Return true if a third recording agrees: from two, ``n // 2`` looks like ``n - 3``."""
        return self.holds(program, 2 * size + 3)

    def alone(self, n: int | None = None) -> Program:
        """Return the recording for one batch size, by default that of the examples.

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
        """Return true if the program does not change when its masks pick more or fewer entries."""
        if not any(map(_picks_by_mask, every(program.equations))):
            return True
        try:
            with other_masks():
                return same(program, self.recorded(n), shapes=False)
        except Exception:  # raised by the function, for entries that it does not pick
            return False

    def holds(self, program: Program, n: int) -> bool:
        """Return true if the program does the same as the function for ``n`` samples."""
        if (program, n) not in self._verdicts:
            self._verdicts[program, n] = self._is_recorded(program, n)
        return self._verdicts[program, n]

    def _is_recorded(self, program: Program, n: int) -> bool:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                expected = self.recorded(n)
        except Exception:  # raised by the function: then the program must not return a result
            return False
        if same(program, expected, n=n):
            return True
        return same(simplified(fixed(program, n)), simplified(expected))

    def sizes(self, program: Program) -> tuple[int, int | None]:
        """Return the smallest and the largest batch size that a general program holds for.

        Not all sizes can be tested. If all uses of the sizes that the code reads can be followed, 0
        and 1 are tested, and the sizes around which the code's comparisons, or the numbers in its
        source, may change the program. Otherwise, sizes are tested one by one, and only tested
        sizes hold.
        """
        verdicts = [*self._verdicts.items()]  # a copy: `holds` adds a verdict
        valid = (n for (each, n), holds in verdicts if each is program and holds)
        start = self.n if self.holds(program, self.n) else next(valid)
        read = turning_points(lambda n: self.recorded(n, named=True), start)
        if read is None:
            return self._neighbours(program, start)
        numbers = {0, 1, 2, *_turning_points(self.f, program), *read}
        points = sorted(size for size in numbers if 0 <= size <= LARGEST)
        low, high = start, None
        for point in reversed([p for p in points if p < start]):
            if not self.holds(program, point):
                low = self._last(program, low, point)
                break
            low = point
        for point in [p for p in points if p > start]:
            if not self.holds(program, point):
                high = self._last(program, start, point)
                break
        return low, high

    def _neighbours(self, program: Program, start: int) -> tuple[int, int]:
        """Return the smallest and largest size around ``start``, all sizes between being tested."""
        low = high = start
        while low > max(0, start - NEIGHBOURS) and self.holds(program, low - 1):
            low -= 1
        while high < start + NEIGHBOURS and self.holds(program, high + 1):
            high += 1
        return low, high

    def _last(self, program: Program, holds: int, fails: int) -> int:
        """Return the last size that the program holds for, between ``holds`` and ``fails``."""
        while abs(holds - fails) > 1:
            middle = (holds + fails) // 2
            holds, fails = (middle, fails) if self.holds(program, middle) else (holds, middle)
        return holds

    def _resized(self, n: int) -> dict[str, Any]:
        """Return the arguments with ``n`` samples, by repeating the samples of the examples."""
        if n == self.n or self.batch is None:
            return self.given
        rows = _repeated(self.n, n)
        resized = iter(
            [
                np.take(leaf, rows, axis=0) if path in self._rows else leaf
                for path, leaf in leaves(self.given)
            ]
        )
        tree: dict[str, Any] = map_leaves(lambda _: next(resized), self.given)
        return tree

    def recorded(self, n: int, named: bool = False) -> Program:
        """Return the recording of the function for ``n`` samples; ``named`` as for `tape`."""

        def make() -> Program:
            program = self._fresh.pop(n, None) or tape(self.f, self._resized(n), named).program()
            return self.prepare(program) if self.prepare is not None else program

        return self.sketched(make, named)

    def sketched(self, make: Callable[[], T], named: bool = False) -> T:
        """Return ``make()``, which records the function.

        If values are not needed, only shapes and dtypes are recorded, unless the function then
        fails.
        """
        for sketched in dict.fromkeys((not (named and self.values), False)):
            # The numbers do not matter, so NumPy's warnings are ignored.
            with np.errstate(all="ignore"), sketching(sketched):
                try:
                    return make()
                except Exception:
                    if not sketched:
                        raise
        raise AssertionError


@lru_cache(64)
def _repeated(n: int, count: int) -> Any:
    """Return the numbers of ``count`` samples that repeat ``n`` samples in order."""
    return np.arange(count) % n


def _turning_points(f: Callable[..., Any], program: Program) -> set[int]:
    """Return batch sizes around the numbers in the code, where it may change its behaviour."""
    params = [numbers_in(equation.params) for equation in every(program.equations)]
    numbers = numbers_in(f).union(*params, _counted_axes(program))
    return {number + more for number in numbers for more in (-1, 0, 1, 2)} | {_long(program)}


def _counted_axes(program: Program) -> set[int]:
    """Return the sizes of axes that an index counts along the batch.

    ``a[np.arange(n) % len(a)]`` is recorded as ``a[np.arange(n)]`` up to a size of ``len(a)``.
    """
    counted = [
        e for e in every(program.equations)
        if e.primitive in (GETITEM, SCATTER, ASSIGN) and any(map(depends_on_n, e.operands[1:]))
    ]  # fmt: skip
    sizes = [(*getattr(e.operands[0], "shape", ()), *e.output.shape) for e in counted]
    return {size for shape in sizes for size in shape if isinstance(size, int)}


def _long(program: Program) -> int:
    """Return a batch size for which no slice of a program reaches beyond the end of its axis.

    ``x[4:-3]`` is empty up to a size of 4 + 3, and ``x[::2][4:]`` up to 2 · 4. From the sum of all
    bounds and steps, such sums and products are at most a quarter of its square.
    """
    index = [part for e in every(program.equations) for part in e.params.get("index", ())]
    slices = [part for part in index if isinstance(part, slice)]
    bounds = [bound for each in slices for bound in (each.start, each.stop, each.step)]
    total = sum(max(numbers_in(bound), default=0) for bound in bounds)
    return min(total + total * total // 4 + 1, LARGEST)


def _picks_by_mask(equation: Equation) -> bool:
    """Return true if the shape of the result depends on the values of a mask."""
    picks = equation.primitive in (GETITEM, SCATTER)
    return picks and any(
        isinstance(v, Variable) and v.dtype.kind == "b" for v in equation.operands[1:]
    )
