"""The options that determine a search, checked before any work starts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chainrule._src.base.errors import OptionError
from chainrule._src.base.validation import check_flag, check_positive, lookup
from chainrule._src.sweeps.asking import SAMPLERS, check_sampler
from chainrule._src.sweeps.building import check_whole
from chainrule._src.sweeps.fingerprint import fingerprint
from chainrule._src.sweeps.ranking import Ranking
from chainrule._src.sweeps.rungs import check_factor
from chainrule._src.sweeps.scoring import Scoring
from chainrule._src.sweeps.space import MOST, SEARCHES

FACTOR = 3  # reduction factor of Hyperband, if none is given


@dataclass
class SearchOptions:
    """The options of `sweep` that determine its candidates and how far each of them is trained.

    Raises
    ------
    DataError, OptionError, UnknownNameError
        If an option is invalid or contradicts another one.
    """

    search: Any
    pruner: Any
    halving: int | None
    hyperband: bool
    models: int | None
    epochs: int
    batch_size: int
    seed: int
    seeds: int
    keep: int
    scoring: Scoring

    def __post_init__(self) -> None:
        if isinstance(self.search, str):
            lookup("search", self.search, dict.fromkeys((*SEARCHES, *SAMPLERS)))
        if not self.is_own:
            check_sampler(self.search)
        if self.is_own and self.pruner is not None:
            raise OptionError("pruner", "is for Optuna's searches; give search='tpe', or halving=3")
        if self.hyperband and self.halving is not None:
            raise OptionError(
                "hyperband", "chooses its halvings, by three, by itself; leave halving out, or "
                "hyperband"
            )  # fmt: skip
        if self.hyperband and not self.is_own:
            raise OptionError("hyperband", "is for searches that do not learn; give halving=3")
        self.seed = check_whole(self.seed, "seed")
        self.epochs = check_whole(self.epochs, "epochs")
        self.batch_size = check_whole(self.batch_size, "batch_size")
        self.keep = check_positive(self.keep, "keep", "sweep")
        self.seeds = _check_many(self.seeds, "seeds")
        self.models = None if self.models is None else _check_many(self.models, "models")
        self.halving = None if self.halving is None else check_factor(self.halving, "halving")
        if check_flag(self.hyperband, "hyperband", "sweep") and self.halving is None:
            self.halving = FACTOR

    @property
    def is_own(self) -> bool:
        """True if the search is one of chainrule, false if it is one of Optuna."""
        return isinstance(self.search, str) and self.search in SEARCHES

    @property
    def search_name(self) -> str:
        """The name of the search in a store."""
        return _name(self.search)

    def conditions(self, ranking: Ranking) -> dict[str, Any]:
        """Return the options that a store must agree with to resume its sweep."""
        pruner = None if self.pruner is None else _name(self.pruner)
        conditions = {
            "search": self.search_name, "pruner": pruner, "halving": self.halving,
            "hyperband": self.hyperband, "epochs": self.epochs, "batch_size": self.batch_size,
            "monitor": [ranking.monitor, *ranking.others] if ranking.others else ranking.monitor,
            "mode": ranking.mode, "seed": self.seed,
            "seeds": self.seeds,
        }  # fmt: skip
        if self.scoring is not None:
            conditions["scoring"] = fingerprint(self.scoring)
        return conditions


def _check_many(value: Any, name: str) -> int:
    """Check a number of models or seeds."""
    count = check_positive(value, name, "sweep")
    if count > MOST:
        raise OptionError(name, f"must be at most {MOST:,}, received {count:,}")
    return count


def _name(search: Any) -> str:
    """Return the name of a sampler or pruner in a store."""
    return search if isinstance(search, str) else type(search).__name__
