"""Ask Optuna for settings in brackets, and report the scores to Optuna."""

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

ASKED = 16  # candidates of a bracket
NEEDS = (
    "'gp' needs PyTorch: pip install torch; 'cmaes' needs cmaes: pip install 'chainrule[sweeps]'"
)
SAMPLERS = {"tpe": "TPESampler", "gp": "GPSampler", "cmaes": "CmaEsSampler"}
PRUNERS = {"median": "MedianPruner", "nop": "NopPruner", "wilcoxon": "WilcoxonPruner"}


class Asking:
    """Asks Optuna for settings, bracket by bracket.

    Each bracket has a sampler seeded by ``seed`` and the bracket's number, so that a resumed search
    asks for the same settings. This does not hold for a sampler that is passed as an object.

    Parameters
    ----------
    sampler : {"tpe", "gp", "cmaes"} or optuna.samplers.BaseSampler
    pruner : {"median", ...} or optuna.pruners.BasePruner, optional
        Decides at each rung which candidates are promoted.
    candidates : Candidates
        The candidates; those of each new bracket are appended.
    models, epochs : int
        Total number of candidates, and epochs of the best ones.
    factor : int, optional
        Reduction factor of halving within a bracket, or ratio between the rungs of a pruner.
    seed : int
    agreed : callable
        Function of a bracket's number and proposed places that returns the places on which all
        processes agree.
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
        self.search: Search | None = None  # set after construction
        self._sampler = check_sampler(sampler)
        # CMA-ES warns for each model about choices, which it draws independently.
        self._quietly = partial(quietly, "ERROR" if isinstance(sampler, str) else "WARNING")
        self._distributions = distributions(candidates.space)
        self._trials: dict[int, Any] = {}
        pruner = None if pruner is None else _resolved(pruner, PRUNERS, "pruner", {})
        with quietly():
            self._study = optuna().create_study(pruner=pruner or optuna().pruners.NopPruner())
        self._prunes = pruner is not None
        # Some samplers end the search through ``study.stop``, which needs Optuna's own loop.
        self._is_over, self._study.stop = False, self._stop

    def _stop(self) -> None:
        self._is_over = True

    def brackets(self) -> Iterator[Bracket]:
        """Yield the brackets in order; the previous bracket must be complete."""
        number, first = 0, 0
        while first < self.models and not self._is_over:
            with self._quietly():
                places = self._asked(number, min(ASKED, self.models - first))
            candidates = self.candidates
            candidates.places = np.concatenate(
                [candidates.places, np.array(places).reshape(len(places), -1)]
            )
            yield self._bracket(first, len(places))
            with self._quietly():
                self._tell(number)
            number, first = number + 1, first + len(places)

    def choose(self, rung: Rung, count: int) -> Array:
        """Return the positions of the candidates that the pruner promotes."""
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
        """The function that promotes candidates in place of halving; None without a pruner."""
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
        """Return the places of a bracket, and create a trial for each."""
        self._study.sampler = self._sampler(int(np.random.SeedSequence(
            [self.seed, number]).generate_state(1)[0]))  # fmt: skip
        space = self.candidates.space
        try:  # needed even for stored brackets: samplers keep state in trials
            trials = [self._study.ask(self._distributions) for _ in range(count)]
        except ImportError as error:
            raise MissingDependencyError(f"this sampler needs more: {error}. {NEEDS}") from error
        except ValueError as error:  # the sampler does not support this space
            raise OptionError("search", f"does not suit the space: {error}") from error
        proposed = [places_from(space, trial.params) for trial in trials]
        places = self.agreed(number, proposed)
        if places != proposed:  # another process was first, or another version of Optuna
            for trial in trials:
                self._study.tell(trial, state=optuna().trial.TrialState.FAIL)
            for values in places:
                self._study.enqueue_trial(params_of(space, values))
            trials = [self._study.ask(self._distributions) for _ in places]
        first = len(self.candidates)
        self._trials = {first + i: trial for i, trial in enumerate(trials)}
        return places

    def _tell(self, number: int) -> None:
        """Report the scores of a bracket to Optuna."""
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
    """Return a function that makes a sampler from a seed.

    Raises
    ------
    UnknownNameError, OptionError, MissingDependencyError
        If the sampler is invalid, or Optuna is not installed.
    """
    if isinstance(sampler, str):
        lookup("search", sampler, SAMPLERS)

        def seeded(seed: int) -> Any:
            return _resolved(sampler, SAMPLERS, "sampler", {"seed": seed})

        return seeded
    instance = _resolved(sampler, SAMPLERS, "sampler", {})
    return lambda seed: instance


def _resolved(spec: Any, names: dict[str, str], kind: str, options: dict[str, Any]) -> Any:
    module = getattr(optuna(), f"{kind}s")
    if isinstance(spec, str):
        try:
            return getattr(module, lookup(kind, spec, names))(**options)
        except ImportError as error:
            raise MissingDependencyError(f"{kind} {spec!r} needs more: {error}. {NEEDS}") from error
    base = getattr(module, f"Base{kind.capitalize()}")
    if not isinstance(spec, base):
        raise OptionError(
            "search" if kind == "sampler" else kind,
            f"must be a name ({', '.join(names)}) or one of Optuna's {kind}s, received {spec!r}",
        )
    return spec
