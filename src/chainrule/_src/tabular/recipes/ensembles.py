"""Combine several networks into one model, and split such a model again."""

from __future__ import annotations

from collections.abc import Sequence

from chainrule._src.base.config import copied
from chainrule._src.nn.layers import Ensemble, Input, Layer
from chainrule._src.nn.sequential import Sequential


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
