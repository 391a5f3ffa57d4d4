"""The subject of a gradient check: a loss of named parameters, and its gradient by hand."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule._src.base.arrays import Array, as_floats
from chainrule._src.base.errors import ChainruleError, DataError
from chainrule._src.check.recorded import Gradients
from chainrule._src.check.sandbox import TooLong, within_time
from chainrule._src.core.backward import as_number
from chainrule._src.core.trees import leaves, map_leaves, path_text
from chainrule._src.trace.arguments import argument_names

UNCHANGING = frozenset((bool, int, float, str, type(None), np.float64, np.int64))
FIRST = 20.0  # seconds of processor time that the first call of a learner's function may take


@dataclass
class GradientProblem:
    """A loss of named parameters, its gradient by hand, and the data for both."""

    loss: Callable[..., Any]  # loss(parameters, *data)
    data: tuple[Any, ...]
    parameters: dict[str, Array]
    by_hand: dict[str, Array | None]
    notes: list[str]
    gradients: Callable[..., dict[str, Any]]  # the learner's: gradients(parameters, *data), by name
    names: tuple[str, ...]  # names of the data
    mutable: tuple[Any, ...]  # objects that the learner's code may change: functions, a model


def function_problem(loss: Any, gradients: Any, args: tuple[Any, ...]) -> GradientProblem:
    """Return the problem of a loss and its gradient, two functions of the same arguments."""
    if not args:
        raise DataError("check_gradients: give the loss's arguments, the parameters first")
    tree, data = args[0], args[1:]
    paths = dict(leaves(tree))
    argument = argument_names(loss, 1)[0]
    names = {path: _name(argument, path) for path in paths}
    parameters = {names[path]: _parameter(names[path], leaf) for path, leaf in paths.items()}
    copies = copied(args)
    result = _called(gradients, "gradients", copies)
    notes = []
    if any(
        not np.array_equal(a, b, equal_nan=True)
        for (_, a), (_, b) in zip(leaves(tree), leaves(copies[0]), strict=False)
    ):
        notes.append("gradients() changed the parameters that it was given; it must only read them")
    parts = _matched(result, tree, argument)
    if isinstance(result, dict) and set(result) - set(tree if isinstance(tree, dict) else ()):
        extra = ", ".join(map(str, set(result) - set(tree)))
        notes.append(f"the gradient holds {extra}, of which there is no parameter")
    by_hand = {names[path]: _array(names[path], parts.get(path)) for path in paths}
    by_name = {path: names[path] for path in paths}

    def named_loss(parameters: Any, *data: Any) -> Any:
        order = iter(by_name.values())
        return as_number(loss(map_leaves(lambda _: parameters[next(order)], tree), *data))

    arguments = _distinct(argument_names(loss, len(data) + 1)[1:])

    def named_gradients(parameters: Any, *data: Any) -> dict[str, Any]:
        order = iter(by_name.values())
        values = map_leaves(lambda _: np.copy(parameters[next(order)]), tree)
        result = gradients(values, *copied(data))
        parts = _matched(result, tree, argument)
        return {names[path]: parts.get(path) for path in paths}

    return GradientProblem(
        named_loss, data, parameters, by_hand, notes, named_gradients, arguments, (loss, gradients)
    )


def model_problem(model: Any, args: tuple[Any, ...]) -> GradientProblem:
    """Return the problem of a model with the lab's methods; the model stays unchanged."""
    if isinstance(model, type) or not hasattr(model, "__dict__"):
        raise DataError(
            "check_gradients: give a model object that keeps its parameters as attributes"
        )
    attributes = dict(vars(model))
    before = {
        name: np.copy(v)
        for name, v in attributes.items()
        if isinstance(v, np.ndarray | np.number | int | float | list)
    }
    result = _called(model.grad_loss, "grad_loss", copied(args))
    if not isinstance(result, dict) or not result:
        raise DataError(
            "check_gradients: grad_loss must return a dict of gradients by parameter name, "
            f"received {type(result).__name__}"
        )
    if not all(isinstance(name, str) for name in result):
        raise DataError("check_gradients: the keys of grad_loss must be attribute names")
    missing = [name for name in result if name not in before]
    if missing:
        raise DataError(
            f"check_gradients: grad_loss returned {', '.join(missing)}, but the model has no such "
            f"array attribute; it has {', '.join(before)}"
        )
    notes = []
    if any(not np.array_equal(before[name], getattr(model, name)) for name in result):
        notes.append("grad_loss changed the parameters; it must only read them")
    for name in result:
        setattr(model, name, before[name] if notes else attributes[name])
    parameters = {name: _parameter(name, before[name]) for name in result}

    def on_model(method: str, values: Any, data: Any) -> Any:
        saved = dict(vars(model))
        try:
            vars(model).update(values)
            return getattr(model, method)(*data)
        finally:  # all attributes: a loss may store values that it computed
            vars(model).clear()
            vars(model).update(saved)

    def loss(values: Any, *data: Any) -> Any:
        return as_number(on_model("loss", values, data))

    def gradients(values: Any, *data: Any) -> dict[str, Any]:
        copies = {name: np.copy(value) for name, value in values.items()}
        computed = on_model("grad_loss", copies, copied(data))
        return {name: computed.get(name) for name in result}

    by_hand = {name: _array(name, value) for name, value in result.items()}
    names = _distinct(argument_names(model.loss, len(args)))
    return GradientProblem(loss, args, parameters, by_hand, notes, gradients, names, (model,))


def loss_value(problem: GradientProblem, exact: Gradients, data: tuple[Any, ...]) -> float:
    """Return the loss as a float.

    Raises
    ------
    DataError
        If the loss cannot be evaluated, or is not a finite number.
    """
    try:
        value = within_time(lambda: problem.loss(exact, *data), FIRST)
    except TooLong:
        raise DataError(
            f"check_gradients: the loss ran for {FIRST:g} s without an end; has it a loop that "
            "does not end? Otherwise check it on fewer samples"
        ) from None
    except (TypeError, ValueError, IndexError, KeyError) as error:
        if isinstance(error, ChainruleError):
            raise
        cause = " ".join(str(error).split())
        raise DataError(f"check_gradients: the loss cannot be evaluated: {cause}") from error
    if np.ndim(value) != 0 or not isinstance(value, int | float | np.number | np.ndarray):
        raise DataError(
            "check_gradients: the loss must be a single number, received "
            f"{type(value).__name__} of shape {np.shape(value)}"
        )
    if not np.isfinite(value):
        raise DataError(
            f"check_gradients: the loss is {value} at these parameters; check at others"
        )
    return float(value)


def batch_size(data: tuple[Any, ...]) -> int | None:
    """Return the number of samples; None for a single one, whose label has no axis."""
    arrays = [part for part in data if isinstance(part, np.ndarray) or is_batch(part)]
    shapes = [np.shape(leaf) for leaf in _parts(tuple(arrays) or data)]
    rows = [shape[0] for shape in shapes if shape]
    rows.sort(key=lambda size: -sum(size in shape for shape in shapes))  # the commonest size first
    if not rows or (len(shapes[0]) == 1 and shapes[1:2] == [()]):
        return None
    return int(rows[0])


def is_batch(part: Any) -> bool:
    """Return true if the items of a list are samples or steps: they are all of one form."""
    if not isinstance(part, list | tuple) or len(part) < 2 or hasattr(part, "_fields"):
        return False
    forms = {_form(item) for item in part}
    return len(forms) == 1 and forms != {None}


def _form(item: Any) -> Any:
    """Return the form that samples share: type and shape, and the forms of their parts."""
    if isinstance(item, np.ndarray):
        return np.ndarray, item.shape
    if isinstance(item, tuple):
        return tuple, tuple(map(_form, item))
    if isinstance(item, int | np.integer):
        return int
    return type(item) if isinstance(item, list | float | str | dict) else None


def _parts(data: Any) -> Iterator[Any]:
    """Yield arrays and numbers; for a list of samples a matrix with as many rows."""
    for part in data.values() if isinstance(data, dict) else data:
        if is_batch(part):
            yield np.empty((len(part), 1))
        elif isinstance(part, dict | list | tuple):
            yield from _parts(part)
        elif part is not None:
            yield part


def _distinct(names: list[str]) -> tuple[str, ...]:
    """Return the names of the data; ``data0``, ``data1``, ... if they are not distinct."""
    clashes = len(set(names)) < len(names) or "params" in names
    return tuple(f"data{i}" for i in range(len(names))) if clashes else tuple(names)


def _name(argument: str, path: tuple[str | int, ...]) -> str:
    """Return a parameter's name: its key in a flat dict, otherwise the path from the argument."""
    if len(path) == 1 and isinstance(path[0], str):
        return path[0]
    return path_text((argument, *path))


def _array(name: str, value: Any) -> Array | None:
    value = getattr(value, "value", value)  # a tensor's bare numbers
    if value is None:
        return None
    return np.array(
        as_floats(value, f"the gradient of {name}", "check_gradients")
    )  # it may be reused


def copied(args: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return copies of arguments; objects that cannot be copied are passed on."""
    return tuple(map(_copied, args))


def _copied(part: Any) -> Any:
    if type(part) is np.ndarray and part.dtype != object:
        return part.copy()
    if type(part) in (list, tuple):
        return type(part)(part if UNCHANGING.issuperset(map(type, part)) else map(_copied, part))
    if type(part) is dict:
        return {key: _copied(inner) for key, inner in part.items()}
    if part is None or isinstance(part, bool | int | float | str | np.number):
        return part
    try:
        return copy.deepcopy(part)
    except Exception:  # an open file, a lock, a generator
        return part


def _called(function: Callable[..., Any], name: str, args: tuple[Any, ...]) -> Any:
    try:
        return within_time(lambda: function(*args), FIRST)
    except TooLong:
        raise DataError(
            f"check_gradients: {name} ran for {FIRST:g} s without an end; has it a loop that does "
            "not end? Otherwise check it on fewer samples"
        ) from None
    except TypeError as error:
        if "argument" not in str(error):
            raise
        raise DataError(f"check_gradients: {name} cannot be called: {error}") from error


def _matched(result: Any, tree: Any, argument: str) -> dict[Any, Any]:
    """Return the parts of the gradient by the paths of the parameters.

    Raises
    ------
    DataError
        If the gradient does not have the structure of the parameters.
    """
    parts: dict[Any, Any] = {}
    for path, _ in leaves(tree):
        part = result
        for key in path:
            fits = (
                isinstance(part, dict)
                if isinstance(key, str)
                else isinstance(part, dict | list | tuple)
            )
            if not fits:
                raise DataError(
                    f"check_gradients: gradients must return the structure of {argument}, a "
                    f"{type(tree).__name__}; received a {type(result).__name__}"
                )
            try:
                part = part[key]
            except (KeyError, IndexError):
                part = None
                break
        parts[path] = part
    if not parts:
        raise DataError(f"check_gradients: {argument} holds no parameters")
    return parts


def _parameter(name: str, value: Any) -> Array:
    array = np.asarray(value)
    if array.dtype.kind not in "fiu":
        raise DataError(f"check_gradients: parameter {name} must hold numbers, it is {array.dtype}")
    if array.size == 0:
        raise DataError(f"check_gradients: parameter {name} is empty")
    return array if array.dtype.kind == "f" else array.astype(np.float64)
