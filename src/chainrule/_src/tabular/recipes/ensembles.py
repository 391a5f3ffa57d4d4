"""Combine several networks into one model, and split such a model again."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chainrule._src.base.config import copied
from chainrule._src.nn.layers import Ensemble, Input, Layer
from chainrule._src.nn.sequential import Sequential

CHANCE = 4.0  # standard errors, of a loss whose deviation is its mean, that tell makers apart


def next_maker(losses: Sequence[float], makers: int, rows: int) -> int:
    r"""Return the index of the maker of the ensemble's next network.

    The makers take turns, until the loss on rows kept aside tells the best of them: it must be
    lower than each other's by a share of :math:`4 / \sqrt{\text{rows}}`.

    Parameters
    ----------
    losses : sequence of float
        Losses of the networks so far, on rows that each kept aside.
    makers : int
        Number of makers.
    rows : int
        Number of rows that a network keeps aside.

    Examples
    --------
    >>> next_maker([0.3, 0.2], 2, rows=1600), next_maker([0.3, 0.2], 2, rows=16)
    (1, 0)
    """
    turn = len(losses) % makers
    if len(losses) < makers or makers == 1 or not rows:
        return turn
    best, second, *_ = np.argsort(losses[:makers]).tolist()
    is_clear = losses[best] < losses[second] * (1 - CHANCE / rows**0.5)
    return best if is_clear else turn


def averaged(models: Sequence[Sequential]) -> Sequential:
    """Return a model whose output is the mean of the models' outputs."""
    chains = [_copies(model.layers) for model in models]
    return _rebuilt(models[0], [Ensemble(chains)], "ensemble", [m.layers for m in models])


def members(model: Sequential) -> list[Sequential]:
    """Return the member models of an averaged model; a list of the model itself otherwise."""
    last = model.layers[-1]
    if not isinstance(last, Ensemble):
        return [model]
    return [_rebuilt(model, _copies(chain), "network", [chain]) for chain in last.members]


def _copies(chain: Sequence[Layer]) -> list[Layer]:
    return [copied(each) for each in chain]


def _rebuilt(
    first: Sequential, stack: list[Layer], name: str, weights: Sequence[Sequence[Layer]]
) -> Sequential:
    """Return a model of the layers in ``stack``, compiled like ``first``, with copied weights."""
    model = Sequential([Input(first.layers[0].input_shape[1:]), *stack], name)
    chains = model.layers[0].members if isinstance(model.layers[0], Ensemble) else [model.layers]
    for chain, source in zip(chains, weights, strict=True):
        for copy, layer in zip(chain, source, strict=True):
            copy.set_weights(layer.get_weights())
    if first.loss is not None:
        model.compile(first.optimizer, first.loss, *first.compiled_metrics)
    model.preprocessor, model.class_names = first.preprocessor, first.class_names
    model.history = first.history
    return model
