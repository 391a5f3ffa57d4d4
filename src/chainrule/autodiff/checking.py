r"""Hold a gradient written by hand against automatic differentiation and central differences."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from chainrule.autodiff.diagnosis import Diagnosis, diagnose, ratio
from chainrule.autodiff.mistakes import Gradients, Mistake, Recording, at_kinks, without_epsilon
from chainrule.autodiff.names import argument_names
from chainrule.autodiff.report import GradientReport, ParameterCheck
from chainrule.autodiff.trees import leaves, map_leaves
from chainrule.errors import ChainruleError, DataError
from chainrule.validation import Array, as_floats, check_number

Parameters = Mapping[str, Array]
TOLERANCES = {np.dtype(np.float64): 1e-6, np.dtype(np.float32): 1e-3, np.dtype(np.float16): 5e-2}
MOST_ENTRIES = 400  # of a parameter that are checked by differences; drawn at random beyond


def numerical_gradients(
    loss: Callable[[Parameters], Any],
    parameters: Parameters,
    *,
    step: float = 1e-5,
    most: int | None = None,
) -> dict[str, Array]:
    r"""Gradient by central differences, two evaluations of the loss an entry.

    .. math:: \frac{\partial L}{\partial \theta_i} \approx
              \frac{L(\theta + \epsilon e_i) - L(\theta - \epsilon e_i)}{2 \epsilon}

    The truncation error is :math:`O(\epsilon^2)` and rounding adds about
    :math:`10^{-16} / \epsilon`, so steps near :math:`10^{-5}` are best in float64.

    Parameters
    ----------
    loss : callable
        Takes parameters by name and returns a number.
    parameters : mapping of str to ndarray
        Where to differentiate; copied, not changed.
    step : float, default 1e-5
    most : int, optional
        The most entries of a parameter to check, drawn at random; the others are NaN.

    Returns
    -------
    dict of str to ndarray of float64

    Examples
    --------
    >>> numerical_gradients(lambda p: (p["x"] ** 2).sum(), {"x": np.array([1.0, -3.0])})["x"]
    array([ 2., -6.])
    """
    moved = {name: np.array(value, dtype=np.float64) for name, value in parameters.items()}
    rng = np.random.default_rng(0)
    gradients = {}
    for name, value in moved.items():
        gradient = np.full(value.shape, np.nan)
        entries = np.arange(value.size)
        if most is not None and value.size > most:
            entries = rng.choice(value.size, most, replace=False)
        for entry in entries:
            index = np.unravel_index(entry, value.shape)
            kept = value[index]
            value[index] = kept + step
            above = loss(moved)
            value[index] = kept - step
            below = loss(moved)
            value[index] = kept
            gradient[index] = (above - below) / (2 * step)
        gradients[name] = gradient
    return gradients


def check_gradients(
    subject: Any,
    gradients: Callable[..., Any] | None = None,
    *,
    tolerance: float | None = None,
    step: float = 1e-5,
) -> Callable[..., GradientReport]:
    """Check a gradient that was derived by hand, and say what is wrong with it.

    Parameters
    ----------
    subject : callable or object
        A loss ``loss(params, *data)`` written in NumPy; or a model with the lab's methods
        ``loss(X, y)`` and ``grad_loss(x, y_true)`` and its parameters as attributes named by the
        gradient's keys. A model is left as it was.
    gradients : callable, optional
        For a loss: ``gradients(params, *data)``, returning the structure of ``params``.
    tolerance : float, optional
        The largest norm ratio that passes: 1e-6 for float64, 1e-3 for float32. Rounding alone
        gives about 1e-9 in float64, a real mistake 1e-3 and more.
    step : float, default 1e-5
        Step of the central differences.

    Returns
    -------
    callable
        ``check(*args)`` with the loss's arguments, or ``check(x, y)`` for a model; returns a
        `GradientReport`.

    Notes
    -----
    A bound on each entry would raise false alarms where the true value is near zero and rounding
    is all that is left; the ratio of norms weighs an error against the whole gradient. A gradient
    passes if it agrees with central differences or with automatic differentiation: at a kink the
    first, and not the gradient, may be wrong. It also passes, with a note, if it leaves out a small
    constant that the loss adds inside a logarithm.

    Examples
    --------
    >>> def loss(w, X, y):
    ...     return np.mean((X @ w - y) ** 2)
    >>> def my_gradient(w, X, y):
    ...     return 2 * X.T @ (X @ w - y)
    >>> rng = np.random.default_rng(0)
    >>> report = check_gradients(loss, my_gradient)(rng.normal(size=2), np.eye(3, 2), np.ones(3))
    >>> print(report.diagnoses[0])
    w: the average over the batch is missing: divide by 3, the number of samples
    """
    step = check_number(step, "step", "check_gradients", low=1e-12)
    if tolerance is not None:
        tolerance = check_number(tolerance, "tolerance", "check_gradients")
    if gradients is None and not (hasattr(subject, "loss") and hasattr(subject, "grad_loss")):
        raise DataError(
            "check_gradients: give a loss and its gradient, two functions, or a model with the "
            f"methods loss and grad_loss; received {type(subject).__name__} alone"
        )
    if gradients is not None and not (callable(subject) and callable(gradients)):
        raise DataError("check_gradients: loss and gradients must both be functions")

    def check(*args: Any) -> GradientReport:
        if gradients is None:
            problem = _model_problem(subject, args)
        else:
            problem = _function_problem(subject, gradients, args)
        return _report(problem, tolerance, step)

    return check


@dataclass
class _Problem:
    """A loss of named parameters, its gradient by hand, and the data it was taken at."""

    loss: Callable[..., Any]  # loss(parameters, *data)
    data: tuple[Any, ...]
    parameters: dict[str, Array]
    by_hand: dict[str, Array | None]
    notes: list[str]


def _function_problem(loss: Any, gradients: Any, args: tuple[Any, ...]) -> _Problem:
    if not args:
        raise DataError("check_gradients: give the loss's arguments, the parameters first")
    tree, data = args[0], args[1:]
    paths = dict(leaves(tree))
    argument = argument_names(loss, 1)[0]
    names = {path: _name(argument, path) for path in paths}
    parameters = {names[path]: _parameter(names[path], leaf) for path, leaf in paths.items()}
    given = copy.deepcopy(args)
    result = _called(gradients, "gradients", given)
    notes = []
    if any(
        not np.array_equal(a, b, equal_nan=True)
        for (_, a), (_, b) in zip(leaves(tree), leaves(given[0]), strict=False)
    ):
        notes.append("gradients() changed the parameters that it was given; it must only read them")
    found = _matched(result, tree, argument)
    if isinstance(result, dict) and set(result) - set(tree if isinstance(tree, dict) else ()):
        extra = ", ".join(map(str, set(result) - set(tree)))
        notes.append(f"the gradient holds {extra}, of which there is no parameter")
    by_hand = {names[path]: _array(names[path], found.get(path)) for path in paths}
    by_name = {path: names[path] for path in paths}

    def named_loss(parameters: Any, *data: Any) -> Any:
        order = iter(by_name.values())
        return loss(map_leaves(lambda _: parameters[next(order)], tree), *data)

    return _Problem(named_loss, data, parameters, by_hand, notes)


def _model_problem(model: Any, args: tuple[Any, ...]) -> _Problem:
    if isinstance(model, type) or not hasattr(model, "__dict__"):
        raise DataError(
            "check_gradients: give a model object that keeps its parameters as attributes"
        )
    kept = dict(vars(model))
    before = {
        name: np.copy(v)
        for name, v in kept.items()
        if isinstance(v, np.ndarray | np.number | int | float | list)
    }
    result = _called(model.grad_loss, "grad_loss", args)
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
        setattr(model, name, before[name] if notes else kept[name])
    parameters = {name: _parameter(name, before[name]) for name in result}

    def loss(values: Any, *data: Any) -> Any:
        saved = dict(vars(model))
        try:
            vars(model).update(values)
            return model.loss(*data)
        finally:  # all of it: a loss may keep what it computed
            vars(model).clear()
            vars(model).update(saved)

    by_hand = {name: _array(name, value) for name, value in result.items()}
    return _Problem(loss, args, parameters, by_hand, notes)


def _report(problem: _Problem, tolerance: float | None, step: float) -> GradientReport:
    exact = {name: value.astype(np.float64) for name, value in problem.parameters.items()}
    data = tuple(map_leaves(_exact, part) for part in problem.data)
    dtypes = {
        v.dtype for v in (*problem.parameters.values(), *problem.by_hand.values()) if v is not None
    }
    if tolerance is None:
        tolerance = max(TOLERANCES.get(dtype, 1e-6) for dtype in dtypes)

    value = _loss_value(problem, exact, data)
    numerical = numerical_gradients(
        lambda values: problem.loss(values, *data), exact, step=step, most=MOST_ENTRIES
    )
    if not all(
        np.isfinite(n[~np.isnan(n)]).all() and (~np.isnan(n)).any() for n in numerical.values()
    ):
        raise DataError(
            "check_gradients: the loss is NaN or infinite a small step from here; check at others"
        )
    # Rounding of the loss leaves this much in a difference; what is smaller is zero.
    floor = 10 * np.finfo(float).eps * max(1.0, abs(value)) / step
    recording, right, notes = _recorded(problem, exact, data)
    textbook = without_epsilon(recording) if recording else None
    checks = [
        _checked(
            name,
            problem.by_hand[name],
            right[name] if right else None,
            numerical[name],
            tolerance,
            floor,
        )
        for name in exact
    ]
    if textbook is not None and not all(check.passed for check in checks):
        lenient = [
            _checked(c.name, c.by_hand, textbook[c.name], textbook[c.name], tolerance, floor)
            for c in checks
        ]
        if all(check.passed for check in lenient):
            checks = [replace(check, passed=True) for check in checks]
            notes.append(
                "the loss adds a small constant inside its logarithm and the gradient leaves it "
                "out, as the textbook does: right, and the whole difference"
            )
    kinks = at_kinks(recording) if recording and not all(c.passed for c in checks) else None
    if kinks is not None:
        between = {c.name: _between(c.by_hand, [k[c.name] for k in kinks]) for c in checks}
        if all(check.passed or between[check.name] for check in checks):
            checks = [replace(check, passed=True) for check in checks]
            notes.append(
                "some values sit exactly on a kink (a tie, or 0 in relu or abs), where every slope "
                "between those of the two sides is right; this gradient takes one of them"
            )
    diagnoses: tuple[Diagnosis, ...] = ()
    wrong = [check.name for check in checks if not check.passed]
    if wrong:
        reference = right or numerical
        usable = all(np.isfinite(g).all() for g in reference.values())
        n = _batch_size(problem.data)
        if usable:
            single = list(_single_samples(problem, exact, data, n)) if recording else []
            diagnoses = diagnose(
                problem.by_hand, wrong, reference, recording, n, 10 * tolerance, single
            )
    return GradientReport(tuple(checks), tolerance, diagnoses, tuple(problem.notes + notes))


def _recorded(
    problem: _Problem, exact: dict[str, Array], data: tuple[Any, ...]
) -> tuple[Recording | None, Gradients | None, list[str]]:
    try:
        recording = Recording(lambda values: problem.loss(values, *data), exact)
        return recording, recording.gradients(), []
    except (ChainruleError, TypeError, ValueError, AttributeError, IndexError) as error:
        cause = " ".join(str(error).split())
        return None, None, [f"checked by differences alone, the loss could not be traced: {cause}"]


def _loss_value(problem: _Problem, exact: Gradients, data: tuple[Any, ...]) -> float:
    """Return the loss, or say why it is none."""
    try:
        value = problem.loss(exact, *data)
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


def _between(by_hand: Array | None, sides: list[Array]) -> bool:
    """Whether a gradient lies between two others, entry by entry."""
    if by_hand is None or by_hand.shape != sides[0].shape:
        return False
    low, high = np.minimum(*sides), np.maximum(*sides)
    slack = 1e-9 * (1 + np.abs(low) + np.abs(high))
    return bool(((by_hand >= low - slack) & (by_hand <= high + slack)).all())


def _checked(
    name: str,
    by_hand: Array | None,
    automatic: Array | None,
    numerical: Array,
    tolerance: float,
    floor: float,
) -> ParameterCheck:
    if by_hand is None or by_hand.shape != numerical.shape:
        return ParameterCheck(name, np.inf, np.inf, (), by_hand, automatic, numerical, False)
    known = ~np.isnan(numerical)
    against = ratio(by_hand[known], numerical[known])
    difference = np.where(known, np.abs(by_hand - numerical), -1.0)
    worst = tuple(int(i) for i in np.unravel_index(np.argmax(difference), numerical.shape))
    exact = None if automatic is None else ratio(by_hand, automatic)
    passed = against <= tolerance or (exact is not None and exact <= tolerance)
    # Where the gradient is zero up to rounding, the ratio of norms compares noise with noise.
    passed = passed or float(np.linalg.norm(by_hand[known] - numerical[known])) <= floor * np.sqrt(
        known.sum()
    )
    return ParameterCheck(name, against, exact, worst, by_hand, automatic, numerical, bool(passed))


def _single_samples(problem: _Problem, exact: Any, data: Any, n: int | None) -> Any:
    """Yield the gradients of parts of the batch: of those who overwrite instead of adding up."""
    if n is None or n < 2:
        return
    for part, kind, message in (
        (slice(n - 1, n), "last sample alone", "only the last sample counts: add up over the "
         "batch, += instead of ="),
        (slice(0, 1), "first sample alone", "only the first sample counts"),
        (slice(0, n - 1), "last sample left out", "the last sample is left out"),
        (slice(1, n), "first sample left out", "the first sample is left out"),
    ):  # fmt: skip

        def cut(leaf: Any, part: slice = part) -> Any:
            return leaf[part] if np.shape(leaf)[:1] == (n,) else leaf

        rows = tuple(map_leaves(cut, tree) for tree in data)
        try:
            recording = Recording(partial(_on_data, problem.loss, rows), exact)
        except (ChainruleError, TypeError, ValueError):
            return
        yield Mistake(kind, message, recording.gradients())


def _on_data(loss: Callable[..., Any], data: tuple[Any, ...], parameters: Any) -> Any:
    return loss(parameters, *data)


def _batch_size(data: tuple[Any, ...]) -> int | None:
    """Return the number of samples; None for a single one, whose label has no axis."""
    shapes = [np.shape(leaf) for _, leaf in leaves(data)]
    rows = [shape[0] for shape in shapes if shape]
    if not rows or (len(shapes[0]) == 1 and () in shapes[1:]):
        return None
    return int(rows[0])


def _name(argument: str, path: tuple[str | int, ...]) -> str:
    """Name a parameter: by its key alone where that says it all, else by the way to it."""
    if len(path) == 1 and isinstance(path[0], str):
        return path[0]
    return argument + "".join(f"[{part!r}]" for part in path)


def _array(name: str, value: Any) -> Array | None:
    value = getattr(value, "value", value)  # a tensor's bare numbers
    return None if value is None else as_floats(value, f"the gradient of {name}", "check_gradients")


def _called(function: Callable[..., Any], name: str, args: tuple[Any, ...]) -> Any:
    try:
        return function(*args)
    except TypeError as error:
        if "argument" not in str(error):
            raise
        raise DataError(f"check_gradients: {name} cannot be called: {error}") from error


def _matched(result: Any, tree: Any, argument: str) -> dict[Any, Any]:
    """Return the gradient's parts by the paths of the parameters, or say what is wrong with it."""
    found: dict[Any, Any] = {}
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
        found[path] = part
    if not found:
        raise DataError(f"check_gradients: {argument} holds no parameters")
    return found


def _parameter(name: str, value: Any) -> Array:
    array = np.asarray(value)
    if array.dtype.kind not in "fiu":
        raise DataError(f"check_gradients: parameter {name} must hold numbers, it is {array.dtype}")
    if array.size == 0:
        raise DataError(f"check_gradients: parameter {name} is empty")
    return array if array.dtype.kind == "f" else array.astype(np.float64)


def _exact(leaf: Any) -> Any:
    array = np.asarray(leaf)
    return array.astype(np.float64) if array.dtype.kind == "f" else leaf
