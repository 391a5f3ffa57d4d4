"""Transfer optimizer state between scikit-learn and chainrule: velocities, moments, rate."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.neural_network._stochastic_optimizers import AdamOptimizer, SGDOptimizer

from chainrule._src.nn.optimizers import SGD, Adam


def new_memory(model: Any, params: list[Any]) -> Any:
    """Return scikit-learn's optimizer for these weights, with the model's parameters."""
    if model.solver == "adam":
        return AdamOptimizer(
            params, model.learning_rate_init, model.beta_1, model.beta_2, model.epsilon
        )
    return SGDOptimizer(
        params, model.learning_rate_init, model.learning_rate, model.momentum,
        model.nesterovs_momentum, model.power_t,
    )  # fmt: skip


def rule_of(memory: Any, rate: float | None = None) -> Any:
    """Return chainrule's optimizer with the same formula; ``rate`` replaces its learning rate."""
    rate = memory.learning_rate_init if rate is None else rate
    if isinstance(memory, AdamOptimizer):
        return Adam(rate, beta_1=memory.beta_1, beta_2=memory.beta_2, epsilon=memory.epsilon)
    nesterov = bool(memory.nesterov and memory.momentum)
    return SGD(rate, momentum=memory.momentum, nesterov=nesterov)


def state_from(memory: Any, layers: int) -> dict[str, Any]:
    """Return the state for chainrule's optimizer from scikit-learn's optimizer."""

    def tree(values: list[Any]) -> dict[str, Any]:
        return {"coefs": list(values[:layers]), "intercepts": list(values[layers:])}

    if isinstance(memory, AdamOptimizer):
        return {"iteration": np.int64(memory.t), "m": tree(memory.ms), "v": tree(memory.vs)}
    rate = {"learning_rate": np.float64(memory.learning_rate)}
    return {**rate, "velocity": tree(memory.velocities)} if memory.momentum else rate


def remember(memory: Any, state: Any) -> None:
    """Write the state of chainrule's optimizer back into scikit-learn's optimizer."""

    def flat(tree: Any) -> list[Any]:
        return [*tree["coefs"], *tree["intercepts"]]

    if isinstance(memory, AdamOptimizer):
        memory.t, memory.ms, memory.vs = int(state["iteration"]), flat(state["m"]), flat(state["v"])
        if memory.t:
            correction = np.sqrt(1 - memory.beta_2**memory.t) / (1 - memory.beta_1**memory.t)
            memory.learning_rate = memory.learning_rate_init * correction
    elif memory.momentum:
        memory.velocities = flat(state["velocity"])
