"""Settings asked of Optuna, some at a time, which is told what came of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.base.errors import MissingDependencyError, OptionError
from chainrule._src.base.validation import lookup
from chainrule._src.sweeps.optuna import distributions, optuna, params_of, places_from, quietly
from chainrule._src.sweeps.outcomes import Rung
from chainrule._src.sweeps.rungs import Bracket, halving
from chainrule._src.sweeps.search import Candidates, Search
from chainrule._src.sweeps.store import Places

ASKED = 16  # candidates at a time
NEEDS = (
    "'gp' needs PyTorch: pip install torch; 'cmaes' needs cmaes: pip install 'chainrule[sweeps]'"
)
SAMPLERS = {"tpe": "TPESampler", "gp": "GPSampler", "cmaes": "CmaEsSampler"}
PRUNERS = {"median": "MedianPruner", "nop": "NopPruner", "wilcoxon": "WilcoxonPruner"}


class Asking:
    """Asks Optuna for settings, bracket by bracket.

    Each bracket has a sampler that is seeded by ``seed`` and its number, so that a search that goes
    on asks what it would have asked; of a sampler that is given as an object this cannot be said.

    Parameters
    ----------
    sampler : {"tpe", "gp", "cmaes"} or optuna.samplers.BaseSampler
    pruner : {"median", ...} or optuna.pruners.BasePruner, optional
        Decides, rung by rung, who goes on.
    candidates : Candidates
        Those that are asked for join them.
    models, epochs : int
        How many candidates there are to be, and for how long the best are trained.
    factor : int, optional
        Of halving within a bracket, or of the rungs at which a pruner is asked.
    seed : int
    agreed : callable
        From a bracket's number, and places for it, to those that all processes take.
    """

    def __init__(
        self,
        sampler: Any,
        pruner: Any,
        candidates: Candidates,
        models: int,
        epochs: int,
        factor: int | None,
        seed: int,
        agreed: Callable[[int, Places], Places],
    ) -> None:
        self.candidates, self.models, self.epochs = candidates, models, epochs
        self.factor, self.seed, self.agreed = factor, seed, agreed
        self.search: Search | None = None  # which is told of afterwards
        self._sampler = check_sampler(sampler)
        # CMA-ES warns for each model of what it draws by itself: choices.
        self._quietly = partial(quietly, "ERROR" if isinstance(sampler, str) else "WARNING")
        self._distributions = distributions(candidates.space)
        self._trials: dict[int, Any] = {}
        pruner = None if pruner is None else _made(pruner, PRUNERS, "pruner", {})
        with quietly():
            self._study = optuna().create_study(pruner=pruner or optuna().pruners.NopPruner())
        self._prunes = pruner is not None
        # Some samplers end the search, from where Optuna expects to be in a loop of its own.
        self._is_over, self._study.stop = False, self._stop

    def _stop(self) -> None:
        self._is_over = True

    def brackets(self) -> Iterator[Bracket]:
        """Yield one bracket after another; the one before is over then."""
        number, first = 0, 0
        while first < self.models and not self._is_over:
            with self._quietly():
                places = self._asked(number, min(ASKED, self.models - first))
            made = self.candidates
            made.places = np.concatenate([made.places, np.array(places).reshape(len(places), -1)])
            yield self._bracket(first, len(places))
            with self._quietly():
                self._tell(number)
            number, first = number + 1, first + len(places)

    def choose(self, rung: Rung, count: int) -> Array:
        """Return the positions of those that the pruner lets go on."""
        sign, going = -1.0 if rung.higher else 1.0, []
        scored = [(at, s) for at, s in enumerate(rung.score().tolist()) if np.isfinite(s)]
        for at, score in scored:
            self._trials[int(rung.candidates[at])].report(sign * score, int(rung.epochs[at]))
        for at, _ in scored:
            if not self._trials[int(rung.candidates[at])].should_prune():
                going.append(at)
        return np.array(going, np.intp)

    @property
    def chooses(self) -> Callable[[Rung, int], Array] | None:
        """What chooses in place of halving, if there is a pruner."""
        return self.choose if self._prunes else None

    def _bracket(self, first: int, count: int) -> Bracket:
        if self._prunes:
            factor = self.factor or 3
            rungs = halving(0, factor**30, self.epochs, factor)[0].epochs
            return Bracket(first, count, rungs)
        if self.factor is not None:
            return halving(first, count, self.epochs, self.factor)[0]
        return Bracket(first, count, (self.epochs,))

    def _asked(self, number: int, count: int) -> Places:
        """Return the places of a bracket, and have a trial for each."""
        self._study.sampler = self._sampler(int(np.random.SeedSequence(
            [self.seed, number]).generate_state(1)[0]))  # fmt: skip
        space = self.candidates.space
        try:  # also where it is known what was asked: samplers keep their state in trials
            trials = [self._study.ask(self._distributions) for _ in range(count)]
        except ImportError as error:
            raise MissingDependencyError(f"this sampler needs more: {error}. {NEEDS}") from error
        except ValueError as error:  # it is made for another space
            raise OptionError("search", f"does not suit the space: {error}") from error
        own = [places_from(space, trial.params) for trial in trials]
        places = self.agreed(number, own)
        if places != own:  # another process was first, or another version of Optuna
            for trial in trials:
                self._study.tell(trial, state=optuna().trial.TrialState.FAIL)
            for place in places:
                self._study.enqueue_trial(params_of(space, place))
            trials = [self._study.ask(self._distributions) for _ in places]
        first = len(self.candidates)
        self._trials = {first + i: trial for i, trial in enumerate(trials)}
        return places

    def _tell(self, number: int) -> None:
        """Tell Optuna what came of a bracket."""
        assert self.search is not None
        rungs = [rung for rung in self.search.rungs if rung.bracket == number]
        states = optuna().trial.TrialState
        for candidate, trial in self._trials.items():
            score, last = np.nan, False
            for rung in rungs:
                at = int(np.searchsorted(rung.candidates, candidate))
                if at < len(rung.candidates) and rung.candidates[at] == candidate:
                    sign = -1.0 if rung.higher else 1.0
                    score, last = sign * float(rung.score()[at]), rung.is_last
                    if np.isfinite(score) and not self._prunes:
                        trial.report(score, int(rung.epochs[at]))
            if not np.isfinite(score):
                self._study.tell(trial, state=states.FAIL)
            elif last:
                self._study.tell(trial, score)
            else:
                self._study.tell(trial, state=states.PRUNED)


def check_sampler(sampler: Any) -> Callable[[int], Any]:
    """Return what makes a sampler from a seed.

    Raises
    ------
    UnknownNameError, OptionError, MissingDependencyError
        If it is none, or Optuna lacks.
    """
    if isinstance(sampler, str):
        lookup("search", sampler, SAMPLERS)

        def seeded(seed: int) -> Any:
            return _made(sampler, SAMPLERS, "sampler", {"seed": seed})

        return seeded
    made = _made(sampler, SAMPLERS, "sampler", {})
    return lambda seed: made


def _made(given: Any, names: dict[str, str], kind: str, options: dict[str, Any]) -> Any:
    room = getattr(optuna(), f"{kind}s")
    if isinstance(given, str):
        try:
            return getattr(room, lookup(kind, given, names))(**options)
        except ImportError as error:
            raise MissingDependencyError(
                f"{kind} {given!r} needs more: {error}. {NEEDS}"
            ) from error
    base = getattr(room, f"Base{kind.capitalize()}")
    if not isinstance(given, base):
        raise OptionError(
            "search" if kind == "sampler" else kind,
            f"must be a name ({', '.join(names)}) or one of Optuna's {kind}s, received {given!r}",
        )
    return given
