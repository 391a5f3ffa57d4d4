"""What a build may return, as steps that are trained and scored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from typing import Any, Protocol

import numpy as np

from chainrule._src.base.errors import DataError
from chainrule._src.core.trees import leaves, map_leaves
from chainrule._src.nn import optimizers
from chainrule._src.nn.layers.weights import Watched
from chainrule._src.nn.network.objective import Objective
from chainrule._src.nn.training.minimize import Update, as_parameter, samples
from chainrule._src.nn.training.trainer import Sums

Parts = dict[str, Any]  # of a carry


class Problem(Protocol):
    """A model of a structure, apart from the weights that it starts with.

    Attributes
    ----------
    loss : callable
        Its arguments are named as those of the steps.
    optimizer : Optimizer
    training_step, scoring_step : callable
    sums : Sums
    is_shared : bool
        Whether it can start with the weights of other seeds.
    scored : tuple of str
        The parts of the carry that scoring takes.
    """

    loss: Callable[..., Any]
    optimizer: Any
    sums: Sums
    scored: tuple[str, ...]

    @property
    def is_shared(self) -> bool:
        """Whether weights can be drawn for other seeds."""

    @property
    def training_step(self) -> Callable[..., Any]:
        """An update."""

    @property
    def scoring_step(self) -> Callable[..., Any]:
        """A pass that scores."""

    def data(self, X: Any, y: Any) -> Any:
        """Return samples and targets as a step takes them, checked."""

    def start(self, seed: int) -> tuple[Parts, np.random.Generator | None]:
        """Return weights to start with, and what the order of samples comes from.

        None in place of that is a generator of ``seed``.
        """


class NetworkProblem:
    """A compiled `Sequential`."""

    scored: tuple[str, ...] = ("params", "layers")

    def __init__(self, model: Any, X: Any, y: Any) -> None:
        self.model, self.optimizer = model, model.optimizer
        data, objective = model.training_parts(X, y, "sweep")
        self.loss, self.sums = objective.loss_of_params, objective.sums(data)
        # Metrics of samples that are trained on are not told, so they are not measured.
        plain = Objective(objective.network, objective.loss, [])
        self.training_step = plain.training_step(model.optimizer)
        self.scoring_step = objective.scoring_step()
        self._source = model.rng.bit_generator.seed_seq
        self._after = model.rng.bit_generator.state  # it was built
        self._built = {n: np.array(w) for n, w in model.network.weights.items()}
        self._draws = self._drawn_from(model.rng)

    def _drawn_from(self, rng: Any) -> list[tuple[Any, str | None]] | None:
        """Return how the weights were drawn, in order; None if they were not."""
        places = self.model.network.places
        names = {id(place.value): name for name, place in places.items()}
        log = rng.log if isinstance(rng, Watched) else []
        draws = [(draw, names.pop(id(values), None)) for draw, values in log]
        if names:
            return None
        self._draws = draws
        with rng.within() if log else nullcontext():
            again = self._weights(self._generator(self._source.entropy))
        same = all(np.array_equal(again[name], place.value) for name, place in places.items())
        return draws if same else None

    @property
    def is_shared(self) -> bool:
        """Whether weights can be drawn for other seeds than the one that it was built with."""
        return self._draws is not None

    def _generator(self, seed: Any) -> np.random.Generator:
        """Return what `Sequential` draws from where that is set as the seed of all."""
        key, source = self._source.spawn_key, np.random.SeedSequence(seed)
        entropy = source.entropy if key else self._source.entropy
        return np.random.default_rng(np.random.SeedSequence(entropy, spawn_key=key))

    def _weights(self, rng: np.random.Generator) -> dict[str, Any]:
        assert self._draws is not None
        drawn = [(name, draw(rng)) for draw, name in self._draws]
        return {name: values for name, values in drawn if name is not None}

    def data(self, X: Any, y: Any) -> Any:
        """Return samples and targets as a step takes them, checked."""
        return self.model.training_parts(X, y, "sweep")[0]

    def start(self, seed: int) -> tuple[Parts, np.random.Generator | None]:
        """Return weights drawn for a seed, and the generator that they were drawn from.

        Those that a build has set by itself are as they are, whatever the seed.
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
    """A loss written in NumPy, with parameters: what `minimize` takes.

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
        """Return the loss, and a carry after an update."""
        value, changed = self._update(carry, *data)
        return value, {**carry, **changed}

    def scoring_step(self, carry: Any, *data: Any) -> tuple[Any, Any]:
        """Return the loss, and a carry whose metrics have grown."""
        params, sums = carry["params"], carry["metrics"]
        if sums:
            rows = len(next(leaf for _, leaf in leaves(data)))
            sums = {"samples": sums["samples"] + rows} | {
                name: sums[name] + metric(params, *data) * rows
                for name, metric in self._metrics.items()
            }
        return self.loss(params, *data), {**carry, "metrics": sums}

    def data(self, X: Any, y: Any) -> Any:
        """Return samples and targets as a step takes them, checked."""
        return samples(X, y, "X, y")

    def start(self, seed: int) -> tuple[Parts, np.random.Generator | None]:
        """Return the parameters that the build returned."""
        return {"params": self._params}, None


def problem_of(made: Any, X: Any, y: Any) -> Problem | None:
    """Return what a build returned as steps; None if it only fits itself, as an estimator does."""
    if hasattr(made, "training_parts"):
        return NetworkProblem(made, X, y)
    if isinstance(made, tuple) and 2 <= len(made) <= 4 and callable(made[0]):
        return LossProblem(*made)
    if hasattr(made, "fit") and hasattr(made, "get_params"):
        return None
    raise DataError(
        "sweep: build must return a compiled Sequential, a scikit-learn estimator, or a loss with "
        f"its parameters, (loss, params[, optimizer[, metrics]]); it returned {made!r}"
    )
