"""The lab's functions, with activations in pairs with their derivatives."""

from chainrule._src.nn.functions import (
    ACTIVATIONS,
    EPSILON,
    accuracy,
    delu,
    drelu,
    dsigmoid,
    dsoftplus,
    dtanh,
    elu,
    erf,
    gelu,
    log_softmax,
    logsumexp,
    nll,
    one_hot,
    relu,
    sigmoid,
    softmax,
    softplus,
    tanh,
)

__all__ = [
    "ACTIVATIONS", "EPSILON", "accuracy", "delu", "drelu", "dsigmoid", "dsoftplus", "dtanh", "elu",
    "erf", "gelu", "log_softmax", "logsumexp", "nll", "one_hot", "relu", "sigmoid", "softmax",
    "softplus", "tanh",
]  # fmt: skip
