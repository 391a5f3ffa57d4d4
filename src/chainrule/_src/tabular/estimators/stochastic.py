"""scikit-learn's stochastic training of its network, in blocks of compiled epochs.

The order of the samples, the stopping rule and the optimizer's state are scikit-learn's; only the
updates within epochs are compiled.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network._multilayer_perceptron import BaseMultilayerPerceptron
from sklearn.neural_network._stochastic_optimizers import SGDOptimizer

from chainrule._src.base.arrays import Array
from chainrule._src.compile.running.engines import Outcome
from chainrule._src.compile.running.steps import make_engine
from chainrule._src.core.transforms import value_and_grad
from chainrule._src.tabular.estimators.cost import batch_size
from chainrule._src.tabular.estimators.held import HoldOut, ends, split_hold_out
from chainrule._src.tabular.estimators.memory import new_memory, remember, rule_of, state_from
from chainrule._src.tabular.estimators.objective import MLPObjective
from chainrule._src.tabular.estimators.recordings import recorded

TOGETHER = 100_000  # maximum number of samples of the epochs in a block


class Epochs:
    """Runs epochs of updates of a network's weights.

    Parameters
    ----------
    model : BaseMultilayerPerceptron
        A model with ``coefs_``, ``intercepts_`` and scikit-learn's optimizer, whose state is used.
    X, Y : ndarray, shapes (n, d) and (n, k)
    weight : ndarray, shape (n,), or None
    epochs : int
        Maximum number of epochs.
    engine : {"compiled", "numpy"}
    """

    def __init__(
        self, model: Any, X: Array, Y: Array, weight: Any, epochs: int, engine: str
    ) -> None:
        self.model, self.rows, self.size = model, len(X), batch_size(model, len(X))
        self.memory, self.dtype = model._optimizer, X.dtype
        self.objective = MLPObjective(model.activation, model.out_activation_)
        self.alpha, self.fails = np.asarray(model.alpha, X.dtype), False
        self.undefined = self.objective.undefined(Y)
        rule, loss = rule_of(self.memory), value_and_grad(self.objective, has_aux=True)

        def step(carry: Any, *data: Any) -> tuple[Any, Any]:
            (_, reported), gradients = loss(carry["params"], carry["alpha"], *data)
            params, state = rule.update(carry["params"], gradients, carry["state"])
            return reported, {**carry, "params": params, "state": state}

        params = {"coefs": list(model.coefs_), "intercepts": list(model.intercepts_)}
        state = {**rule.init(params), **state_from(self.memory, len(model.coefs_))}
        updates = -(-self.rows // self.size) * epochs
        # The key does not depend on the rate, which an update reads from the state.
        sizes = [W.shape for W in model.coefs_]
        rule_key = rule_of(self.memory, 1.0)
        recordings = recorded(model.activation, model.out_activation_, rule_key, sizes)
        self.engine = make_engine(
            step, self.objective, {"params": params, "state": state, "alpha": self.alpha},
            self._data(X, Y, weight), self.size, engine, updates, recordings,
        )  # fmt: skip

    def run(self, orders: Array) -> Iterator[np.float64]:
        """Run one epoch for each order of samples, then yield the mean losses.

        A failed epoch yields NaN. After an interrupt, only the completed epochs are yielded.
        """
        if isinstance(self.memory, SGDOptimizer):
            state, rate = self.engine.read("state"), np.float64(self.memory.learning_rate)
            if state["learning_rate"] != rate:
                self.engine.write("state", {**state, "learning_rate": rate})
        outcome = Outcome(np.zeros(len(orders)))
        interrupt = None
        try:
            self.engine.run(orders, self.size, outcome)
        except KeyboardInterrupt as error:
            interrupt = error
        ended = outcome.updates // -(-self.rows // self.size)
        yield from outcome.totals[:ended] / self.rows + self.undefined
        if outcome.fails:
            self.fails = True
            yield np.float64(np.nan)
        if interrupt is not None:
            raise interrupt

    def loss(self, hold_out: HoldOut) -> float:
        """Return the loss of the hold-out with the model's current weights.

        The penalty is that of one training batch, for any number of samples.
        """
        params = {"coefs": self.model.coefs_, "intercepts": self.model.intercepts_}
        data = self._data(hold_out.X, hold_out.Y, hold_out.weight)
        of_batch = (
            len(hold_out.X) if hold_out.weight is None else hold_out.weight.sum()
        ) / self.size
        reported = self.objective(params, self.alpha * of_batch, *data)[1]
        return float(reported + self.objective.undefined(hold_out.Y))

    def hand_over(self) -> None:
        """Copy the engine's weights to the model."""
        params = self.engine.read("params")
        self.model.coefs_ = list(params["coefs"])
        self.model.intercepts_ = list(params["intercepts"])

    def close(self) -> None:
        """Copy the engine's weights to the model, and its state to scikit-learn's optimizer."""
        self.hand_over()
        remember(self.memory, self.engine.read("state"))

    def _data(self, X: Array, Y: Array, weight: Any) -> tuple[Array, ...]:
        parts = (X, Y) if weight is None else (X, Y, weight)
        return tuple(np.asarray(part, self.dtype) for part in parts)


def fit_stochastic(
    model: Any, X: Array, Y: Array, weight: Any, incremental: bool, engine: str = "compiled",
    validation: HoldOut | None = None,
) -> None:  # fmt: skip
    """Train a network as scikit-learn does, with its messages and attributes.

    Parameters
    ----------
    model : BaseMultilayerPerceptron
        An initialized model.
    X, Y, weight
        Validated samples, targets and weights.
    incremental : bool
        If true, train for one additional epoch.
    engine : {"compiled", "numpy"}
    validation : HoldOut, optional
        Samples that are scored after every epoch, instead of a hold-out from ``X``.

    Raises
    ------
    ValueError
        As in scikit-learn.
    """
    train, hold_out = begin(model, X, Y, weight, incremental, validation)
    rows, epochs = len(train[0]), 1 if incremental else model.max_iter
    run = Epochs(model, train[0], train[1], train[2], epochs, engine)
    orders, ended = orders_of(model, rows), False
    try:
        with run.engine.running():
            while not ended and model.n_iter_ < epochs:
                count = min(epochs - model.n_iter_, certain(model, hold_out), TOGETHER // rows)
                for loss in run.run(orders(int(max(count, 1)))):
                    if hold_out is not None or run.fails:
                        run.hand_over()
                    if validation is not None:
                        model._validation_losses.append(run.loss(validation))
                    ended = epoch_ends(model, loss, rows, hold_out, run.fails)
    except KeyboardInterrupt:
        warnings.warn("Training interrupted by user.", stacklevel=5)
    run.close()
    if run.fails:  # as in scikit-learn, where NaN spreads to the weights
        model.coefs_ = [np.full_like(model.coefs_[0], np.nan), *model.coefs_[1:]]
    finish(model, ended, incremental, run.fails)


def orders_of(model: Any, rows: int) -> Callable[[int], Array]:
    """Return a function that draws the order of the samples in each of the next epochs."""
    order = np.arange(rows)

    def following(epochs: int) -> Array:
        orders = np.empty((epochs, rows), order.dtype)
        for each in orders:
            if model.shuffle:
                model._random_state.shuffle(order)  # the previous order, as scikit-learn does
            each[:] = order
        return orders

    return following


def certain(model: Any, hold_out: HoldOut | None) -> float:
    """Return the number of epochs that are certain to run, for any losses.

    Training ends, or the rate changes, after more than ``n_iter_no_change`` epochs without
    improvement.
    """
    memory = model._optimizer
    watched = hold_out is not None or model.verbose or own_rule(model)
    if watched or getattr(memory, "lr_schedule", "") == "invscaling":
        return 1
    return float(model.n_iter_no_change - model._no_improvement_count + 1)


def own_rule(model: Any) -> bool:
    """Return true if the class of a model overrides the stopping rule."""
    name = "_update_no_improvement_count"
    return getattr(type(model), name) is not getattr(BaseMultilayerPerceptron, name)


def begin(
    model: Any, X: Array, Y: Array, weight: Any, incremental: bool, validation: HoldOut | None
) -> tuple[Any, HoldOut | None]:
    """Return the training samples and the hold-out; give the model an optimizer."""
    if not incremental or not hasattr(model, "_optimizer"):
        model._optimizer = new_memory(model, model.coefs_ + model.intercepts_)
    if model.early_stopping and incremental and validation is None:
        raise ValueError("partial_fit does not support early_stopping=True")
    train, hold_out = (X, Y, weight), validation
    if model.early_stopping and hold_out is None:
        train, hold_out = split_hold_out(model, X, Y, weight)
    if model.batch_size != "auto" and model.batch_size > len(train[0]):
        warnings.warn(
            "Got `batch_size` less than 1 or larger than sample size. It is going to be clipped",
            stacklevel=6,
        )
    model.n_iter_ = 0
    if hold_out is not None and model.validation_scores_ is None:
        model.validation_scores_ = []
    return train, hold_out


def epoch_ends(model: Any, loss: float, rows: int, hold_out: HoldOut | None, fails: bool) -> bool:
    """Record an epoch; return true if training ends after it, because of the rule or a failure."""
    model.loss_ = loss
    model.n_iter_ += 1
    model.t_ += rows
    model.loss_curve_.append(loss)
    if model.verbose:
        print(f"Iteration {model.n_iter_}, loss = {loss:.8f}")
    if hold_out is not None and not model.early_stopping:
        model.validation_scores_.append(
            model._score(hold_out.X, hold_out.y, sample_weight=hold_out.weight)
        )
    return fails or ends(model, hold_out)


def finish(model: Any, ended: bool, incremental: bool, fails: bool) -> None:
    """Restore the best weights if early stopping is used; warn if training did not converge."""
    if model.early_stopping and fails:
        warnings.warn(
            f"The loss turned NaN in iteration {model.n_iter_}; the weights are the best ones "
            "before. Numbers of another size, or a lower learning_rate_init, may help.",
            ConvergenceWarning,
            stacklevel=6,
        )
    if incremental and model.early_stopping:
        model.converged_ = ended
    elif not incremental and not ended and model.n_iter_ == model.max_iter:
        warnings.warn(
            f"Stochastic Optimizer: Maximum iterations ({model.max_iter}) reached and the "
            "optimization hasn't converged yet.",
            ConvergenceWarning,
            stacklevel=6,
        )
    if model.early_stopping and (ended or not incremental):
        model.coefs_, model.intercepts_ = model._best_coefs, model._best_intercepts
