"""Samples of files and collections, which are read group by group in the order of `fit`."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.base.errors import DataError
from chainrule._src.cluster.batches import groups_in
from chainrule._src.cluster.categories import Categories
from chainrule._src.cluster.group import DataGroup, Empty, Rows
from chainrule._src.cluster.job import Shuffling
from chainrule._src.cluster.reading import reader
from chainrule._src.cluster.rounds import read_batches, works
from chainrule._src.cluster.source import FEW
from chainrule._src.compile.running.engines import Engine, Outcome, run_part
from chainrule._src.nn.network.inputs import comes_in_parts


@dataclass(frozen=True, eq=False)
class ChosenRows:
    """A group of some rows of another group; of all of them if ``chosen`` is None.

    Unlike those of other groups, its ``inputs`` are pickled with it.
    """

    group: DataGroup
    inputs: tuple[Any, ...]
    chosen: Array | None = None

    @property
    def rows(self) -> int:
        """The number of rows."""
        return self.group.rows if self.chosen is None else len(self.chosen)

    @property
    def names(self) -> tuple[Any, ...]:
        """The names of the columns; ``()`` if they have none."""
        return self.group.names

    @property
    def is_file(self) -> bool:
        """True if the group is read from a file."""
        return self.group.is_file

    @property
    def takes_a_core(self) -> bool:
        """True if reading keeps a core busy."""
        return self.group.takes_a_core

    @property
    def texts(self) -> tuple[Any, ...]:
        """The names of the columns of texts or categories."""
        return self.group.texts

    def encoded(self, categories: Categories) -> ChosenRows:
        """Return the group with categories of columns, which `read` encodes."""
        return replace(self, group=self.group.encoded(categories))

    def distinct(self, *inputs: Any) -> dict[Any, set[str]]:
        """Return the distinct texts of each of the columns `texts`."""
        return self.group.distinct(*inputs)

    def read(self, *inputs: Any, empty: Empty = np.empty) -> Rows:
        """Return samples, targets and, if there are any, their weights."""
        rows, chosen = self.group.read(*inputs, empty=empty), self.chosen
        if chosen is None:
            return rows
        X, *more = rows
        few = empty((len(chosen), *X.shape[1:]), X.dtype)
        return np.take(X, chosen, axis=0, out=few, mode="clip"), *(part[chosen] for part in more)


class GroupedRows:
    """Samples, targets and perhaps weights in groups.

    Parameters
    ----------
    groups : sequence of ChosenRows
    """

    def __init__(self, groups: Sequence[ChosenRows]) -> None:
        self.groups = list(groups)

    @classmethod
    def of(cls, X: Any, y: Any, weight: Any = None) -> GroupedRows:
        """Return the samples of files or collections, in the forms of `Sequential.fit`.

        Raises
        ------
        DataError, FileError
        """
        if y is None:
            raise DataError("sweep: y is missing: give the targets, of files the name of a column")
        rows = cls([ChosenRows(group, group.inputs) for group in groups_in(X, y, weight)])
        if not len(rows):
            raise DataError("sweep: there are no samples")
        return rows

    def __reduce__(self) -> Any:
        """Pickle the groups alone, without rows in memory."""
        return GroupedRows, (self.groups,)

    def __len__(self) -> int:
        return sum(group.rows for group in self.groups)

    def chosen(self, rows: Array) -> GroupedRows:
        """Return some of all rows, by a mask or by their numbers; both count through the groups."""
        numbers = np.flatnonzero(rows) if rows.dtype == bool else np.sort(rows)
        edges = np.cumsum([0, *(group.rows for group in self.groups)])
        parts = np.split(numbers, np.searchsorted(numbers, edges[1:-1]))
        return GroupedRows([
            replace(group, chosen=(part - start).astype(np.int32))
            for group, part, start in zip(self.groups, parts, edges[:-1], strict=True)
        ])  # fmt: skip

    @cached_property
    def few(self) -> Rows:
        """Some rows of the first group that has any."""
        group = next(group for group in self.groups if group.rows)
        return tuple(part[:FEW].copy() for part in group.read(*group.inputs))

    @cached_property
    def targets(self) -> Rows:
        """All targets and, if there are any, weights."""
        return self._joined(1)

    @cached_property
    def whole(self) -> Rows:
        """All samples, targets and, if there are any, weights as arrays in memory."""
        return self._joined(0)

    def _joined(self, first: int) -> Rows:
        parts = [group.read(*group.inputs)[first:] for group in self.groups if group.rows]
        return tuple(np.concatenate(each) for each in zip(*parts, strict=True))


def are_in_parts(X: Any) -> bool:
    """Return true for files, memory maps and collections, which are read group by group."""
    return isinstance(X, np.memmap) or comes_in_parts(X)


def example_of(samples: Any) -> tuple[Any, ...]:
    """Return samples by which a model is built: those in memory, or a few of those in groups."""
    return samples.few if isinstance(samples, GroupedRows) else samples


def in_memory(samples: Any) -> tuple[Any, ...]:
    """Return samples as arrays or frames in memory."""
    return samples.whole if isinstance(samples, GroupedRows) else samples


class GroupSupply:
    """Supplies a run with samples in groups, in the order of `fit` with ``shards=1``.

    It has the attributes of `nn.training.supply.Samples` that a sweep uses.

    Parameters
    ----------
    rows : GroupedRows
    checked : callable
        Function of a group's rows that returns them in the form that a step takes.
    batch_size : int
    shuffle : bool
    """

    def __init__(
        self, rows: GroupedRows, checked: Callable[..., Any], batch_size: int, shuffle: bool
    ) -> None:
        self.first, self._checked = checked(*rows.few), checked
        self.groups, self.rows = rows.groups, len(rows)
        self.samples, self.batch_size = self.rows, min(batch_size, self.rows)
        self._run, self._shuffle = uuid.uuid4().hex, shuffle
        self._seed, self._epoch = 0, 0

    def resume(self, rng: np.random.Generator, epoch: int) -> None:
        """Set the generator that seeds the orders, and the epoch, for the next member.

        The state of the generator stays that of the member's start, whatever the epoch.
        """
        state = rng.bit_generator.state
        self._seed, self._epoch = int(rng.integers(2**62)), epoch
        rng.bit_generator.state = state

    def together(self, epochs: int) -> int:
        """Return 1: each epoch is run by one call."""
        return 1

    def finished(self, updates: int) -> int:
        """Return 0: a call that fails has no complete epoch."""
        return 0

    def run(self, engine: Engine, outcome: Outcome) -> None:
        """Run an epoch."""
        seed, size = self._seed, self.batch_size
        shuffling = Shuffling(f"{self._run} {seed}", size, seed, self._shuffle)
        numbers = [number for number, group in enumerate(self.groups) if group.rows]
        ((work,),) = works(self.groups, [numbers], shuffling, self._epoch, self.rows)
        inputs = [piece.group.inputs for piece in work.pieces]
        for data, order in read_batches(shuffling, self._converted, work, inputs, reader()):
            engine.feed(data)
            run_part(engine.run, order, size, outcome)
            if outcome.fails:
                return
        self._epoch += 1

    def _converted(self, rows: Rows, where: str, empty: Empty) -> Rows:
        """Return rows in the form that a step takes, with the dtypes of the first ones."""
        pairs = zip(self._checked(*rows), self.first, strict=True)
        return tuple(np.asarray(part).astype(first.dtype, copy=False) for part, first in pairs)
