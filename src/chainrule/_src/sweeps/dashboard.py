"""Write a sweep as a journal of Optuna, which optuna-dashboard can show.

The format is that of ``optuna.storages.JournalStorage``: one line of JSON per operation. It is
written here, because Optuna need not be installed, and takes about ten times as long per trial.
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
from chainrule._src.sweeps.dimensions import Choice, Dimension, IntRange, LogUniform, NumberRange
from chainrule._src.sweeps.leases import Leases
from chainrule._src.sweeps.outcomes import Rung
from chainrule._src.sweeps.space import Space
from chainrule._src.sweeps.store import FolderStore

NAME = "optuna.log"
LINES = 10_000  # maximum number per write
CREATE_STUDY, CREATE_TRIAL = 0, 4  # operations
COMPLETE, PRUNED, FAIL = 1, 2, 3  # states of a trial
MINIMIZE, MAXIMIZE = 1, 2


class EndedTrials(Callback):
    """Callback that writes the candidates that will not be trained further, after each rung."""

    def __init__(self) -> None:
        self.known: set[int] = set()  # candidates that were written

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Write the candidates that were not promoted."""
        self._write()

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Write the remaining candidates."""
        self._write()

    def _write(self) -> None:
        if any(rung.done.any() for rung in self.model.rungs) and self.may_write():
            self.write(ended(self.model.rungs, self.known))

    def may_write(self) -> bool:
        """Return true if this process must write."""
        return True

    def write(self, trials: Iterator[tuple[int, dict[str, Any]]]) -> None:
        """Write candidates as trials."""
        raise NotImplementedError


class OptunaLog(EndedTrials):
    """Writes a journal; among several processes, the one that holds the lease writes.

    Parameters
    ----------
    store : FolderStore
    """

    def __init__(self, store: FolderStore) -> None:
        super().__init__()
        self.path, self._workers = store.path / NAME, store.workers
        self._lease = Leases(store.path / "leases" / "optuna", store.workers)
        self._is_ours = False

    def may_write(self) -> bool:
        """Return true if this process must write."""
        if not self._is_ours and self._lease.take(0):
            self._is_ours, self.known = True, written_candidates(self.path)
        return self._is_ours

    def write(self, trials: Iterator[tuple[int, dict[str, Any]]]) -> None:
        """Append a line for each trial."""
        search = self.model
        space = search.candidates.space
        lines: list[str] = []
        if not self.path.exists() or not self.path.stat().st_size:
            direction = MAXIMIZE if search.rungs[0].higher else MINIMIZE
            named = {"study_name": self.path.parent.name, "directions": [direction]}
            study = {"op_code": CREATE_STUDY, "worker_id": self._workers.name, **named}
            lines.append(json.dumps(study, separators=(",", ":")) + "\n")
        # The first part of a line is equal for all trials with the same settings.
        heads: dict[tuple[str, ...], str] = {}
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


def written_candidates(path: Path) -> set[int]:
    """Return the candidates in a journal; truncate an incomplete last line."""
    if not path.exists():
        return set()
    try:
        content = path.read_bytes()
        end = content.rfind(b"\n") + 1
        if end < len(content):
            os.truncate(path, end)
    except OSError as error:
        raise FileError(f"cannot read {path}: {error.strerror or error}") from error
    candidates = set()
    for line in content[:end].splitlines():
        try:
            candidates.add(int(json.loads(line)["user_attrs"]["candidate"]))
        except (ValueError, LookupError, TypeError):
            continue
    return candidates


def ended(rungs: list[Rung], written: set[int]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the candidates that will not be trained further as trials; skip ``written`` ones.

    The yielded candidates are added to ``written``.
    """
    for i, rung in enumerate(rungs):
        after = rungs[i + 1] if i + 1 < len(rungs) else None
        last = rung.is_last or (after is not None and after.bracket != rung.bracket)
        if not rung.complete or (after is None and not last):
            continue
        going = rung.candidates[:0] if last or after is None else after.candidates
        gone = np.flatnonzero(~np.isin(rung.candidates, going))
        if written:
            gone = gone[[c not in written for c in rung.candidates[gone].tolist()]]
        before = [each for each in rungs[: i + 1] if each.bracket == rung.bracket]
        written.update(rung.candidates[gone].tolist())
        yield from _trials(before, rung, gone, last)


def _trials(
    before: list[Rung], rung: Rung, at: Array, last: bool
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield candidates of a rung as trials, with their scores in this and earlier rungs."""
    candidates = rung.candidates[at]
    steps = []
    for each in before:
        positions = np.searchsorted(each.candidates, candidates)
        steps.append((each.epochs[positions].tolist(), each.score()[positions].tolist()))
    names = list(rung.scores)
    means = [rung.scores[name][at].mean(axis=1).tolist() for name in names]
    final = steps[-1][1]
    for i, candidate in enumerate(candidates.tolist()):
        about: dict[str, Any] = {"candidate": candidate}
        about |= {n: mean[i] for n, mean in zip(names, means, strict=True) if isfinite(mean[i])}
        if rung.errors:
            errors = [rung.errors[n] for n in rung.members([int(at[i])]) if n in rung.errors]
            about |= {"error": errors[0]} if errors else {}
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
    """Return Optuna's JSON description of the values of a setting."""
    if isinstance(dimension, Choice):
        return {"name": "CategoricalDistribution", "attributes": {"choices": labels(dimension)}}
    assert isinstance(dimension, NumberRange)
    ends: dict[str, Any] = {"low": dimension.low, "high": dimension.high}
    if isinstance(dimension, IntRange):
        ends = {"low": int(dimension.low), "high": int(dimension.high), "step": 1, "log": False}
        return {"name": "IntDistribution", "attributes": ends}
    ends |= {"step": None, "log": isinstance(dimension, LogUniform)}
    return {"name": "FloatDistribution", "attributes": ends}


def labels(choices: Choice) -> list[Any]:
    """Return choices as distinct values of types that Optuna supports."""
    plain = (bool, int, float, str)
    values = [v if v is None or isinstance(v, plain) else repr(v) for v in choices.values]
    if len(set(map(repr, values))) < len(values) or len(set(values)) < len(values):
        return [f"{i}: {value}" for i, value in enumerate(values)]
    return values


def parameters(space: Space, places: Any) -> Iterator[tuple[str, Any]]:
    """Yield settings as Optuna stores them: choices by their positions."""
    for (name, dimension), number in zip(space.dimensions.items(), places.tolist(), strict=True):
        if number == number:
            yield name, int(number) if isinstance(dimension, Choice | IntRange) else number
