"""A compiled model: optimizer, loss and metrics, and the state that training leaves behind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from chainrule._src.base.arrays import Array
from chainrule._src.base.errors import DataError
from chainrule._src.base.validation import lookup
from chainrule._src.compile.running.engines import Engine
from chainrule._src.compile.running.recorded import StepCaches
from chainrule._src.compile.running.steps import ENGINES
from chainrule._src.nn import losses, optimizers
from chainrule._src.nn.callbacks import History
from chainrule._src.nn.layers.given import is_shape, shape_of, shapes_in
from chainrule._src.nn.layers.hooks import is_overridden
from chainrule._src.nn.metrics import get as get_metric
from chainrule._src.nn.metrics.base import Mean
from chainrule._src.nn.network.conditions import Conditions
from chainrule._src.nn.network.forward import Predictor
from chainrule._src.nn.network.inputs import check_labels_fit, checked_data, warn_of_last
from chainrule._src.nn.network.kept import RecordingCache
from chainrule._src.nn.network.network import constant
from chainrule._src.nn.network.objective import Objective
from chainrule._src.nn.network.outputs import (
    AddedLosses,
    LossOfOutput,
    OutputLosses,
    alone,
    is_several_options,
    metrics_of,
    per_output,
    targets_of,
)
from chainrule._src.nn.network.tracked import TrackedMetrics, metrics_within
from chainrule._src.nn.training.trainer import Trainer, rate_of


class Compiled(Predictor):
    """A stack of layers with optimizer, loss and metrics, and the state of its training."""

    _graph: Any = None

    def _begin(self) -> None:
        super()._begin()
        self.history = History()
        self.stop_training = self.stop_evaluating = self.stop_predicting = False
        self.training_data: Any = None
        self.class_names: list[str] | None = None
        self.feature_names: list[str] | None = None
        self.preprocessor: Any = None
        self.optimizer: Any = None
        self.loss: Any = None
        self.compiled_metrics: tuple[Any, Any] = ((), ())
        self._loss_name: str | None = None
        self._live: Objective | None = None
        self._loss_tracker = Mean("loss")
        self.optimizer_state: Any = None
        self._running: Engine | None = None  # while training
        self.updates_alone = False  # within `train_on_batch`
        self._recording_cache = RecordingCache()  # between calls of train_on_batch
        self._recordings: StepCaches | None = None  # within `recorded_as`
        self.trainer: Trainer | None = None
        self.conditions: Conditions | None = None  # of the last run

    def _changed(self) -> None:
        super()._changed()
        self.optimizer_state = None

    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        metrics: Sequence[Any] | None = None,
        weighted_metrics: Sequence[Any] | None = None,
        *,
        engine: str = "auto",
        loss_weights: Any = None,
        run_eagerly: bool = False,
        steps_per_execution: int = 1,
        jit_compile: bool | str = "auto",
        auto_scale_loss: bool = True,
    ) -> None:
        """Set optimizer, loss and metrics for training.

        Parameters
        ----------
        optimizer : str or Optimizer, default "rmsprop"
        loss : str, Loss or callable
            A function takes ``(y_true, y_pred)`` and returns one value per sample.
        metrics, weighted_metrics : sequence of str, Metric or callable, optional
            Metrics that ignore, and metrics that use, the sample weights.
        engine : {"auto", "compiled", "numpy"}
            As for `minimize`.
        loss_weights : list or dict of float, optional
            Factors of the losses of several outputs.
        run_eagerly, steps_per_execution, jit_compile, auto_scale_loss
            Accepted for compatibility with Keras and ignored: ``engine`` selects how updates run.

        Raises
        ------
        UnknownNameError, DataError
            If an argument is not an optimizer, a loss or a metric.
        """
        lookup("engine", engine, ENGINES)
        rule = optimizers.get(optimizer, "compile")
        self._loss_name = loss if isinstance(loss, str) else None
        loss = self._loss_given(loss, loss_weights, (metrics, weighted_metrics))
        if not isinstance(loss, OutputLosses):
            metrics, weighted_metrics = map(flat_metrics, (metrics, weighted_metrics))
            for metric in (*metrics, *weighted_metrics):
                get_metric(metric, loss, (), "compile")
        self.optimizer, self.loss, self.optimizer_state = rule, loss, None
        optimizers.count(rule, {})
        self.compiled_metrics, self._live = (metrics or (), weighted_metrics or ()), None
        self.engine = engine

    def _loss_given(self, loss: Any, weights: Any, metrics: Any) -> Any:
        """Return the loss of the output, or of several outputs, which may not be known yet."""
        names = self.output_names
        if loss is None:
            return AddedLosses()
        if isinstance(loss, OutputLosses | AddedLosses):
            return loss
        is_known = bool(names) or not self.takes_several
        if len(names) < 2:
            loss, weights = (
                option if isinstance(option, Mapping) and not is_known else alone(option)
                for option in (loss, weights)
            )  # fmt: skip
        are_several = len(names) > 1 or (not is_known and any(map(are_by_output, metrics)))
        if are_several or is_several_options(loss) or weights is not None:
            several = OutputLosses(loss, weights)
            return several.bound(names) if names else several
        return losses.get(loss, "compile")

    @property
    def compile_options(self) -> dict[str, Any]:
        """The arguments of `compile` that define the training."""
        metrics, weighted = self.compiled_metrics
        rule, loss = self.optimizer, self.loss
        return {"optimizer": rule, "loss": loss, "metrics": metrics, "weighted_metrics": weighted}

    @property
    def compiled(self) -> bool:
        """True if the model is compiled."""
        return self.loss is not None

    @property
    def objective(self) -> Objective:
        """The loss and metrics; the model must be compiled and built."""
        loss, parts, named = self.loss, [("", self.loss, None)], False
        several = isinstance(loss, OutputLosses) or len(self.output_names) > 1
        if several and not isinstance(loss, AddedLosses):
            loss = self.loss_of_outputs
            parts, is_dict = loss.parts, isinstance(self.output_shape, Mapping)
            named = (self._graph is not None or is_dict) and len(parts) > 1
        metrics, weighted = (
            metrics_of(
                group if len(parts) > 1 else [flat_metrics(group)], parts,
                shapes_in(self.output_shape), named,
            )
            for group in self.compiled_metrics
        )  # fmt: skip
        tracked = [part for part in parts if part[1] is not None]
        if len(tracked) < 2:
            return Objective(self.network, loss, metrics, weighted)
        if is_dict and isinstance(loss.losses, Mapping):
            tracked.sort(key=lambda part: [*loss.losses].index(part[0]))  # as in Keras
        each_loss = [
            LossOfOutput(loss, name, name if named else loss.texts.get(name, each.name))
            for name, each, _ in tracked
        ]
        objective = Objective(self.network, loss, metrics, [*weighted, *each_loss])
        names, count = [*objective.named], len(objective.named) - len(each_loss)
        others, of_losses = names[:count], names[count:]
        order = [*of_losses, *sorted(others)] if named else [*others, *of_losses]  # as in Keras
        objective.named = {name: objective.named[name] for name in order}
        return objective

    @property
    def live_objective(self) -> Objective:
        """The objective whose metrics are updated in place, by steps of one's own."""
        if self._live is None or self._live.network is not self.network:
            self._live = self.objective
        return self._live

    @property
    def loss_of_outputs(self) -> OutputLosses:
        """The losses of the model's outputs."""
        several = isinstance(self.loss, OutputLosses)
        loss = self.loss if several else OutputLosses(self._loss_name or self.loss)
        return loss.bound(self.output_names)

    @property
    def input_names(self) -> list[str]:
        """The names of the inputs: numbers, where layers have none."""
        return [f"input_{number}" for number in range(len(shapes_in(self.input_shape)))]

    @property
    def output_names(self) -> list[str]:
        """The names of the outputs; empty while they are not known."""
        shapes = getattr(self, "output_shape", None)
        if shapes is None:
            return []
        if isinstance(shapes, Mapping):
            return [*shapes]
        return [f"output_{number}" for number in range(len(shapes_in(shapes)))]

    @property
    def metrics(self) -> list[Any]:
        """The metrics in attributes, and those that `compile` was given."""
        tracker = [self._loss_tracker] if self.overrides("train_step", "test_step") else []
        named = self.live_objective.named.values() if self.compiled and self.built else ()
        return [*tracker, *metrics_within(self), *(metric for metric, *_ in named)]

    def live_metrics(self) -> list[tuple[str, Any]]:
        """Return the metrics of the loss, of `compile` and in attributes, with their names."""
        named = self.live_objective.named.items() if self.compiled and self.built else ()
        compiled = [(name, metric) for name, (metric, *_) in named]
        tracked = [(metric.name, metric) for metric in self._own_metrics()]
        return [("loss", self._loss_tracker), *compiled, *tracked]

    def overrides(self, *names: str) -> bool:
        """Return true if a class of the user overrides one of these methods."""
        return any(is_overridden(type(self), name) for name in names)

    @property
    def has_own_step(self) -> bool:
        """True if `fit` calls the methods of a class, batch by batch."""
        return self.overrides("train_step", "compute_metrics")

    def check_recorded(self) -> None:
        """Raise an error if the step of training is not a recorded program."""
        if self.has_own_step:
            raise DataError(
                f"{self}: has a train_step or compute_metrics of its own, which fit calls batch by "
                "batch in one process; nothing else trains it"
            )

    def reset_metrics(self) -> None:
        """Reset all metrics; in `fit` and `evaluate` they start at zero."""
        for _, metric in self.live_metrics():
            metric.reset_state()

    def forget_tensors(self) -> None:
        """Replace the tensors of a gradient, in metrics and in added losses, by their values."""
        self._added = []
        for _, metric in self.live_metrics():
            metric.map_sums(constant)

    def tracked_metrics(self) -> TrackedMetrics:
        """Return the metrics that the methods of the class update."""
        return TrackedMetrics(self._own_metrics(), self.reset_metrics)

    def _own_metrics(self) -> list[Any]:
        is_own = type(self).metrics is not Compiled.metrics
        return [*metrics_within(self), *(self.metrics if is_own else ())]

    @property
    def metrics_names(self) -> list[str]:
        """The names of the scores that `evaluate` returns: the loss and the metrics."""
        return ["loss", *(self.objective.named if self.compiled else ())]

    @contextmanager
    def recorded_as(self, recordings: StepCaches | None, alone: bool = False) -> Iterator[None]:
        """Within this context, training reuses recordings of an equal step, and adds new ones.

        With ``alone`` a run is one update of a loop of the caller's, who may end it at any time.
        """
        self._recordings, self.updates_alone = recordings, alone
        try:
            yield
        finally:
            self._recordings, self.updates_alone = None, False

    # Attributes for callbacks

    @property
    def params(self) -> dict[str, Array]:
        """The present values of the trained weights, by name."""
        return self.network.params if self._running is None else self._running.read("params")

    @property
    def states(self) -> dict[str, Array]:
        """The present values of the weights that are not trained, by name."""
        return self.network.state if self._running is None else self._running.read("layers")

    @property
    def learning_rate(self) -> float:
        """The learning rate of the next update."""
        if optimizers.schedule_of(self.optimizer) is None:
            return float(self.optimizer.learning_rate)
        return rate_of(self.optimizer, self.optimizer_state or self.optimizer.init({}))

    def trained(self, engine: Engine) -> None:
        """Copy weights and optimizer state from the engine into the model."""
        self.network.take(engine.read("params"))
        self.network.take(engine.read("layers"))
        self.optimizer_state = engine.read("state")
        optimizers.count(self.optimizer, self.optimizer_state)

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Set all weights, in the order of `get_weights`; also in the middle of training.

        Raises
        ------
        ShapeError, DataError
            If an array does not fit; then no weight is changed.
        """
        super().set_weights(weights)
        if self._running is not None:
            self._running.write("params", self.network.params)
            self._running.write("layers", self.network.state)

    # Parts

    def _check_compiled(self, where: str) -> None:
        if self.loss is None:
            raise DataError(f"{where}: compile the model first: model.compile(optimizer, loss)")

    def _data(self, x: Any, y: Any, weight: Any, class_weight: Any, where: str) -> Any:
        """Return checked data: x alone without y, which a step of a class need not have."""
        X = self._checked_x(x, where)
        if y is None and self.has_own_step:
            return (X,)
        if not self.built and self.takes_several:  # its outputs are not known yet
            self.build(shape_of(X))
        names = self.output_names
        if len(names) < 2 or (y is None and isinstance(self.loss, AddedLosses)):
            y = next(iter(y.values())) if isinstance(y, Mapping) and len(y) == 1 else y
            return checked_data(X, y, weight, class_weight, self.loss, where)
        if class_weight is not None:
            raise DataError(f"{where}: class_weight needs a model with one output")
        output_losses = self.loss_of_outputs.parts
        weights = per_output(weight, names, "sample_weight", where)
        both = [
            (None, None) if part is None
            else (*checked_data(X, part, w, None, of_one, where), None)[1:3]
            for part, w, (_, of_one, _) in zip(
                targets_of(y, names, where, output_losses), weights, output_losses, strict=True
            )
        ]  # fmt: skip
        Y, W = zip(*both, strict=True)
        return (X, Y) if weight is None else (X, Y, W)

    def _parts(
        self, x: Any, y: Any, where: str, weight: Any = None, class_weight: Any = None
    ) -> tuple[Any, Objective]:
        """Return checked data and the objective; build the model for the data."""
        self._check_compiled(where)
        data = self._data(x, y, weight, class_weight, where)
        self._build(data)
        return data, self.objective

    def _build(self, data: Any) -> None:
        """Build the model for the data, and check that the targets fit the output."""
        if not self.built:
            self.build(shape_of(data[0]))
        outputs = self.output_shape
        is_other = len(data) == 1 or isinstance(self.loss, OutputLosses | AddedLosses)
        if is_other or not is_shape(outputs):
            return
        check_labels_fit(data[1], outputs[-1] or 1, self.loss, "fit")
        warn_of_last(self.network.last, outputs[-1] or 1, self.loss)


def are_by_output(metrics: Any) -> bool:
    """Return true for metrics of several outputs, in a dict or in a list of lists."""
    if not isinstance(metrics, list | tuple) or len(metrics) < 2:
        return isinstance(metrics, Mapping)
    return any(isinstance(metric, list | tuple | None) for metric in metrics)


def flat_metrics(metrics: Any) -> tuple[Any, ...]:
    """Return the metrics of the one output, which may be in a list or dict of their own."""
    if isinstance(metrics, dict) and len(metrics) == 1:
        (metrics,) = metrics.values()
        metrics = metrics if isinstance(metrics, list | tuple) else [metrics]
    if isinstance(metrics, str) or not isinstance(metrics, Sequence | None):
        raise DataError(f"compile: metrics must be a list such as ['mae'], received {metrics!r}")
    nested = [m if isinstance(m, list | tuple) else [m] for m in metrics or ()]
    return tuple(metric for group in nested for metric in group)
