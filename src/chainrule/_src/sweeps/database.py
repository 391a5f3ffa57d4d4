"""Store a sweep in a database, as a study of Optuna."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from chainrule._src.base.errors import FileError, OptionError
from chainrule._src.sweeps.dashboard import EndedTrials
from chainrule._src.sweeps.header import FORMAT, CandidateRange, check_same, new_part
from chainrule._src.sweeps.member import Checkpoint
from chainrule._src.sweeps.optuna import distributions, optuna, params_of, quietly
from chainrule._src.sweeps.outcomes import OutcomeBatch, Rung
from chainrule._src.sweeps.ranking import Ranking
from chainrule._src.sweeps.space import Space
from chainrule._src.sweeps.store import MemoryStore


class Database(MemoryStore):
    """Store that keeps settings and scores in a study; weights are only in memory.

    Parameters
    ----------
    url : str
        URL for SQLAlchemy, for example ``"sqlite:///sweeps.db"``, with the study's name after
        ``#``.
    name : str
        Default name of the study.
    ranking : Ranking

    Raises
    ------
    FileError
        If the database cannot be opened.
    """

    def __init__(self, url: str, name: str, ranking: Ranking) -> None:
        super().__init__()
        self.url, _, fragment = url.partition("#")
        self.name = fragment or name
        self._shown = re.sub(r"(://[^:/@]*):[^@]*@", r"\1:…@", self.url)  # without the password
        self.higher = ranking.is_higher(ranking.name(()))
        create_study = optuna().create_study
        try:
            with quietly():
                self.study = create_study(
                    storage=self.url, study_name=self.name, load_if_exists=True,
                    direction="maximize" if self.higher else "minimize",
                )  # fmt: skip
                trials = self.study.get_trials(deepcopy=False)
        except ImportError as error:
            raise FileError(
                f"cannot open {self._shown}: {error} For PostgreSQL: pip install psycopg2-binary"
            ) from error
        except (optuna().exceptions.StorageInternalError, ValueError) as error:
            raise FileError(f"cannot open {self._shown}: {error}") from error
        except Exception as error:  # errors depend on the database driver
            if type(error).__module__.partition(".")[0] != "sqlalchemy":
                raise
            raise FileError(f"cannot open {self._shown}: {error}") from error
        about = [trial.user_attrs for trial in trials if "rungs" in trial.user_attrs]
        self.known = {int(each["candidate"]) for each in about}
        self._records: dict[str, list[Any]] = {}
        for each in about:
            for rung, record in json.loads(each["rungs"]).items():
                self._records.setdefault(rung, []).append(record)

    def agree(
        self, conditions: Mapping[str, Any], space: Space, search: str, models: int | None
    ) -> list[CandidateRange]:
        """Return the candidates of the study, which must be new or of the same sweep.

        Raises
        ------
        DataError
            If the study belongs to another sweep; the message names the differences.
        """
        document, attributes = {"format": FORMAT, **conditions}, self.study.user_attrs
        check_same(
            attributes.get("conditions", document), conditions,
            f"the study {self.name!r} in {self._shown} is another sweep",
            f"name: {self._shown}#name",
        )  # fmt: skip
        parts = [CandidateRange(**part) for part in json.loads(attributes.get("members", "[]"))]
        added = new_part(parts, space, search, models, f"the study {self.name!r}")
        if added is not None:
            parts.append(added)
            self.study.set_user_attr("conditions", document)
            self.study.set_user_attr("members", json.dumps([asdict(part) for part in parts]))
        return parts

    def begin(self, rung: Rung) -> None:
        """Add the outcomes in the study to a rung."""
        for record in self._records.pop(rung.name, ()):
            rung.take(OutcomeBatch.from_record(record))

    def record(
        self, rung: Rung, batch: OutcomeBatch, checkpoints: Mapping[int, Checkpoint]
    ) -> None:
        """Keep the checkpoints in memory; `DatabaseLog` writes the scores."""
        if batch.scores and rung.higher != self.higher:
            raise OptionError("monitor", f"in a database it must be named: {rung.monitor!r}")
        super().record(rung, batch, checkpoints)


class DatabaseLog(EndedTrials):
    """Writes candidates as trials, when they will not be trained further.

    Parameters
    ----------
    store : Database
    """

    def __init__(self, store: Database) -> None:
        super().__init__()
        self.store, self.known = store, store.known

    def write(self, trials: Iterator[tuple[int, dict[str, Any]]]) -> None:
        """Add trials to the study."""
        search, kinds = self.model, distributions(self.model.candidates.space)
        for candidate, trial in trials:
            places = search.candidates.places[candidate].tolist()
            params = params_of(search.candidates.space, places)
            steps = {int(step): score for step, score in trial["intermediate_values"].items()}
            about = {**trial["user_attrs"], "rungs": json.dumps(self._rungs(candidate))}
            self.store.study.add_trial(optuna().trial.create_trial(
                state=optuna().trial.TrialState(trial["state"]), value=trial["value"],
                params=params, distributions={name: kinds[name] for name in params},
                user_attrs=about, intermediate_values=steps,
            ))  # fmt: skip

    def _rungs(self, candidate: int) -> dict[str, Any]:
        records = {}
        for rung in self.model.rungs:
            at = int(np.searchsorted(rung.candidates, candidate))
            if at < len(rung.candidates) and rung.candidates[at] == candidate:
                records[rung.name] = rung.batch(at).record()
        return records
