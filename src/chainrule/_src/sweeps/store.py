"""Where a sweep keeps what it has: in memory, or in a folder that several processes share.

``sweep.json``
    What the sweep is; ``members-0.json`` and so on, which members it has.
``journal/``
    A file a process: batches of outcomes, each a line.
``checkpoints/``
    For each rung, checkpoints of those that may go on, and of the best of the last one.
``asked/``
    What a search of Optuna's asked for.
``workers/``, ``leases/``
    Who is at work, and who has taken which candidates.
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
from chainrule._src.sweeps.outcomes import Batch, Rung
from chainrule._src.sweeps.packing import read_checkpoints, write_checkpoints

SHARE = 0.5  # of the memory, for checkpoints
TAKEN = 256  # candidates that are taken at once, at most
PIECES = 128  # parts of a rung, as long as they are smaller than that
LOOKED = 1.0  # seconds from one look at the others' journals to the next
WAITED = 0.2  # seconds, where nothing else is left to do
OPEN = 4  # files of checkpoints that are kept in memory


Places = list[list[float]]


class Store(Protocol):
    """Where a sweep keeps what it has."""

    def begin(self, rung: Rung) -> None:
        """Let a rung have what is known of it."""

    def pieces(self, rung: Rung) -> Iterator[Sequence[int]]:
        """Yield positions of candidates that are to be trained now, taken for this process."""

    def record(self, rung: Rung, batch: Batch, checkpoints: Mapping[int, Checkpoint]) -> None:
        """Keep outcomes, and the checkpoints of those of them that are among the best so far."""

    def checkpoint(self, rung: Rung, number: int) -> Checkpoint | None:
        """Return a member's checkpoint, or None if there is none that can be read."""

    def agreed(self, bracket: int, places: Places) -> Places:
        """Return the places of a bracket that all processes take: those of the first."""

    def wait(self, rung: Rung) -> None:
        """Wait for what others have taken."""

    def end(self, rung: Rung) -> None:
        """Forget the checkpoints of a rung."""

    def notes(self) -> list[str]:
        """Return what is to be said of what was found."""

    def close(self) -> None:
        """Let others have what is left."""


class Memory:
    """A sweep that is gone with its process."""

    def __init__(self) -> None:
        self._kept: dict[str, dict[int, Checkpoint]] = {}
        self.needed = 0  # bytes, at most

    @classmethod
    def of(cls, store: Store, rungs: Sequence[Rung], keep: int) -> Memory:
        """Return the checkpoints of the best of each rung, as far as a store has them."""
        found = cls()
        for rung in rungs:
            numbers = rung.members(rung.best(min(keep, rung.wanted)))
            each = {number: store.checkpoint(rung, number) for number in numbers}
            there = {number: kept for number, kept in each.items() if kept is not None}
            found._kept[rung.name] = there
        return found

    def begin(self, rung: Rung) -> None:
        """Do nothing: nothing is known."""

    def pieces(self, rung: Rung) -> Iterator[Sequence[int]]:
        """Yield all positions."""
        yield np.flatnonzero(~rung.done).tolist()

    def record(self, rung: Rung, batch: Batch, checkpoints: Mapping[int, Checkpoint]) -> None:
        """Keep the checkpoints; sometimes forget those that are no longer among the best."""
        if rung.name not in self._kept:
            count = min(rung.wanted, len(rung.candidates)) * rung.seeds
            self.needed = max(self.needed, check_fits(checkpoints, count))
        kept = self._kept.setdefault(rung.name, {})
        kept.update(checkpoints)
        if len(kept) > 1.25 * rung.wanted * rung.seeds + 16:
            best = set(rung.members(rung.best(rung.wanted)))
            self._kept[rung.name] = {n: each for n, each in kept.items() if n in best}

    def checkpoint(self, rung: Rung, number: int) -> Checkpoint | None:
        """Return a member's checkpoint."""
        return self._kept.get(rung.name, {}).get(number)

    def agreed(self, bracket: int, places: Places) -> Places:
        """Return them."""
        return places

    def wait(self, rung: Rung) -> None:
        """Do nothing: there are no others."""

    def end(self, rung: Rung) -> None:
        """Forget the checkpoints of a rung."""
        self._kept.pop(rung.name, None)

    def notes(self) -> list[str]:
        """Return nothing."""
        return []

    def close(self) -> None:
        """Do nothing."""


def check_fits(checkpoints: Mapping[int, Checkpoint], count: int) -> int:
    """Return how many bytes so many checkpoints take; refuse them where that is most of all.

    Raises
    ------
    DataError
        Saying how much they would take.
    """
    if not checkpoints:
        return 0
    sizes = [np.asarray(leaf).nbytes for _, leaf in leaves(next(iter(checkpoints.values())))]
    needed, there = sum(sizes) * count, memory()
    if needed > SHARE * there:
        raise DataError(
            f"sweep: the weights of the {count:,} models that may go on take "
            f"{needed / 2**30:,.1f} GB, more than {SHARE:.0%} of the memory; give store= a "
            "folder, where they are kept on disk, or fewer models"
        )
    return needed


class Folder:
    """A sweep in a folder: whatever ends a process, the next one goes on.

    Parameters
    ----------
    path : path
        Of a folder that is there.
    """

    def __init__(self, path: Path, **lease: float) -> None:
        self.path = path
        for name in ("journal", "checkpoints", "workers", "leases"):
            try:
                (path / name).mkdir(exist_ok=True)
            except OSError as error:
                raise FileError(f"cannot write {path}: {error.strerror or error}") from error
        self._others = Journals(path / "journal")
        self._batches: dict[str, list[tuple[Batch, str, list[int]]]] = {}
        self._files: dict[str, dict[int, str]] = {}
        self._open: OrderedDict[Path, dict[int, Callable[[], Checkpoint]]] = OrderedDict()
        self._lock, self._looked, self._written = threading.RLock(), 0.0, 0
        self.workers = Workers(path / "workers", **lease)
        with contextlib.ExitStack() as undo:  # whoever cannot begin leaves nothing that renews
            undo.callback(self.workers.close)
            self._own = Journal(path / "journal" / f"{self.workers.name}{SUFFIX}")
            self._look()
            undo.pop_all()
        self.unfinished = self._others.unfinished

    def begin(self, rung: Rung) -> None:
        """Let a rung have what all journals say of it."""
        with self._lock:
            self._look()
            self._let_know(rung)

    def pieces(self, rung: Rung) -> Iterator[Sequence[int]]:
        """Take candidates that nobody has, some at a time."""
        leases = Leases(self.path / "leases" / rung.name, self.workers)
        size = min(max(-(-len(rung.candidates) // PIECES), 1), TAKEN)
        for piece in range(-(-len(rung.candidates) // size)):
            positions = np.arange(piece * size, min((piece + 1) * size, len(rung.candidates)))
            with self._lock:
                if time.monotonic() - self._looked > LOOKED:
                    self._look()
                    self._let_know(rung)
            left = positions[~rung.done[positions]]
            if len(left) and leases.take(piece):
                yield left.tolist()

    def record(self, rung: Rung, batch: Batch, checkpoints: Mapping[int, Checkpoint]) -> None:
        """Write checkpoints, then the outcomes, which say where these are."""
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
            kept = {"file": name, "kept": list(checkpoints)} if checkpoints else {}
            self._own.append([{"rung": rung.name, **batch.record(), **kept}])

    def agreed(self, bracket: int, places: Places) -> Places:
        """Return the places of a bracket that all processes take: those of the first."""
        folder = self.path / "asked"
        path = folder / f"{bracket}.json"
        if not path.exists():
            with contextlib.suppress(OSError):
                folder.mkdir(exist_ok=True)
            write_document(path, {"places": places})
        first: Places = read_document(path)["places"]
        return first

    def checkpoint(self, rung: Rung, number: int) -> Checkpoint | None:
        """Return a member's checkpoint, or None if there is none that can be read."""
        with self._lock:
            name = self._files.get(rung.name, {}).get(number)
            if name is None:
                return None
            path = self.path / "checkpoints" / rung.name / name
            if path not in self._open:
                try:
                    self._open[path] = read_checkpoints(path)
                except FileError:  # another process has gone on, or the disk has lost it
                    return None
                if len(self._open) > OPEN:
                    self._open.popitem(last=False)
            make = self._open[path].get(number)
            return None if make is None else make()

    def wait(self, rung: Rung) -> None:
        """Look what others have done, after a while."""
        time.sleep(WAITED)
        interrupts.check()
        with self._lock:
            self._look()
            self._let_know(rung)

    def end(self, rung: Rung) -> None:
        """Remove the files of a rung behind which there is one that is complete."""
        for folder in ("checkpoints", "leases"):
            shutil.rmtree(self.path / folder / rung.name, ignore_errors=True)
        self._files.pop(rung.name, None)

    def notes(self) -> list[str]:
        """Say how many lines were damaged."""
        lines = self._others.damaged
        found = []
        if lines:
            found.append(f"{lines:,} damaged line{'s' * (lines != 1)} skipped")
        if self.unfinished:
            found.append(
                f"{self.unfinished:,} line{'s' * (self.unfinished != 1)} not written to the end"
            )
        what = "; what they held is trained again" if found else ""
        return [f"{self.path / 'journal'}: {' and '.join(found)}{what}"] if found else []

    def close(self) -> None:
        """Let others have what is left."""
        self._own.close()
        self.workers.close()

    def _look(self) -> None:
        """Read what was added to the journals of others."""
        for _, record in self._others.new(but=self._own.path):
            try:
                batch = Batch.from_record(record)
                kept = [int(number) for number in record.get("kept", ())]
                read = batch, str(record.get("file", "")), kept
                self._batches.setdefault(str(record["rung"]), []).append(read)
            except (LookupError, TypeError, ValueError, AttributeError):
                self._others.damaged += 1
        self._looked = time.monotonic()

    def _let_know(self, rung: Rung) -> None:
        for batch, name, kept in self._batches.pop(rung.name, ()):
            rung.take(batch)
            if Path(name).name == name:  # not one elsewhere
                self._files.setdefault(rung.name, {}).update(dict.fromkeys(kept, name))
