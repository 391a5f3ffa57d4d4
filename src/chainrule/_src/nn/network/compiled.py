"""A compiled model: optimizer, loss and metrics, and the state that training leaves behind."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
from chainrule._src.nn.metrics import get as get_metric
from chainrule._src.nn.network.conditions import Conditions
from chainrule._src.nn.network.forward import Predictor
from chainrule._src.nn.network.inputs import check_labels_fit, checked_data, warn_of_one_share
from chainrule._src.nn.network.kept import RecordingCache
from chainrule._src.nn.network.objective import Objective
from chainrule._src.nn.training.trainer import Trainer, rate_of


class Compiled(Predictor):
    """A stack of layers with optimizer, loss and metrics, and the state of its training."""

    def _begin(self) -> None:
        super()._begin()
        self.history = History()
        self.stop_training = False
        self.training_data: Any = None
        self.class_names: list[str] | None = None
        self.preprocessor: Any = None
        self.optimizer: Any = None
        self.loss: Any = None
        self.compiled_metrics: tuple[Any, Any] = ((), ())
        self.optimizer_state: Any = None
        self._running: Engine | None = None  # while training
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
        loss_weights: None = None,
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
        loss_weights : None
            There is one output; give samples a weight in `fit`.
        run_eagerly, steps_per_execution, jit_compile, auto_scale_loss
            Accepted for compatibility with Keras and ignored: ``engine`` selects how updates run.

        Raises
        ------
        UnknownNameError, DataError
            If an argument is not an optimizer, a loss or a metric.
        """
        if loss is None:
            raise DataError(
                "Sequential.compile: loss is missing; for instance "
                "loss='sparse_categorical_crossentropy', or 'mse'"
            )
        if loss_weights is not None:
            raise DataError(
                "Sequential.compile: loss_weights has no counterpart: there is one output; give "
                "fit a sample_weight"
            )
        lookup("engine", engine, ENGINES)
        rule, loss = optimizers.get(optimizer, "compile"), losses.get(loss, "compile")
        for group in (metrics, weighted_metrics):
            if isinstance(group, str) or not isinstance(group, Sequence | None):
                raise DataError(f"Sequential.compile: metrics must be a list, received {group!r}")
            for metric in group or ():
                get_metric(metric, loss, (), "Sequential.compile")
        self.optimizer, self.loss, self.optimizer_state = rule, loss, None
        optimizers.count(rule, {})
        self.compiled_metrics = (tuple(metrics or ()), tuple(weighted_metrics or ()))
        self.engine = engine

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
        shape = self.output_shape or ()
        counted = tuple(
            [get_metric(metric, self.loss, shape, "compile") for metric in group]
            for group in self.compiled_metrics
        )
        return Objective(self.network, self.loss, *counted)

    @property
    def metrics_names(self) -> list[str]:
        """The names of the scores that `evaluate` returns: the loss and the metrics."""
        return ["loss", *(self.objective.named if self.compiled else ())]

    @contextmanager
    def recorded_as(self, recordings: StepCaches | None) -> Iterator[None]:
        """Within this context, training reuses recordings of an equal step, and adds new ones."""
        self._recordings = recordings
        try:
            yield
        finally:
            self._recordings = None

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
        return checked_data(x, y, weight, class_weight, self.layers, self.loss, where)

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
            self.build((None, *data[0].shape[1:]))
        outputs = self.output_shape
        assert outputs is not None
        check_labels_fit(data[1], outputs[-1] or 1, self.loss, "fit")
        warn_of_one_share(self.network.layers[-1], outputs[-1] or 1)
