"""Stores of a sweep: in memory, or in a folder that several processes share.

``sweep.json``
    The conditions of the sweep; ``members-0.json`` and so on hold its candidates.
``journal/``
    One file per process with batches of outcomes, a line for each batch.
``checkpoints/``
    For each rung, checkpoints of the candidates that may be promoted, and of the best ones of the
    last rung.
``asked/``
    The settings that a search of Optuna has drawn.
``workers/``, ``leases/``
    The processes at work, and their leases of candidates.
"""

from __future__ import annotations

import contextlib
import shutil
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from chainrule._src.base import interrupts
from chainrule._src.base.errors import DataError, FileError
from chainrule._src.compile.native import memory
from chainrule._src.core.trees import leaves
from chainrule._src.sweeps.header import read_document, write_document
from chainrule._src.sweeps.journal import SUFFIX, Journal, Journals
from chainrule._src.sweeps.leases import Leases, Workers
from chainrule._src.sweeps.member import Checkpoint
from chainrule._src.sweeps.outcomes import OutcomeBatch, Rung
from chainrule._src.sweeps.packing import read_checkpoints, write_checkpoints

SHARE = 0.5  # largest share of the memory for checkpoints
TAKEN = 256  # maximum number of candidates of a lease
PIECES = 128  # leases of a rung, unless that exceeds the maximum above
LOOKED = 1.0  # seconds between two reads of the other processes' journals
WAITED = 0.2  # seconds of sleep while other processes train
OPEN = 4  # maximum number of checkpoint files in memory


Places = list[list[float]]


class SweepStore(Protocol):
    """Protocol of a store of outcomes and checkpoints."""

    def begin(self, rung: Rung) -> None:
        """Add the outcomes in the store to a rung."""

    def pieces(self, rung: Rung) -> Iterator[Sequence[int]]:
        """Yield positions of candidates to train, which this process has leased."""

    def record(
        self, rung: Rung, batch: OutcomeBatch, checkpoints: Mapping[int, Checkpoint]
    ) -> None:
        """Store outcomes, and checkpoints of those that are among the best so far."""

    def checkpoint(self, rung: Rung, number: int) -> Checkpoint | None:
        """Return a member's checkpoint, or None if none can be read."""

    def agreed(self, bracket: int, places: Places) -> Places:
        """Return the places on which all processes agree: those of the first process."""

    def wait(self, rung: Rung) -> None:
        """Wait a moment for outcomes of other processes."""

    def end(self, rung: Rung) -> None:
        """Delete the checkpoints of a rung."""

    def notes(self) -> list[str]:
        """Return notes for the user on damaged data."""

    def close(self) -> None:
        """Release the leases, so that other processes can continue."""


class MemoryStore:
    """Store in memory, which ends with its process."""

    def __init__(self) -> None:
        self._kept: dict[str, dict[int, Checkpoint]] = {}
        self.needed = 0  # maximum bytes of the checkpoints

    @classmethod
    def of(cls, store: SweepStore, rungs: Sequence[Rung], keep: int) -> MemoryStore:
        """Copy the available checkpoints of each rung's best candidates from a store."""
        copied = cls()
        for rung in rungs:
            numbers = rung.members(rung.best(min(keep, rung.n_best)))
            each = {number: store.checkpoint(rung, number) for number in numbers}
            copied._kept[rung.name] = {n: part for n, part in each.items() if part is not None}
        return copied

    def begin(self, rung: Rung) -> None:
        """Do nothing, since the store holds no earlier outcomes."""

    def pieces(self, rung: Rung) -> Iterator[Sequence[int]]:
        """Yield the positions of all candidates that are not trained."""
        yield np.flatnonzero(~rung.done).tolist()

    def record(
        self, rung: Rung, batch: OutcomeBatch, checkpoints: Mapping[int, Checkpoint]
    ) -> None:
        """Keep the checkpoints; from time to time delete those no longer among the best."""
        if rung.name not in self._kept:
            count = min(rung.n_best, len(rung.candidates)) * rung.seeds
            self.needed = max(self.needed, check_fits(checkpoints, count))
        checkpoints_kept = self._kept.setdefault(rung.name, {})
        checkpoints_kept.update(checkpoints)
        if len(checkpoints_kept) > 1.25 * rung.n_best * rung.seeds + 16:
            best = set(rung.members(rung.best(rung.n_best)))
            self._kept[rung.name] = {n: each for n, each in checkpoints_kept.items() if n in best}

    def checkpoint(self, rung: Rung, number: int) -> Checkpoint | None:
        """Return a member's checkpoint."""
        return self._kept.get(rung.name, {}).get(number)

    def agreed(self, bracket: int, places: Places) -> Places:
        """Return ``places`` unchanged, since there is only one process."""
        return places

    def wait(self, rung: Rung) -> None:
        """Do nothing, since there is only one process."""

    def end(self, rung: Rung) -> None:
        """Delete the checkpoints of a rung."""
        self._kept.pop(rung.name, None)

    def notes(self) -> list[str]:
        """Return an empty list."""
        return []

    def close(self) -> None:
        """Do nothing."""


def check_fits(checkpoints: Mapping[int, Checkpoint], count: int) -> int:
    """Return the bytes that ``count`` checkpoints need; refuse more than half of the memory.

    Raises
    ------
    DataError
        If the memory is too small; the message names the bytes.
    """
    if not checkpoints:
        return 0
    sizes = [np.asarray(leaf).nbytes for _, leaf in leaves(next(iter(checkpoints.values())))]
    needed, available = sum(sizes) * count, memory()
    if needed > SHARE * available:
        raise DataError(
            f"sweep: the weights of the {count:,} models that may go on take "
            f"{needed / 2**30:,.1f} GB, more than {SHARE:.0%} of the memory; give store= a "
            "folder, where they are kept on disk, or fewer models"
        )
    return needed


class FolderStore:
    """Store in a folder, from which another process can resume after any interruption.

    Parameters
    ----------
    path : path
        An existing folder.
    """

    def __init__(self, path: Path, **lease: float) -> None:
        self.path = path
        for name in ("journal", "checkpoints", "workers", "leases"):
            try:
                (path / name).mkdir(exist_ok=True)
            except OSError as error:
                raise FileError(f"cannot write {path}: {error.strerror or error}") from error
        self._others = Journals(path / "journal")
        self._batches: dict[str, list[tuple[OutcomeBatch, str, list[int]]]] = {}
        self._files: dict[str, dict[int, str]] = {}
        self._open: OrderedDict[Path, dict[int, Callable[[], Checkpoint]]] = OrderedDict()
        self._lock, self._looked, self._written = threading.RLock(), 0.0, 0
        self.workers = Workers(path / "workers", **lease)
        # After an error, stop the thread that renews the leases.
        with contextlib.ExitStack() as undo:
            undo.callback(self.workers.close)
            self._own = Journal(path / "journal" / f"{self.workers.name}{SUFFIX}")
            self._read_journals()
            undo.pop_all()
        self.unfinished = self._others.unfinished

    def begin(self, rung: Rung) -> None:
        """Add the outcomes in all journals to a rung."""
        with self._lock:
            self._read_journals()
            self._update(rung)

    def pieces(self, rung: Rung) -> Iterator[Sequence[int]]:
        """Lease candidates that no process holds, in small groups, and yield their positions."""
        leases = Leases(self.path / "leases" / rung.name, self.workers)
        size = min(max(-(-len(rung.candidates) // PIECES), 1), TAKEN)
        for piece in range(-(-len(rung.candidates) // size)):
            positions = np.arange(piece * size, min((piece + 1) * size, len(rung.candidates)))
            with self._lock:
                if time.monotonic() - self._looked > LOOKED:
                    self._read_journals()
                    self._update(rung)
            if rung.done[positions].all() or not leases.take(piece):
                continue
            if leases.had_owner(piece):  # who may have written outcomes since the last look
                self.begin(rung)
            untrained = positions[~rung.done[positions]]
            if len(untrained):
                yield untrained.tolist()

    def record(
        self, rung: Rung, batch: OutcomeBatch, checkpoints: Mapping[int, Checkpoint]
    ) -> None:
        """Write checkpoints, then the outcomes, which contain the name of the checkpoints' file."""
        with self._lock:
            name = ""
            if checkpoints:
                self._written += 1
                name = f"{self.workers.name}-{self._written}.safetensors"
                folder = self.path / "checkpoints" / rung.name
                with contextlib.suppress(OSError):
                    folder.mkdir(exist_ok=True)
                write_checkpoints(folder / name, checkpoints)
                self._files.setdefault(rung.name, {}).update(dict.fromkeys(checkpoints, name))
            reference = {"file": name, "kept": list(checkpoints)} if checkpoints else {}
            self._own.append([{"rung": rung.name, **batch.record(), **reference}])

    def agreed(self, bracket: int, places: Places) -> Places:
        """Return the places on which all processes agree: those of the first process."""
        folder = self.path / "asked"
        path = folder / f"{bracket}.json"
        if not path.exists():
            with contextlib.suppress(OSError):
                folder.mkdir(exist_ok=True)
            write_document(path, {"places": places})
        first: Places = read_document(path)["places"]
        return first

    def checkpoint(self, rung: Rung, number: int) -> Checkpoint | None:
        """Return a member's checkpoint, or None if none can be read."""
        with self._lock:
            name = self._files.get(rung.name, {}).get(number)
            if name is None:
                return None
            path = self.path / "checkpoints" / rung.name / name
            if path not in self._open:
                try:
                    self._open[path] = read_checkpoints(path)
                except FileError:  # another process has promoted the rung, or the file is lost
                    return None
                if len(self._open) > OPEN:
                    self._open.popitem(last=False)
            make = self._open[path].get(number)
            return None if make is None else make()

    def wait(self, rung: Rung) -> None:
        """Sleep a moment, then read the outcomes of other processes."""
        time.sleep(WAITED)
        interrupts.check()
        with self._lock:
            self._read_journals()
            self._update(rung)

    def end(self, rung: Rung) -> None:
        """Remove the files of a rung whose successor is complete."""
        for folder in ("checkpoints", "leases"):
            shutil.rmtree(self.path / folder / rung.name, ignore_errors=True)
        self._files.pop(rung.name, None)

    def notes(self) -> list[str]:
        """Return a note on the number of damaged lines."""
        lines = self._others.damaged
        faults = []
        if lines:
            faults.append(f"{lines:,} damaged line{'s' * (lines != 1)} skipped")
        if self.unfinished:
            faults.append(
                f"{self.unfinished:,} line{'s' * (self.unfinished != 1)} not written to the end"
            )
        what = "; what they held is trained again" if faults else ""
        return [f"{self.path / 'journal'}: {' and '.join(faults)}{what}"] if faults else []

    def close(self) -> None:
        """Release the leases, so that other processes can continue."""
        self._own.close()
        self.workers.close()

    def _read_journals(self) -> None:
        """Read the lines that other processes have added to their journals."""
        for _, record in self._others.new(but=self._own.path):
            try:
                batch = OutcomeBatch.from_record(record)
                numbers = [int(number) for number in record.get("kept", ())]
                read = batch, str(record.get("file", "")), numbers
                self._batches.setdefault(str(record["rung"]), []).append(read)
            except (LookupError, TypeError, ValueError, AttributeError):
                self._others.damaged += 1
        self._looked = time.monotonic()

    def _update(self, rung: Rung) -> None:
        for batch, name, numbers in self._batches.pop(rung.name, ()):
            rung.take(batch)
            if Path(name).name == name:  # refuse a path to another folder
                self._files.setdefault(rung.name, {}).update(dict.fromkeys(numbers, name))
