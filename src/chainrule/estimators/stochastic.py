"""scikit-learn's stochastic training of its network, an epoch at a time as machine code.

The order of the samples, the rule that ends training and the optimizer's state are scikit-learn's
own; only what happens within an epoch is compiled.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.neural_network._stochastic_optimizers import AdamOptimizer, SGDOptimizer
from sklearn.utils import shuffle

from chainrule.autodiff import value_and_grad
from chainrule.estimators.objective import Objective
from chainrule.optimizers import SGD, Adam
from chainrule.running.engines import Outcome
from chainrule.running.steps import make_engine
from chainrule.validation import Array

# What scikit-learn takes for an update, in seconds on a machine of 2024: calls, and operations.
CALLS, OPERATION = 1e-4, 1 / 4e9
SHORT = 0.3  # seconds: what takes less in scikit-learn's own loop stays there


def is_short(model: Any, rows: int, sizes: list[int], incremental: bool) -> bool:
    """Whether scikit-learn's loop ends before a kernel could be compiled; by sizes alone."""
    size = batch_size(model, rows)
    updates = -(-rows // size) * (1 if incremental else model.max_iter) + model.t_ // size
    operations = 6 * size * sum(a * b for a, b in zip(sizes, sizes[1:], strict=False))
    return bool(updates * (CALLS + operations * OPERATION) < SHORT)


def batch_size(model: Any, rows: int) -> int:
    """Return how many samples an update takes."""
    if model.batch_size == "auto":
        return min(200, rows)
    return int(np.clip(model.batch_size, 1, rows))


class Epochs:
    """Epochs of updates of a network's weights, with scikit-learn's optimizer as the memory.

    Parameters
    ----------
    model : BaseMultilayerPerceptron
        With its ``coefs_`` and ``intercepts_``.
    X, Y : ndarray, shapes (n, d) and (n, k)
    weight : ndarray, shape (n,), or None
    epochs : int
        How many there are to be at most.
    engine : str
    """

    def __init__(
        self, model: Any, X: Array, Y: Array, weight: Any, epochs: int, engine: str
    ) -> None:
        self.model, self.rows, self.size = model, len(X), batch_size(model, len(X))
        self.memory = _memory(model)
        rule = _rule(model)
        objective = Objective(model.activation, model.out_activation_, model.alpha, Y.shape[1])
        params = {"coefs": list(model.coefs_), "intercepts": list(model.intercepts_)}
        data = (X, np.asarray(Y, X.dtype))
        data = data if weight is None else (*data, np.asarray(weight, X.dtype))

        def step(carry: Any, *data: Any) -> tuple[Any, Any]:
            loss, gradients = value_and_grad(objective)(carry["params"], *data)
            reported = objective.reported(loss, carry["params"], *data)
            params, state = rule.update(carry["params"], gradients, carry["state"])
            return reported, {"params": params, "state": state}

        carry = {"params": params, "state": self._state(rule.init(params))}
        updates = -(-self.rows // self.size) * epochs + model.t_ // self.size
        self.engine = make_engine(step, objective, carry, data, self.size, engine, updates)

    def run(self, order: Array) -> float:
        """Run an epoch and return its mean loss; NaN where it broke off."""
        rate = np.float64(self.memory.learning_rate)
        if isinstance(self.memory, SGDOptimizer):
            state = self.engine.read("state")
            if state["learning_rate"] != rate:
                self.engine.write("state", {**state, "learning_rate": rate})
        done = Outcome(np.zeros(1))
        self.engine.run(order[np.newaxis], self.size, done)
        return np.nan if done.fails else float(done.totals[0]) / self.rows

    def hand_over(self, memory: bool = True) -> None:
        """Give the model its weights, and scikit-learn's optimizer what it remembers."""
        params = self.engine.read("params")
        self.model.coefs_ = list(params["coefs"])
        self.model.intercepts_ = list(params["intercepts"])
        if memory:
            self._remember(self.engine.read("state"))

    def _state(self, state: Any) -> Any:
        """Return the state of our rule from scikit-learn's optimizer."""
        n, memory = len(self.model.coefs_), self.memory
        if isinstance(memory, AdamOptimizer):
            kept = {"iteration": np.int64(memory.t), "m": memory.ms, "v": memory.vs}
        else:
            kept = {"learning_rate": np.float64(memory.learning_rate)}
            if memory.momentum:
                kept["velocity"] = memory.velocities
        def tree(values: Any) -> Any:
            if not isinstance(values, list):
                return values
            return {"coefs": list(values[:n]), "intercepts": list(values[n:])}

        return {**state, **{name: tree(values) for name, values in kept.items()}}

    def _remember(self, state: Any) -> None:
        def flat(slot: Any) -> list[Any]:
            return [*slot["coefs"], *slot["intercepts"]]

        if isinstance(self.memory, AdamOptimizer):
            t = self.memory.t = int(state["iteration"])
            self.memory.ms, self.memory.vs = flat(state["m"]), flat(state["v"])
            if t:
                correction = np.sqrt(1 - self.memory.beta_2**t) / (1 - self.memory.beta_1**t)
                self.memory.learning_rate = self.memory.learning_rate_init * correction
        elif self.memory.momentum:
            self.memory.velocities = flat(state["velocity"])


def _memory(model: Any) -> Any:
    """Return scikit-learn's optimizer of a model."""
    return model._optimizer


def new_optimizer(model: Any) -> Any:
    """Return a new one, as scikit-learn makes it."""
    params = model.coefs_ + model.intercepts_
    if model.solver == "adam":
        return AdamOptimizer(
            params, model.learning_rate_init, model.beta_1, model.beta_2, model.epsilon
        )
    return SGDOptimizer(
        params, model.learning_rate_init, model.learning_rate, model.momentum,
        model.nesterovs_momentum, model.power_t,
    )  # fmt: skip


def _rule(model: Any) -> Any:
    """Return our optimizer of the same formula."""
    if model.solver == "adam":
        rate = model.learning_rate_init
        return Adam(rate, beta_1=model.beta_1, beta_2=model.beta_2, epsilon=model.epsilon)
    nesterov = bool(model.nesterovs_momentum and model.momentum)
    return SGD(model.learning_rate_init, momentum=model.momentum, nesterov=nesterov)


def fit_stochastic(
    model: Any, X: Array, y: Array, weight: Any, incremental: bool, engine: str = "auto"
) -> None:
    """Train a network as scikit-learn does, with its messages and attributes.

    Raises
    ------
    ValueError
        Where scikit-learn raises it.
    """
    if not incremental or not hasattr(model, "_optimizer"):
        model._optimizer = new_optimizer(model)
    if model.early_stopping and incremental:
        raise ValueError("partial_fit does not support early_stopping=True")
    train, held = (X, y, weight), None
    if model.early_stopping:
        train, held = held_back(model, X, y, weight)
    rows = len(train[0])
    if model.batch_size != "auto" and model.batch_size > rows:
        warnings.warn(
            "Got `batch_size` less than 1 or larger than sample size. It is going to be clipped",
            stacklevel=5,
        )
    epochs = 1 if incremental else model.max_iter
    run = Epochs(model, *train, epochs, engine)
    order = np.arange(rows)
    model.n_iter_ = 0
    try:
        with run.engine.running():
            for _ in range(epochs):
                if model.shuffle:
                    order = shuffle(order, random_state=model._random_state)
                model.loss_ = run.run(order)
                model.n_iter_ += 1
                if np.isnan(model.loss_):
                    break
                model.t_ += rows
                model.loss_curve_.append(model.loss_)
                if model.verbose:
                    print(f"Iteration {model.n_iter_}, loss = {model.loss_:.8f}")
                if held is not None:
                    run.hand_over(memory=False)
                if _ends(model, held):
                    break
                if model.n_iter_ == model.max_iter and not incremental:
                    warnings.warn(
                        f"Stochastic Optimizer: Maximum iterations ({model.max_iter}) reached and "
                        "the optimization hasn't converged yet.",
                        ConvergenceWarning,
                        stacklevel=5,
                    )
    except KeyboardInterrupt:
        warnings.warn("Training interrupted by user.", stacklevel=5)
    run.hand_over()
    if np.isnan(model.loss_):  # scikit-learn tells it of the weights
        model.coefs_[0] = np.full_like(model.coefs_[0], np.nan)
    elif held is not None:
        model.coefs_, model.intercepts_ = model._best_coefs, model._best_intercepts


def _ends(model: Any, held: Any) -> bool:
    """Whether training ends after this epoch; what it knows of the best one is kept."""
    model._update_no_improvement_count(model.early_stopping, *(held or (None, None, None)))
    model._optimizer.iteration_ends(model.t_)
    if model._no_improvement_count <= model.n_iter_no_change:
        return False
    what = "Validation score" if model.early_stopping else "Training loss"
    message = (
        f"{what} did not improve more than tol={model.tol:f} for {model.n_iter_no_change} "
        "consecutive epochs."
    )
    if model._optimizer.trigger_stopping(message, model.verbose):
        return True
    model._no_improvement_count = 0
    return False


def held_back(model: Any, X: Array, y: Array, weight: Any) -> tuple[Any, Any]:
    """Return what is trained on, and what is held back to end training by."""
    stratify = y if is_classifier(model) and model.n_outputs_ == 1 else None
    parts = (X, y) if weight is None else (X, y, weight)
    found = train_test_split(
        *parts, random_state=model._random_state, test_size=model.validation_fraction,
        stratify=stratify,
    )  # fmt: skip
    train, held = [*found[0::2], None][:3], [*found[1::2], None][:3]
    if len(held[0]) < 2:
        raise ValueError(
            "The validation set is too small. Increase 'validation_fraction' or the size of your "
            "dataset."
        )
    if is_classifier(model):
        held[1] = model._label_binarizer.inverse_transform(held[1])
    return tuple(train), tuple(held)
