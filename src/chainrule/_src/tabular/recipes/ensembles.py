"""Several networks as one model, and back."""

from __future__ import annotations

from collections.abc import Sequence

from chainrule._src.base.config import copied
from chainrule._src.nn.layers import Ensemble, Input, Layer
from chainrule._src.nn.sequential import Sequential


def averaged(models: Sequence[Sequential]) -> Sequential:
    """Return a model whose output is the mean of the models'."""
    chains = [_copies(model.layers) for model in models]
    return _made_like(models[0], [Ensemble(chains)], "ensemble", [m.layers for m in models])


def members(model: Sequential) -> list[Sequential]:
    """Return the models whose mean a model is: itself, where it is no such mean."""
    last = model.layers[-1]
    if not isinstance(last, Ensemble):
        return [model]
    return [_made_like(model, _copies(chain), "network", [chain]) for chain in last.members]


def _copies(chain: Sequence[Layer]) -> list[Layer]:
    return [copied(each) for each in chain]


def _made_like(
    first: Sequential, stack: list[Layer], name: str, weights: Sequence[Sequence[Layer]]
) -> Sequential:
    """Return a model of layers that are compiled as another's, with these layers' weights."""
    made = Sequential([Input(first.layers[0].input_shape[1:]), *stack], name)
    chains = made.layers[0].members if isinstance(made.layers[0], Ensemble) else [made.layers]
    for chain, source in zip(chains, weights, strict=True):
        for copy, layer in zip(chain, source, strict=True):
            copy.set_weights(layer.get_weights())
    if first.loss is not None:
        made.compile(first.optimizer, first.loss, *first.compiled_metrics)
    made.preprocessor, made.class_names = first.preprocessor, first.class_names
    made.history = first.history
    return made
