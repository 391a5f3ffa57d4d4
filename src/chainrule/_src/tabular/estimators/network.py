"""What goes beyond scikit-learn's network, trained as a `Sequential`."""

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
from chainrule._src.tabular.estimators.held import Held
from chainrule._src.tabular.estimators.losses import loss_of
from chainrule._src.tabular.estimators.memory import new_memory, rule_of
from chainrule._src.tabular.estimators.recordings import recorded
from chainrule._src.tabular.estimators.stochastic import begin, epoch_ends, finish
from chainrule._src.tabular.estimators.training import dense

# scikit-learn's names of activations, in chainrule.
ACTIVATIONS = {"identity": "linear", "logistic": "sigmoid", "exp": "exponential"}
SETTINGS = {  # parameters that the network is made of
    "activation", "alpha", "batch_norm", "beta_1", "beta_2", "dropout", "engine", "epsilon",
    "label_smoothing", "learning_rate_init", "loss", "metrics", "momentum", "nesterovs_momentum",
    "optimizer", "quantile", "solver",
}  # fmt: skip


def layers_of(model: Any, sizes: list[int], penalty: float) -> list[Any]:
    """Return the layers that a model describes."""
    hidden = len(sizes) - 2
    batch_norm, found = model.batch_norm, list[Any]([Input((sizes[0],))])
    functions = _each(model.activation, hidden, "activation")
    shares = _each(model.dropout, hidden, "dropout")
    for units, function, share in zip(sizes[1:-1], functions, shares, strict=True):
        function = ACTIVATIONS.get(function, function) if isinstance(function, str) else function
        within = None if batch_norm else function
        found.append(Dense(units, activation=within, kernel_regularizer=_l2(penalty)))
        if batch_norm:
            found += [BatchNormalization(), Activation(function)]
        if share:
            found.append(Dropout(share))
    last = ACTIVATIONS.get(model.out_activation_, model.out_activation_)
    return [*found, Dense(sizes[-1], activation=last, kernel_regularizer=_l2(penalty))]


def network_of(model: Any, penalty: float = 0.0, seed: int | None = None) -> Sequential:
    """Return the network of a model, compiled, with its weights."""
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
    model: Any, X: Any, Y: Array, weight: Any, incremental: bool, validation: Held | None
) -> None:
    """Train as `fit_stochastic` does, with layers, losses and optimizers of chainrule's."""
    train, held = begin(model, X, Y, weight, incremental, validation)
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
    network, rule = trained(model), _Rule(model, held, train[0].shape[0])
    with network.recorded_as(_recorded(network)):
        history = network.fit(
            *_arrays(dtype, train[0], train[1]), size, 1 if incremental else model.max_iter, 0,
            [rule, *as_callbacks(model.callbacks, "fit")],
            validation_data=None if held is None else _arrays(dtype, held.X, held.Y, held.weight),
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
    """Take all weights of the network before, those of normalization too, if it was alike."""
    if [w.shape for w in weights] == [w.shape for w in network.get_weights()]:
        network.set_weights(weights)


def take(model: Any, network: Sequential) -> None:
    """Give a model the weights of its network."""
    weights = [layer.get_weights() for layer in _dense(network)]
    model.coefs_, model.intercepts_ = ([each[i] for each in weights] for i in (0, 1))


def trained(model: Any) -> Any:
    """Return a model's network with the weights of the model, which may have been changed."""
    network = model._network
    for layer, *weights in zip(_dense(network), model.coefs_, model.intercepts_, strict=True):
        if not all(map(np.array_equal, weights, layer.get_weights())):
            layer.set_weights(weights)
    return network


class _Rule(Callback):
    """After every epoch: what scikit-learn notes of it, and whether it is the last."""

    def __init__(self, estimator: Any, held: Held | None, rows: int) -> None:
        self.estimator, self.held, self.rows = estimator, held, rows
        self.ended, self.fails, self.best = False, False, list[Any]()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        estimator = self.estimator
        before = estimator.best_validation_score_
        take(estimator, self.model)
        loss = np.float64(logs["loss"])
        self.fails = bool(np.isnan(loss))
        self.ended = epoch_ends(estimator, loss, self.rows, self.held, self.fails)
        if estimator.early_stopping and estimator.best_validation_score_ != before:
            self.best = self.model.get_weights()
        if self.ended:
            self.model.stop_training = True
        elif estimator.optimizer is None and estimator.solver == "sgd":
            self.model.optimizer.learning_rate = estimator._optimizer.learning_rate


def _recorded(network: Sequential) -> Any:
    """Return what is known of a network's updates."""
    layers = [layer.settings for layer in network.layers]
    return recorded(layers, network.loss, network.optimizer, network.compiled_metrics)


def _dense(network: Sequential) -> list[Any]:
    return [layer for layer in network.layers if isinstance(layer, Dense)]


def _each(value: Any, count: int, name: str) -> list[Any]:
    """Return a value for each hidden layer."""
    if not isinstance(value, list | tuple):
        return [value] * count
    if len(value) != count:
        raise ShapeError(
            f"{name}: expected a value for each of {count} hidden layers, received {len(value)}"
        )
    return list(value)


def _l2(penalty: float) -> Any:
    return L2(penalty) if penalty else None


def _arrays(dtype: Any, *parts: Any) -> tuple[Array, ...]:
    """Return arrays of a dtype; sparse ones are filled in."""
    return tuple(np.asarray(dense(part), dtype) for part in parts if part is not None)
