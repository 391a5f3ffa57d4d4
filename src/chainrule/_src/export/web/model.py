"""A model, or a loss in NumPy, as the content of a web module."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from chainrule._src.base.errors import DataError, ExportError
from chainrule._src.core.transforms import value_and_grad
from chainrule._src.core.trees import map_leaves
from chainrule._src.data.preprocessing.calendar import Calendar
from chainrule._src.data.preprocessing.columns import OneHot, Picture
from chainrule._src.data.preprocessing.ranks import Ranks
from chainrule._src.data.preprocessing.steps import Step
from chainrule._src.export.ejecting import WRITTEN
from chainrule._src.export.in_use import InUse
from chainrule._src.export.web.content import WebContent
from chainrule._src.export.web.kernels import function_for_web, keyed, step_for_web
from chainrule._src.nn.network.compiled import Compiled
from chainrule._src.nn.network.runs import carry_of, example_data, outputs_of
from chainrule._src.nn.training.minimize import Update
from chainrule._src.trace.arguments import argument_names

NOT_COMPILED = "compile the model before the export"
NOT_TRAINED = "export with training=True"


def model_content(model: Compiled, training: bool, batch_size: int) -> WebContent:
    """Return a model as the content of a web module.

    Raises
    ------
    ExportError
        If a layer, the loss, a metric or the optimizer cannot be compiled for a page.
    DataError
        If the model is not compiled, and ``training`` is true.
    """
    if training and model.loss is None:
        raise DataError(
            "export: training=True needs a compiled model: model.compile(optimizer, loss)"
        )
    used = InUse(model, "export")
    network, example = model.network, used.example()
    X = example if used.steps or network.is_stateful else _rows(example)
    content = WebContent(model.name, weights=keyed(network.weights))
    content.kernels["predict"] = function_for_web(
        used.with_states if network.is_stateful else used,
        {"weights": network.weights, "X": X}, "predict", ["X"],
    )  # fmt: skip
    content.about = {
        "outputs": used.outputs, "label": used.label, "classes": list(used.classes) or None,
        "without": {}, "stateful": network.is_stateful,
    }  # fmt: skip
    if used.steps:
        spellings = {
            column.name: WRITTEN.get(column.written.reading)
            for column in model.preprocessor.columns
            if column.written is not None
        }
        content.about["columns"] = [
            _column(step, X[step.name], spellings.get(step.name)) for step in used.steps
        ]
    else:
        content.about["inputs"] = described(X, used.inputs)
    if model.loss is None:
        reason = NOT_COMPILED
    else:
        reason = NOT_TRAINED
        _add_loss(content, model, used, X)
        if training:
            _add_training(content, model, batch_size)
    for name in ("gradients", "train"):
        if name not in content.kernels:
            content.about["without"][name] = reason
    return content


def _rows(X: Any) -> Any:
    """Return an example of at least two samples: one could be broadcast."""
    return map_leaves(lambda x: np.repeat(x, 2, axis=0) if len(x) == 1 else x, X)


def described(data: Any, names: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Describe an array, or a tuple of arrays with names: dtypes, and shapes of samples."""
    if isinstance(data, tuple):
        parts = zip(names, data, strict=True)
        return [{"name": name, **each} for name, part in parts for each in described(part)]
    return [{"dtype": data.dtype.str, "shape": data.shape[1:]}]


def _add_loss(content: WebContent, model: Compiled, used: InUse, X: Any) -> None:
    """Add the kernel of the loss and its gradient, and for a table that of its features."""
    X, y = example_data(model.network, model.loss)
    targets = described(y, model.output_names)
    outputs = outputs_of(model.network, model.loss)
    for target, (shape, loss) in zip(targets, outputs, strict=True):
        if loss is not None and loss.takes_labels:
            target["labels"] = shape[-1]
    if used.quantity is not None:
        targets[0] |= {"mean": used.quantity.mean, "scale": used.quantity.scale}
    content.about["targets"] = targets
    if not model.network.params:
        return
    if used.steps:
        content.kernels["features"] = function_for_web(
            used.features, {"X": used.example()}, "the preprocessing", ["X"]
        )
    objective = model.objective
    content.kernels["gradients"] = function_for_web(
        value_and_grad(objective.plain_loss()),
        {"params": model.network.params, "X": X, "y": y, "state": model.network.state},
        "the gradient", ["X", "y"],
    )  # fmt: skip


def _add_training(content: WebContent, model: Compiled, batch_size: int) -> None:
    """Add the kernels of an update and of the metrics."""
    if not model.network.params:
        raise ExportError("no layer has weights that are trained: export without training=True")
    if model.network.is_stateful:
        batch_size = model.network.rows
    data, objective = example_data(model.network, model.loss), model.objective
    state = model.optimizer_state or model.optimizer.init(model.network.params)
    sums = objective.sums(data)
    carry = carry_of(objective, sums.zero, state=state)
    content.kernels["train"] = step_for_web(
        objective.training_step(model.optimizer), objective.loss_of_params, carry, data,
        batch_size, "the model", is_fixed=model.network.is_stateful,
    )  # fmt: skip
    content.optimizer, content.about["batchSize"] = keyed(carry["state"]), batch_size
    if sums.zero:
        content.metrics = keyed(carry["metrics"])
        content.kernels["scores"] = function_for_web(
            objective.results, {"sums": carry["metrics"]}, "a metric"
        )


def _column(step: Step, example: Any, spelling: Any) -> dict[str, Any]:
    """Describe a column of a table: how the page reads its values as numbers.

    ``spelling`` is the way in which texts of training wrote times or numbers, see `WRITTEN`.
    """
    about = {"name": step.name, "dtype": example.dtype.str}
    if isinstance(step, OneHot | Ranks):
        codes = {category or "": code for category, code in step.codes.items()}
        other = len(step.categories) if step.other else None
        return {**about, "kind": "category", "codes": codes, "other": other}
    if isinstance(step, Picture):
        return {**about, "kind": "picture", "shape": step.shape}
    about["missing"] = getattr(step, "missing", False)
    if isinstance(step, Calendar):
        return {**about, "kind": "time", "order": "ymd" if spelling is None else spelling}
    return {**about, "kind": "number", "comma": spelling}


def loss_content(
    loss: Callable[..., Any], params: Any, data: tuple[Any, ...], rule: Any, batch_size: int,
    predict: Callable[..., Any] | None, name: str,
) -> WebContent:  # fmt: skip
    """Return a loss in NumPy as the content of a web module.

    Parameters
    ----------
    loss : callable
        ``loss(params, X)`` or ``loss(params, X, y)``.
    params : tree of ndarray
    data : tuple of ndarray
        Samples, and targets if the loss has any.
    rule : Optimizer
    batch_size : int
    predict : callable, optional
        ``predict(params, X)``.
    name : str

    Raises
    ------
    ExportError
        If the loss or the optimizer cannot be compiled for a page.
    DataError
        If ``predict`` does not return an array with a row per sample.
    """
    if not isinstance(params, dict | list | tuple):  # a name for the only array
        alone, called = loss, argument_names(loss, 1 + len(data))[0]
        params = {called: params}

        def loss(params: Any, *data: Any) -> Any:
            return alone(params[called], *data)

        if predict is not None:
            of_alone = predict

            def predict(params: Any, X: Any) -> Any:
                return of_alone(params[called], X)

    arguments = {"params": params, **dict(zip("Xy", data, strict=False))}
    state = map_leaves(np.asarray, rule.init(params))
    content = WebContent(name, weights=keyed(params), optimizer=keyed(state))
    content.about = {"batchSize": batch_size, "without": {}, "classes": None, "label": None}
    for key, leaf in zip(("inputs", "targets"), data, strict=False):
        content.about[key] = described(leaf)
    if predict is None:
        content.about["without"]["predict"] = "give export_web the function predict"
    else:
        _check_prediction(predict(params, data[0]), len(data[0]))
        content.about["outputs"] = ["output"]
        content.kernels["predict"] = function_for_web(
            predict, {"weights": params, "X": data[0]}, "predict", ["X"]
        )
    batched = [*arguments][1:]
    content.kernels["gradients"] = function_for_web(
        value_and_grad(loss), arguments, "the gradient", batched
    )
    content.kernels["train"] = step_for_web(
        Update(loss, rule), _named if len(data) > 1 else _named_alone,
        {"params": params, "state": state}, data, batch_size, "the loss",
    )  # fmt: skip
    return content


def _check_prediction(result: Any, rows: int) -> None:
    """Refuse a result of ``predict`` that is no array with a row per sample."""
    is_array = not isinstance(result, dict | list | tuple)
    if not is_array or np.shape(result)[:1] != (rows,):
        received = f"shape {np.shape(result)}" if is_array else f"a {type(result).__name__}"
        raise DataError(
            "export_web: predict must return one array with a row per sample; for "
            f"{rows} samples, it returned {received}"
        )


def _named(params: Any, X: Any, y: Any) -> None:
    """Give the arguments of a step the names that the page knows."""


def _named_alone(params: Any, X: Any) -> None:
    """Give the arguments of a step the names that the page knows."""
