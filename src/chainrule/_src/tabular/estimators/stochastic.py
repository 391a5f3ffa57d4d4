"""scikit-learn's stochastic training of its network, some epochs at a time as machine code.

The order of the samples, the rule that ends training and the optimizer's state are scikit-learn's
own; only what happens within epochs is compiled.
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
from chainrule._src.tabular.estimators.held import Held, ends, held_back
from chainrule._src.tabular.estimators.memory import new_memory, remember, rule_of, state_from
from chainrule._src.tabular.estimators.objective import Objective
from chainrule._src.tabular.estimators.recordings import recorded

TOGETHER = 100_000  # samples of epochs that are run at once


class Epochs:
    """Epochs of updates of a network's weights.

    Parameters
    ----------
    model : BaseMultilayerPerceptron
        With its ``coefs_`` and ``intercepts_``, and scikit-learn's optimizer as the memory.
    X, Y : ndarray, shapes (n, d) and (n, k)
    weight : ndarray, shape (n,), or None
    epochs : int
        How many there are to be at most.
    engine : {"compiled", "numpy"}
    """

    def __init__(
        self, model: Any, X: Array, Y: Array, weight: Any, epochs: int, engine: str
    ) -> None:
        self.model, self.rows, self.size = model, len(X), batch_size(model, len(X))
        self.memory, self.dtype = model._optimizer, X.dtype
        self.objective = Objective(model.activation, model.out_activation_)
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
        # Whatever the rate: an update finds it in the state.
        sizes = [W.shape for W in model.coefs_]
        alike = rule_of(self.memory, 1.0)
        known = recorded(model.activation, model.out_activation_, alike, sizes)
        self.engine = make_engine(
            step, self.objective, {"params": params, "state": state, "alpha": self.alpha},
            self._data(X, Y, weight), self.size, engine, updates, known,
        )  # fmt: skip

    def run(self, orders: Array) -> Iterator[np.float64]:
        """Run an epoch in each order, then yield their mean losses; NaN where one broke off.

        Where an interrupt came, those that had ended before it.
        """
        if isinstance(self.memory, SGDOptimizer):
            state, rate = self.engine.read("state"), np.float64(self.memory.learning_rate)
            if state["learning_rate"] != rate:
                self.engine.write("state", {**state, "learning_rate": rate})
        done = Outcome(np.zeros(len(orders)))
        interrupt = None
        try:
            self.engine.run(orders, self.size, done)
        except KeyboardInterrupt as error:
            interrupt = error
        ended = done.updates // -(-self.rows // self.size)
        yield from done.totals[:ended] / self.rows + self.undefined
        if done.fails:
            self.fails = True
            yield np.float64(np.nan)
        if interrupt is not None:
            raise interrupt

    def loss(self, held: Held) -> float:
        """Return the loss of other samples with the weights that the model has.

        The penalty is that of a batch in training, however many samples these are.
        """
        params = {"coefs": self.model.coefs_, "intercepts": self.model.intercepts_}
        data = self._data(held.X, held.Y, held.weight)
        of_batch = (len(held.X) if held.weight is None else held.weight.sum()) / self.size
        reported = self.objective(params, self.alpha * of_batch, *data)[1]
        return float(reported + self.objective.undefined(held.Y))

    def hand_over(self) -> None:
        """Give the model its weights."""
        params = self.engine.read("params")
        self.model.coefs_ = list(params["coefs"])
        self.model.intercepts_ = list(params["intercepts"])

    def close(self) -> None:
        """Give the model its weights, and its optimizer what it remembers."""
        self.hand_over()
        remember(self.memory, self.engine.read("state"))

    def _data(self, X: Array, Y: Array, weight: Any) -> tuple[Array, ...]:
        parts = (X, Y) if weight is None else (X, Y, weight)
        return tuple(np.asarray(part, self.dtype) for part in parts)


def fit_stochastic(
    model: Any, X: Array, Y: Array, weight: Any, incremental: bool, engine: str = "compiled",
    validation: Held | None = None,
) -> None:  # fmt: skip
    """Train a network as scikit-learn does, with its messages and attributes.

    Parameters
    ----------
    model : BaseMultilayerPerceptron
        Initialized.
    X, Y, weight
        Validated.
    incremental : bool
        Whether one epoch is added to those before.
    engine : {"compiled", "numpy"}
    validation : Held, optional
        What is scored after every epoch, instead of samples that are held back of these.

    Raises
    ------
    ValueError
        Where scikit-learn raises it.
    """
    train, held = begin(model, X, Y, weight, incremental, validation)
    rows, epochs = len(train[0]), 1 if incremental else model.max_iter
    run = Epochs(model, train[0], train[1], train[2], epochs, engine)
    orders, ended = orders_of(model, rows), False
    try:
        with run.engine.running():
            while not ended and model.n_iter_ < epochs:
                count = min(epochs - model.n_iter_, certain(model, held), TOGETHER // rows)
                for loss in run.run(orders(int(max(count, 1)))):
                    if held is not None or run.fails:
                        run.hand_over()
                    if validation is not None:
                        model._validation_losses.append(run.loss(validation))
                    ended = epoch_ends(model, loss, rows, held, run.fails)
    except KeyboardInterrupt:
        warnings.warn("Training interrupted by user.", stacklevel=5)
    run.close()
    if run.fails:  # of which the weights tell, in scikit-learn
        model.coefs_ = [np.full_like(model.coefs_[0], np.nan), *model.coefs_[1:]]
    finish(model, ended, incremental, run.fails)


def orders_of(model: Any, rows: int) -> Callable[[int], Array]:
    """Return what returns the order of the samples in each of the next epochs."""
    order = np.arange(rows)

    def following(epochs: int) -> Array:
        orders = np.empty((epochs, rows), order.dtype)
        for each in orders:
            if model.shuffle:
                model._random_state.shuffle(order)  # of the order before, as scikit-learn does
            each[:] = order
        return orders

    return following


def certain(model: Any, held: Held | None) -> float:
    """Return how many epochs will come, the next one included, whatever their losses are.

    Training ends, or the rate changes, after more than ``n_iter_no_change`` without improvement.
    """
    memory = model._optimizer
    watched = held is not None or model.verbose or own_rule(model)
    if watched or getattr(memory, "lr_schedule", "") == "invscaling":
        return 1
    return float(model.n_iter_no_change - model._no_improvement_count + 1)


def own_rule(model: Any) -> bool:
    """Whether the class of a model has its own rule for when training ends."""
    name = "_update_no_improvement_count"
    return getattr(type(model), name) is not getattr(BaseMultilayerPerceptron, name)


def begin(
    model: Any, X: Array, Y: Array, weight: Any, incremental: bool, validation: Held | None
) -> tuple[Any, Held | None]:
    """Return what is trained on and what scores it, and give the model an optimizer."""
    if not incremental or not hasattr(model, "_optimizer"):
        model._optimizer = new_memory(model, model.coefs_ + model.intercepts_)
    if model.early_stopping and incremental and validation is None:
        raise ValueError("partial_fit does not support early_stopping=True")
    train, held = (X, Y, weight), validation
    if model.early_stopping and held is None:
        train, held = held_back(model, X, Y, weight)
    if model.batch_size != "auto" and model.batch_size > len(train[0]):
        warnings.warn(
            "Got `batch_size` less than 1 or larger than sample size. It is going to be clipped",
            stacklevel=6,
        )
    model.n_iter_ = 0
    if held is not None and model.validation_scores_ is None:
        model.validation_scores_ = []
    return train, held


def epoch_ends(model: Any, loss: float, rows: int, held: Held | None, fails: bool) -> bool:
    """Take note of an epoch; return whether training ends with it, as where it fails."""
    model.loss_ = loss
    model.n_iter_ += 1
    model.t_ += rows
    model.loss_curve_.append(loss)
    if model.verbose:
        print(f"Iteration {model.n_iter_}, loss = {loss:.8f}")
    if held is not None and not model.early_stopping:
        model.validation_scores_.append(model._score(held.X, held.y, sample_weight=held.weight))
    return fails or ends(model, held)


def finish(model: Any, ended: bool, incremental: bool, fails: bool) -> None:
    """Take the best weights where a score ended training; warn where nothing did."""
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
