"""Models with several outputs: a loss for each, and metrics of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from chainrule._src.base.errors import DataError
from chainrule._src.nn import losses
from chainrule._src.nn.losses import Loss
from chainrule._src.nn.losses.base import weight_of
from chainrule._src.nn.metrics import get as get_metric
from chainrule._src.nn.metrics.base import Mean, double


class OutputLosses(Loss):
    """The weighted sum of a loss for each output of a model.

    Parameters
    ----------
    losses : list or dict of str or Loss, or one for all outputs
        In the order of the outputs, or by their names; an output without loss has None.
    weights : list or dict of float, optional
    """

    def __init__(self, losses: Any, weights: Any = None) -> None:
        super().__init__("compile_loss")
        self.losses, self.weights = losses, weights
        self.parts: list[tuple[str, Any, Any]] = []
        self.texts: dict[str, str] = {}  # by output, of losses that were given by name

    def bound(self, names: Sequence[str]) -> OutputLosses:
        """Return the losses of outputs with these names."""
        specs, weights = self.losses, self.weights
        if len(names) == 1:
            specs, weights = alone(specs), alone(weights)
        each = [alone(loss) for loss in per_output(specs, names, "loss")]
        weights = per_output(weights, names, "loss_weights")
        self.texts = {n: loss for n, loss in zip(names, each, strict=True) if isinstance(loss, str)}
        self.parts = [
            (name, None if loss is None else losses.get(loss, "compile"), weight)
            for name, loss, weight in zip(names, each, weights, strict=True)
        ]
        return self

    @property
    def reductions(self) -> list[str | None]:
        """The reduction of each output's loss."""
        return [loss and loss.reduction for _, loss, _ in self.parts]

    def values(self, y_true: Any, y_pred: Any, weight: Any) -> Iterator[tuple[str, Any, Any]]:
        """Yield the name, the loss and the factor of each output that has a loss."""
        if len(self.parts) == 1:
            y_true, y_pred = [y_true], [y_pred]
        weights = weight if isinstance(weight, list | tuple) else [weight] * len(y_pred)
        for (name, loss, factor), y, p, w in zip(self.parts, y_true, y_pred, weights, strict=True):
            if loss is not None:
                yield name, loss(y, p, w), factor

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Return the sum of the losses of all outputs."""
        weighted = [
            value if factor is None else value * factor
            for _, value, factor in self.values(y_true, y_pred, sample_weight)
        ]
        return sum(weighted[1:], weighted[0]) if weighted else 0.0


class AddedLosses(Loss):
    """The loss of a model that is compiled without one: only what its layers add counts."""

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Return zero."""
        return 0.0


class OfOutput(NamedTuple):
    """A metric of one output of a model, with what comes before its name."""

    metric: Any
    output: int | None  # None for the only one, or for all
    prefix: str


class LossOfOutput(Mean):
    """The mean over the batches of an output's loss, without its factor."""

    def __init__(self, losses: OutputLosses, output: str, name: str) -> None:
        super().__init__(f"{name}_loss")
        self.losses, self.output, self.reductions = losses, output, losses.reductions

    def zero(self, *data: Any) -> Any:
        """Return sums of zero; the loss might refuse the numbers of an example."""
        return {"total": np.zeros(()), "count": np.zeros(())}

    def measure(self, y: Any, y_pred: Any, weight: Any = None) -> Any:  # type: ignore[override]
        """Return the loss of a batch times its rows, and the rows."""
        every = {name: value for name, value, _ in self.losses.values(y, y_pred, weight)}
        rows = y_pred[0].shape[0]
        return {"total": double(every[self.output]) * rows, "count": np.asarray(float(rows))}


def metrics_of(
    spec: Any, parts: Sequence[Any], shapes: Sequence[Any], named: bool
) -> list[OfOutput]:
    """Return the metrics of all outputs, named as in Keras, with ``named`` after their outputs."""
    several, names = len(parts) > 1, [name for name, *_ in parts]
    groups = zip(parts, per_output(spec, names, "metrics"), strict=True)
    return [
        OfOutput(
            get_metric(metric, loss, shapes[index] if shapes else (), "compile"),
            index if several else None,
            f"{name}_" if named else "",
        )
        for index, ((name, loss, _), group) in enumerate(groups)
        for metric in (group if isinstance(group, list | tuple) else [group])
        if metric is not None
    ]


def unmasked(weight: Any, mask: Any, reductions: Any) -> Any:
    """Return sample weights that exclude masked values, of each output if there are several."""
    if not isinstance(mask, list):
        return weight if mask is None else weight_of(mask, weight, reductions)
    each = reductions if isinstance(reductions, list) else [reductions] * len(mask)
    weights = weight if isinstance(weight, list | tuple) else [weight] * len(mask)
    return tuple(map(unmasked, weights, mask, each))


def is_several_options(spec: Any) -> bool:
    """Return true for a list or dict of options of outputs; a description is one option."""
    if isinstance(spec, Mapping):
        return "class_name" not in spec
    return isinstance(spec, list | tuple)


def alone(spec: Any) -> Any:
    """Return the option in lists or dicts of one option."""
    while is_several_options(spec) and len(spec) == 1:
        (spec,) = spec.values() if isinstance(spec, Mapping) else spec
    return spec


def per_output(spec: Any, names: Sequence[str], what: str, where: str = "compile") -> list[Any]:
    """Return the part of an argument for each output, from a list, a dict by name, or one for all.

    Raises
    ------
    DataError
        If the names or the number differ from those of the outputs.
    """
    if isinstance(spec, Mapping):
        unknown = [key for key in spec if key not in names]
        if unknown:
            raise DataError(
                f"{where}: {what} names {unknown[0]!r}, which is no output; there are "
                f"{', '.join(names)}"
            )
        return [spec.get(name) for name in names]
    if isinstance(spec, list | tuple) and (spec or what != "metrics"):
        if len(spec) != len(names):
            raise DataError(
                f"{where}: {what} has {len(spec)} entries for the {len(names)} outputs "
                f"{', '.join(names)}; give one for each, or a dict by name"
            )
        return [*spec]
    return [None if what == "metrics" and not spec else spec] * len(names)


def targets_of(y: Any, names: Sequence[str], where: str, parts: Sequence[Any]) -> list[Any]:
    """Return the target of each output, from a list or from a dict by name.

    ``parts`` are those of `OutputLosses`; one array is the target of the only output with a loss.
    """
    with_loss = [part for part in parts if part[1] is not None]
    if len(with_loss) == 1 and hasattr(y, "shape"):
        return [y if part is with_loss[0] else None for part in parts]
    if isinstance(y, Mapping | list | tuple):
        return per_output(y, names, "y", where)
    raise DataError(
        f"{where}: y must be a list of {len(names)} arrays, or a dict by the outputs' names "
        f"{', '.join(names)}"
    )
