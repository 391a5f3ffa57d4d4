"""Convert the result of a build to training and scoring steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from typing import Any, Protocol

import numpy as np

from chainrule._src.base.errors import DataError, OptionError
from chainrule._src.core.trees import leaves, map_leaves
from chainrule._src.nn import optimizers
from chainrule._src.nn.layers.weights import Watched
from chainrule._src.nn.network.objective import Objective
from chainrule._src.nn.training.minimize import Update, as_parameter, samples
from chainrule._src.nn.training.trainer import Sums

Parts = dict[str, Any]  # of a carry


class SweepProblem(Protocol):
    """Protocol of a model of a structure, without its initial weights.

    Attributes
    ----------
    loss : callable
        The loss function; the steps have arguments of the same names.
    optimizer : Optimizer
    training_step, scoring_step : callable
    sums : Sums
    is_shared : bool
        True if initial weights can be drawn for other seeds.
    scored : tuple of str
        The parts of the carry that scoring needs.
    """

    loss: Callable[..., Any]
    optimizer: Any
    sums: Sums
    scored: tuple[str, ...]

    @property
    def is_shared(self) -> bool:
        """True if initial weights can be drawn for other seeds."""

    @property
    def training_step(self) -> Callable[..., Any]:
        """The step that updates the weights."""

    @property
    def scoring_step(self) -> Callable[..., Any]:
        """The step that computes loss and metrics."""

    def data(self, X: Any, y: Any, weight: Any = None) -> Any:
        """Check samples and targets, and convert them to the arguments of a step."""

    def start(self, seed: int) -> tuple[Parts, np.random.Generator | None]:
        """Return initial weights, and the generator of the order of samples.

        If the generator is None, one seeded by ``seed`` is used.
        """


class NetworkProblem:
    """A compiled `Sequential`."""

    scored: tuple[str, ...] = ("params", "layers")

    def __init__(self, model: Any, X: Any, y: Any, weight: Any = None) -> None:
        self.model, self.optimizer = model, model.optimizer
        data, objective = model.training_parts(X, y, "sweep", weight)
        self.loss, self.sums = objective.loss_of_params, objective.sums(data)
        # Metrics of the training samples are not reported, so they are not computed.
        plain = Objective(objective.network, objective.loss, [])
        self.training_step = plain.training_step(model.optimizer)
        self.scoring_step = objective.scoring_step()
        self._source = model.rng.bit_generator.seed_seq
        self._after = model.rng.bit_generator.state  # state after the build
        self._built = {n: np.array(w) for n, w in model.network.weights.items()}
        self._draws = self._drawn_from(model.rng)

    def _drawn_from(self, rng: Any) -> list[tuple[Any, str | None]] | None:
        """Return the draws of the weights in order; None if a weight was not drawn."""
        places = self.model.network.places
        names = {id(variable.value): name for name, variable in places.items()}
        log = rng.log if isinstance(rng, Watched) else []
        draws = [(draw, names.pop(id(values), None)) for draw, values in log]
        if names:
            return None
        self._draws = draws
        with rng.within() if log else nullcontext():
            again = self._weights(self._generator(self._source.entropy))
        same = all(np.array_equal(again[name], variable.value) for name, variable in places.items())
        return draws if same else None

    @property
    def is_shared(self) -> bool:
        """True if initial weights can be drawn for other seeds than that of the build."""
        return self._draws is not None

    def _generator(self, seed: Any) -> np.random.Generator:
        """Return the generator that `Sequential` would use with this global seed."""
        key, source = self._source.spawn_key, np.random.SeedSequence(seed)
        entropy = source.entropy if key else self._source.entropy
        return np.random.default_rng(np.random.SeedSequence(entropy, spawn_key=key))

    def _weights(self, rng: np.random.Generator) -> dict[str, Any]:
        assert self._draws is not None
        drawn = [(name, draw(rng)) for draw, name in self._draws]
        return {name: values for name, values in drawn if name is not None}

    def data(self, X: Any, y: Any, weight: Any = None) -> Any:
        """Check samples and targets, and convert them to the arguments of a step."""
        return self.model.training_parts(X, y, "sweep", weight)[0]

    def start(self, seed: int) -> tuple[Parts, np.random.Generator | None]:
        """Return weights drawn for a seed, and the generator after these draws.

        If the build has set weights itself, these are used for every seed.
        """
        rng = self._generator(seed)
        if self._draws is None:
            weights, rng.bit_generator.state = self._built, self._after
        else:
            weights = self._weights(rng)
        places = self.model.network.places
        return {
            "params": {n: w for n, w in weights.items() if places[n].trainable},
            "layers": {n: w for n, w in weights.items() if not places[n].trainable},
        }, rng


class LossProblem:
    """A loss written in NumPy, with parameters, as for `minimize`.

    Parameters
    ----------
    loss, params, optimizer
        As for `minimize`.
    metrics : dict of str to callable
        Further scores, each a mean over samples: ``metric(params, X, y)``.
    """

    scored: tuple[str, ...] = ("params",)
    is_shared = True

    def __init__(
        self,
        loss: Any,
        params: Any,
        optimizer: Any = "sgd",
        metrics: Mapping[str, Callable[..., Any]] | None = None,
    ) -> None:
        self.loss, self.optimizer = loss, optimizers.get(optimizer, "sweep")
        self._params, self._metrics = map_leaves(as_parameter, params), metrics or {}
        if not list(leaves(self._params)):
            raise DataError("sweep: build returned params that hold no array")
        self._update = Update(loss, self.optimizer)
        zero = dict.fromkeys(("samples", *self._metrics), np.zeros(())) if metrics else {}
        self.sums = Sums(zero, self._means)

    def _means(self, sums: Any) -> dict[str, float]:
        return {name: float(sums[name] / max(sums["samples"], 1)) for name in self._metrics}

    def training_step(self, carry: Any, *data: Any) -> tuple[Any, Any]:
        """Return the loss, and the carry after an update."""
        value, changed = self._update(carry, *data)
        return value, {**carry, **changed}

    def scoring_step(self, carry: Any, *data: Any) -> tuple[Any, Any]:
        """Return the loss, and the carry with updated sums of the metrics."""
        params, sums = carry["params"], carry["metrics"]
        if sums:
            rows = len(next(leaf for _, leaf in leaves(data)))
            sums = {"samples": sums["samples"] + rows} | {
                name: sums[name] + metric(params, *data) * rows
                for name, metric in self._metrics.items()
            }
        return self.loss(params, *data), {**carry, "metrics": sums}

    def data(self, X: Any, y: Any, weight: Any = None) -> Any:
        """Check samples and targets, and convert them to the arguments of a step."""
        if weight is not None:
            raise OptionError(
                "sample_weight", "is for networks and estimators; give a loss its weights in y"
            )
        return samples(X, y, "X, y")

    def start(self, seed: int) -> tuple[Parts, np.random.Generator | None]:
        """Return the parameters that the build returned."""
        return {"params": self._params}, None


def problem_of(result: Any, X: Any, y: Any, weight: Any = None) -> SweepProblem | None:
    """Convert a build's result to a problem; None for an estimator, which has its own `fit`."""
    if hasattr(result, "training_parts"):
        return NetworkProblem(result, X, y, weight)
    if isinstance(result, tuple) and 2 <= len(result) <= 4 and callable(result[0]):
        return LossProblem(*result)
    if hasattr(result, "fit") and hasattr(result, "get_params"):
        return None
    raise DataError(
        "sweep: build must return a compiled Sequential, a scikit-learn estimator, or a loss with "
        f"its parameters, (loss, params[, optimizer[, metrics]]); it returned {result!r}"
    )
