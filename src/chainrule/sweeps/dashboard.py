"""A sweep as Optuna's journal, so that optuna-dashboard shows it.

The format is that of ``optuna.storages.JournalStorage``: a line of JSON an operation. It is written
here, not by Optuna, which need not be installed, and takes some ten times as long a trial.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.callbacks import Callback, Logs
from chainrule.errors import FileError
from chainrule.sweeps.dimensions import Choices, Dimension, Integers, Log, Numbers
from chainrule.sweeps.leases import Leases
from chainrule.sweeps.outcomes import Rung
from chainrule.sweeps.space import Space
from chainrule.sweeps.store import Folder

NAME = "optuna.log"
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
        now, space = datetime.now(UTC).isoformat(), search.candidates.space
        about = {"worker_id": self._workers.name, "study_id": 0}
        lines = []
        if not self.path.exists() or not self.path.stat().st_size:
            direction = MAXIMIZE if search.rungs[0].higher else MINIMIZE
            named = {"study_name": self.path.parent.name, "directions": [direction]}
            lines.append({"op_code": CREATE_STUDY, "worker_id": self._workers.name, **named})
        told = {n: json.dumps(distribution(d)) for n, d in space.dimensions.items()}
        for candidate, trial in trials:
            params = dict(parameters(space, search.candidates.places[candidate]))
            lines.append({
                "op_code": CREATE_TRIAL, **about, "datetime_start": now, "datetime_complete": now,
                "distributions": {n: told[n] for n in params}, "params": params, "values": None,
                "system_attrs": {}, **trial,
            })  # fmt: skip
        content = "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines)
        try:
            with self.path.open("ab") as file:
                file.write(content.encode())
        except OSError as error:
            raise FileError(f"cannot write {self.path}: {error.strerror or error}") from error


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
        if rung.complete:
            last = rung.is_last or (i + 1 < len(rungs) and rungs[i + 1].bracket != rung.bracket)
            gone = np.ones(len(rung.candidates), bool)
            if not last:
                after = rungs[i + 1].candidates if i + 1 < len(rungs) else rung.candidates
                gone = ~np.isin(rung.candidates, after)
            before = [each for each in rungs[: i + 1] if each.bracket == rung.bracket]
            for at in np.flatnonzero(gone).tolist():
                candidate = int(rung.candidates[at])
                if candidate not in known:
                    known.add(candidate)
                    yield candidate, _trial(before, rung, at, last)


def _trial(before: list[Rung], rung: Rung, at: int, last: bool) -> dict[str, Any]:
    candidate = int(rung.candidates[at])
    steps = {}
    for each in before:
        position = int(np.searchsorted(each.candidates, candidate))
        steps[str(int(each.epochs[position]))] = float(each.score()[position])
    score = float(rung.score()[at])
    scores = {name: float(v[at].mean()) for name, v in rung.scores.items()}
    about: dict[str, Any] = {n: s for n, s in scores.items() if np.isfinite(s)}
    errors = [rung.errors[n] for n in rung.members([at]) if n in rung.errors]
    about |= {"error": errors[0]} if errors else {}
    finite = bool(np.isfinite(score))
    return {
        "state": (COMPLETE if last else PRUNED) if finite else FAIL,
        "value": score if finite else None,
        "user_attrs": {"candidate": candidate, **about},
        "intermediate_values": {step: s for step, s in steps.items() if np.isfinite(s)},
    }


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
