"""A session of the lab: runs each section once and keeps its result."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property
from typing import Any, TypeVar

from chainrule._src.base.errors import DataError
from chainrule._src.base.registry import provided
from chainrule._src.data.datasets import Digits, load_digits
from chainrule._src.teach.lab.results import SectionResult

T = TypeVar("T")
Advance = Callable[[], Any]
Progress = Callable[[str, int], AbstractContextManager[Advance]]


class Lab:
    """One run of the lab: a seed, the digits, and the sections' results, computed on demand.

    Parameters
    ----------
    seed : int, default 0
        Seed of all initial weights; equal seeds give equal numbers.
    quick : bool, default False
        If true, run fewer epochs and smaller searches, which takes a few seconds.
    log : callable, default print
        Callback for each line of the lab's log.
    progress : callable, optional
        Called as ``progress(label, total)`` for each slow loop. It returns a context manager whose
        value is a callback for each of the ``total`` steps. By default no progress is shown.

    Raises
    ------
    DataError
        If the seed is not a whole number of at least 0.

    Examples
    --------
    >>> lab = Lab(seed=0, quick=True)
    >>> result = lab.run("data")
    X_train: (1527, 64) float32
    y_train: (1527,) int32
    X_test: (270, 64) float32
    y_test: (270,) int32
    >>> result.numbers["classes"]
    10
    """

    def __init__(
        self,
        *,
        seed: int = 0,
        quick: bool = False,
        log: Callable[[str], Any] = print,
        progress: Progress = lambda label, total: nullcontext(lambda: None),
    ) -> None:
        if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
            raise DataError(f"Lab: seed must be a whole number of at least 0, received {seed!r}")
        self.seed = seed
        self.quick = quick
        self.results: dict[str, SectionResult] = {}
        self._log = log
        self.progress = progress

    @cached_property
    def digits(self) -> Digits:
        """The digits, loaded at the first access."""
        return load_digits()

    def run(self, name: str) -> Any:
        """Return the result of a section, which runs once, after the sections it depends on.

        Raises
        ------
        UnknownNameError
            If there is no such section.
        MissingDependencyError
            If the section needs a package that is not installed.
        """
        module = provided("lab section")(name)
        if name not in self.results:
            self.results[name] = module.run(self)
        return self.results[name]

    def logger(self) -> tuple[list[str], Callable[[str], None]]:
        """Return a list and a function that logs a line and appends it to the list."""
        lines: list[str] = []

        def log(line: str) -> None:
            lines.append(line)
            self._log(line)

        return lines, log

    def track(self, steps: Sequence[T], label: str) -> Iterator[T]:
        """Yield the steps and show the progress."""
        with self.progress(label, len(steps)) as advance:
            for step in steps:
                yield step
                advance()
