"""A sweep as Optuna's journal, so that optuna-dashboard shows it.

The format is that of ``optuna.storages.JournalStorage``: a line of JSON an operation. It is written
here, not by Optuna, which need not be installed, and takes some ten times as long a trial.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.base.errors import FileError
from chainrule._src.nn.callbacks import Callback, Logs
from chainrule._src.sweeps.dimensions import Choices, Dimension, Integers, Log, Numbers
from chainrule._src.sweeps.leases import Leases
from chainrule._src.sweeps.outcomes import Rung
from chainrule._src.sweeps.space import Space
from chainrule._src.sweeps.store import Folder

NAME = "optuna.log"
LINES = 10_000  # that are written at once
CREATE_STUDY, CREATE_TRIAL = 0, 4  # operations
COMPLETE, PRUNED, FAIL = 1, 2, 3  # states of a trial
MINIMIZE, MAXIMIZE = 1, 2


class EndedTrials(Callback):
    """Hears which candidates will not be trained further, once a rung."""

    def __init__(self) -> None:
        self.known: set[int] = set()  # that are written

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Write those that did not go on."""
        self._write()

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Write the rest."""
        self._write()

    def _write(self) -> None:
        if any(rung.done.any() for rung in self.model.rungs) and self.may_write():
            self.write(ended(self.model.rungs, self.known))

    def may_write(self) -> bool:
        """Whether this process is to write."""
        return True

    def write(self, trials: Iterator[tuple[int, dict[str, Any]]]) -> None:
        """Write candidates."""
        raise NotImplementedError


class OptunaLog(EndedTrials):
    """Writes a journal; of several processes one does.

    Parameters
    ----------
    store : Folder
    """

    def __init__(self, store: Folder) -> None:
        super().__init__()
        self.path, self._workers = store.path / NAME, store.workers
        self._lease = Leases(store.path / "leases" / "optuna", store.workers)
        self._is_ours = False

    def may_write(self) -> bool:
        """Whether this process is to write."""
        if not self._is_ours and self._lease.take(0):
            self._is_ours, self.known = True, known_in(self.path)
        return self._is_ours

    def write(self, trials: Iterator[tuple[int, dict[str, Any]]]) -> None:
        """Add lines."""
        search = self.model
        space = search.candidates.space
        lines: list[str] = []
        if not self.path.exists() or not self.path.stat().st_size:
            direction = MAXIMIZE if search.rungs[0].higher else MINIMIZE
            named = {"study_name": self.path.parent.name, "directions": [direction]}
            study = {"op_code": CREATE_STUDY, "worker_id": self._workers.name, **named}
            lines.append(json.dumps(study, separators=(",", ":")) + "\n")
        heads: dict[tuple[str, ...], str] = {}  # what all trials have in common
        for candidate, trial in trials:
            params = dict(parameters(space, search.candidates.places[candidate]))
            names = tuple(params)
            if names not in heads:
                heads[names] = self._head(space, names)
            tail = json.dumps({**trial, "params": params}, separators=(",", ":"))
            lines.append(f"{heads[names]},{tail[1:]}\n")
            if len(lines) >= LINES:
                self._append(lines)
        self._append(lines)

    def _head(self, space: Space, names: tuple[str, ...]) -> str:
        now = datetime.now(UTC).isoformat()
        kinds = {name: json.dumps(distribution(space.dimensions[name])) for name in names}
        about = {
            "op_code": CREATE_TRIAL, "worker_id": self._workers.name, "study_id": 0,
            "datetime_start": now, "datetime_complete": now, "distributions": kinds,
            "values": None, "system_attrs": {},
        }  # fmt: skip
        return json.dumps(about, separators=(",", ":"))[:-1]

    def _append(self, lines: list[str]) -> None:
        try:
            with self.path.open("ab") as file:
                file.write("".join(lines).encode())
        except OSError as error:
            raise FileError(f"cannot write {self.path}: {error.strerror or error}") from error
        lines.clear()


def known_in(path: Path) -> set[int]:
    """Return which candidates a journal has; a line that is not whole is cut off."""
    if not path.exists():
        return set()
    try:
        content = path.read_bytes()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            os.truncate(path, whole)
    except OSError as error:
        raise FileError(f"cannot read {path}: {error.strerror or error}") from error
    found = set()
    for line in content[:whole].splitlines():
        try:
            found.add(int(json.loads(line)["user_attrs"]["candidate"]))
        except (ValueError, LookupError, TypeError):
            continue
    return found


def ended(rungs: list[Rung], known: set[int]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield candidates that will not be trained further, not yet known, each as a trial."""
    for i, rung in enumerate(rungs):
        after = rungs[i + 1] if i + 1 < len(rungs) else None
        last = rung.is_last or (after is not None and after.bracket != rung.bracket)
        if not rung.complete or (after is None and not last):
            continue
        going = rung.candidates[:0] if last or after is None else after.candidates
        gone = np.flatnonzero(~np.isin(rung.candidates, going))
        if known:
            gone = gone[[c not in known for c in rung.candidates[gone].tolist()]]
        before = [each for each in rungs[: i + 1] if each.bracket == rung.bracket]
        known.update(rung.candidates[gone].tolist())
        yield from _trials(before, rung, gone, last)


def _trials(
    before: list[Rung], rung: Rung, at: Array, last: bool
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield some candidates of a rung as trials, with their scores in those before it."""
    candidates = rung.candidates[at]
    steps = []
    for each in before:
        there = np.searchsorted(each.candidates, candidates)
        steps.append((each.epochs[there].tolist(), each.score()[there].tolist()))
    names = list(rung.scores)
    means = [rung.scores[name][at].mean(axis=1).tolist() for name in names]
    final = steps[-1][1]
    for i, candidate in enumerate(candidates.tolist()):
        about: dict[str, Any] = {"candidate": candidate}
        about |= {n: mean[i] for n, mean in zip(names, means, strict=True) if isfinite(mean[i])}
        if rung.errors:
            told = [rung.errors[n] for n in rung.members([int(at[i])]) if n in rung.errors]
            about |= {"error": told[0]} if told else {}
        scored = isfinite(final[i])
        yield (
            candidate,
            {
                "state": (COMPLETE if last else PRUNED) if scored else FAIL,
                "value": final[i] if scored else None,
                "user_attrs": about,
                "intermediate_values": {str(e[i]): s[i] for e, s in steps if isfinite(s[i])},
            },
        )


def distribution(dimension: Dimension) -> dict[str, Any]:
    """Return how Optuna describes the values of a setting."""
    if isinstance(dimension, Choices):
        return {"name": "CategoricalDistribution", "attributes": {"choices": labels(dimension)}}
    assert isinstance(dimension, Numbers)
    ends: dict[str, Any] = {"low": dimension.low, "high": dimension.high}
    if isinstance(dimension, Integers):
        ends = {"low": int(dimension.low), "high": int(dimension.high), "step": 1, "log": False}
        return {"name": "IntDistribution", "attributes": ends}
    ends |= {"step": None, "log": isinstance(dimension, Log)}
    return {"name": "FloatDistribution", "attributes": ends}


def labels(choices: Choices) -> list[Any]:
    """Return choices as Optuna can have them, told apart."""
    plain = (bool, int, float, str)
    found = [v if v is None or isinstance(v, plain) else repr(v) for v in choices.values]
    if len(set(map(repr, found))) < len(found) or len(set(found)) < len(found):
        return [f"{i}: {value}" for i, value in enumerate(found)]
    return found


def parameters(space: Space, places: Any) -> Iterator[tuple[str, Any]]:
    """Yield settings as Optuna keeps them: choices by their positions."""
    for (name, dimension), place in zip(space.dimensions.items(), places.tolist(), strict=True):
        if place == place:
            yield name, int(place) if isinstance(dimension, Choices | Integers) else place
