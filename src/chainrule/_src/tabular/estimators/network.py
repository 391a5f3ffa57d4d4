"""Train an estimator as a `Sequential` if it uses options that scikit-learn's network lacks."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.base.errors import ShapeError
from chainrule._src.nn.callbacks import Callback, as_callbacks
from chainrule._src.nn.layers import Activation, BatchNormalization, Dense, Dropout, Input
from chainrule._src.nn.regularizers import L2
from chainrule._src.nn.sequential import Sequential
from chainrule._src.tabular.estimators.cost import batch_size
from chainrule._src.tabular.estimators.held import HoldOut
from chainrule._src.tabular.estimators.losses import loss_of
from chainrule._src.tabular.estimators.memory import new_memory, rule_of
from chainrule._src.tabular.estimators.recordings import recorded
from chainrule._src.tabular.estimators.stochastic import begin, epoch_ends, finish
from chainrule._src.tabular.estimators.training import dense

# chainrule's names for scikit-learn's activations.
ACTIVATIONS = {"identity": "linear", "logistic": "sigmoid", "exp": "exponential"}
SETTINGS = {  # parameters of an estimator that determine the network
    "activation", "alpha", "batch_norm", "beta_1", "beta_2", "dropout", "engine", "epsilon",
    "label_smoothing", "learning_rate_init", "loss", "metrics", "momentum", "nesterovs_momentum",
    "optimizer", "quantile", "solver",
}  # fmt: skip


def layers_of(model: Any, sizes: list[int], penalty: float) -> list[Any]:
    """Return the layers for the parameters of a model."""
    hidden = len(sizes) - 2
    batch_norm, stack = model.batch_norm, list[Any]([Input((sizes[0],))])
    functions = _each(model.activation, hidden, "activation")
    shares = _each(model.dropout, hidden, "dropout")
    for units, function, share in zip(sizes[1:-1], functions, shares, strict=True):
        function = ACTIVATIONS.get(function, function) if isinstance(function, str) else function
        within = None if batch_norm else function
        stack.append(Dense(units, activation=within, kernel_regularizer=_l2(penalty)))
        if batch_norm:
            stack += [BatchNormalization(), Activation(function)]
        if share:
            stack.append(Dropout(share))
    last = ACTIVATIONS.get(model.out_activation_, model.out_activation_)
    return [*stack, Dense(sizes[-1], activation=last, kernel_regularizer=_l2(penalty))]


def network_of(model: Any, penalty: float = 0.0, seed: int | None = None) -> Sequential:
    """Return a compiled network with the parameters and weights of a model."""
    sizes = [len(model.coefs_[0]), *(W.shape[1] for W in model.coefs_)]
    layers = layers_of(model, sizes, penalty)
    network = Sequential(layers, dtype=model.coefs_[0].dtype.name, seed=seed)
    network.build((None, sizes[0]))
    for layer, W, b in zip(_dense(network), model.coefs_, model.intercepts_, strict=True):
        layer.set_weights([W, b])
    network.compile(
        optimizer=copy.deepcopy(model.optimizer) or rule_of(new_memory(model, [])),
        loss=loss_of(model), weighted_metrics=list(model.metrics or ()), engine=model.engine,
    )  # fmt: skip
    return network


def fit_network(
    model: Any, X: Any, Y: Array, weight: Any, incremental: bool, validation: HoldOut | None
) -> None:
    """Train as `fit_stochastic` does, with chainrule's layers, losses and optimizers."""
    train, hold_out = begin(model, X, Y, weight, incremental, validation)
    dtype, size = model.coefs_[0].dtype, batch_size(model, train[0].shape[0])
    settings = {name: value for name, value in vars(model).items() if name in SETTINGS}
    if model._network is None or not incremental or settings != model._network_settings:
        seed = int(model._random_state.randint(2**31 - 1))
        mean = 1.0 if train[2] is None else float(np.mean(train[2]))
        before = model._network
        model._network = network_of(model, model.alpha / (2 * size * mean), seed)
        model._network_settings = settings
        if before is not None:
            _take_all(model._network, before.get_weights())
    network, rule = trained(model), _Rule(model, hold_out, train[0].shape[0])
    with network.recorded_as(_recorded(network)):
        history = network.fit(
            *_arrays(dtype, train[0], train[1]), size, 1 if incremental else model.max_iter, 0,
            [rule, *as_callbacks(model.callbacks, "fit")],
            validation_data=_hold_out_arrays(dtype, hold_out),
            shuffle=model.shuffle,
            sample_weight=None if train[2] is None else np.asarray(train[2], dtype),
        )  # fmt: skip
    for name, values in history.history.items():
        if name != "loss":
            model._epochs.setdefault(name, []).extend(values)
    take(model, network)
    finish(model, rule.ended or network.stop_training, incremental, rule.fails)
    if rule.best and (rule.ended or not incremental):
        network.set_weights(rule.best)
        take(model, network)


def _take_all(network: Sequential, weights: list[Array]) -> None:
    """Set all weights, including normalization, if their shapes fit the network."""
    if [w.shape for w in weights] == [w.shape for w in network.get_weights()]:
        network.set_weights(weights)


def take(model: Any, network: Sequential) -> None:
    """Copy the network's weights to the model."""
    weights = [layer.get_weights() for layer in _dense(network)]
    model.coefs_, model.intercepts_ = ([each[i] for each in weights] for i in (0, 1))


def trained(model: Any) -> Any:
    """Return a model's network after copying the model's weights, which may have changed."""
    network = model._network
    for layer, *weights in zip(_dense(network), model.coefs_, model.intercepts_, strict=True):
        if not all(map(np.array_equal, weights, layer.get_weights())):
            layer.set_weights(weights)
    return network


class _Rule(Callback):
    """Callback that records each epoch as scikit-learn does and decides when training ends."""

    def __init__(self, estimator: Any, hold_out: HoldOut | None, rows: int) -> None:
        self.estimator, self.hold_out, self.rows = estimator, hold_out, rows
        self.ended, self.fails, self.best = False, False, list[Any]()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        estimator = self.estimator
        before = estimator.best_validation_score_
        take(estimator, self.model)
        loss = np.float64(logs["loss"])
        self.fails = bool(np.isnan(loss))
        self.ended = epoch_ends(estimator, loss, self.rows, self.hold_out, self.fails)
        if estimator.early_stopping and estimator.best_validation_score_ != before:
            self.best = self.model.get_weights()
        if self.ended:
            self.model.stop_training = True
        elif estimator.optimizer is None and estimator.solver == "sgd":
            self.model.optimizer.learning_rate = estimator._optimizer.learning_rate


def _recorded(network: Sequential) -> Any:
    """Return the shared recordings of updates for a network of this structure."""
    layers = [layer.settings for layer in network.layers]
    return recorded(layers, network.loss, network.optimizer, network.compiled_metrics)


def _dense(network: Sequential) -> list[Any]:
    return [layer for layer in network.layers if isinstance(layer, Dense)]


def _each(value: Any, count: int, name: str) -> list[Any]:
    """Expand a value to a list with one item for each hidden layer."""
    if not isinstance(value, list | tuple):
        return [value] * count
    if len(value) != count:
        raise ShapeError(
            f"{name}: expected a value for each of {count} hidden layers, received {len(value)}"
        )
    return list(value)


def _l2(penalty: float) -> Any:
    return L2(penalty) if penalty else None


def _hold_out_arrays(dtype: Any, hold_out: HoldOut | None) -> tuple[Array, ...] | None:
    if hold_out is None:
        return None
    return _arrays(dtype, hold_out.X, hold_out.Y, hold_out.weight)


def _arrays(dtype: Any, *parts: Any) -> tuple[Array, ...]:
    """Convert arrays to a dtype, and sparse arrays to dense ones."""
    return tuple(np.asarray(dense(part), dtype) for part in parts if part is not None)
