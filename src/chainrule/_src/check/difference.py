"""Comparison of two functions that should be equal; it finds the first one's mistake."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule._src.base.errors import DataError
from chainrule._src.base.escaping import element
from chainrule._src.base.showing import Shown
from chainrule._src.check.clock import Deadline, thread_seconds
from chainrule._src.check.code import codes_called
from chainrule._src.check.describing import diagnoses
from chainrule._src.check.diagnosis import Diagnosis
from chainrule._src.check.explain import NOT_ALL, SECONDS, first_unknown, unexplained
from chainrule._src.check.problem import batch_size, copied
from chainrule._src.check.quiet import alone, quiet
from chainrule._src.check.repair import repairs
from chainrule._src.check.right import RightProgram, right_value
from chainrule._src.check.sandbox import FAILURES, Sandbox
from chainrule._src.check.subject import FaultyProgram, ratio
from chainrule._src.core.trees import leaves
from chainrule._src.trace.arguments import argument_names

SAME = 1e-9  # the norm ratio up to which values differ by rounding alone


@dataclass(frozen=True, repr=False)
class DifferenceReport(Shown):
    """The comparison of two functions' values; ``print`` shows it as text.

    Attributes
    ----------
    value, right : ndarray
        The function's value, and that of the reference.
    diagnoses : tuple of Diagnosis
        The mistakes in the function, if the values differ.
    """

    value: Any
    right: Any
    diagnoses: tuple[Diagnosis, ...] = ()

    @property
    def passed(self) -> bool:
        """True if the values are equal up to rounding."""
        return not self.diagnoses

    def __str__(self) -> str:
        if self.passed:
            return "both give the same"
        texts = (np.array2string(np.asarray(v), threshold=6, precision=6)
                 for v in (self.value, self.right))  # fmt: skip
        value, right = (" ".join(text.split()) for text in texts)
        lines = [f"the values differ: {value}, it must be {right}"]
        return "\n".join([*lines, *(f"  • {d}" for d in self.diagnoses)])

    def _repr_html_(self) -> str:
        return element("pre", self)


def explain_difference(
    function: Callable[..., Any], reference: Callable[..., Any]
) -> Callable[..., DifferenceReport]:
    """Compare two NumPy functions that should be equal, and name the mistake in the first.

    Parameters
    ----------
    function : callable
        The function that may be wrong.
    reference : callable
        The right function, with the same arguments.

    Returns
    -------
    callable
        ``compare(*args)`` with the functions' arguments; it returns a `DifferenceReport`.

    Raises
    ------
    DataError
        If one of them is no function, or does not return an array of numbers.

    Examples
    --------
    >>> def sigmoid(z):
    ...     return 1 / (1 + np.exp(z))
    >>> def reference(z):
    ...     return 1 / (1 + np.exp(-z))
    >>> report = explain_difference(sigmoid, reference)(np.array([-1.0, 0.5, 2.0]))
    >>> print(report.diagnoses[0].what)
    the sign is wrong: -z (minus for plus, or the other way round)
    """
    if not (callable(function) and callable(reference)):
        raise DataError("explain_difference: give two functions, the one in question first")
    return lambda *args: _report(function, reference, args, "explain_difference")


def check_loss(
    loss: Callable[..., Any], reference: Callable[..., Any]
) -> Callable[..., DifferenceReport]:
    """Compare a loss that was written by hand with a right one, and name the mistake.

    Like `explain_difference`, for functions that return a single number. It finds, for example, a
    softmax without its sum, a sum in place of a mean, or a wrong sign in a sigmoid.

    Parameters
    ----------
    loss : callable
        The loss that may be wrong.
    reference : callable
        The right loss, with the same arguments.

    Returns
    -------
    callable
        ``check(*args)`` with the functions' arguments; it returns a `DifferenceReport`.

    Raises
    ------
    DataError
        If one of them is no function, or does not return a single number.

    Examples
    --------
    >>> def loss(w, X, y):
    ...     return np.sum((X @ w - y) ** 2)
    >>> def reference(w, X, y):
    ...     return np.mean((X @ w - y) ** 2)
    >>> X = np.array([[1.0, 2.0], [0.5, -1.0], [2.0, 0.0]])
    >>> report = check_loss(loss, reference)(np.ones(2), X, np.zeros(3))
    >>> print(report.diagnoses[0].what)
    a sum stands where the average (mean) over the batch belongs: np.mean((X @ w - y) ** 2)
    """
    if not (callable(loss) and callable(reference)):
        raise DataError("check_loss: give two functions, the loss in question first")

    def check(*args: Any) -> DifferenceReport:
        return _report(loss, reference, args, "check_loss", scalar=True)

    return check


def _report(
    function: Any, reference: Any, args: tuple[Any, ...], caller: str, scalar: bool = False
) -> DifferenceReport:
    with alone:  # a check may have replaced the code of a function that is called here
        value = _value(function, args, caller)
        right = _value(reference, args, caller)
    for name, result in (("the function", value), ("the reference", right)):
        if scalar and np.ndim(result):
            raise DataError(f"{caller}: {name} must return a single number, got {np.shape(result)}")
    if not np.isfinite(right).all():
        raise DataError(f"{caller}: the reference is NaN or infinite here; compare at others")
    if value.shape == right.shape and ratio(value, right) <= SAME:
        return DifferenceReport(value, right)
    return DifferenceReport(value, right, _explained(function, reference, args, right))


def _value(function: Any, args: tuple[Any, ...], caller: str) -> Any:
    value = function(*copied(args))
    try:
        if np.asarray(value).dtype.kind in "fiub":
            return np.asarray(value, np.float64)
        raise TypeError
    except (TypeError, ValueError):
        raise DataError(
            f"{caller}: the functions must return arrays of real numbers, "
            f"got {type(value).__name__}"
        ) from None


def _explained(
    function: Any, reference: Any, args: tuple[Any, ...], right: Any
) -> tuple[Diagnosis, ...]:
    n = batch_size(args) if any(np.ndim(leaf) for _, leaf in leaves(args)) else None

    deadline = Deadline(SECONDS)
    where = None
    with quiet((function,)), Sandbox((function, reference, *args), SECONDS, deadline) as sandbox:

        def call() -> dict[str, Any]:
            results: dict[str, Any] = sandbox.run(lambda: {"value": function(*copied(args))})
            return results

        try:
            codes = codes_called(call)
            sandbox.keep(f for code in codes for f in code.functions)
            seconds = thread_seconds(call)
            program = _program(reference, args, n, sandbox)
            expected = {"value": right}
            subject = FaultyProgram(codes, call, expected, program, n, deadline) if codes else None
        except FAILURES:  # code that counts its calls, or takes long
            subject = None
        if subject is not None:
            sandbox.seconds = 0.1 + 20 * seconds
            candidates = repairs(subject)
            if candidates:
                return diagnoses(subject, candidates)
            where = first_unknown(subject)
    what = unexplained(deadline, f"{NOT_ALL} the right value")
    return (Diagnosis("not explained", what, ("value",), where, certain=False),)


def _program(
    reference: Any, args: tuple[Any, ...], n: int | None, sandbox: Sandbox
) -> RightProgram | None:
    names = argument_names(reference, len(args))
    arguments = dict(zip(names, args, strict=True))
    try:
        program: RightProgram = sandbox.run(lambda: right_value(reference, arguments, n))
    except FAILURES:  # the code does something that tensors do not support
        return None
    return program
